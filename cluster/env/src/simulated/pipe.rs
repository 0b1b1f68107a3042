//! One direction of a connection: octets on their way, and who waits for them.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::task::Waker;

/// Octets that were sent together and arrive together.
pub(super) struct Segment {
    pub(super) due_micros: u64,
    pub(super) bytes: VecDeque<u8>,
}

/// Octets from one socket to another.
pub(super) struct Pipe {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) segments: VecDeque<Segment>,
    /// Octets in `segments`.
    pub(super) queued: usize,
    /// When the last of them arrives; nothing overtakes.
    pub(super) last_due_micros: u64,
    /// When the end of the stream arrives.
    pub(super) end_micros: Option<u64>,
    /// The connection was cut: neither end can use it any more.
    pub(super) is_reset: bool,
    /// The receiving socket is closed.
    pub(super) is_abandoned: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

/// What a reader finds.
pub(super) enum Arrival {
    /// Octets, or the end of the stream.
    Now,
    /// Something, at this time.
    At(u64),
    /// Nothing that is known of.
    Never,
}

impl Pipe {
    pub(super) fn new(from: SocketAddr, to: SocketAddr) -> Self {
        Self {
            from,
            to,
            segments: VecDeque::new(),
            queued: 0,
            last_due_micros: 0,
            end_micros: None,
            is_reset: false,
            is_abandoned: false,
            reader: None,
            writer: None,
        }
    }
    /// When something that leaves at `now` and travels for `latency` arrives.
    pub(super) fn arrival(&mut self, now: u64, latency: u64) -> u64 {
        self.last_due_micros = self.last_due_micros.max(now.saturating_add(latency));
        self.last_due_micros
    }
    pub(super) fn next_arrival(&self, now: u64) -> Arrival {
        let next = self.segments.front().map(|segment| segment.due_micros);
        match next.or(self.end_micros) {
            Some(due) if due <= now => Arrival::Now,
            Some(due) => Arrival::At(due),
            None => Arrival::Never,
        }
    }
    pub(super) fn reset(&mut self) {
        self.is_reset = true;
        self.segments.clear();
        self.queued = 0;
        self.wake();
    }
    pub(super) fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}
