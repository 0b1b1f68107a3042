//! The way back from a provider: what it says is verified, and whoever it names is signed in or linked.

use std::net::IpAddr;

use hongyan_access::permission::Actor;
use hongyan_access::{Begun, Visit};
use hongyan_types::{AccountId, TenantId};

use crate::attempt::Attempt;
use crate::identity::{Claims, Expected, Identity};
use crate::jwt::Token;
use crate::provider::Known;
use crate::{Admission, Fault, OpenId, OpenIdError};

/// Somebody who comes back.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// The state that they were sent with.
    pub state: &'a str,
    /// What their browser kept under its name.
    pub sealed: &'a str,
    /// The code, where they were let in.
    pub code: Option<&'a str>,
    /// Why they were not, where they were not.
    pub error: Option<&'a str>,
    /// Who says so (RFC 9207), where it is said.
    pub issuer: Option<&'a str>,
    /// Where they come from.
    pub visit: Visit<'a>,
    /// The session of theirs that there is already.
    pub session: Option<&'a str>,
}

/// Whose browser comes back.
#[derive(Debug, Clone, Copy)]
pub struct Comer<'a> {
    /// Where they come from.
    pub visit: Visit<'a>,
    /// The session of theirs that there is already.
    pub session: Option<&'a str>,
}

/// What became of it.
#[derive(Debug)]
pub enum Arrived {
    /// They are signed in, as far as their session's stage says.
    SignedIn {
        /// The session.
        begun: Box<Begun>,
        /// Where to go.
        back: String,
    },
    /// Their account is linked.
    Linked {
        /// Where to go.
        back: String,
    },
}

impl OpenId {
    /// Whose provider somebody comes back from, whatever it says.
    #[must_use]
    pub fn organisation_of(&self, arrival: &Arrival<'_>) -> Option<TenantId> {
        let attempt = self.kept(arrival.state, arrival.sealed).ok()?;
        Some(TenantId(attempt.tenant))
    }

    /// Ends the way to a provider and back.
    ///
    /// # Errors
    /// Each way of not being let in.
    pub async fn arrive(&self, arrival: Arrival<'_>) -> Result<Arrived, OpenIdError> {
        let attempt = self.kept(arrival.state, arrival.sealed)?;
        // RFC 9207 §2.4: what another provider sends is not looked at.
        if arrival.issuer.is_some_and(|issuer| issuer != attempt.issuer) {
            return Err(Fault::Issuer(arrival.issuer.unwrap_or_default().chars().take(200).collect()).into());
        }
        if let Some(error) = arrival.error {
            let shown = error.chars().filter(|c| c.is_ascii_graphic()).take(64).collect();
            return Err(OpenIdError::Denied(shown));
        }
        let code = arrival.code.ok_or(OpenIdError::Attempt)?;
        let tenant = TenantId(attempt.tenant);
        let known = self.known(tenant).await?;
        if known.settings.issuer != attempt.issuer {
            return Err(OpenIdError::Attempt);
        }
        let identity = self.identity(tenant, &known, &attempt, code).await;
        let identity = identity.inspect_err(|error| {
            tracing::warn!(event = "single_sign_on_failed", tenant = tenant.0, issuer = %attempt.issuer, %error);
        })?;
        let comer = Comer {
            visit: arrival.visit,
            session: arrival.session,
        };
        self.admit(&attempt, known.settings.admission(), &identity, comer).await
    }

    /// Whoever a provider names, at the end of the way there and back, is signed in or linked.
    ///
    /// # Errors
    /// `Nobody`, `Taken`, `Attempt`, `Access`.
    pub async fn admit(
        &self,
        attempt: &Attempt,
        admission: Admission,
        identity: &Identity,
        comer: Comer<'_>,
    ) -> Result<Arrived, OpenIdError> {
        let back = attempt.back.clone();
        if let Some(account) = attempt.link {
            self.arrive_to_link(AccountId(account), identity, comer).await?;
            return Ok(Arrived::Linked { back });
        }
        let begun = self.sign_in(attempt.tenant(), admission, identity, comer.visit).await?;
        Ok(Arrived::SignedIn {
            begun: Box::new(begun),
            back,
        })
    }

    async fn identity(
        &self,
        tenant: TenantId,
        known: &std::sync::Arc<Known>,
        attempt: &Attempt,
        code: &str,
    ) -> Result<Identity, OpenIdError> {
        let tokens = self.exchange(known, code, &attempt.verifier).await?;
        let token = Token::read(&tokens.id)?;
        let keys = self.keys_for(tenant, known, &token).await?;
        let claims: Claims = token.claims(&keys)?;
        let expected = self.expected(known);
        let mut identity = claims.identity(&expected, &attempt.nonce, attempt.prove_secs)?;
        if identity.person.email.is_none()
            && let Some(person) = self.person(known, &tokens, &identity.subject).await?
        {
            identity.person = person;
        }
        Ok(identity)
    }

    pub(crate) fn expected<'k>(&self, known: &'k Known) -> Expected<'k> {
        Expected {
            issuer: &known.settings.issuer,
            client: &known.settings.client_id,
            now_secs: self.0.env.wall_millis().div_euclid(1_000),
            tolerance_secs: self.0.options.clock_tolerance_secs,
        }
    }

    async fn sign_in(
        &self,
        tenant: TenantId,
        admission: Admission,
        identity: &Identity,
        visit: Visit<'_>,
    ) -> Result<Begun, OpenIdError> {
        let account = self.account_of(tenant, admission, identity).await?;
        let vouches = admission.vouches_second_factor;
        let begun = self.0.access.web_sign_in_by_provider(account, vouches, visit).await?;
        self.note_session(tenant, identity, &begun.session).await?;
        Ok(begun)
    }

    /// Whoever is signed in in this browser, and wanted to be linked, is.
    async fn arrive_to_link(
        &self,
        account: AccountId,
        identity: &Identity,
        comer: Comer<'_>,
    ) -> Result<(), OpenIdError> {
        let peer: IpAddr = comer.visit.peer;
        let session = self
            .0
            .access
            .web_session(comer.session.unwrap_or_default(), peer)
            .await?;
        if session.account.id != account {
            return Err(OpenIdError::Attempt);
        }
        let author = Actor::member(&session.account, Some(peer), None).author();
        let directory = self.0.directory.acting(author, None);
        self.link(&directory, &session.account, identity).await
    }
}
