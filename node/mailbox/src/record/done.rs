//! What became of a request: key kind 10, [minute, request id]. A repeat of it is answered, or carried on, from here.
//!
//! Kept for minutes ([`crate::MailboxOptions::requests_kept`]); nothing else depends on it.

use bytes::Bytes;
use hongyan_kv::Error as StorageError;
use hongyan_kv::record::{self, Schema};
use hongyan_types::{ModSeq, Uid, UidSet, UidValidity};
use minicbor::{Decode, Encode};

use super::{get_uids, put_uids};
use crate::work::Progress;
use crate::{AppendReply, CopyMessagesReply, DeliverReply, EmailId, FolderId};

const V1: Schema = Schema(1);
/// Octets beyond which the lists in a record are left out; a stored value holds 100,000.
const RECORD_OCTETS_MAX: usize = 90_000;

/// How far a request came.
#[derive(Debug, Clone)]
pub(crate) enum Done {
    /// Some of its transactions are committed.
    Underway(Progress),
    /// All of them.
    Finished(Outcome),
}

/// What a finished request did, as far as its reply needs it.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Nothing,
    Appended(AppendReply),
    /// Copied or moved.
    Copied(CopyMessagesReply),
    Stored(UidSet),
    Expunged(UidSet, ModSeq),
    Created(FolderId),
    Delivered(DeliverReply),
}

/// Runs of UIDs and those they became: first, first, count.
type Runs = Vec<(u32, u32, u32)>;

#[derive(Encode, Decode)]
enum DoneV1 {
    #[n(0)]
    Underway {
        /// First and last UID of what is left to look at.
        #[n(0)]
        span: Option<(u32, u32)>,
        #[n(1)]
        folder: Option<u32>,
        #[n(2)]
        pairs: Runs,
        #[n(3)]
        modified: Vec<u32>,
        #[n(4)]
        expunged: Vec<u32>,
    },
    #[n(1)]
    Nothing,
    #[n(2)]
    Appended {
        #[n(0)]
        folder: u32,
        #[n(1)]
        uid_validity: u32,
        #[n(2)]
        uids: Vec<u32>,
        #[n(3)]
        emails: Vec<u64>,
    },
    #[n(3)]
    Copied {
        #[n(0)]
        to: u32,
        #[n(1)]
        uid_validity: u32,
        #[n(2)]
        pairs: Runs,
    },
    #[n(4)]
    Stored {
        #[n(0)]
        modified: Vec<u32>,
    },
    #[n(5)]
    Expunged {
        #[n(0)]
        uids: Vec<u32>,
        #[n(1)]
        modseq: u64,
    },
    #[n(6)]
    Created {
        #[n(0)]
        folder: u32,
    },
    #[n(7)]
    Delivered {
        #[n(0)]
        folder: u32,
        #[n(1)]
        uid_validity: u32,
        #[n(2)]
        uid: u32,
        #[n(3)]
        email: u64,
    },
}

fn put_pairs(pairs: &[(Uid, Uid)]) -> Runs {
    let mut runs: Runs = Vec::new();
    for (from, to) in pairs.iter().map(|(from, to)| (from.get(), to.get())) {
        match runs.last_mut() {
            Some((first, first_to, count)) if from == *first + *count && to == *first_to + *count => *count += 1,
            _ => runs.push((from, to, 1)),
        }
    }
    runs
}

fn get_pairs(runs: &Runs) -> Vec<(Uid, Uid)> {
    let runs = runs.iter().flat_map(|(from, to, count)| {
        (0..*count).map(move |at| (Uid::new(from.saturating_add(at)), Uid::new(to.saturating_add(at))))
    });
    runs.filter_map(|(from, to)| from.zip(to)).collect()
}

fn body(done: &Done) -> DoneV1 {
    match done {
        Done::Underway(progress) => DoneV1::Underway {
            span: progress
                .rest
                .as_ref()
                .and_then(|rest| Some((rest.first()?.get(), rest.last()?.get()))),
            folder: progress.folder.map(|folder| folder.0),
            pairs: put_pairs(&progress.pairs),
            modified: put_uids(&progress.modified),
            expunged: put_uids(&progress.expunged),
        },
        Done::Finished(outcome) => match outcome {
            Outcome::Nothing => DoneV1::Nothing,
            Outcome::Appended(reply) => DoneV1::Appended {
                folder: reply.folder.0,
                uid_validity: reply.uid_validity.get(),
                uids: reply.uids.iter().map(|uid| uid.get()).collect(),
                emails: reply.emails.iter().map(|email| email.0).collect(),
            },
            Outcome::Copied(reply) => DoneV1::Copied {
                to: reply.to.0,
                uid_validity: reply.uid_validity.get(),
                pairs: put_pairs(&reply.uids),
            },
            Outcome::Stored(modified) => DoneV1::Stored {
                modified: put_uids(modified),
            },
            Outcome::Expunged(uids, modseq) => DoneV1::Expunged {
                uids: put_uids(uids),
                modseq: modseq.0,
            },
            Outcome::Created(folder) => DoneV1::Created { folder: folder.0 },
            Outcome::Delivered(reply) => DoneV1::Delivered {
                folder: reply.folder.0,
                uid_validity: reply.uid_validity.get(),
                uid: reply.uid.get(),
                email: reply.email.0,
            },
        },
    }
}

pub(crate) fn encode(done: &Done) -> Bytes {
    let mut body = body(done);
    let stored = record::encode(V1, &body);
    if stored.len() <= RECORD_OCTETS_MAX {
        return stored;
    }
    // A repeat has no second effect, but its reply cannot list what the first one did piece by piece.
    match &mut body {
        DoneV1::Underway {
            pairs,
            modified,
            expunged,
            ..
        } => {
            pairs.clear();
            modified.clear();
            expunged.clear();
        }
        DoneV1::Copied { pairs, .. } => pairs.clear(),
        DoneV1::Stored { modified } => modified.clear(),
        DoneV1::Expunged { uids, .. } => uids.clear(),
        DoneV1::Nothing | DoneV1::Appended { .. } | DoneV1::Created { .. } | DoneV1::Delivered { .. } => {}
    }
    record::encode(V1, &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<Done, StorageError> {
    let zero = || StorageError::Corrupt("record of a request with UID 0".into());
    let uid = |number| Uid::new(number).ok_or_else(zero);
    let validity = |number| UidValidity::new(number).ok_or_else(zero);
    let outcome = match record::decode::<DoneV1>(V1, stored)? {
        DoneV1::Underway {
            span,
            folder,
            pairs,
            modified,
            expunged,
        } => {
            return Ok(Done::Underway(Progress {
                span: span
                    .map(|(first, last)| Ok::<_, StorageError>((uid(first)?, uid(last)?)))
                    .transpose()?,
                folder: folder.map(FolderId),
                pairs: get_pairs(&pairs),
                modified: get_uids(&modified),
                expunged: get_uids(&expunged),
                ..Progress::default()
            }));
        }
        DoneV1::Nothing => Outcome::Nothing,
        DoneV1::Appended {
            folder,
            uid_validity,
            uids,
            emails,
        } => Outcome::Appended(AppendReply {
            folder: FolderId(folder),
            uid_validity: validity(uid_validity)?,
            uids: uids.into_iter().map(uid).collect::<Result<_, _>>()?,
            emails: emails.into_iter().map(EmailId).collect(),
        }),
        DoneV1::Copied {
            to,
            uid_validity,
            pairs,
        } => Outcome::Copied(CopyMessagesReply {
            to: FolderId(to),
            uid_validity: validity(uid_validity)?,
            uids: get_pairs(&pairs),
        }),
        DoneV1::Stored { modified } => Outcome::Stored(get_uids(&modified)),
        DoneV1::Expunged { uids, modseq } => Outcome::Expunged(get_uids(&uids), ModSeq(modseq)),
        DoneV1::Created { folder } => Outcome::Created(FolderId(folder)),
        DoneV1::Delivered {
            folder,
            uid_validity,
            uid: number,
            email,
        } => Outcome::Delivered(DeliverReply {
            folder: FolderId(folder),
            uid_validity: validity(uid_validity)?,
            uid: uid(number)?,
            email: EmailId(email),
            is_repeat: true,
        }),
    };
    Ok(Done::Finished(outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn uid(number: u32) -> Uid {
        Uid::new(number).unwrap()
    }

    #[test]
    fn golden_bytes() {
        let validity = UidValidity::new(9).unwrap();
        let progress = Progress {
            rest: Some(UidSet::from_range(uid(5), uid(300))),
            folder: Some(FolderId(7)),
            pairs: vec![(uid(1), uid(10)), (uid(2), uid(11)), (uid(4), uid(12))],
            modified: UidSet::from_range(uid(3), uid(3)),
            expunged: UidSet::from_range(uid(1), uid(2)),
            ..Progress::default()
        };
        let appended = AppendReply {
            folder: FolderId(3),
            uid_validity: validity,
            uids: vec![uid(4), uid(5)],
            emails: vec![EmailId(6), EmailId(7)],
        };
        let copied = CopyMessagesReply {
            to: FolderId(3),
            uid_validity: validity,
            uids: progress.pairs.clone(),
        };
        let delivered = DeliverReply {
            folder: FolderId(1),
            uid_validity: validity,
            uid: uid(4),
            email: EmailId(7),
            is_repeat: true,
        };
        let set = UidSet::from_range(uid(1), uid(9));
        let check = |done: Done, golden: &str| {
            let stored = encode(&done);
            assert_eq!(hex(&stored), golden);
            let again = decode(&stored).unwrap();
            if let Done::Finished(_) = done {
                assert_eq!(encode(&again), stored);
                assert_eq!(format!("{again:?}"), format!("{done:?}"));
            }
        };
        let finished = Done::Finished;
        check(
            Done::Underway(progress),
            "010001820085820519012c078283010a0283040c01820303820102",
        );
        check(finished(Outcome::Nothing), "010001820180");
        check(finished(Outcome::Appended(appended)), "0100018202840309820405820607");
        check(finished(Outcome::Copied(copied)), "01000182038303098283010a0283040c01");
        check(finished(Outcome::Stored(set.clone())), "010001820481820109");
        check(finished(Outcome::Expunged(set, ModSeq(12))), "0100018205828201090c");
        check(finished(Outcome::Created(FolderId(3))), "01000182068103");
        check(finished(Outcome::Delivered(delivered)), "01000182078401090407");
    }

    #[test]
    fn pairs_come_back_and_long_lists_are_left_out() {
        let scattered: Vec<(Uid, Uid)> = (0..20_000)
            .map(|at| (uid(at * 3 + 70_000), uid(at * 2 + 90_000)))
            .collect();
        assert_eq!(get_pairs(&put_pairs(&scattered)), scattered);
        let reply = CopyMessagesReply {
            to: FolderId(3),
            uid_validity: UidValidity::new(9).unwrap(),
            uids: scattered,
        };
        let stored = encode(&Done::Finished(Outcome::Copied(reply)));
        assert!(stored.len() < hongyan_kv::VALUE_OCTETS_MAX);
        let Done::Finished(Outcome::Copied(read)) = decode(&stored).unwrap() else {
            panic!("another kind")
        };
        assert!(read.uids.is_empty());
    }
}
