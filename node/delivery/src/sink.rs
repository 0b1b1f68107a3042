//! Takes a message in while it arrives: once for every tenant that will keep it, because tenants share nothing.

use hongyan_blob::{BlobError, BlobStore};
use hongyan_mailbox::{MessageWriter, NewMessage};
use hongyan_types::TenantId;

use crate::{DeliveryRecipient, Target};

/// The message could not be stored; the client may try again.
#[derive(Debug, thiserror::Error)]
#[error("store message: {0}")]
pub struct SinkError(#[from] BlobError);

/// A message on its way into storage. Dropped, it leaves nothing that counts.
pub struct MessageSink {
    writers: Vec<(TenantId, MessageWriter)>,
    ascii: bool,
}

/// The message as each tenant keeps it.
pub(crate) struct Stored {
    messages: Vec<(TenantId, NewMessage)>,
    ascii: bool,
}

impl MessageSink {
    pub(crate) fn new(blobs: &BlobStore, recipients: &[DeliveryRecipient], submitter: Option<TenantId>) -> Self {
        let mut tenants: Vec<TenantId> = submitter.into_iter().collect();
        for recipient in recipients {
            match &recipient.target {
                Target::Account(target) => tenants.push(target.account.tenant),
                Target::Group(group) => {
                    tenants.push(group.tenant);
                    tenants.extend(group.accounts.iter().map(|account| account.tenant));
                }
                Target::Remote | Target::Returned => {}
            }
        }
        tenants.sort_unstable_by_key(|tenant| tenant.0);
        tenants.dedup();
        let writers = tenants
            .into_iter()
            .map(|tenant| (tenant, MessageWriter::new(blobs, tenant)));
        Self {
            writers: writers.collect(),
            ascii: true,
        }
    }

    /// Takes the next octets.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        self.ascii = self.ascii && bytes.is_ascii();
        for (_, writer) in &mut self.writers {
            writer.push(bytes).await?;
        }
        Ok(())
    }

    pub(crate) async fn finish(self) -> Result<Stored, SinkError> {
        let mut messages = Vec::with_capacity(self.writers.len());
        for (tenant, writer) in self.writers {
            messages.push((tenant, writer.finish().await?));
        }
        Ok(Stored {
            messages,
            ascii: self.ascii,
        })
    }
}

impl Stored {
    /// Whether any host can carry it.
    pub(crate) fn is_ascii(&self) -> bool {
        self.ascii
    }

    /// Every tenant's copy.
    pub(crate) fn all(&self) -> &[(TenantId, NewMessage)] {
        &self.messages
    }

    /// The message as `tenant` keeps it.
    pub(crate) fn of(&self, tenant: TenantId) -> Option<&NewMessage> {
        let found = self.messages.iter().find(|(keeper, _)| *keeper == tenant);
        found.map(|(_, message)| message)
    }
}
