//! Who asks, and what they may do: every handler gets its way to the directory from here, bound to who asks.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use hongyan_access::permission::{self, Action, Actor, Object, Person, Reach, Refusal};
use hongyan_access::{AccessError, Identity};
use hongyan_audit::{Chain, Event};
use hongyan_directory::{AccountRecord, Error, GroupRecord, RequestKey, SmsScope};
use hongyan_types::{Address, TenantId};

use crate::AdminState;
use crate::problem::{Problem, Result};

/// The API's handles, in the name of whoever asks.
pub(crate) struct Caller {
    state: AdminState,
    pub(crate) actor: Actor,
    /// How they signed in; nothing for operators and programs.
    identity: Option<Identity>,
}

impl Deref for Caller {
    type Target = AdminState;
    fn deref(&self) -> &AdminState {
        &self.state
    }
}

impl FromRequestParts<AdminState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AdminState) -> Result<Self, Problem> {
        let actor = parts
            .extensions
            .get::<Actor>()
            .cloned()
            .ok_or_else(Problem::unknown_caller)?;
        let request = parts.extensions.get::<RequestKey>().copied();
        let mut state = state.clone();
        state.directory = state.directory.acting(actor.author(), request);
        state.migrations = state.migrations.acting(state.directory.clone());
        state.webhooks = state.webhooks.acting(state.directory.clone());
        let identity = parts.extensions.get::<Identity>().cloned();
        if identity.as_ref().is_some_and(Identity::is_app) {
            return Err(Problem::app_password());
        }
        Ok(Self { state, actor, identity })
    }
}

impl Caller {
    /// The API's handles.
    pub(crate) fn state(&self) -> &AdminState {
        &self.state
    }
    /// Whether the caller may do that, and how far the right reaches.
    pub(crate) fn permit(&self, action: Action, object: &Object<'_>) -> Result<Reach> {
        Ok(permission::permit(&self.actor, action, object)?)
    }

    /// Whether the caller has proved lately who they are, for what is delicate (AUTH-25). Operators need not; programs cannot.
    pub(crate) fn check_proof(&self) -> Result<()> {
        match (&self.identity, &self.actor) {
            (Some(identity), _) => Ok(self.access.check_proof(identity)?),
            (None, Actor::Person(Person { scopes: Some(_), .. })) => Err(AccessError::ProofNeeded.into()),
            (None, _) => Ok(()),
        }
    }

    /// Whether the caller has shown a code sent to their phone, where that protects `scope` (AUTH-22).
    pub(crate) async fn check_protected(&self, scope: SmsScope) -> Result<()> {
        match &self.identity {
            Some(identity) => Ok(self.access.check_protected_of(identity, scope).await?),
            None => Ok(()),
        }
    }

    /// Whether the caller is that member.
    pub(crate) fn is(&self, account: &AccountRecord) -> bool {
        matches!(&self.actor, Actor::Person(person) if person.account == account.id)
    }

    /// An operator's right.
    pub(crate) fn permit_operator(&self, action: Action) -> Result<()> {
        self.permit(action, &Object::installation()).map(|_| ())
    }

    /// Tells the audit log of the installation what is about to be done.
    pub(crate) async fn record(&self, event: Event) -> Result<()> {
        Ok(self.directory.record(Chain::Installation, event).await?)
    }

    /// The organisation a request is about: the caller's own; for operators the one named, or the only one.
    pub(crate) async fn organisation(&self, name: Option<&str>) -> Result<TenantId> {
        if let Some(own) = self.actor.tenant() {
            if let Some(name) = name
                && self.directory.tenant(own).await?.name.to_lowercase() != name.to_lowercase()
            {
                return Err(Error::NotFound {
                    what: "organisation",
                    name: name.to_owned(),
                }
                .into());
            }
            return Ok(own);
        }
        if let Some(name) = name {
            return Ok(self.directory.tenant_named(name).await?.id);
        }
        let tenants = self.directory.tenants(None, 2).await?;
        match tenants.as_slice() {
            [only] => Ok(only.id),
            [] => Err(Problem::not_found("there is no organisation yet")),
            _ => Err(Problem::invalid("organisation: there are several: name one")),
        }
    }

    /// The organisation a request is about, to do `action` in it.
    pub(crate) async fn within(&self, action: Action, name: Option<&str>) -> Result<(TenantId, Reach)> {
        let tenant = self.organisation(name).await?;
        let reach = self.permit(action, &Object::organisation(tenant))?;
        Ok((tenant, reach))
    }

    /// A right that must reach over the whole organisation.
    pub(crate) fn within_whole(&self, action: Action, tenant: TenantId) -> Result<()> {
        match self.permit(action, &Object::organisation(tenant))? {
            Reach::Organisation => Ok(()),
            Reach::Departments(_) => Err(Problem::forbidden("it is for administrators of the whole organisation")),
        }
    }

    /// The member with that address, to do `action` to it. One that the caller must not see is not there.
    pub(crate) async fn member(&self, action: Action, address: &str) -> Result<Arc<AccountRecord>> {
        let address = parse_address(address)?;
        let account = self.directory.account_at(&address).await?;
        self.permit_member(action, &account, &address).await?;
        Ok(account)
    }

    /// As [`Caller::member`]; `me` is the caller's own account.
    pub(crate) async fn member_or_me(&self, action: Action, address: &str) -> Result<Arc<AccountRecord>> {
        let own = match &self.actor {
            _ if address != "me" => None,
            Actor::Person(person) => Some(person.address.clone()),
            Actor::Operator { .. } => return Err(Problem::invalid("an operator has no account: say whose")),
        };
        self.member(action, own.as_deref().unwrap_or(address)).await
    }

    /// Whether the caller may do `action` to a member asked for as `address`.
    pub(crate) async fn permit_member(
        &self,
        action: Action,
        account: &AccountRecord,
        address: &Address,
    ) -> Result<Reach> {
        let places = self
            .directory
            .with_all_above(account.tenant, &account.departments)
            .await?;
        let object = Object::one(account.tenant, &places)
            .with_role(account.role.as_ref())
            .of(account.id);
        match permission::permit(&self.actor, action, &object) {
            Err(Refusal::Hidden) => Err(Error::NotFound {
                what: "account",
                name: address.to_string(),
            }
            .into()),
            permitted => Ok(permitted?),
        }
    }

    /// The group with that address, to do `action` to it.
    pub(crate) async fn group(&self, action: Action, address: &Address) -> Result<GroupRecord> {
        let group = self.directory.group_at(address).await?;
        let places = match group.department {
            Some(department) => self.directory.with_all_above(group.tenant, &[department]).await?,
            None => Vec::new(),
        };
        match permission::permit(&self.actor, action, &Object::one(group.tenant, &places)) {
            Err(Refusal::Hidden) => Err(Error::NotFound {
                what: "group",
                name: address.to_string(),
            }
            .into()),
            permitted => {
                permitted?;
                Ok(group)
            }
        }
    }
}

pub(crate) fn parse_address(text: &str) -> Result<Address> {
    Address::try_from(text).map_err(|error| Problem::invalid(format!("{text}: {error}")))
}
