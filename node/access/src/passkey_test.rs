use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_sasl::Secret;
use minicbor::Encoder;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

use super::*;
use crate::fixture::{ANNA, Fixture, PEER, cheap};
use crate::{Begun, Passed, SecondProof, Stage, Visit, WebProof};

const PASSWORD: &str = "Correct-horse7";
const ORIGIN: &str = "https://mail.example.test:8443";

enum Key {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

/// An authenticator in software, with one passkey.
struct Authenticator {
    key: Key,
    random: SystemRandom,
    credential: Vec<u8>,
    counter: u32,
    flags: u8,
    origin: String,
    user: Option<String>,
}

impl Authenticator {
    fn new(credential: &[u8]) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        Self {
            key: Key::Es256(key),
            random,
            credential: credential.to_vec(),
            counter: 0,
            // Somebody is present, and has shown a finger.
            flags: 0x05,
            origin: ORIGIN.to_owned(),
            user: None,
        }
    }

    fn ed25519(credential: &[u8]) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let key = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        Self {
            key: Key::EdDsa(key),
            ..Self::new(credential)
        }
    }

    fn cose(&self) -> Vec<u8> {
        let mut cose = Vec::new();
        let mut encoder = Encoder::new(&mut cose);
        match &self.key {
            Key::Es256(key) => {
                let point = key.public_key().as_ref();
                encoder.map(5).unwrap().i8(1).unwrap().i8(2).unwrap();
                encoder.i8(3).unwrap().i8(-7).unwrap().i8(-1).unwrap().i8(1).unwrap();
                encoder.i8(-2).unwrap().bytes(&point[1..33]).unwrap();
                encoder.i8(-3).unwrap().bytes(&point[33..]).unwrap();
            }
            Key::EdDsa(key) => {
                encoder.map(4).unwrap().i8(1).unwrap().i8(1).unwrap();
                encoder.i8(3).unwrap().i8(-8).unwrap().i8(-1).unwrap().i8(6).unwrap();
                encoder.i8(-2).unwrap().bytes(key.public_key().as_ref()).unwrap();
            }
        }
        cose
    }

    fn client_data(&self, kind: &str, challenge: &Value) -> Vec<u8> {
        let data = json!({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false});
        data.to_string().into_bytes()
    }

    fn data(&self, party: &str, flags: u8) -> Vec<u8> {
        let party = digest(&SHA256, party.as_bytes());
        [party.as_ref(), &[flags], &self.counter.to_be_bytes()].concat()
    }

    /// Answers navigator.credentials.create().
    fn make(&mut self, options: &Value) -> String {
        self.user = options["user"]["id"].as_str().map(str::to_owned);
        let mut data = self.data(options["rp"]["id"].as_str().unwrap(), self.flags | 0x40);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.credential.len()).unwrap().to_be_bytes());
        data.extend(&self.credential);
        data.extend(self.cose());
        let mut object = Vec::new();
        let mut encoder = Encoder::new(&mut object);
        // What an authenticator says of its maker is passed over, whatever it is.
        encoder.map(3).unwrap().str("fmt").unwrap().str("packed").unwrap();
        encoder.str("attStmt").unwrap().map(1).unwrap().str("x5c").unwrap();
        encoder.array(1).unwrap().bytes(&[1, 2]).unwrap();
        encoder.str("authData").unwrap().bytes(&data).unwrap();
        let client_data = self.client_data("webauthn.create", &options["challenge"]);
        let answer = json!({
            "id": encoded(&self.credential),
            "rawId": encoded(&self.credential),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
                "attestationObject": URL_SAFE_NO_PAD.encode(object),
                "transports": ["internal", "hybrid"],
            },
        });
        answer.to_string()
    }

    /// Answers navigator.credentials.get().
    fn get(&mut self, options: &Value) -> String {
        self.counter += 1;
        let data = self.data(options["rpId"].as_str().unwrap(), self.flags);
        let client_data = self.client_data("webauthn.get", &options["challenge"]);
        let signed = [data.as_slice(), digest(&SHA256, &client_data).as_ref()].concat();
        let signature = match &self.key {
            Key::Es256(key) => key.sign(&self.random, &signed).unwrap().as_ref().to_vec(),
            Key::EdDsa(key) => key.sign(&signed).as_ref().to_vec(),
        };
        let answer = json!({
            "id": encoded(&self.credential),
            "type": "public-key",
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
                "authenticatorData": URL_SAFE_NO_PAD.encode(data),
                "signature": URL_SAFE_NO_PAD.encode(signature),
                "userHandle": self.user,
            },
        });
        answer.to_string()
    }
}

struct World(Fixture);

impl std::ops::Deref for World {
    type Target = Fixture;
    fn deref(&self) -> &Fixture {
        &self.0
    }
}

fn visit() -> Visit<'static> {
    Visit {
        peer: PEER,
        client: "Browser",
        device: None,
    }
}

impl World {
    async fn new() -> Self {
        let options = crate::AccessOptions {
            web_origin: ORIGIN.to_owned(),
            passkeys_per_account_max: 2,
            ..cheap()
        };
        Self(Fixture::new(options, PASSWORD).await)
    }
    async fn begin(&self) -> Begun {
        let password = Secret::new(PASSWORD);
        self.access.web_sign_in(ANNA, &password, visit()).await.unwrap()
    }
    /// A session of whoever has registered the authenticator in it.
    async fn enrol(&self, authenticator: &mut Authenticator) -> (Begun, AddedPasskey) {
        let begun = self.begin().await;
        let added = self.add(&begun.token, authenticator).await.unwrap();
        (begun, added)
    }
    async fn add(&self, token: &Secret, authenticator: &mut Authenticator) -> Result<AddedPasskey, AccessError> {
        let options = self.access.web_offer_passkey(token.reveal(), PEER).await?;
        let answer = authenticator.make(&options);
        self.look().await;
        let (token, name) = (token.reveal(), " Laptop ");
        let added = self.other.web_add_passkey(token, name, &answer, PEER).await;
        self.look().await;
        added
    }
    /// Lets both nodes see what changed.
    async fn look(&self) {
        drop(self.access.look().await.unwrap());
        drop(self.other.look().await.unwrap());
    }
    async fn sign_in(&self, authenticator: &mut Authenticator) -> Result<Begun, AccessError> {
        let answer = authenticator.get(&self.access.passkey_sign_in_request());
        self.look().await;
        self.other.web_sign_in_by_passkey(&answer, visit()).await
    }
    async fn second(&self, token: &Secret, authenticator: &mut Authenticator) -> Result<Passed, AccessError> {
        let options = self.access.web_passkey_request(token.reveal(), PEER).await?;
        let proof = SecondProof::Passkey(authenticator.get(&options));
        self.access.web_second_factor(token.reveal(), &proof, None, PEER).await
    }
}

fn refused<T>(outcome: Result<T, AccessError>) -> PasskeyError {
    match outcome {
        Err(AccessError::Passkey(error)) => error,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[tokio::test]
async fn auth_4_a_passkey_signs_in_with_nothing_else() {
    let world = World::new().await;
    let mut laptop = Authenticator::new(b"laptop");
    let (_, added) = world.enrol(&mut laptop).await;
    assert_eq!(
        (
            added.passkey.id,
            added.passkey.name.as_str(),
            added.recovery_codes.len()
        ),
        (1, "Laptop", 10)
    );
    let begun = world.sign_in(&mut laptop).await.unwrap();
    assert_eq!(begun.session.stage, Stage::SignedIn);
    assert_eq!(begun.session.account.address.to_string(), ANNA);
    let identity = world.access.web_identity(begun.token.reveal(), PEER).await.unwrap();
    world.access.check_proof(&identity).unwrap();
    let known = world.access.passkeys(world.anna).await.unwrap();
    assert_eq!(known[0].peer, PEER.to_string());
    assert!(known[0].used.is_some() && known[0].passkey.is_verifying && !known[0].passkey.is_synced);
    assert_eq!(known[0].passkey.transports, ["internal", "hybrid"]);
    // One that is taken back is good no more; the session that it began stays.
    let anna = world.anna;
    world.access.remove_passkey(&world.directory, anna, 1).await.unwrap();
    assert_eq!(refused(world.sign_in(&mut laptop).await), PasskeyError::Unknown);
    assert!(world.access.web_session(begun.token.reveal(), PEER).await.is_ok());
    let factors = world.directory.factors(anna).await.unwrap();
    assert!(!factors.has_second_factor() && factors.recovery_codes.is_empty());
}

#[tokio::test]
async fn auth_4_a_passkey_is_a_second_factor_and_a_fresh_proof() {
    let world = World::new().await;
    let mut key = Authenticator::ed25519(b"key");
    // A plain security key: it sees that somebody touches it, and no more.
    key.flags = 0x01;
    world.enrol(&mut key).await;
    let begun = world.begin().await;
    assert_eq!(begun.session.stage, Stage::SecondFactor);
    let passed = world.second(&begun.token, &mut key).await.unwrap();
    assert_eq!(passed.session.stage, Stage::SignedIn);
    assert_eq!(refused(world.sign_in(&mut key).await), PasskeyError::NotVerified);
    // Later it proves anew who uses the session.
    world.clock.advance(std::time::Duration::from_secs(3_000));
    let late = world.access.web_offer_passkey(begun.token.reveal(), PEER).await;
    assert!(matches!(late, Err(AccessError::ProofNeeded)));
    let options = world
        .access
        .web_passkey_request(begun.token.reveal(), PEER)
        .await
        .unwrap();
    let proof = WebProof::Second(SecondProof::Passkey(key.get(&options)));
    let proved = world
        .access
        .web_prove(begun.token.reveal(), &proof, PEER)
        .await
        .unwrap();
    assert_eq!(proved.proved, world.access.now());
    // With it, mail clients need an app password.
    let login = world.directory.login(ANNA).await.unwrap().unwrap();
    assert!(login.needs_app_password());
}

#[tokio::test]
async fn auth_4_an_answer_counts_once_for_a_time_and_where_it_was_asked() {
    let world = World::new().await;
    let mut laptop = Authenticator::new(b"laptop");
    let (registered, _) = world.enrol(&mut laptop).await;
    let sign_in = async |answer: &str| world.access.web_sign_in_by_passkey(answer, visit()).await;
    let answer = laptop.get(&world.access.passkey_sign_in_request());
    sign_in(&answer).await.unwrap();
    let again = world.other.web_sign_in_by_passkey(&answer, visit()).await;
    assert_eq!(refused(again), PasskeyError::Challenge);
    let answer = laptop.get(&world.access.passkey_sign_in_request());
    world.clock.advance(std::time::Duration::from_secs(300));
    assert_eq!(refused(sign_in(&answer).await), PasskeyError::Challenge);
    // Asked for something else, or in another session.
    let options = world.access.passkey_sign_in_request();
    let proof = SecondProof::Passkey(laptop.get(&options));
    let (token, other) = (world.begin().await.token, registered.token);
    let wrong = world.access.web_second_factor(token.reveal(), &proof, None, PEER).await;
    assert_eq!(refused(wrong), PasskeyError::Challenge);
    let options = world.access.web_passkey_request(other.reveal(), PEER).await.unwrap();
    let proof = SecondProof::Passkey(laptop.get(&options));
    let wrong = world.access.web_second_factor(token.reveal(), &proof, None, PEER).await;
    assert_eq!(refused(wrong), PasskeyError::Challenge);
    // Made up, or made by someone else.
    let mut options = world.access.passkey_sign_in_request();
    options["challenge"] = json!(encoded(&[7; 56]));
    assert_eq!(refused(sign_in(&laptop.get(&options)).await), PasskeyError::Challenge);
    // Nothing of this has counted.
    assert!(world.sign_in(&mut laptop).await.is_ok());
}

#[tokio::test]
async fn auth_4_pages_of_other_sites_and_copies_are_refused() {
    let world = World::new().await;
    let mut laptop = Authenticator::new(b"laptop");
    world.enrol(&mut laptop).await;
    for origin in [
        "https://mail.example.test",
        "https://evil.test",
        "http://mail.example.test:8443",
    ] {
        laptop.origin = origin.to_owned();
        assert_eq!(
            refused(world.sign_in(&mut laptop).await),
            PasskeyError::Origin,
            "{origin}"
        );
    }
    laptop.origin = ORIGIN.to_owned();
    let mut options = world.access.passkey_sign_in_request();
    options["rpId"] = json!("example.test");
    let other = world
        .access
        .web_sign_in_by_passkey(&laptop.get(&options), visit())
        .await;
    assert_eq!(refused(other), PasskeyError::Origin);
    laptop.flags = 0x04;
    assert_eq!(refused(world.sign_in(&mut laptop).await), PasskeyError::NotPresent);
    laptop.flags = 0x05;
    // Another key under the same name.
    let mut thief = Authenticator::new(b"laptop");
    thief.user.clone_from(&laptop.user);
    thief.counter = 1_000;
    assert_eq!(refused(world.sign_in(&mut thief).await), PasskeyError::Signature);
    thief.user = Some(encoded(&9_999_u64.to_be_bytes()));
    assert_eq!(refused(world.sign_in(&mut thief).await), PasskeyError::Unknown);
    // A copy counts on its own: whichever is behind is refused, and the audit log says so.
    assert!(world.sign_in(&mut laptop).await.is_ok());
    laptop.counter -= 1;
    assert_eq!(refused(world.sign_in(&mut laptop).await), PasskeyError::Counter);
    for junk in ["", "{}", "[]", "{\"id\":\"\",\"response\":{}}"] {
        let unread = world.access.web_sign_in_by_passkey(junk, visit()).await;
        assert_eq!(refused(unread), PasskeyError::Unreadable("answer"), "{junk}");
    }
}

#[tokio::test]
async fn auth_4_what_an_account_may_register_is_limited() {
    let world = World::new().await;
    let mut first = Authenticator::new(b"first");
    let (begun, _) = world.enrol(&mut first).await;
    // The same again; a name that is none; an origin that is not ours.
    let again = world.add(&begun.token, &mut first).await;
    assert!(matches!(again, Err(AccessError::Directory(Error::Refused(_)))));
    let options = world
        .access
        .web_offer_passkey(begun.token.reveal(), PEER)
        .await
        .unwrap();
    assert_eq!(options["excludeCredentials"][0]["id"], json!(encoded(b"first")));
    let mut second = Authenticator::new(b"second");
    let answer = second.make(&options);
    let unnamed = world
        .access
        .web_add_passkey(begun.token.reveal(), " ", &answer, PEER)
        .await;
    assert!(matches!(unnamed, Err(AccessError::Directory(Error::Invalid(_)))));
    let added = world
        .access
        .web_add_passkey(begun.token.reveal(), "Two", &answer, PEER)
        .await;
    // Recovery codes are there already.
    assert!(added.unwrap().recovery_codes.is_empty());
    let replayed = world
        .access
        .web_add_passkey(begun.token.reveal(), "Two", &answer, PEER)
        .await;
    assert_eq!(refused(replayed), PasskeyError::Challenge);
    let third = world.add(&begun.token, &mut Authenticator::new(b"third")).await;
    assert!(matches!(third, Err(AccessError::Directory(Error::Limit { .. }))));
    // Recovery codes go with the last factor only.
    let anna = world.anna;
    world.access.remove_passkey(&world.directory, anna, 1).await.unwrap();
    assert_eq!(world.directory.factors(anna).await.unwrap().recovery_codes.len(), 10);
    let renamed = world.access.rename_passkey(&world.directory, anna, 2, "Phone").await;
    renamed.unwrap();
    let factors = world.directory.factors(anna).await.unwrap();
    assert_eq!(factors.passkeys[0].name, "Phone");
    world.access.remove_second_factor(&world.directory, anna).await.unwrap();
    assert_eq!(
        world
            .sign_in(&mut second)
            .await
            .map(drop)
            .map_err(|error| error.label()),
        Err("wrong-passkey")
    );
}
