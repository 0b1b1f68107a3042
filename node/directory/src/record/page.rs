//! What an organisation says of itself, and how it shows its people, at ("dir", "page", tenant) (ORG-1, ORG-8 to ORG-10).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AccountRecord, Etag, MemberOrder};

/// How the names of members are shown (ORG-8). Whoever has no alias is shown by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DisplayNames {
    /// The name.
    #[default]
    Name,
    /// The alias.
    Alias,
    /// `Name (alias)`.
    NameAlias,
    /// `Alias (name)`.
    AliasName,
}

impl DisplayNames {
    /// Whether the name is shown, and whether the alias is, of someone who has these.
    pub(crate) fn shows(self, has_name: bool, has_alias: bool) -> (bool, bool) {
        match self {
            Self::Name => (true, !has_name),
            Self::Alias => (!has_alias, true),
            Self::NameAlias | Self::AliasName => (true, true),
        }
    }
    /// What lists of those who are shown so are ordered by.
    pub(crate) fn order(self) -> MemberOrder {
        match self {
            Self::Name | Self::NameAlias => MemberOrder::ShownName,
            Self::Alias | Self::AliasName => MemberOrder::ShownAlias,
        }
    }
}

/// The letter that new members find in their mailbox (ORG-10).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Welcome {
    /// None.
    #[default]
    None,
    /// The one that the system has, in the member's language.
    Standard,
    /// The administrators' own.
    Own {
        /// Its subject, 200 characters at most.
        subject: String,
        /// Its text, 16,000 octets at most.
        text: String,
    },
}

/// What an organisation says of itself; empty texts are not known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OrganisationPage {
    /// How people call it.
    pub short_name: String,
    /// Where it is.
    pub postal_address: String,
    /// What it does.
    pub industry: String,
    /// How large it is, such as `50-200`.
    pub size: String,
    /// Its time zone, a name such as `Asia/Shanghai`; empty is UTC.
    pub time_zone: String,
    /// How the names of its members are shown.
    pub display_names: DisplayNames,
    /// Whether members choose their sender name themselves (ORG-9).
    pub own_sender_names: bool,
    /// What new members find in their mailbox.
    pub welcome: Welcome,
}

impl OrganisationPage {
    /// Changes whenever the page does.
    #[must_use]
    pub fn etag(&self) -> Etag {
        Etag::of(&encode(self))
    }

    /// How `account` is shown to others.
    #[must_use]
    pub fn name_of(&self, account: &AccountRecord) -> String {
        let (name, alias) = (account.display_name.as_str(), account.profile.nickname.as_str());
        let (has_name, has_alias) = (!name.is_empty(), !alias.is_empty());
        let (shows_name, shows_alias) = self.display_names.shows(has_name, has_alias);
        match (shows_name && has_name, shows_alias && has_alias) {
            (true, true) if self.display_names == DisplayNames::AliasName => format!("{alias} ({name})"),
            (true, true) => format!("{name} ({alias})"),
            (false, true) => alias.to_owned(),
            (_, false) => name.to_owned(),
        }
    }
}

#[derive(Encode, Decode, Default)]
#[cbor(map)]
struct V1 {
    #[n(0)]
    short_name: Option<String>,
    #[n(1)]
    postal_address: Option<String>,
    #[n(2)]
    industry: Option<String>,
    #[n(3)]
    size: Option<String>,
    #[n(4)]
    time_zone: Option<String>,
    #[n(5)]
    display_names: Option<u8>,
    #[n(6)]
    own_sender_names: Option<bool>,
    #[n(7)]
    standard_welcome: Option<bool>,
    #[n(8)]
    own_welcome: Option<(String, String)>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(page: &OrganisationPage) -> Bytes {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let body = V1 {
        short_name: text(&page.short_name),
        postal_address: text(&page.postal_address),
        industry: text(&page.industry),
        size: text(&page.size),
        time_zone: text(&page.time_zone),
        display_names: match page.display_names {
            DisplayNames::Name => None,
            DisplayNames::Alias => Some(1),
            DisplayNames::NameAlias => Some(2),
            DisplayNames::AliasName => Some(3),
        },
        own_sender_names: page.own_sender_names.then_some(true),
        standard_welcome: (page.welcome == Welcome::Standard).then_some(true),
        own_welcome: match &page.welcome {
            Welcome::Own { subject, text } => Some((subject.clone(), text.clone())),
            Welcome::None | Welcome::Standard => None,
        },
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<OrganisationPage, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(OrganisationPage {
        short_name: body.short_name.unwrap_or_default(),
        postal_address: body.postal_address.unwrap_or_default(),
        industry: body.industry.unwrap_or_default(),
        size: body.size.unwrap_or_default(),
        time_zone: body.time_zone.unwrap_or_default(),
        display_names: match body.display_names {
            Some(1) => DisplayNames::Alias,
            Some(2) => DisplayNames::NameAlias,
            Some(3) => DisplayNames::AliasName,
            _ => DisplayNames::Name,
        },
        own_sender_names: body.own_sender_names.unwrap_or(false),
        welcome: match (body.own_welcome, body.standard_welcome) {
            (Some((subject, text)), _) => Welcome::Own { subject, text },
            (None, Some(true)) => Welcome::Standard,
            (None, _) => Welcome::None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let page = OrganisationPage {
            short_name: "A".to_owned(),
            time_zone: "UTC".to_owned(),
            display_names: DisplayNames::AliasName,
            own_sender_names: true,
            welcome: Welcome::Own {
                subject: "s".to_owned(),
                text: "t".to_owned(),
            },
            ..OrganisationPage::default()
        };
        let stored = encode(&page);
        assert_eq!(
            crate::record::hex(&stored),
            "010001a50061410463555443050306f5088261736174"
        );
        assert_eq!(decode(&stored), Ok(page));
        let standard = OrganisationPage {
            welcome: Welcome::Standard,
            ..OrganisationPage::default()
        };
        let stored = encode(&standard);
        assert_eq!(crate::record::hex(&stored), "010001a107f5");
        assert_eq!(decode(&stored), Ok(standard));
    }
}
