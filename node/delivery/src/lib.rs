//! Where a message goes: recipients and groups expanded, one delivery to each mailbox, the rest to the queue, and
//! reports to the sender.
//!
//! Callers are the SMTP sessions and JMAP, which bring a message in through [`MessageSink`], and the relay, which asks for
//! reports and for another try at a mailbox that could not answer. Nothing is acknowledged from memory: an [`Outcome`] that is
//! positive is committed, in a mailbox or in the queue.

mod circle;
mod delivery;
mod envelope;
mod full;
mod mailbox;
mod note;
mod notice;
mod outcome;
mod plan;
mod queue;
mod recall;
pub mod report;
mod reported;
mod reporting;
mod schedule;
mod seam;
mod sink;
pub mod submission;
pub mod trace;
mod trail;
mod vacation;

pub use circle::LoopMarks;
pub use delivery::{Delivery, DeliveryParts, DeliverySettings};
pub use envelope::{Answer, DeliveryEnvelope, DeliveryId, DeliveryRecipient, SentCopy, Target};
pub use mailbox::Mailboxes;
pub use note::{MailNote, Way};
pub use notice::{Notifier, SYSTEM_KEYWORD};
pub use outcome::{Outcome, Refusal};
pub use recall::{RECALLED, RecallError, RecallRules, Recalled};
pub use sink::{MessageSink, SinkError};
pub use vacation::{VACATION_CHARACTERS_MAX, Vacation, forget_person};
