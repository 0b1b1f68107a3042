//! Every bound of a session, by name. Exceeding one is a reply or a clean close, never growth.

use std::time::Duration;

/// Bounds of a server session.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest command line with CRLF. RFC 5321 §4.5.3.1.4 asks for 512 and more for extensions.
    pub command_line_octets_max: usize,
    /// Longest line of an AUTH exchange (RFC 4954 §4).
    pub auth_line_octets_max: usize,
    /// Largest message; announced by SIZE.
    pub message_octets_max: u64,
    /// Accepted recipients a message; the next ones get 452 (RFC 5321 §4.5.3.1.10). Announced by LIMITS (RFC 9422).
    pub recipients_max: u32,
    /// What the two are called in refusals, and who set them.
    pub names: LimitNames,
    /// Messages a connection; 0 is no limit. Announced by LIMITS.
    pub messages_max: u32,
    /// Faults of syntax and order until the connection is closed.
    pub errors_max: u32,
    /// Refused senders, recipients and sign-ins until the connection is closed.
    pub refusals_max: u32,
    /// Silence between commands (RFC 5321 §4.5.3.2.7).
    pub command_timeout: Duration,
    /// Silence inside a message.
    pub data_timeout: Duration,
    /// A whole message, however steadily it drips.
    pub message_timeout: Duration,
    /// What FUTURERELEASE announces (RFC 4865 §4): seconds and a date; not offered when absent.
    pub future_release: Option<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_line_octets_max: 4096,
            auth_line_octets_max: 12_288,
            message_octets_max: 100 << 20,
            recipients_max: 1000,
            names: LimitNames::default(),
            messages_max: 0,
            errors_max: 20,
            refusals_max: 1000,
            command_timeout: Duration::from_secs(300),
            data_timeout: Duration::from_secs(300),
            message_timeout: Duration::from_secs(3600),
            future_release: None,
        }
    }
}

/// What refusals call the limits that differ from member to member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitNames {
    /// [`Limits::message_octets_max`].
    pub message_octets: String,
    /// [`Limits::recipients_max`].
    pub recipients: String,
}

impl Default for LimitNames {
    fn default() -> Self {
        Self {
            message_octets: "message_octets_max".to_owned(),
            recipients: "recipients_per_message_max".to_owned(),
        }
    }
}

/// Bounds of a client session (RFC 5321 §4.5.3.2).
#[derive(Debug, Clone)]
pub struct ClientLimits {
    /// Longest reply line.
    pub reply_line_octets_max: usize,
    /// Lines of one reply.
    pub reply_lines_max: usize,
    /// Until the greeting.
    pub greeting_timeout: Duration,
    /// EHLO, MAIL, RCPT, AUTH, RSET.
    pub command_timeout: Duration,
    /// DATA until 354.
    pub data_start_timeout: Duration,
    /// Between blocks of data that the server takes.
    pub data_block_timeout: Duration,
    /// The final dot: the longest, because giving up early doubles mail.
    pub data_end_timeout: Duration,
    /// QUIT.
    pub quit_timeout: Duration,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            reply_line_octets_max: 4096,
            reply_lines_max: 256,
            greeting_timeout: Duration::from_secs(300),
            command_timeout: Duration::from_secs(300),
            data_start_timeout: Duration::from_secs(120),
            data_block_timeout: Duration::from_secs(180),
            data_end_timeout: Duration::from_secs(600),
            quit_timeout: Duration::from_secs(10),
        }
    }
}
