//! What a filter asks of the directory's index: whoever the filter may hold of passes, and few others.

use std::collections::HashSet;

use hongyan_directory::{DepartmentId, Sieve};
use hongyan_ldap_wire::{Comparison, Filter};

use crate::entry::{
    CN, DEPARTMENT, DISPLAY_NAME, Departments, Entry, GIVEN_NAME, MAIL, MOBILE, Matching, OBJECT_CLASS, OU, PERSON, SN,
    TELEPHONE_NUMBER, TITLE, Type, UID, type_of,
};
use crate::filter;

/// What is shown of people: nobody is found by anything else.
pub(crate) struct Sifting<'s> {
    pub(crate) departments: &'s Departments,
    pub(crate) shows_title: bool,
    pub(crate) shows_phones: bool,
}

impl Sifting<'_> {
    /// The sieve for a filter.
    pub(crate) fn sieve(&self, filter: &Filter) -> Sieve {
        let all = |filters: &[Filter]| filters.iter().map(|filter| self.sieve(filter)).collect();
        match filter {
            Filter::And(filters) => Sieve::All(all(filters)),
            Filter::Or(filters) => Sieve::Any(all(filters)),
            // Whoever is left out by a sieve that is too wide would be lost.
            Filter::Not(_) => Sieve::everybody(),
            Filter::Present(name) => match type_of(name) {
                Some(kind) if self.is_shown(kind) => Sieve::everybody(),
                _ => Sieve::nobody(),
            },
            Filter::Compare(Comparison::Equal | Comparison::Approximate, name, value) => {
                self.compared(name, filter, &[value])
            }
            Filter::Substrings(name, begin, within, end) => {
                let mut pieces: Vec<&[u8]> = vec![begin, end];
                pieces.extend(within.iter().map(Vec::as_slice));
                self.compared(name, filter, &pieces)
            }
            Filter::Extensible {
                rule,
                attribute,
                value,
                names: false,
            } if filter::is_equality(rule) => self.compared(attribute, filter, &[value]),
            // It is undefined for everybody.
            Filter::Compare(..) | Filter::Extensible { .. } | Filter::Unknown(_) => Sieve::nobody(),
        }
    }

    fn is_shown(&self, kind: &Type) -> bool {
        match kind.name {
            TITLE => self.shows_title,
            TELEPHONE_NUMBER | MOBILE => self.shows_phones,
            OU | DEPARTMENT => !self.departments.0.is_empty(),
            OBJECT_CLASS | CN | SN | DISPLAY_NAME | MAIL | UID | GIVEN_NAME => true,
            _ => false,
        }
    }

    /// Whoever has all pieces in what the index finds people by.
    fn compared(&self, name: &str, filter: &Filter, pieces: &[&[u8]]) -> Sieve {
        let Some(kind) = type_of(name).filter(|kind| self.is_shown(kind)) else {
            return Sieve::nobody();
        };
        let pieces: Option<Vec<String>> = pieces.iter().map(|piece| filter::asserted(kind, piece)).collect();
        let Some(pieces) = pieces else {
            return Sieve::nobody();
        };
        match kind.name {
            OBJECT_CLASS if filter::holds(filter, &Entry::with_classes(PERSON)) == Some(true) => Sieve::everybody(),
            OBJECT_CLASS => Sieve::nobody(),
            OU | DEPARTMENT => Sieve::In(self.departments_of(kind, filter)),
            _ if kind.matching == Matching::Phone => {
                let digits = pieces.into_iter().filter(|piece| !piece.is_empty());
                Sieve::All(digits.map(Sieve::Has).collect())
            }
            // The index has names and what is put in parentheses behind them apart.
            _ => {
                let words = pieces.iter().flat_map(|piece| piece.split([' ', '(', ')']));
                let words = words.filter(|word| !word.is_empty());
                Sieve::All(words.map(|word| Sieve::Has(word.to_owned())).collect())
            }
        }
    }

    fn departments_of(&self, kind: &Type, filter: &Filter) -> HashSet<DepartmentId> {
        let named = self.departments.0.iter();
        let named = named.filter(|(_, name)| filter::holds(filter, &Entry::with(kind, name)) == Some(true));
        named.map(|(id, _)| *id).collect()
    }
}
