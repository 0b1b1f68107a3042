//! What a queue shard can be asked: one file a request.

mod accept;
mod due;
mod manage;
mod put_back;
mod put_off;
mod recall;
mod reported;
mod withdraw;

pub use accept::{Accept, AcceptReply, NewEntry, NewRecipient};
pub use due::{Due, DueEntry, DueReply, Work};
pub use manage::{Delete, Hold, List, ListReply, Release, Retry, Show};
pub use put_back::PutBack;
pub use put_off::PutOff;
pub use recall::{RECALLED, Recall, RecallReply};
pub use reported::{ReportSent, Reported};
pub use withdraw::{Postpone, Withdraw};

use hongyan_router::Ask;

use crate::{Entry, QueueEntity, QueueError};

/// Any request to a queue shard.
#[derive(Debug, Clone)]
pub enum QueueRequest {
    /// Take a message.
    Accept(Accept),
    /// What wants attention.
    Due(Due),
    /// What an attempt brought.
    Reported(Reported),
    /// A report was sent.
    ReportSent(ReportSent),
    /// An entry was not tried.
    PutBack(PutBack),
    /// Entries in order.
    List(List),
    /// One entry.
    Show(Show),
    /// Try now.
    Retry(Retry),
    /// Do not try.
    Hold(Hold),
    /// Try again.
    Release(Release),
    /// Forget it.
    Delete(Delete),
    /// Take it back.
    Withdraw(Withdraw),
    /// Let it leave at another time.
    Postpone(Postpone),
    /// Take its sender's recipients out.
    Recall(Recall),
    /// It must not leave yet.
    PutOff(PutOff),
}

/// Any reply of a queue shard.
#[derive(Debug)]
pub enum QueueReply {
    /// To [`Accept`].
    Accept(Result<AcceptReply, QueueError>),
    /// To [`Due`].
    Due(Result<DueReply, QueueError>),
    /// To [`List`].
    List(Result<ListReply, QueueError>),
    /// To [`Show`].
    Entry(Result<Box<Entry>, QueueError>),
    /// To [`Recall`].
    Recall(Result<RecallReply, QueueError>),
    /// To all others.
    Done(Result<(), QueueError>),
}

macro_rules! ask {
    ($($request:ident => $variant:ident: $reply:ty;)*) => {$(
        impl Ask for $request {
            type Entity = QueueEntity;
            type Reply = Result<$reply, QueueError>;
            fn into_request(self) -> QueueRequest {
                QueueRequest::$request(self)
            }
            fn from_reply(reply: QueueReply) -> Option<Self::Reply> {
                match reply {
                    QueueReply::$variant(reply) => Some(reply),
                    _ => None,
                }
            }
        }
    )*};
}

ask! {
    Accept => Accept: AcceptReply;
    Due => Due: DueReply;
    Reported => Done: ();
    ReportSent => Done: ();
    PutBack => Done: ();
    List => List: ListReply;
    Show => Entry: Box<Entry>;
    Retry => Done: ();
    Hold => Done: ();
    Release => Done: ();
    Delete => Done: ();
    Withdraw => Done: ();
    Postpone => Done: ();
    Recall => Recall: RecallReply;
    PutOff => Done: ();
}
