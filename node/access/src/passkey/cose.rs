//! Public keys as COSE writes them (RFC 9053 §2), and what they verify (WebAuthn §6.5.5).

use minicbor::Decoder;
use minicbor::data::Type;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};

use super::PasskeyError;

/// The algorithms that are taken, the preferred one first (RFC 9053 §2.1, §2.2; RFC 8812 §2).
pub(super) const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];
const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;

const KEY_TYPE_OKP: i64 = 1;
const KEY_TYPE_EC2: i64 = 2;
const KEY_TYPE_RSA: i64 = 3;
const CURVE_P256: i64 = 1;
const CURVE_ED25519: i64 = 6;
/// Octets of a coordinate of P-256, and of an Ed25519 key.
const POINT_OCTETS: usize = 32;
/// The first octet of a point that is written out (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;
/// Longest modulus and exponent.
const RSA_OCTETS_MAX: usize = 1_024;

/// What verifies signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// ECDSA over P-256 with SHA-256: the point.
    Es256(Vec<u8>),
    /// Ed25519.
    EdDsa(Vec<u8>),
    /// RSASSA-PKCS1-v1_5 with SHA-256: modulus and exponent.
    Rs256(Vec<u8>, Vec<u8>),
}

/// The parameters of a key, by their labels (RFC 9052 §7.1, RFC 9053 §7, RFC 8230 §4).
#[derive(Default)]
struct Parameters {
    kind: Option<i64>,
    algorithm: Option<i64>,
    curve: Option<i64>,
    /// Labels -1, -2 and -3 where they are octets.
    octets: [Option<Vec<u8>>; 3],
}

impl Parameters {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, minicbor::decode::Error> {
        let mut read = Self::default();
        let count = decoder.map()?;
        let mut left = count.unwrap_or(u64::MAX);
        while left > 0 {
            if count.is_none() && decoder.datatype()? == Type::Break {
                decoder.skip()?;
                break;
            }
            left -= 1;
            match decoder.i64()? {
                1 => read.kind = Some(decoder.i64()?),
                3 => read.algorithm = Some(decoder.i64()?),
                -1 if decoder.datatype()? != Type::Bytes => read.curve = Some(decoder.i64()?),
                -1 => read.octets[0] = Some(decoder.bytes()?.to_vec()),
                // A compressed point has a bool here, and is not for WebAuthn (§5.8.5).
                -2 if decoder.datatype()? == Type::Bytes => read.octets[1] = Some(decoder.bytes()?.to_vec()),
                -3 if decoder.datatype()? == Type::Bytes => read.octets[2] = Some(decoder.bytes()?.to_vec()),
                _ => decoder.skip()?,
            }
        }
        Ok(read)
    }

    fn key(self) -> Option<PublicKey> {
        let [first, second, third] = self.octets;
        let is_point = |octets: &Vec<u8>| octets.len() == POINT_OCTETS;
        let is_number = |octets: &Vec<u8>| (1..=RSA_OCTETS_MAX).contains(&octets.len());
        match (self.kind?, self.algorithm?, self.curve) {
            (KEY_TYPE_EC2, ES256, Some(CURVE_P256)) => {
                let (x, y) = (second.filter(is_point)?, third.filter(is_point)?);
                Some(PublicKey::Es256([vec![UNCOMPRESSED], x, y].concat()))
            }
            (KEY_TYPE_OKP, EDDSA, Some(CURVE_ED25519)) => Some(PublicKey::EdDsa(second.filter(is_point)?)),
            (KEY_TYPE_RSA, RS256, None) => Some(PublicKey::Rs256(first.filter(is_number)?, second.filter(is_number)?)),
            _ => None,
        }
    }
}

impl PublicKey {
    /// Reads a key; what follows it is left alone. Gives the octets that are the key, too.
    pub(super) fn read(octets: &[u8]) -> Result<(Self, &[u8]), PasskeyError> {
        let mut decoder = Decoder::new(octets);
        let parameters = Parameters::read(&mut decoder).map_err(|_| PasskeyError::Unreadable("public key"))?;
        let own = octets.get(..decoder.position()).unwrap_or(octets);
        let key = parameters.key().ok_or(PasskeyError::Algorithm)?;
        Ok((key, own))
    }

    /// Whether `signature` is over `message`, by whoever has the private key.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            Self::Es256(point) => {
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Self::EdDsa(key) => UnparsedPublicKey::new(&signature::ED25519, key).verify(message, signature),
            Self::Rs256(modulus, exponent) => {
                // Numbers are without leading zeros for ring; some authenticators write one.
                let plain = |number: &[u8]| {
                    let zeros = number.iter().take_while(|octet| **octet == 0).count();
                    number.get(zeros..).unwrap_or_default().to_vec()
                };
                let key = RsaPublicKeyComponents {
                    n: plain(modulus),
                    e: plain(exponent),
                };
                key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        };
        verified.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
        let pairs = digits.chunks(2);
        pairs
            .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
            .collect()
    }

    /// Made with OpenSSL: an RSA key of 2,048 bits, and its signature over "hello".
    const MODULUS: &str = "\
             d15a4e7a2011b34160c2ac3ac505c808474036fb4529625b2831b6644cd0f21b136d738bfb1dae1b1d9ff1fc121b36512a8b\
             ee4b20e4b0a560158edfa23a001724f6bb3e7ef98a22069d9d62625354d7de7fe5c9ab1efda0d56783ffcdbbc3c8c4a1080c\
             a814aa667dc1395bb94a0bedb540b0e96845b003f0750f5fb0a5d0b162b1925b2d44b18004dfb25e5dc96cdaa415cbe13d37\
             fb5ceab660ef4c6690e4d4788795cd087750b00a511763b7637ff40b1497533da4fff493d5b916b7a492324bc5910e6f006b\
             bf5c06fbb952aa96ce6bb613b06eca565da8fb353e42e8e78f5d7b0b06033152d224531b70852cdb9a69de96e83b5abaa013\
             0238d869d6ff";
    const SIGNATURE: &str = "\
             449ee4aa1b8c7b5b9f7ef1bf87cf14e73d62d67379590aa0f28efe6c35ccb77488a14c336b3316ae3a8fe5df5506c7aca72e\
             48b4d0de9f2c823443c75391df986c6627156e1792d04ed8f21eba08eb06b16adb0f8ecad3b33d6e274c744c34a771fd9182\
             a42f79966f92aaed157802ea4d712d469d8ec53658fe4a5d8b03c9c4aa26bf1e9161abb647c2bfacc944f285ef26d5d986aa\
             0c1e6b165feff72505e1e680991911ab3e782f63f20c43f1a023a596301f2efecef7d0c0f2ecac58968bfadc54f293a91b44\
             4f2313d0dee92ec730bd356a11678cf7c54bf0fdab63a59fbf87be87ab91c11bea21ede2a7242dcc68a4656e0118264d9acb\
             8391739c600c";

    #[test]
    fn auth_4_rsa_keys_verify() {
        let key = format!("a40103033901002059 0100{MODULUS}2143010001");
        let (key, own) = PublicKey::read(&octets(&key))
            .map(|(key, own)| (key, own.len()))
            .unwrap();
        assert_eq!(own, 4 + 5 + 1 + 3 + 256 - 2 + 5);
        assert!(key.verifies(b"hello", &octets(SIGNATURE)));
        assert!(!key.verifies(b"hallo", &octets(SIGNATURE)));
        assert!(!key.verifies(b"hello", &[]));
    }

    #[test]
    fn auth_4_only_whole_keys_of_known_kinds_are_read() {
        let check = |hex: &str, expect: PasskeyError| {
            assert_eq!(PublicKey::read(&octets(hex)).err(), Some(expect), "{hex}");
        };
        let (x, y) = ("11".repeat(32), "22".repeat(32));
        let whole = format!("a5010203262001215820{x}225820{y}");
        assert!(PublicKey::read(&octets(&whole)).is_ok());
        // What follows is left alone; a map of unsaid length is read, too.
        let (_, own) = PublicKey::read(&octets(&format!("{whole}a0")))
            .map(|(key, own)| (key, own.len()))
            .unwrap();
        assert_eq!(own, whole.len() / 2);
        assert!(PublicKey::read(&octets(&format!("bf010203262001215820{x}225820{y}ff"))).is_ok());
        check("", PasskeyError::Unreadable("public key"));
        check("a5010203", PasskeyError::Unreadable("public key"));
        check("a0", PasskeyError::Algorithm);
        // P-384, a compressed point, a coordinate cut short, an algorithm that is not taken.
        check(&format!("a5010203262002215820{x}225820{y}"), PasskeyError::Algorithm);
        check(&format!("a5010203262001215820{x}22f5"), PasskeyError::Algorithm);
        check(&format!("a501020326200121411122 5820{y}"), PasskeyError::Algorithm);
        check(&format!("a501020338222001215820{x}225820{y}"), PasskeyError::Algorithm);
    }
}
