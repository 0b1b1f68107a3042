//! Sequence sets (RFC 9051 §9): as a client writes them, with `*` and `$`, and resolved to sorted disjoint ranges.
//! Memory is bounded by the number of ranges, never by the numbers they cover.

use crate::parser::{Parsed, Parser};
use crate::{Code, Output, Refusal};

/// A set as written: `*` stands for the largest number in use, `$` for the saved search result (RFC 5182).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SequenceSet {
    /// `$`
    Saved,
    /// Pairs as written; `None` is `*`.
    Written(Vec<(Option<u32>, Option<u32>)>),
}

impl SequenceSet {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        if parser.skip(b'$') {
            return Ok(Self::Saved);
        }
        let mut pairs = Vec::new();
        loop {
            let first = Self::number_or_star(parser)?;
            let last = if parser.skip(b':') {
                Self::number_or_star(parser)?
            } else {
                first
            };
            if pairs.len() >= parser.limits.set_ranges_max {
                return Err(Refusal::bad_with(Code::Limit, "Sequence set too long"));
            }
            pairs.push((first, last));
            if !parser.skip(b',') {
                return Ok(Self::Written(pairs));
            }
        }
    }

    fn number_or_star(parser: &mut Parser<'_>) -> Parsed<Option<u32>> {
        if parser.skip(b'*') {
            Ok(None)
        } else {
            parser
                .non_zero()
                .map(Some)
                .map_err(|_| Refusal::bad("Bad sequence set"))
        }
    }

    /// The ranges meant when `largest` is the largest number in use and `saved` the saved result.
    #[must_use]
    pub fn resolve(&self, largest: u32, saved: &Ranges) -> Ranges {
        match self {
            Self::Saved => saved.clone(),
            Self::Written(pairs) => Ranges::from_pairs(pairs.iter().map(|(first, last)| {
                let (first, last) = (first.unwrap_or(largest), last.unwrap_or(largest));
                (first.min(last), first.max(last))
            })),
        }
    }

    /// Whether `*` occurs.
    #[must_use]
    pub fn has_star(&self) -> bool {
        match self {
            Self::Saved => false,
            Self::Written(pairs) => pairs.iter().any(|(first, last)| first.is_none() || last.is_none()),
        }
    }

    /// Writes the set as a client sends it.
    pub fn write(&self, out: &mut Output) {
        let Self::Written(pairs) = self else {
            return out.raw(b"$");
        };
        let mut first_pair = true;
        for (first, last) in pairs {
            if !first_pair {
                out.raw(b",");
            }
            first_pair = false;
            let mut bound = |bound: &Option<u32>| match bound {
                Some(number) => out.number(u64::from(*number)),
                None => out.raw(b"*"),
            };
            bound(first);
            if first != last {
                out.raw(b":");
                match last {
                    Some(number) => out.number(u64::from(*number)),
                    None => out.raw(b"*"),
                }
            }
        }
    }
}

/// Sorted, disjoint, non-adjacent ranges of numbers, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ranges {
    ranges: Vec<(u32, u32)>,
}

impl Ranges {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { ranges: Vec::new() }
    }

    /// One range; empty when `first` is larger than `last`.
    #[must_use]
    pub fn one(first: u32, last: u32) -> Self {
        Self {
            ranges: if first <= last { vec![(first, last)] } else { Vec::new() },
        }
    }

    /// The union of `pairs`, in any order; a pair is (smallest, largest), 0 is left out.
    #[must_use]
    pub fn from_pairs(pairs: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut sorted: Vec<(u32, u32)> = pairs.into_iter().filter(|(_, last)| *last > 0).collect();
        sorted.sort_unstable();
        let mut ranges: Vec<(u32, u32)> = Vec::with_capacity(sorted.len());
        for (first, last) in sorted {
            let first = first.max(1);
            match ranges.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => ranges.push((first, last)),
            }
        }
        Self { ranges }
    }

    /// Adds `number`, which is usually larger than all before: then it costs nothing.
    pub fn push(&mut self, number: u32) {
        match self.ranges.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(number) => *end = number,
            Some((_, end)) if *end >= number => {
                if !self.contains(number) {
                    let pairs = std::mem::take(&mut self.ranges);
                    *self = Self::from_pairs(pairs.into_iter().chain([(number, number)]));
                }
            }
            _ => self.ranges.push((number, number)),
        }
    }

    /// Whether `number` is in the set.
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        self.ranges
            .binary_search_by(|(first, last)| {
                if *last < number {
                    std::cmp::Ordering::Less
                } else if *first > number {
                    std::cmp::Ordering::Greater
                } else {
                    std::cmp::Ordering::Equal
                }
            })
            .is_ok()
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many numbers are in the set.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.ranges
            .iter()
            .map(|(first, last)| u64::from(last - first) + 1)
            .sum()
    }

    /// The ranges, ascending.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = (u32, u32)> + ExactSizeIterator + '_ {
        self.ranges.iter().copied()
    }

    /// Every number, ascending. Bound the set first: `1:4294967295` has four billion.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// Smallest number.
    #[must_use]
    pub fn first(&self) -> Option<u32> {
        self.ranges.first().map(|(first, _)| *first)
    }

    /// Largest number.
    #[must_use]
    pub fn last(&self) -> Option<u32> {
        self.ranges.last().map(|(_, last)| *last)
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        let (mut left, mut right) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        while let (Some((a, b)), Some((c, d))) = (left.peek(), right.peek()) {
            let (first, last) = ((*a).max(*c), (*b).min(*d));
            if first <= last {
                both.push((first, last));
            }
            if b < d {
                left.next();
            } else {
                right.next();
            }
        }
        Self { ranges: both }
    }

    /// Writes `1:5,7`; nothing for the empty set.
    pub fn write(&self, out: &mut Output) {
        let mut separate = false;
        for (first, last) in &self.ranges {
            if separate {
                out.raw(b",");
            }
            separate = true;
            out.number(u64::from(*first));
            if first != last {
                out.raw(b":");
                out.number(u64::from(*last));
            }
        }
    }
}

impl FromIterator<u32> for Ranges {
    fn from_iter<T: IntoIterator<Item = u32>>(numbers: T) -> Self {
        let mut ranges = Self::new();
        for number in numbers {
            ranges.push(number);
        }
        ranges
    }
}
