//! Fields of a form or a query (application/x-www-form-urlencoded): small, bounded, each there once.

/// Octets of a form or a query.
pub(crate) const OCTETS_MAX: usize = 16 * 1024;
/// Fields of one.
const FIELDS_MAX: usize = 50;

/// Fields by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads them; nothing when they are too long, not UTF-8, badly escaped, or one is there twice (RFC 6749 §3.1).
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::read_within(text, OCTETS_MAX)
    }

    /// Reads them where they may have more octets than usual.
    pub(crate) fn read_within(text: &str, octets_max: usize) -> Option<Self> {
        if text.len() > octets_max {
            return None;
        }
        let mut fields = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if fields.get(&name).is_some() || fields.0.len() == FIELDS_MAX {
                return None;
            }
            fields.0.push((name, value));
        }
        Some(fields)
    }

    /// The value of a field; an empty one counts as none (RFC 6749 §3.1).
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.0.iter();
        fields.find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// As they are sent.
    #[must_use]
    pub fn write(&self) -> String {
        let pairs = self.0.iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        pairs.join("&")
    }

    pub(crate) fn push(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(String, String)> {
        self.0.iter()
    }
}

pub(crate) fn decode(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(octets).ok()
}

/// RFC 3986 §2.1
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for octet in text.bytes() {
        match octet {
            b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(octet)),
            octet if octet.is_ascii_alphanumeric() => encoded.push(char::from(octet)),
            octet => encoded.push_str(&format!("%{octet:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_written() {
        let check = |text: &str, expect: Option<&[(&str, &str)]>| {
            let fields = Fields::read(text);
            let pairs = expect.map(|pairs| {
                let pairs = pairs
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
                Fields(pairs.collect())
            });
            assert_eq!(fields, pairs, "{text}");
            if let Some(fields) = fields {
                assert_eq!(Fields::read(&fields.write()), Some(fields));
            }
        };
        check("", Some(&[]));
        check("a=b&c=%E5%BC%A0+x&d", Some(&[("a", "b"), ("c", "张 x"), ("d", "")]));
        check("a=%26%3D&&b=1=2", Some(&[("a", "&="), ("b", "1=2")]));
        check("a=1&a=2", None);
        check("a=1&%61=2", None);
        check("a=%", None);
        check("a=%4", None);
        check("a=%zz", None);
        check("a=%FF", None);
        check(&"a".repeat(OCTETS_MAX + 1), None);
        let many: Vec<String> = (0..51).map(|at| format!("f{at}=1")).collect();
        check(&many.join("&"), None);
    }
}
