//! Where a directory is: `ldaps://host` speaks TLS from the start, `ldap://host` after STARTTLS. Without TLS none is asked: it
//! gets passwords.

use hongyan_fetch::Url;

/// A host, its port, and how TLS begins there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) starts_tls: bool,
    /// The same as an address on the web, of which it is known whether it may be asked.
    pub(crate) url: Url,
}

impl Place {
    /// Reads one; nothing for what is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (starts_tls, own_port) = match scheme.to_ascii_lowercase().as_str() {
            "ldaps" => (false, 636),
            "ldap" => (true, 389),
            _ => return None,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?']) {
            return None;
        }
        let url = Url::read(&format!("https://{rest}")).ok()?;
        // A port that is not written is each scheme's own.
        let is_written = Url::read(&format!("http://{rest}")).ok()?.port() == url.port();
        Some(Self {
            host: url.host().to_owned(),
            port: if is_written { url.port() } else { own_port },
            starts_tls,
            url,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        let check = |text: &str, expect: (&str, u16, bool)| {
            let place = Place::read(text).unwrap();
            assert_eq!((place.host.as_str(), place.port, place.starts_tls), expect, "{text}");
        };
        check("ldaps://Ad.example", ("ad.example", 636, false));
        check("ldap://ad.example/", ("ad.example", 389, true));
        check("LDAPS://ad.example:443", ("ad.example", 443, false));
        check("ldap://[::1]:1389", ("::1", 1389, true));
        for wrong in [
            "",
            "ad.example",
            "https://ad.example",
            "ldap://",
            "ldaps://a/dc=x",
            "ldap://a?b",
            "ldap://u@a",
        ] {
            assert_eq!(Place::read(wrong), None, "{wrong}");
        }
    }
}
