//! What waits to be written on one connection: short frames first, long payloads a part at a time in between.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::frame::{FRAME_PAYLOAD_OCTETS_MAX, Frame};

/// Octets that are written at once, about.
const BATCH_OCTETS: usize = 128 << 10;
/// What a frame takes in memory besides its payload, about.
const FRAME_COST_OCTETS: usize = 128;

/// A frame, and what follows it in parts.
struct Item {
    frame: Frame,
    rest: Bytes,
    octets: usize,
}

#[derive(Default)]
pub(super) struct Outgoing {
    items: VecDeque<Item>,
    /// Payloads whose first frame has been written.
    bulk: VecDeque<(u64, Bytes)>,
    octets: usize,
}

impl Outgoing {
    /// Octets that wait.
    pub(super) fn octets(&self) -> usize {
        self.octets
    }
    pub(super) fn push(&mut self, frame: Frame) {
        let octets = match &frame {
            Frame::Data { payload, .. } | Frame::Open { payload, .. } => payload.len(),
            _ => 0,
        };
        self.put(frame, Bytes::new(), octets);
    }
    /// Puts a payload that `make` begins with its first octets.
    pub(super) fn push_payload(&mut self, mut payload: Bytes, make: impl FnOnce(u32, Bytes) -> Frame) {
        let octets = payload.len();
        let total = u32::try_from(octets).unwrap_or(u32::MAX);
        let first = payload.split_to(octets.min(FRAME_PAYLOAD_OCTETS_MAX));
        self.put(make(total, first), payload, octets);
    }
    fn put(&mut self, frame: Frame, rest: Bytes, octets: usize) {
        let octets = octets + FRAME_COST_OCTETS;
        self.octets += octets;
        self.items.push_back(Item { frame, rest, octets });
    }
    /// Moves the next octets to write into `out`.
    pub(super) fn take(&mut self, out: &mut BytesMut) {
        while out.len() < BATCH_OCTETS {
            let Some(item) = self.items.pop_front() else { break };
            item.frame.write(out);
            self.octets -= item.octets - item.rest.len();
            let stream = match item.frame {
                Frame::Call { stream, .. } | Frame::Reply { stream, .. } => stream,
                _ => continue,
            };
            if !item.rest.is_empty() {
                self.bulk.push_back((stream, item.rest));
            }
        }
        if let Some((stream, mut rest)) = self.bulk.pop_front() {
            let payload = rest.split_to(rest.len().min(FRAME_PAYLOAD_OCTETS_MAX));
            self.octets -= payload.len();
            Frame::Part { stream, payload }.write(out);
            if !rest.is_empty() {
                self.bulk.push_back((stream, rest));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Parser;

    #[test]
    fn short_frames_get_between_the_parts_of_a_long_payload() {
        let mut outgoing = Outgoing::default();
        let long = Bytes::from(vec![7; 300 << 10]);
        outgoing.push_payload(long.clone(), |total, payload| Frame::Reply {
            stream: 1,
            total,
            payload,
        });
        let (mut order, mut parser, mut received) = (Vec::new(), Parser::default(), BytesMut::new());
        while outgoing.octets() > 0 {
            outgoing.push(Frame::Ping(0));
            let mut out = BytesMut::new();
            outgoing.take(&mut out);
            parser.buffer().unsplit(out);
            while let Some(frame) = parser.next_frame().unwrap() {
                match frame {
                    Frame::Reply { total, payload, .. } => {
                        assert_eq!(total as usize, long.len());
                        received.extend_from_slice(&payload);
                        order.push('R');
                    }
                    Frame::Part { payload, .. } => {
                        received.extend_from_slice(&payload);
                        order.push('P');
                    }
                    _ => order.push('.'),
                }
            }
            if received.len() == long.len() {
                break;
            }
        }
        assert_eq!(received, long);
        assert_eq!(order.iter().collect::<String>(), "R.P.P.P.P");
        assert_eq!(outgoing.octets(), 0);
    }
}
