//! How the page to sign in looks to members of an organisation (LGN-2, LGN-4): one look for all its domains, or one of its own for a
//! domain. Texts are texts and a colour is six digits: nothing here is markup.

use bytes::Bytes;
use hongyan_audit::{Chain, Event};
use hongyan_directory::{Change, Directory, Error, Feature, Subject, of_tenant};
use hongyan_kv::Tuple;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{Domain, TenantId};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::profiles::write;
use crate::{ProfileError, Profiles};

/// Longest title, in characters.
const TITLE_CHARACTERS_MAX: usize = 60;

/// Where the form stands on a wide screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignInLayout {
    /// In the middle, over the picture.
    #[default]
    Centre,
    /// At the left, beside the picture.
    Left,
    /// At the right, beside the picture.
    Right,
}

/// How the page to sign in looks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SignInPage {
    /// What stands over the form, in English; 60 characters at most.
    pub title: String,
    /// The same in Chinese; empty is as in English.
    pub title_zh_cn: String,
    /// Of what is behind the form and of its main button, such as `#0a5c36`; null is ours.
    pub colour: Option<String>,
    /// Where the form stands.
    pub layout: SignInLayout,
}

/// A picture of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInPicture {
    /// Over the form, as PNG.
    Logo,
    /// Behind or beside it, as JPEG.
    Background,
}

impl SignInPicture {
    fn label(self) -> &'static str {
        match self {
            Self::Logo => "logo",
            Self::Background => "picture",
        }
    }
}

/// What is shown at a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownSignInPage {
    /// How it looks.
    pub page: SignInPage,
    /// Whether there is a logo.
    pub has_logo: bool,
    /// Whether there is a picture.
    pub has_picture: bool,
    tenant: TenantId,
    domain: Option<Domain>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct V1 {
    #[n(0)]
    title: Option<String>,
    #[n(1)]
    title_zh_cn: Option<String>,
    #[n(2)]
    colour: Option<String>,
    #[n(3)]
    layout: Option<u8>,
}

enum Stored {
    V1(V1),
}

fn encode(page: &SignInPage) -> Bytes {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let body = V1 {
        title: text(&page.title),
        title_zh_cn: text(&page.title_zh_cn),
        colour: page.colour.clone(),
        layout: match page.layout {
            SignInLayout::Centre => None,
            SignInLayout::Left => Some(1),
            SignInLayout::Right => Some(2),
        },
    };
    record::encode(Schema(1), &body)
}

fn decode(stored: &[u8]) -> Result<SignInPage, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(SignInPage {
        title: body.title.unwrap_or_default(),
        title_zh_cn: body.title_zh_cn.unwrap_or_default(),
        colour: body.colour,
        layout: match body.layout {
            Some(1) => SignInLayout::Left,
            Some(2) => SignInLayout::Right,
            _ => SignInLayout::Centre,
        },
    })
}

fn keys(tenant: TenantId, domain: Option<&Domain>) -> Tuple {
    let name = domain.map_or("", Domain::as_str);
    of_tenant(tenant).string("sign-in-page").string(name)
}

fn page_key(tenant: TenantId, domain: Option<&Domain>) -> Bytes {
    keys(tenant, domain).string("page").pack()
}

fn picture_keys(tenant: TenantId, domain: Option<&Domain>, which: SignInPicture) -> Tuple {
    keys(tenant, domain).string(which.label())
}

fn cleaned(page: &SignInPage) -> Result<SignInPage, ProfileError> {
    let title = |text: &str| {
        let text = text.trim();
        let is_long = text.chars().count() > TITLE_CHARACTERS_MAX;
        if is_long || text.chars().any(char::is_control) {
            let what = format!("a title is one line of at most {TITLE_CHARACTERS_MAX} characters");
            return Err(ProfileError::Invalid(what));
        }
        Ok(text.to_owned())
    };
    let colour = page.colour.as_ref().map(|colour| colour.to_ascii_lowercase());
    let is_colour = |colour: &String| {
        colour.len() == 7
            && colour
                .strip_prefix('#')
                .is_some_and(|rest| rest.bytes().all(|digit| digit.is_ascii_hexdigit()))
    };
    if !colour.as_ref().is_none_or(is_colour) {
        return Err(ProfileError::Invalid("a colour is written as #0a5c36".to_owned()));
    }
    Ok(SignInPage {
        title: title(&page.title)?,
        title_zh_cn: title(&page.title_zh_cn)?,
        colour,
        layout: page.layout,
    })
}

/// Refuses a domain of somebody else's, and what the plan leaves out.
async fn check(directory: &Directory, tenant: TenantId, domain: Option<&Domain>) -> Result<(), ProfileError> {
    directory.need_feature(tenant, Feature::SignInPage).await?;
    if let Some(domain) = domain
        && directory.domain(domain).await?.tenant != tenant
    {
        return Err(ProfileError::NotFound("domain"));
    }
    Ok(())
}

impl Profiles {
    /// The look that was set for a domain, or for all of an organisation; none where there is none.
    ///
    /// # Errors
    /// The store's only.
    pub async fn sign_in_page(
        &self,
        tenant: TenantId,
        domain: Option<&Domain>,
    ) -> Result<Option<ShownSignInPage>, ProfileError> {
        let domain = domain.cloned();
        let body = async move |change: &mut Change| {
            let Some(stored) = change.get(&page_key(tenant, domain.as_ref())).await? else {
                return Ok(None);
            };
            let mut is_there = [false; 2];
            for (which, is_there) in [SignInPicture::Logo, SignInPicture::Background]
                .into_iter()
                .zip(&mut is_there)
            {
                let first = picture_keys(tenant, domain.as_ref(), which).int(0u64).pack();
                *is_there = change.get(&first).await?.is_some();
            }
            Ok(Some(ShownSignInPage {
                page: decode(&stored).map_err(hongyan_kv::Error::from)?,
                has_logo: is_there[0],
                has_picture: is_there[1],
                tenant,
                domain: domain.clone(),
            }))
        };
        Ok(self.directory().try_out(body).await?)
    }

    /// What is shown to whoever signs in at a domain: its own look, else that of all of its organisation's.
    ///
    /// # Errors
    /// The store's only.
    pub async fn shown_sign_in_page(&self, domain: &Domain) -> Result<Option<ShownSignInPage>, ProfileError> {
        let record = match self.directory().domain(domain).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            record => record?,
        };
        match self.sign_in_page(record.tenant, Some(domain)).await? {
            Some(own) => Ok(Some(own)),
            None => self.sign_in_page(record.tenant, None).await,
        }
    }

    /// A picture of what is shown.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn sign_in_picture(
        &self,
        shown: &ShownSignInPage,
        which: SignInPicture,
    ) -> Result<Vec<u8>, ProfileError> {
        let keys = picture_keys(shown.tenant, shown.domain.as_ref(), which);
        self.picture(&keys, which.label()).await
    }

    /// Sets how the page looks for a domain, or for all of an organisation's.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`, what the plan leaves out; the store's.
    pub async fn set_sign_in_page(
        &self,
        tenant: TenantId,
        domain: Option<&Domain>,
        page: &SignInPage,
    ) -> Result<(), ProfileError> {
        check(self.directory(), tenant, domain).await?;
        let page = encode(&cleaned(page)?);
        self.noted(tenant, domain, Edit::Page(page)).await
    }

    /// Sets a picture of a look that there is, or takes it away.
    ///
    /// # Errors
    /// As [`Profiles::set_sign_in_page`].
    pub async fn set_sign_in_picture(
        &self,
        tenant: TenantId,
        domain: Option<&Domain>,
        which: SignInPicture,
        file: Option<&[u8]>,
    ) -> Result<(), ProfileError> {
        check(self.directory(), tenant, domain).await?;
        if self.sign_in_page(tenant, domain).await?.is_none() {
            return Err(ProfileError::NotFound("sign-in page"));
        }
        let file = file.map(<[u8]>::to_vec);
        self.noted(tenant, domain, Edit::Picture(which, file)).await
    }

    /// Takes a look away with its pictures.
    ///
    /// # Errors
    /// The store's only.
    pub async fn remove_sign_in_page(&self, tenant: TenantId, domain: Option<&Domain>) -> Result<(), ProfileError> {
        self.noted(tenant, domain, Edit::Remove).await
    }

    /// Makes a change with its line in the audit log.
    async fn noted(&self, tenant: TenantId, domain: Option<&Domain>, edit: Edit) -> Result<(), ProfileError> {
        let name = self.directory().tenant(tenant).await?.name.clone();
        let domain = domain.cloned();
        let body = async move |change: &mut Change| {
            let at = domain.as_ref();
            let how = match &edit {
                Edit::Page(page) => {
                    change.set(page_key(tenant, at), page.clone());
                    "set"
                }
                Edit::Picture(which, file) => {
                    write(change, &picture_keys(tenant, at, *which), file.as_deref());
                    which.label()
                }
                Edit::Remove => {
                    change.clear_range(keys(tenant, at).range());
                    "removed"
                }
            };
            let event = Event::new("organisation.sign-in-page", &name)
                .id(tenant.0)
                .with("how", how);
            let event = match at {
                Some(domain) => event.with("domain", domain),
                None => event,
            };
            change.record(Chain::Tenant(tenant), event);
            change.tell(tenant, Subject::Tenant);
            Ok(())
        };
        Ok(self.directory().transact(body).await?)
    }
}

/// What is changed of a look.
enum Edit {
    Page(Bytes),
    Picture(SignInPicture, Option<Vec<u8>>),
    Remove,
}

#[cfg(test)]
#[path = "sign_in_page_test.rs"]
mod tests;
