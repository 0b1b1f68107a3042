//! How an account signs in beside its password: what proves it, what is closed to it; at ("dir", "factors", account). Made and checked by `node/access`.
//!
//! What changes with every use (when an app password was used last, which code was used) is kept elsewhere: a change of
//! this record reaches every node.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;
use hongyan_kv::Tuple;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_seal::{Holder, Kept, Place, SealError, Sealer};
use hongyan_types::{AccountId, Address, TenantId, Timestamp};
use minicbor::{Decode, Encode};

use crate::record::passkey::{Passkey, PasskeyV1};
use crate::record::sign_in_rule::RuleV1;
use crate::record::{protocols, read_protocols};
use crate::{Protocol, ScramKeys, SignInRule, SmsScope};

/// A password for one client (AUTH-21): made by the server, so it has entropy enough for a fast hash.
#[derive(Clone, PartialEq, Eq)]
pub struct AppPassword {
    /// Its number in the account, never given out again.
    pub id: u32,
    /// What its owner calls the client.
    pub name: String,
    /// A keyed hash of it.
    pub hash: [u8; 32],
    /// The keys for SCRAM-SHA-256; all passwords of an account share salt and rounds.
    pub scram: ScramKeys,
    /// The ways in that it opens.
    pub protocols: BTreeSet<Protocol>,
    /// Whether it lets one look and change nothing.
    pub read_only: bool,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// When it was made.
    pub created: Timestamp,
}

impl fmt::Debug for AppPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppPassword")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("protocols", &self.protocols)
            .finish_non_exhaustive()
    }
}

/// An authenticator app's key (RFC 6238, SHA-1, six digits).
#[derive(Clone, PartialEq, Eq)]
pub struct TotpKey {
    /// The secret that it shares with us, for [`totp_place`].
    pub secret: Kept,
    /// How long a code is shown.
    pub period_secs: u32,
    /// When it was offered; once it counts, since when.
    pub since: Timestamp,
}

impl fmt::Debug for TotpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TotpKey")
            .field("period_secs", &self.period_secs)
            .finish_non_exhaustive()
    }
}

/// What proves an account beside its password.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Factors {
    /// App passwords, the oldest first.
    pub app_passwords: Vec<AppPassword>,
    /// The last number given to one.
    pub last_app_password: u32,
    /// Whether the plain password is refused to clients (AUTH-24).
    pub secure_login: bool,
    /// The authenticator app.
    pub totp: Option<TotpKey>,
    /// One that was offered and has not yet shown a code.
    pub pending_totp: Option<TotpKey>,
    /// Keyed hashes of the recovery codes that are left.
    pub recovery_codes: Vec<[u8; 32]>,
    /// Whether the password has to be changed at the next sign-in (AUTH-10).
    pub must_change: bool,
    /// What its administrators have decided.
    pub rule: SignInRule,
    /// Passkeys, the oldest first.
    pub passkeys: Vec<Passkey>,
    /// The last number given to one.
    pub last_passkey: u32,
    /// The outside mailbox that was proved to be its owner's (AUTH-12).
    pub recovery_mailbox: Option<Address>,
    /// The phone that was proved to be its owner's (AUTH-13): `+` and digits.
    pub phone: Option<String>,
    /// What codes sent to the phone protect (AUTH-22).
    pub sms: BTreeSet<SmsScope>,
    /// Terms that were accepted (AUTH-29), the latest of each.
    pub accepted: Vec<AcceptedTerms>,
}

/// Terms that were accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptedTerms {
    /// Whose; none for those of the installation.
    pub of: Option<TenantId>,
    /// Which version.
    pub version: u32,
    /// When.
    pub at: Timestamp,
}

impl Factors {
    /// The passkey `id`.
    #[must_use]
    pub fn passkey(&self, id: u32) -> Option<&Passkey> {
        self.passkeys.iter().find(|passkey| passkey.id == id)
    }
    /// The app password `id`.
    #[must_use]
    pub fn app_password(&self, id: u32) -> Option<&AppPassword> {
        self.app_passwords.iter().find(|password| password.id == id)
    }
    /// Whether a code sent to the phone is asked for at sign-in.
    #[must_use]
    pub fn is_sms_factor(&self) -> bool {
        self.phone.is_some() && self.sms.contains(&SmsScope::SignIn)
    }
    /// Whether a password alone does not sign in.
    #[must_use]
    pub fn has_second_factor(&self) -> bool {
        self.totp.is_some() || !self.passkeys.is_empty() || self.is_sms_factor()
    }
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    app_passwords: Vec<AppPasswordV1>,
    #[n(1)]
    last_app_password: u32,
    #[n(2)]
    secure_login: bool,
    #[n(3)]
    totp: Option<TotpV1>,
    #[n(4)]
    pending_totp: Option<TotpV1>,
    #[n(5)]
    recovery_codes: Option<Vec<HashV1>>,
    #[n(6)]
    must_change: Option<bool>,
    #[n(7)]
    rule: Option<RuleV1>,
    #[n(8)]
    passkeys: Option<Vec<PasskeyV1>>,
    #[n(9)]
    last_passkey: Option<u32>,
    #[n(10)]
    recovery_mailbox: Option<String>,
    #[n(11)]
    phone: Option<String>,
    #[n(12)]
    sms: Option<Vec<u8>>,
    #[n(13)]
    accepted: Option<Vec<AcceptedV1>>,
}

#[derive(Encode, Decode)]
struct AcceptedV1 {
    /// 0 for those of the installation.
    #[n(0)]
    of: u64,
    #[n(1)]
    version: u32,
    #[n(2)]
    at_millis: i64,
}

impl From<&AcceptedTerms> for AcceptedV1 {
    fn from(accepted: &AcceptedTerms) -> Self {
        Self {
            of: accepted.of.map_or(0, |tenant| tenant.0),
            version: accepted.version,
            at_millis: accepted.at.millis,
        }
    }
}

impl From<AcceptedV1> for AcceptedTerms {
    fn from(stored: AcceptedV1) -> Self {
        Self {
            of: (stored.of != 0).then_some(TenantId(stored.of)),
            version: stored.version,
            at: Timestamp {
                millis: stored.at_millis,
            },
        }
    }
}

#[derive(Encode, Decode)]
struct TotpV1 {
    #[cbor(n(0), with = "minicbor::bytes")]
    secret: Vec<u8>,
    #[n(1)]
    period_secs: u32,
    #[n(2)]
    since_millis: i64,
    /// The secret; then the one in clear is empty.
    #[cbor(n(3), with = "minicbor::bytes")]
    sealed: Option<Vec<u8>>,
}

#[derive(Encode, Decode)]
#[cbor(transparent)]
struct HashV1(
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    [u8; 32],
);

impl From<&TotpKey> for TotpV1 {
    fn from(key: &TotpKey) -> Self {
        let (secret, sealed) = key.secret.to_fields();
        Self {
            secret,
            period_secs: key.period_secs,
            since_millis: key.since.millis,
            sealed,
        }
    }
}

impl From<TotpV1> for TotpKey {
    fn from(stored: TotpV1) -> Self {
        Self {
            secret: Kept::from_fields(stored.secret, stored.sealed),
            period_secs: stored.period_secs,
            since: Timestamp {
                millis: stored.since_millis,
            },
        }
    }
}

#[derive(Encode, Decode)]
struct AppPasswordV1 {
    #[n(0)]
    id: u32,
    #[n(1)]
    name: String,
    #[cbor(n(2), with = "minicbor::bytes")]
    hash: [u8; 32],
    #[cbor(n(3), with = "minicbor::bytes")]
    salt: Vec<u8>,
    #[n(4)]
    iterations: u32,
    #[cbor(n(5), with = "minicbor::bytes")]
    stored_key: [u8; 32],
    #[cbor(n(6), with = "minicbor::bytes")]
    server_key: [u8; 32],
    #[n(7)]
    protocols: Vec<u8>,
    #[n(8)]
    read_only: bool,
    #[n(9)]
    expires_millis: Option<i64>,
    #[n(10)]
    created_millis: i64,
}

impl From<&AppPassword> for AppPasswordV1 {
    fn from(password: &AppPassword) -> Self {
        Self {
            id: password.id,
            name: password.name.clone(),
            hash: password.hash,
            salt: password.scram.salt.clone(),
            iterations: password.scram.iterations,
            stored_key: password.scram.stored_key,
            server_key: password.scram.server_key,
            protocols: protocols(&password.protocols),
            read_only: password.read_only,
            expires_millis: password.expires.map(|at| at.millis),
            created_millis: password.created.millis,
        }
    }
}

impl From<AppPasswordV1> for AppPassword {
    fn from(stored: AppPasswordV1) -> Self {
        Self {
            id: stored.id,
            name: stored.name,
            hash: stored.hash,
            scram: ScramKeys {
                salt: stored.salt,
                iterations: stored.iterations,
                stored_key: stored.stored_key,
                server_key: stored.server_key,
            },
            // One of a later release opens nothing here.
            protocols: read_protocols(stored.protocols),
            read_only: stored.read_only,
            expires: stored.expires_millis.map(|millis| Timestamp { millis }),
            created: Timestamp {
                millis: stored.created_millis,
            },
        }
    }
}

/// What the secret of an authenticator app is sealed for.
#[must_use]
pub fn totp_place(account: AccountId) -> Place {
    Place::new("totp", account.0)
}

/// The secrets of authenticator apps, for sealing them again.
pub const FACTOR_SECRETS: Holder = Holder {
    kind: "factors",
    range: || folder().range(),
    again,
};

pub(crate) fn folder() -> Tuple {
    Tuple::new().string("dir").string("factors")
}

fn again(sealer: &Sealer, key: &[u8], stored: &[u8]) -> Result<Option<Bytes>, SealError> {
    let account = folder().reader(key).and_then(|mut key| key.int());
    let (Ok(account), Ok(mut factors)) = (account, decode(stored)) else {
        return Ok(None);
    };
    let place = totp_place(AccountId(account));
    let mut is_new = false;
    for totp in [&mut factors.totp, &mut factors.pending_totp].into_iter().flatten() {
        if let Some(secret) = sealer.again(&place, &totp.secret)? {
            totp.secret = secret;
            is_new = true;
        }
    }
    Ok(is_new.then(|| encode(&factors)))
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(factors: &Factors) -> Bytes {
    let body = V1 {
        app_passwords: factors.app_passwords.iter().map(AppPasswordV1::from).collect(),
        last_app_password: factors.last_app_password,
        secure_login: factors.secure_login,
        totp: factors.totp.as_ref().map(TotpV1::from),
        pending_totp: factors.pending_totp.as_ref().map(TotpV1::from),
        recovery_codes: (!factors.recovery_codes.is_empty())
            .then(|| factors.recovery_codes.iter().copied().map(HashV1).collect()),
        must_change: factors.must_change.then_some(true),
        rule: (factors.rule != SignInRule::default()).then(|| RuleV1::from(&factors.rule)),
        passkeys: (!factors.passkeys.is_empty()).then(|| factors.passkeys.iter().map(PasskeyV1::from).collect()),
        last_passkey: (factors.last_passkey != 0).then_some(factors.last_passkey),
        recovery_mailbox: factors.recovery_mailbox.as_ref().map(Address::to_string),
        phone: factors.phone.clone(),
        sms: (!factors.sms.is_empty()).then(|| factors.sms.iter().map(|scope| scope.number()).collect()),
        accepted: (!factors.accepted.is_empty()).then(|| factors.accepted.iter().map(AcceptedV1::from).collect()),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<Factors, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(Factors {
        app_passwords: body.app_passwords.into_iter().map(AppPassword::from).collect(),
        last_app_password: body.last_app_password,
        secure_login: body.secure_login,
        totp: body.totp.map(TotpKey::from),
        pending_totp: body.pending_totp.map(TotpKey::from),
        recovery_codes: body
            .recovery_codes
            .unwrap_or_default()
            .into_iter()
            .map(|hash| hash.0)
            .collect(),
        must_change: body.must_change.unwrap_or_default(),
        rule: body.rule.map(SignInRule::try_from).transpose()?.unwrap_or_default(),
        passkeys: body
            .passkeys
            .unwrap_or_default()
            .into_iter()
            .map(Passkey::from)
            .collect(),
        last_passkey: body.last_passkey.unwrap_or_default(),
        // An address that this release does not read leads nowhere.
        recovery_mailbox: body
            .recovery_mailbox
            .and_then(|text| Address::try_from(text.as_str()).ok()),
        phone: body.phone,
        sms: body
            .sms
            .unwrap_or_default()
            .into_iter()
            .filter_map(SmsScope::from_number)
            .collect(),
        accepted: body
            .accepted
            .unwrap_or_default()
            .into_iter()
            .map(AcceptedTerms::from)
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone() -> AppPassword {
        AppPassword {
            id: 2,
            name: "Phone".to_owned(),
            hash: [0xCC; 32],
            scram: ScramKeys {
                salt: vec![1, 2],
                iterations: 4096,
                stored_key: [0xAA; 32],
                server_key: [0xBB; 32],
            },
            protocols: BTreeSet::from([Protocol::Imap, Protocol::Http]),
            read_only: true,
            expires: Some(Timestamp { millis: 2_000 }),
            created: Timestamp { millis: 1_000 },
        }
    }

    #[test]
    fn golden_bytes() {
        let factors = Factors {
            app_passwords: vec![phone()],
            last_app_password: 3,
            secure_login: true,
            ..Factors::default()
        };
        let stored = encode(&factors);
        let (a, b, c) = ("aa".repeat(32), "bb".repeat(32), "cc".repeat(32));
        assert_eq!(
            crate::record::hex(&stored),
            format!("01000183818b026550686f6e655820{c}4201021910005820{a}5820{b}820003f51907d01903e803f5")
        );
        assert_eq!(decode(&stored), Ok(factors));
        let key = TotpKey {
            secret: Kept::Clear(vec![0xEE; 3]),
            period_secs: 60,
            since: Timestamp { millis: 1_000 },
        };
        let factors = Factors {
            totp: Some(key.clone()),
            pending_totp: Some(key),
            recovery_codes: vec![[0xDD; 32]],
            must_change: true,
            ..Factors::default()
        };
        let stored = encode(&factors);
        let (totp, d) = ("8343eeeeee183c1903e8", "dd".repeat(32));
        assert_eq!(
            crate::record::hex(&stored),
            format!("010001878000f4{totp}{totp}815820{d}f5")
        );
        assert_eq!(decode(&stored), Ok(factors));
        let sealed = Factors {
            totp: Some(TotpKey {
                secret: Kept::Sealed(vec![0xEE; 3]),
                period_secs: 30,
                since: Timestamp { millis: 1_000 },
            }),
            ..Factors::default()
        };
        let stored = encode(&sealed);
        assert_eq!(crate::record::hex(&stored), "010001848000f48440181e1903e843eeeeee");
        assert_eq!(decode(&stored), Ok(sealed));
        let ruled = Factors {
            rule: SignInRule {
                closed: BTreeSet::from([Protocol::Pop3]),
                networks: hongyan_types::AddressRanges::read(&["::1"]).unwrap().0,
                secure_login: true,
            },
            ..Factors::default()
        };
        let stored = encode(&ruled);
        assert_eq!(
            crate::record::hex(&stored),
            "010001888000f4f6f6f6f68381018163 3a3a31f5".replace(' ', "")
        );
        assert_eq!(decode(&stored), Ok(ruled));
        let keyed = Factors {
            passkeys: vec![Passkey {
                id: 2,
                name: "Key".to_owned(),
                credential: vec![0xAA; 3],
                public_key: vec![0xBB; 2],
                transports: vec!["usb".to_owned()],
                is_verifying: true,
                is_synced: false,
                created: Timestamp { millis: 1_000 },
            }],
            last_passkey: 2,
            ..Factors::default()
        };
        let stored = encode(&keyed);
        assert_eq!(
            crate::record::hex(&stored),
            "0100018a8000f4f6f6f6f6f6818802634b657943aaaaaa42bbbb8163757362f5f41903e802"
        );
        assert_eq!(decode(&stored), Ok(keyed));
        let reached = Factors {
            recovery_mailbox: Some(Address::try_from("a@b.test").unwrap()),
            phone: Some("+861".to_owned()),
            sms: BTreeSet::from([SmsScope::SignIn, SmsScope::AppPasswords]),
            accepted: vec![AcceptedTerms {
                of: Some(TenantId(3)),
                version: 2,
                at: Timestamp { millis: 9 },
            }],
            ..Factors::default()
        };
        let stored = encode(&reached);
        assert_eq!(
            crate::record::hex(&stored),
            "0100018e8000f4f6f6f6f6f6f6f66861 40622e74657374 642b383631 820004 8183030209".replace(' ', "")
        );
        assert_eq!(decode(&stored), Ok(reached));
    }

    #[test]
    fn secrets_in_clear_are_sealed_and_others_are_left() {
        let sealer = Sealer::with_new_key(hongyan_env::Env::manual(1).0);
        let account = AccountId(7);
        let key = folder().int(account.0).pack();
        let totp = TotpKey {
            secret: Kept::Clear(b"secret".to_vec()),
            period_secs: 30,
            since: Timestamp { millis: 1_000 },
        };
        let factors = Factors {
            app_passwords: vec![phone()],
            totp: Some(totp.clone()),
            pending_totp: Some(totp),
            ..Factors::default()
        };
        let sealed = again(&sealer, &key, &encode(&factors)).unwrap().unwrap();
        assert_eq!(again(&sealer, &key, &sealed), Ok(None));
        let after = decode(&sealed).unwrap();
        for totp in [&after.totp, &after.pending_totp] {
            let secret = &totp.as_ref().unwrap().secret;
            assert!(matches!(secret, Kept::Sealed(_)));
            assert_eq!(
                sealer.reveal(&totp_place(account), secret).unwrap().as_slice(),
                b"secret"
            );
            assert!(sealer.reveal(&totp_place(AccountId(8)), secret).is_err());
        }
        assert_eq!(after.app_passwords, factors.app_passwords);
        assert_eq!(again(&sealer, &key, &encode(&Factors::default())), Ok(None));
    }

    #[test]
    fn never_prints_secrets() {
        let shown = format!("{:?}", phone());
        assert!(shown.contains("Phone") && !shown.contains("204"), "{shown}");
    }
}
