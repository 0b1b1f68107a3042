//! How certificates stand, for operators.

use crate::acme::Acme;
use crate::order::AcmeError;

/// One subject: the operator's own names, or a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateStatus {
    /// The domain; empty for the operator's own.
    pub subject: String,
    /// Names in the certificate; none when there is no certificate yet.
    pub names: Vec<String>,
    /// When it ends.
    pub not_after_millis: Option<i64>,
    /// How often it could not be ordered since.
    pub failures: u32,
    /// Why not, last.
    pub error: Option<String>,
    /// When it is tried again.
    pub next_millis: Option<i64>,
    /// Whether the organisation has brought it itself.
    pub is_own: bool,
}

impl Acme {
    /// The subjects whose last order failed, each with the reason.
    ///
    /// # Errors
    /// The store's.
    pub async fn failures(&self) -> Result<Vec<(String, String)>, AcmeError> {
        let failures = self.inner().store.failures().await?;
        Ok(failures
            .into_iter()
            .map(|(subject, failure)| (subject, failure.text))
            .collect())
    }

    /// All certificates, and all that failed.
    ///
    /// # Errors
    /// The store's.
    pub async fn status(&self) -> Result<Vec<CertificateStatus>, AcmeError> {
        let store = &self.inner().store;
        let (certificates, mut failures) = (self.inner().certificates().await?, store.failures().await?);
        let mut statuses = Vec::new();
        for (subject, own) in certificates.own.iter() {
            statuses.push(CertificateStatus {
                subject: subject.clone(),
                names: own.certificate.names.clone(),
                not_after_millis: Some(own.certificate.not_after_millis),
                failures: 0,
                error: None,
                next_millis: None,
                is_own: true,
            });
        }
        for (subject, certificate) in certificates.by_subject.iter() {
            let failure = failures.remove(subject);
            statuses.push(CertificateStatus {
                names: certificate.names.clone(),
                not_after_millis: Some(certificate.not_after_millis),
                failures: failure.as_ref().map_or(0, |failure| failure.failures),
                next_millis: failure.as_ref().map(|failure| failure.next_millis),
                error: failure.map(|failure| failure.text),
                subject: subject.clone(),
                is_own: false,
            });
        }
        for (subject, failure) in failures {
            statuses.push(CertificateStatus {
                subject,
                names: Vec::new(),
                not_after_millis: None,
                failures: failure.failures,
                error: Some(failure.text),
                next_millis: Some(failure.next_millis),
                is_own: false,
            });
        }
        statuses.sort_by(|a, b| a.subject.cmp(&b.subject));
        Ok(statuses)
    }
}
