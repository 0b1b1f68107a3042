//! Requests and replies that are too large for one call: they travel in pieces over a stream of service 2.
//!
//! The stream is opened with a [`LargeHead`]; then each side sends messages, `[length u32 BE][octets]` cut to what a stream
//! carries: the asker the pieces of its request, the answerer an answer's head and the pieces of its reply. Credit holds
//! back whoever is faster, so neither end keeps more than a piece in memory for the other.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use hongyan_transport::{StreamReceiver, StreamSender};
use serde::{Deserialize, Serialize};

/// What one call carries; longer goes by stream.
pub(crate) const CALL_OCTETS_MAX: usize = 1 << 20;
/// The longest piece: one that is cut where its kind of entity can cut it is much shorter.
pub(crate) const PIECE_OCTETS_MAX: usize = 16 << 20;
/// The longest request, all pieces together.
pub(crate) const REQUEST_OCTETS_MAX: usize = 384 << 20;
/// Octets of requests that come by stream and are in memory at the same time.
pub(crate) const REQUESTS_OCTETS_MAX: usize = 512 << 20;
/// Octets of one frame of a stream.
const FRAME_OCTETS: usize = 32 << 10;

/// What stands before a large request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LargeHead {
    V1 {
        /// The entity's kind.
        kind: String,
        /// The entity's key.
        key: Vec<u8>,
        /// Under which a repeat is recognised.
        id: u128,
        /// How long the asker waits.
        within_micros: u64,
    },
}

/// The stream broke, or carries what is no message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// Sends one message.
pub(crate) async fn send(sender: &mut StreamSender, message: Bytes) -> Result<(), Broken> {
    let length = u32::try_from(message.len()).map_err(|_| Broken)?;
    let mut head = BytesMut::with_capacity(4);
    head.put_u32(length);
    sender.send(head.freeze()).await.map_err(|_| Broken)?;
    let mut rest = message;
    while !rest.is_empty() {
        let frame = rest.split_to(rest.len().min(FRAME_OCTETS));
        sender.send(frame).await.map_err(|_| Broken)?;
    }
    Ok(())
}

/// The messages of a stream.
pub(crate) struct Messages {
    receiver: StreamReceiver,
    buffer: BytesMut,
}

impl Messages {
    pub(crate) fn new(receiver: StreamReceiver) -> Self {
        Self {
            receiver,
            buffer: BytesMut::new(),
        }
    }
    /// The next one; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        if !self.fill(4).await? {
            return if self.buffer.is_empty() { Ok(None) } else { Err(Broken) };
        }
        let length = self.buffer.get_u32() as usize;
        if length > PIECE_OCTETS_MAX || !self.fill(length).await? {
            return Err(Broken);
        }
        Ok(Some(self.buffer.split_to(length).freeze()))
    }
    /// False when the stream ends before there are `octets`.
    async fn fill(&mut self, octets: usize) -> Result<bool, Broken> {
        while self.buffer.len() < octets {
            match self.receiver.recv().await {
                Ok(Some(frame)) => self.buffer.extend_from_slice(&frame),
                Ok(None) => return Ok(false),
                Err(_) => return Err(Broken),
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_bytes() {
        let head = LargeHead::V1 {
            kind: "box".into(),
            key: vec![9],
            id: 7,
            within_micros: 5,
        };
        let bytes = hongyan_transport::codec::encode(&head).unwrap();
        assert_eq!(&bytes[..], b"\x00\x03box\x01\x09\x07\x05");
        assert_eq!(hongyan_transport::codec::decode::<LargeHead>(&bytes).unwrap(), head);
    }
}
