//! What a passkey signs: made without keeping anything, good on every node, for a short time, for one purpose and one session,
//! and once: what was used is noted until its time is over, at ("acc", "passkey-used", millis, random).

use bytes::Bytes;
use hongyan_kv::{RangeQuery, Transaction, Tuple};

use super::PasskeyError;
use crate::Access;
use crate::web::TokenHash;

const RANDOM_OCTETS: usize = 16;
const END_OCTETS: usize = 8;
const SEAL_OCTETS: usize = 32;
/// How much longer than they are good used challenges are kept: clocks of nodes differ.
const KEPT_MILLIS: u64 = 3_600_000;
/// Used challenges removed in one transaction.
const STEP: usize = 500;

/// What a passkey is to be made or used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose<'s> {
    /// To sign in with nothing else.
    SignIn,
    /// To prove, within a session, who one is.
    Prove(&'s TokenHash),
    /// To be registered by a session's owner.
    Register(&'s TokenHash),
}

impl Purpose<'_> {
    fn words(self) -> (&'static str, Option<TokenHash>) {
        match self {
            Self::SignIn => ("sign in", None),
            Self::Prove(session) => ("prove", Some(*session)),
            Self::Register(session) => ("register", Some(*session)),
        }
    }
}

/// One that came back and is good.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Challenge {
    random: [u8; RANDOM_OCTETS],
    end_millis: u64,
}

fn used() -> Tuple {
    Tuple::new().string("acc").string("passkey-used")
}

impl Challenge {
    fn key(&self) -> Bytes {
        used().int(self.end_millis).bytes(&self.random).pack()
    }

    fn seal(&self, access: &Access, purpose: Purpose<'_>) -> blake3::Hash {
        let (word, session) = purpose.words();
        let mut hasher = blake3::Hasher::new_keyed(&access.0.secret);
        hasher.update(b"passkey challenge\0");
        hasher.update(word.as_bytes());
        hasher.update(&[0]);
        hasher.update(&session.unwrap_or_default());
        hasher.update(&self.random);
        hasher.update(&self.end_millis.to_be_bytes());
        hasher.finalize()
    }

    /// Notes its use in the transaction that acts on it.
    pub(super) async fn take(&self, transaction: &mut Transaction) -> hongyan_kv::Result<Result<(), PasskeyError>> {
        let key = self.key();
        if transaction.get(&key).await?.is_some() {
            return Ok(Err(PasskeyError::Challenge));
        }
        transaction.set(key, Vec::new());
        Ok(Ok(()))
    }
}

impl Access {
    /// A new one.
    pub(super) fn new_challenge(&self, purpose: Purpose<'_>) -> Vec<u8> {
        let inner = &self.0;
        let mut random = [0; RANDOM_OCTETS];
        inner.env.fill_random(&mut random);
        let now = u64::try_from(inner.env.wall_millis()).unwrap_or(0);
        let challenge = Challenge {
            random,
            end_millis: now.saturating_add(inner.options.passkey_challenge_secs.saturating_mul(1_000)),
        };
        let seal = challenge.seal(self, purpose);
        [&random[..], &challenge.end_millis.to_be_bytes(), seal.as_bytes()].concat()
    }

    /// Whether one that comes back was made here for this, not too long ago.
    pub(super) fn check_challenge(&self, shown: &[u8], purpose: Purpose<'_>) -> Result<Challenge, PasskeyError> {
        let wrong = || PasskeyError::Challenge;
        let (random, rest) = shown.split_at_checked(RANDOM_OCTETS).ok_or_else(wrong)?;
        let (end, seal) = rest.split_at_checked(END_OCTETS).ok_or_else(wrong)?;
        let challenge = Challenge {
            random: random.try_into().map_err(|_| wrong())?,
            end_millis: end.try_into().map(u64::from_be_bytes).map_err(|_| wrong())?,
        };
        let seal: [u8; SEAL_OCTETS] = seal.try_into().map_err(|_| wrong())?;
        let now = u64::try_from(self.0.env.wall_millis()).unwrap_or(0);
        // Compared in constant time.
        if challenge.seal(self, purpose) != blake3::Hash::from(seal) || challenge.end_millis <= now {
            return Err(wrong());
        }
        Ok(challenge)
    }

    /// Forgets used challenges that are not good any more. Safe on many nodes at once.
    pub(crate) async fn sweep_passkeys(&self) {
        let now = u64::try_from(self.0.env.wall_millis()).unwrap_or(0);
        let sweep = async move |transaction: &mut Transaction| {
            let mut range = used().range();
            range.end = used().int(now.saturating_sub(KEPT_MILLIS)).pack();
            let query = RangeQuery {
                limit: STEP,
                ..RangeQuery::all(range)
            };
            for pair in transaction.get_range_all(query).await? {
                transaction.clear(&pair.key);
            }
            Ok::<_, hongyan_kv::Error>(())
        };
        if let Err(error) = self.0.database.run(sweep).await {
            tracing::warn!(%error, "used challenges are not swept; it is tried again");
        }
    }
}
