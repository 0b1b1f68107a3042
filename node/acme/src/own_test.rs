//! What is taken and what is refused, each with its reason.

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};

use super::*;

const DAY: i64 = 86_400;
/// 2026-01-01.
const NOW: i64 = 1_767_225_600;

fn params(names: &[&str], days: (i64, i64)) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    let at = |days: i64| {
        let time = x509_parser::time::ASN1Time::from_timestamp(NOW + days * DAY).unwrap();
        time.to_datetime()
    };
    params.not_before = at(days.0);
    params.not_after = at(days.1);
    params
}

/// An authority: its certificate and what signs.
fn authority(name: &str) -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = params(&[], (-100, 1_000));
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(params, key))
}

fn signed(names: &[&str], days: (i64, i64), issuer: &Issuer<'static, KeyPair>) -> CertificatePem {
    let key = KeyPair::generate().unwrap();
    let certificate = params(names, days).signed_by(&key, issuer).unwrap();
    CertificatePem {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    }
}

fn with(pem: &CertificatePem, chain: &str) -> CertificatePem {
    CertificatePem {
        certificate: format!("{}{chain}", pem.certificate),
        key: pem.key.clone(),
    }
}

fn check(pem: &CertificatePem) -> Result<Vec<String>, String> {
    let record = look_over(pem, "a.test", NOW * 1_000);
    record.map(|record| record.names).map_err(|fault| fault.to_string())
}

#[test]
fn lgn_7_a_certificate_with_its_chain_and_key_is_taken_for_the_domain_s_names_alone() {
    let (root, issuer) = authority("Some CA");
    let good = signed(&["mail.a.test", "*.a.test", "other.test"], (-1, 90), &issuer);
    let names = check(&with(&good, &root)).unwrap();
    assert_eq!(
        names,
        ["mail.a.test", "*.a.test"],
        "others' names are not served with it"
    );
    assert!(covers("*.a.test", "imap.a.test") && covers("a.test", "a.test"));
    assert!(!covers("*.a.test", "a.test") && !covers("*.a.test", "x.y.a.test"));
    assert!(is_of("x.a.test", "a.test") && !is_of("xa.test", "a.test"));
}

#[test]
fn lgn_7_what_cannot_be_used_is_refused_with_the_reason() {
    let (root, issuer) = authority("Some CA");
    let (stranger, other_issuer) = authority("Some CA");
    let (unrelated, _) = authority("Other CA");
    let good = signed(&["mail.a.test"], (-1, 90), &issuer);
    let refused = |pem: &CertificatePem, expect: &str| {
        let why = check(pem).unwrap_err();
        assert!(why.contains(expect), "{why}");
    };
    let other = signed(&["mail.a.test"], (-1, 90), &other_issuer);
    let mixed = CertificatePem {
        key: other.key,
        ..with(&good, &root)
    };
    refused(&mixed, "does not belong");
    refused(&with(&signed(&["a.test"], (-90, -1), &issuer), &root), "expired on");
    refused(&with(&signed(&["a.test"], (1, 90), &issuer), &root), "only from");
    refused(
        &with(&signed(&["mail.b.test"], (-1, 90), &issuer), &root),
        "is for mail.b.test and not for a.test",
    );
    refused(&with(&signed(&[], (-1, 90), &issuer), &root), "no host name at all");
    refused(&good, "the chain is missing: the certificate of CN=Some CA");
    refused(
        &with(&good, &unrelated),
        "CN=Some CA is to follow, and CN=Other CA does",
    );
    refused(&with(&good, &stranger), "the chain is broken");
    let key = KeyPair::generate().unwrap();
    let alone = CertificatePem {
        certificate: params(&["a.test"], (-1, 90)).self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    };
    refused(&alone, "signed by itself");
    let no_key = CertificatePem {
        key: "none".to_owned(),
        ..with(&good, &root)
    };
    refused(&no_key, "the key is no PEM");
    let nothing = CertificatePem {
        certificate: String::new(),
        key: good.key.clone(),
    };
    refused(&nothing, "the certificate is no PEM");
    let huge = with(&good, &"x".repeat(PEM_OCTETS_MAX));
    refused(&huge, "64 KiB");
}
