//! Costs and limits of signing in, as settings.

use std::time::Duration;

/// Named settings of sign-in.
#[derive(Debug, Clone)]
pub struct AccessOptions {
    /// Memory of one argon2id hash, in KiB.
    pub argon2_memory_kib: u32,
    /// Passes over that memory.
    pub argon2_passes: u32,
    /// PBKDF2 rounds of new SCRAM keys (RFC 7677 §4: at least 4,096).
    pub scram_iterations: u32,
    /// Hashes computed at the same time.
    pub hashing_threads_max: usize,
    /// Sign-ins that may wait for a hash; the next is refused for now.
    pub hashing_waiting_max: usize,
    /// How long a verified password is remembered, in seconds.
    pub remembered_secs: u64,
    /// How many verified passwords are remembered.
    pub remembered_entries_max: usize,
    /// Failures of one account name, on all nodes together, in `failure_window_secs` before it is locked.
    pub account_failures_max: u32,
    /// Failures from one address (IPv6: one /64), on all nodes together, in `failure_window_secs` before it is locked.
    pub address_failures_max: u32,
    /// Time over which failures count together, in seconds.
    pub failure_window_secs: u64,
    /// How long a lock holds, in seconds.
    pub lockout_secs: u64,
    /// Account names and addresses with failures that are kept; beyond it the oldest windows are forgotten.
    pub failure_entries_max: usize,
    /// Whether limits also hold for connections from this machine.
    pub limit_loopback: bool,
    /// Sessions an account may have at the same time on one node, over all protocols.
    pub sessions_per_account_max: u32,
    /// App passwords an account may have.
    pub app_passwords_per_account_max: usize,
    /// Time after which a further use of an app password is noted, in seconds.
    pub app_password_use_secs: u64,
    /// How far the clock of a device that shows codes may be off, either way, in seconds (AUTH-17).
    pub totp_drift_secs: u32,
    /// Wrong codes of an account in `code_failure_window_secs` before no more are looked at.
    pub code_failures_max: u32,
    /// Time over which wrong codes count together, in seconds.
    pub code_failure_window_secs: u64,
    /// How long a web session lasts at most, in seconds.
    pub web_session_secs_max: u64,
    /// How long a web session lasts that is not used, in seconds.
    pub web_idle_secs: u64,
    /// Web sessions an account may have; the one used least lately makes room.
    pub web_sessions_per_account_max: usize,
    /// How long a sign-in waits for its confirmation on another device, in seconds (AUTH-18).
    pub approval_secs: u64,
    /// Confirmations that may be asked for in an hour, for an account.
    pub approvals_per_hour_max: u32,
    /// How long a code that is sent to a phone or a mailbox is good, in seconds.
    pub sent_code_secs: u64,
    /// Codes sent in a day to one phone, and likewise to one recovery mailbox (AUTH-22); half of them to whoever has not signed in.
    pub sent_codes_per_day_max: usize,
    /// Codes that may be asked for in an hour from one address (IPv6: one /64) without being signed in, on one node.
    pub guest_codes_per_address_max: u32,
    /// How long a device is trusted, in days; 0 trusts none (AUTH-19).
    pub trusted_device_days: u32,
    /// Devices an account may trust; the one used least lately makes room.
    pub trusted_devices_max: usize,
    /// How long a proof is fresh enough for what is delicate, in seconds (AUTH-25).
    pub fresh_proof_secs: u64,
    /// Where browsers find the web client: `https://`, the host, and its port where it is not 443. Passkeys belong to it.
    pub web_origin: String,
    /// Passkeys an account may have.
    pub passkeys_per_account_max: usize,
    /// How long somebody has to use a passkey, in seconds.
    pub passkey_challenge_secs: u64,
    /// How long a mail client has to show the code that a browser carries to it, in seconds.
    pub oauth_code_secs: u64,
    /// How long a member has to let a device in, in seconds.
    pub oauth_device_secs: u64,
    /// Devices that may begin from one address (IPv6: one /64) in that time, on one node.
    pub oauth_devices_per_address_max: u32,
    /// How long an access token is good, in seconds.
    pub oauth_access_secs: u64,
    /// How long what a client was granted lasts that does not use it, in seconds.
    pub oauth_grant_idle_secs: u64,
    /// Clients that an account may have let in; the one used least lately makes room.
    pub oauth_grants_per_account_max: usize,
    /// Time after which a success of the same kind is kept again, in seconds.
    pub login_log_repeat_secs: u64,
    /// How long another node may take to answer for its sessions.
    pub elsewhere_timeout: Duration,
    /// Characters a new password needs.
    pub password_characters_min: usize,
    /// Characters a new password may have.
    pub password_characters_max: usize,
    /// Whether a new password needs upper and lower case letters and digits.
    pub password_mixed: bool,
}

impl Default for AccessOptions {
    fn default() -> Self {
        Self {
            // OWASP's second choice for argon2id: 19 MiB, 2 passes, 1 lane.
            argon2_memory_kib: 19 * 1024,
            argon2_passes: 2,
            scram_iterations: hongyan_sasl::ITERATIONS_DEFAULT,
            hashing_threads_max: 4,
            hashing_waiting_max: 1_000,
            remembered_secs: 600,
            remembered_entries_max: 100_000,
            account_failures_max: 10,
            address_failures_max: 100,
            failure_window_secs: 300,
            lockout_secs: 300,
            failure_entries_max: 100_000,
            limit_loopback: true,
            sessions_per_account_max: 30,
            app_passwords_per_account_max: 20,
            app_password_use_secs: 300,
            totp_drift_secs: 120,
            code_failures_max: 30,
            code_failure_window_secs: 24 * 3600,
            web_session_secs_max: 30 * 24 * 3600,
            web_idle_secs: 3 * 24 * 3600,
            web_sessions_per_account_max: 50,
            approval_secs: 120,
            approvals_per_hour_max: 10,
            sent_code_secs: 600,
            sent_codes_per_day_max: 10,
            guest_codes_per_address_max: 20,
            trusted_device_days: 90,
            trusted_devices_max: 20,
            fresh_proof_secs: 600,
            web_origin: "https://localhost".to_owned(),
            passkeys_per_account_max: 20,
            passkey_challenge_secs: 300,
            oauth_code_secs: 60,
            oauth_device_secs: 600,
            oauth_devices_per_address_max: 30,
            oauth_access_secs: 3600,
            oauth_grant_idle_secs: 90 * 24 * 3600,
            oauth_grants_per_account_max: 50,
            login_log_repeat_secs: 600,
            elsewhere_timeout: Duration::from_millis(500),
            password_characters_min: 8,
            password_characters_max: 32,
            password_mixed: true,
        }
    }
}
