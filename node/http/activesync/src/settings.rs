//! The named limits of ActiveSync.

use std::time::Duration;

use hongyan_delivery::VACATION_CHARACTERS_MAX;

/// Limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveSyncSettings {
    /// Octets of a request, a mail to be sent with it.
    pub request_octets_max: usize,
    /// Octets of mails and texts in one answer of Sync, about; the rest comes with the next one.
    pub response_octets_max: usize,
    /// Octets of one body or attachment that is held in memory, and of all that one ItemOperations fetches.
    pub body_octets_max: usize,
    /// Devices of one account.
    pub devices_max: usize,
    /// Requests of one account at the same time, those that wait for news too.
    pub requests_max: usize,
    /// Changes in one answer of Sync for one folder.
    pub window_max: usize,
    /// Folders in one Sync or Ping.
    pub collections_max: usize,
    /// Changes by the client in one Sync for one folder.
    pub commands_max: usize,
    /// Results in one answer of Search, Find or ResolveRecipients.
    pub results_max: usize,
    /// Mails that are found by one search, the newest first.
    pub found_max: usize,
    /// Characters of the answer while the member is away.
    pub absence_characters_max: usize,
    /// Shortest time that a Ping or a Sync waits.
    pub wait_min: Duration,
    /// Longest time.
    pub wait_max: Duration,
    /// How long a mailbox may take to answer.
    pub ask_timeout: Duration,
}

impl Default for ActiveSyncSettings {
    fn default() -> Self {
        Self {
            request_octets_max: 50 * 1024 * 1024,
            response_octets_max: 8 * 1024 * 1024,
            body_octets_max: 32 * 1024 * 1024,
            devices_max: 20,
            requests_max: 16,
            window_max: 512,
            collections_max: 300,
            commands_max: 512,
            results_max: 100,
            found_max: 1_000,
            absence_characters_max: VACATION_CHARACTERS_MAX,
            wait_min: Duration::from_secs(60),
            wait_max: Duration::from_secs(59 * 60),
            ask_timeout: Duration::from_secs(30),
        }
    }
}
