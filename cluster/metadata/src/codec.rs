//! Bytes of what is stored and sent: a format byte, then bincode; stored values begin with a checksum.
//!
//! Bincode cannot skip what it does not know, so types grow only by variants at the end of enums, and what older
//! nodes cannot read is not sent to them.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The only format so far.
const FORMAT: u8 = 1;
const CHECKSUM_OCTETS: usize = 8;
/// More than the largest map: bounds what a length field in damaged bytes may ask for.
const OCTETS_MAX: usize = 64 << 20;

/// Why bytes cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodecError {
    #[error("the checksum is wrong")]
    Checksum,
    #[error("the format {0} is unknown: written by a newer release")]
    Format(u8),
    #[error("the bytes make no sense")]
    Malformed,
}

/// For the wire, which has its own checksums.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    append(value, &mut bytes);
    bytes
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let (format, body) = bytes.split_first().ok_or(CodecError::Malformed)?;
    if *format != FORMAT {
        return Err(CodecError::Format(*format));
    }
    let configuration = bincode::config::standard().with_limit::<OCTETS_MAX>();
    match bincode::serde::decode_from_slice(body, configuration) {
        Ok((value, read)) if read == body.len() => Ok(value),
        _ => Err(CodecError::Malformed),
    }
}

/// For the disk.
pub(crate) fn seal<T: Serialize>(value: &T) -> Bytes {
    let body = encode(value);
    let mut bytes = checksum(&body).to_vec();
    bytes.extend_from_slice(&body);
    bytes.into()
}

pub(crate) fn unseal<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let (sum, body) = bytes.split_at_checked(CHECKSUM_OCTETS).ok_or(CodecError::Malformed)?;
    if sum != checksum(body) {
        return Err(CodecError::Checksum);
    }
    decode(body)
}

fn append<T: Serialize>(value: &T, bytes: &mut Vec<u8>) {
    let configuration = bincode::config::standard().with_limit::<OCTETS_MAX>();
    bincode::serde::encode_into_std_write(value, bytes, configuration).expect("our own types fit into memory");
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM_OCTETS] {
    let mut sum = [0; CHECKSUM_OCTETS];
    for (to, from) in sum.iter_mut().zip(blake3::hash(body).as_bytes()) {
        *to = *from;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Assignment, Change, Hand, Incarnation, NodeState};

    #[test]
    fn what_is_sealed_opens_again_and_damage_is_seen() {
        let sealed = seal(&Change::Sweep { now_millis: 5 });
        assert_eq!(unseal(&sealed), Ok(Change::Sweep { now_millis: 5 }));
        for at in 0..sealed.len() {
            let mut damaged = sealed.to_vec();
            damaged[at] ^= 1;
            assert_eq!(unseal::<Change>(&damaged), Err(CodecError::Checksum), "octet {at}");
            assert!(unseal::<Change>(&sealed[..at]).is_err(), "cut at {at}");
        }
        assert_eq!(decode::<Change>(&[9, 1]), Err(CodecError::Format(9)));
    }

    #[test]
    fn every_change_keeps_its_bytes() {
        let cases: [(Change, &str); 7] = [
            (
                Change::Fail {
                    node: 3,
                    incarnation: Incarnation { number: 2, nonce: 9 },
                    assignments: vec![Assignment {
                        partition: 7,
                        epoch: 4,
                        to: 1,
                    }],
                },
                "010403020901070401",
            ),
            (Change::Prepare(vec![]), "010600"),
            (
                Change::Move(vec![Hand {
                    partition: 300,
                    epoch: 1,
                    begun: 70_000,
                }]),
                "010701fb2c0101fc70110100",
            ),
            (
                Change::SetState {
                    node: 2,
                    state: NodeState::Draining,
                },
                "01090202",
            ),
            (
                Change::Set {
                    key: "k".to_owned(),
                    value: Some("v".to_owned()),
                },
                "010b016b010176",
            ),
            (
                Change::Replace {
                    key: "k".to_owned(),
                    present: "v".to_owned(),
                    value: "w".to_owned(),
                },
                "010e016b01760177",
            ),
            (Change::BeginAfter { epoch: 5 }, "010f05"),
        ];
        for (change, golden) in cases {
            let bytes = encode(&change);
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, golden, "{change:?}");
            assert_eq!(decode::<Change>(&bytes), Ok(change));
        }
    }
}
