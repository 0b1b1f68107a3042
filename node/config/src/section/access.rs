//! Sign-in.

use crate::section::section;

section! {
    /// Costs and limits of signing in.
    Access = "access" {
        /// Memory of one argon2id hash.
        argon2_memory_kib: u32 = 19 * 1024, "KiB", "8 to 1048576", "restart; stored hashes keep theirs";
        /// Passes over that memory.
        argon2_passes: u32 = 2, "passes", "1 to 100", "restart; stored hashes keep theirs";
        /// PBKDF2 rounds of SCRAM-SHA-256 keys made from now on.
        scram_iterations: u32 = 10_000, "rounds", "4096 to 10000000", "restart; stored keys keep theirs";
        /// Hashes computed at the same time.
        hashing_threads_max: usize = 4, "threads", "1 to 256", "restart";
        /// Sign-ins that may wait for a hash before more are refused for now.
        hashing_waiting_max: usize = 1_000, "sign-ins", "1 to 100000", "restart";
        /// How long a verified password is remembered, as a keyed hash, so that returning clients are cheap.
        remembered_secs: u64 = 600, "seconds", "0 to 86400", "restart";
        /// Failures of one account, on all nodes together, before it is locked.
        account_failures_max: u32 = 10, "failures", "1 to 10000", "restart";
        /// Failures from one address (IPv6: one /64), on all nodes together, before it is locked.
        address_failures_max: u32 = 100, "failures", "1 to 100000", "restart";
        /// Time over which failures count together.
        failure_window_secs: u64 = 300, "seconds", "1 to 86400", "restart";
        /// How long a lock holds.
        lockout_secs: u64 = 300, "seconds", "1 to 86400", "restart";
        /// Sessions of one account at the same time on one node, over all protocols.
        sessions_per_account_max: u32 = 30, "sessions", "1 to 100000", "restart";
        /// App passwords an account may have.
        app_passwords_per_account_max: usize = 20, "app passwords", "1 to 100", "restart";
        /// Time after which a further use of an app password is noted.
        app_password_use_secs: u64 = 300, "seconds", "1 to 86400", "restart";
        /// Characters a new password needs.
        password_characters_min: usize = 8, "characters", "6 to 128", "restart";
        /// Characters a new password may have.
        password_characters_max: usize = 32, "characters", "password_characters_min to 256", "restart";
        /// Whether a new password needs upper and lower case letters and digits. Account data and common passwords are refused
        /// in any case.
        password_mixed: bool = true, "", "true or false", "restart";
    }
}
