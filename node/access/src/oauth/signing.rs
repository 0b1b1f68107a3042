//! The keys that members are vouched for with: ES256 (RFC 7518 §3.4), shared by all nodes through the store, sealed there.
//!
//! Each signs for a while and is shown a day before, so that whoever keeps the set of keys has it in time, and a month after,
//! so that what it signed can be verified. Whoever looks at the keys makes the next one when it is due. A key that does not open
//! is replaced at once: what it signed can still be verified.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hongyan_kv::{RangeQuery, Transaction};
use hongyan_sasl::Secret;
use hongyan_seal::{Holder, Kept, Place, SealError, Sealer};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use serde_json::{Value, json};

use super::OauthError;
use super::record::{self, SigningRecord};
use crate::Access;

const DAY_MILLIS: i64 = 24 * 3_600 * 1_000;
/// How long a key signs.
const SIGNS_MILLIS: i64 = 90 * DAY_MILLIS;
/// How long it is shown before.
const LEAD_MILLIS: i64 = DAY_MILLIS;
/// How long it is shown after.
const SHOWN_MILLIS: i64 = 30 * DAY_MILLIS;
/// Longest token that is looked at.
const CHARACTERS_MAX: usize = 8_192;

/// The keys that members are vouched for with, for sealing them again.
pub const SIGNING_SECRETS: Holder = Holder {
    kind: "oauth signing",
    range: || record::signing().range(),
    again,
};

fn place(id: u64) -> Place {
    Place::new("oauth signing", id)
}

fn again(sealer: &Sealer, key: &[u8], stored: &[u8]) -> Result<Option<Bytes>, SealError> {
    let id = record::signing().reader(key).and_then(|mut reader| reader.int());
    let (Ok(id), Ok(mut signing)) = (id, record::decode::<SigningRecord>(stored)) else {
        return Ok(None);
    };
    let again = sealer.again(&place(id), &Kept::Sealed(std::mem::take(&mut signing.sealed)))?;
    Ok(again.and_then(|kept| {
        signing.sealed = kept.to_fields().1?;
        Some(record::encode(&signing))
    }))
}

/// A key as it is kept.
#[derive(Debug, Clone)]
struct Known {
    id: u64,
    record: SigningRecord,
}

/// How a key is called.
fn name(id: u64) -> String {
    format!("{id:016x}")
}

/// Since when the next key is to sign; nothing while there is one for long enough.
fn next_from(known: &[Known], now: i64) -> Option<i64> {
    match known.iter().map(|key| key.record.from_millis).max() {
        None => Some(now),
        Some(newest) => {
            let next = newest.saturating_add(SIGNS_MILLIS);
            (now >= next.saturating_sub(LEAD_MILLIS)).then_some(next.max(now))
        }
    }
}

/// The one that signs: the latest whose time has come.
fn current(known: &[Known], now: i64) -> Option<&Known> {
    let begun = known.iter().filter(|key| key.record.from_millis <= now);
    let latest = begun.max_by_key(|key| key.record.from_millis);
    // A clock may be behind that of the node that made the first one.
    latest.or_else(|| known.iter().min_by_key(|key| key.record.from_millis))
}

/// Those that nobody needs any more: their successors have signed for long.
fn outdated(known: &[Known], now: i64) -> Vec<u64> {
    let is_old = |key: &&Known| {
        let mut others = known.iter().map(|other| other.record.from_millis);
        others.any(|from| from > key.record.from_millis && from.saturating_add(SHOWN_MILLIS) < now)
    };
    known.iter().filter(is_old).map(|key| key.id).collect()
}

async fn read(transaction: &mut Transaction) -> Result<Vec<Known>, hongyan_kv::Error> {
    let prefix = record::signing();
    let pairs = transaction.get_range_all(RangeQuery::all(prefix.range())).await?;
    let mut known = Vec::with_capacity(pairs.len());
    for pair in pairs {
        if let Ok(id) = prefix.reader(&pair.key).and_then(|mut reader| reader.int()) {
            let record = record::decode(&pair.value)?;
            known.push(Known { id, record });
        }
    }
    Ok(known)
}

fn broken(what: &str) -> OauthError {
    hongyan_kv::Error::Corrupt(what.to_owned()).into()
}

impl Access {
    async fn signing_keys(&self) -> Result<Vec<Known>, OauthError> {
        let known = self.0.database.run(async |transaction| read(transaction).await).await?;
        match next_from(&known, self.now().millis) {
            None => Ok(known),
            Some(_) => self.make_signing_key(false).await,
        }
    }

    /// Makes the next key, unless another node has; or one for now.
    async fn make_signing_key(&self, at_once: bool) -> Result<Vec<Known>, OauthError> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let document = document.map_err(|_| broken("a key for ES256 cannot be made"))?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
        let pair = pair.map_err(|_| broken("a key for ES256 cannot be used"))?;
        let (id, now) = (self.0.env.random_u64(), self.now().millis);
        let fresh = SigningRecord {
            sealed: self.0.directory.sealer().seal(&place(id), document.as_ref())?,
            public: pair.public_key().as_ref().to_vec(),
            from_millis: now,
        };
        let make = async move |transaction: &mut Transaction| {
            let mut known = read(transaction).await?;
            let from = if at_once { Some(now) } else { next_from(&known, now) };
            if let Some(from_millis) = from {
                let record = SigningRecord {
                    from_millis,
                    ..fresh.clone()
                };
                transaction.set(record::signing_key(id), record::encode(&record));
                known.push(Known { id, record });
                for old in outdated(&known, now) {
                    transaction.clear(&record::signing_key(old));
                    known.retain(|key| key.id != old);
                }
            }
            Ok::<_, hongyan_kv::Error>(known)
        };
        Ok(self.0.database.run(make).await?)
    }

    fn open_signing_key(&self, known: &[Known]) -> Result<(u64, EcdsaKeyPair), OauthError> {
        let key = current(known, self.now().millis).ok_or_else(|| broken("there is no key for ES256"))?;
        let document = self.0.directory.sealer().open(&place(key.id), &key.record.sealed)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document, &SystemRandom::new());
        Ok((key.id, pair.map_err(|_| broken("a key for ES256 cannot be used"))?))
    }

    /// Signs claims (RFC 7515 §7.1).
    pub(super) async fn sign_claims(&self, claims: &Value) -> Result<Secret, OauthError> {
        let known = self.signing_keys().await?;
        let (id, pair) = match self.open_signing_key(&known) {
            Err(OauthError::Sealed(error)) if error != SealError::NoKey => {
                tracing::warn!(event = "secret_unreadable", what = "key for ES256", %error, "another is made");
                self.open_signing_key(&self.make_signing_key(true).await?)?
            }
            opened => opened?,
        };
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": name(id)});
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let signature = pair.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = signature.map_err(|_| broken("a key for ES256 does not sign"))?;
        Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }

    /// What a token claims that one of these keys has signed; nothing for any other.
    pub(super) async fn signed_claims(&self, token: &str) -> Result<Option<Value>, OauthError> {
        let known = self.signing_keys().await?;
        Ok(verify(&known, token))
    }

    /// The keys, for whoever verifies what they sign (RFC 7517 §5).
    ///
    /// # Errors
    /// `Sealed`; the store's.
    pub async fn oauth_key_set(&self) -> Result<Value, OauthError> {
        let known = self.signing_keys().await?;
        let shown = known.iter().filter_map(|key| {
            let (x, y) = key.record.public.get(1..65)?.split_at(32);
            Some(json!({
                "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": name(key.id),
                "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
            }))
        });
        Ok(json!({"keys": shown.collect::<Vec<_>>()}))
    }
}

fn verify(known: &[Known], token: &str) -> Option<Value> {
    if token.len() > CHARACTERS_MAX {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let header: Value = serde_json::from_slice(&decode(header)?).ok()?;
    if header.get("alg")?.as_str()? != "ES256" {
        return None;
    }
    let kid = header.get("kid")?.as_str()?;
    let key = known.iter().find(|key| name(key.id) == kid)?;
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key.record.public);
    public.verify(signed.as_bytes(), &decode(signature)?).ok()?;
    serde_json::from_slice(&decode(claims)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(from_days: &[i64]) -> Vec<Known> {
        let record = |from: &i64| SigningRecord {
            sealed: Vec::new(),
            public: Vec::new(),
            from_millis: from * DAY_MILLIS,
        };
        let keys = (1..).zip(from_days);
        keys.map(|(id, from)| Known {
            id,
            record: record(from),
        })
        .collect()
    }

    #[test]
    fn keys_follow_one_another_with_overlap() {
        let check = |from_days: &[i64], day: i64, next: Option<i64>, signs: Option<u64>, gone: &[u64]| {
            let (known, now) = (known(from_days), day * DAY_MILLIS);
            let next = next.map(|day| day * DAY_MILLIS);
            assert_eq!(next_from(&known, now), next, "{from_days:?} on day {day}");
            assert_eq!(
                current(&known, now).map(|key| key.id),
                signs,
                "{from_days:?} on day {day}"
            );
            assert_eq!(outdated(&known, now), gone, "{from_days:?} on day {day}");
        };
        check(&[], 5, Some(5), None, &[]);
        check(&[5], 5, None, Some(1), &[]);
        check(&[5], 4, None, Some(1), &[]);
        check(&[5], 93, None, Some(1), &[]);
        check(&[5], 94, Some(95), Some(1), &[]);
        check(&[5], 400, Some(400), Some(1), &[]);
        check(&[5, 95], 94, None, Some(1), &[]);
        check(&[5, 95], 95, None, Some(2), &[]);
        check(&[5, 95], 125, None, Some(2), &[]);
        check(&[5, 95], 126, None, Some(2), &[1]);
    }
}
