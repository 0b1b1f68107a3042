//! Distinguished names (RFC 4514): the path of an entry, and the departments that its organisational units make.

/// A distinguished name: from the entry up, each level's types and values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(Vec<Vec<(String, String)>>);

impl Name {
    /// Reads one; nothing for what is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut levels = Vec::new();
        if text.trim().is_empty() {
            return Some(Self(levels));
        }
        let (mut level, mut rest) = (Vec::new(), text);
        loop {
            let (kind, after) = rest.split_once('=')?;
            let kind = kind.trim().to_ascii_lowercase();
            let is_part = |octet: u8| octet.is_ascii_alphanumeric() || b"-.".contains(&octet);
            if kind.is_empty() || !kind.bytes().all(is_part) {
                return None;
            }
            let (value, sign, after) = value(after)?;
            level.push((kind, value));
            if sign != Some('+') {
                levels.push(std::mem::take(&mut level));
            }
            if sign.is_none() {
                return Some(Self(levels));
            }
            rest = after;
        }
    }

    /// How many levels it has; none is the root.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// Type, in small letters, and value of a level that has but one, counted from the entry up.
    #[must_use]
    pub fn level(&self, place: usize) -> Option<(&str, &str)> {
        match self.0.get(place)?.as_slice() {
            [(kind, value)] => Some((kind, value)),
            _ => None,
        }
    }

    /// The names of the organisational units between a base and the entry, from above; nothing when it is not below.
    #[must_use]
    pub fn units_below(&self, base: &Self) -> Option<Vec<String>> {
        let above = self.0.len().checked_sub(base.0.len())?;
        let (below, rest) = self.0.split_at(above);
        let same = |(one, other): (&Vec<(String, String)>, &Vec<(String, String)>)| folded(one) == folded(other);
        if !rest.iter().zip(&base.0).all(same) {
            return None;
        }
        let units = below.iter().skip(1).rev().filter_map(|level| {
            let unit = level.iter().find(|(kind, _)| kind == "ou" || kind == "2.5.4.11");
            unit.map(|(_, value)| value.clone())
        });
        Some(units.collect())
    }
}

/// As levels are compared: case does not count, nor the order within.
fn folded(level: &[(String, String)]) -> Vec<(String, String)> {
    let mut folded: Vec<_> = level
        .iter()
        .map(|(kind, value)| (kind.clone(), value.to_lowercase()))
        .collect();
    folded.sort();
    folded
}

/// A value, the sign that ends it, and what follows.
fn value(text: &str) -> Option<(String, Option<char>, &str)> {
    let text = text.trim_start();
    let (mut octets, mut kept) = (Vec::new(), 0);
    let mut rest = text.char_indices();
    let mut end = (None, "");
    while let Some((place, sign)) = rest.next() {
        match sign {
            ',' | ';' | '+' => {
                end = (Some(if sign == '+' { '+' } else { ',' }), rest.as_str());
                break;
            }
            '\\' => {
                let (_, next) = rest.next()?;
                if let Some(high) = next.to_digit(16) {
                    let (_, low) = rest.next()?;
                    octets.extend(u8::try_from(high * 16 + low.to_digit(16)?));
                } else {
                    octets.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
                }
                kept = octets.len();
            }
            '"' | '<' | '>' => return None,
            // RFC 4514 §2.4: then come the octets of the value's BER, of which nobody makes departments.
            '#' if place == 0 => return None,
            sign => {
                octets.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
                if sign != ' ' {
                    kept = octets.len();
                }
            }
        }
    }
    // Spaces at the end are the writer's, unless they were escaped.
    octets.truncate(kept);
    Some((String::from_utf8(octets).ok()?, end.0, end.1))
}

/// A value as it is written in a name (RFC 4514 §2.4).
#[must_use]
pub fn escape(value: &str) -> String {
    let mut written = String::with_capacity(value.len());
    for octet in value.bytes() {
        if octet.is_ascii_alphanumeric() || b"-_.@".contains(&octet) {
            written.push(char::from(octet));
        } else {
            written.push_str(&format!("\\{octet:02x}"));
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn org_14_units_are_departments() {
        let check = |name: &str, base: &str, expect: Option<&[&str]>| {
            let units = Name::read(name).and_then(|name| name.units_below(&Name::read(base).unwrap()));
            let units = units
                .as_ref()
                .map(|units| units.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(units.as_deref(), expect, "{name}");
        };
        let base = "dc=Example,dc=org";
        check("cn=a,ou=研发,OU=HQ, DC=example,DC=ORG", base, Some(&["HQ", "研发"]));
        check("cn=a,dc=example,dc=org", base, Some(&[]));
        check("ou=a,dc=example,dc=org", base, Some(&[]));
        check("cn=a+uid=b,ou=R\\, D,cn=Users,dc=example,dc=org", base, Some(&["R, D"]));
        check("cn=a,ou=\\e7\\a0\\94 ,dc=example,dc=org", base, Some(&["研"]));
        check("cn=a,ou=x\\ ,dc=example,dc=org", base, Some(&["x "]));
        check("cn=a,ou=x,dc=other,dc=org", base, None);
        check("dc=org", base, None);
        check("cn=a,ou=x", "", Some(&["x"]));
        for wrong in [
            "cn",
            "cn=a,",
            "=a",
            "cn=a\\",
            "cn=\\e7,dc=example,dc=org",
            "cn=\"a\"",
            "cn=#04",
            "c n=a",
        ] {
            check(wrong, base, None);
        }
    }

    #[test]
    fn values_are_escaped() {
        assert_eq!(escape("a@b.c"), "a@b.c");
        let escaped = format!("cn={},dc=x", escape("a,b=研\\"));
        assert_eq!(
            Name::read(&escaped),
            Some(Name(vec![
                vec![("cn".to_owned(), "a,b=研\\".to_owned())],
                vec![("dc".to_owned(), "x".to_owned())]
            ]))
        );
    }
}
