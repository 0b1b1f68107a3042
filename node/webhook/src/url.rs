//! Where a webhook posts to, taken apart (RFC 3986 §3).

/// A URL of https, or of http for networks that the operator names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Url<'a> {
    /// Whether it is secured by TLS.
    pub is_tls: bool,
    /// A name, or an address; one of version 6 without its brackets.
    pub host: &'a str,
    /// The port.
    pub port: u16,
    /// Path and query; begins with a slash, or is empty.
    pub path: &'a str,
}

impl<'a> Url<'a> {
    /// What `text` says, if it is a URL that can be posted to: without user, password and fragment.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let is_tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let is_plain = path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#');
        if !is_plain || !(path.is_empty() || path.starts_with('/')) {
            return None;
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']')?;
                host.parse::<std::net::Ipv6Addr>().ok()?;
                (host, port)
            }
            None => {
                let end = authority.find(':').unwrap_or(authority.len());
                let (host, port) = authority.split_at(end);
                let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
                if host.is_empty() || !host.bytes().all(is_name) {
                    return None;
                }
                (host, port)
            }
        };
        let port = match port {
            "" if is_tls => 443,
            "" => 80,
            port => port.strip_prefix(':')?.parse().ok().filter(|port| *port != 0)?,
        };
        Some(Self {
            is_tls,
            host,
            port,
            path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_3_urls_that_can_be_posted_to() {
        let check = |text: &str, expect: Option<(bool, &str, u16, &str)>| {
            let read = Url::read(text).map(|url| (url.is_tls, url.host, url.port, url.path));
            assert_eq!(read, expect, "{text}");
        };
        check("https://h.test/a?b=c", Some((true, "h.test", 443, "/a?b=c")));
        check("http://192.0.2.1:8080", Some((false, "192.0.2.1", 8080, "")));
        check("https://[2001:db8::1]:8443/x", Some((true, "2001:db8::1", 8443, "/x")));
        for wrong in [
            "ftp://h.test/",
            "h.test",
            "https://",
            "https://u:p@h.test/",
            "https://h.test:x/",
            "https://h.test:0/",
            "https://h.test/#a",
            "https://h.test/\r\nx: y",
            "https://h test/",
            "https://[::1/",
            "https://[h.test]/",
            "https://h.test?x",
        ] {
            check(wrong, None);
        }
    }
}
