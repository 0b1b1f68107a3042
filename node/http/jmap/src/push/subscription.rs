//! PushSubscription (RFC 8620 §7.2): places on the web that are told of new states, once each has shown that it wants to.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_jmap::object::{NewPushSubscription, Properties, PushKeysText, PushSubscription, PushVerification, View};
use hongyan_jmap::{Id, IdOrCreation, MethodError, PatchObject, RawValue, SetError, SetErrorType, UtcDate};
use hongyan_types::{ModSeq, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::door::Letter;
use super::listening::TYPES;
use super::subscription_record::{PushKeys, SubscriptionRecord, Subscriptions};
use crate::call::Call;
use crate::error::Outcome;
use crate::ids;
use crate::ledgers::Attempts;

/// Octets of a URL.
const URL_OCTETS_MAX: usize = 2_048;
/// Octets of a client's name for its device.
const DEVICE_OCTETS_MAX: usize = 256;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Get {
    #[serde(default)]
    ids: Option<Vec<Id>>,
    #[serde(default)]
    properties: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GetReply<'p> {
    list: Vec<View<'p, PushSubscription>>,
    not_found: Vec<Id>,
}

pub(crate) async fn get(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Get = call.arguments()?;
    // RFC 8620 §7.2.1: where something is pushed to, and its keys, are told to nobody.
    let hidden = |name: &String| matches!(name.as_str(), "url" | "keys");
    if arguments.properties.iter().flatten().any(hidden) {
        return Err(hongyan_jmap::MethodErrorType::Forbidden.into());
    }
    let properties = Properties::read(arguments.properties.as_deref())?;
    let now = call.jmap.services.env.wall_millis();
    let mut transaction = call.jmap.services.database.begin();
    let all = Subscriptions::of(call.account.mailbox)
        .all(&mut transaction, now)
        .await?;
    let mut all: BTreeMap<Id, PushSubscription> = all
        .into_iter()
        .map(|(number, subscription)| (ids::numbered('P', number), show(number, subscription)))
        .collect();
    let mut reply = GetReply {
        list: Vec::new(),
        not_found: Vec::new(),
    };
    let view = |record| View {
        record,
        properties: &properties,
    };
    match arguments.ids {
        None => reply.list.extend(all.into_values().map(view)),
        Some(ids) if ids.len() as u64 > call.jmap.settings.core.get_objects_max => {
            return Err(MethodError::too_large("maxObjectsInGet").into());
        }
        Some(ids) => {
            for id in ids {
                match all.remove(&id) {
                    Some(subscription) => reply.list.push(view(subscription)),
                    None => reply.not_found.push(id),
                }
            }
        }
    }
    call.answer(&reply)
}

fn show(number: u64, subscription: SubscriptionRecord) -> PushSubscription {
    PushSubscription {
        id: ids::numbered('P', number),
        device_client_id: subscription.device,
        verification_code: subscription.is_verified.then_some(subscription.code),
        expires: UtcDate(Timestamp {
            millis: subscription.expires_millis,
        }),
        types: subscription.types,
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Set {
    #[serde(default)]
    create: Option<BTreeMap<Id, Box<RawValue>>>,
    #[serde(default)]
    update: Option<BTreeMap<IdOrCreation, PatchObject>>,
    #[serde(default)]
    destroy: Option<Vec<IdOrCreation>>,
}

#[derive(Debug, Clone, Serialize)]
struct Created {
    id: Id,
    expires: UtcDate,
}

/// What the server set otherwise than it was asked to.
#[derive(Debug, Clone, Serialize)]
struct Updated {
    expires: UtcDate,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct SetReply {
    created: BTreeMap<Id, Created>,
    updated: BTreeMap<String, Option<Updated>>,
    destroyed: Vec<String>,
    not_created: BTreeMap<Id, SetError>,
    not_updated: BTreeMap<String, SetError>,
    not_destroyed: BTreeMap<String, SetError>,
}

pub(crate) async fn set(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Set = call.arguments()?;
    let lengths = [
        arguments.create.as_ref().map_or(0, BTreeMap::len),
        arguments.update.as_ref().map_or(0, BTreeMap::len),
        arguments.destroy.as_ref().map_or(0, Vec::len),
    ];
    if lengths.iter().sum::<usize>() as u64 > call.jmap.settings.core.set_objects_max {
        return Err(MethodError::too_large("maxObjectsInSet").into());
    }
    // What is new from here on is told.
    let modseq = call.jmap.snapshot(call.account).await?.modseq;
    let mut attempts = Attempts::default();
    let (reply, created, new) = loop {
        let mut transaction = call.jmap.services.database.begin();
        let mut made = call.created.clone();
        let (reply, new) = apply(call, &mut transaction, &arguments, &mut made, modseq).await?;
        if !attempts.again(transaction.commit().await)? {
            break (reply, made, new);
        }
    };
    *call.created = created;
    for (number, subscription) in new {
        verify(call, number, &subscription);
    }
    call.jmap.pushing.notify_one();
    call.answer(&reply)
}

type New = Vec<(u64, SubscriptionRecord)>;

async fn apply(
    call: &Call<'_>,
    transaction: &mut hongyan_kv::Transaction,
    arguments: &Set,
    made: &mut BTreeMap<Id, Id>,
    modseq: ModSeq,
) -> Outcome<(SetReply, New)> {
    let now = call.jmap.services.env.wall_millis();
    let subscriptions = Subscriptions::of(call.account.mailbox);
    let mut all = subscriptions.all(transaction, now).await?;
    let (mut reply, mut new) = (SetReply::default(), New::new());
    for (creation, text) in arguments.create.iter().flatten() {
        match read_new(call, text, all.len(), now) {
            Ok(subscription) => {
                let number = subscriptions.ledger.create(transaction, subscription.encode()).await?;
                let id = ids::numbered('P', number);
                made.insert(creation.clone(), id.clone());
                let expires = UtcDate(Timestamp {
                    millis: subscription.expires_millis,
                });
                reply.created.insert(creation.clone(), Created { id, expires });
                all.push((number, subscription.clone()));
                new.push((number, subscription));
            }
            Err(error) => {
                reply.not_created.insert(creation.clone(), error);
            }
        }
    }
    let find = |id: &IdOrCreation, all: &New| {
        let number = id.resolve(made).and_then(|id| ids::read_numbered('P', id));
        all.iter().position(|(known, _)| Some(*known) == number)
    };
    let name = |id: &IdOrCreation| id.resolve(made).map_or_else(|| id.to_string(), ToString::to_string);
    for (id, patch) in arguments.update.iter().flatten() {
        let Some(at) = find(id, &all) else {
            reply.not_updated.insert(name(id), SetErrorType::NotFound.into());
            continue;
        };
        match patched(call, all[at].1.clone(), patch, now) {
            Ok((subscription, updated)) => {
                subscriptions
                    .ledger
                    .put(transaction, all[at].0, subscription.encode())
                    .await?;
                all[at].1 = subscription;
                reply.updated.insert(name(id), updated);
            }
            Err(error) => {
                reply.not_updated.insert(name(id), error);
            }
        }
    }
    for id in arguments.destroy.iter().flatten() {
        match find(id, &all) {
            Some(at) => {
                let (number, _) = all.remove(at);
                subscriptions.ledger.remove(transaction, number).await?;
                new.retain(|(other, _)| *other != number);
                reply.destroyed.push(name(id));
            }
            None => {
                reply.not_destroyed.insert(name(id), SetErrorType::NotFound.into());
            }
        }
    }
    if all.is_empty() {
        subscriptions.let_go(transaction);
    } else {
        subscriptions.follow(transaction, modseq).await?;
    }
    Ok((reply, new))
}

fn read_new(call: &Call<'_>, text: &RawValue, count: usize, now: i64) -> Result<SubscriptionRecord, SetError> {
    let settings = &call.jmap.settings;
    if count >= settings.push_subscriptions_max {
        let words = format!(
            "an account has at most {} places to push to",
            settings.push_subscriptions_max
        );
        return Err(SetError::with(SetErrorType::OverQuota, words));
    }
    let wrong = |error: serde_json::Error| SetError::with(SetErrorType::InvalidProperties, error.to_string());
    let new: NewPushSubscription = serde_json::from_str(text.get()).map_err(wrong)?;
    if new.device_client_id.is_empty() || new.device_client_id.len() > DEVICE_OCTETS_MAX {
        return Err(SetError::properties(["deviceClientId"], "1 to 256 octets"));
    }
    let is_url = new.url.len() <= URL_OCTETS_MAX && super::door::is_place(&new.url);
    if !is_url {
        return Err(SetError::properties(["url"], "a URL of https"));
    }
    let mut code = [0; 16];
    call.jmap.services.env.fill_random(&mut code);
    Ok(SubscriptionRecord {
        device: new.device_client_id,
        url: new.url,
        keys: new.keys.map(read_keys).transpose()?,
        code: URL_SAFE_NO_PAD.encode(code),
        is_verified: false,
        expires_millis: expires(call, new.expires, now),
        types: check_types(new.types)?,
        failures: 0,
    })
}

/// RFC 8291 §2: an uncompressed point of P-256, and 16 octets.
fn read_keys(keys: PushKeysText) -> Result<PushKeys, SetError> {
    let read = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
    let p256dh = read(&keys.p256dh).filter(|key| key.len() == 65 && key.first() == Some(&4));
    let auth = read(&keys.auth).filter(|auth| auth.len() == 16);
    match (p256dh, auth) {
        (Some(p256dh), Some(auth)) => Ok(PushKeys { p256dh, auth }),
        _ => Err(SetError::properties(
            ["keys"],
            "p256dh is a point of P-256, auth 16 octets, both in base64url",
        )),
    }
}

fn expires(call: &Call<'_>, wanted: Option<UtcDate>, now: i64) -> i64 {
    let kept = i64::try_from(call.jmap.settings.push_kept.as_millis()).unwrap_or(i64::MAX);
    let latest = now.saturating_add(kept);
    wanted.map_or(latest, |wanted| wanted.0.millis.min(latest))
}

/// Kinds that nobody is told of are taken all the same (RFC 8620 §7.2).
fn check_types(types: Option<Vec<String>>) -> Result<Option<Vec<String>>, SetError> {
    match types {
        Some(types) if types.len() > 10 * TYPES.len() => Err(SetError::properties(["types"], "too many types")),
        types => Ok(types),
    }
}

fn value_of<T: DeserializeOwned>(property: &str, value: &RawValue) -> Result<T, SetError> {
    let wrong = |error: serde_json::Error| SetError::properties([property], error.to_string());
    serde_json::from_str(value.get()).map_err(wrong)
}

fn patched(
    call: &Call<'_>,
    mut subscription: SubscriptionRecord,
    patch: &PatchObject,
    now: i64,
) -> Result<(SubscriptionRecord, Option<Updated>), SetError> {
    let mut updated = None;
    for (path, value) in patch.entries()? {
        if !path.inside().is_empty() {
            return Err(SetErrorType::InvalidPatch.into());
        }
        match path.property() {
            "verificationCode" => {
                let shown: Option<String> = value_of("verificationCode", value)?;
                if shown.as_deref() != Some(&subscription.code) {
                    let words = "not the code that was pushed to the URL";
                    return Err(SetError::properties(["verificationCode"], words));
                }
                subscription.is_verified = true;
            }
            "expires" => {
                let wanted: Option<UtcDate> = value_of("expires", value)?;
                subscription.expires_millis = expires(call, wanted, now);
                let is_other = wanted.is_none_or(|wanted| wanted.0.millis != subscription.expires_millis);
                updated = is_other.then_some(Updated {
                    expires: UtcDate(Timestamp {
                        millis: subscription.expires_millis,
                    }),
                });
            }
            "types" => subscription.types = check_types(value_of("types", value)?)?,
            property => {
                let words = "this property of a place to push to does not change";
                return Err(SetError::properties([property], words));
            }
        }
    }
    Ok((subscription, updated))
}

/// RFC 8620 §7.2.2: the place is asked whether it wants to be told, at once.
fn verify(call: &Call<'_>, number: u64, subscription: &SubscriptionRecord) {
    let id = ids::numbered('P', number);
    let verification = PushVerification::new(&id, &subscription.code);
    let body = serde_json::to_vec(&verification).unwrap_or_default();
    let letter = Letter {
        url: subscription.url.clone(),
        keys: subscription.keys.clone(),
        body,
    };
    let door = std::sync::Arc::clone(&call.jmap.services.push);
    tokio::spawn(async move {
        if let Err(error) = door.post(letter).await {
            tracing::info!(event = "push_verification_failed", %error);
        }
    });
}
