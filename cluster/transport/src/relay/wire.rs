//! What nodes say to each other about ways, and the envelope of what goes round a cut: service 6 of the wire protocol.
//!
//! `[length u16 BE][head][payload of the call that is carried]`, so that a large payload is read where it lies. Enums grow
//! at their end. Releases that do not know the service refuse its calls, which tells them apart.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{CallError, NodeId, ServiceId, codec};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Question {
    /// A sign of life, please.
    Alive,
    /// Do you reach this node directly?
    Reach(u64),
    /// Hand what follows to `service` of the node `target`, for me. The time left is that of this call.
    Forward { target: u64, service: u8 },
    /// What follows is for your `service`, from the node `origin`. It goes no further.
    Deliver { origin: u64, service: u8 },
}

impl Question {
    pub(super) fn forward(target: NodeId, service: ServiceId) -> Self {
        Self::Forward {
            target: target.0,
            service: service.0,
        }
    }
    pub(super) fn deliver(origin: NodeId, service: ServiceId) -> Self {
        Self::Deliver {
            origin: origin.0,
            service: service.0,
        }
    }
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// Here I am.
    Alive,
    /// Whether that node is reached, and knows of this service.
    Reached(bool),
    /// The reply of the service follows.
    Reply,
    /// That node is not reached; nothing was done.
    Unreached,
    /// The call failed on its second half.
    Failed(Failure),
}

/// [`CallError`] on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Failure {
    Unreachable,
    Refused,
    Deadline,
    TooLarge,
    Overloaded,
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unreachable => Self::Unreachable,
            CallError::Refused => Self::Refused,
            CallError::Deadline => Self::Deadline,
            CallError::TooLarge => Self::TooLarge,
            CallError::Overloaded => Self::Overloaded,
        }
    }
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable => Self::Unreachable,
            Failure::Refused => Self::Refused,
            Failure::Deadline => Self::Deadline,
            Failure::TooLarge => Self::TooLarge,
            Failure::Overloaded => Self::Overloaded,
        }
    }
}

/// Puts `head` before `payload`.
pub(super) fn wrap(head: &impl Serialize, payload: &[u8]) -> Bytes {
    // Heads are plain numbers: nothing in them can be refused.
    let head = codec::encode(head).unwrap_or_default();
    let mut out = BytesMut::with_capacity(2 + head.len() + payload.len());
    out.put_u16(u16::try_from(head.len()).unwrap_or(u16::MAX));
    out.put_slice(&head);
    out.put_slice(payload);
    out.freeze()
}

/// Head and payload; `None` when it is none that this release knows.
pub(super) fn unwrap<H: DeserializeOwned>(mut bytes: Bytes) -> Option<(H, Bytes)> {
    let length = usize::from(bytes.try_get_u16().ok()?);
    if length > bytes.len() {
        return None;
    }
    let head = bytes.split_to(length);
    Some((codec::decode(&head).ok()?, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<H: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(head: &H, payload: &[u8], hex: &str) {
        let bytes = wrap(head, payload);
        assert_eq!(format!("{bytes:x}"), hex.replace(' ', ""), "{head:?}");
        let (read, rest) = unwrap::<H>(bytes).unwrap();
        assert_eq!((&read, &rest[..]), (head, payload));
    }

    #[test]
    fn recorded_bytes() {
        check(&Question::Alive, b"", "0001 00");
        check(&Question::Reach(300), b"", "0004 01 fb2c01");
        check(
            &Question::forward(NodeId(7), ServiceId(2)),
            b"abc",
            "0003 02 07 02 616263",
        );
        check(
            &Question::deliver(NodeId(9), ServiceId(3)),
            b"abc",
            "0003 03 09 03 616263",
        );
        check(&Answer::Alive, b"", "0001 00");
        check(&Answer::Reached(true), b"", "0002 01 01");
        check(&Answer::Reply, b"yes", "0001 02 796573");
        check(&Answer::Unreached, b"", "0001 03");
        let errors = [
            CallError::Unreachable,
            CallError::Refused,
            CallError::Deadline,
            CallError::TooLarge,
            CallError::Overloaded,
        ];
        for (code, error) in (0_u8..).zip(errors) {
            let failure = Failure::from(error);
            check(&Answer::Failed(failure), b"", &format!("0002 04 {code:02x}"));
            assert_eq!(CallError::from(failure), error);
        }
    }

    #[test]
    fn what_is_no_head_is_told() {
        for bytes in [&b""[..], b"\0", b"\0\x09\0", b"\0\x01\x63", b"\0\0"] {
            assert_eq!(unwrap::<Question>(Bytes::copy_from_slice(bytes)), None, "{bytes:?}");
        }
    }
}
