//! Limits, as settings.

/// Named settings of single sign-on.
#[derive(Debug, Clone)]
pub struct OpenIdOptions {
    /// Where browsers find this installation: `https://`, the host, and its port where it is not 443.
    pub web_origin: String,
    /// How far the clock of a provider may be off, either way, in seconds.
    pub clock_tolerance_secs: u32,
    /// How long somebody has to sign in at a provider, in seconds.
    pub attempt_secs: u64,
    /// How long what a provider says of itself is remembered, in seconds.
    pub metadata_secs: u64,
    /// Time after which keys are asked for again because of one that is not known, in seconds.
    pub keys_again_secs: u64,
    /// Providers that are asked at the same time; the next sign-in is refused for now.
    pub asks_max: usize,
    /// Outside identities that an account may be linked with.
    pub links_per_account_max: usize,
}

impl Default for OpenIdOptions {
    fn default() -> Self {
        Self {
            web_origin: "https://localhost".to_owned(),
            clock_tolerance_secs: 180,
            attempt_secs: 900,
            metadata_secs: 3_600,
            keys_again_secs: 60,
            asks_max: 64,
            links_per_account_max: 10,
        }
    }
}
