//! What a browser answers when it was asked to make or to use a passkey (WebAuthn §5.1: the JSON of `toJSON()`), read and
//! checked as far as the server's own name, origin and flags go (WebAuthn level 3 §7.1, §7.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::Decoder;
use ring::digest::{SHA256, digest};
use serde::Deserialize;

use super::PasskeyError;
use super::cose::PublicKey;

/// Longest answer, in octets of JSON.
const ANSWER_OCTETS_MAX: usize = 64 * 1024;
/// Longest name that an authenticator may give a passkey (WebAuthn §7.1).
const CREDENTIAL_OCTETS_MAX: usize = 1_023;
/// Ways to reach an authenticator that are kept, and characters of one.
const TRANSPORTS_MAX: usize = 8;
const TRANSPORT_CHARACTERS_MAX: usize = 32;

/// Flags of authenticator data (WebAuthn §6.1).
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const ATTESTED: u8 = 0x40;
/// Hash of the server's name, flags, sign counter.
const FIXED_OCTETS: usize = 37;
const MODEL_OCTETS: usize = 16;

/// Whose passkeys they are, to browsers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelyingParty {
    /// `https://`, the host, and its port where it is not 443.
    pub(crate) origin: String,
}

impl RelyingParty {
    /// The host alone.
    pub(crate) fn id(&self) -> &str {
        let rest = self
            .origin
            .split_once("://")
            .map_or(self.origin.as_str(), |(_, rest)| rest);
        rest.split([':', '/']).next().unwrap_or_default()
    }
}

fn decode(text: &str, what: &'static str) -> Result<Vec<u8>, PasskeyError> {
    let plain = text.trim_end_matches('=');
    URL_SAFE_NO_PAD
        .decode(plain)
        .map_err(|_| PasskeyError::Unreadable(what))
}

#[derive(Deserialize)]
struct Outer<T> {
    id: String,
    response: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    attestation_object: String,
    #[serde(default)]
    transports: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Used {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    authenticator_data: String,
    signature: String,
    #[serde(default)]
    user_handle: Option<String>,
}

fn outer<'j, T: Deserialize<'j>>(json: &'j str) -> Result<Outer<T>, PasskeyError> {
    if json.len() > ANSWER_OCTETS_MAX {
        return Err(PasskeyError::Unreadable("answer"));
    }
    serde_json::from_str(json).map_err(|_| PasskeyError::Unreadable("answer"))
}

/// What the browser says that it did.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

impl ClientData {
    /// Checks it and gives the challenge.
    fn check(octets: &[u8], kind: &str, party: &RelyingParty) -> Result<Vec<u8>, PasskeyError> {
        let data: Self = serde_json::from_slice(octets).map_err(|_| PasskeyError::Unreadable("client data"))?;
        if data.kind != kind {
            return Err(PasskeyError::Purpose);
        }
        if data.origin != party.origin || data.cross_origin {
            return Err(PasskeyError::Origin);
        }
        decode(&data.challenge, "challenge")
    }
}

/// What an authenticator says of itself.
struct AuthenticatorData<'d> {
    flags: u8,
    counter: u32,
    /// What follows: the new credential, where there is one.
    rest: &'d [u8],
}

impl<'d> AuthenticatorData<'d> {
    fn check(octets: &'d [u8], party: &RelyingParty) -> Result<Self, PasskeyError> {
        let unreadable = || PasskeyError::Unreadable("authenticator data");
        let (fixed, rest) = octets.split_at_checked(FIXED_OCTETS).ok_or_else(unreadable)?;
        let (party_hash, fixed) = fixed.split_at_checked(32).ok_or_else(unreadable)?;
        if party_hash != digest(&SHA256, party.id().as_bytes()).as_ref() {
            return Err(PasskeyError::Origin);
        }
        let (flags, counter) = fixed.split_first().ok_or_else(unreadable)?;
        if flags & PRESENT == 0 {
            return Err(PasskeyError::NotPresent);
        }
        Ok(Self {
            flags: *flags,
            counter: counter.try_into().map(u32::from_be_bytes).map_err(|_| unreadable())?,
            rest,
        })
    }
}

/// A passkey that was made.
#[derive(Debug)]
pub(super) struct NewPasskey {
    pub(super) challenge: Vec<u8>,
    pub(super) credential: Vec<u8>,
    pub(super) public_key: Vec<u8>,
    pub(super) transports: Vec<String>,
    pub(super) is_verifying: bool,
    pub(super) is_synced: bool,
    pub(super) counter: u32,
}

impl NewPasskey {
    /// Reads the answer to `navigator.credentials.create()`. Who made the authenticator is not asked: whatever it says of that
    /// is passed over.
    pub(super) fn read(json: &str, party: &RelyingParty) -> Result<Self, PasskeyError> {
        let Outer { response, .. } = outer::<Made>(json)?;
        let client_data = decode(&response.client_data, "client data")?;
        let challenge = ClientData::check(&client_data, "webauthn.create", party)?;
        let object = decode(&response.attestation_object, "attestation")?;
        let octets = authenticator_data(&object).map_err(|_| PasskeyError::Unreadable("attestation"))?;
        let data = AuthenticatorData::check(octets.ok_or(PasskeyError::Unreadable("attestation"))?, party)?;
        let (credential, public_key) = attested(&data)?;
        let transports = response.transports.into_iter().take(TRANSPORTS_MAX);
        let is_word = |text: &String| {
            text.len() <= TRANSPORT_CHARACTERS_MAX && text.bytes().all(|octet| octet.is_ascii_graphic())
        };
        Ok(Self {
            challenge,
            credential,
            public_key,
            transports: transports.filter(is_word).collect(),
            is_verifying: data.flags & VERIFIED != 0,
            is_synced: data.flags & BACKUP_ELIGIBLE != 0,
            counter: data.counter,
        })
    }
}

/// The authenticator data within an attestation object (WebAuthn §6.5.4).
fn authenticator_data(object: &[u8]) -> Result<Option<&[u8]>, minicbor::decode::Error> {
    let mut decoder = Decoder::new(object);
    let entries = decoder.map()?.unwrap_or(0);
    let mut found = None;
    for _ in 0..entries {
        match decoder.str()? {
            "authData" => found = Some(decoder.bytes()?),
            _ => decoder.skip()?,
        }
    }
    Ok(found)
}

/// The credential and its key (WebAuthn §6.5.2).
fn attested(data: &AuthenticatorData<'_>) -> Result<(Vec<u8>, Vec<u8>), PasskeyError> {
    let unreadable = || PasskeyError::Unreadable("credential");
    if data.flags & ATTESTED == 0 {
        return Err(unreadable());
    }
    let (_model, rest) = data.rest.split_at_checked(MODEL_OCTETS).ok_or_else(unreadable)?;
    let (length, rest) = rest.split_at_checked(2).ok_or_else(unreadable)?;
    let length = length.try_into().map(u16::from_be_bytes).map_err(|_| unreadable())?;
    let (credential, rest) = rest.split_at_checked(length.into()).ok_or_else(unreadable)?;
    if credential.is_empty() || credential.len() > CREDENTIAL_OCTETS_MAX {
        return Err(unreadable());
    }
    let (_key, octets) = PublicKey::read(rest)?;
    Ok((credential.to_vec(), octets.to_vec()))
}

/// A passkey that was used.
#[derive(Debug, Clone)]
pub(super) struct UsedPasskey {
    pub(super) challenge: Vec<u8>,
    pub(super) credential: Vec<u8>,
    /// What the account was called when the passkey was made.
    pub(super) user: Option<Vec<u8>>,
    pub(super) is_verified: bool,
    pub(super) counter: u32,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl UsedPasskey {
    /// Reads the answer to `navigator.credentials.get()`.
    pub(super) fn read(json: &str, party: &RelyingParty) -> Result<Self, PasskeyError> {
        let Outer { id, response } = outer::<Used>(json)?;
        let client_data = decode(&response.client_data, "client data")?;
        let challenge = ClientData::check(&client_data, "webauthn.get", party)?;
        let octets = decode(&response.authenticator_data, "authenticator data")?;
        let data = AuthenticatorData::check(&octets, party)?;
        let (is_verified, counter) = (data.flags & VERIFIED != 0, data.counter);
        let user = response.user_handle.filter(|user| !user.is_empty());
        let mut signed = octets;
        signed.extend_from_slice(digest(&SHA256, &client_data).as_ref());
        Ok(Self {
            challenge,
            credential: decode(&id, "id")?,
            user: user.map(|user| decode(&user, "user handle")).transpose()?,
            is_verified,
            counter,
            signed,
            signature: decode(&response.signature, "signature")?,
        })
    }

    /// Whether the private key of `public_key` made the answer.
    pub(super) fn is_by(&self, public_key: &[u8]) -> Result<(), PasskeyError> {
        let (key, _) = PublicKey::read(public_key)?;
        match key.verifies(&self.signed, &self.signature) {
            true => Ok(()),
            false => Err(PasskeyError::Signature),
        }
    }
}
