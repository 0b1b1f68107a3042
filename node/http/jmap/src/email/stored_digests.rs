//! Digests as they are stored, so that the first query of a mailbox need not read the record of each mail: a CBOR array of
//! arrays [place, texts, ends, marks, sent], by the mailbox's summaries. The mailbox stores them as mail comes; a query does
//! where it did not, or where mails have gone since.

use bytes::Bytes;
use futures_util::future::join_all;
use hongyan_kv::record::{self, Schema};
use hongyan_mailbox::{
    Email, EmailId, SUMMARY_EMAILS, SUMMARY_OCTETS_MAX, Sum, SummaryDraft, read_summaries, summary_of,
};
use minicbor::{Decode, Encode};

use super::digests::{Digest, Digests, TEXTS};
use crate::call::Call;
use crate::error::Outcome;
use crate::snapshot::Snapshot;

const V1: Schema = Schema(1);
/// Of fewer mails the records are read as quickly.
pub(super) const MAILS_MIN: usize = 512;
/// Summaries read at a time.
const READ: usize = 64;
/// Summaries stored at a time.
const STORED: usize = 16;
/// Summaries are made when at least so many of their mails are wanted.
const WORTH: usize = 16;

const ATTACHMENT: u8 = 1 << 3;

#[derive(Encode, Decode)]
struct DigestV1<'b> {
    #[n(0)]
    place: u16,
    #[b(1)]
    texts: &'b str,
    #[n(2)]
    ends: [u16; TEXTS],
    /// Whether the texts that are looked into are whole, a bit each; then whether there is an attachment.
    #[n(3)]
    marks: u8,
    #[n(4)]
    sent_millis: i64,
}

impl<'d> DigestV1<'d> {
    fn of((email, digest): &'d (EmailId, Digest)) -> Self {
        let whole = digest.is_whole.iter().zip(0..);
        let whole = whole.map(|(is_whole, bit)| u8::from(*is_whole) << bit);
        let attachment = if digest.has_attachment { ATTACHMENT } else { 0 };
        Self {
            place: u16::try_from(email.0 % SUMMARY_EMAILS).unwrap_or(u16::MAX),
            texts: &digest.texts,
            ends: digest.ends,
            marks: whole.sum::<u8>() | attachment,
            sent_millis: digest.sent_millis,
        }
    }
}

fn encode(digests: &[(EmailId, Digest)]) -> Bytes {
    let all: Vec<DigestV1<'_>> = digests.iter().map(DigestV1::of).collect();
    record::encode(V1, &all)
}

/// Nothing when they cannot be read: they are made anew.
fn decode(number: u64, stored: &[u8]) -> Option<Vec<(EmailId, Digest)>> {
    let (V1, body) = record::split(stored).ok()? else {
        return None;
    };
    let all: Vec<DigestV1<'_>> = minicbor::decode(body).ok()?;
    let read = |stored: DigestV1<'_>| {
        let starts = std::iter::once(0).chain(stored.ends);
        let are_ends = starts
            .zip(stored.ends)
            .all(|(start, end)| start <= end && stored.texts.is_char_boundary(usize::from(end)));
        let digest = Digest {
            texts: stored.texts.into(),
            ends: stored.ends,
            is_whole: [0, 1, 2].map(|bit| stored.marks >> bit & 1 == 1),
            has_attachment: stored.marks & ATTACHMENT != 0,
            sent_millis: stored.sent_millis,
        };
        are_ends.then(|| (EmailId(number * SUMMARY_EMAILS + u64::from(stored.place)), digest))
    };
    all.into_iter().map(read).collect()
}

/// Adds what is stored of `missing`, which is sorted.
pub(super) async fn load(call: &Call<'_>, digests: &mut Digests, missing: &[EmailId]) -> Outcome<()> {
    let (Some(first), Some(last)) = (missing.first(), missing.last()) else {
        return Ok(());
    };
    let (mut next, last) = (summary_of(*first), summary_of(*last));
    while next <= last {
        let database = &call.jmap.services.database;
        let some = read_summaries(database, call.account.mailbox, (next, last), READ).await?;
        let is_end = some.len() < READ;
        for (number, stored) in some {
            next = number + 1;
            if let Some(found) = decode(number, &stored) {
                digests.add_together(number, found);
            }
        }
        if is_end {
            break;
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Digests being made of mails that lie together, by whoever has the mails: a query, or their mailbox.
#[derive(Default)]
struct DigestSum(Vec<(EmailId, Digest)>);

impl Sum for DigestSum {
    fn add(&mut self, id: EmailId, mail: &Email) {
        self.0.push((id, Digest::of(mail)));
    }
    fn finish(self: Box<Self>) -> Option<Bytes> {
        (!self.0.is_empty()).then(|| encode(&self.0))
    }
}

/// How mailboxes sum up their mails for queries.
#[must_use]
pub fn begin_sum() -> Box<dyn Sum> {
    Box::new(DigestSum::default())
}

/// Makes the digests of mails that lie together, and has them stored afterwards; what of `missing`, which is sorted, is better
/// read by itself.
pub(super) async fn make(
    call: &Call<'_>,
    snapshot: &Snapshot,
    digests: &mut Digests,
    missing: &[EmailId],
) -> Outcome<Vec<EmailId>> {
    let mut rest = Vec::new();
    let mut drafts = Vec::new();
    for some in missing.chunk_by(|a, b| summary_of(*a) == summary_of(*b)) {
        let number = summary_of(some[0]);
        // No mail will come among them: ids only grow.
        let is_full = snapshot.last_email().is_some_and(|last| summary_of(last) > number);
        if !is_full || some.len() < WORTH {
            rest.extend_from_slice(some);
            continue;
        }
        let mut draft = SummaryDraft::begin(&call.jmap.services.database, call.account.mailbox, number).await?;
        let mut sum = DigestSum::default();
        draft.each_mail(|email, mail| sum.add(email, mail)).await?;
        let DigestSum(made) = sum;
        let stored = encode(&made);
        digests.add_together(number, made);
        if stored.len() <= SUMMARY_OCTETS_MAX {
            drafts.push((draft, stored));
        }
        tokio::task::yield_now().await;
    }
    if !drafts.is_empty() {
        // Nobody waits for it, and what is not stored is made again.
        tokio::task::spawn_local(async move {
            while !drafts.is_empty() {
                let some = drafts.split_off(drafts.len().saturating_sub(STORED));
                let stores = some.into_iter().map(|(draft, stored)| draft.store(stored));
                let failed = join_all(stores).await.into_iter().filter(Result::is_err).count();
                if failed > 0 {
                    tracing::debug!(event = "jmap_digests_not_stored", failed);
                }
            }
        });
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let digest = Digest {
            texts: "abcde".into(),
            ends: [1, 1, 2, 3, 4, 5],
            is_whole: [true, false, true],
            has_attachment: true,
            sent_millis: 7,
        };
        let stored = encode(&[(EmailId(258), digest)]);
        let golden = b"\x01\x00\x01\x81\x85\x02\x65abcde\x86\x01\x01\x02\x03\x04\x05\x0d\x07";
        assert_eq!(&stored[..], golden);
        let read = decode(1, golden).unwrap();
        assert_eq!((read[0].0, &*read[0].1.texts), (EmailId(258), "abcde"));
        assert_eq!(
            (read[0].1.ends, read[0].1.is_whole),
            ([1, 1, 2, 3, 4, 5], [true, false, true])
        );
        assert!(read[0].1.has_attachment && read[0].1.sent_millis == 7);
        // What cannot be is made anew, never a panic.
        let beyond = b"\x01\x00\x01\x81\x85\x02\x65abcde\x86\x01\x01\x02\x03\x04\x09\x0d\x07";
        assert!(decode(1, beyond).is_none());
        assert!(decode(1, b"\x01\x00\x02\x80").is_none() && decode(1, b"").is_none());
    }
}
