//! /api/organisations/{name}/ldap: the LDAP directory that an organisation's people come from (ORG-14).

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Object};
use hongyan_ldap::{
    AttributeRule, Departments, Ldap, LdapChange, LdapError, LdapSettings, Master, PersonField, Planned,
};
use hongyan_sasl::Secret;
use hongyan_types::TenantId;
use hongyan_upkeep::SyncDirectory;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::problem::{Failure, Problem, Result};
use crate::task::{Task, view};

/// Whose word counts.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = LdapMaster)]
pub(crate) enum Mastered {
    /// The LDAP directory's, each time.
    #[default]
    Directory,
    /// Ours: LDAP says it of new members only.
    Hongyan,
}

/// Where a field of members comes from.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LdapAttribute)]
pub(crate) struct Attribute {
    /// `address`, `aliases`, `display_name`, `family_name`, `given_name`, `nickname`, `employee_id`, `mobile`, `landline`, `title`,
    /// `location`, `private_address` or `language`.
    field: String,
    /// The name of the attribute, such as `mail`.
    attribute: String,
    #[serde(default)]
    master: Mastered,
}

/// Where departments come from.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = LdapDepartments)]
pub(crate) enum DepartmentsFrom {
    /// From nowhere: they are ours.
    #[default]
    None,
    /// The organisational units between the base and the entry.
    Units,
    /// A path in an attribute, with `/` between its names.
    Attribute,
}

/// The directory that people come from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LdapDirectory)]
pub(crate) struct Directory {
    url: String,
    bind_name: String,
    has_password: bool,
    base: String,
    filter: String,
    identifier: String,
    attributes: Vec<Attribute>,
    departments: DepartmentsFrom,
    department_attribute: Option<String>,
    department_master: Mastered,
    adopt: bool,
    every_minutes: u32,
    disable_percent_max: u8,
    bind_sign_in: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LdapDirectoryChange)]
pub(crate) struct Set {
    /// `ldaps://host[:port]`, or `ldap://host[:port]` for STARTTLS.
    url: String,
    /// The distinguished name (or, at Active Directory, the principal name) that signs in; empty for nobody.
    #[serde(default)]
    bind_name: String,
    /// Without it the one that is there stays, as long as url and bind_name do; null is none.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    password: Option<Option<String>>,
    /// Below what people are looked for.
    base: String,
    /// Who counts (RFC 4515).
    filter: String,
    /// The attribute that names an entry for ever: `entryUUID`, or `objectGUID` of Active Directory.
    identifier: String,
    /// Where fields come from; `address` is needed, those not named are ours.
    attributes: Vec<Attribute>,
    #[serde(default)]
    departments: DepartmentsFrom,
    #[serde(default)]
    department_attribute: Option<String>,
    #[serde(default)]
    department_master: Mastered,
    /// Whether a member who is there already, with the address of an entry, is taken to be its person.
    #[serde(default)]
    adopt: bool,
    /// 0 for never by itself, or 5 to 10080.
    #[serde(default)]
    every_minutes: u32,
    /// Of those who came from there, how many one synchronisation may disable at most, in percent.
    #[serde(default = "ten")]
    disable_percent_max: u8,
    /// Whether their passwords are proved there.
    #[serde(default)]
    bind_sign_in: bool,
}

fn ten() -> u8 {
    10
}

/// Tells null from nothing.
fn said<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LdapSync)]
pub(crate) struct Sync {
    /// Only looks: the task's result says what would become of each.
    #[serde(default)]
    dry_run: bool,
}

/// What a look at the directory has shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LdapCheck)]
pub(crate) struct Looked {
    /// Entries on the first page.
    entries: usize,
    /// Whether there are more.
    more: bool,
    /// What would become of the first of them.
    samples: Vec<Sample>,
}

/// What would become of a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LdapSample)]
pub(crate) struct Sample {
    /// The distinguished name.
    entry: String,
    address: String,
    /// `create`, `change`, `keep` or `refuse`.
    action: &'static str,
    /// The fields that would change.
    fields: Vec<&'static str>,
    problems: Vec<String>,
}

fn ldap(caller: &Caller) -> Result<&Ldap> {
    let missing = || Problem::not_found("there are no LDAP directories here");
    caller.ldap.as_ref().ok_or_else(missing)
}

async fn named(caller: &Caller, action: Action, name: &str) -> Result<TenantId> {
    let id = caller.organisation(Some(name)).await?;
    caller.permit(action, &Object::organisation(id))?;
    Ok(id)
}

impl From<Mastered> for Master {
    fn from(mastered: Mastered) -> Self {
        match mastered {
            Mastered::Directory => Self::Directory,
            Mastered::Hongyan => Self::Hongyan,
        }
    }
}

impl From<Master> for Mastered {
    fn from(master: Master) -> Self {
        match master {
            Master::Directory => Self::Directory,
            Master::Hongyan => Self::Hongyan,
        }
    }
}

impl From<LdapSettings> for Directory {
    fn from(settings: LdapSettings) -> Self {
        let attribute = |rule: AttributeRule| Attribute {
            field: rule.field.label().to_owned(),
            attribute: rule.attribute,
            master: rule.master.into(),
        };
        let (departments, department_attribute) = match settings.departments {
            Departments::None => (DepartmentsFrom::None, None),
            Departments::Units => (DepartmentsFrom::Units, None),
            Departments::Attribute(name) => (DepartmentsFrom::Attribute, Some(name)),
        };
        Self {
            url: settings.url,
            bind_name: settings.bind_name,
            has_password: settings.password.is_some(),
            base: settings.base,
            filter: settings.filter,
            identifier: settings.identifier,
            attributes: settings.rules.into_iter().map(attribute).collect(),
            departments,
            department_attribute,
            department_master: settings.department_master.into(),
            adopt: settings.adopt,
            every_minutes: settings.every_minutes,
            disable_percent_max: settings.disable_percent_max,
            bind_sign_in: settings.bind_sign_in,
        }
    }
}

impl Set {
    fn change(self) -> Result<LdapChange> {
        let rule = |attribute: Attribute| {
            let field = PersonField::named(&attribute.field);
            let unknown = || Problem::invalid(format!("attributes: {:?} is no field", attribute.field));
            Ok(AttributeRule {
                field: field.ok_or_else(unknown)?,
                attribute: attribute.attribute.trim().to_owned(),
                master: attribute.master.into(),
            })
        };
        let departments = match (self.departments, self.department_attribute) {
            (DepartmentsFrom::None, None) => Departments::None,
            (DepartmentsFrom::Units, None) => Departments::Units,
            (DepartmentsFrom::Attribute, Some(name)) => Departments::Attribute(name),
            _ => {
                let detail = "department_attribute: it is for departments from an attribute, and needed there";
                return Err(Problem::invalid(detail));
            }
        };
        Ok(LdapChange {
            keep_password: self.password.is_none(),
            settings: LdapSettings {
                url: self.url.trim().to_owned(),
                bind_name: self.bind_name.trim().to_owned(),
                password: self.password.flatten().map(Secret::new),
                base: self.base.trim().to_owned(),
                filter: self.filter.trim().to_owned(),
                identifier: self.identifier.trim().to_owned(),
                rules: self.attributes.into_iter().map(rule).collect::<Result<_>>()?,
                departments,
                department_master: self.department_master.into(),
                adopt: self.adopt,
                every_minutes: self.every_minutes,
                disable_percent_max: self.disable_percent_max,
                bind_sign_in: self.bind_sign_in,
            },
        })
    }
}

/// The LDAP directory that an organisation's people come from.
#[utoipa::path(get, path = "/api/organisations/{name}/ldap", params(("name" = String, Path)), responses((status = 200, body = Directory), Failure))]
pub(crate) async fn show(caller: Caller, Path(name): Path<String>) -> Result<Json<Directory>> {
    let tenant = named(&caller, Action::ReadSignInPolicy, &name).await?;
    let settings = ldap(&caller)?.settings(tenant).await?;
    Ok(Json(settings.ok_or(LdapError::NoDirectory)?.into()))
}

/// Sets the LDAP directory that an organisation's people come from. Nobody is touched before it is synchronised. Needs a fresh
/// proof.
#[utoipa::path(put, path = "/api/organisations/{name}/ldap", params(("name" = String, Path)), request_body = Set, responses((status = 200, body = Directory), Failure))]
pub(crate) async fn set(caller: Caller, Path(name): Path<String>, Body(new): Body<Set>) -> Result<Json<Directory>> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    caller.check_proof()?;
    let change = new.change()?;
    let settings = ldap(&caller)?.set_settings(&caller.directory, tenant, &change).await?;
    Ok(Json(settings.into()))
}

/// Takes the LDAP directory away. Its people stay members, as they are. Needs a fresh proof.
#[utoipa::path(delete, path = "/api/organisations/{name}/ldap", params(("name" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove(caller: Caller, Path(name): Path<String>) -> Result<StatusCode> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    caller.check_proof()?;
    ldap(&caller)?.remove_settings(&caller.directory, tenant).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Looks at the LDAP directory: its first people, and what would become of some. What is wrong is said by name.
#[utoipa::path(post, path = "/api/organisations/{name}/ldap/check", params(("name" = String, Path)), responses((status = 200, body = Looked), Failure))]
pub(crate) async fn check(caller: Caller, Path(name): Path<String>) -> Result<Json<Looked>> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    let checked = ldap(&caller)?.check(tenant).await?;
    let sample = |planned: &Planned| Sample {
        entry: planned.name().to_owned(),
        address: planned.address.clone(),
        action: planned.action.label(),
        fields: planned.fields.clone(),
        problems: planned
            .problems
            .iter()
            .map(|(field, reason)| format!("{field}: {reason}"))
            .collect(),
    };
    Ok(Json(Looked {
        entries: checked.entries,
        more: checked.more,
        samples: checked.samples.iter().map(sample).collect(),
    }))
}

/// Takes all people from the LDAP directory, as a task whose result says what becomes of each.
#[utoipa::path(post, path = "/api/organisations/{name}/ldap/sync", params(("name" = String, Path)), request_body = Sync, responses((status = 202, body = Task), Failure))]
pub(crate) async fn sync(
    caller: Caller,
    Path(name): Path<String>,
    Body(asked): Body<Sync>,
) -> Result<(StatusCode, Json<Task>)> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    // Without one there is nothing to begin.
    ldap(&caller)?.settings(tenant).await?.ok_or(LdapError::NoDirectory)?;
    let sync = SyncDirectory { dry_run: asked.dry_run };
    let begun = caller.tasks.sync_directory(tenant, caller.actor.author(), sync);
    Ok((StatusCode::ACCEPTED, Json(view(&begun.await?))))
}
