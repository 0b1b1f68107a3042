//! How counting is done: named limits, and what an organisation has chosen, at ("statistics", "settings", tenant).

use std::time::Duration;

use bytes::Bytes;
use hongyan_kv::record::{RecordError, Schema, decode as read, encode as write};
use minicbor::{Decode, Encode};

/// Named limits.
#[derive(Debug, Clone)]
pub struct StatisticsOptions {
    /// Time between two additions to the store.
    pub write_period: Duration,
    /// Time between two writings of the mail log.
    pub mail_write_period: Duration,
    /// Numbers held in memory between two additions; what is beyond is lost, and counted.
    pub held_max: usize,
}

impl Default for StatisticsOptions {
    fn default() -> Self {
        Self {
            write_period: Duration::from_secs(5),
            mail_write_period: Duration::from_millis(500),
            held_max: 500_000,
        }
    }
}

/// What an organisation has chosen.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StatisticsSettings {
    /// The time zone of its days, such as `Asia/Shanghai`. What is counted already stays with its day.
    #[n(0)]
    pub time_zone: String,
}

impl Default for StatisticsSettings {
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
        }
    }
}

const V1: Schema = Schema(1);

impl StatisticsSettings {
    pub(crate) fn encode(&self) -> Bytes {
        write(V1, self)
    }
    pub(crate) fn decode(stored: &[u8]) -> Result<Self, RecordError> {
        read(V1, stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let settings = StatisticsSettings {
            time_zone: "UTC".to_owned(),
        };
        let golden = b"\x01\x00\x01\xa1\x00\x63UTC";
        assert_eq!(&settings.encode()[..], golden);
        assert_eq!(StatisticsSettings::decode(golden), Ok(settings));
    }
}
