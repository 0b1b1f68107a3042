//! Named limits and facts of a server session. `node/session/imap` fills them from the configuration.

use std::time::Duration;

/// What a client may use of the server; exceeding a limit is answered, never fatal to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest command with its literals, in octets; APPEND's messages do not count. Longer is `BAD [TOOBIG]`.
    pub command_octets_max: usize,
    /// The same before login.
    pub command_octets_max_before_login: usize,
    /// Longest literal other than an appended message, in octets.
    pub literal_octets_max: u64,
    /// Longest appended message in octets: APPENDLIMIT (RFC 7889).
    pub append_octets_max: u64,
    /// What refusals call that limit, and who set it.
    pub append_limit_name: String,
    /// How many octets of a refused command are read and dropped before the connection is closed instead.
    pub discard_octets_max: u64,
    /// Deepest nesting of search keys.
    pub search_depth_max: usize,
    /// Most search keys in one command.
    pub search_keys_max: usize,
    /// Most body sections in one FETCH.
    pub fetch_sections_max: usize,
    /// Most header names in one section.
    pub header_fields_max: usize,
    /// Most numbers in a part specifier such as `1.2.3`.
    pub part_depth_max: usize,
    /// Most ranges in one sequence set.
    pub set_ranges_max: usize,
    /// Most flags in one list.
    pub flags_max: usize,
    /// Longest mailbox name in octets of UTF-8.
    pub mailbox_name_octets_max: usize,
    /// Largest piece of an appended message handed out at once, in octets.
    pub data_chunk_octets_max: usize,
    /// The caller sends what is there before it writes more once this many octets of output wait.
    pub output_octets_high: usize,
    /// Commands in a row that may be wrong before the connection is closed.
    pub bad_commands_max: u32,
    /// How long a client may take to log in.
    pub login_timeout: Duration,
    /// How long a client may say nothing after login (RFC 9051 §5.4: at least 30 minutes).
    pub inactivity_timeout: Duration,
    /// How often an idling client hears "Still here".
    pub idle_keep_alive: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_octets_max: 64 * 1024,
            command_octets_max_before_login: 8 * 1024,
            literal_octets_max: 32 * 1024,
            append_octets_max: 100 * 1024 * 1024,
            append_limit_name: "message_octets_max".to_owned(),
            discard_octets_max: 256 * 1024 * 1024,
            search_depth_max: 64,
            search_keys_max: 1_000,
            fetch_sections_max: 64,
            header_fields_max: 256,
            part_depth_max: 100,
            set_ranges_max: 16_384,
            flags_max: 256,
            mailbox_name_octets_max: 1_024,
            data_chunk_octets_max: 64 * 1024,
            output_octets_high: 64 * 1024,
            bad_commands_max: 50,
            login_timeout: Duration::from_secs(60),
            inactivity_timeout: Duration::from_secs(31 * 60),
            idle_keep_alive: Duration::from_secs(4 * 60),
        }
    }
}

/// Facts about the connection that decide what is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Limits.
    pub limits: Limits,
    /// Text of the greeting after the capabilities.
    pub greeting: String,
    /// SASL mechanisms offered now, in order of preference.
    pub mechanisms: Vec<String>,
    /// STARTTLS is offered: the connection is plain and there is a certificate.
    pub starttls: bool,
    /// LOGIN and PLAIN are refused until TLS is active (RFC 9051 §6.2.3).
    pub login_disabled: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            greeting: "Hongyan ready".to_owned(),
            mechanisms: vec!["PLAIN".to_owned()],
            starttls: false,
            login_disabled: false,
        }
    }
}
