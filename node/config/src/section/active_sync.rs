//! Limits of ActiveSync.

use std::ops::RangeInclusive;

use crate::section::section;

section! {
    /// Limits of Exchange ActiveSync, which organisations open for their phones.
    ActiveSync = "active_sync" {
        /// One request, a mail that is sent with it included.
        request_octets_max: usize = 50 * 1024 * 1024, "octets", "65536 to 1073741824", "restart";
        /// Mails and texts in one answer, about; the rest comes with the next one.
        response_octets_max: usize = 8 * 1024 * 1024, "octets", "65536 to 1073741824", "restart";
        /// One body in an answer, longer ones are cut as for a device that asks for less; and all that is fetched at once.
        body_octets_max: usize = 32 * 1024 * 1024, "octets", "65536 to 1073741824", "restart";
        /// Phones of one account.
        devices_max: usize = 20, "phones", "1 to 900", "restart";
        /// Requests of one account at the same time, those that wait for news included.
        requests_max: usize = 16, "requests", "1 to 10000", "restart";
        /// Changes of one folder in one answer.
        window_max: usize = 512, "changes", "1 to 10000", "restart";
        /// Folders in one Sync or Ping.
        collections_max: usize = 300, "folders", "1 to 1000", "restart";
        /// Changes of one folder by the phone in one request.
        commands_max: usize = 512, "changes", "1 to 10000", "restart";
        /// People or mails in one answer to a search.
        results_max: usize = 100, "results", "1 to 1000", "restart";
        /// Mails that one search finds, the newest first.
        found_max: usize = 1_000, "mails", "1 to 100000", "restart";
        /// Shortest time that a phone may let an answer wait for news.
        wait_secs_min: u64 = 60, "seconds", "1 to 3540", "restart";
        /// Longest time.
        wait_secs_max: u64 = 3_540, "seconds", "1 to 3540", "restart";
    }
}

impl ActiveSync {
    /// Each setting with its value and what it may be.
    pub(crate) fn bounds(&self) -> [(&'static str, u64, RangeInclusive<u64>); 12] {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let octets = 65_536..=1_073_741_824;
        [
            (
                "active_sync.request_octets_max",
                number(self.request_octets_max),
                octets.clone(),
            ),
            (
                "active_sync.response_octets_max",
                number(self.response_octets_max),
                octets.clone(),
            ),
            ("active_sync.body_octets_max", number(self.body_octets_max), octets),
            ("active_sync.devices_max", number(self.devices_max), 1..=900),
            ("active_sync.requests_max", number(self.requests_max), 1..=10_000),
            ("active_sync.window_max", number(self.window_max), 1..=10_000),
            ("active_sync.collections_max", number(self.collections_max), 1..=1_000),
            ("active_sync.commands_max", number(self.commands_max), 1..=10_000),
            ("active_sync.results_max", number(self.results_max), 1..=1_000),
            ("active_sync.found_max", number(self.found_max), 1..=100_000),
            (
                "active_sync.wait_secs_min",
                self.wait_secs_min,
                1..=self.wait_secs_max.clamp(1, 3_540),
            ),
            ("active_sync.wait_secs_max", self.wait_secs_max, 1..=3_540),
        ]
    }
}
