//! One order: names are proven, a key is made, a certificate comes.

use hongyan_listener::{CertificatePem, TlsConfig, TlsError};
use instant_acme::{AuthorizationStatus, ChallengeType, Identifier, NewOrder, Order, OrderStatus, RetryPolicy};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::acme::Inner;
use crate::record::{CertificateRecord, ChallengeRecord};
use crate::settings::Challenge;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    /// The authority does not answer, or refuses.
    #[error("the certificate authority: {0}")]
    Authority(#[from] instant_acme::Error),
    /// A name was not proven; the authority's words.
    #[error("{name} is not proven: {why}")]
    NotProven {
        /// Which.
        name: String,
        /// Why.
        why: String,
    },
    /// It wants a proof that we are not set up for.
    #[error("the certificate authority offers no {0} for {1}")]
    NoChallenge(&'static str, String),
    /// It took too long.
    #[error("the order took too long")]
    TooSlow,
    /// What came cannot be used.
    #[error("the certificate that came cannot be used: {0}")]
    Unusable(String),
    /// The key or the request could not be made.
    #[error("make a key")]
    Key(#[from] rcgen::Error),
    /// The account in the store cannot be read.
    #[error("the account in the store cannot be used")]
    Account(#[source] serde_json::Error),
    /// Names could not be looked up.
    #[error("look names up: {0}")]
    Dns(#[from] hongyan_env::DnsError),
    /// The directory's.
    #[error("read the domains")]
    Directory(#[from] hongyan_directory::Error),
    /// The store's.
    #[error("the store")]
    Storage(#[from] hongyan_kv::Error),
    /// TLS cannot be set up.
    #[error("set up TLS")]
    Tls(#[from] rustls::Error),
}

impl From<TlsError> for AcmeError {
    fn from(error: TlsError) -> Self {
        Self::Unusable(error.to_string())
    }
}

impl Challenge {
    fn kind(self) -> ChallengeType {
        match self {
            Self::Http01 => ChallengeType::Http01,
            Self::TlsAlpn01 => ChallengeType::TlsAlpn01,
        }
    }
    fn label(self) -> &'static str {
        match self {
            Self::Http01 => "http-01",
            Self::TlsAlpn01 => "tls-alpn-01",
        }
    }
}

impl Inner {
    /// Orders a certificate for `names`.
    pub(crate) async fn order(&self, names: &[String]) -> Result<CertificateRecord, AcmeError> {
        let mut tokens = Vec::new();
        let ordered = self
            .env
            .timeout(self.settings.order_within, self.order_with(names, &mut tokens));
        let ordered = ordered.await.unwrap_or(Err(AcmeError::TooSlow));
        if !tokens.is_empty()
            && let Err(error) = self.store.clear_challenges(&tokens).await
        {
            // The next sweep does.
            tracing::debug!(%error, "challenges not cleared");
        }
        ordered
    }

    async fn order_with(&self, names: &[String], tokens: &mut Vec<String>) -> Result<CertificateRecord, AcmeError> {
        let account = self.account().await?;
        let identifiers: Vec<_> = names.iter().cloned().map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
        self.answer(&mut order, tokens).await?;
        let retries = RetryPolicy::new().timeout(self.settings.order_within);
        let ready = order.poll_ready(&retries).await;
        if !matches!(ready, Ok(OrderStatus::Ready)) {
            return Err(self.why_not(&mut order).await.unwrap_or_else(|| match ready {
                Err(error) => error.into(),
                Ok(_) => AcmeError::Unusable("the order is not valid".to_owned()),
            }));
        }
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = DistinguishedName::new();
        order.finalize_csr(params.serialize_request(&key)?.der()).await?;
        let chain = order.poll_certificate(&retries).await?;
        examined(names, chain, key.serialize_pem())
    }

    /// Shows the answers to all challenges, and then tells the authority to look.
    async fn answer(&self, order: &mut Order, tokens: &mut Vec<String>) -> Result<(), AcmeError> {
        let challenge = self.settings.challenge;
        let mut answers = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status != AuthorizationStatus::Pending {
                continue;
            }
            let name = authorization.identifier().to_string();
            let Some(offered) = authorization.challenge(challenge.kind()) else {
                return Err(AcmeError::NoChallenge(challenge.label(), name));
            };
            let answer = ChallengeRecord {
                name,
                authorization: offered.key_authorization().as_str().to_owned(),
                created_millis: self.env.wall_millis(),
            };
            answers.push((offered.token.clone(), answer));
        }
        if answers.is_empty() {
            return Ok(());
        }
        tokens.extend(answers.iter().map(|(token, _)| token.clone()));
        self.store.set_challenges(&answers).await?;
        if challenge == Challenge::TlsAlpn01 {
            // Whatever node it comes to must have seen the answer; a file is read from the store when it is asked for.
            self.env.sleep(self.settings.settle).await;
        }
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status == AuthorizationStatus::Pending
                && let Some(mut offered) = authorization.challenge(challenge.kind())
            {
                offered.set_ready().await?;
            }
        }
        Ok(())
    }

    /// The authority's own words for the name that was not proven.
    async fn why_not(&self, order: &mut Order) -> Option<AcmeError> {
        let mut authorizations = order.authorizations();
        while let Some(Ok(mut authorization)) = authorizations.next().await {
            let name = authorization.identifier().to_string();
            let state = authorization.refresh().await.ok()?;
            if let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
                let why = problem.detail.clone().unwrap_or_else(|| problem.to_string());
                return Some(AcmeError::NotProven { name, why });
            }
        }
        None
    }
}

/// What came, once it is known to be of use.
fn examined(names: &[String], chain: String, key: String) -> Result<CertificateRecord, AcmeError> {
    let unusable = |why: &str| AcmeError::Unusable(why.to_owned());
    let pem = CertificatePem {
        certificate: chain,
        key,
    };
    TlsConfig::from_pem(std::slice::from_ref(&pem))?;
    let own = CertificateDer::from_pem_slice(pem.certificate.as_bytes()).map_err(|_| unusable("it is no PEM"))?;
    let (_, own) = X509Certificate::from_der(&own).map_err(|_| unusable("it is no certificate"))?;
    let alternative = own.subject_alternative_name().ok().flatten();
    let is_named = |name: &String| {
        alternative.as_ref().is_some_and(|alternative| {
            let mut general = alternative.value.general_names.iter();
            general.any(
                |general| matches!(general, x509_parser::extensions::GeneralName::DNSName(found) if *found == name),
            )
        })
    };
    if let Some(missing) = names.iter().find(|name| !is_named(name)) {
        return Err(unusable(&format!("{missing} is not in it")));
    }
    let validity = own.validity();
    let (not_before_millis, not_after_millis) = (
        validity.not_before.timestamp().saturating_mul(1000),
        validity.not_after.timestamp().saturating_mul(1000),
    );
    Ok(CertificateRecord {
        names: names.to_vec(),
        chain: pem.certificate,
        key: pem.key,
        not_before_millis,
        not_after_millis,
    })
}
