//! One file a promise; each says where it is made.

mod acknowledged_flags_stay;
mod acknowledged_folders_stay;
mod bystanders_stay_connected;
mod mailboxes_answer_soon;
mod modseq_never_goes_back;
mod no_acknowledged_mail_lost;
mod no_mail_doubled;
mod no_stale_read;
mod orderly_stops_cost_no_command;
mod queue_repeats_nothing_confirmed;
mod quota_is_the_sum;
mod resync_tells_all;
mod sequence_numbers_hold;
mod uid_never_reused;
mod uids_appear_in_order;
mod unique_ids_last;

use std::fmt;

use crate::History;

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub promise: &'static str,
    /// What happened instead.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.text)
    }
}

/// Finds where a history breaks one promise.
pub type Checker = fn(&History) -> Vec<String>;

/// All promises with their checkers.
pub const CHECKERS: &[(&str, Checker)] = &[
    ("no acknowledged mail lost", no_acknowledged_mail_lost::check),
    ("no mail doubled", no_mail_doubled::check),
    ("UID never reused", uid_never_reused::check),
    ("UIDs appear in order", uids_appear_in_order::check),
    ("modseq never goes back", modseq_never_goes_back::check),
    ("no stale read", no_stale_read::check),
    ("acknowledged flags stay", acknowledged_flags_stay::check),
    ("sequence numbers hold", sequence_numbers_hold::check),
    ("quota is the sum", quota_is_the_sum::check),
    (
        "queue repeats nothing confirmed",
        queue_repeats_nothing_confirmed::check,
    ),
    ("acknowledged folders stay", acknowledged_folders_stay::check),
    ("a resync tells all", resync_tells_all::check),
    ("unique-ids last", unique_ids_last::check),
    ("mailboxes answer soon", mailboxes_answer_soon::check),
    ("bystanders stay connected", bystanders_stay_connected::check),
    ("orderly stops cost no command", orderly_stops_cost_no_command::check),
];

/// All violations of all promises.
#[must_use]
pub fn check_all(history: &History) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (promise, check) in CHECKERS {
        violations.extend(check(history).into_iter().map(|text| Violation { promise, text }));
    }
    violations
}
