//! Messages that a browser brings: who has signed them, that they are for us, now, and for the first time. A form of another site comes
//! without what browsers keep, so they are sealed, and the browser goes on here with them.

use std::collections::BTreeSet;

use hongyan_access::{SessionFilter, SessionId, WebSession};
use hongyan_openid::OpenIdError;
use hongyan_types::TenantId;
use minicbor::{Decode, Encode};

use super::NameIdentifier;
use super::message::{LogoutRequest, LogoutResponse, Outcome, request_of, response_of};
use super::party::{Party, entity};
use super::record::{Asker, Round};
use crate::application::binding::{Incoming, Opened, REQUEST, RESPONSE};
use crate::signature::signed;
use crate::xml::{Element, Tree};
use crate::{Certificate, Fault, Saml, SamlError};

/// What a message is sealed for.
const SEALED_FOR: &str = "saml logout";

/// Who sends a message: one of those that we are the provider of, or the one whose application we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counterpart {
    /// An application of the organisation.
    Application,
    /// Its provider.
    Provider,
}

/// What came of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Whether the session of this browser is over.
    pub is_over: bool,
    /// What the browser keeps while it goes round, where it begins to.
    pub token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Asked {
    #[n(0)]
    id: String,
    #[n(1)]
    relay_state: Option<String>,
    #[n(2)]
    name: NameIdentifier,
    #[n(3)]
    sessions: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Answered {
    #[n(0)]
    request: String,
    #[n(1)]
    is_done: bool,
}

/// A message that was believed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Note {
    #[n(0)]
    tenant: u64,
    /// The application; without it, it is the organisation's provider.
    #[n(1)]
    application: Option<String>,
    #[n(2)]
    entity_id: String,
    #[n(3)]
    asked: Option<Asked>,
    #[n(4)]
    answered: Option<Answered>,
    #[n(5)]
    end_millis: i64,
}

/// Whoever a message says that it is from.
struct Peer {
    application: Option<String>,
    entity_id: String,
    certificates: Vec<Certificate>,
    /// Where it sends messages to.
    place: String,
}

/// What is the same in both messages.
struct Head<'h> {
    issuer: &'h str,
    issued_secs: i64,
    destination: Option<&'h str>,
    end_secs: Option<i64>,
}

/// What one of the certificates has signed: over the octets as they were sent, or in their canonical form.
fn believed<T>(
    opened: &Opened,
    certificates: &[Certificate],
    octets_max: usize,
    read: impl Fn(Element<'_, '_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let tree = Tree::read(&opened.text, octets_max)?;
    if opened.by_post {
        let longest = octets_max.saturating_mul(4);
        let canonical = signed(tree.root()?, certificates, longest)?.ok_or(Fault::LogoutUnsigned)?;
        return read(Tree::read(&canonical, longest)?.root()?);
    }
    let beside = opened.beside.as_ref().ok_or(Fault::LogoutUnsigned)?;
    beside.check(certificates)?;
    read(tree.root()?)
}

impl LogoutRequest {
    fn head(&self) -> Head<'_> {
        Head {
            issuer: &self.issuer,
            issued_secs: self.issued_secs,
            destination: self.destination.as_deref(),
            end_secs: self.end_secs,
        }
    }
}

impl LogoutResponse {
    fn head(&self) -> Head<'_> {
        Head {
            issuer: &self.issuer,
            issued_secs: self.issued_secs,
            destination: self.destination.as_deref(),
            end_secs: None,
        }
    }
}

impl Saml {
    /// Takes a message that a browser brings, an answer or a request; gives it sealed, for the browser to go on with to
    /// [`crate::LEAVE_PATH`].
    ///
    /// # Errors
    /// `NoApplication`; `Provider`: each lie by its name. `SignIn`: `NoProvider`; the store's.
    pub async fn take_logout(
        &self,
        tenant: TenantId,
        from: Counterpart,
        incoming: Incoming<'_>,
        is_answer: bool,
    ) -> Result<String, SamlError> {
        let taken = self.take_signed(tenant, from, incoming, is_answer).await;
        taken.inspect_err(|error| tracing::warn!(event = "saml_logout_refused", tenant = tenant.0, %error))
    }

    async fn take_signed(
        &self,
        tenant: TenantId,
        from: Counterpart,
        incoming: Incoming<'_>,
        is_answer: bool,
    ) -> Result<String, SamlError> {
        let octets_max = self.0.options.answer_octets_max;
        let opened = incoming.open(if is_answer { RESPONSE } else { REQUEST }, octets_max)?;
        // Who it says that it is from, says with which keys to look at it.
        let issuer = match is_answer {
            true => super::read_logout_response(&opened.text, octets_max)?.issuer,
            false => super::read_logout_request(&opened.text, octets_max)?.issuer,
        };
        let peer = self.peer(tenant, from, &issuer).await?;
        let (mut asked, mut answered) = (None, None);
        let named = if is_answer {
            let response = believed(&opened, &peer.certificates, octets_max, response_of)?;
            self.check_logout(&peer, &response.head())?;
            answered = Some(Answered {
                request: response.request,
                is_done: response.is_done,
            });
            (response.id, response.issued_secs)
        } else {
            let request = believed(&opened, &peer.certificates, octets_max, request_of)?;
            self.check_logout(&peer, &request.head())?;
            asked = Some(Asked {
                id: request.id.clone(),
                relay_state: opened.relay_state,
                name: request.name,
                sessions: request.sessions,
            });
            (request.id, request.issued_secs)
        };
        let lasts = i64::try_from(self.0.options.attempt_secs).unwrap_or(i64::MAX / 4_000);
        let until = named
            .1
            .saturating_add(lasts + 2 * i64::from(self.0.options.clock_tolerance_secs));
        let once = format!("{} {}", peer.entity_id, named.0);
        let openid = &self.0.openid;
        if !openid.take_once(tenant, ("saml logout", &once), until).await? {
            return Err(Fault::Replayed.into());
        }
        let secs = i64::try_from(self.0.options.arrive_secs).unwrap_or(i64::MAX / 4_000);
        let note = Note {
            tenant: tenant.0,
            application: peer.application,
            entity_id: peer.entity_id,
            asked,
            answered,
            end_millis: self.0.env.wall_millis().saturating_add(secs.saturating_mul(1_000)),
        };
        Ok(openid.seal(SEALED_FOR, &note)?)
    }

    async fn peer(&self, tenant: TenantId, from: Counterpart, issuer: &str) -> Result<Peer, SamlError> {
        if from == Counterpart::Application {
            let application = self.application_named(tenant, issuer).await?;
            return Ok(Peer {
                application: Some(application.id),
                entity_id: application.entity_id,
                certificates: application.certificates,
                place: self.places(tenant).sign_out,
            });
        }
        let provider = self.need_provider(tenant).await?.provider;
        match provider.entity_id == issuer {
            true => Ok(Peer {
                application: None,
                entity_id: provider.entity_id,
                certificates: provider.certificates,
                place: self.registration(tenant).sign_out_address,
            }),
            false => Err(Fault::Wrong("Issuer").into()),
        }
    }

    fn check_logout(&self, peer: &Peer, head: &Head<'_>) -> Result<(), Fault> {
        if head.issuer != peer.entity_id {
            return Err(Fault::Wrong("Issuer"));
        }
        // Bindings §3.4.5.2, §3.5.5.2: what is signed says where it is sent to.
        if head.destination != Some(peer.place.as_str()) {
            return Err(Fault::Wrong("Destination"));
        }
        let (now, options) = (self.0.env.wall_millis().div_euclid(1_000), &self.0.options);
        let tolerance = i64::from(options.clock_tolerance_secs);
        let lasts = i64::try_from(options.attempt_secs).unwrap_or(i64::MAX / 4);
        if head.issued_secs > now + tolerance {
            return Err(Fault::Time("it has not come"));
        }
        let is_over = |end: i64| end <= now - tolerance;
        match is_over(head.issued_secs.saturating_add(lasts)) || head.end_secs.is_some_and(is_over) {
            true => Err(Fault::Time("it is over")),
            false => Ok(()),
        }
    }

    /// Goes on with a message that was taken, in the browser that has brought it: `session` is its session here, and `kept` what it keeps
    /// while it goes round. A request ends sessions and begins to go round; an answer is noted.
    ///
    /// # Errors
    /// `SignIn`: `Attempt` for none, one whose time is over, or an answer that this browser was not sent for; the store's.
    pub async fn leave(&self, sealed: &str, session: Option<&WebSession>, kept: &str) -> Result<Left, SamlError> {
        let note: Note = self.0.openid.unseal(SEALED_FOR, sealed)?;
        if note.end_millis <= self.0.env.wall_millis() {
            return Err(OpenIdError::Attempt.into());
        }
        let tenant = TenantId(note.tenant);
        match (&note.asked, &note.answered) {
            (Some(asked), _) => self.end_asked(tenant, &note, asked, session).await,
            (None, Some(answered)) => {
                let by = (tenant, note.application.as_deref());
                self.note_answer(kept, by, &answered.request, answered.is_done).await?;
                Ok(Left {
                    is_over: false,
                    token: None,
                })
            }
            (None, None) => Err(OpenIdError::Attempt.into()),
        }
    }

    /// Those of the sessions that a request may be about which it is about.
    async fn meant(
        &self,
        tenant: TenantId,
        note: &Note,
        asked: &Asked,
        session: Option<&WebSession>,
    ) -> Result<Vec<(SessionId, Vec<Party>)>, SamlError> {
        let (who, entity) = (note.application.as_deref(), entity(&note.entity_id));
        let session = session.filter(|session| session.account.tenant == tenant);
        let mut filters = Vec::new();
        let mut application = None;
        match who {
            // Names of applications lead to nobody but who is signed in.
            Some(id) => {
                application = self.application(tenant, id).await?.map(|view| view.application);
                filters.extend(session.map(|session| SessionFilter::Account(session.account.id)));
            }
            None => {
                let mut sessions: BTreeSet<u64> = session.map(|session| session.id.0).into_iter().collect();
                let indexes: Vec<Option<&str>> = match asked.sessions.is_empty() {
                    true => vec![None],
                    false => asked.sessions.iter().map(|index| Some(index.as_str())).collect(),
                };
                for index in indexes {
                    let by = (index, asked.name.value.as_str());
                    let begun = self.0.openid.sessions_begun(tenant, &note.entity_id, by).await?;
                    sessions.extend(begun.into_iter().map(|session| session.0));
                }
                filters.extend(
                    sessions
                        .into_iter()
                        .map(|session| SessionFilter::One(SessionId(session))),
                );
            }
        }
        let is_meant = |party: &Party| {
            let name = match &application {
                Some(application) => self.full_name(tenant, application, &party.name),
                None => party.name.clone(),
            };
            let indexes = &asked.sessions;
            party.application.as_deref() == who
                && party.entity == entity
                && name.is_meant_by(&asked.name)
                && (indexes.is_empty() || party.index.as_ref().is_some_and(|index| indexes.contains(index)))
        };
        let mut meant = Vec::new();
        for filter in filters {
            let found = self.parties(filter).await?.into_iter();
            meant.extend(found.filter(|(_, parties)| parties.iter().any(is_meant)));
        }
        Ok(meant)
    }

    async fn end_asked(
        &self,
        tenant: TenantId,
        note: &Note,
        asked: &Asked,
        session: Option<&WebSession>,
    ) -> Result<Left, SamlError> {
        let own = session.map(|session| session.id);
        let meant = self.meant(tenant, note, asked, session).await?;
        // Whoever is not signed in here has nothing to be ended; somebody else who is stays so.
        let outcome = match meant.is_empty() && session.is_some() {
            true => Outcome::Unknown,
            false => Outcome::Done,
        };
        let (mut left, mut untold, mut is_over) = (Vec::new(), Vec::new(), false);
        for (id, parties) in meant {
            let ended = self.0.openid.access().end_web_sessions(SessionFilter::One(id)).await;
            ended.map_err(OpenIdError::from)?;
            let others = parties
                .into_iter()
                .filter(|party| party.application != note.application);
            let (may_be_told, may_not) = self.stops(tenant, others.collect()).await?;
            untold.extend(may_not);
            // Sessions of another browser are not in this one's reach.
            match Some(id) == own {
                true => left.extend(may_be_told),
                false => untold.extend(self.labels(tenant, &may_be_told).await?),
            }
            is_over |= Some(id) == own;
        }
        untold.sort();
        untold.dedup();
        let asker = self.sign_out_place(tenant, note.application.as_deref()).await?;
        let asker = asker.map(|_| Asker {
            application: note.application.clone(),
            request: asked.id.clone(),
            relay_state: asked.relay_state.clone(),
        });
        let round = Round {
            asker,
            outcome,
            ..Round::new(tenant, (left, untold))
        };
        Ok(Left {
            is_over,
            token: Some(self.begin_round(round).await?),
        })
    }
}
