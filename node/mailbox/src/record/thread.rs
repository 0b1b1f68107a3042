//! The conversation of a Message-ID, which a mail has or refers to: key kind 8, [hash of the id].

use bytes::Bytes;
use hongyan_kv::Error as StorageError;
use hongyan_kv::record::{self, Schema};
use minicbor::{Decode, Encode};

use crate::ThreadId;

const V1: Schema = Schema(1);

#[derive(Encode, Decode)]
struct ThreadV1 {
    #[n(0)]
    thread: u64,
    /// A hash of the base subject: replies under another subject are another conversation.
    #[n(1)]
    subject: u64,
}

pub(crate) fn encode(thread: ThreadId, subject: u64) -> Bytes {
    let body = ThreadV1 {
        thread: thread.0,
        subject,
    };
    record::encode(V1, &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<(ThreadId, u64), StorageError> {
    let body: ThreadV1 = record::decode(V1, stored)?;
    Ok((ThreadId(body.thread), body.subject))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let stored = encode(ThreadId(3), 0x1234);
        let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "0100018203191234");
        assert_eq!(decode(&stored).unwrap(), (ThreadId(3), 0x1234));
    }
}
