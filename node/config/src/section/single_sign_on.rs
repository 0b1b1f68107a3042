//! Sign-in at the providers of organisations.

use crate::section::section;

section! {
    /// Single sign-on: members sign in at the provider of their organisation, by OpenID Connect or SAML.
    SingleSignOn = "single_sign_on" {
        /// Internal networks in which providers may be, also without TLS. Others than these and public addresses over TLS are refused,
        /// so that nobody has the server look around in its own network.
        networks: Vec<String> = Vec::new(), "", "addresses, networks or ranges", "restart";
        /// File with certificates (PEM) of authorities that providers may be certified by, besides the public ones. Empty: none.
        roots: String = String::new(), "", "a path", "restart";
        /// How long a provider may take to answer.
        answer_secs_max: u64 = 10, "seconds", "1 to 60", "restart";
        /// What a provider's answer may have; a response or request of SAML and pasted metadata, too.
        answer_octets_max: usize = 262_144, "octets", "1024 to 16777216", "restart";
        /// How far the clock of a provider may be off, either way.
        clock_tolerance_secs: u32 = 180, "seconds", "0 to 600", "restart";
        /// How long somebody has to sign in at a provider.
        attempt_secs: u64 = 900, "seconds", "60 to 3600", "restart";
        /// How long a browser that brings a response of SAML has to go on with it.
        arrive_secs: u64 = 60, "seconds", "10 to 600", "restart";
        /// How long an application may take what it is told of a member by SAML.
        assertion_secs: u64 = 300, "seconds", "30 to 3600", "restart";
        /// Applications that an organisation connects by SAML.
        saml_applications_max: usize = 50, "applications", "1 to 1000", "restart";
        /// Keys with which an organisation signs what it says over SAML: one that signs, the next one and the one before.
        saml_keys_max: usize = 3, "keys", "2 to 10", "restart";
        /// Applications that are told when a member signs out. Beyond them, the one that was told of the session longest ago is not.
        session_applications_max: usize = 20, "applications", "1 to 50", "restart";
        /// How long what a provider says of itself is remembered. A key that is not known has its keys asked for at once.
        metadata_secs: u64 = 3_600, "seconds", "0 to 86400", "restart";
        /// Providers that one node asks at the same time; the next sign-in is refused for now.
        asks_max: usize = 64, "questions", "1 to 10000", "restart";
    }
}
