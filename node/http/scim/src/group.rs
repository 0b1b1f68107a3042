//! Mail groups as Groups: shown, made, changed, removed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hongyan_access::permission::Action;
use hongyan_directory::{AccountKind, AccountRecord, Error, Field, GroupChange, GroupProvision, GroupRecord, NewGroup};
use hongyan_jmap::UtcDate;
use hongyan_scim::{GROUP, GROUP_ADDRESS, Object, ScimError, ScimType};
use hongyan_types::{AccountId, Address};
use serde_json::{Value, json};

use crate::answer::{Refused, Result};
use crate::asker::{Asker, number};
use crate::operation::{Done, Edit};

/// Times that a change is tried while others change the group too.
const ATTEMPTS_MAX: usize = 4;

fn invalid(detail: impl Into<String>) -> Refused {
    ScimError::new(ScimType::InvalidValue, detail).into()
}

/// A group with its members as they were read together.
struct Present {
    record: GroupRecord,
    members: Vec<Address>,
}

impl Present {
    async fn read(asker: &Asker, record: &GroupRecord) -> Result<Self> {
        let read = asker.directory.group_with_members(asker.tenant, record.id).await?;
        let missing = || ScimError::not_found(format!("there is no group g{}", record.id));
        let (record, members) = read.ok_or_else(missing)?;
        Ok(Self { record, members })
    }

    /// Changes whenever the group or one of its members does.
    fn version(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.record.etag().to_string().as_bytes());
        for member in &self.members {
            hasher.update(member.to_string().as_bytes());
            hasher.update(&[0]);
        }
        let hex = hasher.finalize().to_hex();
        format!("W/\"{}\"", hex.get(..16).unwrap_or_default())
    }

    async fn show(&self, asker: &Asker, with_members: bool) -> Result<Object> {
        let record = &self.record;
        let mut group = Object::new();
        let mut put = |name: &str, value: Value| drop(group.insert(name.to_owned(), value));
        put("id", format!("g{}", record.id).into());
        put("displayName", name_of(record).into());
        if !record.external_id.is_empty() {
            put("externalId", record.external_id.as_str().into());
        }
        let mut extension = json!({"address": record.address.to_string()});
        if let (Some(department), Some(extension)) = (record.department, extension.as_object_mut()) {
            let department = asker.directory.department(asker.tenant, department).await?;
            extension.insert("department".to_owned(), department.name.into());
        }
        put(GROUP_ADDRESS.id, extension);
        put(
            "meta",
            json!({
                "resourceType": "Group",
                "created": UtcDate(record.created).to_string(),
                "location": location(asker, record),
                "version": self.version(),
            }),
        );
        if with_members && !self.members.is_empty() {
            let mut members = Vec::with_capacity(self.members.len());
            let mut seen = BTreeSet::new();
            for address in &self.members {
                let value = value_of(asker, address).await?;
                if seen.insert(value.clone()) {
                    members.push(member(asker, &value, address));
                }
            }
            put("members", members.into());
        }
        let schemas = GROUP.schemas_of(&group);
        group.insert("schemas".to_owned(), schemas);
        Ok(group)
    }
}

/// Groups need a name; one without is called by its address.
fn name_of(record: &GroupRecord) -> String {
    match record.display_name.as_str() {
        "" => record.address.to_string(),
        name => name.to_owned(),
    }
}

fn location(asker: &Asker, record: &GroupRecord) -> String {
    format!("{}/Groups/g{}", asker.base(), record.id)
}

/// What a member is called: its identifier if it is a member or group of the organisation, else its address.
async fn value_of(asker: &Asker, address: &Address) -> Result<String> {
    match asker.directory.account_at(address).await {
        Ok(account) if account.tenant == asker.tenant && account.kind == AccountKind::Member => {
            return Ok(format!("u{}", account.id.0));
        }
        Ok(_) | Err(Error::NotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    match asker.directory.group_at(address).await {
        Ok(group) if group.tenant == asker.tenant => Ok(format!("g{}", group.id)),
        Ok(_) | Err(Error::NotFound { .. }) => Ok(address.to_string()),
        Err(error) => Err(error.into()),
    }
}

fn member(asker: &Asker, value: &str, address: &Address) -> Value {
    let kind = match (number(value, 'u'), number(value, 'g')) {
        (Some(_), _) => "User",
        (_, Some(_)) => "Group",
        _ => "Address",
    };
    let mut member = json!({"value": value, "type": kind, "display": address.to_string()});
    if let (false, Some(member)) = (kind == "Address", member.as_object_mut()) {
        let place = format!("{}/{kind}s/{value}", asker.base());
        member.insert("$ref".to_owned(), place.into());
    }
    member
}

/// The address of someone who is to be a member.
async fn address_of(asker: &Asker, value: &str) -> Result<Address> {
    let unknown = || invalid(format!("members: there is no {value}"));
    if let Some(id) = number(value, 'u') {
        let account = asker.directory.account(AccountId(id)).await?;
        let account = account.filter(|account| account.tenant == asker.tenant && account.kind == AccountKind::Member);
        return Ok(account.ok_or_else(unknown)?.address.clone());
    }
    if let Some(id) = number(value, 'g') {
        let group = asker
            .directory
            .group(asker.tenant, hongyan_directory::GroupId(id))
            .await?;
        return Ok(group.ok_or_else(unknown)?.address);
    }
    Address::try_from(value).map_err(|_| unknown())
}

fn values(group: &Object) -> BTreeSet<String> {
    let members = group.get("members").and_then(Value::as_array);
    let values = members.into_iter().flatten().filter_map(|member| member.get("value"));
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn text(group: &Object, name: &str) -> String {
    group.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A group as it is told of in lists; members take their time.
pub(crate) async fn describe(asker: &Asker, record: &GroupRecord, with_members: bool) -> Result<Object> {
    Present::read(asker, record).await?.show(asker, with_members).await
}

/// The groups that name each of these members by one of its addresses.
pub(crate) async fn of_members(asker: &Asker, accounts: &[Arc<AccountRecord>]) -> Result<Vec<Value>> {
    let addresses = accounts.iter().map(|account| account.addresses().cloned().collect());
    let addresses: Vec<Vec<Address>> = addresses.collect();
    let of_each = asker.directory.groups_of_each(asker.tenant, &addresses).await?;
    let shown = |group: &GroupRecord| {
        let (value, place) = (format!("g{}", group.id), location(asker, group));
        json!({"value": value, "$ref": place, "display": name_of(group)})
    };
    Ok(of_each
        .iter()
        .map(|groups| groups.iter().map(shown).collect())
        .collect())
}

async fn done(asker: &Asker, record: &GroupRecord, status: u16) -> Result<Done> {
    let present = Present::read(asker, record).await?;
    Ok(Done {
        status,
        kind: &GROUP,
        resource: present.show(asker, true).await?,
        version: present.version(),
        location: location(asker, record),
    })
}

/// A group by its identifier.
pub(crate) async fn show(asker: &Asker, id: &str) -> Result<Done> {
    let record = asker.group(Action::ReadGroups, id).await?;
    done(asker, &record, 200).await
}

/// Makes a group; without an address it gets one from its name.
pub(crate) async fn make(asker: &Asker, sent: &Object) -> Result<Done> {
    if asker.permit(Action::ChangeGroups)?.departments().is_some() {
        return Err(ScimError::status(403, "groups are made by administrators of the whole organisation").into());
    }
    let name = text(sent, "displayName");
    let said = sent
        .get(GROUP_ADDRESS.id)
        .and_then(|extension| extension.get("address"));
    let address = match said.and_then(Value::as_str) {
        Some(said) => Address::try_from(said).map_err(|error| invalid(format!("address: {said}: {error}")))?,
        None => {
            let domain = asker.domain().await?;
            asker
                .directory
                .free_address(asker.tenant, &name, "group", &domain)
                .await?
        }
    };
    if asker.directory.domain(&address.domain).await?.tenant != asker.tenant {
        return Err(Error::NotFound {
            what: "domain",
            name: address.domain.to_string(),
        }
        .into());
    }
    let mut members = Vec::new();
    for value in values(sent) {
        members.push(address_of(asker, &value).await?);
    }
    let new = NewGroup {
        display_name: name,
        address_generated: said.is_none(),
        external_id: text(sent, "externalId"),
        members,
        ..NewGroup::at(address)
    };
    let record = asker.directory.create_group(&new).await?;
    tracing::info!(group = record.id.0, "group provisioned");
    done(asker, &record, 201).await
}

/// Changes a group, or puts another description in its place.
pub(crate) async fn change(asker: &Asker, id: &str, edit: &Edit, expect: Option<&str>) -> Result<Done> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let record = asker.group(Action::ReadGroups, id).await?;
        asker.permit_group(Action::ChangeGroups, &record).await?;
        let present = Present::read(asker, &record).await?;
        if expect.is_some_and(|expect| expect != present.version()) {
            return Err(ScimError::status(412, "the group was changed by someone else meanwhile").into());
        }
        match change_once(asker, &present, edit).await {
            Err(Refused(error)) if error.status == 412 && expect.is_none() && attempt < ATTEMPTS_MAX => {}
            Err(refused) => return Err(refused),
            Ok(()) => {
                tracing::info!(group = record.id.0, "group provisioned");
                return done(asker, &record, 200).await;
            }
        }
    }
}

async fn change_once(asker: &Asker, present: &Present, edit: &Edit) -> Result<()> {
    let before = present.show(asker, true).await?;
    let after = edit.apply(&GROUP, &before)?;
    let record = &present.record;
    let (old, new) = (values(&before), values(&after));
    let mut by_value: BTreeMap<String, Vec<Address>> = BTreeMap::new();
    for address in &present.members {
        let value = value_of(asker, address).await?;
        by_value.entry(value).or_default().push(address.clone());
    }
    let gone: Vec<Address> = old
        .difference(&new)
        .filter_map(|value| by_value.get(value))
        .flatten()
        .cloned()
        .collect();
    let mut added = Vec::new();
    for value in new.difference(&old) {
        added.push(address_of(asker, value).await?);
    }
    let name = text(&after, "displayName");
    let change = GroupChange {
        display_name: match name == name_of(record) {
            true => Field::Keep,
            false => Field::Set(name),
        },
        external_id: Field::Set(text(&after, "externalId")),
        expect: Some(record.etag()),
        ..GroupChange::default()
    };
    let changes_record = change.display_name != Field::Keep || text(&after, "externalId") != record.external_id;
    if !changes_record && gone.is_empty() && added.is_empty() {
        return Ok(());
    }
    let provision = GroupProvision {
        change: changes_record.then_some(change),
        present: present.members.clone(),
        added,
        gone,
    };
    asker
        .directory
        .provision_group(record.id, &record.address, &provision)
        .await?;
    Ok(())
}

/// Removes a group.
pub(crate) async fn remove(asker: &Asker, id: &str, expect: Option<&str>) -> Result<()> {
    let record = asker.group(Action::ReadGroups, id).await?;
    asker.permit_group(Action::ChangeGroups, &record).await?;
    if let Some(expect) = expect
        && Present::read(asker, &record).await?.version() != expect
    {
        return Err(ScimError::status(412, "the group was changed by someone else meanwhile").into());
    }
    asker.directory.delete_group(&record.address).await?;
    tracing::info!(group = record.id.0, "group removed");
    Ok(())
}
