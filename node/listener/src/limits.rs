//! How many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::Refusal;

/// A count of open connections with its bounds. Clones share it, so ports of one protocol can share one.
#[derive(Debug, Clone)]
pub struct ConnectionLimits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    total_max: usize,
    per_address_max: usize,
    per_loopback_max: usize,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's place in the count; dropping it gives the place back.
#[derive(Debug)]
pub struct Slot {
    limits: ConnectionLimits,
    address: Option<IpAddr>,
}

/// The unit that is counted: an IPv4 address, or an IPv6 /64, which one host can have for itself.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

impl ConnectionLimits {
    /// At most `total_max` connections, and `per_address_max` from one address; loopback is bound by the total only.
    #[must_use]
    pub fn new(total_max: usize, per_address_max: usize) -> Self {
        Self(Arc::new(Inner {
            total_max,
            per_address_max,
            per_loopback_max: total_max,
            counts: Mutex::default(),
        }))
    }
    /// As [`Self::new`], with loopback bound like any other address.
    #[must_use]
    pub fn strict(total_max: usize, per_address_max: usize) -> Self {
        Self(Arc::new(Inner {
            total_max,
            per_address_max,
            per_loopback_max: per_address_max,
            counts: Mutex::default(),
        }))
    }
    /// A place for a connection whose client is not known yet.
    ///
    /// # Errors
    /// [`Refusal::TooManyConnections`].
    pub fn enter(&self) -> Result<Slot, Refusal> {
        let mut counts = self.0.counts.lock();
        if counts.total >= self.0.total_max {
            return Err(Refusal::TooManyConnections);
        }
        counts.total += 1;
        Ok(Slot {
            limits: self.clone(),
            address: None,
        })
    }
    /// Connections now open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.0.counts.lock().total
    }
}

impl Slot {
    /// Counts the connection for `address` as well.
    ///
    /// # Errors
    /// [`Refusal::TooManyFromAddress`].
    pub fn identify(&mut self, address: IpAddr) -> Result<(), Refusal> {
        let inner = &self.limits.0;
        let max = if address.to_canonical().is_loopback() {
            inner.per_loopback_max
        } else {
            inner.per_address_max
        };
        let address = counted(address);
        let mut counts = inner.counts.lock();
        let count = counts.by_address.entry(address).or_insert(0);
        if *count >= max {
            return Err(Refusal::TooManyFromAddress);
        }
        *count += 1;
        self.address = Some(address);
        Ok(())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.limits.0.counts.lock();
        counts.total -= 1;
        let Some(address) = self.address else { return };
        if let Some(count) = counts.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back() {
        let limits = ConnectionLimits::new(2, 1);
        let mut first = limits.enter().unwrap();
        let mut second = limits.enter().unwrap();
        assert_eq!(limits.enter().unwrap_err(), Refusal::TooManyConnections);
        first.identify("192.0.2.1".parse().unwrap()).unwrap();
        assert_eq!(
            second.identify("192.0.2.1".parse().unwrap()),
            Err(Refusal::TooManyFromAddress)
        );
        second.identify("192.0.2.2".parse().unwrap()).unwrap();
        drop(first);
        let mut third = limits.enter().unwrap();
        third.identify("192.0.2.1".parse().unwrap()).unwrap();
        drop((second, third));
        assert_eq!(limits.open(), 0);
        assert!(limits.0.counts.lock().by_address.is_empty());
    }

    #[test]
    fn a_slash_64_counts_as_one_address() {
        let limits = ConnectionLimits::new(9, 1);
        let (mut first, mut second) = (limits.enter().unwrap(), limits.enter().unwrap());
        first.identify("2001:db8::1".parse().unwrap()).unwrap();
        assert_eq!(
            second.identify("2001:db8::2".parse().unwrap()),
            Err(Refusal::TooManyFromAddress)
        );
        second.identify("2001:db8:0:1::2".parse().unwrap()).unwrap();
    }

    #[test]
    fn loopback_is_bound_by_the_total() {
        let limits = ConnectionLimits::new(2, 1);
        let (mut first, mut second) = (limits.enter().unwrap(), limits.enter().unwrap());
        first.identify("127.0.0.1".parse().unwrap()).unwrap();
        second.identify("127.0.0.1".parse().unwrap()).unwrap();
    }
}
