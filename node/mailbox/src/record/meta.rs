//! Numbers of the whole mailbox, as of a modseq: key kind 0. Later ones are in the log.

use std::sync::Arc;

use bytes::Bytes;
use hongyan_kv::Error as StorageError;
use hongyan_kv::record::{self, Schema};
use hongyan_types::{ModSeq, Timestamp};
use minicbor::{Decode, Encode};

use crate::state::{History, State};
use crate::{EmailId, Quota, QuotaLimits, summary_of};

const V1: Schema = Schema(1);

#[derive(Encode, Decode)]
struct MetaV1 {
    #[n(0)]
    as_of: u64,
    #[n(1)]
    snapshot: u64,
    #[n(2)]
    email_next: u64,
    #[n(3)]
    folder_next: u32,
    #[n(4)]
    uid_validity_next: u32,
    /// Limits: octets, messages, warning per cent; then use: octets, messages.
    #[n(5)]
    quota: (u64, u64, u8, u64, u64),
    #[n(6)]
    history_start: u64,
    #[n(7)]
    history_marks: Vec<(u64, i64)>,
    #[cbor(n(8), with = "minicbor::bytes")]
    delivery_cursor: [u8; 16],
    #[n(9)]
    summed: Option<u64>,
}

/// The meta record of `state`.
pub(crate) fn encode(state: &State) -> Bytes {
    let quota = &state.quota;
    let body = MetaV1 {
        as_of: state.modseq.0,
        snapshot: state.snapshot.0,
        email_next: state.email_next,
        folder_next: state.folder_next,
        uid_validity_next: state.uid_validity_next,
        quota: (
            quota.limits.octets_max,
            quota.limits.messages_max,
            quota.limits.warning_percent,
            quota.octets,
            quota.messages,
        ),
        history_start: state.history.start.0,
        history_marks: state
            .history
            .marks
            .iter()
            .map(|(modseq, at)| (modseq.0, at.millis))
            .collect(),
        delivery_cursor: state.delivery_cursor,
        summed: Some(state.summed),
    };
    record::encode(V1, &body)
}

/// A state with the record's numbers, without folders, keywords, subscriptions, staged mails and tail.
pub(crate) fn decode(stored: &[u8]) -> Result<State, StorageError> {
    let body: MetaV1 = record::decode(V1, stored)?;
    let (octets_max, messages_max, warning_percent, octets, messages) = body.quota;
    let marks = body.history_marks.into_iter();
    Ok(State {
        modseq: ModSeq(body.as_of),
        snapshot: ModSeq(body.snapshot),
        tail: Arc::default(),
        email_next: body.email_next,
        folder_next: body.folder_next,
        uid_validity_next: body.uid_validity_next,
        quota: Quota {
            limits: QuotaLimits {
                octets_max,
                messages_max,
                warning_percent,
            },
            octets,
            messages,
        },
        keywords: Arc::default(),
        folders: Arc::default(),
        subscribed: Arc::default(),
        history: Arc::new(History {
            start: ModSeq(body.history_start),
            marks: marks
                .map(|(modseq, millis)| (ModSeq(modseq), Timestamp { millis }))
                .collect(),
        }),
        delivery_cursor: body.delivery_cursor,
        // What an earlier release did not sum up is left to who lists mails.
        summed: body.summed.unwrap_or_else(|| summary_of(EmailId(body.email_next))),
        staged: Arc::default(),
        requests: Arc::default(),
        as_of: None,
        maildrop: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let mut state = State::new(Timestamp::from_secs(1_767_225_600), QuotaLimits::default());
        state.modseq = ModSeq(12);
        state.summed = 3;
        Arc::make_mut(&mut state.history)
            .marks
            .push((ModSeq(4), Timestamp { millis: 5 }));
        let stored = encode(&state);
        let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "0100018a0c0001071a6955b9068500000000000081820405500000000000000000000000000000000003"
        );
        assert_eq!(encode(&decode(&stored).unwrap()), stored);
        // Of an earlier release: all that is full is left to who lists mails.
        let hex = "010001890c001902ff071a6955b90685000000000000818204055000000000000000000000000000000000";
        let octets = (0..hex.len()).step_by(2);
        let stored: Vec<u8> = octets
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        assert_eq!(decode(&stored).unwrap().summed, 2);
    }
}
