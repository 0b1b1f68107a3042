//! Messages read for one FETCH: their records and bytes, a batch at a time. While the session sends one batch, the next
//! ones are read and decompressed beside it. What is in memory for one session is bounded by the batch and their number, for all
//! by `ImapSettings::batches_ahead_max`; who finds no place reads its batch when its turn comes.

use std::collections::VecDeque;
use std::sync::Arc;

use hongyan_blob::BlobAddress;
use hongyan_env::Beside;
use hongyan_imap::command::fetch::{FetchItems, SectionForm};
use hongyan_kv::{Error, Transaction};
use hongyan_mailbox::{EmailId, MailboxId, MessageEntry, look_ahead_at_emails, read_email_bytes_in, read_emails_in};
use hongyan_message::Structure;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ImapServices;
use crate::command::section::{Body, WHOLE_OCTETS_MAX, is_whole_message};
use crate::stop::Stop;

/// Messages in a batch.
const BATCH_MESSAGES_MAX: usize = 32;
/// Of which only the records are read.
const BATCH_RECORDS_MAX: usize = 16;
/// Content octets of a batch, but for its last message.
const BATCH_OCTETS: u64 = 256 * 1_024;
/// Less than this is read sooner than a thread takes it up.
const BESIDE_OCTETS_MIN: u64 = 32 * 1_024;
/// Batches begun before their turn.
const BATCHES_AHEAD: usize = 2;

/// What of each message is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) structure: bool,
    pub(crate) bytes: bool,
}

impl Needs {
    pub(crate) fn of(items: &FetchItems) -> Self {
        let sections = &items.sections;
        let records = items.envelope || items.body || items.body_structure || items.preview;
        Self {
            structure: records || sections.is_empty() || !sections.iter().all(is_whole_message),
            bytes: sections.iter().any(|section| section.form != SectionForm::BinarySize),
        }
    }
}

/// A message as far as it was needed.
pub(crate) struct Message {
    pub(crate) structure: Option<Structure>,
    pub(crate) body: Body,
}

/// What became of reading one message; nothing when it is gone.
pub(crate) type ReadMessage = Result<Option<Message>, Stop>;

/// Reads messages of one mailbox.
#[derive(Clone)]
pub(crate) struct Reading {
    pub(crate) services: Arc<ImapServices>,
    pub(crate) mailbox: MailboxId,
    pub(crate) needs: Needs,
}

impl Reading {
    /// Reads a batch as of one moment, in the order of `ids`.
    async fn read(self, ids: Vec<EmailId>) -> Result<Vec<ReadMessage>, Stop> {
        let database = &self.services.database;
        let recent = self.read_in(&mut database.begin_recent(), &ids).await;
        let read = match recent {
            Ok(read) if read.iter().all(Option::is_some) => read,
            Err(error) if !error.is_retryable() => return Err(error.into()),
            // Some are younger than that state, or gone.
            _ => self.read_in(&mut database.begin(), &ids).await?,
        };
        Ok(read.into_iter().map(Option::transpose).collect())
    }
    /// What is read of each message; nothing of those that are not there.
    async fn read_in(
        &self,
        transaction: &mut Transaction,
        ids: &[EmailId],
    ) -> Result<Vec<Option<Result<Message, Stop>>>, Error> {
        let (structures, blobs) = self.read_records(transaction, ids).await?;
        if self.needs.bytes {
            let blobs: Vec<_> = blobs.iter().flatten().collect();
            self.services
                .blobs
                .look_ahead(transaction, self.mailbox.tenant.0, &blobs);
        }
        let mut messages = Vec::with_capacity(ids.len());
        for (structure, blob) in structures.into_iter().zip(blobs) {
            let Some(blob) = blob else {
                messages.push(None);
                continue;
            };
            let body = if self.needs.bytes {
                Body::open_in(&self.services.blobs, transaction, self.mailbox.tenant.0, &blob).await
            } else {
                Ok(Body::None)
            };
            messages.push(Some(body.map(|body| Message { structure, body })));
        }
        Ok(messages)
    }
    /// The structures, if they are needed, and where the bytes are.
    async fn read_records(
        &self,
        transaction: &mut Transaction,
        ids: &[EmailId],
    ) -> Result<(Vec<Option<Structure>>, Vec<Option<BlobAddress>>), Error> {
        if self.needs.structure {
            let emails = read_emails_in(transaction, self.mailbox, ids).await?;
            let split = emails.into_iter().map(|email| match email {
                Some(email) => (Some(email.structure), Some(email.blob)),
                None => (None, None),
            });
            return Ok(split.unzip());
        }
        look_ahead_at_emails(transaction, self.mailbox, ids);
        let mut blobs = Vec::with_capacity(ids.len());
        for id in ids {
            let email = read_email_bytes_in(transaction, self.mailbox, *id).await?;
            blobs.push(email.map(|email| email.blob));
        }
        Ok((vec![None; ids.len()], blobs))
    }
}

/// Some messages to tell, in order, with their sequence numbers.
pub(crate) type Entries<'a> = Vec<(u32, &'a MessageEntry)>;

/// A batch and how far its reading is.
struct Batch<'a> {
    entries: Entries<'a>,
    octets: u64,
    /// Being read beside the session, and the place that this takes.
    begun: Option<(Beside<Result<Vec<ReadMessage>, Stop>>, OwnedSemaphorePermit)>,
}

/// All messages of one FETCH, read in order.
pub(crate) struct ReadAhead<'a, I> {
    reading: Reading,
    entries: I,
    ahead: VecDeque<Batch<'a>>,
    places: Arc<Semaphore>,
}

impl<'a, I: Iterator<Item = (u32, &'a MessageEntry)>> ReadAhead<'a, I> {
    pub(crate) fn new(reading: Reading, entries: I, places: Arc<Semaphore>) -> Self {
        Self {
            reading,
            entries,
            ahead: VecDeque::new(),
            places,
        }
    }

    /// The next messages; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<(Entries<'a>, Vec<ReadMessage>)>, Stop> {
        let batch = match self.ahead.pop_front() {
            Some(batch) => batch,
            None => self.cut(),
        };
        if batch.entries.is_empty() {
            return Ok(None);
        }
        while self.reading.needs.bytes && self.ahead.len() < BATCHES_AHEAD {
            let mut next = self.cut();
            if next.entries.is_empty() {
                break;
            }
            self.begin(&mut next);
            self.ahead.push_back(next);
        }
        let messages = match batch.begun {
            // A panic has been reported by its hook.
            Some((beside, _place)) => beside.await.unwrap_or(Err(Stop::Gone))?,
            None => self.reading.clone().read(ids(&batch.entries)).await?,
        };
        Ok(Some((batch.entries, messages)))
    }

    fn cut(&mut self) -> Batch<'a> {
        let mut batch = Batch {
            entries: Vec::new(),
            octets: 0,
            begun: None,
        };
        let most = if self.reading.needs.bytes {
            BATCH_MESSAGES_MAX
        } else {
            BATCH_RECORDS_MAX
        };
        while batch.entries.len() < most && batch.octets < BATCH_OCTETS {
            let Some((sequence, entry)) = self.entries.next() else {
                break;
            };
            // Longer ones are streamed when their turn comes.
            if self.reading.needs.bytes && entry.octets.0 <= WHOLE_OCTETS_MAX {
                batch.octets += entry.octets.0;
            }
            batch.entries.push((sequence, entry));
        }
        batch
    }

    /// Begins to read beside the session, if there is place and enough to read.
    fn begin(&self, batch: &mut Batch<'_>) {
        if batch.octets < BESIDE_OCTETS_MIN {
            return;
        }
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return;
        };
        let work = self.reading.clone().read(ids(&batch.entries));
        batch.begun = self
            .reading
            .services
            .env
            .try_beside(work)
            .ok()
            .map(|beside| (beside, place));
    }
}

fn ids(entries: &Entries<'_>) -> Vec<EmailId> {
    entries.iter().map(|(_, entry)| entry.email).collect()
}
