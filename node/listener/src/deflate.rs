//! COMPRESS=DEFLATE (RFC 4978) on a connection: raw DEFLATE both ways.
//!
//! What we send is compressed burst by burst with a compressor that the whole thread shares: a burst never refers to
//! an earlier one, so a silent connection keeps no compressor (it would be some 300 KB). The window for what the client
//! sends (32 KB) stays, since clients do refer back.

use std::cell::RefCell;
use std::io;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

thread_local! {
    static COMPRESSOR: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(4), false));
}

/// Room that one step of the compressor gets at least.
const STEP_OCTETS: usize = 4096;

/// Compresses `plain` so that the peer can read all of it now (RFC 4978 §4: flushed, never finished).
pub(crate) fn compress(plain: &[u8]) -> Vec<u8> {
    COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.reset();
        let mut out = Vec::with_capacity(plain.len() / 2 + STEP_OCTETS);
        let mut rest = plain;
        loop {
            let before = compressor.total_in();
            // Neither level nor stream state can be wrong here, so compressing never fails.
            let _ = compressor.compress_vec(rest, &mut out, FlushCompress::Sync);
            let taken = usize::try_from(compressor.total_in() - before).unwrap_or(rest.len());
            rest = rest.get(taken..).unwrap_or_default();
            // Room left over means that the flush is complete.
            if rest.is_empty() && out.len() < out.capacity() {
                return out;
            }
            out.reserve(STEP_OCTETS);
        }
    })
}

/// The inbound half: compressed octets that wait, and the window.
pub(crate) struct Inflate {
    state: Decompress,
    waiting: Vec<u8>,
    taken: usize,
    /// The last step filled the room it had, so there may be more without any input.
    more: bool,
}

impl Inflate {
    pub(crate) fn new() -> Self {
        Self {
            state: Decompress::new(false),
            waiting: Vec::new(),
            taken: 0,
            more: false,
        }
    }
    /// Takes compressed octets; only when [`Self::read`] had none left.
    pub(crate) fn feed(&mut self, compressed: &[u8]) {
        self.waiting.extend_from_slice(compressed);
    }
    /// Whether [`Self::read`] can yield without being fed.
    pub(crate) fn has_input(&self) -> bool {
        self.more || self.taken < self.waiting.len()
    }
    /// Inflates into `out`; the number of octets, 0 when more input is needed. Bounded by `out`, whatever the ratio.
    ///
    /// # Errors
    /// `InvalidData` when the stream is damaged.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let (in_before, out_before) = (self.state.total_in(), self.state.total_out());
        let input = self.waiting.get(self.taken..).unwrap_or_default();
        let status = self
            .state
            .decompress(input, out, FlushDecompress::Sync)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "damaged DEFLATE stream"))?;
        self.taken += usize::try_from(self.state.total_in() - in_before).unwrap_or(0);
        let made = usize::try_from(self.state.total_out() - out_before).unwrap_or(0);
        self.more = made == out.len();
        if self.taken >= self.waiting.len() {
            self.waiting = Vec::new();
            self.taken = 0;
        }
        if status == Status::StreamEnd {
            self.state.reset(false);
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inflate_all(inflate: &mut Inflate, compressed: &[u8], room: usize) -> Vec<u8> {
        let mut plain = Vec::new();
        let mut out = vec![0; room];
        inflate.feed(compressed);
        while inflate.has_input() {
            let count = inflate.read(&mut out).unwrap();
            plain.extend_from_slice(&out[..count]);
        }
        plain
    }

    #[test]
    fn bursts_follow_each_other_in_one_stream() {
        let mut inflate = Inflate::new();
        let long: Vec<u8> = (0..200_000_u32).flat_map(|n| (n / 3).to_le_bytes()).collect();
        for burst in [&b"* OK hello\r\n"[..], &long, b"x", &[0; 100_000]] {
            assert_eq!(inflate_all(&mut inflate, &compress(burst), 1000), burst);
        }
    }

    #[test]
    fn a_bomb_comes_out_in_pieces() {
        let bomb = compress(&vec![0; 10_000_000]);
        assert!(bomb.len() < 100_000);
        let mut inflate = Inflate::new();
        inflate.feed(&bomb);
        let mut out = [0; 8192];
        assert_eq!(inflate.read(&mut out).unwrap(), 8192);
        assert!(inflate.has_input());
    }

    #[test]
    fn damage_is_an_error() {
        let mut inflate = Inflate::new();
        inflate.feed(&[0xff; 50]);
        assert_eq!(
            inflate.read(&mut [0; 100]).unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
    }
}
