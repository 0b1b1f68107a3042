//! Limits of migrations, as settings.

use std::time::Duration;

use hongyan_types::AddressRanges;
use rustls_pki_types::CertificateDer;

/// Named limits, and whom to trust.
#[derive(Debug, Clone)]
pub struct MigrationOptions {
    /// Internal networks that sources may be in. Others than these and public addresses are refused.
    pub networks: AddressRanges,
    /// Certificates of authorities that are trusted besides the public ones.
    pub roots: Vec<CertificateDer<'static>>,
    /// Sources without TLS are allowed.
    pub clear_allowed: bool,
    /// Connections that one migration has to its source.
    pub jobs_per_source_max: usize,
    /// Connections that a node has to all sources.
    pub jobs_per_node_max: usize,
    /// Migrations of a tenant that have not ended.
    pub open_per_tenant_max: usize,
    /// How long members and administrators may give passwords, and new accounts come in (MIG-1).
    pub accept_for: Duration,
    /// Time for a connection and its TLS handshake.
    pub connect_timeout: Duration,
    /// Longest silence of a source that is asked something.
    pub answer_timeout: Duration,
    /// Octets of one response of a source that are held.
    pub response_octets_max: usize,
    /// Octets of all that a source answers to one command, beside mails.
    pub answer_octets_max: u64,
    /// Folders that a source may list.
    pub folders_max: usize,
    /// Messages that a folder or maildrop of a source may have.
    pub messages_per_folder_max: u32,
    /// Octets of a message; a longer one is listed and skipped.
    pub message_octets_max: u64,
    /// Octets of messages that are fetched together.
    pub batch_octets_max: u64,
    /// Messages that are fetched together.
    pub batch_messages_max: usize,
    /// Failures of an account that are listed.
    pub troubles_per_account_max: u64,
    /// First pause after a source did not answer; each further one is twice as long.
    pub retry_min: Duration,
    /// Longest pause.
    pub retry_max: Duration,
    /// Pause of an account whose mailbox is full.
    pub full_pause: Duration,
    /// An account whose source does not answer for so long is given up.
    pub give_up_after: Duration,
    /// How often a node looks after the migrations that are with it.
    pub look_period: Duration,
    /// Rows of a list of passwords.
    pub password_rows_max: usize,
    /// Octets of a list of passwords.
    pub password_file_octets_max: usize,
}

impl Default for MigrationOptions {
    fn default() -> Self {
        let day = 24 * 3600;
        Self {
            networks: AddressRanges::default(),
            roots: Vec::new(),
            clear_allowed: false,
            jobs_per_source_max: 4,
            jobs_per_node_max: 16,
            open_per_tenant_max: 10,
            accept_for: Duration::from_secs(30 * day),
            connect_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(120),
            response_octets_max: 128 * 1_024,
            answer_octets_max: 32 << 20,
            folders_max: 5_000,
            messages_per_folder_max: 5_000_000,
            message_octets_max: 100 << 20,
            batch_octets_max: 4 << 20,
            batch_messages_max: 25,
            troubles_per_account_max: 1_000,
            retry_min: Duration::from_secs(30),
            retry_max: Duration::from_secs(6 * 3600),
            full_pause: Duration::from_secs(3600),
            give_up_after: Duration::from_secs(14 * day),
            look_period: Duration::from_secs(1),
            password_rows_max: 10_000,
            password_file_octets_max: 4 << 20,
        }
    }
}
