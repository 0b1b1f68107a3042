//! How requests and replies travel between nodes: version 1, bincode of tuples and enums.
//!
//! Nothing here changes once a release speaks it: enums grow at their end, and what a tuple lacks becomes a new variant.
//! Entries travel in their stored form, which has its own versions.

use bytes::Bytes;
use hongyan_actor::{Older, WireEntity, WireError};
use hongyan_blob::NewBlob;
use hongyan_trail::SubmissionId;
use hongyan_transport::codec;
use hongyan_types::{AccountId, TenantId};
use serde::{Deserialize, Serialize};

use crate::record::{Attempt, BodyKind, Destination, Entry, Notify, Outcome, ReportKind, ReturnContent};
use crate::{
    Accept, AcceptReply, Delete, Due, DueEntry, DueReply, EntryId, Hold, Holder, List, ListReply, NewEntry,
    NewRecipient, Postpone, PutBack, PutOff, QueueEntity, QueueError, QueueId, QueueReply, QueueRequest, QueueServices,
    Recall, RecallReply, Release, ReportSent, Reported, Retry, Show, Withdraw, Work,
};

#[derive(Serialize, Deserialize)]
enum RequestV1 {
    Accept(Vec<u8>, Vec<u8>, Vec<NewEntryV1>),
    /// Limit; node, life.
    Due(u64, u64, u64),
    /// Number; index, kind of outcome, attempt.
    Reported(u64, Vec<(u64, u8, AttemptV1)>),
    ReportSent(u64, u8, bool),
    PutBack(u64, Option<i64>),
    List(u64, u64),
    Show(u64),
    Retry(u64),
    Hold(u64),
    Release(u64),
    Delete(u64),
    Withdraw(Vec<u64>),
    /// As `Accept`; and for each entry in whose trail its outcomes are noted: tenant, account, number.
    AcceptSubmission(Vec<u8>, Vec<u8>, Vec<(NewEntryV1, Option<(u64, u64, u64)>)>),
    /// Numbers; when.
    Postpone(Vec<u64>, i64),
    /// Tenant, account, number; after, limit.
    Recall(u64, u64, u64, u64, u64),
    /// Number, when, why.
    PutOff(u64, i64, AttemptV1),
}

/// Host, peer, code, status, text, whether DSN was relayed.
type AttemptV1 = (String, String, u16, String, String, bool);
/// Address, original, success, failure and delay if given.
type RecipientV1 = (String, Option<String>, Option<(bool, bool, bool)>);
/// Shard and number, the stored form.
type EntryV1 = (u16, u64, Vec<u8>);

#[derive(Serialize, Deserialize)]
struct NewEntryV1 {
    sender: Option<String>,
    envelope_id: Option<String>,
    /// Whether headers only.
    return_content: Option<bool>,
    body: u8,
    smtputf8: bool,
    /// None is a mailbox of ours.
    domain: Option<String>,
    recipients: Vec<RecipientV1>,
    not_before_millis: i64,
    subject: String,
}

#[derive(Serialize, Deserialize)]
enum ReplyV1 {
    Accept(Result<Vec<(u16, u64)>, ErrorV1>),
    /// Entries, each with the report it wants if that is what it wants; when the next is due.
    Due(Result<(Vec<(EntryV1, Option<u8>)>, Option<i64>), ErrorV1>),
    List(Result<Vec<EntryV1>, ErrorV1>),
    Entry(Result<Vec<u8>, ErrorV1>),
    Done(Result<(), ErrorV1>),
    /// Addresses taken out, those that leave; after which entry to go on.
    Recall(Result<(Vec<String>, Vec<String>, Option<u64>), ErrorV1>),
}

#[derive(Serialize, Deserialize)]
enum ErrorV1 {
    NoSuchEntry,
    /// May pass; the words are for the log.
    Temporary(String),
    Permanent(String),
}

impl WireEntity for QueueEntity {
    fn encode_request(_: &QueueServices, request: &QueueRequest) -> Result<Bytes, WireError> {
        codec::encode(&write_request(request)).map_err(wrong)
    }
    fn decode_request(_: &QueueServices, bytes: Bytes) -> Result<QueueRequest, WireError> {
        read_request(codec::decode(&bytes).map_err(wrong)?)
    }
    fn encode_reply(_: &QueueServices, _: &QueueRequest, reply: &QueueReply) -> Result<Bytes, WireError> {
        codec::encode(&write_reply(reply)).map_err(wrong)
    }
    fn decode_reply(_: &QueueServices, _: &QueueRequest, bytes: Bytes) -> Result<QueueReply, WireError> {
        read_reply(codec::decode(&bytes).map_err(wrong)?)
    }
    fn older(_: &QueueServices, request: &QueueRequest, _: usize) -> Result<Older<Self>, WireError> {
        Ok(match request {
            // It calls nothing back: as if all had left.
            QueueRequest::Recall(_) => Older::Reply(QueueReply::Recall(Ok(RecallReply::default()))),
            _ => Older::Nothing,
        })
    }
}

fn wrong(error: impl std::fmt::Display) -> WireError {
    WireError(error.to_string())
}

fn write_request(request: &QueueRequest) -> RequestV1 {
    match request {
        QueueRequest::Accept(request) if request.entries.iter().any(|entry| entry.submission.is_some()) => {
            let entries = request.entries.iter().map(|entry| {
                let submission = entry.submission.map(|of| (of.tenant.0, of.account.0, of.number));
                (write_new(entry), submission)
            });
            let blob = request.blob.to_travel().into();
            RequestV1::AcceptSubmission(request.delivery_id.clone(), blob, entries.collect())
        }
        QueueRequest::Accept(request) => RequestV1::Accept(
            request.delivery_id.clone(),
            request.blob.to_travel().into(),
            request.entries.iter().map(write_new).collect(),
        ),
        QueueRequest::Due(request) => RequestV1::Due(request.limit as u64, request.holder.node, request.holder.life),
        QueueRequest::Reported(request) => {
            let outcomes = request.outcomes.iter().map(|(index, outcome)| {
                let (kind, attempt) = match outcome {
                    Outcome::Delivered(attempt) => (0, attempt),
                    Outcome::Deferred(attempt) => (1, attempt),
                    Outcome::Bounced(attempt) => (2, attempt),
                };
                (*index as u64, kind, write_attempt(attempt))
            });
            RequestV1::Reported(request.number, outcomes.collect())
        }
        QueueRequest::ReportSent(request) => {
            RequestV1::ReportSent(request.number, write_kind(request.kind), request.sent)
        }
        QueueRequest::PutBack(request) => RequestV1::PutBack(request.number, request.due_millis),
        QueueRequest::List(request) => RequestV1::List(request.after, request.limit as u64),
        QueueRequest::Show(request) => RequestV1::Show(request.number),
        QueueRequest::Retry(request) => RequestV1::Retry(request.number),
        QueueRequest::Hold(request) => RequestV1::Hold(request.number),
        QueueRequest::Release(request) => RequestV1::Release(request.number),
        QueueRequest::Delete(request) => RequestV1::Delete(request.number),
        QueueRequest::Recall(request) => {
            let of = request.submission;
            RequestV1::Recall(
                of.tenant.0,
                of.account.0,
                of.number,
                request.after,
                request.limit as u64,
            )
        }
        QueueRequest::Withdraw(request) => RequestV1::Withdraw(request.numbers.clone()),
        QueueRequest::Postpone(request) => RequestV1::Postpone(request.numbers.clone(), request.not_before_millis),
        QueueRequest::PutOff(request) => {
            RequestV1::PutOff(request.number, request.due_millis, write_attempt(&request.reason))
        }
    }
}

fn read_request(wire: RequestV1) -> Result<QueueRequest, WireError> {
    Ok(match wire {
        RequestV1::Accept(delivery_id, blob, entries) => QueueRequest::Accept(Accept {
            delivery_id,
            blob: NewBlob::from_travel(&blob).map_err(wrong)?,
            entries: entries.into_iter().map(read_new).collect::<Result<_, _>>()?,
        }),
        RequestV1::Due(limit, node, life) => QueueRequest::Due(Due {
            limit: size(limit)?,
            holder: Holder { node, life },
        }),
        RequestV1::Reported(number, outcomes) => {
            let outcomes = outcomes.into_iter().map(|(index, kind, attempt)| {
                let attempt = read_attempt(attempt);
                let outcome = match kind {
                    0 => Outcome::Delivered(attempt),
                    1 => Outcome::Deferred(attempt),
                    2 => Outcome::Bounced(attempt),
                    _ => return Err(wrong("outcome")),
                };
                Ok((size(index)?, outcome))
            });
            let outcomes = outcomes.collect::<Result<_, _>>()?;
            QueueRequest::Reported(Reported { number, outcomes })
        }
        RequestV1::ReportSent(number, kind, sent) => {
            let kind = read_kind(kind)?;
            QueueRequest::ReportSent(ReportSent { number, kind, sent })
        }
        RequestV1::PutBack(number, due_millis) => QueueRequest::PutBack(PutBack { number, due_millis }),
        RequestV1::List(after, limit) => {
            let limit = size(limit)?;
            QueueRequest::List(List { after, limit })
        }
        RequestV1::Show(number) => QueueRequest::Show(Show { number }),
        RequestV1::Retry(number) => QueueRequest::Retry(Retry { number }),
        RequestV1::Hold(number) => QueueRequest::Hold(Hold { number }),
        RequestV1::Release(number) => QueueRequest::Release(Release { number }),
        RequestV1::Delete(number) => QueueRequest::Delete(Delete { number }),
        RequestV1::Recall(tenant, account, number, after, limit) => QueueRequest::Recall(Recall {
            submission: SubmissionId {
                tenant: TenantId(tenant),
                account: AccountId(account),
                number,
            },
            after,
            limit: size(limit)?,
        }),
        RequestV1::Withdraw(numbers) => QueueRequest::Withdraw(Withdraw { numbers }),
        RequestV1::Postpone(numbers, not_before_millis) => QueueRequest::Postpone(Postpone {
            numbers,
            not_before_millis,
        }),
        RequestV1::PutOff(number, due_millis, reason) => QueueRequest::PutOff(PutOff {
            number,
            due_millis,
            reason: read_attempt(reason),
        }),
        RequestV1::AcceptSubmission(delivery_id, blob, entries) => {
            let entries = entries.into_iter().map(|(entry, submission)| {
                Ok(NewEntry {
                    submission: submission.map(|(tenant, account, number)| SubmissionId {
                        tenant: TenantId(tenant),
                        account: AccountId(account),
                        number,
                    }),
                    ..read_new(entry)?
                })
            });
            QueueRequest::Accept(Accept {
                delivery_id,
                blob: NewBlob::from_travel(&blob).map_err(wrong)?,
                entries: entries.collect::<Result<_, WireError>>()?,
            })
        }
    })
}

fn size(number: u64) -> Result<usize, WireError> {
    usize::try_from(number).map_err(wrong)
}

fn write_new(entry: &NewEntry) -> NewEntryV1 {
    let recipients = entry.recipients.iter().map(|recipient| {
        let notify = recipient
            .notify
            .map(|notify| (notify.success, notify.failure, notify.delay));
        (recipient.address.clone(), recipient.original.clone(), notify)
    });
    NewEntryV1 {
        sender: entry.sender.clone(),
        envelope_id: entry.envelope_id.clone(),
        return_content: entry.return_content.map(|content| content == ReturnContent::Headers),
        body: match entry.body {
            BodyKind::SevenBit => 0,
            BodyKind::EightBit => 1,
            BodyKind::Binary => 2,
        },
        smtputf8: entry.smtputf8,
        domain: match &entry.destination {
            Destination::Domain(domain) => Some(domain.clone()),
            Destination::Local => None,
        },
        recipients: recipients.collect(),
        not_before_millis: entry.not_before_millis,
        subject: entry.subject.clone(),
    }
}

fn read_new(wire: NewEntryV1) -> Result<NewEntry, WireError> {
    let recipients = wire
        .recipients
        .into_iter()
        .map(|(address, original, notify)| NewRecipient {
            address,
            original,
            notify: notify.map(|(success, failure, delay)| Notify {
                success,
                failure,
                delay,
            }),
        });
    Ok(NewEntry {
        sender: wire.sender,
        envelope_id: wire.envelope_id,
        return_content: wire.return_content.map(|headers| match headers {
            true => ReturnContent::Headers,
            false => ReturnContent::Full,
        }),
        body: match wire.body {
            0 => BodyKind::SevenBit,
            1 => BodyKind::EightBit,
            2 => BodyKind::Binary,
            _ => return Err(wrong("body kind")),
        },
        smtputf8: wire.smtputf8,
        destination: wire.domain.map_or(Destination::Local, Destination::Domain),
        recipients: recipients.collect(),
        not_before_millis: wire.not_before_millis,
        subject: wire.subject,
        submission: None,
    })
}

fn write_attempt(attempt: &Attempt) -> AttemptV1 {
    let Attempt {
        host,
        peer,
        code,
        status,
        text,
        relayed_dsn,
    } = attempt.clone();
    (host, peer, code, status, text, relayed_dsn)
}

fn read_attempt((host, peer, code, status, text, relayed_dsn): AttemptV1) -> Attempt {
    Attempt {
        host,
        peer,
        code,
        status,
        text,
        relayed_dsn,
    }
}

fn write_kind(kind: ReportKind) -> u8 {
    match kind {
        ReportKind::Failure => 0,
        ReportKind::Delay => 1,
        ReportKind::Success => 2,
    }
}

fn read_kind(wire: u8) -> Result<ReportKind, WireError> {
    match wire {
        0 => Ok(ReportKind::Failure),
        1 => Ok(ReportKind::Delay),
        2 => Ok(ReportKind::Success),
        _ => Err(wrong("report kind")),
    }
}

fn write_entry(id: EntryId, entry: &Entry) -> EntryV1 {
    (id.queue.shard, id.number, entry.encode().into())
}

fn read_entry((shard, number, stored): EntryV1) -> Result<(EntryId, Entry), WireError> {
    let queue = QueueId { shard };
    Ok((EntryId { queue, number }, Entry::decode(&stored).map_err(wrong)?))
}

fn write_reply(reply: &QueueReply) -> ReplyV1 {
    match reply {
        QueueReply::Accept(reply) => ReplyV1::Accept(result(reply, |reply| {
            let names = reply.entries.iter().map(|id| (id.queue.shard, id.number));
            names.collect()
        })),
        QueueReply::Due(reply) => ReplyV1::Due(result(reply, |reply| {
            let entries = reply.entries.iter().map(|due| {
                let report = match due.work {
                    Work::Deliver => None,
                    Work::Report(kind) => Some(write_kind(kind)),
                };
                (write_entry(due.id, &due.entry), report)
            });
            (entries.collect(), reply.next_millis)
        })),
        QueueReply::List(reply) => ReplyV1::List(result(reply, |reply| {
            reply
                .entries
                .iter()
                .map(|(id, entry)| write_entry(*id, entry))
                .collect()
        })),
        QueueReply::Entry(reply) => ReplyV1::Entry(result(reply, |entry| entry.encode().into())),
        QueueReply::Recall(reply) => ReplyV1::Recall(result(reply, |reply| {
            (reply.recalled.clone(), reply.leaving.clone(), reply.next)
        })),
        QueueReply::Done(reply) => ReplyV1::Done(result(reply, |()| ())),
    }
}

fn read_reply(wire: ReplyV1) -> Result<QueueReply, WireError> {
    Ok(match wire {
        ReplyV1::Accept(reply) => QueueReply::Accept(read_result(reply, |names| {
            let ids = names.into_iter().map(|(shard, number)| EntryId {
                queue: QueueId { shard },
                number,
            });
            Ok(AcceptReply { entries: ids.collect() })
        })?),
        ReplyV1::Due(reply) => QueueReply::Due(read_result(reply, |(entries, next_millis)| {
            let entries = entries.into_iter().map(|(entry, report)| {
                let (id, entry) = read_entry(entry)?;
                let work = match report {
                    None => Work::Deliver,
                    Some(kind) => Work::Report(read_kind(kind)?),
                };
                Ok(DueEntry { id, entry, work })
            });
            Ok(DueReply {
                entries: entries.collect::<Result<_, WireError>>()?,
                next_millis,
            })
        })?),
        ReplyV1::List(reply) => QueueReply::List(read_result(reply, |entries| {
            let entries = entries.into_iter().map(read_entry).collect::<Result<_, _>>()?;
            Ok(ListReply { entries })
        })?),
        ReplyV1::Entry(reply) => QueueReply::Entry(read_result(reply, |stored| {
            Entry::decode(&stored).map(Box::new).map_err(wrong)
        })?),
        ReplyV1::Recall(reply) => QueueReply::Recall(read_result(reply, |(recalled, leaving, next)| {
            Ok(RecallReply {
                recalled,
                leaving,
                next,
            })
        })?),
        ReplyV1::Done(reply) => QueueReply::Done(read_result(reply, Ok)?),
    })
}

fn result<T, W>(reply: &Result<T, QueueError>, write: impl FnOnce(&T) -> W) -> Result<W, ErrorV1> {
    match reply {
        Ok(value) => Ok(write(value)),
        Err(QueueError::NoSuchEntry) => Err(ErrorV1::NoSuchEntry),
        Err(error) if error.is_temporary() => Err(ErrorV1::Temporary(error.to_string())),
        Err(error) => Err(ErrorV1::Permanent(error.to_string())),
    }
}

fn read_result<W, T>(
    wire: Result<W, ErrorV1>,
    read: impl FnOnce(W) -> Result<T, WireError>,
) -> Result<Result<T, QueueError>, WireError> {
    Ok(match wire {
        Ok(value) => Ok(read(value)?),
        Err(ErrorV1::NoSuchEntry) => Err(QueueError::NoSuchEntry),
        Err(ErrorV1::Temporary(text)) => Err(hongyan_kv::Error::Unavailable(text).into()),
        Err(ErrorV1::Permanent(text)) => Err(hongyan_kv::Error::Corrupt(text).into()),
    })
}

#[cfg(test)]
mod tests;
