//! Enveloped signatures of our own, in the profile of SAML Core §5.4: RSA with SHA-256 over the exclusive canonical form.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::RSA_PKCS1_SHA256;

use super::key::Signer;
use crate::Fault;
use crate::xml::{EXCLUSIVE, SIGNATURE, Tree};

pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// Core §5.4.2, §3.2.1: the signature follows the issuer, which is the first thing in what we sign.
const BEFORE: &str = "</saml:Issuer>";

fn broken() -> Fault {
    Fault::Unreadable("what was to be signed")
}

impl Signer {
    /// The value of a signature over `octets`.
    pub(crate) fn value(&self, octets: &[u8]) -> Result<String, Fault> {
        let mut value = vec![0; self.pair.public().modulus_len()];
        let signed = self
            .pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), octets, &mut value);
        signed.map_err(|_| broken())?;
        Ok(STANDARD.encode(value))
    }

    /// The canonical form of an element that is called `id`, signed. It begins with its issuer.
    pub(crate) fn envelop(&self, text: &str, id: &str) -> Result<String, Fault> {
        let canonical = {
            let tree = Tree::read(text, text.len())?;
            tree.root()?.canonical(None, &[], text.len().saturating_mul(4))?
        };
        // Written in canonical form, with the one namespace that it uses.
        let info = format!(
            "<ds:SignedInfo xmlns:ds=\"{SIGNATURE}\"><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"></ds:SignatureMethod><ds:Reference URI=\"#{id}\"><ds:Transforms>\
             <ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform><ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
             <ds:DigestValue>{}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
            STANDARD.encode(digest(&SHA256, canonical.as_bytes())),
        );
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{SIGNATURE}\">{info}<ds:SignatureValue>{}</ds:SignatureValue>\
             <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
            self.value(info.as_bytes())?,
            STANDARD.encode(self.certificate.der()),
        );
        let (begin, rest) = canonical.split_once(BEFORE).ok_or_else(broken)?;
        Ok(format!("{begin}{BEFORE}{signature}{rest}"))
    }
}
