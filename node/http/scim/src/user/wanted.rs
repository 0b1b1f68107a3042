//! What a User that a client describes means for a member.

use hongyan_directory::{AccountChange, AccountRecord, AccountState, Field, Language, Profile};
use hongyan_scim::{ENTERPRISE_USER, Object, ScimError, ScimType};
use hongyan_types::Address;
use serde_json::Value;

use super::invalid;
use crate::answer::Result;
use crate::asker::Asker;

/// A member as it is wanted.
pub(super) struct Wanted {
    pub(super) address: Address,
    pub(super) display_name: String,
    pub(super) aliases: Vec<Address>,
    pub(super) profile: Profile,
    pub(super) language: Option<Language>,
    /// Nothing is as it was, or active for a new one.
    pub(super) active: Option<bool>,
    pub(super) password: Option<String>,
    /// The path of the main department.
    pub(super) department: Option<String>,
}

fn text<'o>(object: &'o Object, name: &str) -> &'o str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn part<'o>(object: &'o Object, name: &str, part: &str) -> &'o str {
    object
        .get(name)
        .and_then(|whole| whole.get(part))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn list<'o>(object: &'o Object, name: &str) -> &'o [Value] {
    object
        .get(name)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn parse(text: &str, what: &str) -> Result<Address> {
    Address::try_from(text).map_err(|error| invalid(format!("{what}: {text}: {error}")))
}

impl Wanted {
    /// What `user` means; `before` is how the member `account` was described.
    pub(super) async fn read(
        asker: &Asker,
        user: &Object,
        before: Option<&Object>,
        account: Option<&AccountRecord>,
    ) -> Result<Self> {
        let address = match account {
            Some(account) => account.address.clone(),
            None => parse(text(user, "userName"), "userName")?,
        };
        let mut profile = account.map(|account| account.profile.clone()).unwrap_or_default();
        profile.external_id = text(user, "externalId").to_owned();
        profile.nickname = text(user, "nickName").to_owned();
        profile.title = text(user, "title").to_owned();
        profile.family_name = part(user, "name", "familyName").to_owned();
        profile.given_name = part(user, "name", "givenName").to_owned();
        profile.employee_id = part(user, ENTERPRISE_USER.id, "employeeNumber").to_owned();
        profile.mobile = only(user, "phoneNumbers", "mobile", "value")?;
        profile.landline = only(user, "phoneNumbers", "work", "value")?;
        profile.location = only(user, "addresses", "work", "formatted")?;
        let (aliases, private) = addresses(asker, user, &address).await?;
        profile.private_address = private.map(|address| address.to_string()).unwrap_or_default();
        let department = part(user, ENTERPRISE_USER.id, "department").trim().to_owned();
        Ok(Self {
            display_name: display_name(user, before)?,
            address,
            aliases,
            profile,
            language: language(text(user, "preferredLanguage")),
            active: user.get("active").and_then(Value::as_bool),
            password: user.get("password").and_then(Value::as_str).map(str::to_owned),
            department: (!department.is_empty()).then_some(department),
        })
    }

    /// The state that is wanted of a member.
    pub(super) fn state(&self, account: &AccountRecord) -> Result<AccountState> {
        match (self.active, account.state) {
            (Some(true), AccountState::Disabled) => Ok(AccountState::Active),
            (Some(true), AccountState::Suspended) => {
                let detail = "active: the operator has suspended the member";
                Err(ScimError::status(403, detail).into())
            }
            (Some(false), AccountState::Active | AccountState::Invited) => Ok(AccountState::Disabled),
            (_, state) => Ok(state),
        }
    }

    /// What is to change of a member's record.
    pub(super) fn change(&self, account: &AccountRecord, state: AccountState) -> AccountChange {
        fn changed<T: PartialEq + Clone>(old: &T, new: &T) -> Field<T> {
            match old == new {
                true => Field::Keep,
                false => Field::Set(new.clone()),
            }
        }
        AccountChange {
            state: changed(&account.state, &state),
            display_name: changed(&account.display_name, &self.display_name),
            language: changed(&account.language, &self.language),
            profile: changed(&account.profile, &self.profile),
            // An outside directory has decided, and can be asked nothing.
            confirm_uses: true,
            expect: Some(account.etag()),
            ..AccountChange::default()
        }
    }
}

/// `displayName` and `name.formatted` are one: whichever was changed says what it becomes.
fn display_name(user: &Object, before: Option<&Object>) -> Result<String> {
    let (shown, formatted) = (text(user, "displayName"), part(user, "name", "formatted"));
    if let Some(before) = before {
        let (old_shown, old_formatted) = (text(before, "displayName"), part(before, "name", "formatted"));
        return match (shown == old_shown, formatted == old_formatted) {
            (_, true) => Ok(shown.to_owned()),
            (true, false) => Ok(formatted.to_owned()),
            (false, false) if shown == formatted || formatted.is_empty() => Ok(shown.to_owned()),
            (false, false) if shown.is_empty() => Ok(formatted.to_owned()),
            (false, false) => Err(invalid(
                "displayName and name.formatted contradict each other: they are one",
            )),
        };
    }
    if !shown.is_empty() || !formatted.is_empty() {
        return Ok(if shown.is_empty() { formatted } else { shown }.to_owned());
    }
    let (family, given) = (part(user, "name", "familyName"), part(user, "name", "givenName"));
    let is_latin = family.is_ascii() || given.is_ascii();
    Ok(match is_latin {
        true => format!("{given} {family}").trim().to_owned(),
        // As names are written in Chinese.
        false => format!("{family}{given}"),
    })
}

/// The language of a tag; of others the system has no texts.
fn language(tag: &str) -> Option<Language> {
    match tag
        .split(['-', '_'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "en" => Some(Language::English),
        "zh" => Some(Language::Chinese),
        _ => None,
    }
}

/// The one value of that type; without a type a value is of work.
fn only(user: &Object, name: &str, kind: &str, part: &str) -> Result<String> {
    let mut found = None;
    for value in list(user, name) {
        let said = value.get("type").and_then(Value::as_str).unwrap_or("work");
        if said.eq_ignore_ascii_case(kind) {
            let value = value.get(part).and_then(Value::as_str).unwrap_or_default();
            if found.replace(value).is_some_and(|other| other != value) {
                return Err(invalid(format!("{name}: one of the type {kind} is kept")));
            }
        }
    }
    Ok(found.unwrap_or_default().to_owned())
}

/// The aliases and the address outside.
async fn addresses(asker: &Asker, user: &Object, main: &Address) -> Result<(Vec<Address>, Option<Address>)> {
    let (mut aliases, mut private): (Vec<Address>, Option<Address>) = (Vec::new(), None);
    for value in list(user, "emails") {
        let address = parse(value.get("value").and_then(Value::as_str).unwrap_or_default(), "emails")?;
        let is_primary = value.get("primary") == Some(&Value::Bool(true));
        if address.key() == main.key() {
            continue;
        }
        if is_primary {
            let detail = format!("emails: the primary one is userName, {main}");
            return Err(ScimError::new(ScimType::Mutability, detail).into());
        }
        let owner = match asker.directory.domain(&address.domain).await {
            Ok(domain) => Some(domain.tenant),
            Err(hongyan_directory::Error::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if owner == Some(asker.tenant) {
            if !aliases.iter().any(|alias| alias.key() == address.key()) {
                aliases.push(address);
            }
        } else if private.as_ref().is_some_and(|other| other.key() != address.key()) {
            return Err(invalid(
                "emails: one address outside the organisation's domains is kept",
            ));
        } else {
            private = Some(address);
        }
    }
    Ok((aliases, private))
}
