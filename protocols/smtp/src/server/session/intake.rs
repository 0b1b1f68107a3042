//! The message coming in, after DATA or in BDAT chunks.

use super::{Pending, Phase, Session, Step};
use bytes::Bytes;

use crate::command::{Bdat, Body};
use crate::reply::Reply;
use crate::server::data::DataStep;
use crate::server::refusal::{BARE_IN_MESSAGE, NO_OUTCOME, too_large};
use crate::server::{Command, Mode};

impl Session {
    pub(super) fn data(&mut self) -> Step {
        let Phase::Data(reader) = &mut self.phase else {
            return Step::Wait;
        };
        match reader.next(&mut self.input) {
            DataStep::Chunk(chunk) => self.take_octets(chunk),
            DataStep::NeedMore => Step::Wait,
            DataStep::Bare => self.spoil(BARE_IN_MESSAGE),
            DataStep::End => self.message_complete(),
        }
    }

    pub(super) fn chunk(&mut self) -> Step {
        let Phase::Chunk(chunk) = &mut self.phase else {
            return Step::Wait;
        };
        if chunk.left == 0 {
            return self.chunk_complete();
        }
        let take = usize::try_from(chunk.left).unwrap_or(usize::MAX).min(self.input.len());
        if take == 0 {
            return Step::Wait;
        }
        chunk.left = chunk.left.saturating_sub(u64::try_from(take).unwrap_or(u64::MAX));
        let bytes = self.input.split_to(take).freeze();
        if chunk.refused.is_some() {
            return Step::Again;
        }
        if let Some(transaction) = &mut self.transaction
            && transaction.failed.is_none()
            && transaction.body != Body::Binary
            && !transaction.line_ends.push(&bytes)
        {
            return self.spoil(BARE_IN_MESSAGE);
        }
        self.take_octets(bytes)
    }

    pub(super) fn chunk_complete(&mut self) -> Step {
        let Phase::Chunk(chunk) = &mut self.phase else {
            return Step::Wait;
        };
        let Bdat { octets, last } = chunk.bdat;
        if let Some(reply) = chunk.refused.take() {
            self.phase = Phase::Command;
            return self.answer(&reply);
        }
        if let Some(transaction) = &mut self.transaction
            && last
            && transaction.failed.is_none()
            && transaction.body != Body::Binary
            && !transaction.line_ends.finish()
        {
            // The phase stays: once the caller knows, this is asked again and finds the message spoiled.
            return self.spoil(BARE_IN_MESSAGE);
        }
        self.phase = Phase::Command;
        match self.transaction.as_ref().map(|transaction| transaction.failed.clone()) {
            _ if last => self.message_complete(),
            Some(Some(reply)) => self.answer(&reply),
            _ => self.answer(&Reply::ok(format!("{octets} octets received"))),
        }
    }

    /// Hands octets on, unless the message is already lost or becomes too large.
    pub(super) fn take_octets(&mut self, bytes: Bytes) -> Step {
        let Some(transaction) = &mut self.transaction else {
            return Step::Again;
        };
        if transaction.failed.is_some() {
            return Step::Again;
        }
        let octets = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        transaction.octets = transaction.octets.saturating_add(octets);
        if transaction.octets > self.options.limits.message_octets_max {
            let reply = too_large(&self.options.limits, None);
            return self.spoil(reply);
        }
        Step::Give(Command::Chunk(bytes), None)
    }

    /// The message will be refused at its end; the caller is told at once, so that it holds nothing longer.
    pub(super) fn spoil(&mut self, reply: Reply) -> Step {
        if let Some(transaction) = &mut self.transaction {
            transaction.failed.get_or_insert(reply);
            if std::mem::take(&mut transaction.open) {
                return Step::Give(Command::MessageAbort, None);
            }
        }
        Step::Again
    }

    pub(super) fn message_complete(&mut self) -> Step {
        let Some(transaction) = &mut self.transaction else {
            return Step::Again;
        };
        match transaction.failed.take() {
            None => {
                transaction.open = false;
                Step::Give(Command::MessageEnd, Some(Pending::MessageEnd))
            }
            Some(reply) => {
                self.end_message(vec![reply]);
                Step::Give(Command::Reset, None)
            }
        }
    }

    /// Writes the outcome: one reply, in LMTP one per recipient (RFC 2033 §4.2), the last one repeated where some are missing.
    pub(super) fn end_message(&mut self, replies: Vec<Reply>) {
        self.phase = Phase::Command;
        self.messages = self.messages.saturating_add(1);
        let recipients = match (&self.options.mode, &self.transaction) {
            (Mode::Lmtp, Some(transaction)) => usize::try_from(transaction.recipients).unwrap_or(usize::MAX).max(1),
            _ => 1,
        };
        let last = replies.last().cloned().unwrap_or(NO_OUTCOME);
        let replies = replies.into_iter().chain(std::iter::repeat(last)).take(recipients);
        for reply in replies {
            self.write(&reply);
            if reply.code == 421 {
                self.phase = Phase::Closing;
            }
        }
        self.transaction = None;
    }
}
