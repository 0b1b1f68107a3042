//! The cluster's authority as the map keeps it: its certificate and then its key, as PEM. All nodes are trusted equally, so
//! each may sign for those who join through it.

use anyhow::{Context, Result};
use hongyan_identity::Authority;

/// For the map.
pub(crate) fn to_map(authority: &Authority) -> Vec<u8> {
    let pems = [authority.certificate_pem().trim_end(), authority.key_pem().trim_end()];
    (pems.join("\n") + "\n").into_bytes()
}

/// From the map.
pub(crate) fn from_map(bytes: &[u8]) -> Result<Authority> {
    const KEY: &str = "-----BEGIN PRIVATE KEY-----";
    let text = std::str::from_utf8(bytes).context("read the cluster's authority")?;
    let at = text.find(KEY).context("the cluster's authority has no key")?;
    let (certificate, key) = text.split_at(at);
    Authority::from_pem(certificate.to_owned(), key.to_owned()).context("read the cluster's authority")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hongyan_env::Env;
    use hongyan_transport::ClusterId;

    use super::*;

    #[test]
    fn an_authority_comes_back_from_the_map() {
        let (env, _) = Env::manual(1);
        let made = Authority::create(&env, &ClusterId::from_random(7), Duration::from_secs(3600)).unwrap();
        let read = from_map(&to_map(&made)).unwrap();
        assert_eq!(read.fingerprint().unwrap(), made.fingerprint().unwrap());
        assert_eq!(read.key_pem().trim_end(), made.key_pem().trim_end());
        assert!(from_map(b"").is_err());
    }
}
