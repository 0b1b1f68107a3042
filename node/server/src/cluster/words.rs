//! What a joining node and the member that takes it in say to each other. Sent between releases: enums grow at their end,
//! structs never change.

use serde::{Deserialize, Serialize};

/// What the new node says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum About {
    /// The first form.
    V1(AboutV1),
}

/// What the first form holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AboutV1 {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) data_center: String,
    pub(crate) rack: String,
    pub(crate) weight: u32,
    pub(crate) release: String,
    pub(crate) protocol_oldest: u16,
    pub(crate) protocol_newest: u16,
}

/// What it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Welcome {
    /// The first form.
    V1(WelcomeV1),
}

/// What the first form holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WelcomeV1 {
    pub(crate) partitions: u32,
    /// Node and address of each member that lives.
    pub(crate) contacts: Vec<(u64, String)>,
    pub(crate) key_space: String,
    /// FoundationDB's cluster file, where the store is one.
    pub(crate) cluster_file: Option<String>,
    /// The nodes look after FoundationDB themselves.
    pub(crate) kept: bool,
}

#[cfg(test)]
mod tests {
    use hongyan_transport::codec;

    use super::*;

    #[test]
    fn the_first_forms_stay_as_they_are() {
        let about = About::V1(AboutV1 {
            name: "mx1".to_owned(),
            address: "192.0.2.1:7400".to_owned(),
            data_center: "a".to_owned(),
            rack: "b".to_owned(),
            weight: 100,
            release: "1".to_owned(),
            protocol_oldest: 1,
            protocol_newest: 2,
        });
        let bytes = b"\x00\x03mx1\x0e192.0.2.1:7400\x01a\x01b\x64\x011\x01\x02";
        assert_eq!(codec::encode(&about).unwrap(), bytes[..]);
        assert_eq!(codec::decode::<About>(bytes).unwrap(), about);
        let welcome = Welcome::V1(WelcomeV1 {
            partitions: 16,
            contacts: vec![(1, "192.0.2.1:7400".to_owned())],
            key_space: "hongyan".to_owned(),
            cluster_file: Some("x".to_owned()),
            kept: true,
        });
        let bytes = b"\x00\x10\x01\x01\x0e192.0.2.1:7400\x07hongyan\x01\x01x\x01";
        assert_eq!(codec::encode(&welcome).unwrap(), bytes[..]);
        assert_eq!(codec::decode::<Welcome>(bytes).unwrap(), welcome);
    }
}
