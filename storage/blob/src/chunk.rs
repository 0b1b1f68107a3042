//! One piece of a blob as it is stored: `[codec u8][bytes]`.

use std::cell::RefCell;

use bytes::Bytes;

use crate::{BlobError, Result};

/// Octets of content in a piece; the last one of a blob has fewer.
pub(crate) const CHUNK_OCTETS: usize = 64 * 1024;
/// Pieces are stored as they are unless compression saves at least one part in so many.
const WORTHWHILE: usize = 16;
/// Fast: text halves at about 3 ns an octet; higher levels cost more processor time than the disk they save.
const LEVEL: i32 = 1;
/// Long matches only, found through a table that stays in the nearest cache: a mail of 8 KB compresses in two thirds of the
/// level's own time and decompresses in four fifths of it, for a fiftieth of its length on disk.
const MATCH_OCTETS_MIN: u32 = 7;
const HASH_LOG: u32 = 13;

const RAW: u8 = 0;
const ZSTD: u8 = 1;

// A stored piece may be a little longer than its content, and has to stay below the store's limit for values.
const _: () = assert!(CHUNK_OCTETS + 1024 < hongyan_kv::VALUE_OCTETS_MAX);

thread_local! {
    /// Where pieces are compressed before their size is known.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// A context takes longer to make than a small mail to compress, so each thread keeps one.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// `content`, at most [`CHUNK_OCTETS`], as it is stored.
pub(crate) fn encode(content: &[u8]) -> Bytes {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.resize(zstd::zstd_safe::compress_bound(CHUNK_OCTETS.max(content.len())), 0);
        let compressed = COMPRESSOR.with_borrow_mut(|slot| {
            let compressor = match slot {
                Some(compressor) => compressor,
                None => slot.insert(compressor().ok()?),
            };
            compressor.compress_to_buffer(content, scratch.as_mut_slice()).ok()
        });
        let (codec, kept) = match compressed {
            Some(octets) if octets + content.len() / WORTHWHILE < content.len() => (ZSTD, &scratch[..octets]),
            _ => (RAW, content),
        };
        let mut stored = Vec::with_capacity(1 + kept.len());
        stored.push(codec);
        stored.extend_from_slice(kept);
        stored.into()
    })
}

fn compressor() -> std::io::Result<zstd::bulk::Compressor<'static>> {
    use zstd::zstd_safe::CParameter;
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    compressor.set_parameter(CParameter::MinMatch(MATCH_OCTETS_MIN))?;
    compressor.set_parameter(CParameter::HashLog(HASH_LOG))?;
    Ok(compressor)
}

/// The content of a stored piece.
pub(crate) fn decode(stored: &Bytes) -> Result<Bytes> {
    match stored.first() {
        Some(&RAW) => Ok(stored.slice(1..)),
        Some(&ZSTD) => DECOMPRESSOR.with_borrow_mut(|slot| {
            let decompressor = match slot {
                Some(decompressor) => decompressor,
                None => {
                    let made = zstd::bulk::Decompressor::new();
                    slot.insert(made.map_err(|_| BlobError::Corrupt("no memory for a decompressor"))?)
                }
            };
            let bound = content_octets(&stored[1..]);
            decompressor
                .decompress(&stored[1..], bound)
                .map(Bytes::from)
                .map_err(|_| BlobError::Corrupt("zstd frame"))
        }),
        _ => Err(BlobError::Corrupt("unknown codec")),
    }
}

/// How long the content of a frame is: what the frame says, but never more than a piece can hold.
fn content_octets(frame: &[u8]) -> usize {
    let said = zstd::zstd_safe::get_frame_content_size(frame).ok().flatten();
    said.and_then(|octets| usize::try_from(octets).ok())
        .map_or(CHUNK_OCTETS, |octets| octets.min(CHUNK_OCTETS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_shrinks_and_noise_stays() {
        let text = b"Received: from here by there\r\n".repeat(300);
        let stored = encode(&text);
        assert!(stored.len() < text.len() / 4);
        assert_eq!(decode(&stored).as_deref(), Ok(&text[..]));
        let mut state = 1u64;
        let noise: Vec<u8> = (0..CHUNK_OCTETS)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        let stored = encode(&noise);
        assert_eq!(stored.len(), noise.len() + 1);
        assert_eq!(decode(&stored).as_deref(), Ok(&noise[..]));
    }

    #[test]
    fn broken_pieces_are_errors() {
        assert_eq!(decode(&Bytes::new()), Err(BlobError::Corrupt("unknown codec")));
        assert_eq!(
            decode(&Bytes::from_static(b"\x07abc")),
            Err(BlobError::Corrupt("unknown codec"))
        );
        assert_eq!(
            decode(&Bytes::from_static(b"\x01abc")),
            Err(BlobError::Corrupt("zstd frame"))
        );
        assert_eq!(decode(&encode(b"")).as_deref(), Ok(&b""[..]));
    }
}
