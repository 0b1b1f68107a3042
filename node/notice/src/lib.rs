//! Mail that the system itself sends (GEN-4): a notice is written in the transaction of what it tells of, and sent once
//! afterwards, by the node that looks after the outbox (`node/delivery`).
//!
//! Keys, each a tuple:
//!
//! ("notice", "due", millis, id)                     record.rs; when it is sent or tried again
//! ("notice", "told", tenant, millis, id)            record.rs; what administrators were told, as long as logs are kept
//! ("notice", "read", tenant, millis, id, account)   empty; an administrator has read it

mod outbox;
mod record;

use hongyan_env::Env;
use hongyan_types::{AccountId, Address, TenantId, Timestamp};

pub use outbox::{Due, Told, done, due, forget, is_read, put_off, set_read, told, write};

/// Longest subject, in characters; more is cut off.
pub const SUBJECT_CHARACTERS_MAX: usize = 200;
/// Longest text, in octets; more is cut off.
pub const BODY_OCTETS_MAX: usize = 16 << 10;

/// Names a notice, and its delivery: sent again, it is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NoticeId(pub [u8; 16]);

/// Whom a notice is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// A member or the users of a shared mailbox, in the mailbox itself, however full it is.
    Member(AccountId),
    /// All who have a role in a tenant.
    Administrators(TenantId),
    /// An address that is not, or need not be, here: a private or recovery address.
    Outside {
        /// Whose queue carries it.
        tenant: TenantId,
        /// The address.
        address: Address,
        /// Whom it is about, for the language; otherwise it is in the tenant's.
        about: Option<AccountId>,
    },
}

/// What a notice says in one language.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// One line.
    pub subject: String,
    /// Plain text; lines end with `\n`.
    pub body: String,
}

impl Text {
    /// A text within the limits; line breaks in the subject become spaces.
    #[must_use]
    pub fn new(subject: &str, body: &str) -> Self {
        let subject = subject
            .chars()
            .map(|char| if char.is_control() { ' ' } else { char })
            .take(SUBJECT_CHARACTERS_MAX)
            .collect();
        let cut = body.floor_char_boundary(BODY_OCTETS_MAX);
        let body = body[..cut].to_owned();
        Self { subject, body }
    }
}

/// A mail of the system's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its name.
    pub id: NoticeId,
    /// When it was written.
    pub at: Timestamp,
    /// For whom.
    pub to: Recipient,
    /// Of which kind, such as `domain.dns-lost`; in the header field `Hongyan-Notice`.
    pub kind: String,
    /// In English.
    pub english: Text,
    /// In Chinese.
    pub chinese: Text,
}

impl Notice {
    /// A new one. Make it once, before the transaction that may be tried again.
    #[must_use]
    pub fn new(env: &Env, to: Recipient, kind: &'static str, english: Text, chinese: Text) -> Self {
        let mut id = [0; 16];
        env.fill_random(&mut id);
        Self {
            id: NoticeId(id),
            at: Timestamp {
                millis: env.wall_millis(),
            },
            to,
            kind: kind.to_owned(),
            english,
            chinese,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_within_their_limits() {
        let text = Text::new(&"a\r\nb".repeat(100), &"信".repeat(BODY_OCTETS_MAX));
        assert_eq!(text.subject.chars().count(), SUBJECT_CHARACTERS_MAX);
        assert!(text.subject.starts_with("a  ba  b"), "no line breaks");
        assert!(text.body.len() <= BODY_OCTETS_MAX);
        assert!(text.body.len() > BODY_OCTETS_MAX - 3);
    }
}
