//! What became of a message for one recipient.

use std::borrow::Cow;

use crate::report::Status;

/// The fate of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Committed in the mailbox.
    Delivered,
    /// Committed in the queue.
    Queued,
    /// Not now; nothing was kept.
    Deferred(Refusal),
    /// Never; nothing was kept.
    Refused(Refusal),
}

impl Outcome {
    /// Whether the node has taken responsibility.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Delivered | Self::Queued)
    }

    /// Label for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Queued => "queued",
            Self::Deferred(_) => "deferred",
            Self::Refused(_) => "refused",
        }
    }
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Code for programs.
    pub status: Status,
    /// Text for people.
    pub text: Cow<'static, str>,
}

impl Refusal {
    /// A refusal.
    #[must_use]
    pub const fn new(status: Status, text: &'static str) -> Self {
        Self {
            status,
            text: Cow::Borrowed(text),
        }
    }

    /// The SMTP reply code that goes with the status.
    #[must_use]
    pub fn code(&self) -> u16 {
        match (self.status.0, self.status.1, self.status.2) {
            (4, 2, 2) | (4, 3, 1) => 452,
            (4, ..) => 451,
            (5, 2 | 3, 2..=4) => 552,
            (5, 1, 3 | 7) => 553,
            _ => 550,
        }
    }
}
