//! /api/organisations/{name}/saml: the SAML 2.0 identity provider where members sign in.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::Action;
use hongyan_openid::{Admission, OpenIdError};
use hongyan_saml::{Certificate, Described, ProviderChange, ProviderSettings, Saml, SamlError, SignOutPlace, View};
use hongyan_types::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::problem::{Failure, Problem, Result};
use crate::single_sign_on::named;

/// A certificate with whose key a provider or an application signs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SamlCertificate {
    /// SHA-256, hexadecimal.
    fingerprint: String,
    /// Until when it says that it is good; it is taken after that, too.
    not_after_millis: i64,
    pem: String,
}

/// Where messages of single logout are taken: a single logout service.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SamlSignOut {
    /// An URL of https, where requests go to.
    address: String,
    /// Where answers go to, if that is elsewhere.
    #[serde(default)]
    response_address: Option<String>,
    /// How they go: `redirect` or `post`.
    #[serde(default = "by_redirect")]
    binding: String,
}

fn by_redirect() -> String {
    "redirect".to_owned()
}

impl SamlSignOut {
    pub(crate) fn place(&self) -> Result<SignOutPlace> {
        Ok(SignOutPlace {
            location: self.address.clone(),
            response_location: self.response_address.clone(),
            by_post: match self.binding.as_str() {
                "redirect" => false,
                "post" => true,
                _ => return Err(Problem::invalid("sign_out.binding: it is one of redirect, post")),
            },
        })
    }

    pub(crate) fn of(place: SignOutPlace) -> Self {
        Self {
            address: place.location,
            response_address: place.response_location,
            binding: if place.by_post {
                "post".to_owned()
            } else {
                by_redirect()
            },
        }
    }
}

/// Where members sign in by SAML.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SamlSignIn {
    /// Who the provider is, in its own words.
    entity_id: String,
    /// Where browsers are sent to, by HTTP-Redirect.
    sign_in_address: String,
    certificates: Vec<SamlCertificate>,
    /// Where it is told that somebody signs out; null: it is not.
    sign_out: Option<SamlSignOut>,
    /// What members read.
    label: String,
    /// The attribute that is the mail address; null: the name identifier is.
    mail_attribute: Option<String>,
    /// The attribute that says what people are called.
    name_attribute: Option<String>,
    link_by_mail: bool,
    create_members: bool,
    vouches_second_factor: bool,
    /// To be registered at the provider.
    registration: SamlRegistration,
}

/// What is to be registered at the provider, before anything is set here, too.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SamlRegistration {
    /// Who we are: the entity id.
    entity_id: String,
    /// Where our metadata are.
    metadata_address: String,
    /// Where responses are sent to, by HTTP-POST: the assertion consumer service.
    consumer_address: String,
    /// Where it sends requests to sign out, and answers to ours, by HTTP-Redirect or HTTP-POST: the single logout service.
    sign_out_address: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetSaml {
    /// The provider's metadata, in place of the three that follow.
    metadata: Option<String>,
    /// Who the provider is, in its own words.
    entity_id: Option<String>,
    /// An URL of https, where it takes requests by HTTP-Redirect.
    sign_in_address: Option<String>,
    /// 1 to 5, PEM or base64 of DER: RSA of 2048 bits or more, P-256 or P-384.
    certificates: Option<Vec<String>>,
    /// Where it is told that somebody signs out; without it, it is where its metadata say, or nowhere.
    sign_out: Option<SamlSignOut>,
    /// What members read: 1 to 64 characters.
    label: String,
    /// The attribute that is the mail address; without it, the name identifier is.
    mail_attribute: Option<String>,
    /// The attribute that says what people are called.
    name_attribute: Option<String>,
    /// Whether an account is linked with whoever comes with its address.
    #[serde(default)]
    link_by_mail: bool,
    /// Whether whoever comes with an address in one of the organisation's domains gets an account.
    #[serde(default)]
    create_members: bool,
    /// Whether the provider asks for a second factor itself, so that ours is not asked.
    #[serde(default)]
    vouches_second_factor: bool,
}

impl SetSaml {
    fn provider(&self, saml: &Saml) -> Result<Described> {
        let sign_out = self.sign_out.as_ref().map(SamlSignOut::place).transpose()?;
        match (
            &self.metadata,
            &self.entity_id,
            &self.sign_in_address,
            &self.certificates,
        ) {
            (Some(text), None, None, None) => {
                let described = saml.read_metadata(text)?;
                Ok(Described {
                    sign_out: sign_out.or(described.sign_out),
                    ..described
                })
            }
            (None, Some(entity_id), Some(place), Some(certificates)) => {
                let certificates = certificates.iter().map(|text| Certificate::read(text));
                let certificates: Result<Vec<_>, _> = certificates.collect();
                Ok(Described {
                    entity_id: entity_id.clone(),
                    sign_in_address: place.clone(),
                    certificates: certificates.map_err(SamlError::from)?,
                    sign_out,
                })
            }
            _ => Err(Problem::invalid(
                "give metadata, or entity_id, sign_in_address and certificates in its place",
            )),
        }
    }
}

pub(crate) fn shown(certificate: &Certificate) -> SamlCertificate {
    let shown = certificate.shown();
    SamlCertificate {
        fingerprint: shown.fingerprint,
        not_after_millis: shown.not_after.millis,
        pem: certificate.pem(),
    }
}

pub(crate) fn saml(caller: &Caller) -> Result<&Saml> {
    caller
        .saml
        .as_ref()
        .ok_or_else(|| Problem::not_found("there is no single sign-on here"))
}

fn registered(saml: &Saml, tenant: TenantId) -> SamlRegistration {
    let own = saml.registration(tenant);
    SamlRegistration {
        metadata_address: own.entity_id.clone(),
        entity_id: own.entity_id,
        consumer_address: own.consumer_address,
        sign_out_address: own.sign_out_address,
    }
}

async fn present(saml: &Saml, tenant: TenantId) -> Result<Tagged<SamlSignIn>> {
    let View { settings, etag } = saml.provider(tenant).await?.ok_or(OpenIdError::NoProvider)?;
    let certificates = settings.provider.certificates.iter().map(shown);
    let body = SamlSignIn {
        certificates: certificates.collect(),
        entity_id: settings.provider.entity_id,
        sign_in_address: settings.provider.sign_in_address,
        sign_out: settings.provider.sign_out.map(SamlSignOut::of),
        label: settings.label,
        mail_attribute: settings.mail_attribute,
        name_attribute: settings.name_attribute,
        link_by_mail: settings.admission.link_by_mail,
        create_members: settings.admission.create_members,
        vouches_second_factor: settings.admission.vouches_second_factor,
        registration: registered(saml, tenant),
    };
    Ok(Tagged::new(etag, body))
}

/// Where an organisation's members sign in by SAML.
#[utoipa::path(get, path = "/api/organisations/{name}/saml", params(("name" = String, Path)), responses((status = 200, body = SamlSignIn), Failure))]
pub(crate) async fn show(caller: Caller, Path(name): Path<String>) -> Result<Tagged<SamlSignIn>> {
    let tenant = named(&caller, Action::ReadSignInPolicy, &name).await?;
    present(saml(&caller)?, tenant).await
}

/// What is to be registered at an organisation's provider, before anything is set here, too.
#[utoipa::path(get, path = "/api/organisations/{name}/saml/registration", params(("name" = String, Path)), responses((status = 200, body = SamlRegistration), Failure))]
pub(crate) async fn registration(caller: Caller, Path(name): Path<String>) -> Result<Json<SamlRegistration>> {
    let tenant = named(&caller, Action::ReadSignInPolicy, &name).await?;
    Ok(Json(registered(saml(&caller)?, tenant)))
}

/// Sets where an organisation's members sign in by SAML; it comes before their OpenID Connect provider. Passwords stay good. Needs a
/// fresh proof.
#[utoipa::path(put, path = "/api/organisations/{name}/saml", params(("name" = String, Path)), request_body = SetSaml, responses((status = 200, body = SamlSignIn), Failure))]
pub(crate) async fn set(
    caller: Caller,
    Path(name): Path<String>,
    IfMatch(expect): IfMatch,
    Body(new): Body<SetSaml>,
) -> Result<Tagged<SamlSignIn>> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    caller.check_proof()?;
    let saml = saml(&caller)?;
    let change = ProviderChange {
        expect,
        settings: ProviderSettings {
            provider: new.provider(saml)?,
            label: new.label.trim().to_owned(),
            mail_attribute: new.mail_attribute,
            name_attribute: new.name_attribute,
            admission: Admission {
                link_by_mail: new.link_by_mail,
                create_members: new.create_members,
                vouches_second_factor: new.vouches_second_factor,
            },
        },
    };
    let set = saml.set_provider(&caller.directory, tenant, &change).await;
    with_present(set, async { Ok(present(saml, tenant).await?.body) }).await?;
    present(saml, tenant).await
}

/// Has no members sign in by SAML. Links stay for the day the provider is set again. Needs a fresh proof.
#[utoipa::path(delete, path = "/api/organisations/{name}/saml", params(("name" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove(caller: Caller, Path(name): Path<String>) -> Result<StatusCode> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    caller.check_proof()?;
    saml(&caller)?.remove_provider(&caller.directory, tenant).await?;
    Ok(StatusCode::NO_CONTENT)
}
