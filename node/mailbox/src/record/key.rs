//! Keys: ("mbx", tenant, account, kind, ...).
//!
//! | kind | rest | record |
//! | --- | --- | --- |
//! | 0 | | [`super::meta`]: numbers of the whole mailbox |
//! | 0 | email | kept by a request that needs more transactions; no message shows it yet; empty |
//! | 1 | folder | [`super::folder`]: properties and counters |
//! | 2 | keyword number | the keyword, plain |
//! | 3 | path | subscribed to; empty |
//! | 4 | modseq | [`super::log`]: one commit |
//! | 5 | email | [`super::email`]: one mail |
//! | 6 | folder, chunk(, part) | [`super::chunk`]: the messages of 256 UIDs |
//! | 7 | delivery id | [`super::delivery`]: where that delivery went |
//! | 8 | hash of a Message-ID | [`super::thread`]: its conversation |
//! | 9 | email | how many messages share the mail, when more than one |
//! | 10 | minute, request id | [`super::done`]: what became of that request |
//! | 11 | millis, email | [`super::purged`]: a mail that can be had back |
//! | 12 | millis, number | [`super::act`]: what someone did in a mailbox that is not theirs |
//! | 13 | millis, number | [`super::removal`]: mails that went together |
//! | 14 | email / 256 | summaries of these mails, in the form of whoever lists mails ([`crate::summary_of`]) |
//!
//! Kinds 0 to 3 lie together: a mailbox starts with one range read of them and one of the log's tail.

use bytes::Bytes;
use hongyan_actor::RequestId;
use hongyan_kv::KeyRange;
use hongyan_kv::tuple::Tuple;
use hongyan_types::{ModSeq, Timestamp};

use crate::{ActId, DeliveryId, EmailId, FolderId, KeywordId, MailboxId, PurgedId};

const META: u8 = 0;
const FOLDER: u8 = 1;
const KEYWORD: u8 = 2;
const SUBSCRIPTION: u8 = 3;
const LOG: u8 = 4;
const EMAIL: u8 = 5;
const CHUNK: u8 = 6;
const DELIVERY: u8 = 7;
const THREAD: u8 = 8;
const SHARES: u8 = 9;
const DONE: u8 = 10;
const PURGED: u8 = 11;
const ACT: u8 = 12;
const REMOVAL: u8 = 13;
const SUMMARY: u8 = 14;

/// The prefix of everything of one mailbox.
pub(crate) fn mailbox(id: MailboxId) -> Tuple {
    Tuple::new().string("mbx").int(id.tenant.0).int(id.account.0)
}
fn kind(id: MailboxId, kind: u8) -> Tuple {
    mailbox(id).int(kind)
}
/// What a start reads first: kinds 0 to 3.
pub(crate) fn state(id: MailboxId) -> KeyRange {
    KeyRange {
        begin: kind(id, META).pack(),
        end: kind(id, LOG).pack(),
    }
}
/// What a key of [`state`] holds.
pub(crate) enum StateKey {
    Meta,
    Staged(EmailId),
    Folder(FolderId),
    Keyword(KeywordId),
    Subscription(String),
}
pub(crate) fn read_state_key(id: MailboxId, key: &[u8]) -> Option<StateKey> {
    let mut reader = mailbox(id).reader(key).ok()?;
    match reader.int::<u8>().ok()? {
        META if reader.is_empty() => Some(StateKey::Meta),
        META => reader.int().ok().map(|email| StateKey::Staged(EmailId(email))),
        FOLDER => reader.int().ok().map(|folder| StateKey::Folder(FolderId(folder))),
        KEYWORD => reader.int().ok().map(|keyword| StateKey::Keyword(KeywordId(keyword))),
        SUBSCRIPTION => reader.string().ok().map(StateKey::Subscription),
        _ => None,
    }
}
pub(crate) fn meta(id: MailboxId) -> Bytes {
    kind(id, META).pack()
}
pub(crate) fn staged(id: MailboxId, email: EmailId) -> Bytes {
    kind(id, META).int(email.0).pack()
}
pub(crate) fn folder(id: MailboxId, folder: FolderId) -> Bytes {
    kind(id, FOLDER).int(folder.0).pack()
}
pub(crate) fn keyword(id: MailboxId, keyword: KeywordId) -> Bytes {
    kind(id, KEYWORD).int(keyword.0).pack()
}
pub(crate) fn subscription(id: MailboxId, path: &str) -> Bytes {
    kind(id, SUBSCRIPTION).string(path).pack()
}
pub(crate) fn log(id: MailboxId, modseq: ModSeq) -> Bytes {
    kind(id, LOG).int(modseq.0).pack()
}
pub(crate) fn read_log(id: MailboxId, key: &[u8]) -> Option<ModSeq> {
    kind(id, LOG).reader(key).ok()?.int().ok().map(ModSeq)
}
/// Log entries with `after < modseq`.
pub(crate) fn log_after(id: MailboxId, after: ModSeq) -> KeyRange {
    KeyRange {
        begin: kind(id, LOG).int(after.0.saturating_add(1)).pack(),
        end: kind(id, EMAIL).pack(),
    }
}
/// Log entries with `first <= modseq <= last`.
pub(crate) fn log_between(id: MailboxId, first: ModSeq, last: ModSeq) -> KeyRange {
    KeyRange {
        begin: kind(id, LOG).int(first.0).pack(),
        end: kind(id, LOG).int(last.0.saturating_add(1)).pack(),
    }
}
pub(crate) fn email(id: MailboxId, email: EmailId) -> Bytes {
    kind(id, EMAIL).int(email.0).pack()
}
pub(crate) fn read_email(id: MailboxId, key: &[u8]) -> Option<EmailId> {
    kind(id, EMAIL).reader(key).ok()?.int().ok().map(EmailId)
}
/// A chunk's part `part`; most chunks have the part 0 alone.
pub(crate) fn chunk(id: MailboxId, folder: FolderId, chunk: u32, part: usize) -> Bytes {
    let first = kind(id, CHUNK).int(folder.0).int(chunk);
    match part {
        0 => first.pack(),
        part => first.int(part as u64).pack(),
    }
}
/// All parts of a chunk.
pub(crate) fn chunk_parts(id: MailboxId, folder: FolderId, chunk: u32) -> KeyRange {
    let first = kind(id, CHUNK).int(folder.0).int(chunk);
    KeyRange {
        end: first.range().end,
        begin: first.pack(),
    }
}
pub(crate) fn chunks(id: MailboxId, folder: FolderId) -> KeyRange {
    kind(id, CHUNK).int(folder.0).range()
}
pub(crate) fn delivery(id: MailboxId, delivery: &DeliveryId) -> Bytes {
    kind(id, DELIVERY).bytes(&delivery.0).pack()
}
/// All deliveries from `from` on.
pub(crate) fn deliveries(id: MailboxId, from: &[u8]) -> KeyRange {
    KeyRange {
        begin: kind(id, DELIVERY).bytes(from).pack(),
        end: kind(id, THREAD).pack(),
    }
}
pub(crate) fn read_delivery(id: MailboxId, key: &[u8]) -> Option<Vec<u8>> {
    kind(id, DELIVERY).reader(key).ok()?.bytes().ok()
}
pub(crate) fn thread(id: MailboxId, hash: &[u8; 16]) -> Bytes {
    kind(id, THREAD).bytes(hash).pack()
}
pub(crate) fn shares(id: MailboxId, email: EmailId) -> Bytes {
    kind(id, SHARES).int(email.0).pack()
}
pub(crate) fn done(id: MailboxId, minute: u32, request: RequestId) -> Bytes {
    kind(id, DONE).int(minute).bytes(&request.0.to_be_bytes()).pack()
}
pub(crate) fn all_done(id: MailboxId) -> KeyRange {
    kind(id, DONE).range()
}
pub(crate) fn done_before(id: MailboxId, minute: u32) -> KeyRange {
    KeyRange {
        begin: kind(id, DONE).range().begin,
        end: kind(id, DONE).int(minute).pack(),
    }
}
pub(crate) fn read_done(id: MailboxId, key: &[u8]) -> Option<(u32, RequestId)> {
    let mut reader = kind(id, DONE).reader(key).ok()?;
    let minute = reader.int().ok()?;
    let request = reader.bytes().ok()?.try_into().ok()?;
    Some((minute, RequestId(u128::from_be_bytes(request))))
}
pub(crate) fn purged(id: MailboxId, purged: PurgedId) -> Bytes {
    at(id, purged.at).int(purged.email.0).pack()
}
/// The first key of those purged at `since` or later.
pub(crate) fn purged_from(id: MailboxId, since: Timestamp) -> Bytes {
    at(id, since).pack()
}
pub(crate) fn all_purged(id: MailboxId) -> KeyRange {
    kind(id, PURGED).range()
}
pub(crate) fn read_purged(id: MailboxId, key: &[u8]) -> Option<PurgedId> {
    let mut reader = kind(id, PURGED).reader(key).ok()?;
    let millis = reader.int::<u64>().ok()?;
    Some(PurgedId {
        at: Timestamp {
            millis: i64::try_from(millis).ok()?,
        },
        email: EmailId(reader.int().ok()?),
    })
}
pub(crate) fn summary(id: MailboxId, number: u64) -> Bytes {
    kind(id, SUMMARY).int(number).pack()
}
pub(crate) fn read_summary(id: MailboxId, key: &[u8]) -> Option<u64> {
    kind(id, SUMMARY).reader(key).ok()?.int().ok()
}
pub(crate) fn act(id: MailboxId, act: ActId) -> Bytes {
    acts_at(id, act.at).int(act.number).pack()
}
/// The first key of acts at `since` or later.
pub(crate) fn acts_from(id: MailboxId, since: Timestamp) -> Bytes {
    acts_at(id, since).pack()
}
pub(crate) fn all_acts(id: MailboxId) -> KeyRange {
    kind(id, ACT).range()
}
pub(crate) fn removal(id: MailboxId, removal: ActId) -> Bytes {
    removals_at(id, removal.at).int(removal.number).pack()
}
/// The first key of removals at `since` or later.
pub(crate) fn removals_from(id: MailboxId, since: Timestamp) -> Bytes {
    removals_at(id, since).pack()
}
pub(crate) fn all_removals(id: MailboxId) -> KeyRange {
    kind(id, REMOVAL).range()
}
pub(crate) fn read_removal(id: MailboxId, key: &[u8]) -> Option<ActId> {
    read_act_of(kind(id, REMOVAL), key)
}
fn removals_at(id: MailboxId, time: Timestamp) -> Tuple {
    kind(id, REMOVAL).int(u64::try_from(time.millis).unwrap_or(0))
}
pub(crate) fn read_act(id: MailboxId, key: &[u8]) -> Option<ActId> {
    read_act_of(kind(id, ACT), key)
}
fn read_act_of(prefix: Tuple, key: &[u8]) -> Option<ActId> {
    let mut reader = prefix.reader(key).ok()?;
    let millis = reader.int::<u64>().ok()?;
    Some(ActId {
        at: Timestamp {
            millis: i64::try_from(millis).ok()?,
        },
        number: reader.int().ok()?,
    })
}
fn acts_at(id: MailboxId, time: Timestamp) -> Tuple {
    kind(id, ACT).int(u64::try_from(time.millis).unwrap_or(0))
}
fn at(id: MailboxId, time: Timestamp) -> Tuple {
    kind(id, PURGED).int(u64::try_from(time.millis).unwrap_or(0))
}
