//! What is known of a member as a person (MEM-2); kept in its account's record.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// As the directory shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gender {
    /// Not said.
    #[default]
    Unknown,
    /// Female.
    Female,
    /// Male.
    Male,
}

/// Standing in its departments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rank {
    /// One of many.
    #[default]
    Ordinary,
    /// Leads.
    Superior,
}

/// A person's data; empty texts are not known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Alias beside the name, as in display names (ORG-8): up to 64 characters, see [`crate::chosen_name`].
    pub nickname: String,
    /// Account id of the organisation's own, unique in it.
    pub employee_id: String,
    /// Mobile phone, digits with an optional leading `+`, unique in the organisation.
    pub mobile: String,
    /// Landline phone.
    pub landline: String,
    /// Gender.
    pub gender: Gender,
    /// Title, such as `Engineer`.
    pub title: String,
    /// Standing.
    pub rank: Rank,
    /// Where they are: a postal address, an office.
    pub location: String,
    /// A mail address outside, for invitations.
    pub private_address: String,
    /// Family name, where it is known by itself.
    pub family_name: String,
    /// Given name, likewise.
    pub given_name: String,
    /// What an outside directory calls it, unique in the organisation.
    pub external_id: String,
}

#[derive(Encode, Decode)]
pub(crate) struct ProfileV1 {
    #[n(0)]
    nickname: String,
    #[n(1)]
    employee_id: String,
    #[n(2)]
    mobile: String,
    #[n(3)]
    landline: String,
    #[n(4)]
    gender: u8,
    #[n(5)]
    title: String,
    #[n(6)]
    rank: u8,
    #[n(7)]
    location: String,
    #[n(8)]
    private_address: String,
    /// Absent in what was written before there was one, as are the next.
    #[n(9)]
    family_name: Option<String>,
    #[n(10)]
    given_name: Option<String>,
    #[n(11)]
    external_id: Option<String>,
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl From<&Profile> for ProfileV1 {
    fn from(profile: &Profile) -> Self {
        Self {
            nickname: profile.nickname.clone(),
            employee_id: profile.employee_id.clone(),
            mobile: profile.mobile.clone(),
            landline: profile.landline.clone(),
            gender: match profile.gender {
                Gender::Unknown => 0,
                Gender::Female => 1,
                Gender::Male => 2,
            },
            title: profile.title.clone(),
            rank: match profile.rank {
                Rank::Ordinary => 0,
                Rank::Superior => 1,
            },
            location: profile.location.clone(),
            private_address: profile.private_address.clone(),
            family_name: some(&profile.family_name),
            given_name: some(&profile.given_name),
            external_id: some(&profile.external_id),
        }
    }
}

impl From<ProfileV1> for Profile {
    fn from(stored: ProfileV1) -> Self {
        Self {
            nickname: stored.nickname,
            employee_id: stored.employee_id,
            mobile: stored.mobile,
            landline: stored.landline,
            gender: match stored.gender {
                1 => Gender::Female,
                2 => Gender::Male,
                _ => Gender::Unknown,
            },
            title: stored.title,
            rank: match stored.rank {
                1 => Rank::Superior,
                _ => Rank::Ordinary,
            },
            location: stored.location,
            private_address: stored.private_address,
            family_name: stored.family_name.unwrap_or_default(),
            given_name: stored.given_name.unwrap_or_default(),
            external_id: stored.external_id.unwrap_or_default(),
        }
    }
}
