//! A mail on its way in: its bytes go to the blob store and through the scanner in one pass.

use std::sync::Arc;

use hongyan_blob::{BlobError, BlobStore, BlobWriter, NewBlob};
use hongyan_message::{Limits, Scanner, Structure};
use hongyan_types::{Octets, TenantId};

/// A mail whose bytes are with the blob store and that no mailbox keeps yet. Cloning shares it, so that many
/// recipients cost little. Left alone it is collected.
#[derive(Clone)]
pub struct NewMessage {
    /// The bytes.
    pub blob: NewBlob,
    /// What was found in them.
    pub structure: Arc<Structure>,
}

impl NewMessage {
    /// Its size.
    #[must_use]
    pub fn octets(&self) -> Octets {
        Octets(self.blob.octets())
    }
}

/// Takes a mail's bytes as they arrive, in bounded memory.
pub struct MessageWriter {
    writer: BlobWriter,
    scanner: Scanner,
}

impl MessageWriter {
    /// Begins a mail of `tenant`.
    #[must_use]
    pub fn new(blobs: &BlobStore, tenant: TenantId) -> Self {
        Self {
            writer: blobs.writer(tenant.0),
            scanner: Scanner::new(Limits::default()),
        }
    }
    /// The next bytes, with CRLF line ends as they travel.
    ///
    /// # Errors
    /// When storage cannot take them.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.scanner.push(bytes);
        self.writer.push(bytes).await
    }
    /// Octets so far.
    #[must_use]
    pub fn octets(&self) -> Octets {
        Octets(self.writer.octets())
    }
    /// The end of the mail.
    ///
    /// # Errors
    /// When storage cannot take the rest.
    pub async fn finish(self) -> Result<NewMessage, BlobError> {
        Ok(NewMessage {
            blob: self.writer.finish().await?,
            structure: Arc::new(self.scanner.finish()),
        })
    }
}
