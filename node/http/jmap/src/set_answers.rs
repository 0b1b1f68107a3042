//! What becomes of the records of a `/set` (RFC 8620 §5.3), one after the other.

use hongyan_jmap::method::SetReply;
use hongyan_jmap::{Id, MethodErrorType};

use crate::error::{Failure, Outcome};
use crate::refused::{Changed, Refused};

/// The answer so far.
pub(crate) struct SetAnswers<'a, T> {
    pub(crate) reply: SetReply<'a, T>,
    /// Why something could not be said.
    failure: Option<Failure>,
}

impl<'a, T> SetAnswers<'a, T> {
    pub(crate) fn new(account_id: &'a Id, old_state: String) -> Self {
        Self {
            reply: SetReply::new(account_id, old_state),
            failure: None,
        }
    }
    pub(crate) fn created(&mut self, creation: Id, outcome: Changed<T>) {
        match outcome {
            Ok(created) => {
                self.reply.created.insert(creation, created);
            }
            Err(Refused::Set(error)) => {
                self.reply.not_created.insert(creation, *error);
            }
            Err(Refused::Failed(failure)) => self.failure = Some(failure),
        }
    }
    pub(crate) fn updated(&mut self, shown: String, outcome: Changed<()>) {
        match outcome {
            Ok(()) => {
                self.reply.updated.insert(shown, None);
            }
            Err(Refused::Set(error)) => {
                self.reply.not_updated.insert(shown, *error);
            }
            Err(Refused::Failed(failure)) => self.failure = Some(failure),
        }
    }
    pub(crate) fn destroyed(&mut self, shown: String, outcome: Changed<()>) {
        match outcome {
            Ok(()) => self.reply.destroyed.push(shown),
            Err(Refused::Set(error)) => {
                self.reply.not_destroyed.insert(shown, *error);
            }
            Err(Refused::Failed(failure)) => self.failure = Some(failure),
        }
    }
    /// The whole of it; or the failure, which says when something was done before it.
    pub(crate) fn end(self) -> Outcome<SetReply<'a, T>> {
        let Self { reply, failure } = self;
        let did_nothing = reply.created.is_empty() && reply.updated.is_empty() && reply.destroyed.is_empty();
        match failure {
            None => Ok(reply),
            Some(failure) if did_nothing => Err(failure),
            Some(_) => Err(MethodErrorType::ServerPartialFail.into()),
        }
    }
}
