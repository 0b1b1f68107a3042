//! Mails as the mailbox keeps them: record, reference to the bytes, conversation; shared by copies, gone with the last.

use hongyan_blob::{BlobError, Owner};
use hongyan_kv::Error as StorageError;
use hongyan_message::{Structure, message_id, subject};

use super::{Stop, Work};
use crate::record::{email, key, thread};
use crate::{EmailId, MailboxError, MessageEntry, NewMessage, ThreadId};

/// Ids of a mail's ancestors that are looked at.
const ANCESTORS_MAX: usize = 12;
/// Unknown ancestors whose conversation is noted, so that mail that comes out of order finds it.
const ANCESTORS_NOTED_MAX: usize = 4;
/// Octets a mail's record, references and conversation take beside its bytes, about.
pub(crate) const MAIL_OCTETS: usize = 2_000;

impl Work<'_> {
    /// Has what [`Self::keep`] reads on its way.
    pub(crate) fn look_ahead_at_mail(&mut self, message: &NewMessage) {
        message.blob.look_ahead(&mut self.transaction);
        for id in thread_ids(&message.structure) {
            let key = key::thread(self.id, &hash(&id));
            self.transaction.look_ahead_snapshot(&key);
        }
    }
    /// Keeps a new mail: no folder shows it yet.
    pub(crate) async fn keep(&mut self, message: &NewMessage) -> Result<(EmailId, ThreadId), Stop> {
        let id = EmailId(self.state.email_next);
        let email_key = key::email(self.id, id);
        let attached = message
            .blob
            .attach(&mut self.transaction, &Owner(email_key.clone()))
            .await;
        attached.map_err(blob_error)?;
        let thread = self.thread_of(id, &message.structure).await?;
        let stored = email::encode(&message.blob.address(), message.octets(), thread, &message.structure);
        self.wrote(message.blob.attach_octets() + stored.len() + 300);
        self.transaction.set(email_key, stored);
        self.state.email_next += 1;
        self.state.quota.octets = self.state.quota.octets.saturating_add(message.octets().0);
        Ok((id, thread))
    }
    /// Notes that no message shows the mail `id` before a later transaction of its request: should that never come, the mail
    /// is let go.
    pub(crate) fn stage(&mut self, id: EmailId) {
        if self.state.staged.contains(&id) {
            return;
        }
        self.transaction.set(key::staged(self.id, id), bytes::Bytes::new());
        self.wrote(40);
        std::sync::Arc::make_mut(&mut self.state.staged).insert(id);
    }
    /// The mail `id` is a message now, or gone.
    pub(crate) fn unstage(&mut self, id: EmailId) {
        if self.state.staged.contains(&id) {
            self.transaction.clear(&key::staged(self.id, id));
            self.wrote(40);
            std::sync::Arc::make_mut(&mut self.state.staged).remove(&id);
        }
    }
    /// One more message shares the mail of `entry`.
    pub(crate) async fn share(&mut self, entry: &MessageEntry) -> Result<(), Stop> {
        let shares = key::shares(self.id, entry.email);
        let count = read_count(self.transaction.get(&shares).await?)?;
        self.transaction.set(shares, (count + 1).to_be_bytes().to_vec());
        self.wrote(40);
        Ok(())
    }
    /// One message less shares the mail `id`; with the last the mail goes for good.
    pub(crate) async fn release(&mut self, id: EmailId) -> Result<(), Stop> {
        if self.is_last(id).await? {
            let octets = self.let_go(id).await?;
            self.state.quota.octets = self.state.quota.octets.saturating_sub(octets);
        }
        Ok(())
    }
    /// One message less shares the mail `id`; whether it was the last.
    pub(super) async fn is_last(&mut self, id: EmailId) -> Result<bool, Stop> {
        let shares = key::shares(self.id, id);
        let count = read_count(self.transaction.get(&shares).await?)?;
        self.wrote(300);
        match count {
            1 => return Ok(true),
            2 => self.transaction.clear(&shares),
            _ => self.transaction.set(shares, (count - 1).to_be_bytes().to_vec()),
        }
        Ok(false)
    }
    /// What was summed up of a mail goes with it.
    pub(super) fn forget_summary(&mut self, email: EmailId) {
        self.transaction.clear(&key::summary(self.id, crate::summary_of(email)));
    }
    /// A mail goes for good; how many octets it had.
    pub(super) async fn let_go(&mut self, id: EmailId) -> Result<u64, Stop> {
        let email_key = key::email(self.id, id);
        let Some(stored) = self.transaction.get_snapshot(&email_key).await? else {
            // Whoever is overtaken looks for mails that the new owner has let go of: nothing is wrong, and nothing commits.
            self.check_not_overtaken().await?;
            tracing::error!(mailbox = ?self.id, email = %id, "a message's mail is missing");
            return Ok(0);
        };
        let mail = email::decode(&stored)?;
        let (tenant, owner) = (self.id.tenant.0, Owner(email_key.clone()));
        self.services
            .blobs
            .detach(&mut self.transaction, tenant, &mail.blob, &owner);
        self.transaction.clear(&email_key);
        self.forget_summary(id);
        if let Some(own) = own_id(&mail.structure) {
            self.transaction.clear(&key::thread(self.id, &hash(&own)));
        }
        Ok(mail.octets.0)
    }

    /// The conversation of a new mail: that of its own id, if a reply came first, or of its nearest ancestor, under the
    /// same subject (RFC 8474 §5.2 leaves the rule to us).
    pub(super) async fn thread_of(&mut self, id: EmailId, structure: &Structure) -> Result<ThreadId, Stop> {
        let base = structure.envelope.subject.as_deref().unwrap_or_default();
        let digest = blake3::hash(subject::key(&subject::base(base)).as_bytes());
        let subject = u64::from_le_bytes(first(digest.as_bytes()));
        let ids = thread_ids(structure);
        let mut found = None;
        let mut unknown = Vec::new();
        for (at, ancestor) in ids.iter().enumerate() {
            let key = key::thread(self.id, &hash(ancestor));
            match self.transaction.get_snapshot(&key).await? {
                Some(stored) => {
                    let (thread, of) = thread::decode(&stored)?;
                    if of == subject {
                        found = Some(thread);
                        break;
                    }
                    // Its own id under another subject is a second mail with that id: the first keeps it.
                }
                None if at == 0 || unknown.len() < ANCESTORS_NOTED_MAX => unknown.push(key),
                None => {}
            }
        }
        let thread = found.unwrap_or(ThreadId(id.0));
        for key in unknown {
            self.transaction.set(key, thread::encode(thread, subject));
        }
        Ok(thread)
    }
}

/// A mail's own id and those of its nearest ancestors.
fn thread_ids(structure: &Structure) -> Vec<String> {
    let mut ids: Vec<String> = own_id(structure).into_iter().collect();
    let replied = structure
        .envelope
        .in_reply_to
        .as_deref()
        .map(message_id::list)
        .unwrap_or_default();
    for ancestor in replied
        .iter()
        .chain(structure.references.iter().rev())
        .take(ANCESTORS_MAX)
    {
        if !ids.contains(ancestor) {
            ids.push(ancestor.clone());
        }
    }
    ids
}

pub(crate) fn own_id(structure: &Structure) -> Option<String> {
    structure.envelope.message_id.as_deref().and_then(message_id::first)
}

/// Under what the conversation of a `Message-ID` is found.
pub(crate) fn hash(id: &str) -> [u8; 16] {
    first(blake3::hash(id.as_bytes()).as_bytes())
}

fn first<const N: usize>(digest: &[u8; 32]) -> [u8; N] {
    let mut start = [0; N];
    start.copy_from_slice(&digest[..N]);
    start
}

/// How many messages share a mail: the stored count, or one.
fn read_count(stored: Option<bytes::Bytes>) -> Result<u64, StorageError> {
    let Some(stored) = stored else { return Ok(1) };
    let count = <[u8; 8]>::try_from(&stored[..]).map_err(|_| StorageError::Corrupt("count of shares".into()))?;
    Ok(u64::from_be_bytes(count))
}

pub(super) fn blob_error(error: BlobError) -> Stop {
    use hongyan_kv::AsStorageError;
    match error.as_storage_error() {
        Some(error) => Stop::Storage(error.clone()),
        None => {
            tracing::error!(%error, "a mail's bytes cannot be kept");
            Stop::Refused(MailboxError::Unavailable)
        }
    }
}
