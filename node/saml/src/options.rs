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
    /// Applications that an organisation connects.
    pub applications_max: usize,
    /// Keys of an organisation: one that signs, the next one and the one before.
    pub keys_max: usize,
    /// Applications that are told when one session ends; beyond them, the one that was told of it longest ago is not.
    pub session_applications_max: usize,
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
            applications_max: 50,
            keys_max: 3,
            session_applications_max: 20,
        }
    }
}
