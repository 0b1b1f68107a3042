//! The way out to places on the web: what is posted, and what can become of it.

use std::net::IpAddr;

use hongyan_env::BoxFuture;
use hongyan_fetch::Url;

use super::subscription_record::PushKeys;

/// Something to be posted.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Where to: a URL of https.
    pub url: String,
    /// For whom it is encrypted, if for anybody.
    pub(crate) keys: Option<PushKeys>,
    /// JSON.
    pub body: Vec<u8>,
}

/// Why it was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// There is no such place any more: nothing more is posted there.
    #[error("the place is gone")]
    Gone,
    /// It may be taken later.
    #[error("{0}")]
    Failed(String),
}

/// Posts letters; a probe in tests.
pub trait PushDoor: Send + Sync + 'static {
    /// Posts one.
    fn post(&self, letter: Letter) -> BoxFuture<'_, Result<(), PushError>>;
    /// The public key that letters are signed with (RFC 8292), as clients want it.
    fn public_key(&self) -> BoxFuture<'_, Option<String>>;
}

/// Whether a place has a name and is reached over TLS: services that push have one.
pub(super) fn is_place(url: &str) -> bool {
    Url::read(url).is_ok_and(|url| url.is_tls() && url.host().parse::<IpAddr>().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8620_7_2_places_are_urls_of_https_with_a_name() {
        for place in ["https://p.test/a?b=c", "https://p.test", "https://p.test:8443/x"] {
            assert!(is_place(place), "{place}");
        }
        for wrong in [
            "http://p.test/",
            "https://",
            "https://u@p.test/",
            "https://p.test:x/",
            "https://p.test/\r\n",
            "https://p test/",
            "https://[::1]/",
            "https://127.0.0.1/",
            "https://p.test:/",
        ] {
            assert!(!is_place(wrong), "{wrong}");
        }
    }
}
