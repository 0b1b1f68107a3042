//! The way back from a provider. A response comes from the provider's page, so the browser shows nothing of its own with it: it is
//! verified and taken there, once; then the browser goes on here with a sealed note of what it said, which only the one that was sent
//! can use.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hongyan_openid::{Arrived, Attempt, Comer, OpenIdError, Vouched};
use hongyan_types::TenantId;
use minicbor::{Decode, Encode};

use crate::logout::entity;
use crate::request::state_of;
use crate::response::{self, Expected, Said};
use crate::{Fault, NameIdentifier, Party, ProviderSettings, Saml, SamlError};

/// A response that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Names the way there and back.
    pub state: String,
    /// What the provider said, sealed.
    pub note: String,
}

#[derive(Encode, Decode)]
struct Note {
    #[n(0)]
    tenant: u64,
    #[n(1)]
    issuer: String,
    #[n(2)]
    subject: String,
    #[n(3)]
    mail: Option<String>,
    #[n(4)]
    name: Option<String>,
    #[n(5)]
    session: Option<String>,
    #[n(6)]
    proved_secs: i64,
    #[n(7)]
    end_millis: i64,
    /// Nodes of releases before do not say it.
    #[n(8)]
    name_id: Option<NameIdentifier>,
}

/// What a note is sealed for: nothing else that is sealed opens as one.
fn seal_name(state: &str) -> String {
    format!("saml {state}")
}

impl Saml {
    fn now_secs(&self) -> i64 {
        self.0.env.wall_millis().div_euclid(1_000)
    }

    /// Takes the response of an organisation's provider, in base64 (Bindings §3.5.4).
    ///
    /// # Errors
    /// `Provider`: each lie by its name. `SignIn`: `NoProvider`, `Attempt`; the store's.
    pub async fn receive(&self, tenant: TenantId, encoded: &str) -> Result<Received, SamlError> {
        let settings = self.need_provider(tenant).await?;
        let received = self.take(tenant, &settings, encoded).await;
        received.inspect_err(|error| {
            let issuer = &settings.provider.entity_id;
            tracing::warn!(event = "single_sign_on_failed", tenant = tenant.0, %issuer, %error);
        })
    }

    async fn take(&self, tenant: TenantId, settings: &ProviderSettings, encoded: &str) -> Result<Received, SamlError> {
        let said = self.read(tenant, settings, encoded)?;
        let state = state_of(&said.request).ok_or(Fault::Wrong("InResponseTo"))?.to_owned();
        // Whose way there is older than this comes back in vain anyway.
        let lasts = i64::try_from(self.0.options.attempt_secs).unwrap_or(i64::MAX / 4);
        let until = self.now_secs().saturating_add(lasts);
        let issuer = &settings.provider.entity_id;
        let named = format!("{issuer} {}", said.id);
        let openid = &self.0.openid;
        if !openid.take_once(tenant, ("saml assertion", &named), until).await? {
            return Err(Fault::Replayed.into());
        }
        let secs = i64::try_from(self.0.options.arrive_secs).unwrap_or(i64::MAX / 4_000);
        let note = Note {
            tenant: tenant.0,
            issuer: issuer.clone(),
            subject: said.subject,
            mail: said.mail,
            name: said.name,
            session: said.session,
            proved_secs: said.proved_secs,
            name_id: Some(said.name_id),
            end_millis: self.0.env.wall_millis().saturating_add(secs.saturating_mul(1_000)),
        };
        Ok(Received {
            note: openid.seal(&seal_name(&state), &note)?,
            state,
        })
    }

    fn read(&self, tenant: TenantId, settings: &ProviderSettings, encoded: &str) -> Result<Said, Fault> {
        let octets_max = self.0.options.answer_octets_max;
        // Three octets are four letters; some break lines.
        if encoded.len() / 2 > octets_max {
            return Err(Fault::TooLong(octets_max));
        }
        let packed: String = encoded.split_ascii_whitespace().collect();
        let octets = STANDARD
            .decode(packed)
            .map_err(|_| Fault::Unreadable("it is not base64"))?;
        let text = String::from_utf8(octets).map_err(|_| Fault::Unreadable("it is not UTF-8"))?;
        let own = self.registration(tenant);
        let expected = Expected {
            provider: &settings.provider.entity_id,
            certificates: &settings.provider.certificates,
            audience: &own.entity_id,
            recipient: &own.consumer_address,
            mail_attribute: settings.mail_attribute.as_deref(),
            name_attribute: settings.name_attribute.as_deref(),
            now_secs: self.now_secs(),
            tolerance_secs: self.0.options.clock_tolerance_secs,
            octets_max,
        };
        response::read(&text, &expected)
    }

    /// Ends the way to a provider and back, in the browser that was sent there: `kept` is what it kept for that.
    ///
    /// # Errors
    /// Each way of not being let in.
    pub async fn arrive(&self, received: &Received, kept: &str, comer: Comer<'_>) -> Result<Arrived, SamlError> {
        let openid = &self.0.openid;
        let attempt = openid.kept(&received.state, kept)?;
        let note: Note = openid.unseal(&seal_name(&received.state), &received.note)?;
        let settings = self.need_provider(attempt.tenant()).await?;
        let is_good = note.end_millis > self.0.env.wall_millis()
            && TenantId(note.tenant) == attempt.tenant()
            && note.issuer == attempt.issuer()
            && note.issuer == settings.provider.entity_id;
        if !is_good {
            return Err(OpenIdError::Attempt.into());
        }
        self.check_proof(&attempt, note.proved_secs)?;
        let party = note.name_id.map(|name| Party {
            application: None,
            entity: entity(&note.issuer),
            name,
            index: note.session.clone(),
        });
        let identity = Vouched {
            issuer: note.issuer,
            subject: note.subject,
            session: note.session,
            mail: note.mail,
            name: note.name,
        };
        let admitted = openid
            .admit(&attempt, settings.admission, &identity.into(), comer)
            .await?;
        if let (Arrived::SignedIn { begun, .. }, Some(party)) = (&admitted, &party) {
            self.note_party(begun.session.id, party).await?;
        }
        Ok(admitted)
    }

    /// Whose provider somebody comes back from, whatever it says.
    #[must_use]
    pub fn organisation_of(&self, state: &str, kept: &str) -> Option<TenantId> {
        self.0.openid.kept(state, kept).ok().map(|attempt| attempt.tenant())
    }

    fn check_proof(&self, attempt: &Attempt, proved_secs: i64) -> Result<(), Fault> {
        let tolerance = i64::from(self.0.options.clock_tolerance_secs);
        match attempt.prove_secs() {
            Some(since) if proved_secs < since - tolerance => Err(Fault::Wrong("AuthnInstant")),
            _ => Ok(()),
        }
    }
}
