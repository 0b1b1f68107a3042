//! /api/organisations/{name}/saml-applications and .../saml-provider: applications that members sign in to here by SAML 2.0 (API-2,
//! API-5), and what those are to know of us. Those of OpenID Connect are `connected`.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::Action;
use hongyan_saml::{
    Application, ApplicationChange, ApplicationView, Certificate, Consumer, Fact, NameId, Saml, SamlError, ShownKey,
    Told,
};
use hongyan_types::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::problem::{Failure, Problem, Result};
use crate::saml::{SamlCertificate, SamlSignOut, saml, shown};
use crate::single_sign_on::named;

/// One thing that an application is told of a member.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SamlAttribute {
    /// `mail`, `name`, `number`, `aliases` or `organisation`.
    attribute: String,
    /// The attribute's name to the application; without it `mail`, `displayName`, `uid`, `mailAlternateAddress` or `o`.
    #[serde(rename = "as", default)]
    called: Option<String>,
}

/// An application that members sign in to here by SAML.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SamlApplication {
    /// What addresses of ours call it.
    id: String,
    /// What people call it.
    name: String,
    /// Who it is, in its own words.
    entity_id: String,
    /// Where answers are posted to; the first is for requests that name none.
    consumer_addresses: Vec<String>,
    /// How it knows members: `persistent`, `email` or `transient`.
    name_id: String,
    /// What it is told of them.
    attributes: Vec<SamlAttribute>,
    /// Whether its requests have to be signed.
    needs_signature: bool,
    /// With which it signs them.
    certificates: Vec<SamlCertificate>,
    /// Where it is told that somebody signs out; null: it is not.
    sign_out: Option<SamlSignOut>,
    /// Whether members can use it.
    on: bool,
    created_millis: i64,
    /// Where a portal sends members who go to it.
    start_address: String,
}

/// All of an organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SamlApplications {
    items: Vec<SamlApplication>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetSamlApplication {
    /// What people call it: 1 to 64 characters.
    name: String,
    /// The application's metadata, in place of `entity_id` and `consumer_addresses`; what is said beside it comes before it.
    metadata: Option<String>,
    /// Who it is, in its own words.
    entity_id: Option<String>,
    /// 1 to 20 URLs of https that take answers by HTTP-POST; the first is for requests that name none.
    consumer_addresses: Option<Vec<String>>,
    /// How it knows members: `persistent`, by a name of no meaning that is its alone; `email`; or `transient`, by another one each time.
    name_id: Option<String>,
    /// What it is told of them; nothing unless it is said.
    #[serde(default)]
    attributes: Vec<SamlAttribute>,
    /// Whether its requests have to be signed.
    needs_signature: Option<bool>,
    /// At most 5, PEM or base64 of DER: RSA of 2048 bits or more, P-256 or P-384.
    certificates: Option<Vec<String>>,
    /// Where it is told that somebody signs out; without it, it is where its metadata say, or nowhere. What it says of that has to be signed.
    sign_out: Option<SamlSignOut>,
    /// Whether members can use it.
    #[serde(default = "yes")]
    on: bool,
}

fn yes() -> bool {
    true
}

/// A key of an organisation's, which answers are signed with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SamlProviderCertificate {
    /// 16 hexadecimal digits.
    id: String,
    created_millis: i64,
    /// Whether it is the one that signs; the others are shown beside it.
    signs: bool,
    certificate: SamlCertificate,
}

/// Who an organisation is to its applications.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SamlProvider {
    /// Who we are: the entity id.
    entity_id: String,
    /// Where our metadata are.
    metadata_address: String,
    /// Where applications send members to, by HTTP-Redirect or HTTP-POST: the single sign-on service.
    sign_in_address: String,
    /// Where they send requests to sign out, and answers to ours, by HTTP-Redirect or HTTP-POST: the single logout service.
    sign_out_address: String,
    /// The one that signs first.
    certificates: Vec<SamlProviderCertificate>,
}

fn attribute(told: &SamlAttribute) -> Result<Told> {
    let words = Fact::ALL.map(Fact::word).join(", ");
    let fact = Fact::of_word(&told.attribute);
    let fact = fact.ok_or_else(|| Problem::invalid(format!("attributes: {} is none of {words}", told.attribute)))?;
    let name = told.called.as_deref().unwrap_or(fact.usual_name());
    Ok(Told {
        fact,
        name: name.to_owned(),
    })
}

fn places(addresses: Vec<String>) -> Vec<Consumer> {
    let numbered = (0..).zip(addresses);
    let consumers = numbered.map(|(index, location)| Consumer { location, index });
    consumers.collect()
}

impl SetSamlApplication {
    fn application(self, saml: &Saml, id: String) -> Result<Application> {
        let described = self.metadata.as_deref().map(|text| saml.read_application(text));
        let described = described.transpose()?;
        let named = self.name_id.as_deref().map(|word| {
            let words = NameId::ALL.map(NameId::word).join(", ");
            NameId::of_word(word).ok_or_else(|| Problem::invalid(format!("name_id: it is one of {words}")))
        });
        let read = |texts: Vec<String>| -> Result<Vec<Certificate>, _> {
            texts.iter().map(|text| Certificate::read(text)).collect()
        };
        let certificates = self.certificates.map(read).transpose().map_err(SamlError::from)?;
        let (of, told) = (described.as_ref(), self.attributes.iter().map(attribute));
        let sign_out = self.sign_out.as_ref().map(SamlSignOut::place).transpose()?;
        let missing = || Problem::invalid("give metadata, or entity_id and consumer_addresses in its place");
        let entity_id = self.entity_id.or_else(|| Some(of?.entity_id.clone()));
        let consumers = self
            .consumer_addresses
            .map(places)
            .or_else(|| Some(of?.consumers.clone()));
        let certificates = certificates.or_else(|| Some(of?.certificates.clone()));
        Ok(Application {
            id,
            name: self.name.trim().to_owned(),
            entity_id: entity_id.ok_or_else(missing)?,
            consumers: consumers.ok_or_else(missing)?,
            name_id: named.transpose()?.or_else(|| of?.name_id).unwrap_or_default(),
            told: told.collect::<Result<_>>()?,
            needs_signature: self
                .needs_signature
                .or_else(|| Some(of?.needs_signature))
                .unwrap_or(false),
            certificates: certificates.unwrap_or_default(),
            sign_out: sign_out.or_else(|| of?.sign_out.clone()),
            is_on: self.on,
            created: Timestamp { millis: 0 },
        })
    }
}

fn view(saml: &Saml, tenant: TenantId, application: Application) -> SamlApplication {
    let told = application.told.into_iter().map(|told| SamlAttribute {
        attribute: told.fact.word().to_owned(),
        called: Some(told.name),
    });
    let consumers = application.consumers.into_iter();
    SamlApplication {
        start_address: saml.start_place(tenant, &application.id),
        id: application.id,
        name: application.name,
        entity_id: application.entity_id,
        consumer_addresses: consumers.map(|consumer| consumer.location).collect(),
        name_id: application.name_id.word().to_owned(),
        attributes: told.collect(),
        needs_signature: application.needs_signature,
        certificates: application.certificates.iter().map(shown).collect(),
        sign_out: application.sign_out.map(SamlSignOut::of),
        on: application.is_on,
        created_millis: application.created.millis,
    }
}

async fn present(saml: &Saml, tenant: TenantId, id: &str) -> Result<Tagged<SamlApplication>> {
    let found = saml.application(tenant, id).await?;
    let missing = || Problem::not_found(format!("{id}: no such application"));
    let ApplicationView { application, etag } = found.ok_or_else(missing)?;
    Ok(Tagged::new(etag, view(saml, tenant, application)))
}

fn key(id: &str) -> Result<u64> {
    let is_id = id.len() == 16 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
    let read = is_id.then(|| u64::from_str_radix(id, 16).ok()).flatten();
    read.ok_or_else(|| Problem::not_found(format!("{id}: no such certificate")))
}

async fn provided(saml: &Saml, tenant: TenantId) -> Result<SamlProvider> {
    let (entity_id, sign_in_address) = saml.provider_places(tenant);
    let certificate = |known: ShownKey| SamlProviderCertificate {
        id: format!("{:016x}", known.id),
        created_millis: known.created.millis,
        signs: known.signs,
        certificate: shown(&known.certificate),
    };
    let keys = saml.keys(tenant).await?;
    Ok(SamlProvider {
        metadata_address: entity_id.clone(),
        entity_id,
        sign_in_address,
        sign_out_address: saml.sign_out_place_of_provider(tenant),
        certificates: keys.into_iter().map(certificate).collect(),
    })
}

/// The applications that an organisation's members sign in to here by SAML.
#[utoipa::path(get, path = "/api/organisations/{name}/saml-applications", params(("name" = String, Path)), responses((status = 200, body = SamlApplications), Failure))]
pub(crate) async fn list(caller: Caller, Path(name): Path<String>) -> Result<Json<SamlApplications>> {
    let tenant = named(&caller, Action::ReadSignInPolicy, &name).await?;
    let saml = saml(&caller)?;
    let all = saml.applications(tenant).await?.into_iter();
    Ok(Json(SamlApplications {
        items: all.map(|one| view(saml, tenant, one.application)).collect(),
    }))
}

/// An application that an organisation's members sign in to here by SAML.
#[utoipa::path(get, path = "/api/organisations/{name}/saml-applications/{id}", params(("name" = String, Path), ("id" = String, Path)), responses((status = 200, body = SamlApplication), Failure))]
pub(crate) async fn show(caller: Caller, Path((name, id)): Path<(String, String)>) -> Result<Tagged<SamlApplication>> {
    let tenant = named(&caller, Action::ReadSignInPolicy, &name).await?;
    present(saml(&caller)?, tenant, &id).await
}

/// Connects an application by SAML, or changes one, from its metadata or by hand. Needs a fresh proof.
#[utoipa::path(put, path = "/api/organisations/{name}/saml-applications/{id}", params(("name" = String, Path), ("id" = String, Path)), request_body = SetSamlApplication, responses((status = 200, body = SamlApplication), Failure))]
pub(crate) async fn set(
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
    IfMatch(expect): IfMatch,
    Body(new): Body<SetSamlApplication>,
) -> Result<Tagged<SamlApplication>> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    caller.check_proof()?;
    let saml = saml(&caller)?;
    let change = ApplicationChange {
        application: new.application(saml, id.clone())?,
        expect,
    };
    let set = saml.set_application(&caller.directory, tenant, &change).await;
    with_present(set, async { Ok(present(saml, tenant, &id).await?.body) }).await?;
    present(saml, tenant, &id).await
}

/// Takes an application away: it is told nothing any more. Needs a fresh proof.
#[utoipa::path(delete, path = "/api/organisations/{name}/saml-applications/{id}", params(("name" = String, Path), ("id" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove(caller: Caller, Path((name, id)): Path<(String, String)>) -> Result<StatusCode> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    caller.check_proof()?;
    saml(&caller)?
        .remove_application(&caller.directory, tenant, &id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What applications are to know of an organisation, before any is connected, too.
#[utoipa::path(get, path = "/api/organisations/{name}/saml-provider", params(("name" = String, Path)), responses((status = 200, body = SamlProvider), Failure))]
pub(crate) async fn provider(caller: Caller, Path(name): Path<String>) -> Result<Json<SamlProvider>> {
    let tenant = named(&caller, Action::ReadSignInPolicy, &name).await?;
    Ok(Json(provided(saml(&caller)?, tenant).await?))
}

/// Makes another key, of at most three (`single_sign_on.saml_keys_max`). Its certificate is shown from now on; it signs when it is told to. Needs a fresh proof.
#[utoipa::path(post, path = "/api/organisations/{name}/saml-provider/certificates", params(("name" = String, Path)), responses((status = 201, body = SamlProvider), Failure))]
pub(crate) async fn make_key(caller: Caller, Path(name): Path<String>) -> Result<(StatusCode, Json<SamlProvider>)> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    caller.check_proof()?;
    let saml = saml(&caller)?;
    saml.make_key(&caller.directory, tenant).await?;
    Ok((StatusCode::CREATED, Json(provided(saml, tenant).await?)))
}

/// Has a key sign from now on. The one before stays shown until it is removed. Needs a fresh proof.
#[utoipa::path(post, path = "/api/organisations/{name}/saml-provider/certificates/{id}/sign", params(("name" = String, Path), ("id" = String, Path)), responses((status = 200, body = SamlProvider), Failure))]
pub(crate) async fn sign_with(caller: Caller, Path((name, id)): Path<(String, String)>) -> Result<Json<SamlProvider>> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    caller.check_proof()?;
    let saml = saml(&caller)?;
    saml.sign_with(&caller.directory, tenant, key(&id)?).await?;
    Ok(Json(provided(saml, tenant).await?))
}

/// Removes a key that does not sign. Needs a fresh proof.
#[utoipa::path(delete, path = "/api/organisations/{name}/saml-provider/certificates/{id}", params(("name" = String, Path), ("id" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove_key(caller: Caller, Path((name, id)): Path<(String, String)>) -> Result<StatusCode> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    caller.check_proof()?;
    saml(&caller)?.remove_key(&caller.directory, tenant, key(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
