//! What passes over a connection between two nodes: `[length u32][kind u8][stream u64][body]`, integers big-endian.
//!
//! The length counts what follows it. Owns the bytes of every kind and the parser, which holds at most one frame. Version
//! 1 of the protocol is what `golden.rs` records: these bytes never change. A later version adds kinds, which are sent only
//! when both ends have agreed on it, or appends to [`Hello`]; kinds from 128 on are skipped by whoever does not know them.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::ServiceId;

mod hello;

#[cfg(test)]
mod golden;

pub use hello::{Hello, Reject, RejectReason, VersionRange};

/// The most octets of payload in one frame; what is longer travels in parts, so that short frames get in between.
pub const FRAME_PAYLOAD_OCTETS_MAX: usize = 64 << 10;
/// Octets of a frame besides its payload, at most.
const OVERHEAD_OCTETS_MAX: usize = 64;
const LENGTH_OCTETS: usize = 4;
/// Kind and stream.
const HEAD_OCTETS: usize = 9;
/// Payloads up to this are copied out, so that they do not keep the whole read buffer in memory.
const COPY_OCTETS_MAX: usize = 4 << 10;
/// Kinds from here on may be skipped.
const SKIPPABLE_KIND: u8 = 128;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The first of each side.
    Hello(Hello),
    /// The accepting side's last: it does not speak to this peer.
    Reject(Reject),
    /// Begins a call. Octets missing to `total` follow in `Part`s.
    Call {
        /// New, chosen by the side that opened the connection.
        stream: u64,
        /// Of the called node.
        service: ServiceId,
        /// How long the caller still waits.
        within_micros: u64,
        /// Octets of the whole payload.
        total: u32,
        /// The first of them.
        payload: Bytes,
    },
    /// Begins the reply to a call. Octets missing to `total` follow in `Part`s.
    Reply {
        /// The call's.
        stream: u64,
        /// Octets of the whole payload.
        total: u32,
        /// The first of them.
        payload: Bytes,
    },
    /// Ends a call or stream that is not served.
    Refuse {
        /// The call's.
        stream: u64,
        /// Why.
        reason: RefuseReason,
    },
    /// More of the payload of a call or reply.
    Part {
        /// The call's.
        stream: u64,
        /// The next octets.
        payload: Bytes,
    },
    /// Opens a stream.
    Open {
        /// New, as for `Call`.
        stream: u64,
        /// Of the called node.
        service: ServiceId,
        /// What for.
        payload: Bytes,
    },
    /// A piece of a stream.
    Data {
        /// The stream's.
        stream: u64,
        /// The piece.
        payload: Bytes,
    },
    /// The other end may send so much more.
    Credit {
        /// The stream's.
        stream: u64,
        /// Octets.
        octets: u32,
    },
    /// This direction of the stream is complete.
    End {
        /// The stream's.
        stream: u64,
    },
    /// The stream is broken, both ways.
    Reset {
        /// The stream's.
        stream: u64,
    },
    /// Asks for a `Pong` with the same number.
    Ping(u64),
    /// Answers a `Ping`.
    Pong(u64),
    /// Something a later version adds and allows to skip.
    Skipped(u8),
}

/// Why a call is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefuseReason {
    /// No such service here.
    NoService,
    /// Too much is under way.
    Overloaded,
    /// The payload, or the reply, is too large.
    TooLarge,
    /// The service failed, after who knows what effect.
    Failed,
}

impl RefuseReason {
    const ALL: [(u8, Self); 4] = [
        (1, Self::NoService),
        (2, Self::Overloaded),
        (3, Self::TooLarge),
        (4, Self::Failed),
    ];
    fn code(self) -> u8 {
        Self::ALL
            .iter()
            .find(|(_, reason)| *reason == self)
            .map_or(4, |(code, _)| *code)
    }
    /// A reason of a later version says no more than that it did not work.
    fn from_code(code: u8) -> Self {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == code)
            .map_or(Self::Failed, |(_, reason)| *reason)
    }
}

/// Bytes that are no frame. The connection has lost its place and must end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than a frame may be.
    #[error("frame of {0} octets is too long")]
    TooLong(u32),
    /// Shorter than the head of a frame.
    #[error("frame of {0} octets is too short")]
    TooShort(u32),
    /// Shorter than its kind, or its fields contradict each other.
    #[error("frame of kind {0} is malformed")]
    Malformed(u8),
    /// A kind that this version does not know and may not skip.
    #[error("frame of unknown kind {0}")]
    UnknownKind(u8),
}

mod kind {
    pub const HELLO: u8 = 1;
    pub const REJECT: u8 = 2;
    pub const CALL: u8 = 3;
    pub const REPLY: u8 = 4;
    pub const REFUSE: u8 = 5;
    pub const PART: u8 = 6;
    pub const OPEN: u8 = 7;
    pub const DATA: u8 = 8;
    pub const CREDIT: u8 = 9;
    pub const END: u8 = 10;
    pub const RESET: u8 = 11;
    pub const PING: u8 = 12;
    pub const PONG: u8 = 13;
}

impl Frame {
    /// Appends the frame's bytes to `out`.
    ///
    /// # Panics
    /// When a payload is longer than a frame carries: a mistake of ours.
    pub fn write(&self, out: &mut BytesMut) {
        let start = out.len();
        out.put_u32(0);
        self.write_body(out);
        let length = out.len() - start - LENGTH_OCTETS;
        assert!(length <= FRAME_PAYLOAD_OCTETS_MAX + OVERHEAD_OCTETS_MAX);
        let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        out[start..start + LENGTH_OCTETS].copy_from_slice(&length);
    }
    fn write_body(&self, out: &mut BytesMut) {
        let mut head = |kind: u8, stream: u64| {
            out.put_u8(kind);
            out.put_u64(stream);
        };
        match self {
            Self::Hello(hello) => {
                head(kind::HELLO, 0);
                hello.write(out);
            }
            Self::Reject(reject) => {
                head(kind::REJECT, 0);
                reject.write(out);
            }
            Self::Call {
                stream,
                service,
                within_micros,
                total,
                payload,
            } => {
                head(kind::CALL, *stream);
                out.put_u8(service.0);
                out.put_u64(*within_micros);
                out.put_u32(*total);
                out.put_slice(payload);
            }
            Self::Reply { stream, total, payload } => {
                head(kind::REPLY, *stream);
                out.put_u32(*total);
                out.put_slice(payload);
            }
            Self::Refuse { stream, reason } => {
                head(kind::REFUSE, *stream);
                out.put_u8(reason.code());
            }
            Self::Part { stream, payload } => {
                head(kind::PART, *stream);
                out.put_slice(payload);
            }
            Self::Open {
                stream,
                service,
                payload,
            } => {
                head(kind::OPEN, *stream);
                out.put_u8(service.0);
                out.put_slice(payload);
            }
            Self::Data { stream, payload } => {
                head(kind::DATA, *stream);
                out.put_slice(payload);
            }
            Self::Credit { stream, octets } => {
                head(kind::CREDIT, *stream);
                out.put_u32(*octets);
            }
            Self::End { stream } => head(kind::END, *stream),
            Self::Reset { stream } => head(kind::RESET, *stream),
            Self::Ping(number) => {
                head(kind::PING, 0);
                out.put_u64(*number);
            }
            Self::Pong(number) => {
                head(kind::PONG, 0);
                out.put_u64(*number);
            }
            Self::Skipped(kind) => head((*kind).max(SKIPPABLE_KIND), 0),
        }
    }
    /// Reads the body of a frame: everything after its length.
    fn read(mut body: Bytes) -> Result<Self, FrameError> {
        let kind = body.try_get_u8().map_err(|_| FrameError::Malformed(0))?;
        let read = Self::read_kind(kind, &mut body).map_err(|_| FrameError::Malformed(kind))?;
        let frame = read.ok_or(FrameError::UnknownKind(kind))?;
        if let Self::Call { total, payload, .. } | Self::Reply { total, payload, .. } = &frame
            && (*total as usize) < payload.len()
        {
            return Err(FrameError::Malformed(kind));
        }
        Ok(frame)
    }
    fn read_kind(kind: u8, body: &mut Bytes) -> Result<Option<Self>, bytes::TryGetError> {
        let stream = body.try_get_u64()?;
        Ok(Some(match kind {
            kind::HELLO => Self::Hello(Hello::read(body)?),
            kind::REJECT => Self::Reject(Reject::read(body)?),
            kind::CALL => Self::Call {
                stream,
                service: ServiceId(body.try_get_u8()?),
                within_micros: body.try_get_u64()?,
                total: body.try_get_u32()?,
                payload: take_payload(body),
            },
            kind::REPLY => Self::Reply {
                stream,
                total: body.try_get_u32()?,
                payload: take_payload(body),
            },
            kind::REFUSE => Self::Refuse {
                stream,
                reason: RefuseReason::from_code(body.try_get_u8()?),
            },
            kind::PART => Self::Part {
                stream,
                payload: take_payload(body),
            },
            kind::OPEN => Self::Open {
                stream,
                service: ServiceId(body.try_get_u8()?),
                payload: take_payload(body),
            },
            kind::DATA => Self::Data {
                stream,
                payload: take_payload(body),
            },
            kind::CREDIT => Self::Credit {
                stream,
                octets: body.try_get_u32()?,
            },
            kind::END => Self::End { stream },
            kind::RESET => Self::Reset { stream },
            kind::PING => Self::Ping(body.try_get_u64()?),
            kind::PONG => Self::Pong(body.try_get_u64()?),
            SKIPPABLE_KIND.. => Self::Skipped(kind),
            _ => return Ok(None),
        }))
    }
}

fn take_payload(body: &mut Bytes) -> Bytes {
    let payload = body.split_off(0);
    if payload.len() <= COPY_OCTETS_MAX {
        return Bytes::copy_from_slice(&payload);
    }
    payload
}

/// Cuts what arrives into frames. Holds no more than one frame and what came with its end.
#[derive(Default)]
pub struct Parser {
    buffer: BytesMut,
}

impl Parser {
    /// Where arriving bytes are appended. Take the frames out before reading more.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }
    /// The next whole frame.
    ///
    /// # Errors
    /// When the bytes are none; nothing after them can be read.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(length) = self.buffer.first_chunk::<LENGTH_OCTETS>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length);
        let octets = length as usize;
        if octets > FRAME_PAYLOAD_OCTETS_MAX + OVERHEAD_OCTETS_MAX {
            return Err(FrameError::TooLong(length));
        }
        if octets < HEAD_OCTETS {
            return Err(FrameError::TooShort(length));
        }
        if self.buffer.len() < LENGTH_OCTETS + octets {
            self.buffer.reserve(LENGTH_OCTETS + octets - self.buffer.len());
            return Ok(None);
        }
        self.buffer.advance(LENGTH_OCTETS);
        Frame::read(self.buffer.split_to(octets).freeze()).map(Some)
    }
}
