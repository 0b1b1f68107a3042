//! A provider that can be told to lie. What it writes is canonical as it stands, so that the digests do not depend on what reads it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hongyan_env::Env;
use rcgen::{CertificateParams, KeyPair};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

pub const ENTITY: &str = "https://login.acme.test/saml";
pub const SIGN_IN: &str = "https://login.acme.test/saml/sign-in?tenant=1";

/// A key, and the certificate that shows it.
pub struct Key {
    pair: EcdsaKeyPair,
    pub pem: String,
}

impl Key {
    pub fn make() -> Self {
        let pair = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["login.acme.test".to_owned()]).unwrap();
        let pem = certificate.self_signed(&pair).unwrap().pem();
        let random = SystemRandom::new();
        let der = pair.serialize_der();
        Self {
            pair: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &random).unwrap(),
            pem,
        }
    }
}

impl Key {
    /// A signature over octets as they are.
    pub fn sign(&self, octets: &[u8]) -> Vec<u8> {
        self.pair.sign(&SystemRandom::new(), octets).unwrap().as_ref().to_vec()
    }
}

pub fn now_secs() -> i64 {
    Env::real().wall_millis() / 1_000
}

pub fn moment(secs: i64) -> String {
    jiff::Timestamp::from_second(secs).unwrap().to_string()
}

/// What it says.
#[derive(Clone)]
pub struct Words {
    pub assertion_id: String,
    pub issuer: String,
    pub name_id: String,
    pub format: String,
    pub method: String,
    pub recipient: String,
    pub request: String,
    pub confirmed_until: i64,
    pub not_before: i64,
    pub not_after: i64,
    pub audience: String,
    pub conditions: String,
    pub proved: i64,
    pub attributes: String,
    pub statement: String,
    // Around the assertion.
    pub destination: String,
    pub around_issuer: String,
    pub status: String,
    pub around_request: String,
    pub version: String,
    // How it is signed.
    pub signature_method: String,
    pub digest_method: String,
    pub transforms: String,
    pub refers_to: Option<String>,
}

pub fn attribute(name: &str, value: &str) -> String {
    format!("<saml:Attribute Name=\"{name}\"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>")
}

/// Between what a signature is over and its rest.
const ENVELOPED: &str =
    "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>";
pub const CANONICAL: &str = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform>";

impl Words {
    /// The truth, about whoever is on the way.
    pub fn about(request: &str, consumer: &str, audience: &str) -> Self {
        let now = now_secs();
        let mut random = [0; 16];
        Env::real().fill_random(&mut random);
        let id: String = random.iter().map(|octet| format!("{octet:02x}")).collect();
        Self {
            assertion_id: format!("_{id}"),
            issuer: ENTITY.to_owned(),
            name_id: "anna@example.test".to_owned(),
            format: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress".to_owned(),
            method: "urn:oasis:names:tc:SAML:2.0:cm:bearer".to_owned(),
            recipient: consumer.to_owned(),
            request: request.to_owned(),
            confirmed_until: now + 300,
            not_before: now - 5,
            not_after: now + 300,
            audience: audience.to_owned(),
            conditions: String::new(),
            proved: now,
            attributes: String::new(),
            statement: " SessionIndex=\"s1\"".to_owned(),
            destination: consumer.to_owned(),
            around_issuer: ENTITY.to_owned(),
            status: "Success".to_owned(),
            around_request: request.to_owned(),
            version: "2.0".to_owned(),
            signature_method: "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256".to_owned(),
            digest_method: "http://www.w3.org/2001/04/xmlenc#sha256".to_owned(),
            transforms: format!("{ENVELOPED}{CANONICAL}"),
            refers_to: None,
        }
    }

    /// The assertion, with a place for its signature.
    pub fn assertion(&self, signature: &str) -> String {
        let attributes = match self.attributes.as_str() {
            "" => String::new(),
            some => format!("<saml:AttributeStatement>{some}</saml:AttributeStatement>"),
        };
        format!(
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{}\" IssueInstant=\"{}\" Version=\"{}\">\
             <saml:Issuer>{}</saml:Issuer>{signature}<saml:Subject><saml:NameID Format=\"{}\">{}</saml:NameID>\
             <saml:SubjectConfirmation Method=\"{}\"><saml:SubjectConfirmationData InResponseTo=\"{}\" NotOnOrAfter=\"{}\" Recipient=\"{}\">\
             </saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>\
             <saml:Conditions NotBefore=\"{}\" NotOnOrAfter=\"{}\"><saml:AudienceRestriction><saml:Audience>{}</saml:Audience>\
             </saml:AudienceRestriction>{}</saml:Conditions><saml:AuthnStatement AuthnInstant=\"{}\"{}></saml:AuthnStatement>{attributes}</saml:Assertion>",
            self.assertion_id,
            moment(now_secs()),
            self.version,
            self.issuer,
            self.format,
            self.name_id,
            self.method,
            self.request,
            moment(self.confirmed_until),
            self.recipient,
            moment(self.not_before),
            moment(self.not_after),
            self.audience,
            self.conditions,
            moment(self.proved),
            self.statement,
        )
    }

    /// A signature over `text`, the canonical form of what has the name `id`.
    pub fn sign(&self, key: &Key, text: &str, id: &str) -> String {
        let refers_to = self.refers_to.as_deref().unwrap_or(id);
        let place = if refers_to.is_empty() {
            String::new()
        } else {
            format!("#{refers_to}")
        };
        let info = format!(
            "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">\
             </ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"{}\"></ds:SignatureMethod><ds:Reference URI=\"{place}\"><ds:Transforms>{}</ds:Transforms>\
             <ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod><ds:DigestValue>{}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
            self.signature_method,
            self.transforms,
            self.digest_method,
            STANDARD.encode(digest(&SHA256, text.as_bytes())),
        );
        let value = key.sign(info.as_bytes());
        format!(
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{info}<ds:SignatureValue>{}</ds:SignatureValue></ds:Signature>",
            STANDARD.encode(value)
        )
    }

    pub fn signed_assertion(&self, key: &Key) -> String {
        let signature = self.sign(key, &self.assertion(""), &self.assertion_id);
        self.assertion(&signature)
    }

    /// A response around something; `signature` is its own.
    pub fn around(&self, signature: &str, within: &str) -> String {
        format!(
            "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"{} ID=\"_r1\"{} IssueInstant=\"{}\" Version=\"{}\">\
             <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{}</saml:Issuer>{signature}\
             <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:{}\"></samlp:StatusCode></samlp:Status>{within}</samlp:Response>",
            named("Destination", &self.destination),
            named("InResponseTo", &self.around_request),
            moment(now_secs()),
            self.version,
            self.around_issuer,
            self.status,
        )
    }

    /// Signed as most do: the assertion.
    pub fn response(&self, key: &Key) -> String {
        self.around("", &self.signed_assertion(key))
    }

    /// Signed as others do: the response.
    pub fn signed_response(&self, key: &Key) -> String {
        let within = self.assertion("");
        let signature = self.sign(key, &self.around("", &within), "_r1");
        self.around(&signature, &within)
    }
}

fn named(name: &str, value: &str) -> String {
    match value {
        "" => String::new(),
        value => format!(" {name}=\"{value}\""),
    }
}
