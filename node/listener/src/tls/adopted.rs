//! Certificates that come and go while the node runs: from a certificate authority, shared by the nodes of a cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustls::server::ClientHello;
use rustls::sign::CertifiedKey;

use super::{CertificatePem, Offer, Site, TlsConfig, TlsError, site, site_of};

/// RFC 8737 §6.2.
pub(super) const ACME_TLS: &[u8] = b"acme-tls/1";

/// A certificate for some names.
#[derive(Debug, Clone)]
pub struct NamedCertificate {
    /// Host names as A-labels, lower case; `*` may be the first label.
    pub names: Vec<String>,
    /// The certificate and its key.
    pub pem: CertificatePem,
    /// It also serves clients that name no host or an unknown one.
    pub serves_unnamed: bool,
}

/// What was adopted last.
#[derive(Default)]
pub(super) struct Adopted {
    by_name: BTreeMap<String, Arc<Site>>,
    unnamed: Option<Arc<Site>>,
    /// By certificate, so that what stays is not made anew.
    by_text: BTreeMap<String, Arc<Site>>,
    /// Answers to a certificate authority, by name.
    challenges: BTreeMap<String, Arc<Site>>,
}

impl TlsConfig {
    /// Serves these certificates for their names, before those in files, and none that was adopted before. What cannot be used is
    /// left out and told. Connections that exist keep theirs.
    pub fn adopt(&self, certificates: &[NamedCertificate]) -> Vec<TlsError> {
        let (mut next, mut troubles) = (Adopted::default(), Vec::new());
        let before = Arc::clone(&self.0.adopted.read());
        for certificate in certificates {
            let text = &certificate.pem.certificate;
            let known = before.by_text.get(text).cloned().map(Ok);
            let made = known.unwrap_or_else(|| site(&certificate.pem, self.0.tickets.as_ref()).map(Arc::new));
            let made = match made {
                Ok(made) => made,
                Err(error) => {
                    troubles.push(error);
                    continue;
                }
            };
            for name in &certificate.names {
                next.by_name.insert(name.clone(), Arc::clone(&made));
            }
            if certificate.serves_unnamed {
                next.unnamed = Some(Arc::clone(&made));
            }
            next.by_text.insert(text.clone(), made);
        }
        let mut adopted = self.0.adopted.write();
        next.challenges.clone_from(&adopted.challenges);
        *adopted = Arc::new(next);
        troubles
    }

    /// Shows these to whoever checks by TLS-ALPN-01 (RFC 8737) that a name is ours, and none that was set before.
    pub fn set_challenges(&self, certificates: &[(String, CertificatePem)]) -> Vec<TlsError> {
        let (mut challenges, mut troubles) = (BTreeMap::new(), Vec::new());
        for (name, pem) in certificates {
            match challenge_site(pem) {
                Ok(made) => drop(challenges.insert(name.clone(), Arc::new(made))),
                Err(error) => troubles.push(error),
            }
        }
        let mut adopted = self.0.adopted.write();
        let next = Adopted {
            by_name: adopted.by_name.clone(),
            unnamed: adopted.unnamed.clone(),
            by_text: adopted.by_text.clone(),
            challenges,
        };
        *adopted = Arc::new(next);
        troubles
    }

    /// What answers a check by TLS-ALPN-01, if this is one and its answer is here.
    pub(super) fn challenge(&self, hello: &ClientHello<'_>) -> Option<Arc<Site>> {
        if self.1 != Offer::Http || hello.alpn()?.ne([ACME_TLS]) {
            return None;
        }
        let name = hello.server_name()?.to_ascii_lowercase();
        self.0.adopted.read().challenges.get(&name).cloned()
    }
}

/// A site whose certificate bears an extension that our own library refuses to check, as it must (RFC 8737 §3).
fn challenge_site(pem: &CertificatePem) -> Result<Site, TlsError> {
    let (chain, key) = pem.parse()?;
    let provider = rustls::crypto::ring::default_provider();
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(TlsError::Unusable)?;
    let mut made = site_of(CertifiedKey::new(chain, key), None)?;
    let mut config = rustls::ServerConfig::clone(&made.http);
    config.alpn_protocols = vec![ACME_TLS.to_vec()];
    made.http = Arc::new(config);
    Ok(made)
}

impl Adopted {
    pub(super) fn named(&self, name: Option<&str>) -> Option<Arc<Site>> {
        let name = name?.to_ascii_lowercase();
        let exact = self.by_name.get(&name);
        // RFC 6125 §6.4.3: `*` stands for the first label.
        let any = || self.by_name.get(&format!("*.{}", name.split_once('.')?.1));
        exact.or_else(any).cloned()
    }
    pub(super) fn unnamed(&self) -> Option<Arc<Site>> {
        self.unnamed.clone()
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;
    use crate::self_signed;

    fn named(name: &str, serves_unnamed: bool) -> NamedCertificate {
        NamedCertificate {
            names: vec![name.to_owned()],
            pem: self_signed(&[name.to_owned()]).unwrap(),
            serves_unnamed,
        }
    }

    fn der(pem: &CertificatePem) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem.certificate.as_bytes()).unwrap()
    }

    #[test]
    fn lgn_7_a_wildcard_serves_one_label_and_gives_way_to_the_name_itself() {
        let files = self_signed(&["mx.a.test".to_owned()]).unwrap();
        let tls = TlsConfig::from_pem(std::slice::from_ref(&files)).unwrap();
        let (any, exact) = (named("*.b.test", false), named("imap.b.test", false));
        assert!(tls.adopt(&[any.clone(), exact.clone()]).is_empty());
        for (name, expect) in [
            ("mail.b.test", &any.pem),
            ("imap.b.test", &exact.pem),
            ("x.y.b.test", &files),
            ("b.test", &files),
        ] {
            assert_eq!(tls.seal(name).unwrap().chain()[0], der(expect), "{name}");
        }
    }

    #[test]
    fn what_is_adopted_goes_before_files_for_its_names_and_no_others() {
        let files = ["mx.a.test", "imap.a.test"].map(|name| self_signed(&[name.to_owned()]).unwrap());
        let tls = TlsConfig::from_pem(&files).unwrap();
        let check = |name: &str, expect: &CertificatePem| {
            assert_eq!(tls.seal(name).unwrap().chain()[0], der(expect), "{name}");
        };
        let (mx, imap) = (&files[0], &files[1]);
        let first = named("imap.a.test", false);
        assert!(tls.adopt(std::slice::from_ref(&first)).is_empty());
        for (name, expect) in [("mx.a.test", mx), ("IMAP.A.test", &first.pem), ("other.test", mx)] {
            check(name, expect);
        }
        let second = named("b.test", true);
        let unusable = NamedCertificate {
            pem: CertificatePem {
                certificate: "none".to_owned(),
                key: String::new(),
            },
            ..named("broken.test", false)
        };
        assert_eq!(tls.adopt(&[unusable, second.clone()]).len(), 1);
        for (name, expect) in [
            ("mx.a.test", mx),
            ("imap.a.test", imap),
            ("b.test", &second.pem),
            ("broken.test", &second.pem),
            ("other.test", &second.pem),
        ] {
            check(name, expect);
        }
    }
}
