//! Address ranges in CIDR notation.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: u128,
    prefix: u32,
    is_v4: bool,
}

/// Not an address range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a network in CIDR notation")]
pub struct NetworkError;

fn bits(address: IpAddr) -> (u128, bool) {
    match address.to_canonical() {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, true),
        IpAddr::V6(v6) => (u128::from(v6), false),
    }
}

fn mask(prefix: u32) -> u128 {
    u128::MAX.checked_shl(128 - prefix).unwrap_or(0)
}

impl Network {
    /// Whether `address` is in it. An IPv4 address mapped into IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (value, is_v4) = bits(address);
        is_v4 == self.is_v4 && value & mask(self.prefix) == self.base
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = match u32::try_from(self.base >> 96) {
            Ok(v4) if self.is_v4 => IpAddr::V4(Ipv4Addr::from(v4)),
            _ => IpAddr::V6(Ipv6Addr::from(self.base)),
        };
        let longest = if self.is_v4 { 32 } else { 128 };
        if self.prefix == longest {
            return address.fmt(f);
        }
        write!(f, "{address}/{}", self.prefix)
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().map_err(|_| NetworkError)?)),
            None => (text, None),
        };
        let (value, is_v4) = bits(address.parse().map_err(|_| NetworkError)?);
        let longest = if is_v4 { 32 } else { 128 };
        let prefix = prefix.unwrap_or(longest);
        if prefix > longest {
            return Err(NetworkError);
        }
        Ok(Self {
            base: value & mask(prefix),
            prefix,
            is_v4,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_in_their_networks_only() {
        let check = |network: &str, address: &str| {
            network
                .parse::<Network>()
                .map(|network| network.contains(address.parse().unwrap()))
        };
        assert_eq!(check("10.0.0.0/8", "10.200.3.4"), Ok(true));
        assert_eq!(check("10.0.0.0/8", "11.0.0.1"), Ok(false));
        assert_eq!(check("10.0.0.0/8", "::ffff:10.1.1.1"), Ok(true));
        assert_eq!(check("2001:db8::/32", "2001:db8:1::5"), Ok(true));
        assert_eq!(check("2001:db8::/32", "2001:db9::5"), Ok(false));
        assert_eq!(check("192.0.2.7", "192.0.2.7"), Ok(true));
        assert_eq!(check("0.0.0.0/0", "192.0.2.7"), Ok(true));
        assert_eq!(check("0.0.0.0/0", "::1"), Ok(false));
        assert_eq!(check("10.0.0.0/33", "10.0.0.1"), Err(NetworkError));
        assert_eq!(check("ten/8", "10.0.0.1"), Err(NetworkError));
    }

    #[test]
    fn networks_are_written_as_they_are_meant() {
        let check = |text: &str, expect: &str| {
            let network: Network = text.parse().unwrap();
            assert_eq!(network.to_string(), expect);
            assert_eq!(network.to_string().parse(), Ok(network));
        };
        check("10.1.2.3/8", "10.0.0.0/8");
        check("::ffff:192.0.2.7", "192.0.2.7");
        check("2001:db8::1/32", "2001:db8::/32");
        check("::/0", "::/0");
        check("0.0.0.0/0", "0.0.0.0/0");
    }
}
