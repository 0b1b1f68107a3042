//! Content on its way out, a piece at a time.

use bytes::{Bytes, BytesMut};
use hongyan_kv::Database;

use crate::chunk;
use crate::record::{self, Head};
use crate::{BlobError, Result};

/// Reads one blob. Holds at most one piece (64 KiB) at a time.
pub struct BlobReader {
    database: Database,
    tenant: u64,
    head: Head,
    /// The piece read last, with its number.
    piece: Option<(u64, Bytes)>,
    /// Where [`BlobReader::next_chunk`] goes on.
    position: u64,
}

impl BlobReader {
    pub(crate) fn new(database: Database, tenant: u64, mut head: Head) -> Result<Self> {
        if head.chunk_octets == 0 {
            return Err(BlobError::Corrupt("piece length"));
        }
        let piece = match head.piece.take() {
            Some(piece) => Some((0, chunk::decode(&piece)?)),
            None => None,
        };
        Ok(Self {
            database,
            tenant,
            head,
            piece,
            position: 0,
        })
    }
    /// Content length.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.head.octets
    }
    /// Up to `length` octets from `offset`; fewer only at the end of the content. Content within one piece is shared,
    /// not copied.
    ///
    /// # Errors
    /// When the store fails, or a piece is missing or damaged.
    pub async fn read(&mut self, offset: u64, length: usize) -> Result<Bytes> {
        let end = self.head.octets.min(offset.saturating_add(length as u64));
        let mut gathered = BytesMut::new();
        let mut at = offset.min(end);
        while at < end {
            let part = self.part(at, end).await?;
            at += part.len() as u64;
            if at == end && gathered.is_empty() {
                return Ok(part);
            }
            gathered.extend_from_slice(&part);
        }
        Ok(gathered.freeze())
    }
    /// The next octets in order, as many as are at hand; none at the end.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>> {
        if self.position >= self.head.octets {
            return Ok(None);
        }
        let part = self.part(self.position, self.head.octets).await?;
        self.position += part.len() as u64;
        Ok(Some(part))
    }
    /// Where [`Self::next_chunk`] goes on.
    pub fn seek(&mut self, position: u64) {
        self.position = position;
    }
    /// What the piece that holds octet `at` has of `at..end`; at least one octet.
    async fn part(&mut self, at: u64, end: u64) -> Result<Bytes> {
        let chunk_octets = u64::from(self.head.chunk_octets);
        let (n, skip) = (at / chunk_octets, (at % chunk_octets) as usize);
        let piece = match &self.piece {
            Some((held, piece)) if *held == n => piece.clone(),
            _ => self.load(n).await?,
        };
        let take = piece
            .len()
            .saturating_sub(skip)
            .min(usize::try_from(end - at).unwrap_or(usize::MAX));
        if take == 0 {
            return Err(BlobError::Corrupt("short piece"));
        }
        Ok(piece.slice(skip..skip + take))
    }
    async fn load(&mut self, n: u64) -> Result<Bytes> {
        let location = self.head.location.as_ref().ok_or(BlobError::Corrupt("no location"))?;
        let key = record::data_key(self.tenant, location, n);
        let stored = self.database.get_lasting(&key).await?.ok_or(BlobError::Missing)?;
        let piece = chunk::decode(&stored)?;
        self.piece = Some((n, piece.clone()));
        Ok(piece)
    }
}
