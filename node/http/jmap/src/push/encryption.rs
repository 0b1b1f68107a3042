//! Encryption of what is pushed (RFC 8291), in one record of `aes128gcm` (RFC 8188).

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::error::Unspecified;
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::rand::SystemRandom;

use super::subscription_record::PushKeys;

/// RFC 8188 §2.1: octets of a record; ours is one.
const RECORD_OCTETS: u32 = 4_096;
/// What a push service must take, without header, tag and the octet that ends the text (RFC 8291 §4).
pub(super) const TEXT_OCTETS_MAX: usize = 3_993;

/// How long a derived value is.
struct Octets(usize);

impl KeyType for Octets {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(prk: &Prk, info: &[&[u8]]) -> Result<[u8; N], Unspecified> {
    let mut out = [0; N];
    prk.expand(info, Octets(N))?.fill(&mut out)?;
    Ok(out)
}

/// The keys of both sides, and the salt.
struct Sides<'a> {
    client: &'a PushKeys,
    server_public: &'a [u8],
    salt: [u8; 16],
}

/// The body that carries `text` to who has the keys; `salt` is never used twice.
pub(super) fn encrypt(text: &[u8], client: &PushKeys, salt: [u8; 16]) -> Result<Vec<u8>, Unspecified> {
    if text.len() > TEXT_OCTETS_MAX {
        return Err(Unspecified);
    }
    let private = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new())?;
    let public = private.compute_public_key()?;
    let sides = Sides {
        client,
        server_public: public.as_ref(),
        salt,
    };
    let peer = UnparsedPublicKey::new(&ECDH_P256, &client.p256dh);
    agree_ephemeral(private, &peer, |secret| seal(text, secret, &sides))?
}

fn seal(text: &[u8], secret: &[u8], sides: &Sides<'_>) -> Result<Vec<u8>, Unspecified> {
    let (key, nonce) = derive(secret, sides)?;
    let mut sealed = text.to_vec();
    // RFC 8188 §2: the last record ends with 2 and padding, of which there is none.
    sealed.push(2);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)?;
    let mut body = sides.salt.to_vec();
    body.extend_from_slice(&RECORD_OCTETS.to_be_bytes());
    body.push(u8::try_from(sides.server_public.len()).map_err(|_| Unspecified)?);
    body.extend_from_slice(sides.server_public);
    body.extend_from_slice(&sealed);
    Ok(body)
}

/// RFC 8291 §3.4: key and nonce of the content.
fn derive(secret: &[u8], sides: &Sides<'_>) -> Result<([u8; 16], [u8; 12]), Unspecified> {
    let combined = Salt::new(HKDF_SHA256, &sides.client.auth).extract(secret);
    let info: [&[u8]; 3] = [b"WebPush: info\0", &sides.client.p256dh, sides.server_public];
    let material: [u8; 32] = expand(&combined, &info)?;
    let prk = Salt::new(HKDF_SHA256, &sides.salt).extract(&material);
    let key = expand(&prk, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce = expand(&prk, &[b"Content-Encoding: nonce\0"])?;
    Ok((key, nonce))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    fn read(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// RFC 8291 §5 and appendix A, from the shared secret on.
    #[test]
    fn seals_the_example_of_rfc_8291() {
        let client = PushKeys {
            p256dh: read("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
            auth: read("BTBZMqHH6r4Tts7J_aSIgg"),
        };
        let server = read("BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8");
        let secret = read("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs");
        let sides = Sides {
            client: &client,
            server_public: &server,
            salt: read("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap(),
        };
        let body = seal(b"When I grow up, I want to be a watermelon", &secret, &sides).unwrap();
        let expect = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(body), expect);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let client = PushKeys {
            p256dh: vec![4; 65],
            auth: vec![0; 16],
        };
        assert!(encrypt(b"x", &client, [0; 16]).is_err());
    }
}
