//! A browser that goes round: from one that is told to the next, and back to whoever wanted it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use hongyan_kv::{KeyRange, RangeQuery, ReadMode, Transaction};
use hongyan_openid::{OpenIdError, form};
use hongyan_types::TenantId;

use super::message::{Head, Outcome};
use super::party::{Party, entity};
use super::record::{self, Asker, Round, Waiting};
use super::{NameIdentifier, SignOutPlace};
use crate::application::binding::{REQUEST, RESPONSE};
use crate::application::key::Signer;
use crate::application::sign::RSA_SHA256;
use crate::request::deflate;
use crate::{Fault, Saml, SamlError};

const TOKEN_OCTETS: usize = 32;
/// Rounds that are looked at, whether they are over, when another one begins.
const OVER_STEP: usize = 50;

/// How a browser carries a message on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// It goes there (Bindings §3.4).
    Redirect(String),
    /// It posts a form (Bindings §3.5).
    Post {
        /// Where to: it is registered.
        location: String,
        /// `SAMLRequest` or `SAMLResponse`.
        field: &'static str,
        /// What is in it.
        message: String,
        /// `RelayState`.
        relay_state: Option<String>,
    },
}

/// What a member has done on the page in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Nothing: they come by.
    Look,
    /// They do not wait for the one that was asked.
    Skip,
    /// They have read who could not be told.
    Read,
}

/// What a browser does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It goes to somebody, who is called so.
    Send(Sent, String),
    /// Somebody who is called so has been asked and has not answered.
    Waiting(String),
    /// Those who are called so could not be told.
    Untold(Vec<String>),
    /// All is done; it goes there, or nowhere.
    Done(Option<String>),
}

/// Somebody who may be sent to sign out.
pub(super) struct Stop {
    place: SignOutPlace,
    label: String,
    issuer: String,
    name: NameIdentifier,
}

fn pack(
    signer: &Signer,
    (field, text, id): (&'static str, &str, &str),
    location: &str,
    (by_post, relay_state): (bool, Option<&str>),
) -> Result<Sent, SamlError> {
    if by_post {
        return Ok(Sent::Post {
            location: location.to_owned(),
            field,
            message: STANDARD.encode(signer.envelop(text, id)?),
            relay_state: relay_state.map(str::to_owned),
        });
    }
    let packed = STANDARD.encode(deflate(text).ok_or(Fault::Unreadable("what was to be sent"))?);
    let mut fields = vec![(field, packed.as_str())];
    fields.extend(relay_state.map(|state| ("RelayState", state)));
    fields.push(("SigAlg", RSA_SHA256));
    // Bindings §3.4.4.1: over these fields in this order, as they are sent.
    let query = form(&fields);
    let signature = signer.value(query.as_bytes())?;
    let sign = if location.contains('?') { '&' } else { '?' };
    let signature = form(&[("Signature", &signature)]);
    Ok(Sent::Redirect(format!("{location}{sign}{query}&{signature}")))
}

impl Saml {
    /// Where an application, or the organisation's provider, is told, and what it is called; nothing where it takes no such messages or is
    /// not connected.
    async fn stop(&self, tenant: TenantId, party: &Party) -> Result<Option<Stop>, SamlError> {
        let Some(id) = &party.application else {
            let provider = match self.provider(tenant).await? {
                Some(view) if entity(&view.settings.provider.entity_id) == party.entity => view.settings,
                _ => return Ok(None),
            };
            return Ok(provider.provider.sign_out.map(|place| Stop {
                place,
                label: provider.label,
                issuer: self.registration(tenant).entity_id,
                name: party.name.clone(),
            }));
        };
        let found = self.application(tenant, id).await?.map(|view| view.application);
        let is_it =
            |application: &crate::Application| application.is_on && entity(&application.entity_id) == party.entity;
        Ok(found.filter(is_it).and_then(|application| {
            Some(Stop {
                name: self.full_name(tenant, &application, &party.name),
                place: application.sign_out?,
                label: application.name,
                issuer: self.places(tenant).entity_id,
            })
        }))
    }

    /// Where an application, or the organisation's provider, takes messages, with who we are to it.
    pub(super) async fn sign_out_place(
        &self,
        tenant: TenantId,
        application: Option<&str>,
    ) -> Result<Option<(SignOutPlace, String)>, SamlError> {
        Ok(match application {
            Some(id) => {
                let place = self
                    .application(tenant, id)
                    .await?
                    .and_then(|view| view.application.sign_out);
                place.map(|place| (place, self.places(tenant).entity_id))
            }
            None => {
                let place = self
                    .provider(tenant)
                    .await?
                    .and_then(|view| view.settings.provider.sign_out);
                place.map(|place| (place, self.registration(tenant).entity_id))
            }
        })
    }

    /// Those who can be told, the provider last, and what the applications are called that cannot.
    pub(super) async fn stops(
        &self,
        tenant: TenantId,
        parties: Vec<Party>,
    ) -> Result<(Vec<Party>, Vec<String>), SamlError> {
        let (mut left, mut untold) = (Vec::new(), Vec::new());
        for party in parties {
            match (self.stop(tenant, &party).await?, &party.application) {
                (Some(_), _) => left.push(party),
                (None, Some(id)) => {
                    let found = self.application(tenant, id).await?;
                    untold.extend(found.map(|view| view.application.name));
                }
                // Not every provider can be told; then the session there is none of ours.
                (None, None) => {}
            }
        }
        left.sort_by_key(|party| party.application.is_none());
        Ok((left, untold))
    }

    pub(super) async fn labels(&self, tenant: TenantId, parties: &[Party]) -> Result<Vec<String>, SamlError> {
        let mut labels = Vec::new();
        for party in parties {
            labels.extend(self.stop(tenant, party).await?.map(|stop| stop.label));
        }
        Ok(labels)
    }

    /// Begins to go round after somebody has signed out here: `parties` were told of the session, and the browser goes to `exit` then.
    /// Nothing where nobody was. Gives what the browser keeps.
    ///
    /// # Errors
    /// `SignIn`: the store's.
    pub async fn begin_sign_out(
        &self,
        tenant: TenantId,
        parties: Vec<Party>,
        exit: Option<&str>,
    ) -> Result<Option<String>, SamlError> {
        let (left, untold) = self.stops(tenant, parties).await?;
        if left.is_empty() && untold.is_empty() {
            return Ok(None);
        }
        let round = Round {
            exit: exit.map(str::to_owned),
            ..Round::new(tenant, (left, untold))
        };
        Ok(Some(self.begin_round(round).await?))
    }

    /// How long a browser keeps what it is given to go round, in seconds.
    #[must_use]
    pub fn leave_secs(&self) -> u64 {
        self.0.options.attempt_secs
    }

    pub(super) async fn begin_round(&self, mut round: Round) -> Result<String, SamlError> {
        let mut random = [0; TOKEN_OCTETS];
        self.0.env.fill_random(&mut random);
        let token = URL_SAFE_NO_PAD.encode(random);
        let now = self.0.env.wall_millis();
        let secs = i64::try_from(self.0.options.attempt_secs).unwrap_or(i64::MAX / 4_000);
        round.end_millis = now.saturating_add(secs.saturating_mul(1_000));
        let (key, stored) = (record::round_key(&token), record::encode(&round));
        let begin = async move |transaction: &mut Transaction| {
            // Names are hashes: what follows a new one is anywhere, so in time all that is over is found.
            let query = RangeQuery {
                limit: OVER_STEP,
                mode: ReadMode::Snapshot,
                ..RangeQuery::all(KeyRange {
                    begin: key.clone(),
                    end: record::rounds().range().end,
                })
            };
            for pair in transaction.get_range_all(query).await? {
                if record::decode(&pair.value).is_ok_and(|round| round.end_millis <= now) {
                    transaction.clear(&pair.key);
                }
            }
            transaction.set(key.clone(), stored.clone());
            Ok::<_, hongyan_kv::Error>(())
        };
        self.0.database.run(begin).await?;
        Ok(token)
    }

    /// Changes the round of a browser; nothing is left of one that `change` is through with.
    async fn change_round(
        &self,
        token: &str,
        change: impl Fn(&mut Round) -> bool + Send + Sync + 'static,
    ) -> Result<Round, SamlError> {
        let (key, now): (Bytes, i64) = (record::round_key(token), self.0.env.wall_millis());
        let run = async move |transaction: &mut Transaction| {
            let Some(stored) = transaction.get(&key).await? else {
                return Ok(None);
            };
            let mut round = record::decode(&stored)?;
            if round.end_millis <= now {
                return Ok(None);
            }
            match change(&mut round) {
                true => transaction.clear(&key),
                false => transaction.set(key.clone(), record::encode(&round)),
            }
            Ok::<_, hongyan_kv::Error>(Some(round))
        };
        let changed = self.0.database.run(run).await?;
        Ok(changed.ok_or(OpenIdError::Attempt)?)
    }

    /// Somebody has answered; it counts for the request that this browser was sent with last.
    pub(super) async fn note_answer(
        &self,
        token: &str,
        (tenant, application): (TenantId, Option<&str>),
        request: &str,
        is_done: bool,
    ) -> Result<(), SamlError> {
        let (application, request) = (application.map(str::to_owned), request.to_owned());
        let is_it = move |round: &Round| {
            let waiting = round.waiting.as_ref();
            let is_it = waiting.is_some_and(|it| it.application == application && it.request == request);
            round.tenant == tenant.0 && is_it
        };
        let before = self.change_round(token, |_| false).await?;
        if !is_it(&before) {
            return Err(Fault::Wrong("InResponseTo").into());
        }
        let note = move |round: &mut Round| {
            if is_it(round) {
                let waiting = round.waiting.take().filter(|_| !is_done);
                round.untold.extend(waiting.map(|waiting| waiting.label));
            }
            false
        };
        self.change_round(token, note).await?;
        Ok(())
    }

    /// Takes a browser that goes round a step on; `token` is what it keeps.
    ///
    /// # Errors
    /// `SignIn`: `Attempt` for one that does not go round, or whose time is over; the store's.
    pub async fn go_round(&self, token: &str, step: Move) -> Result<Step, SamlError> {
        let note = move |round: &mut Round| {
            match step {
                Move::Look => {}
                Move::Skip => round.untold.extend(round.waiting.take().map(|waiting| waiting.label)),
                Move::Read => round.is_read = true,
            }
            false
        };
        let mut round = self.change_round(token, note).await?;
        let tenant = TenantId(round.tenant);
        loop {
            if let Some(waiting) = round.waiting {
                return Ok(Step::Waiting(waiting.label));
            }
            let Some(next) = round.left.first().cloned() else { break };
            let sent = self.tell(tenant, &next).await?;
            let waiting = sent.as_ref().map(|(_, waiting)| waiting.clone());
            let begin = move |round: &mut Round| {
                // Another page of the same browser may have been faster.
                if round.left.first() == Some(&next) {
                    round.left.remove(0);
                    round.waiting.clone_from(&waiting);
                }
                false
            };
            round = self.change_round(token, begin).await?;
            if let Some((sent, waiting)) = sent {
                return Ok(Step::Send(sent, waiting.label));
            }
        }
        if !round.untold.is_empty() && !round.is_read {
            return Ok(Step::Untold(round.untold));
        }
        let round = self.change_round(token, |_| true).await?;
        match &round.asker {
            Some(asker) => self.answer_asker(tenant, &round, asker).await,
            None => Ok(Step::Done(round.exit)),
        }
    }

    async fn tell(&self, tenant: TenantId, party: &Party) -> Result<Option<(Sent, Waiting)>, SamlError> {
        let Some(stop) = self.stop(tenant, party).await? else {
            return Ok(None);
        };
        let (id, now) = (self.name(), self.0.env.wall_millis());
        let head = Head {
            id: &id,
            at_millis: now,
            issuer: &stop.issuer,
            destination: &stop.place.location,
        };
        let secs = i64::try_from(self.0.options.assertion_secs).unwrap_or(i64::MAX / 4_000);
        let end = now.saturating_add(secs.saturating_mul(1_000));
        let text = head.request(&stop.name, party.index.as_deref(), end);
        let signer = self.signer(tenant).await?;
        let sent = pack(
            &signer,
            (REQUEST, &text, &id),
            &stop.place.location,
            (stop.place.by_post, None),
        )?;
        let waiting = Waiting {
            application: party.application.clone(),
            label: stop.label,
            request: id,
        };
        Ok(Some((sent, waiting)))
    }

    async fn answer_asker(&self, tenant: TenantId, round: &Round, asker: &Asker) -> Result<Step, SamlError> {
        let Some((place, issuer)) = self.sign_out_place(tenant, asker.application.as_deref()).await? else {
            return Ok(Step::Done(None));
        };
        let id = self.name();
        let head = Head {
            id: &id,
            at_millis: self.0.env.wall_millis(),
            issuer: &issuer,
            destination: place.answers(),
        };
        let outcome = match round.outcome {
            Outcome::Done if !round.untold.is_empty() => Outcome::Partial,
            outcome => outcome,
        };
        let text = head.response(&asker.request, outcome);
        let signer = self.signer(tenant).await?;
        let carried = (place.by_post, asker.relay_state.as_deref());
        let sent = pack(&signer, (RESPONSE, &text, &id), place.answers(), carried)?;
        Ok(Step::Send(sent, String::new()))
    }
}
