//! Somebody whom an application sends to sign in here, or whom a portal sends from here to an application: what is asked is checked
//! first, then sealed for the browser to carry through the pages. Nothing is kept here meanwhile, and any node may go on.

use hongyan_access::{Present, WebSession};
use hongyan_openid::OpenIdError;
use hongyan_types::TenantId;
use minicbor::{Decode, Encode};

use super::answer::{Post, Refusal};
use super::ask::{self, AuthnRequest, Comparison};
use super::binding::{Incoming, RELAY_STATE_OCTETS_MAX, REQUEST};
use super::metadata::{Places, write};
use super::{Application, NameId};
use crate::metadata::POST;
use crate::signature::signed;
use crate::xml::Tree;
use crate::{Fault, Saml, SamlError};

/// What an errand is sealed for.
const SEALED_FOR: &str = "saml errand";
const UNSPECIFIED_FORMATS: [&str; 2] = [
    "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:unspecified",
];
/// SAML Authentication Context §3.4: the weakest first.
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";
const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
const PASSWORD_OVER_TLS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
/// What services of research call two factors, and others after them.
const TWO_FACTORS: &str = "https://refeds.org/profile/mfa";
const CONTEXTS: [&str; 4] = [UNSPECIFIED, PASSWORD, PASSWORD_OVER_TLS, TWO_FACTORS];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
enum Held {
    #[n(0)]
    Exact,
    #[n(1)]
    Minimum,
    #[n(2)]
    Maximum,
    #[n(3)]
    Better,
}

/// What is to be answered to an application, once somebody is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Errand {
    #[n(0)]
    tenant: u64,
    /// The application.
    #[n(1)]
    pub(super) application: String,
    /// The request that is answered.
    #[n(2)]
    pub(super) request: Option<String>,
    /// Where the answer goes.
    #[n(3)]
    pub(super) consumer: String,
    #[n(4)]
    pub(super) relay_state: Option<String>,
    /// Since when they must have proved who they are.
    #[n(5)]
    prove_millis: Option<i64>,
    #[n(6)]
    passive: bool,
    #[n(7)]
    contexts: Vec<String>,
    #[n(8)]
    held: Held,
    #[n(9)]
    end_millis: i64,
}

/// A request that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// The browser goes on here, with this.
    Onward(String),
    /// It goes back at once.
    Back(Post),
}

impl Errand {
    /// Whose application it is.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        TenantId(self.tenant)
    }
    /// Whether members are to be shown nothing.
    #[must_use]
    pub fn is_passive(&self) -> bool {
        self.passive
    }
    /// Whether they have to prove anew who they are (Core §3.4.1, ForceAuthn).
    #[must_use]
    pub fn asks_anew(&self, session: &WebSession) -> bool {
        self.prove_millis.is_some_and(|since| session.proved.millis < since)
    }

    /// How they have signed in, in the words of the standard, if the application takes that (Core §3.3.2.2.1).
    pub(super) fn context(&self, present: &Present) -> Option<&'static str> {
        let is_so = |context: &&str| match *context {
            PASSWORD | PASSWORD_OVER_TLS => present.by_password,
            TWO_FACTORS => present.sign_in.by_two,
            _ => true,
        };
        let ours = || CONTEXTS.into_iter().filter(is_so);
        let best = ours().next_back()?;
        if self.contexts.is_empty() {
            return Some(best);
        }
        let strength = |asked: &str| CONTEXTS.iter().position(|context| *context == asked);
        let asked: Vec<Option<usize>> = self.contexts.iter().map(|asked| strength(asked)).collect();
        let known = || asked.iter().flatten().copied();
        match self.held {
            Held::Exact => {
                let mut asked = self.contexts.iter();
                asked.find_map(|asked| ours().find(|context| context == asked))
            }
            Held::Minimum => Some(best).filter(|_| known().any(|least| strength(best) >= Some(least))),
            Held::Maximum => {
                let most = known().max()?;
                ours().rfind(|context| strength(context) <= Some(most))
            }
            // What is not known may be stronger than anything.
            Held::Better => {
                let is_above = |asked: &Option<usize>| asked.is_some() && strength(best) > *asked;
                Some(best).filter(|_| asked.iter().all(is_above))
            }
        }
    }
}

impl Application {
    fn consumer_of(&self, asked: &AuthnRequest) -> Result<&str, Fault> {
        let mut consumers = self.consumers.iter();
        let found = match (&asked.consumer, asked.consumer_index) {
            (Some(place), _) => {
                let found = consumers.find(|known| known.location == *place);
                found.ok_or(Fault::Wrong("AssertionConsumerServiceURL"))?
            }
            (None, Some(index)) => {
                let found = consumers.find(|known| known.index == index);
                found.ok_or(Fault::Wrong("AssertionConsumerServiceIndex"))?
            }
            (None, None) => consumers.next().ok_or(Fault::Wrong("AssertionConsumerService"))?,
        };
        Ok(&found.location)
    }

    /// What is asked for and not done here; that is told to the application.
    fn refusal_of(&self, asked: &AuthnRequest) -> Option<Refusal> {
        if asked.binding.as_deref().is_some_and(|binding| binding != POST) {
            return Some(Refusal::UnsupportedBinding);
        }
        if asked.asks_more {
            return Some(Refusal::RequestUnsupported);
        }
        let format = asked.name_format.as_deref();
        let format = format.filter(|format| !UNSPECIFIED_FORMATS.contains(format));
        let is_ours = format.is_none_or(|format| NameId::of_format(format) == Some(self.name_id));
        let qualifier = asked.name_qualifier.as_deref();
        let is_own = qualifier.is_none_or(|qualifier| qualifier == self.entity_id);
        (!is_ours || !is_own).then_some(Refusal::InvalidNameIdPolicy)
    }
}

impl Saml {
    pub(crate) fn places(&self, tenant: TenantId) -> Places {
        let place = format!("{}{}/{}", self.0.options.web_origin, crate::PATH, tenant.0);
        Places {
            entity_id: format!("{place}/provider"),
            sign_in: format!("{place}/sign-in"),
            sign_out: format!("{place}/sign-out"),
        }
    }

    /// Who an organisation is to its applications, which is also where its metadata are; and where members are sent to.
    #[must_use]
    pub fn provider_places(&self, tenant: TenantId) -> (String, String) {
        let places = self.places(tenant);
        (places.entity_id, places.sign_in)
    }

    /// Where applications send requests to sign out, and answers to ours: the single logout service.
    #[must_use]
    pub fn sign_out_place_of_provider(&self, tenant: TenantId) -> String {
        self.places(tenant).sign_out
    }

    /// Where a portal sends members who go to an application.
    #[must_use]
    pub fn start_place(&self, tenant: TenantId, application: &str) -> String {
        format!(
            "{}{}/{}/start/{application}",
            self.0.options.web_origin,
            crate::PATH,
            tenant.0
        )
    }

    /// The metadata of an organisation as identity provider.
    ///
    /// # Errors
    /// `SignIn`: there is no such organisation; the store's.
    pub async fn provider_metadata(&self, tenant: TenantId) -> Result<String, SamlError> {
        Ok(write(&self.places(tenant), &self.keys(tenant).await?))
    }

    /// Takes a request that a browser brings from an application.
    ///
    /// # Errors
    /// `NoApplication`; `Provider`: each lie by its name. `SignIn`: the store's.
    pub async fn take_request(&self, tenant: TenantId, incoming: Incoming<'_>) -> Result<Taken, SamlError> {
        let taken = self.take_asked(tenant, incoming).await;
        taken.inspect_err(|error| tracing::warn!(event = "saml_request_refused", tenant = tenant.0, %error))
    }

    async fn take_asked(&self, tenant: TenantId, incoming: Incoming<'_>) -> Result<Taken, SamlError> {
        let octets_max = self.0.options.answer_octets_max;
        let opened = incoming.open(REQUEST, octets_max)?;
        let application = {
            // Who it says that it is from, says with which keys to look at it.
            let issuer = ask::read_request(&opened.text, octets_max)?.issuer;
            self.application_named(tenant, &issuer).await?
        };
        let asked = {
            let tree = Tree::read(&opened.text, octets_max)?;
            let certificates = &application.certificates;
            let longest = octets_max.saturating_mul(4);
            let within = match opened.by_post && !certificates.is_empty() {
                true => signed(tree.root()?, certificates, longest)?,
                false => None,
            };
            match &opened.beside {
                Some(beside) if !certificates.is_empty() => beside.check(certificates)?,
                _ if within.is_none() && application.needs_signature => return Err(Fault::RequestUnsigned.into()),
                _ => {}
            }
            let is_signed = within.is_some() || opened.beside.is_some();
            let asked = match &within {
                Some(canonical) => ask::read_request(canonical, longest)?,
                None => ask::of(tree.root()?)?,
            };
            self.check_asked(tenant, &application, &asked, is_signed)?;
            asked
        };
        let consumer = application.consumer_of(&asked)?.to_owned();
        let secs = i64::try_from(self.0.options.attempt_secs).unwrap_or(i64::MAX / 4);
        let until = asked
            .issued_secs
            .saturating_add(secs + 2 * i64::from(self.0.options.clock_tolerance_secs));
        let named = format!("{} {}", application.entity_id, asked.id);
        if !self.0.openid.take_once(tenant, ("saml request", &named), until).await? {
            return Err(Fault::Replayed.into());
        }
        let now = self.0.env.wall_millis();
        let refusal = application.refusal_of(&asked);
        let errand = Errand {
            tenant: tenant.0,
            application: application.id.clone(),
            request: Some(asked.id),
            consumer,
            relay_state: opened.relay_state,
            prove_millis: asked.force.then_some(now),
            passive: asked.passive,
            contexts: asked.contexts,
            held: match asked.comparison {
                Comparison::Exact => Held::Exact,
                Comparison::Minimum => Held::Minimum,
                Comparison::Maximum => Held::Maximum,
                Comparison::Better => Held::Better,
            },
            end_millis: now.saturating_add(secs.saturating_mul(1_000)),
        };
        match refusal {
            Some(refusal) => Ok(Taken::Back(self.refuse(&errand, refusal).await?)),
            None => Ok(Taken::Onward(self.0.openid.seal(SEALED_FOR, &errand)?)),
        }
    }

    fn check_asked(
        &self,
        tenant: TenantId,
        application: &Application,
        asked: &AuthnRequest,
        is_signed: bool,
    ) -> Result<(), Fault> {
        if asked.issuer != application.entity_id {
            return Err(Fault::Wrong("Issuer"));
        }
        // Bindings §3.4.5.2, §3.5.5.2: what is signed says where it is sent to.
        match &asked.destination {
            Some(place) if *place == self.places(tenant).sign_in => {}
            None if !is_signed => {}
            _ => return Err(Fault::Wrong("Destination")),
        }
        let (now, options) = (self.0.env.wall_millis().div_euclid(1_000), &self.0.options);
        let tolerance = i64::from(options.clock_tolerance_secs);
        let lasts = i64::try_from(options.attempt_secs).unwrap_or(i64::MAX / 4);
        if asked.issued_secs > now + tolerance {
            return Err(Fault::Time("it has not come"));
        }
        match asked.issued_secs.saturating_add(lasts) < now - tolerance {
            true => Err(Fault::Time("it is over")),
            false => Ok(()),
        }
    }

    /// Sends somebody from a portal to an application, which has not asked for it (Profiles §4.1.5).
    ///
    /// # Errors
    /// `NoApplication`; `Provider` for a relay state that is too long; the store's.
    pub async fn start(
        &self,
        tenant: TenantId,
        application: &str,
        relay_state: Option<&str>,
    ) -> Result<String, SamlError> {
        let found = self.application(tenant, application).await?;
        let application = found.filter(|found| found.application.is_on);
        let application = application.ok_or(SamlError::NoApplication)?.application;
        let is_state = |state: &str| state.len() <= RELAY_STATE_OCTETS_MAX && !state.chars().any(char::is_control);
        if relay_state.is_some_and(|state| !is_state(state)) {
            return Err(Fault::Wrong("RelayState").into());
        }
        let consumer = application.consumers.first().ok_or(SamlError::NoApplication)?;
        let secs = i64::try_from(self.0.options.attempt_secs).unwrap_or(i64::MAX / 4_000);
        let errand = Errand {
            tenant: tenant.0,
            application: application.id.clone(),
            request: None,
            consumer: consumer.location.clone(),
            relay_state: relay_state.map(str::to_owned),
            prove_millis: None,
            passive: false,
            contexts: Vec::new(),
            held: Held::Exact,
            end_millis: self.0.env.wall_millis().saturating_add(secs.saturating_mul(1_000)),
        };
        Ok(self.0.openid.seal(SEALED_FOR, &errand)?)
    }

    /// An errand that a browser carries, and its application, which may have been changed since.
    ///
    /// # Errors
    /// `NoApplication`; `SignIn`: `Attempt` for none, or one whose time is over; the store's.
    pub async fn errand(&self, sealed: &str) -> Result<(Errand, Application), SamlError> {
        let errand: Errand = self.0.openid.unseal(SEALED_FOR, sealed)?;
        if errand.end_millis <= self.0.env.wall_millis() {
            return Err(OpenIdError::Attempt.into());
        }
        let found = self.application(errand.tenant(), &errand.application).await?;
        let is_good = |application: &Application| {
            let mut places = application.consumers.iter();
            application.is_on && places.any(|known| known.location == errand.consumer)
        };
        let found = found.map(|found| found.application).filter(is_good);
        Ok((errand.clone(), found.ok_or(SamlError::NoApplication)?))
    }
}
