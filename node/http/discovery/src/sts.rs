//! MTA-STS (RFC 8461): other servers send here over TLS only, to the hosts that are named here.

use std::fmt::Write;

use crate::offer::Offer;

/// RFC 8461 §3.3: the policy is read from this port and no other.
pub(crate) const PORT: u16 = 443;
/// Hexadecimal digits of an id; RFC 8461 §3.1 has at most 32 letters and digits.
const ID_DIGITS: usize = 20;

/// The policy (RFC 8461 §3.2).
pub(crate) fn policy(offer: &Offer) -> String {
    let mut policy = format!("version: STSv1\r\nmode: {}\r\n", offer.sts.mode.as_str());
    for host in &offer.mail_hosts {
        let _ = write!(policy, "mx: {host}\r\n");
    }
    let _ = write!(policy, "max_age: {}\r\n", offer.sts.age_secs_max);
    policy
}

/// The record that tells of the policy: its id is another one whenever the policy is.
pub(crate) fn record(offer: &Offer) -> String {
    let hash = blake3::hash(policy(offer).as_bytes()).to_hex();
    format!("v=STSv1; id={}", &hash[..ID_DIGITS])
}
