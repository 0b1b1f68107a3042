//! A new RSA key of 2048 bits, as PKCS #8 (RFC 5208 §5, RFC 8017 §A.1.2), with a certificate that it has signed itself. Ring signs with
//! such keys and checks them when they are read, but makes none.

use crypto_bigint::U1024;
use crypto_bigint::rand_core::{Infallible, TryCryptoRng, TryRng};
use crypto_primes::{Flavor, random_prime};
use hongyan_env::Env;
use num_bigint::BigUint;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, date_time_ymd};
use rustls_pki_types::PrivatePkcs8KeyDer;
use yasna::models::ObjectIdentifier;

/// How long its certificate says that it is good, in years. Applications that look at that ask for a new one in time.
const YEARS: i16 = 10;
const PRIME_BITS: u32 = 1_024;
const MODULUS_BITS: u64 = 2_048;
const EXPONENT: u32 = 65_537;
const RSA_ENCRYPTION: [u64; 7] = [1, 2, 840, 113_549, 1, 1, 1];

/// A key with its certificate.
pub(super) struct Made {
    /// PKCS #8.
    pub(super) key: Vec<u8>,
    /// DER.
    pub(super) certificate: Vec<u8>,
}

/// The random numbers of the node.
struct Random<'e>(&'e Env);

impl TryRng for Random<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut octets = [0; 4];
        self.0.fill_random(&mut octets);
        Ok(u32::from_be_bytes(octets))
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut octets = [0; 8];
        self.0.fill_random(&mut octets);
        Ok(u64::from_be_bytes(octets))
    }
    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_random(octets);
        Ok(())
    }
}

impl TryCryptoRng for Random<'_> {}

fn prime(env: &Env) -> BigUint {
    let found: U1024 = random_prime(&mut Random(env), Flavor::Any, PRIME_BITS);
    BigUint::from_bytes_be(found.to_be_bytes().as_ref())
}

/// RSAPrivateKey of two primes; nothing where they do not fit.
fn private_key(p: &BigUint, q: &BigUint) -> Option<Vec<u8>> {
    let (modulus, one) = (p * q, BigUint::from(1_u8));
    // FIPS 186-5 §A.1.1: the primes lie far enough apart.
    let distance = if p > q { p - q } else { q - p };
    if modulus.bits() != MODULUS_BITS || distance.bits() + 100 < u64::from(PRIME_BITS) {
        return None;
    }
    let (p_less, q_less, exponent) = (p - &one, q - &one, BigUint::from(EXPONENT));
    // None where the exponent has a factor in common with it.
    let private = exponent.modinv(&(&p_less * &q_less))?;
    let numbers = [
        modulus,
        exponent,
        private.clone(),
        p.clone(),
        q.clone(),
        &private % &p_less,
        &private % &q_less,
        q.modinv(p)?,
    ];
    Some(yasna::construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_u8(0);
            for number in &numbers {
                writer.next().write_bigint_bytes(&number.to_bytes_be(), true);
            }
        });
    }))
}

fn wrapped(private_key: &[u8]) -> Vec<u8> {
    yasna::construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_u8(0);
            writer.next().write_sequence(|writer| {
                writer.next().write_oid(&ObjectIdentifier::from_slice(&RSA_ENCRYPTION));
                writer.next().write_null();
            });
            writer.next().write_bytes(private_key);
        });
    })
}

/// Makes a key. It takes a second or so: not for where others wait.
pub(super) fn make(env: &Env, name: &str) -> Result<Made, rcgen::Error> {
    let key = loop {
        let (mut p, mut q) = (prime(env), prime(env));
        if p < q {
            std::mem::swap(&mut p, &mut q);
        }
        if let Some(key) = private_key(&p, &q) {
            break wrapped(&key);
        }
    };
    let pair = KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(key.as_slice()), &PKCS_RSA_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let now = jiff::Timestamp::from_millisecond(env.wall_millis()).unwrap_or_default();
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let day = |years: i16| {
        let (month, day) = (today.month().unsigned_abs(), today.day().unsigned_abs().min(28));
        date_time_ymd(i32::from(today.year().saturating_add(years)), month, day)
    };
    params.not_before = day(0);
    params.not_after = day(YEARS);
    let certificate = params.self_signed(&pair)?;
    Ok(Made {
        key,
        certificate: certificate.der().to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

    use super::*;
    use crate::Certificate;
    use crate::certificate::Algorithm;

    #[test]
    fn api_2_what_a_new_key_signs_its_certificate_verifies() {
        let env = Env::real();
        let made = make(&env, "login.acme.test").unwrap();
        let pair = RsaKeyPair::from_pkcs8(&made.key).unwrap();
        let mut signature = vec![0; pair.public().modulus_len()];
        assert_eq!(signature.len(), 256);
        let random = SystemRandom::new();
        pair.sign(&RSA_PKCS1_SHA256, &random, b"words", &mut signature).unwrap();
        let certificate = Certificate::of(made.certificate).unwrap();
        let algorithm = Algorithm::named("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256").unwrap();
        assert!(certificate.has_signed(&algorithm, b"words", &signature));
        assert!(!certificate.has_signed(&algorithm, b"other words", &signature));
        let years = (certificate.shown().not_after.millis - env.wall_millis()) / (1_000 * 86_400 * 365);
        assert!((9..=10).contains(&years), "{years}");
    }

    #[test]
    fn primes_that_do_not_fit_are_not_taken() {
        let p = BigUint::from(1_000_003_u32);
        assert_eq!(private_key(&p, &BigUint::from(1_000_033_u32)), None);
    }
}
