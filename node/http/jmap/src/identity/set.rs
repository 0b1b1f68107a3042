//! Identity/set (RFC 8621 §6.3).

use std::collections::BTreeMap;

use hongyan_jmap::method::{Set, SetReply};
use hongyan_jmap::object::{EmailAddress, NewIdentity};
use hongyan_jmap::{Id, IdOrCreation, MethodErrorType, PatchObject, RawValue, SetError, SetErrorType};
use hongyan_kv::Transaction;
use hongyan_profile::sender_name;
use hongyan_types::Address;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::get::senders;
use super::record::{Identities, IdentityRecord, NamedAddress, Senders};
use crate::call::Call;
use crate::error::Outcome;
use crate::ids;
use crate::ledgers::Attempts;

/// Identities an account may have beside those of its addresses.
const IDENTITIES_MAX: usize = 200;
/// Octets of one identity, far below what a value may have.
const IDENTITY_OCTETS_MAX: usize = 64 * 1024;

/// What the server set of a new identity.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    id: Id,
    may_delete: bool,
}

type Reply<'a> = SetReply<'a, Created>;

pub(crate) async fn set(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Set = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    arguments.check(call.jmap.settings.core.set_objects_max)?;
    let account_id = call.account.id.clone();
    let senders = senders(call).await?;
    let mut attempts = Attempts::default();
    let (reply, created) = loop {
        let mut transaction = call.jmap.services.database.begin();
        let identities = Identities::of(call.account);
        let mut all = identities.all(&mut transaction, &senders).await?;
        let old_state = identities.ledger.state(&mut transaction).await?.to_string();
        if arguments.if_in_state.as_ref().is_some_and(|state| *state != old_state) {
            return Err(MethodErrorType::StateMismatch.into());
        }
        let mut reply = Reply::new(&account_id, old_state);
        let mut created = call.created.clone();
        let new = arguments.create.iter().flatten();
        for (creation, text) in new {
            match read_new(&senders, text, all.len()) {
                Ok(identity) => {
                    let number = identities.ledger.create(&mut transaction, identity.encode()).await?;
                    all.push((number, identity));
                    let id = ids::numbered('I', number);
                    created.insert(creation.clone(), id.clone());
                    reply.created.insert(creation.clone(), Created { id, may_delete: true });
                }
                Err(error) => {
                    reply.not_created.insert(creation.clone(), error);
                }
            }
        }
        let changed = (&arguments, &created);
        update((&identities, &senders), &mut transaction, changed, &mut all, &mut reply).await?;
        destroy(&identities, &mut transaction, changed, &all, &mut reply).await?;
        reply.new_state = identities.ledger.state(&mut transaction).await?.to_string();
        if !attempts.again(transaction.commit().await)? {
            break (reply, created);
        }
    };
    *call.created = created;
    call.answer(&reply)
}

fn read_new(senders: &Senders<'_>, text: &RawValue, count: usize) -> Result<IdentityRecord, SetError> {
    if count >= IDENTITIES_MAX + senders.given().len() {
        let words = format!("an account has at most {IDENTITIES_MAX} identities of its own");
        return Err(SetError::with(SetErrorType::OverQuota, words));
    }
    let wrong = |error: serde_json::Error| SetError::with(SetErrorType::InvalidProperties, error.to_string());
    let new: NewIdentity = serde_json::from_str(text.get()).map_err(wrong)?;
    if Address::try_from(new.email.as_str()).is_err() {
        return Err(SetError::properties(["email"], "no address"));
    }
    if !senders.has(&new.email) {
        let words = "you may send only as your own addresses and those open to you";
        return Err(SetError::with(SetErrorType::ForbiddenFrom, words));
    }
    let identity = IdentityRecord {
        name: match new.name.trim() {
            // Who may not choose a name has the directory's.
            "" if !senders.page.own_sender_names => senders.name_at(&new.email).unwrap_or_default(),
            _ => chosen(senders, &new.email, new.name)?,
        },
        email: new.email,
        reply_to: new.reply_to.map(stored),
        bcc: new.bcc.map(stored),
        text_signature: new.text_signature,
        html_signature: new.html_signature,
        is_given: false,
        is_named: None,
    };
    check(&identity)?;
    Ok(identity)
}

/// A name that somebody wants to send with (ORG-9): the directory's, or where the organisation lets them choose, their own.
fn chosen(senders: &Senders<'_>, email: &str, name: String) -> Result<String, SetError> {
    if senders.name_at(email).is_some_and(|given| given == name) {
        return Ok(name);
    }
    if !senders.page.own_sender_names {
        let words = "name: the organisation does not let members choose their sender name (own_sender_names); \
                     ask an administrator";
        return Err(SetError::with(SetErrorType::Forbidden, words));
    }
    sender_name(&name).map_err(|error| SetError::properties(["name"], error.to_string()))
}

fn stored(list: Vec<EmailAddress>) -> Vec<NamedAddress> {
    list.into_iter().map(|address| (address.name, address.email)).collect()
}

fn check(identity: &IdentityRecord) -> Result<(), SetError> {
    if identity.encode().len() > IDENTITY_OCTETS_MAX {
        return Err(SetError::too_large(IDENTITY_OCTETS_MAX as u64));
    }
    Ok(())
}

async fn update(
    (identities, senders): (&Identities, &Senders<'_>),
    transaction: &mut Transaction,
    (arguments, created): (&Set, &BTreeMap<Id, Id>),
    all: &mut [(u64, IdentityRecord)],
    reply: &mut Reply<'_>,
) -> Outcome<()> {
    let destroyed = arguments.destroy.as_deref().unwrap_or_default();
    for (id, patch) in arguments.update.iter().flatten() {
        let shown = id.resolve(created).map_or_else(|| id.to_string(), ToString::to_string);
        let is_doomed = destroyed
            .iter()
            .any(|other| other.resolve(created) == id.resolve(created));
        let changed = if is_doomed {
            Err(SetErrorType::WillDestroy.into())
        } else {
            find(id, created, all).and_then(|at| {
                let (number, identity) = &all[at];
                Ok((
                    at,
                    *number,
                    patched(senders, &ids::numbered('I', *number), identity.clone(), patch)?,
                ))
            })
        };
        match changed {
            Ok((at, number, identity)) => {
                if all[at].1 != identity {
                    identities.ledger.put(transaction, number, identity.encode()).await?;
                    all[at].1 = identity;
                }
                reply.updated.insert(shown, None);
            }
            Err(error) => {
                reply.not_updated.insert(shown, error);
            }
        }
    }
    Ok(())
}

fn find(id: &IdOrCreation, created: &BTreeMap<Id, Id>, all: &[(u64, IdentityRecord)]) -> Result<usize, SetError> {
    let number = id.resolve(created).and_then(|id| ids::read_numbered('I', id));
    let at = number.and_then(|number| all.iter().position(|(known, _)| *known == number));
    at.ok_or_else(|| SetErrorType::NotFound.into())
}

fn patched(
    senders: &Senders<'_>,
    id: &Id,
    mut identity: IdentityRecord,
    patch: &PatchObject,
) -> Result<IdentityRecord, SetError> {
    for (path, value) in patch.entries()? {
        if !path.inside().is_empty() {
            return Err(SetErrorType::InvalidPatch.into());
        }
        let property = path.property();
        match property {
            "name" => {
                let name = value_of::<Option<String>>(property, value)?.unwrap_or_default();
                // RFC 8620 §5.3: what does not change may be given as it is.
                if name == identity.name {
                    continue;
                }
                // Without a name of its own it has the directory's again.
                let given = senders.name_at(&identity.email);
                if name.trim().is_empty() || given.as_ref() == Some(&name) {
                    identity.is_named = None;
                    identity.name = given.unwrap_or_default();
                } else {
                    identity.name = chosen(senders, &identity.email, name)?;
                    identity.is_named = identity.is_given.then_some(true);
                }
            }
            "replyTo" => identity.reply_to = value_of::<Option<Vec<EmailAddress>>>(property, value)?.map(stored),
            "bcc" => identity.bcc = value_of::<Option<Vec<EmailAddress>>>(property, value)?.map(stored),
            "textSignature" => {
                identity.text_signature = value_of::<Option<String>>(property, value)?.unwrap_or_default();
            }
            "htmlSignature" => {
                identity.html_signature = value_of::<Option<String>>(property, value)?.unwrap_or_default();
            }
            // RFC 8620 §5.3: what does not change may be given as it is.
            "email" if value_of::<String>(property, value)? == identity.email => {}
            "mayDelete" if value_of::<bool>(property, value)? != identity.is_given => {}
            "id" if value_of::<Id>(property, value)? == *id => {}
            property => {
                return Err(SetError::properties(
                    [property],
                    "this property of an identity does not change",
                ));
            }
        }
    }
    check(&identity)?;
    Ok(identity)
}

fn value_of<T: DeserializeOwned>(property: &str, value: &RawValue) -> Result<T, SetError> {
    let wrong = |error: serde_json::Error| SetError::properties([property], error.to_string());
    serde_json::from_str(value.get()).map_err(wrong)
}

async fn destroy(
    identities: &Identities,
    transaction: &mut Transaction,
    (arguments, created): (&Set, &BTreeMap<Id, Id>),
    all: &[(u64, IdentityRecord)],
    reply: &mut Reply<'_>,
) -> Outcome<()> {
    for id in arguments.destroy.iter().flatten() {
        let shown = id.resolve(created).map_or_else(|| id.to_string(), ToString::to_string);
        match find(id, created, all).map(|at| &all[at]) {
            Ok((_, identity)) if identity.is_given => {
                let words = "the identity of an address goes with the address";
                reply
                    .not_destroyed
                    .insert(shown, SetError::with(SetErrorType::Forbidden, words));
            }
            Ok((number, _)) if identities.ledger.remove(transaction, *number).await? => reply.destroyed.push(shown),
            Ok(_) => {
                reply.not_destroyed.insert(shown, SetErrorType::NotFound.into());
            }
            Err(error) => {
                reply.not_destroyed.insert(shown, error);
            }
        }
    }
    Ok(())
}
