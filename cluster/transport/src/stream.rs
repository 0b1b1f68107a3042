//! One stream as its two ends see it: ordered pieces both ways, each way with its own credit.
//!
//! A sender may have as many octets under way as the other end has granted; the grant grows as the receiver takes
//! pieces out. What carries the pieces is an [`Outlet`]: a connection, or the simulated network.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use tokio::sync::{Notify, Semaphore, mpsc};

/// Octets that may be under way in one direction of a stream.
pub(crate) const WINDOW_OCTETS: u32 = 256 << 10;
/// The largest piece of a stream.
pub(crate) const PIECE_OCTETS_MAX: usize = crate::frame::FRAME_PAYLOAD_OCTETS_MAX;
/// What a piece costs besides its octets, so that empty ones are not free.
const PIECE_COST_OCTETS: u32 = 64;

/// Why a stream does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The connection is gone, or the other end let go without finishing.
    #[error("stream is broken")]
    Broken,
    /// A piece is larger than a stream carries (64 KiB).
    #[error("piece is too large")]
    TooLarge,
}

/// The way from one end of a stream to the other.
pub(crate) trait Outlet: Send + Sync {
    fn data(&self, piece: Bytes);
    fn credit(&self, octets: u32);
    fn end(&self);
    fn reset(&self);
}

/// What a piece takes from the credit.
pub(crate) fn cost(piece: &Bytes) -> u32 {
    u32::try_from(piece.len())
        .unwrap_or(u32::MAX)
        .saturating_add(PIECE_COST_OCTETS)
}

/// What arrives at a receiver; that the channel closes without `End` means broken.
pub(crate) enum Arrival {
    Data(Bytes),
    End,
}

/// A stream that is open both ways.
pub struct Stream {
    /// This end's way out.
    pub sender: StreamSender,
    /// This end's way in.
    pub receiver: StreamReceiver,
}

/// What the carrier keeps of one end: pieces go in by `arrivals`, grants by `credit`. Dropping `arrivals` and closing
/// `credit` breaks the stream.
pub(crate) struct StreamEnd {
    pub arrivals: mpsc::UnboundedSender<Arrival>,
    pub credit: Arc<Semaphore>,
}

impl Stream {
    pub(crate) fn new(outlet: Arc<dyn Outlet>) -> (Self, StreamEnd) {
        let (arrivals, incoming) = mpsc::unbounded_channel();
        let credit = Arc::new(Semaphore::new(WINDOW_OCTETS as usize));
        let breaking = Arc::new(Breaking::default());
        let stream = Self {
            sender: StreamSender {
                credit: Arc::clone(&credit),
                outlet: Arc::clone(&outlet),
                finished: false,
            },
            receiver: StreamReceiver {
                incoming,
                outlet,
                owed_octets: 0,
                ended: false,
                breaking,
            },
        };
        (stream, StreamEnd { arrivals, credit })
    }
    /// What breaks it from outside, at this end at once.
    pub(crate) fn breaker(&self) -> StreamBreaker {
        StreamBreaker {
            credit: Arc::downgrade(&self.sender.credit),
            outlet: Arc::downgrade(&self.sender.outlet),
            breaking: Arc::downgrade(&self.receiver.breaking),
        }
    }
}

/// Whether a stream was broken from outside.
#[derive(Default)]
struct Breaking {
    is_broken: AtomicBool,
    told: Notify,
}

impl Breaking {
    /// Resolves when it is broken.
    async fn broken(&self) {
        let told = self.told.notified();
        tokio::pin!(told);
        // Heard from now on, so that a break between the look and the wait is not missed.
        told.as_mut().enable();
        if !self.is_broken.load(Ordering::Acquire) {
            told.await;
        }
    }
}

/// Breaks a stream that somebody else holds; does not keep it.
pub(crate) struct StreamBreaker {
    credit: Weak<Semaphore>,
    outlet: Weak<dyn Outlet>,
    breaking: Weak<Breaking>,
}

impl StreamBreaker {
    /// Whether somebody still holds an end of it.
    pub(crate) fn is_open(&self) -> bool {
        self.outlet.strong_count() > 0
    }
    pub(crate) fn break_it(&self) {
        if let Some(credit) = self.credit.upgrade() {
            credit.close();
        }
        if let Some(breaking) = self.breaking.upgrade() {
            breaking.is_broken.store(true, Ordering::Release);
            breaking.told.notify_waiters();
        }
        if let Some(outlet) = self.outlet.upgrade() {
            outlet.reset();
        }
    }
}

/// Sends pieces. Dropped without [`Self::finish`], it breaks the stream.
pub struct StreamSender {
    credit: Arc<Semaphore>,
    outlet: Arc<dyn Outlet>,
    finished: bool,
}

impl StreamSender {
    /// Sends one piece, as soon as the other end has room for it. That it arrives is not known.
    ///
    /// # Errors
    /// `TooLarge` above 64 KiB; `Broken`.
    pub async fn send(&mut self, piece: Bytes) -> Result<(), StreamError> {
        if piece.len() > PIECE_OCTETS_MAX {
            return Err(StreamError::TooLarge);
        }
        let grant = self.credit.acquire_many(cost(&piece)).await;
        grant.map_err(|_| StreamError::Broken)?.forget();
        self.outlet.data(piece);
        Ok(())
    }
    /// Ends this direction well.
    pub fn finish(mut self) {
        self.finished = true;
        self.outlet.end();
    }
    /// Whether sending is known to be in vain.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.credit.is_closed()
    }
}

impl Drop for StreamSender {
    fn drop(&mut self) {
        if !self.finished {
            self.outlet.reset();
        }
    }
}

/// Receives pieces in order. Dropped before the end, it breaks the stream.
pub struct StreamReceiver {
    incoming: mpsc::UnboundedReceiver<Arrival>,
    outlet: Arc<dyn Outlet>,
    owed_octets: u32,
    ended: bool,
    breaking: Arc<Breaking>,
}

impl StreamReceiver {
    /// The next piece; `None` when the other end has finished.
    ///
    /// # Errors
    /// `Broken`.
    pub async fn recv(&mut self) -> Result<Option<Bytes>, StreamError> {
        if self.ended {
            return Ok(None);
        }
        let arrival = tokio::select! {
            biased;
            arrival = self.incoming.recv() => arrival,
            () = self.breaking.broken() => None,
        };
        match arrival {
            Some(Arrival::Data(piece)) => {
                self.owed_octets = self.owed_octets.saturating_add(cost(&piece));
                // Many small grants would cost more than they bring.
                if self.owed_octets >= WINDOW_OCTETS / 2 {
                    self.outlet.credit(std::mem::take(&mut self.owed_octets));
                }
                Ok(Some(piece))
            }
            Some(Arrival::End) => {
                self.ended = true;
                Ok(None)
            }
            None => Err(StreamError::Broken),
        }
    }
}

impl Drop for StreamReceiver {
    fn drop(&mut self) {
        if !self.ended {
            self.outlet.reset();
        }
    }
}
