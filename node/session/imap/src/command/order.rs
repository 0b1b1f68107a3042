//! What SORT and THREAD order messages by (RFC 5256), read from stored records.

use hongyan_imap::command::search::SearchKey;
use hongyan_imap::{Code, Status};
use hongyan_mailbox::{Email, MessageEntry, read_emails};
use hongyan_types::Timestamp;

use crate::command::search::Hit;
use crate::session::Session;
use crate::stop::Stop;

/// Records in memory at a time.
const RECORDS_AT_ONCE: usize = 16;

/// The sent date (RFC 5256 §2.2): of the Date field, else the internal date.
pub(crate) fn sent_date(entry: &MessageEntry, email: &Email) -> Timestamp {
    email
        .structure
        .sent
        .as_ref()
        .map_or(entry.internal_date, |sent| sent.timestamp)
}

impl Session {
    /// What `take` makes of every message that fulfils `key`; messages that are gone are left out.
    pub(crate) async fn gather<T>(
        &mut self,
        key: &SearchKey,
        needs_record: bool,
        mut take: impl FnMut(&Hit, Option<&Email>) -> T,
    ) -> Result<Vec<T>, Stop> {
        let mailbox = self.selected()?.place.mailbox;
        let most = self.settings.ordered_messages_max;
        let mut hits = Vec::new();
        let mut count = 0_usize;
        self.find(key, |hit| {
            count += 1;
            if count <= most {
                hits.push(Hit {
                    sequence: hit.sequence,
                    entry: hit.entry.clone(),
                });
            }
        })
        .await?;
        if count > most {
            return Err(Status::no_with(Code::Limit, "Too many messages to order").into());
        }
        if !needs_record {
            return Ok(hits.iter().map(|hit| take(hit, None)).collect());
        }
        let mut taken = Vec::with_capacity(hits.len());
        for batch in hits.chunks(RECORDS_AT_ONCE) {
            let ids: Vec<_> = batch.iter().map(|hit| hit.entry.email).collect();
            let emails = read_emails(&self.services.database, mailbox, &ids).await?;
            for (hit, email) in batch.iter().zip(emails) {
                if let Some(email) = email {
                    taken.push(take(hit, Some(&email)));
                }
            }
            tokio::task::yield_now().await;
        }
        Ok(taken)
    }
}
