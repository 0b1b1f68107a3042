//! Codes that are sent to somebody: six digits, good once, for minutes, for one purpose.
//!
//! What is kept of one is a keyed hash, at ("acc", "sent-code", holder, purpose); a new one takes the place of the one before. The
//! fifth wrong code ends it. How many were sent to a holder in a day is at ("acc", "sent", holder): a phone that gets none
//! more today gets none for any purpose, and whoever has not signed in may use up half of them only, so that nobody uses
//! up those of somebody else.

use bytes::Bytes;
use hongyan_directory::Error;
use hongyan_kv::record::{self, Schema};
use hongyan_kv::{Transaction, Tuple};
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, Timestamp};
use minicbor::{Decode, Encode};

use crate::{Access, AccessError};

/// Wrong codes after which one is good no more (AUTH, bad input).
const WRONG_MAX: u8 = 5;
const DAY_MILLIS: i64 = 86_400_000;
/// For so long after it failed a way of sending counts as failing.
const FAILING_MILLIS: i64 = 15 * 60 * 1_000;
const V1: Schema = Schema(1);

/// What a code is for: one for another purpose is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To prove a recovery mailbox.
    Mailbox,
    /// To prove a phone.
    Phone,
    /// To show that one has the phone.
    Text,
    /// To sign in with the phone.
    SignIn,
    /// To set a forgotten password anew, by mail.
    RecoveryMail,
    /// Likewise, by phone.
    RecoveryText,
}

impl Purpose {
    fn label(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Phone => "phone",
            Self::Text => "text",
            Self::SignIn => "sign-in",
            Self::RecoveryMail => "recovery-mail",
            Self::RecoveryText => "recovery-text",
        }
    }
}

/// Who a code is for: an account, or whoever has a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder(String);

impl Holder {
    pub(crate) fn account(account: AccountId) -> Self {
        Self(format!("account {}", account.0))
    }
    pub(crate) fn phone(number: &str) -> Self {
        Self(format!("phone {number}"))
    }
    /// Phones that an account tries to bind: each is another, so they count together.
    pub(crate) fn binding(account: AccountId) -> Self {
        Self(format!("binding {}", account.0))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct SentCode {
    #[cbor(n(0), with = "minicbor::bytes")]
    hash: [u8; 32],
    /// Where it was sent.
    #[n(1)]
    to: String,
    #[n(2)]
    end_millis: i64,
    #[n(3)]
    wrong: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
struct Sent {
    /// When, in the last day.
    #[n(0)]
    at_millis: Vec<i64>,
    /// When sending failed last, if it has not worked since.
    #[n(1)]
    failed_millis: Option<i64>,
}

fn code_key(holder: &Holder, purpose: Purpose) -> Bytes {
    let key = Tuple::new().string("acc").string("sent-code").string(&holder.0);
    key.string(purpose.label()).pack()
}

fn sent_key(holder: &Holder) -> Bytes {
    Tuple::new().string("acc").string("sent").string(&holder.0).pack()
}

async fn read_sent(transaction: &mut Transaction, holder: &Holder, now: i64) -> hongyan_kv::Result<Sent> {
    let stored = transaction.get(&sent_key(holder)).await?;
    let mut sent = match stored {
        Some(stored) => record::decode::<Sent>(V1, &stored)?,
        None => Sent::default(),
    };
    // A clock that was set back must not make a day last.
    sent.at_millis
        .retain(|at| *at <= now && now.saturating_sub(*at) < DAY_MILLIS);
    Ok(sent)
}

impl Access {
    fn code_hash(&self, holder: &Holder, purpose: Purpose, code: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0.secret);
        for part in ["sent code", &holder.0, purpose.label(), code] {
            hasher.update(part.as_bytes());
            hasher.update(&[0]);
        }
        *hasher.finalize().as_bytes()
    }

    /// Makes a code that is to be sent to `to`; it is good from now on.
    pub(crate) async fn make_code(&self, holder: &Holder, purpose: Purpose, to: &str) -> Result<Secret, AccessError> {
        let code = format!("{:06}", self.0.env.random_u64() % 1_000_000);
        let lasts = i64::try_from(self.0.options.sent_code_secs).unwrap_or(i64::MAX / 1_000);
        let kept = SentCode {
            hash: self.code_hash(holder, purpose, &code),
            to: to.to_owned(),
            end_millis: self.now().millis.saturating_add(lasts.saturating_mul(1_000)),
            wrong: 0,
        };
        let key = code_key(holder, purpose);
        let keep = async move |transaction: &mut Transaction| {
            transaction.set(key.clone(), record::encode(V1, &kept));
            Ok::<_, hongyan_kv::Error>(())
        };
        self.0.database.run(keep).await.map_err(Error::from)?;
        Ok(Secret::new(code))
    }

    /// Whether `typed` is the code that was sent, and where that was. With `uses_up` a right one is good no more; a wrong one
    /// counts in any case.
    ///
    /// # Errors
    /// `WrongCode`, `Directory`.
    pub(crate) async fn check_sent_code(
        &self,
        holder: &Holder,
        purpose: Purpose,
        typed: &str,
        uses_up: bool,
    ) -> Result<String, AccessError> {
        let plain: String = typed.chars().filter(|c| !c.is_whitespace()).take(16).collect();
        let shown = self.code_hash(holder, purpose, &plain);
        let (key, now) = (code_key(holder, purpose), self.now().millis);
        let check = async move |transaction: &mut Transaction| {
            let Some(stored) = transaction.get(&key).await? else {
                return Ok(None);
            };
            let mut kept: SentCode = record::decode(V1, &stored)?;
            if kept.end_millis <= now {
                transaction.clear(&key);
                return Ok(None);
            }
            if blake3::Hash::from(kept.hash) == blake3::Hash::from(shown) {
                if uses_up {
                    transaction.clear(&key);
                }
                return Ok(Some(kept.to));
            }
            kept.wrong = kept.wrong.saturating_add(1);
            match kept.wrong {
                0..WRONG_MAX => transaction.set(key.clone(), record::encode(V1, &kept)),
                _ => transaction.clear(&key),
            }
            Ok::<_, hongyan_kv::Error>(None)
        };
        let found = self.0.database.run(check).await.map_err(Error::from)?;
        found.ok_or(AccessError::WrongCode)
    }

    /// Counts one more that is sent to a holder today; `for_guest` leaves the other half to whoever has signed in.
    ///
    /// # Errors
    /// `CodesUsedUp` says when it is possible again.
    pub(crate) async fn count_sent(&self, holder: &Holder, for_guest: bool) -> Result<(), AccessError> {
        let max = self.0.options.sent_codes_per_day_max.max(1);
        let allowed = if for_guest { max.div_ceil(2) } else { max };
        let (holder, now) = (holder.clone(), self.now().millis);
        let count = async move |transaction: &mut Transaction| {
            let mut sent = read_sent(transaction, &holder, now).await?;
            let surplus = (sent.at_millis.len() + 1).checked_sub(allowed);
            if let Some(oldest) = surplus
                .filter(|surplus| *surplus > 0)
                .and_then(|s| sent.at_millis.get(s - 1))
            {
                return Ok(Some(oldest.saturating_add(DAY_MILLIS)));
            }
            sent.at_millis.push(now);
            transaction.set(sent_key(&holder), record::encode(V1, &sent));
            Ok::<_, hongyan_kv::Error>(None)
        };
        match self.0.database.run(count).await.map_err(Error::from)? {
            None => Ok(()),
            Some(millis) => Err(AccessError::CodesUsedUp {
                max,
                again: Timestamp { millis },
            }),
        }
    }

    /// Notes whether what was counted last has gone out; one that has not does not count.
    pub(crate) async fn note_sent(&self, holder: &Holder, is_sent: bool) -> Result<(), AccessError> {
        let (holder, now) = (holder.clone(), self.now().millis);
        let note = async move |transaction: &mut Transaction| {
            let mut sent = read_sent(transaction, &holder, now).await?;
            sent.failed_millis = (!is_sent).then_some(now);
            if !is_sent {
                sent.at_millis.pop();
            }
            transaction.set(sent_key(&holder), record::encode(V1, &sent));
            Ok::<_, hongyan_kv::Error>(())
        };
        Ok(self.0.database.run(note).await.map_err(Error::from)?)
    }

    /// Whether the last code for a holder could not be sent, a short time ago.
    pub(crate) async fn is_sending_failing(&self, holder: &Holder) -> Result<bool, AccessError> {
        let (holder, now) = (holder.clone(), self.now().millis);
        let read = async move |transaction: &mut Transaction| read_sent(transaction, &holder, now).await;
        let sent = self.0.database.run(read).await.map_err(Error::from)?;
        Ok(sent
            .failed_millis
            .is_some_and(|at| now.saturating_sub(at) < FAILING_MILLIS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let kept = SentCode {
            hash: [0xAA; 32],
            to: "+1".to_owned(),
            end_millis: 9,
            wrong: 2,
        };
        let stored = record::encode(V1, &kept);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(&stored), format!("010001845820{}622b310902", "aa".repeat(32)));
        assert_eq!(record::decode(V1, &stored), Ok(kept));
        let sent = Sent {
            at_millis: vec![1, 2],
            failed_millis: Some(3),
        };
        let stored = record::encode(V1, &sent);
        assert_eq!(hex(&stored), "0100018282010203");
        assert_eq!(record::decode(V1, &stored), Ok(sent));
    }
}
