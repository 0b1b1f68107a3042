//! Addresses of the web, as far as they can be asked (RFC 3986, RFC 9110 §4.2).

use std::fmt;

/// Longest one.
const OCTETS_MAX: usize = 2_048;

/// An address on the web: `https`, or `http` where that is let through.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Url {
    whole: String,
    is_tls: bool,
    host: String,
    port: u16,
    /// Path and query, with the slash they begin with.
    path: String,
}

/// Not an address that can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no URL of https that can be asked")]
pub struct UrlError;

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.whole)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.whole)
    }
}

impl Url {
    /// Reads one: nothing before the host, nothing after `#`.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(text: &str) -> Result<Self, UrlError> {
        let is_clean = text
            .bytes()
            .all(|octet| octet.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&octet));
        if text.len() > OCTETS_MAX || !is_clean {
            return Err(UrlError);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError)?;
        let is_tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(UrlError),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port) = split_port(authority).ok_or(UrlError)?;
        let is_name = |octet: u8| octet.is_ascii_alphanumeric() || b"-._:".contains(&octet);
        if host.is_empty() || !host.bytes().all(is_name) {
            return Err(UrlError);
        }
        Ok(Self {
            whole: text.to_owned(),
            is_tls,
            host: host.to_ascii_lowercase(),
            port: port.unwrap_or(if is_tls { 443 } else { 80 }),
            path: if path.starts_with('/') {
                path.to_owned()
            } else {
                format!("/{path}")
            },
        })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.whole
    }
    /// Whether it is asked over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }
    /// The host: a name or an address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
    /// Path and query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
    /// The Host field (RFC 9110 §7.2).
    #[must_use]
    pub fn host_field(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match (self.is_tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (
                host,
                if port.is_empty() {
                    None
                } else {
                    Some(port.strip_prefix(':')?)
                },
            )
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    match port {
        None => Some((host, None)),
        Some(port) => {
            let number = port.parse().ok().filter(|number| *number != 0)?;
            Some((host, Some(number)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        let check = |text: &str, expect: (bool, &str, u16, &str, &str)| {
            let url = Url::read(text).unwrap();
            let field = url.host_field();
            assert_eq!(
                (url.is_tls(), url.host(), url.port(), url.path(), field.as_str()),
                expect,
                "{text}"
            );
        };
        check("https://Idp.example", (true, "idp.example", 443, "/", "idp.example"));
        check(
            "https://idp.example:444?x=1",
            (true, "idp.example", 444, "/?x=1", "idp.example:444"),
        );
        check("http://127.0.0.1:80/a/b", (false, "127.0.0.1", 80, "/a/b", "127.0.0.1"));
        check("https://[::1]:8/x", (true, "::1", 8, "/x", "[::1]:8"));
        for wrong in [
            "",
            "idp.example",
            "ftp://idp.example",
            "https://",
            "https://user@idp.example",
            "https://idp.example:0",
            "https://idp.example:x",
            "https://idp.example/#part",
            "https://idp example",
            "https://[::1",
            "https://a_b\\c",
        ] {
            assert_eq!(Url::read(wrong), Err(UrlError), "{wrong}");
        }
    }
}
