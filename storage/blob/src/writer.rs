//! Content on its way in: hashed, cut and compressed as it comes, never held whole.

use std::sync::Arc;

use bytes::Bytes;
use hongyan_kv::Transaction;

use crate::chunk::{self, CHUNK_OCTETS};
use crate::record::{self, Upload};
use crate::{BlobAddress, BlobError, BlobStore, Result};

/// Stored octets that one transaction of an upload writes at most.
const UPLOAD_OCTETS: usize = hongyan_kv::TRANSACTION_OCTETS_TARGET / 2;
/// Pieces that one transaction of an upload writes at most, however small compression made them.
const UPLOAD_PIECES: usize = 64;

/// Room for content that a writer begins with.
const OPEN_OCTETS: usize = 16 * 1024;

/// Takes the content of one blob. Dropped before [`BlobWriter::finish`], it leaves at most pieces that the collector
/// removes.
pub struct BlobWriter {
    store: BlobStore,
    tenant: u64,
    hasher: blake3::Hasher,
    octets: u64,
    /// Content of the piece that is not full yet.
    open: Vec<u8>,
    /// Stored pieces that no transaction has written yet.
    pending: Vec<Bytes>,
    pending_octets: usize,
    /// Present once pieces went to the store ahead of the blob's head.
    upload: Option<Upload>,
    uploaded: u64,
}

impl BlobWriter {
    pub(crate) fn new(store: BlobStore, tenant: u64) -> Self {
        let hasher = store.hasher(tenant);
        Self {
            store,
            tenant,
            hasher,
            octets: 0,
            open: Vec::new(),
            pending: Vec::new(),
            pending_octets: 0,
            upload: None,
            uploaded: 0,
        }
    }
    /// Content length so far.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.octets
    }
    /// Takes more content. Waits for the store when the blob has become too long to be held.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn push(&mut self, mut content: &[u8]) -> Result<()> {
        self.hasher.update(content);
        self.octets += content.len() as u64;
        if self.open.capacity() == 0 {
            // Most mails fit: growing in steps would move them several times.
            self.open.reserve(OPEN_OCTETS.max(content.len().min(CHUNK_OCTETS)));
        }
        while !content.is_empty() {
            let (now, rest) = content.split_at(content.len().min(CHUNK_OCTETS - self.open.len()));
            self.open.extend_from_slice(now);
            content = rest;
            if self.open.len() == CHUNK_OCTETS {
                self.close_piece();
                let long = self.upload.is_some() || self.octets > self.store.options.inline_octets_max as u64;
                let full = self.pending_octets + CHUNK_OCTETS > UPLOAD_OCTETS || self.pending.len() == UPLOAD_PIECES;
                if long && full {
                    self.upload_pending().await?;
                }
            }
        }
        Ok(())
    }
    fn close_piece(&mut self) {
        let piece = chunk::encode(&self.open);
        self.open.clear();
        self.pending_octets += piece.len();
        self.pending.push(piece);
    }
    /// Writes the pending pieces under the upload's location. Safe to repeat: same keys, same values.
    async fn upload_pending(&mut self) -> Result<()> {
        let upload = self.upload.get_or_insert_with(|| {
            let mut location = [0; 16];
            (self.store.sources.random)(&mut location);
            Upload {
                start_millis: (self.store.sources.wall_millis)(),
                tenant: self.tenant,
                location,
            }
        });
        let (first, tenant) = (self.uploaded, self.tenant);
        // Each try owns what it writes, so that uploads may move between threads.
        let write = |upload: Upload, pieces: Vec<Bytes>| {
            async move |transaction: &mut Transaction| -> Result<()> {
                if first == 0 {
                    transaction.set(upload.key(), Bytes::new());
                } else if transaction.get(&upload.key()).await?.is_none() {
                    // Collected meanwhile: pieces written now would be found by nobody.
                    return Err(BlobError::Expired);
                }
                for (n, piece) in (first..).zip(&pieces) {
                    transaction.set(record::data_key(tenant, &upload.location, n), piece.clone());
                }
                Ok(())
            }
        };
        let again = || write(upload.clone(), self.pending.clone());
        let mut result = self.store.database.run(again()).await;
        while result == Err(hongyan_kv::Error::CommitUnknown.into()) {
            result = self.store.database.run(again()).await;
        }
        result?;
        self.uploaded += self.pending.len() as u64;
        self.pending.clear();
        self.pending_octets = 0;
        Ok(())
    }
    /// Ends the content. Nothing keeps the blob until [`NewBlob::attach`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn finish(mut self) -> Result<NewBlob> {
        if !self.open.is_empty() || self.octets == 0 {
            self.close_piece();
        }
        if self.upload.is_some() || self.octets > self.store.options.inline_octets_max as u64 {
            self.upload_pending().await?;
        }
        let address = BlobAddress(*self.hasher.finalize().as_bytes());
        let body = match self.upload {
            Some(upload) => Body::Uploaded(upload),
            None if self.pending.len() == 1 => Body::Piece(self.pending.remove(0)),
            None => Body::Pieces(self.pending),
        };
        Ok(NewBlob {
            tenant: self.tenant,
            address,
            octets: self.octets,
            body: Arc::new(body),
        })
    }
}

/// A blob that nothing keeps yet. Cloning shares it, so that several keepers may attach it.
#[derive(Debug, Clone)]
pub struct NewBlob {
    pub(crate) tenant: u64,
    pub(crate) address: BlobAddress,
    pub(crate) octets: u64,
    pub(crate) body: Arc<Body>,
}

#[derive(Debug)]
pub(crate) enum Body {
    /// One stored piece, to be written with the head.
    Piece(Bytes),
    /// Several, to be written with the head.
    Pieces(Vec<Bytes>),
    /// Written ahead.
    Uploaded(Upload),
}

impl NewBlob {
    /// Whose blob it is.
    #[must_use]
    pub fn tenant(&self) -> u64 {
        self.tenant
    }
    /// Where it will be found.
    #[must_use]
    pub fn address(&self) -> BlobAddress {
        self.address
    }
    /// Content length.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.octets
    }
    /// How much [`NewBlob::attach`] may add to a transaction, in octets: what to count when cutting batches.
    #[must_use]
    pub fn attach_octets(&self) -> usize {
        let pieces = match &*self.body {
            Body::Piece(piece) => piece.len(),
            Body::Pieces(pieces) => pieces.iter().map(|piece| piece.len() + 80).sum(),
            Body::Uploaded(_) => 0,
        };
        pieces + 256
    }
}
