//! What an account has sent, and what became of it for every recipient (TRK-2): kept for 30 days.
//!
//! A submission is written by whoever takes it from the account; the queue notes outcomes in the transactions in which
//! it settles them, so that a view of the trail is never ahead of what happened. Keys are below
//! ("trail", tenant, account): submissions with their log at (0), recipients at (1, submission, address), the
//! last submission of each `Message-ID` at (2, id).

mod recipient;
mod submission;

pub use recipient::{Delivered, HELD, Parameters, Recipient};
pub use submission::{Progress, Report, SUBJECT_CHARACTERS_MAX, Submission, SubmissionId, Submissions};
