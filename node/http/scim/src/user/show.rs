//! A member as a User.

use std::collections::HashMap;

use hongyan_directory::{AccountRecord, DepartmentId, Seat};
use hongyan_jmap::UtcDate;
use hongyan_scim::{ENTERPRISE_USER, Object, USER};
use serde_json::{Value, json};

use crate::answer::Result;
use crate::asker::Asker;

/// What of the organisation members' descriptions name.
pub(crate) struct Names {
    organisation: String,
    departments: HashMap<DepartmentId, String>,
    base: String,
}

impl Names {
    pub(crate) async fn read(asker: &Asker) -> Result<Self> {
        let mut departments: HashMap<DepartmentId, String> = HashMap::new();
        // Each comes after what it is part of.
        for view in asker.directory.departments(asker.tenant).await? {
            let department = view.department;
            let path = match departments.get(&department.parent) {
                Some(above) => format!("{above}/{}", department.name),
                None => department.name,
            };
            departments.insert(department.id, path);
        }
        Ok(Self {
            organisation: asker.directory.tenant(asker.tenant).await?.name.clone(),
            departments,
            base: asker.base(),
        })
    }

    /// The path of a member's main department.
    pub(crate) fn department_of(&self, account: &AccountRecord) -> Option<&str> {
        let first = account.departments.first()?;
        self.departments.get(first).map(String::as_str)
    }

    pub(crate) fn location(&self, account: &AccountRecord) -> String {
        format!("{}/Users/u{}", self.base, account.id.0)
    }

    /// All that a User has, but the groups.
    pub(crate) fn show(&self, account: &AccountRecord) -> Object {
        let profile = &account.profile;
        let mut user = Object::new();
        let mut put = |name: &str, value: Value| drop(user.insert(name.to_owned(), value));
        put("id", format!("u{}", account.id.0).into());
        put("userName", account.address.to_string().into());
        put("active", account.state.takes_mail().into());
        put("emails", emails(account));
        let seat = match account.seat {
            Seat::Standard => "standard",
            Seat::Advanced => "advanced",
        };
        put("userType", seat.into());
        if let Some(role) = &account.role {
            put("roles", json!([{"value": role.label()}]));
        }
        if let Some(language) = account.language {
            put("preferredLanguage", language.tag().into());
        }
        let mut text = |name: &str, value: &str| {
            if !value.is_empty() {
                put(name, value.into());
            }
        };
        text("externalId", &profile.external_id);
        text("displayName", &account.display_name);
        text("nickName", &profile.nickname);
        text("title", &profile.title);
        let parts = [
            ("formatted", &account.display_name),
            ("familyName", &profile.family_name),
            ("givenName", &profile.given_name),
        ];
        let known = parts.into_iter().filter(|(_, value)| !value.is_empty());
        let name: Object = known
            .map(|(name, value)| (name.to_owned(), value.as_str().into()))
            .collect();
        if !name.is_empty() {
            put("name", name.into());
        }
        let phones = [("mobile", &profile.mobile), ("work", &profile.landline)];
        let phones = phones.into_iter().filter(|(_, number)| !number.is_empty());
        let phones: Vec<Value> = phones
            .map(|(kind, number)| json!({"value": number, "type": kind}))
            .collect();
        if !phones.is_empty() {
            put("phoneNumbers", phones.into());
        }
        if !profile.location.is_empty() {
            put("addresses", json!([{"formatted": profile.location, "type": "work"}]));
        }
        put(ENTERPRISE_USER.id, self.enterprise(account).into());
        let created = UtcDate(account.created).to_string();
        put(
            "meta",
            json!({
                "resourceType": "User",
                "created": created,
                "location": self.location(account),
                "version": super::version(account),
            }),
        );
        let schemas = USER.schemas_of(&user);
        user.insert("schemas".to_owned(), schemas);
        user
    }

    fn enterprise(&self, account: &AccountRecord) -> Object {
        let mut enterprise = Object::new();
        enterprise.insert("organization".to_owned(), self.organisation.as_str().into());
        if !account.profile.employee_id.is_empty() {
            let number = account.profile.employee_id.as_str();
            enterprise.insert("employeeNumber".to_owned(), number.into());
        }
        if let Some(path) = self.department_of(account) {
            enterprise.insert("department".to_owned(), path.into());
        }
        enterprise
    }
}

fn emails(account: &AccountRecord) -> Value {
    let mut emails = vec![json!({"value": account.address.to_string(), "type": "work", "primary": true})];
    let aliases = account.aliases.iter().map(ToString::to_string);
    emails.extend(aliases.map(|alias| json!({"value": alias, "type": "other"})));
    if !account.profile.private_address.is_empty() {
        emails.push(json!({"value": account.profile.private_address, "type": "home"}));
    }
    emails.into()
}
