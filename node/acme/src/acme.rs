//! The two things that go on: every node shows what is in the store, and one orders what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hongyan_directory::Directory;
use hongyan_env::{DnsError, Env};
use hongyan_http_discovery::Offer;
use hongyan_kv::Database;
use hongyan_listener::{CertificatePem, NamedCertificate, TlsConfig};
use hongyan_types::{Domain, TenantId};
use parking_lot::Mutex;
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use ring::digest;

use crate::metrics::Metrics;
use crate::order::AcmeError;
use crate::own::{covers, is_still_theirs};
use crate::record::{CertificateRecord, ChallengeRecord, FailureRecord, OwnRecord};
use crate::settings::{AcmeSettings, Challenge};
use crate::store::{CHALLENGE_MILLIS_MAX, Certificates, Store};
use crate::wanted;
use crate::web::Web;

/// The subject that has the operator's own names.
const OPERATOR: &str = "";
/// Tenants and domains read at once.
const PAGE: usize = 500;
/// Pause after the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(2);
/// A certificate that fails and ends so soon is an operator's business.
const URGENT_MILLIS: i64 = 7 * 86_400_000;

/// What it is made of.
pub struct AcmeParts {
    /// Clock, network, DNS.
    pub env: Env,
    /// Where certificates are kept.
    pub database: Database,
    /// Whose domains there are.
    pub directory: Directory,
    /// Which names are published.
    pub offer: Arc<Offer>,
    /// Where certificates are shown.
    pub tls: TlsConfig,
    /// Whether this node is the one that orders, now. For a moment two may be, which costs an order.
    pub is_mine: Arc<dyn Fn() -> bool + Send + Sync>,
    /// The limits.
    pub settings: AcmeSettings,
}

/// Certificates from an authority; clones share it.
#[derive(Clone)]
pub struct Acme(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) env: Env,
    pub(crate) store: Store,
    pub(crate) settings: AcmeSettings,
    pub(crate) web: Web,
    pub(crate) directory: Directory,
    offer: Arc<Offer>,
    tls: TlsConfig,
    is_mine: Arc<dyn Fn() -> bool + Send + Sync>,
    metrics: Metrics,
    /// What was read last.
    kept: Mutex<Certificates>,
    /// What is shown.
    shown: Mutex<Certificates>,
    /// When the names of a subject are looked at again.
    looks: Mutex<BTreeMap<String, i64>>,
    /// What could not be shown, told once.
    told: Mutex<BTreeSet<String>>,
}

impl Acme {
    /// Certificates from the authority that the settings name.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(parts: AcmeParts) -> Result<Self, AcmeError> {
        let web = Web::new(parts.env.clone(), &parts.settings.roots)?;
        Ok(Self(Arc::new(Inner {
            env: parts.env,
            store: Store::new(parts.database, parts.directory.sealer().clone()),
            settings: parts.settings,
            web,
            directory: parts.directory,
            offer: parts.offer,
            tls: parts.tls,
            is_mine: parts.is_mine,
            metrics: Metrics::new(),
            kept: Mutex::default(),
            shown: Mutex::default(),
            looks: Mutex::default(),
            told: Mutex::default(),
        })))
    }

    /// Whether there is an authority to order from.
    #[must_use]
    pub fn orders(&self) -> bool {
        !self.0.settings.directory.is_empty()
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Shows what is in the store, for ever; soon after each change.
    pub async fn follow(self) {
        loop {
            match self.0.show().await {
                Ok(watch) => {
                    // A watch may be lost, or fail: then the period is the net.
                    let changed = self.0.env.timeout(self.0.settings.look_every, watch).await;
                    if let Some(Err(_)) = changed {
                        self.0.env.sleep(STORE_PAUSE).await;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "certificates could not be read");
                    self.0.env.sleep(STORE_PAUSE).await;
                }
            }
        }
    }

    /// Orders what is missing or ends soon, for ever, while this node is the one to.
    pub async fn keep(self) {
        loop {
            if (self.0.is_mine)()
                && let Err(error) = self.round().await
            {
                tracing::warn!(%error, cause = ?std::error::Error::source(&error), "certificates could not be looked after");
            }
            self.0.env.sleep(self.0.settings.round_every).await;
        }
    }

    /// One round over all names: how many certificates came.
    ///
    /// # Errors
    /// When the store or the directory cannot be read; that an order fails is noted, and no error.
    pub async fn round(&self) -> Result<usize, AcmeError> {
        let inner = &self.0;
        let now = inner.env.wall_millis();
        inner.store.sweep(now).await?;
        let mut round = Round {
            inner,
            now,
            here: None,
            certificates: inner.certificates().await?,
            failures: inner.store.failures().await?,
            asked: 0,
            came: 0,
        };
        inner
            .metrics
            .failing
            .set(i64::try_from(round.failures.len()).unwrap_or(i64::MAX));
        inner.tell_of_ends(now, &round.failures).await?;
        round.forget_own_of_others().await?;
        if !self.orders() {
            return Ok(0);
        }
        if !inner.settings.own_names.is_empty() {
            round.see(OPERATOR, None).await?;
        }
        let mut after: Option<TenantId> = None;
        loop {
            let tenants = inner.directory.tenants(after, PAGE).await?;
            let Some(last) = tenants.last() else { break };
            after = Some(last.id);
            for tenant in &tenants {
                round.tenant(tenant.id).await?;
                if !(inner.is_mine)() {
                    // Another node goes on.
                    return Ok(round.came);
                }
            }
        }
        let came = round.came;
        round.forget_the_gone().await?;
        Ok(came)
    }
}

/// One round.
struct Round<'r> {
    inner: &'r Inner,
    now: i64,
    /// The addresses that names must lead to, once they are asked for.
    here: Option<BTreeSet<IpAddr>>,
    certificates: Certificates,
    failures: BTreeMap<String, FailureRecord>,
    asked: usize,
    came: usize,
}

impl Round<'_> {
    async fn tenant(&mut self, tenant: TenantId) -> Result<(), AcmeError> {
        let mut after: Option<Domain> = None;
        loop {
            let domains = self.inner.directory.domains(tenant, after, PAGE).await?;
            let Some(last) = domains.last() else { return Ok(()) };
            after = Some(last.domain.clone());
            // A domain is here only once it is proven; one on its way out gets no new certificate.
            for record in domains.iter().filter(|record| record.removal.is_none()) {
                self.see(record.domain.as_str(), Some(&record.domain)).await?;
            }
        }
    }

    /// Orders a certificate for a subject, if it is time.
    async fn see(&mut self, subject: &str, domain: Option<&Domain>) -> Result<(), AcmeError> {
        let pausing = self
            .failures
            .get(subject)
            .is_some_and(|failure| failure.next_millis > self.now);
        let look = self.inner.looks.lock().get(subject).copied().unwrap_or(i64::MIN);
        if pausing || look > self.now || self.asked >= self.inner.settings.orders_at_once_max {
            return Ok(());
        }
        let names = match domain {
            None => Ok(self.inner.settings.own_names.iter().map(ToString::to_string).collect()),
            Some(domain) => self.names(domain).await,
        };
        let names: Vec<String> = match names {
            Ok(names) => names,
            Err(error) => {
                tracing::debug!(subject, %error, "names could not be looked up");
                Vec::new()
            }
        };
        let names: Vec<String> = names
            .into_iter()
            .filter(|name| !self.is_brought(subject, name))
            .collect();
        if names.is_empty() || self.is_good(subject, &names) {
            let every = i64::try_from(self.inner.settings.names_every.as_millis()).unwrap_or(i64::MAX);
            self.inner
                .looks
                .lock()
                .insert(subject.to_owned(), self.now.saturating_add(every));
            return Ok(());
        }
        self.asked += 1;
        match self.inner.order(&names).await {
            Ok(certificate) => {
                tracing::info!(subject, ?names, "certificate came");
                self.inner.metrics.orders.with_label_values(&["came"]).inc();
                self.inner.store.set_certificate(subject, certificate).await?;
                self.came += 1;
            }
            Err(error) => self.failed(subject, &error).await?,
        }
        Ok(())
    }

    async fn names(&mut self, domain: &Domain) -> Result<Vec<String>, DnsError> {
        let (dns, offer) = (self.inner.env.dns(), &self.inner.offer);
        let here = match self.here.take() {
            Some(here) => here,
            None => wanted::here(offer, dns.as_ref()).await?,
        };
        let here = self.here.insert(here);
        wanted::names(domain, offer, here, dns.as_ref()).await
    }

    /// Whether the organisation has brought a certificate that serves `name` now.
    fn is_brought(&self, subject: &str, name: &str) -> bool {
        self.certificates.own.get(subject).is_some_and(|own| {
            let certificate = &own.certificate;
            certificate.not_after_millis > self.now && certificate.names.iter().any(|brought| covers(brought, name))
        })
    }

    /// What was brought for a domain that is another's by now, or gone, is shown no more.
    async fn forget_own_of_others(&self) -> Result<(), AcmeError> {
        for (subject, own) in self.certificates.own.iter() {
            if !is_still_theirs(&self.inner.directory, subject, own).await? {
                tracing::info!(subject, "the domain is not theirs any more who brought its certificate");
                self.inner.store.forget_own(subject).await?;
            }
        }
        Ok(())
    }

    /// Whether there is a certificate for these names that has more than a third of its life before it.
    fn is_good(&self, subject: &str, names: &[String]) -> bool {
        self.certificates.by_subject.get(subject).is_some_and(|certificate| {
            let life = certificate
                .not_after_millis
                .saturating_sub(certificate.not_before_millis);
            let left = certificate.not_after_millis.saturating_sub(self.now);
            left > life / 3 && names.iter().all(|name| certificate.names.contains(name))
        })
    }

    async fn failed(&mut self, subject: &str, error: &AcmeError) -> Result<(), AcmeError> {
        self.inner.metrics.orders.with_label_values(&["failed"]).inc();
        let failures = self
            .failures
            .get(subject)
            .map_or(0, |failure| failure.failures)
            .saturating_add(1);
        let pause = self.inner.settings.pause(failures);
        let ends = self
            .certificates
            .by_subject
            .get(subject)
            .map(|certificate| certificate.not_after_millis);
        let cause = std::error::Error::source(error);
        if ends.is_some_and(|ends| ends - self.now < URGENT_MILLIS) {
            tracing::error!(subject, failures, %error, ?cause, "certificate ends soon and could not be renewed");
        } else {
            tracing::warn!(subject, failures, %error, ?cause, "certificate could not be ordered");
        }
        let now = self.inner.env.wall_millis();
        let failure = FailureRecord {
            failures,
            last_millis: now,
            next_millis: now.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)),
            text: error.to_string(),
        };
        Ok(self.inner.store.set_failure(subject, failure).await?)
    }

    /// Domains that are not served any more need no certificate, and the operator none who has another.
    async fn forget_the_gone(self) -> Result<(), AcmeError> {
        let subjects: BTreeSet<_> = self
            .certificates
            .by_subject
            .keys()
            .chain(self.failures.keys())
            .collect();
        for subject in subjects {
            let is_wanted = match Domain::try_from(subject.as_str()) {
                Ok(domain) => self.inner.directory.is_local(&domain).await?,
                Err(_) => !self.inner.settings.own_names.is_empty(),
            };
            if !is_wanted {
                tracing::info!(subject, "certificate is wanted no more");
                self.inner.store.forget(subject).await?;
            }
        }
        Ok(())
    }
}

impl Inner {
    /// All certificates.
    pub(crate) async fn certificates(&self) -> Result<Certificates, AcmeError> {
        let known = self.kept.lock().clone();
        let read = self.store.certificates(known).await?;
        *self.kept.lock() = read.clone();
        Ok(read)
    }

    /// Shows what has just been written on this node; the others hear of it.
    pub(crate) async fn refresh(&self) -> Result<(), AcmeError> {
        self.show_certificates(self.certificates().await?);
        Ok(())
    }

    /// Shows what is in the store; what is returned ends with the next change.
    async fn show(&self) -> Result<hongyan_kv::Watch, AcmeError> {
        let asked = self.store.asked().await?;
        self.show_certificates(self.certificates().await?);
        if self.settings.challenge == Challenge::TlsAlpn01 {
            self.show_answers(&asked.challenges);
        }
        Ok(asked.watch)
    }

    fn show_certificates(&self, certificates: Certificates) {
        let ordered = certificates.by_subject.values();
        let all = ordered.chain(certificates.own.values().map(|own| &own.certificate));
        let first_end = all.map(|record| record.not_after_millis).min();
        let left = first_end.map_or(0, |end| (end - self.env.wall_millis()) / 1000);
        self.metrics.expiry_seconds.set(left);
        let mut shown = self.shown.lock();
        if Arc::ptr_eq(&shown.by_subject, &certificates.by_subject) && Arc::ptr_eq(&shown.own, &certificates.own) {
            return;
        }
        let named = |(subject, record): (&String, &CertificateRecord)| NamedCertificate {
            names: record.names.clone(),
            pem: CertificatePem {
                certificate: record.chain.clone(),
                key: record.key.clone(),
            },
            serves_unnamed: subject == OPERATOR && self.settings.serves_unnamed,
        };
        let brought = |(subject, own): (&String, &OwnRecord)| named((subject, &own.certificate));
        // Of two for one name the later one is shown: what an organisation has brought, unless it is over.
        let now = self.env.wall_millis();
        let (good, over): (Vec<_>, Vec<_>) = certificates
            .own
            .iter()
            .partition(|(_, own)| own.certificate.not_after_millis > now);
        let ordered = certificates.by_subject.iter().map(named);
        let named: Vec<_> = over
            .into_iter()
            .map(brought)
            .chain(ordered)
            .chain(good.into_iter().map(brought))
            .collect();
        for error in self.tls.adopt(&named) {
            self.tell(&error);
        }
        let count = i64::try_from(named.len()).unwrap_or(i64::MAX);
        self.metrics.certificates.set(count);
        *shown = certificates;
    }

    fn show_answers(&self, challenges: &[ChallengeRecord]) {
        let now = self.env.wall_millis();
        let mut answers = Vec::new();
        for challenge in challenges {
            if now - challenge.created_millis > CHALLENGE_MILLIS_MAX {
                continue;
            }
            match answer(challenge) {
                Ok(answer) => answers.push(answer),
                Err(error) => self.tell(&error),
            }
        }
        for error in self.tls.set_challenges(&answers) {
            self.tell(&error);
        }
    }

    /// Says once what cannot be shown.
    fn tell(&self, error: &dyn std::error::Error) {
        let text = format!("{error}: {:?}", error.source());
        if self.told.lock().insert(text.clone()) {
            tracing::error!(error = text, "a certificate in the store cannot be shown");
        }
    }
}

/// The certificate that answers a check by TLS-ALPN-01 (RFC 8737 §3).
fn answer(challenge: &ChallengeRecord) -> Result<(String, CertificatePem), AcmeError> {
    let hash = digest::digest(&digest::SHA256, challenge.authorization.as_bytes());
    let mut params = CertificateParams::new(vec![challenge.name.clone()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(hash.as_ref())];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let pem = CertificatePem {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    };
    Ok((challenge.name.clone(), pem))
}
