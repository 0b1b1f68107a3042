//! States (RFC 8620 §1.6.3): the mailbox's modseq, and behind it, while a client takes a large change in pieces, how far
//! it has come.

use hongyan_jmap::{MethodError, MethodErrorType};
use hongyan_types::ModSeq;

/// What a client has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientState {
    /// All commits up to this one.
    At(ModSeq),
    /// All up to `since`, and of what changed from there to `until` the records up to the id `last`.
    Between { since: ModSeq, until: ModSeq, last: u64 },
}

/// A state as it is told: behind it the mark of what may be seen, where that is not everything.
pub(crate) fn marked(state: ClientState, mark: Option<&str>) -> String {
    match mark {
        None => state.to_string(),
        Some(mark) => format!("{state}.{mark}"),
    }
}

impl ClientState {
    /// Reads a state; one that was never given is one whose changes cannot be known.
    pub(crate) fn read(text: &str) -> Result<Self, MethodError> {
        let read = || {
            let mut numbers = text.split('-').map(|number| {
                let canonical = number == "0" || !number.starts_with(['0', '+']);
                number.parse::<u64>().ok().filter(|_| canonical)
            });
            let since = ModSeq(numbers.next()??);
            let state = match numbers.next() {
                None => Self::At(since),
                Some(until) => Self::Between {
                    since,
                    until: ModSeq(until?),
                    last: numbers.next()??,
                },
            };
            numbers.next().is_none().then_some(state)
        };
        read().ok_or_else(|| MethodErrorType::CannotCalculateChanges.into())
    }
    pub(crate) fn since(self) -> ModSeq {
        match self {
            Self::At(since) | Self::Between { since, .. } => since,
        }
    }
}

impl std::fmt::Display for ClientState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(modseq) => write!(f, "{}", modseq.0),
            Self::Between { since, until, last } => write!(f, "{}-{}-{last}", since.0, until.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_as_they_are_written() {
        for text in ["0", "12", "3-9-77"] {
            assert_eq!(ClientState::read(text).unwrap().to_string(), text);
        }
        for wrong in ["", "x", "-1", "+1", "01", "1-", "1-2", "1-2-3-4"] {
            let error = ClientState::read(wrong).unwrap_err();
            assert_eq!(error.kind, MethodErrorType::CannotCalculateChanges, "{wrong}");
        }
    }
}
