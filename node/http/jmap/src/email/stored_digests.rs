//! Digests as they are stored, so that the first query of a mailbox need not read the record of each mail: by the
//! mailbox's summaries. Schema 2 is a CBOR array [places, marks, when sent, numbers of texts, ends of texts, texts]: of the first
//! four, one for each mail, one behind the other; then each text once. Schema 1 is made anew. The mailbox stores them as mail comes; a query does
//! where it did not, or where mails have gone since.

use bytes::Bytes;
use futures_util::future::join_all;
use hongyan_kv::record::{self, Schema};
use hongyan_mailbox::{Email, EmailId, SUMMARY_OCTETS_MAX, Sum, SummaryDraft, read_summaries, summary_of};
use minicbor::{Decode, Encode};

use super::digest_page::{KEY_OCTETS_MAX, Page, PageDraft, Row, TEXTS};
use super::digests::Digests;
use crate::call::Call;
use crate::error::Outcome;
use crate::snapshot::Snapshot;

const V2: Schema = Schema(2);
/// Of fewer mails the records are read as quickly.
pub(super) const MAILS_MIN: usize = 512;
/// Summaries read at a time.
const READ: usize = 64;
/// Summaries stored at a time.
const STORED: usize = 16;
/// Summaries are made when at least so many of their mails are wanted.
const WORTH: usize = 16;

/// Octets to which texts are cut that are looked into, in turn, where they are too long to be stored.
const CUTS: [usize; 2] = [128, 16];
/// Octets of a page besides texts, at most.
const ROWS_OCTETS_MAX: usize = 256 * (1 + 1 + 8 + 2 * TEXTS + 4 * TEXTS) + 100;
// With the shortest texts any page can be stored.
const _: () = assert!(256 * (3 * KEY_OCTETS_MAX + 5 * CUTS[1]) + ROWS_OCTETS_MAX < SUMMARY_OCTETS_MAX);

#[derive(Encode, Decode)]
struct PageV2<'b> {
    #[cbor(b(0), with = "minicbor::bytes")]
    places: &'b [u8],
    #[cbor(b(1), with = "minicbor::bytes")]
    marks: &'b [u8],
    #[cbor(b(2), with = "minicbor::bytes")]
    sent: &'b [u8],
    #[cbor(b(3), with = "minicbor::bytes")]
    texts: &'b [u8],
    #[cbor(b(4), with = "minicbor::bytes")]
    ends: &'b [u8],
    #[b(5)]
    pool: &'b str,
}

fn encode(page: &Page) -> Bytes {
    let rows = page.rows();
    let places: Vec<u8> = rows.iter().map(|row| row.place).collect();
    let marks: Vec<u8> = rows.iter().map(|row| row.marks).collect();
    let sent: Vec<u8> = rows.iter().flat_map(|row| row.sent_millis.to_be_bytes()).collect();
    let texts = rows.iter().flat_map(|row| row.texts);
    let texts: Vec<u8> = texts.flat_map(u16::to_be_bytes).collect();
    let ends: Vec<u8> = page.ends().iter().flat_map(|end| end.to_be_bytes()).collect();
    let body = PageV2 {
        places: &places,
        marks: &marks,
        sent: &sent,
        texts: &texts,
        ends: &ends,
        pool: page.pool(),
    };
    record::encode_sized(V2, &body, page.pool().len() + ROWS_OCTETS_MAX)
}

/// The stored form of a page, as much of it as may be stored.
fn encode_cut(page: &Page) -> Bytes {
    let mut stored = encode(page);
    for octets_max in CUTS {
        if stored.len() <= SUMMARY_OCTETS_MAX {
            break;
        }
        let mut draft = PageDraft::default();
        draft.add_cut(page, octets_max, |_| true);
        stored = encode(&draft.finish());
    }
    stored
}

/// Nothing when they cannot be read: they are made anew.
fn decode(stored: &[u8]) -> Option<Page> {
    let (V2, body) = record::split(stored).ok()? else {
        return None;
    };
    let body: PageV2<'_> = minicbor::decode(body).ok()?;
    let sent = whole_chunks(body.sent)?;
    let texts = whole_chunks(body.texts)?;
    let ends = whole_chunks(body.ends)?;
    if [body.marks.len(), sent.len(), texts.len()] != [body.places.len(); 3] {
        return None;
    }
    let rows = body.places.iter().zip(body.marks).zip(sent.iter().zip(texts));
    let rows = rows.map(|((place, marks), (sent, texts))| Row {
        place: *place,
        marks: *marks,
        sent_millis: i64::from_be_bytes(*sent),
        texts: numbers(texts),
    });
    let ends = ends.iter().map(|end| u32::from_be_bytes(*end));
    Page::new(rows.collect(), ends.collect(), body.pool.into())
}

fn numbers(octets: &[u8; 2 * TEXTS]) -> [u16; TEXTS] {
    std::array::from_fn(|at| u16::from_be_bytes([octets[2 * at], octets[2 * at + 1]]))
}

fn whole_chunks<const N: usize>(octets: &[u8]) -> Option<&[[u8; N]]> {
    let (chunks, rest) = octets.as_chunks();
    rest.is_empty().then_some(chunks)
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
            // Of most of them some is missing.
            let wanted = missing.partition_point(|email| summary_of(*email) < number);
            let is_wanted = missing.get(wanted).is_some_and(|email| summary_of(*email) == number);
            if let Some(page) = is_wanted.then(|| decode(&stored)).flatten() {
                digests.add_page(number, page);
            }
        }
        if is_end {
            break;
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

impl Sum for PageDraft {
    fn add(&mut self, id: EmailId, mail: &Email) {
        Self::add(self, id, mail);
    }
    fn finish(self: Box<Self>) -> Option<Bytes> {
        let page = Self::finish(*self);
        (!page.rows().is_empty()).then(|| encode_cut(&page))
    }
}

/// How mailboxes sum up their mails for queries.
#[must_use]
pub fn begin_sum() -> Box<dyn Sum> {
    Box::new(PageDraft::default())
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
        let mut page = PageDraft::default();
        draft.each_mail(|email, mail| page.add(email, mail)).await?;
        let page = page.finish();
        drafts.push((draft, encode_cut(&page)));
        digests.add_page(number, page);
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
    use memchr::memmem::Finder;

    use crate::email::condition::Field;
    use crate::email::digest_page::tests::page;

    #[test]
    fn golden_bytes() {
        let page = page(&[(
            258,
            "From: B <a@x>\r\nSubject: Re: c\r\nDate: Thu, 1 Jan 1970 00:00:01 +0000",
        )]);
        let stored = encode(&page);
        let hex: String = stored.iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(
            hex,
            "010002864102411f4800000000000003e85000000001000200030001000400010001540000000100000001000000020000000a0000000f6f\
             626362203c6140783e0072653a2063"
        );
        assert_eq!(decode(&stored).unwrap(), page);
        for end in 0..stored.len() {
            assert!(decode(&stored[..end]).is_none(), "{end}");
        }
        // What the builds before stored is made anew.
        assert!(decode(b"\x01\x00\x01\x81\x85\x02\x65abcde\x86\x01\x01\x02\x03\x04\x05\x0d\x07").is_none());
    }

    #[test]
    fn of_texts_that_are_too_long_the_beginning_is_stored() {
        let heads: Vec<String> = (0..256)
            .map(|at| {
                format!(
                    "To: {}\r\nSubject: {at:04}{}",
                    format!("{at}@x.test, ").repeat(99),
                    "s".repeat(500)
                )
            })
            .collect();
        let mails: Vec<(u64, &str)> = heads.iter().zip(0..).map(|(head, at)| (at, head.as_str())).collect();
        let page = page(&mails);
        assert!(encode(&page).len() > SUMMARY_OCTETS_MAX);
        let stored = encode_cut(&page);
        assert!(stored.len() <= SUMMARY_OCTETS_MAX);
        let read = decode(&stored).unwrap();
        let has = |text: &str| read.get(7).unwrap().has(Field::Subject, &Finder::new(text));
        assert_eq!(has("0007ss"), Some(true));
        assert_eq!(has("no"), None, "the rest of it is read");
        let keys = |page: &Page| {
            page.get(7)
                .map(|found| (found.subject().to_owned(), found.to().to_owned()))
        };
        assert_eq!(keys(&read), keys(&page));
    }
}
