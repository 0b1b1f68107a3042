//! The store of blobs: addresses, references, opening.

use std::sync::Arc;

use bytes::Bytes;
use hongyan_kv::{Database, RangeQuery, ReadMode, Transaction};

use crate::record::{self, Candidate, Head};
use crate::writer::{Body, NewBlob};
use crate::{BlobError, BlobReader, BlobWriter, Result};

/// Where a blob is found: BLAKE3 of its content, keyed for the tenant, so that nobody can tell from an address of one
/// tenant what another one stores.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobAddress(pub [u8; 32]);

impl std::fmt::Debug for BlobAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// Who keeps a blob: a key of the keeper's choice, the same on every repeat.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner(pub Bytes);

/// What the store needs from outside: wall clock in milliseconds since the Unix epoch, and random bytes.
#[derive(Clone)]
pub struct Sources {
    /// The wall clock.
    pub wall_millis: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Fills the slice with unpredictable bytes.
    pub random: Arc<dyn Fn(&mut [u8]) + Send + Sync>,
}

/// Settings of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobOptions {
    /// Content up to so many octets is written in the transaction of its first keeper; longer content is streamed to
    /// the store before. Default 256 KiB; at most [`BlobOptions::INLINE_OCTETS_LIMIT`].
    pub inline_octets_max: usize,
    /// How long an unreferenced blob stays, in seconds. Default 1 hour.
    pub grace_secs: u64,
    /// How long an upload may take until its pieces are collected, in seconds. Default 1 day.
    pub upload_secs_max: u64,
}

impl BlobOptions {
    /// A keeper's transaction has to stay under the store's target with the blob inside.
    pub const INLINE_OCTETS_LIMIT: usize = hongyan_kv::TRANSACTION_OCTETS_TARGET / 2;
}

impl Default for BlobOptions {
    fn default() -> Self {
        Self {
            inline_octets_max: 256 * 1024,
            grace_secs: 3600,
            upload_secs_max: 24 * 3600,
        }
    }
}

/// All blobs; cloning shares the handle.
#[derive(Clone)]
pub struct BlobStore {
    pub(crate) database: Database,
    pub(crate) options: BlobOptions,
    pub(crate) sources: Sources,
    key: [u8; 32],
}

impl BlobStore {
    /// Opens the blobs of `database`; the first time ever, it makes the installation's address key.
    ///
    /// # Errors
    /// When the store fails or its address key is not readable.
    pub async fn open(database: Database, options: BlobOptions, sources: Sources) -> Result<Self> {
        let load = async |transaction: &mut Transaction| -> Result<[u8; 32]> {
            if let Some(stored) = transaction.get(&record::key_key()).await? {
                return stored
                    .as_ref()
                    .try_into()
                    .map_err(|_| BlobError::Corrupt("address key"));
            }
            let mut key = [0; 32];
            (sources.random)(&mut key);
            transaction.set(record::key_key(), Bytes::copy_from_slice(&key));
            Ok(key)
        };
        let mut loaded = database.run(load).await;
        // Whatever was written is read.
        while loaded == Err(hongyan_kv::Error::CommitUnknown.into()) {
            loaded = database.run(load).await;
        }
        let key = loaded?;
        let inline_octets_max = options.inline_octets_max.min(BlobOptions::INLINE_OCTETS_LIMIT);
        Ok(Self {
            database,
            options: BlobOptions {
                inline_octets_max,
                ..options
            },
            sources,
            key,
        })
    }
    /// Begins a blob of `tenant`.
    #[must_use]
    pub fn writer(&self, tenant: u64) -> BlobWriter {
        BlobWriter::new(self.clone(), tenant)
    }
    /// A blob of `tenant` from bytes at hand.
    ///
    /// # Errors
    /// When the content is long and the store fails to take it.
    pub async fn blob_of(&self, tenant: u64, content: &[u8]) -> Result<NewBlob> {
        let mut writer = self.writer(tenant);
        writer.push(content).await?;
        writer.finish().await
    }
    /// The hasher of `tenant`'s addresses.
    pub(crate) fn hasher(&self, tenant: u64) -> blake3::Hasher {
        let key = blake3::keyed_hash(&self.key, &tenant.to_be_bytes());
        blake3::Hasher::new_keyed(key.as_bytes())
    }
    /// Makes `owner` a keeper of a blob that is stored already.
    ///
    /// # Errors
    /// [`BlobError::Missing`] when it is not.
    pub async fn attach(
        &self,
        transaction: &mut Transaction,
        tenant: u64,
        address: &BlobAddress,
        owner: &Owner,
    ) -> Result<()> {
        // The read makes this commit conflict with a removal.
        if transaction.get(&record::head_key(tenant, address)).await?.is_none() {
            return Err(BlobError::Missing);
        }
        transaction.set(record::reference_key(tenant, address, owner), Bytes::new());
        Ok(())
    }
    /// Makes `owner` no keeper any more. The blob becomes a candidate for collection; who keeps it still is asked then,
    /// so that keepers who let go at the same time do not conflict.
    pub fn detach(&self, transaction: &mut Transaction, tenant: u64, address: &BlobAddress, owner: &Owner) {
        transaction.clear(&record::reference_key(tenant, address, owner));
        let grace_millis = i64::try_from(self.options.grace_secs.saturating_mul(1000)).unwrap_or(i64::MAX);
        let due_millis = (self.sources.wall_millis)().saturating_add(grace_millis);
        transaction.set(
            Candidate {
                due_millis,
                tenant,
                address: *address,
            }
            .key(),
            Bytes::new(),
        );
    }
    /// Opens a blob for reading.
    ///
    /// # Errors
    /// [`BlobError::Missing`], or when the store fails.
    pub async fn open_blob(&self, tenant: u64, address: &BlobAddress) -> Result<BlobReader> {
        match self
            .open_blob_in(&mut self.database.begin_recent(), tenant, address)
            .await
        {
            Err(BlobError::Missing) => {}
            Err(BlobError::Storage(error)) if error.is_retryable() => {}
            opened => return opened,
        }
        self.open_blob_in(&mut self.database.begin(), tenant, address).await
    }
    /// As [`Self::open_blob`], beginning in a transaction that reads other things too.
    ///
    /// # Errors
    /// As [`Self::open_blob`].
    pub async fn open_blob_in(
        &self,
        transaction: &mut Transaction,
        tenant: u64,
        address: &BlobAddress,
    ) -> Result<BlobReader> {
        // The head of a long blob that was collected and came again says that its pieces are elsewhere now.
        let stored = transaction
            .get_lasting_if(&record::head_key(tenant, address), |stored| {
                Head::decode(stored).is_ok_and(|head| head.piece.is_some())
            })
            .await?
            .ok_or(BlobError::Missing)?;
        BlobReader::new(self.database.clone(), tenant, Head::decode(&stored)?)
    }
    /// Has what [`Self::open_blob_in`] reads of `blobs` on its way.
    pub fn look_ahead(&self, transaction: &mut Transaction, tenant: u64, blobs: &[&BlobAddress]) {
        if transaction.is_far() && blobs.len() > 1 {
            for address in blobs {
                transaction.look_ahead_lasting(&record::head_key(tenant, address));
            }
        }
    }
    /// Whether somebody keeps the blob.
    pub(crate) async fn is_referenced(
        &self,
        transaction: &mut Transaction,
        tenant: u64,
        address: &BlobAddress,
    ) -> Result<bool> {
        let range = record::reference_range(tenant, address);
        let query = RangeQuery {
            range,
            limit: 1,
            reverse: false,
            mode: ReadMode::Serializable,
        };
        Ok(!transaction.get_range(query).await?.pairs.is_empty())
    }
}

impl NewBlob {
    /// Whether its pieces were written ahead, so that [`Self::attach`] must see the state of now; where they come with it, one
    /// of a moment ago will do.
    #[must_use]
    pub fn is_uploaded(&self) -> bool {
        matches!(&*self.body, Body::Uploaded(_))
    }
    /// Has what [`Self::attach`] reads on its way.
    pub fn look_ahead(&self, transaction: &mut Transaction) {
        transaction.look_ahead(&record::head_key(self.tenant, &self.address));
        if let Body::Uploaded(upload) = &*self.body {
            transaction.look_ahead(&upload.key());
        }
    }
    /// Stores the blob, as far as it is not yet, and makes `owner` its keeper, in the keeper's own transaction. Repeating
    /// it changes nothing.
    ///
    /// # Errors
    /// [`BlobError::Expired`] when the upload was collected meanwhile; or when the store fails.
    pub async fn attach(&self, transaction: &mut Transaction, owner: &Owner) -> Result<()> {
        let head_key = record::head_key(self.tenant, &self.address);
        let reference_key = record::reference_key(self.tenant, &self.address, owner);
        if transaction.get(&head_key).await?.is_some() {
            transaction.set(reference_key, Bytes::new());
            return Ok(());
        }
        let (piece, location) = match &*self.body {
            Body::Piece(piece) => (Some(piece.clone()), None),
            Body::Pieces(pieces) => {
                let location = &self.address.0;
                for (n, piece) in (0..).zip(pieces) {
                    transaction.set(record::data_key(self.tenant, location, n), piece.clone());
                }
                (None, Some(Bytes::copy_from_slice(location)))
            }
            Body::Uploaded(upload) => {
                if transaction.get(&upload.key()).await?.is_none() {
                    return Err(BlobError::Expired);
                }
                transaction.clear(&upload.key());
                (None, Some(Bytes::copy_from_slice(&upload.location)))
            }
        };
        let chunk_octets = u32::try_from(crate::chunk::CHUNK_OCTETS).map_err(|_| BlobError::Corrupt("piece length"))?;
        transaction.set(
            head_key,
            Head {
                octets: self.octets,
                piece,
                location,
                chunk_octets,
            }
            .encode(),
        );
        transaction.set(reference_key, Bytes::new());
        Ok(())
    }
}
