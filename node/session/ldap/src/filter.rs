//! Whether a filter holds of an entry (RFC 4511 §4.5.1.7): it does, it does not, or nobody can say.

use hongyan_directory::{folded, phone_digits, spellings};
use hongyan_ldap_wire::{Comparison, Filter};

use crate::entry::{Entry, Matching, Type, type_of};

/// `None` is undefined.
type Truth = Option<bool>;

/// The rules whose values compare as ours do (RFC 4517 §4.2).
const TEXT_RULES: [&str; 2] = ["caseIgnoreMatch", "2.5.13.2"];

/// Whether `filter` holds of `entry`.
pub(crate) fn holds(filter: &Filter, entry: &Entry) -> Truth {
    match filter {
        Filter::And(filters) => all(filters.iter().map(|filter| holds(filter, entry))),
        Filter::Or(filters) => {
            all(filters.iter().map(|filter| holds(filter, entry).map(|holds| !holds))).map(|none| !none)
        }
        Filter::Not(filter) => holds(filter, entry).map(|holds| !holds),
        Filter::Present(name) => type_of(name).map(|kind| !entry.values(kind).is_empty()),
        Filter::Compare(Comparison::Equal, name, value) => any(entry, name, |kind, own| equals(kind, own, value)),
        Filter::Compare(Comparison::Approximate, name, value) => any(entry, name, |kind, own| {
            let value = asserted(kind, value)?;
            Some(forms(kind, own).iter().any(|form| form.contains(&value)))
        }),
        // None of our attributes has an order.
        Filter::Compare(Comparison::GreaterOrEqual | Comparison::LessOrEqual, ..) | Filter::Unknown(_) => None,
        Filter::Substrings(name, begin, within, end) => any(entry, name, |kind, own| {
            let pieces = Pieces::read(kind, begin, within, end)?;
            Some(forms(kind, own).iter().any(|form| pieces.are_in(form)))
        }),
        Filter::Extensible {
            rule,
            attribute,
            value,
            names: false,
        } if is_equality(rule) => any(entry, attribute, |kind, own| equals(kind, own, value)),
        Filter::Extensible { .. } => None,
    }
}

/// Whether a matching rule is what equality is here.
pub(crate) fn is_equality(rule: &str) -> bool {
    rule.is_empty() || TEXT_RULES.iter().any(|known| known.eq_ignore_ascii_case(rule))
}

/// All are true; one that is false makes it false, whatever is undefined.
fn all(truths: impl Iterator<Item = Truth>) -> Truth {
    let mut all = Some(true);
    for truth in truths {
        match truth {
            Some(true) => {}
            Some(false) => return Some(false),
            None => all = None,
        }
    }
    all
}

/// Whether that is true of a value; false where there is none.
fn any(entry: &Entry, name: &str, test: impl Fn(&Type, &str) -> Truth) -> Truth {
    let kind = type_of(name)?;
    let mut any = Some(false);
    for own in entry.values(kind) {
        match test(kind, own) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => any = None,
        }
    }
    any
}

/// Whether a value is the asserted one, which is undefined when it is no text.
pub(crate) fn equals(kind: &Type, own: &str, value: &[u8]) -> Truth {
    let value = asserted(kind, value)?;
    Some(forms(kind, own).contains(&value))
}

/// What was asserted, as it is compared.
pub(crate) fn asserted(kind: &Type, value: &[u8]) -> Option<String> {
    Some(normal(kind, std::str::from_utf8(value).ok()?))
}

/// RFC 4518 §2.6.1: spaces at the ends do not count, and many are one.
fn normal(kind: &Type, text: &str) -> String {
    match kind.matching {
        Matching::Phone => phone_digits(text),
        Matching::Text | Matching::Name => {
            let text = folded(text);
            let words: Vec<&str> = text.split_whitespace().collect();
            words.join(" ")
        }
    }
}

/// A value in all forms that it is found by: itself, and how it is pronounced.
fn forms(kind: &Type, own: &str) -> Vec<String> {
    let mut forms = vec![normal(kind, own)];
    if kind.matching == Matching::Name {
        forms.extend(spellings(own));
    }
    forms
}

/// The pieces of a value.
struct Pieces {
    begin: String,
    within: Vec<String>,
    end: String,
}

impl Pieces {
    fn read(kind: &Type, begin: &[u8], within: &[Vec<u8>], end: &[u8]) -> Option<Self> {
        Some(Self {
            begin: asserted(kind, begin)?,
            within: within
                .iter()
                .map(|piece| asserted(kind, piece))
                .collect::<Option<_>>()?,
            end: asserted(kind, end)?,
        })
    }

    fn are_in(&self, value: &str) -> bool {
        let Some(rest) = value.strip_prefix(self.begin.as_str()) else {
            return false;
        };
        let Some(mut rest) = rest.strip_suffix(self.end.as_str()) else {
            return false;
        };
        for piece in &self.within {
            let Some((_, after)) = rest.split_once(piece.as_str()) else {
                return false;
            };
            rest = after;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use hongyan_types::Domain;

    use super::*;

    #[test]
    fn rfc_4511_filters_are_true_false_or_undefined() {
        let entry = Entry::of_domain(&Domain::try_from("Example.org").unwrap());
        let check = |filter: &str, expect: Truth| {
            let filter = Filter::read(filter).unwrap();
            assert_eq!(holds(&filter, &entry), expect, "{filter:?}");
        };
        check("(dc=EXAMPLE)", Some(true));
        check("(dc= example )", Some(true));
        check("(dc=other)", Some(false));
        check("(dc=*)", Some(true));
        check("(cn=*)", Some(false));
        check("(cn=x)", Some(false));
        check("(unknown=*)", None);
        check("(dc;x=example)", None);
        check("(dc>=a)", None);
        check("(dc=\\ff)", None);
        check("(dc~=amp)", Some(true));
        check("(dc=ex*mp*e)", Some(true));
        check("(dc=*a*a*)", Some(false));
        check("(dc=exam*ample)", Some(false));
        check("(dc=example*example)", Some(false));
        check("(dc:=example)", Some(true));
        check("(dc:caseIgnoreMatch:=example)", Some(true));
        check("(dc:dn:=example)", None);
        check("(dc:1.2.3:=example)", None);
        check("(!(dc=other))", Some(true));
        check("(!(unknown=x))", None);
        check("(&(dc=example)(unknown=x))", None);
        check("(&(dc=other)(unknown=x))", Some(false));
        check("(|(dc=example)(unknown=x))", Some(true));
        check("(|(dc=other)(unknown=x))", None);
        assert_eq!(holds(&Filter::And(Vec::new()), &entry), Some(true));
        assert_eq!(holds(&Filter::Or(Vec::new()), &entry), Some(false));
        assert_eq!(holds(&Filter::Unknown(0xaf), &entry), None);
    }
}
