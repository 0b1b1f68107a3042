//! Who asks, and what they may do.

use std::ops::Deref;
use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header;
use axum::http::request::Parts;
use hongyan_access::permission::{Action, Actor, Object, Reach, Refusal, permit};
use hongyan_directory::{AccountKind, AccountRecord, DepartmentId, Error, GroupId, GroupRecord};
use hongyan_scim::ScimError;
use hongyan_types::{AccountId, TenantId};
use serde_json::Value;

use crate::answer::{Refused, Result};
use crate::{PLACE, ScimParts};

/// Longest body.
pub(crate) const BODY_OCTETS_MAX: usize = 4 << 20;

/// The service's handles in the name of whoever asks, for their organisation.
pub(crate) struct Asker {
    parts: ScimParts,
    actor: Actor,
    pub(crate) tenant: TenantId,
    may_change: Result<(), Refusal>,
}

impl Deref for Asker {
    type Target = ScimParts;
    fn deref(&self) -> &ScimParts {
        &self.parts
    }
}

impl FromRequestParts<ScimParts> for Asker {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, service: &ScimParts) -> Result<Self> {
        let actor = parts.extensions.get::<Actor>().cloned();
        let actor = actor.ok_or_else(|| ScimError::status(401, "show a token"))?;
        let mut service = service.clone();
        service.directory = service.directory.acting(actor.author(), None);
        let tenant = match actor.tenant() {
            Some(tenant) => tenant,
            None => match service.directory.tenants(None, 2).await?.as_slice() {
                [only] => only.id,
                _ => return Err(ScimError::status(403, "use a token of a member of the organisation").into()),
            },
        };
        permit(&actor, Action::ReadScim, &Object::organisation(tenant))?;
        let may_change = permit(&actor, Action::ChangeScim, &Object::organisation(tenant)).map(|_| ());
        // The scope of the whole service includes those of what it shows.
        let scopes: &[&str] = match may_change {
            Ok(()) => &["members:write", "groups:write", "departments:write"],
            Err(_) => &["members:read", "groups:read", "departments:read"],
        };
        Ok(Self {
            parts: service,
            actor: actor.widened(scopes),
            tenant,
            may_change,
        })
    }
}

impl Asker {
    /// The address of the service.
    pub(crate) fn base(&self) -> String {
        format!("{}{PLACE}", self.origin)
    }

    /// Whether the service may be used to change anything.
    pub(crate) fn check_change(&self) -> Result<()> {
        self.may_change.map_err(Refused::from)
    }

    /// A right in the organisation, and how far it reaches.
    pub(crate) fn permit(&self, action: Action) -> Result<Reach> {
        Ok(permit(&self.actor, action, &Object::organisation(self.tenant))?)
    }

    /// The member with that identifier, to do `action`. One of another organisation, or beyond reach, is not there.
    pub(crate) async fn member(&self, action: Action, id: &str) -> Result<Arc<AccountRecord>> {
        let missing = || ScimError::not_found(format!("there is no user {id}"));
        let number = number(id, 'u').ok_or_else(missing)?;
        let account = self.directory.account(AccountId(number)).await?;
        let account = account.filter(|account| account.tenant == self.tenant && account.kind == AccountKind::Member);
        let account = account.ok_or_else(missing)?;
        match self.permit_member(action, &account).await {
            Err(Refused(error)) if error.status == 404 => Err(missing().into()),
            permitted => permitted.map(|()| account),
        }
    }

    pub(crate) async fn permit_member(&self, action: Action, account: &AccountRecord) -> Result<()> {
        let places = self.directory.with_all_above(self.tenant, &account.departments).await?;
        let object = Object::one(self.tenant, &places)
            .with_role(account.role.as_ref())
            .of(account.id);
        permit(&self.actor, action, &object)?;
        Ok(())
    }

    /// Refuses departments beyond reach.
    pub(crate) async fn permit_departments(&self, action: Action, departments: &[DepartmentId]) -> Result<()> {
        for department in departments {
            let places = self.directory.with_all_above(self.tenant, &[*department]).await?;
            // The organisation itself is for those of the whole; who has no department is nobody's below.
            match permit(&self.actor, action, &Object::one(self.tenant, &places)) {
                Err(Refusal::Hidden) => {
                    return Err(ScimError::status(403, "the department is beyond what you may change").into());
                }
                permitted => drop(permitted?),
            }
        }
        Ok(())
    }

    /// The group with that identifier, to do `action`.
    pub(crate) async fn group(&self, action: Action, id: &str) -> Result<GroupRecord> {
        let missing = || ScimError::not_found(format!("there is no group {id}"));
        let number = number(id, 'g').ok_or_else(missing)?;
        let group = self.directory.group(self.tenant, GroupId(number)).await?;
        let group = group.ok_or_else(missing)?;
        match self.permit_group(action, &group).await {
            Err(Refused(error)) if error.status == 404 => Err(missing().into()),
            permitted => permitted.map(|()| group),
        }
    }

    pub(crate) async fn permit_group(&self, action: Action, group: &GroupRecord) -> Result<()> {
        let places = match group.department {
            Some(department) => self.directory.with_all_above(self.tenant, &[department]).await?,
            None => Vec::new(),
        };
        permit(&self.actor, action, &Object::one(self.tenant, &places))?;
        Ok(())
    }

    /// A domain for what has none yet: the asker's own, else the organisation's first.
    pub(crate) async fn domain(&self) -> Result<hongyan_types::Domain> {
        if let Actor::Person(person) = &self.actor
            && let Ok(address) = hongyan_types::Address::try_from(person.address.as_str())
        {
            return Ok(address.domain);
        }
        let first = self.directory.domains(self.tenant, None, 1).await?.into_iter().next();
        let missing = || Error::Refused("the organisation has no domain yet".to_owned());
        Ok(first.ok_or_else(missing)?.domain)
    }
}

/// The number of an identifier of a kind.
pub(crate) fn number(id: &str, kind: char) -> Option<u64> {
    let digits = id.strip_prefix(kind)?;
    let number = digits.parse().ok()?;
    // One resource has one identifier.
    (u64::to_string(&number) == digits).then_some(number)
}

/// A JSON body.
pub(crate) struct Sent(pub(crate) Value);

impl<S: Sync> FromRequest<S> for Sent {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !matches!(kind.as_str(), "application/scim+json" | "application/json") {
            let detail = "the body is application/scim+json or application/json";
            return Err(ScimError::status(415, detail).into());
        }
        let octets: Bytes = to_bytes(request.into_body(), BODY_OCTETS_MAX).await.map_err(|_| {
            let detail = format!("maxPayloadSize is {BODY_OCTETS_MAX} and the body has more");
            ScimError::status(413, detail)
        })?;
        let value = serde_json::from_slice(&octets);
        let invalid = |error| {
            let detail = format!("the body is no JSON: {error}");
            ScimError::new(hongyan_scim::ScimType::InvalidSyntax, detail)
        };
        Ok(Self(value.map_err(invalid)?))
    }
}
