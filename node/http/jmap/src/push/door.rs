//! The way out to places on the web: what is posted, and what can become of it.

use hongyan_env::BoxFuture;

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

/// A URL of https, taken apart.
pub(super) struct Url<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) path: &'a str,
}

impl<'a> Url<'a> {
    pub(super) fn read(url: &'a str) -> Option<Self> {
        let rest = url.strip_prefix("https://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let path = path.split('#').next().unwrap_or_default();
        let is_plain = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'@' && byte != b'\\')
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.is_empty() && !host.is_empty() => (host, port.parse().ok()?),
            Some(_) => return None,
            None => (authority, 443),
        };
        let is_host = !host.is_empty()
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        (is_host && is_plain(path) && (path.is_empty() || path.starts_with(['/', '?']))).then_some(Self {
            host,
            port,
            path,
        })
    }
}

pub(super) fn is_url(url: &str) -> bool {
    Url::read(url).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_https() {
        let check = |url: &str, expect: Option<(&str, u16, &str)>| {
            let read = Url::read(url).map(|url| (url.host, url.port, url.path));
            assert_eq!(read, expect, "{url}");
        };
        check("https://p.test/a?b=c", Some(("p.test", 443, "/a?b=c")));
        check("https://p.test", Some(("p.test", 443, "")));
        check("https://p.test:8443/x#y", Some(("p.test", 8443, "/x")));
        for wrong in [
            "http://p.test/",
            "https://",
            "https://u@p.test/",
            "https://p.test:x/",
            "https://p.test/\r\n",
            "https://p test/",
            "https://[::1]/",
            "https://p.test:/",
        ] {
            check(wrong, None);
        }
    }
}
