//! Sets of addresses as administrators write them: `10.0.0.0/8`, `192.0.2.1-192.0.2.9`, one address.
//!
//! What is reversed or overlaps means something all the same: it is put right, and whoever wrote it is told.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses of one family from the first to the last, both included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    is_v6: bool,
    first: u128,
    last: u128,
}

/// A set of addresses; the empty one has none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AddressRanges(Vec<Range>);

/// Not addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: neither an address, nor a network such as 10.0.0.0/8, nor a range such as 192.0.2.1-192.0.2.9")]
pub struct AddressRangesError(pub String);

fn number(address: IpAddr) -> (bool, u128) {
    match address.to_canonical() {
        IpAddr::V4(v4) => (false, u128::from(u32::from(v4))),
        IpAddr::V6(v6) => (true, u128::from(v6)),
    }
}

fn bits(is_v6: bool) -> u32 {
    if is_v6 { 128 } else { 32 }
}

/// The last address of a network of so many addresses as `free` bits tell.
fn ones(free: u32) -> u128 {
    1_u128
        .checked_shl(free)
        .map_or(u128::MAX, |size| size.saturating_sub(1))
}

impl Range {
    /// The range, and whether it was written backwards.
    fn read(text: &str) -> Option<(Self, bool)> {
        let text = text.trim();
        if let Some((first, last)) = text.split_once('-') {
            let (is_v6, first) = number(first.trim().parse().ok()?);
            let (is_last_v6, last) = number(last.trim().parse().ok()?);
            let range = Self {
                is_v6,
                first: first.min(last),
                last: first.max(last),
            };
            return (is_v6 == is_last_v6).then_some((range, first > last));
        }
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let (is_v6, address) = number(address.parse().ok()?);
        let free = bits(is_v6).checked_sub(prefix.unwrap_or(bits(is_v6)))?;
        let range = Self {
            is_v6,
            first: address & !ones(free),
            last: address | ones(free),
        };
        Some((range, false))
    }

    fn address(self, value: u128) -> IpAddr {
        match u32::try_from(value) {
            Ok(v4) if !self.is_v6 => IpAddr::V4(Ipv4Addr::from(v4)),
            _ => IpAddr::V6(Ipv6Addr::from(value)),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.address(self.first), self.address(self.last));
        if first == last {
            return first.fmt(f);
        }
        let free = (1..=bits(self.is_v6)).find(|free| {
            let low = ones(*free);
            self.first & low == 0 && self.first | low == self.last
        });
        match free.and_then(|free| bits(self.is_v6).checked_sub(free)) {
            Some(prefix) => write!(f, "{first}/{prefix}"),
            None => write!(f, "{first}-{last}"),
        }
    }
}

impl AddressRanges {
    /// Reads entries, and tells what was put right.
    ///
    /// # Errors
    /// Names the entry that is none.
    pub fn read<T: AsRef<str>>(entries: &[T]) -> Result<(Self, Vec<String>), AddressRangesError> {
        let mut notices = Vec::new();
        let mut ranges = Vec::new();
        for entry in entries {
            let entry = entry.as_ref();
            let read = Range::read(entry).ok_or_else(|| AddressRangesError(entry.to_owned()))?;
            let (range, is_reversed) = read;
            if is_reversed {
                notices.push(format!("{entry} was written backwards: it is {range}"));
            }
            ranges.push(range);
        }
        ranges.sort_unstable();
        let mut joined: Vec<Range> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match joined.last_mut() {
                Some(before) if before.is_v6 == range.is_v6 && range.first <= before.last => {
                    let merged = Range {
                        last: before.last.max(range.last),
                        ..*before
                    };
                    notices.push(format!("{before} and {range} overlap: they are {merged}"));
                    *before = merged;
                }
                _ => joined.push(range),
            }
        }
        Ok((Self(joined), notices))
    }

    /// Whether `address` is one of them. An IPv4 address mapped into IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (is_v6, value) = number(address);
        let mut ranges = self.0.iter();
        ranges.any(|range| range.is_v6 == is_v6 && (range.first..=range.last).contains(&value))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many entries it takes to write them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The entries, in order: networks where they are such.
    #[must_use]
    pub fn entries(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

impl fmt::Debug for AddressRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.entries().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lgn_8_entries_are_read_and_put_right() {
        let check = |entries: &[&str], expect: &[&str], notices: usize| {
            let (ranges, told) = AddressRanges::read(entries).unwrap();
            assert_eq!(ranges.entries(), expect, "{entries:?}");
            assert_eq!(told.len(), notices, "{told:?}");
            let again = AddressRanges::read(&ranges.entries()).unwrap();
            assert_eq!(again, (ranges, Vec::new()));
        };
        check(&[], &[], 0);
        check(&["192.0.2.7"], &["192.0.2.7"], 0);
        check(
            &["192.0.2.7/24", " 2001:db8::1/32 "],
            &["192.0.2.0/24", "2001:db8::/32"],
            0,
        );
        check(&["192.0.2.1-192.0.2.9"], &["192.0.2.1-192.0.2.9"], 0);
        check(&["192.0.2.0-192.0.2.255"], &["192.0.2.0/24"], 0);
        check(&["192.0.2.9 - 192.0.2.1"], &["192.0.2.1-192.0.2.9"], 1);
        check(&["10.0.0.0/8", "10.1.0.0/16"], &["10.0.0.0/8"], 1);
        check(
            &["192.0.2.5-192.0.2.9", "192.0.2.1-192.0.2.6"],
            &["192.0.2.1-192.0.2.9"],
            1,
        );
        check(&["::ffff:192.0.2.7"], &["192.0.2.7"], 0);
        check(&["0.0.0.0/0", "::/0"], &["0.0.0.0/0", "::/0"], 0);
    }

    #[test]
    fn lgn_8_what_is_no_address_is_named() {
        for wrong in [
            "",
            "ten",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.1-::1",
            "10.0.0.1-",
            "1.2.3.4/x",
            "10.0.0.0/-1",
        ] {
            let error = AddressRanges::read(&["192.0.2.1", wrong]).unwrap_err();
            assert_eq!(error, AddressRangesError(wrong.to_owned()));
        }
    }

    #[test]
    fn lgn_8_addresses_are_in_their_ranges_only() {
        let entries = ["10.0.0.0/8", "192.0.2.1-192.0.2.9", "2001:db8::/32"];
        let (ranges, _) = AddressRanges::read(&entries).unwrap();
        let check = |address: &str, expect: bool| {
            assert_eq!(ranges.contains(address.parse().unwrap()), expect, "{address}");
        };
        check("10.255.255.255", true);
        check("::ffff:10.1.1.1", true);
        check("11.0.0.0", false);
        check("192.0.2.1", true);
        check("192.0.2.9", true);
        check("192.0.2.10", false);
        check("2001:db8:ffff::1", true);
        check("2001:db9::", false);
        check("::a00:1", false);
    }
}
