//! Limits, as settings.

/// Named settings of single sign-on by SAML.
#[derive(Debug, Clone)]
pub struct SamlOptions {
    /// Where browsers find this installation: `https://`, the host, and its port where it is not 443.
    pub web_origin: String,
    /// How far the clock of a provider may be off, either way, in seconds.
    pub clock_tolerance_secs: u32,
    /// How long somebody has to sign in at a provider, in seconds: as long a response that was taken is remembered.
    pub attempt_secs: u64,
    /// What a response, a request or metadata may have, in octets.
    pub answer_octets_max: usize,
    /// How long a browser has from the response that was taken to being signed in, in seconds.
    pub arrive_secs: u64,
    /// How long an application may take what it is told of a member, in seconds.
    pub assertion_secs: u64,
}

impl Default for SamlOptions {
    fn default() -> Self {
        Self {
            web_origin: "https://localhost".to_owned(),
            clock_tolerance_secs: 180,
            attempt_secs: 900,
            answer_octets_max: 262_144,
            arrive_secs: 60,
            assertion_secs: 300,
        }
    }
}
