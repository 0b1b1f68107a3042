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
        /// How far the clock of a device that shows codes may be off, either way.
        totp_drift_secs: u32 = 120, "seconds", "0 to 600", "restart";
        /// Wrong codes of one account in `code_failure_window_secs` before no more are looked at.
        code_failures_max: u32 = 30, "codes", "1 to 10000", "restart";
        /// Time over which wrong codes count together.
        code_failure_window_secs: u64 = 86_400, "seconds", "1 to 604800", "restart";
        /// How long a session of the web client lasts at most.
        web_session_secs_max: u64 = 2_592_000, "seconds", "60 to 31536000", "restart; running sessions keep theirs";
        /// How long a session of the web client lasts that is not used.
        web_idle_secs: u64 = 259_200, "seconds", "60 to 31536000", "restart";
        /// Web sessions of one account; the one used least lately makes room for another.
        web_sessions_per_account_max: usize = 50, "sessions", "1 to 1000", "restart";
        /// How long a sign-in waits for its confirmation on another device.
        approval_secs: u64 = 120, "seconds", "30 to 600", "restart";
        /// Confirmations on other devices that may be asked for in an hour, for one account.
        approvals_per_hour_max: u32 = 10, "confirmations", "1 to 1000", "restart";
        /// How long a code is good that is sent to a phone or a recovery mailbox.
        sent_code_secs: u64 = 600, "seconds", "60 to 3600", "restart";
        /// Codes sent in a day to one phone, and likewise to one recovery mailbox; half of them to whoever has not signed in.
        sent_codes_per_day_max: u32 = 10, "codes", "1 to 1000", "restart";
        /// Codes that may be asked for in an hour from one address (IPv6: one /64) without being signed in, on one node.
        guest_codes_per_address_max: u32 = 20, "codes", "1 to 100000", "restart";
        /// How long a device is trusted that need not show the second factor.
        trusted_device_days: u32 = 90, "days", "0 (none is trusted) to 365", "restart; devices that are trusted keep theirs";
        /// Devices of one account that are trusted; the one used least lately makes room for another.
        trusted_devices_max: usize = 20, "devices", "0 to 100", "restart";
        /// Passkeys an account may have.
        passkeys_per_account_max: usize = 20, "passkeys", "0 to 30", "restart";
        /// How long somebody has to use a passkey that is asked for.
        passkey_challenge_secs: u64 = 300, "seconds", "30 to 3600", "restart";
        /// How long the proof of who one is counts as fresh, for what is delicate.
        fresh_proof_secs: u64 = 600, "seconds", "30 to 86400", "restart";
        /// How long an access token of a mail client (OAuth) is good.
        oauth_access_secs: u64 = 3_600, "seconds", "60 to 86400", "restart; tokens that are out keep theirs";
        /// How long a mail client that was let in (OAuth) and does not come stays let in.
        oauth_grant_idle_secs: u64 = 7_776_000, "seconds", "3600 to 31536000", "restart; counts from its next use";
        /// Mail clients of one account that are let in (OAuth); the one used least lately makes room for another.
        oauth_grants_per_account_max: usize = 50, "clients", "1 to 1000", "restart";
        /// Time after which a further success of one account, protocol and address is written to the login log.
        login_log_repeat_secs: u64 = 600, "seconds", "0 (each) to 86400", "restart";
        /// Characters a new password needs.
        password_characters_min: usize = 8, "characters", "6 to 128", "restart";
        /// Characters a new password may have.
        password_characters_max: usize = 32, "characters", "password_characters_min to 256", "restart";
        /// Whether a new password needs upper and lower case letters and digits. Account data and common passwords are refused
        /// in any case.
        password_mixed: bool = true, "", "true or false", "restart";
    }
}
