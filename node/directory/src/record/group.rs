//! One group, at ("dir", "group", tenant, group); its members by address are keys of their own.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, Address, TenantId, Timestamp};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::record::read_address;
use crate::{DepartmentId, Etag, TagId};

/// A group of addresses; never 0, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u64);

impl std::fmt::Display for GroupId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Who may write to a group (GRP-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Posting {
    /// Nobody, until it is set.
    Unset,
    /// Anyone, people outside too.
    #[default]
    Anyone,
    /// Everyone of the organisation who signed in.
    Organisation,
    /// Its members.
    Members,
    /// Those named as its posters.
    Custom,
}

impl Posting {
    fn code(self) -> Option<u8> {
        match self {
            Self::Anyone => None,
            Self::Unset => Some(1),
            Self::Organisation => Some(2),
            Self::Members => Some(3),
            Self::Custom => Some(4),
        }
    }
    /// A way that a later release knew lets nobody in here.
    fn stored(code: Option<u8>) -> Self {
        match code {
            None => Self::Anyone,
            Some(2) => Self::Organisation,
            Some(3) => Self::Members,
            Some(4) => Self::Custom,
            Some(_) => Self::Unset,
        }
    }
}

/// People named in several ways.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parties {
    /// By address: members, groups, people elsewhere.
    pub addresses: Vec<Address>,
    /// By department, with all below.
    pub departments: Vec<DepartmentId>,
    /// By tag.
    pub tags: Vec<TagId>,
}

impl Parties {
    /// Whether nobody is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An address that many get mail for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRecord {
    /// Its identifier.
    pub id: GroupId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its address.
    pub address: Address,
    /// Its name, for people; a department's group has the department's.
    pub display_name: String,
    /// When it was made.
    pub created: Timestamp,
    /// How many direct members it has by address.
    pub members: u64,
    /// Departments whose members are its members, with all below.
    pub member_departments: Vec<DepartmentId>,
    /// Tags whose bearers are its members.
    pub member_tags: Vec<TagId>,
    /// The department that it is the group of: name and members follow it (GRP-5).
    pub department: Option<DepartmentId>,
    /// Its address was chosen by someone and stays.
    pub address_fixed: bool,
    /// Who may write to it.
    pub posting: Posting,
    /// Who may, when that is a custom set.
    pub posters: Parties,
    /// Who may send in its name (GRP-6).
    pub representatives: Vec<AccountId>,
    /// Who gets what comes back.
    pub owner: Option<AccountId>,
    /// What an outside directory calls it, unique in the organisation; empty when none does.
    pub external_id: String,
}

impl GroupRecord {
    /// A plain group of that address, without members.
    #[must_use]
    pub fn new(id: GroupId, tenant: TenantId, address: Address, created: Timestamp) -> Self {
        Self {
            id,
            tenant,
            address,
            display_name: String::new(),
            created,
            members: 0,
            member_departments: Vec::new(),
            member_tags: Vec::new(),
            department: None,
            address_fixed: true,
            posting: Posting::default(),
            posters: Parties::default(),
            representatives: Vec::new(),
            owner: None,
            external_id: String::new(),
        }
    }
    /// Changes whenever the group does.
    #[must_use]
    pub fn etag(&self) -> Etag {
        Etag::of(&encode(self))
    }
    /// The departments whose members are its members.
    pub(crate) fn all_departments(&self) -> impl Iterator<Item = DepartmentId> {
        self.department
            .into_iter()
            .chain(self.member_departments.iter().copied())
    }
}

#[derive(Encode, Decode)]
struct PartiesV1 {
    #[n(0)]
    addresses: Vec<String>,
    #[n(1)]
    departments: Vec<u32>,
    #[n(2)]
    tags: Vec<u32>,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    address: String,
    #[n(1)]
    display_name: String,
    #[n(2)]
    created_millis: i64,
    #[n(3)]
    members: u64,
    /// Absent in what was written before there was one: then anyone may write.
    #[n(4)]
    posting: Option<u8>,
    #[n(5)]
    posters: Option<PartiesV1>,
    #[n(6)]
    representatives: Option<Vec<u64>>,
    #[n(7)]
    owner: Option<u64>,
    #[n(8)]
    member_departments: Option<Vec<u32>>,
    #[n(9)]
    member_tags: Option<Vec<u32>>,
    #[n(10)]
    department: Option<u32>,
    #[n(11)]
    address_generated: Option<bool>,
    #[n(12)]
    external_id: Option<String>,
}

enum Stored {
    V1(V1),
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

pub(crate) fn encode(group: &GroupRecord) -> Bytes {
    let body = V1 {
        address: group.address.to_string(),
        display_name: group.display_name.clone(),
        created_millis: group.created.millis,
        members: group.members,
        posting: group.posting.code(),
        posters: (!group.posters.is_empty()).then(|| PartiesV1 {
            addresses: group.posters.addresses.iter().map(ToString::to_string).collect(),
            departments: group.posters.departments.iter().map(|id| id.0).collect(),
            tags: group.posters.tags.iter().map(|id| id.0).collect(),
        }),
        representatives: some(group.representatives.iter().map(|id| id.0).collect()),
        owner: group.owner.map(|id| id.0),
        member_departments: some(group.member_departments.iter().map(|id| id.0).collect()),
        member_tags: some(group.member_tags.iter().map(|id| id.0).collect()),
        department: group.department.map(|id| id.0),
        address_generated: (!group.address_fixed).then_some(true),
        external_id: (!group.external_id.is_empty()).then(|| group.external_id.clone()),
    };
    record::encode(Schema(1), &body)
}

fn departments(stored: Vec<u32>) -> Vec<DepartmentId> {
    stored.into_iter().map(DepartmentId).collect()
}

fn tags(stored: Vec<u32>) -> Vec<TagId> {
    stored.into_iter().map(TagId).collect()
}

fn parties(stored: PartiesV1) -> Result<Parties, RecordError> {
    let addresses = stored.addresses.iter().map(|text| read_address(text));
    Ok(Parties {
        addresses: addresses.collect::<Result<_, _>>()?,
        departments: departments(stored.departments),
        tags: tags(stored.tags),
    })
}

pub(crate) fn decode(tenant: TenantId, id: GroupId, stored: &[u8]) -> Result<GroupRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(GroupRecord {
        id,
        tenant,
        address: read_address(&body.address)?,
        display_name: body.display_name,
        created: Timestamp {
            millis: body.created_millis,
        },
        members: body.members,
        member_departments: departments(body.member_departments.unwrap_or_default()),
        member_tags: tags(body.member_tags.unwrap_or_default()),
        department: body.department.map(DepartmentId),
        address_fixed: body.address_generated != Some(true),
        posting: Posting::stored(body.posting),
        posters: body.posters.map(parties).transpose()?.unwrap_or_default(),
        representatives: body
            .representatives
            .unwrap_or_default()
            .into_iter()
            .map(AccountId)
            .collect(),
        owner: body.owner.map(AccountId),
        external_id: body.external_id.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> GroupRecord {
        GroupRecord {
            display_name: "All".to_owned(),
            members: 4,
            ..GroupRecord::new(
                GroupId(8),
                TenantId(3),
                Address::try_from("all@example.test").unwrap(),
                Timestamp { millis: 1_000 },
            )
        }
    }

    #[test]
    fn golden_bytes() {
        let stored = encode(&all());
        assert_eq!(
            crate::record::hex(&stored),
            "0100018470616c6c406578616d706c652e7465737463416c6c1903e804"
        );
        assert_eq!(decode(TenantId(3), GroupId(8), &stored), Ok(all()));
    }

    #[test]
    fn golden_bytes_with_rules() {
        let group = GroupRecord {
            posting: Posting::Custom,
            posters: Parties {
                addresses: vec![Address::try_from("a@b.test").unwrap()],
                departments: vec![DepartmentId(6)],
                tags: vec![TagId(7)],
            },
            representatives: vec![AccountId(8)],
            owner: Some(AccountId(9)),
            member_departments: vec![DepartmentId(10)],
            member_tags: vec![TagId(11)],
            department: Some(DepartmentId(12)),
            address_fixed: false,
            ..all()
        };
        let stored = encode(&group);
        let hex = crate::record::hex(&stored);
        assert!(
            hex.ends_with("04048381686140622e7465737481068107810809810a810b0cf5"),
            "{hex}"
        );
        assert_eq!(decode(TenantId(3), GroupId(8), &stored), Ok(group));
        for code in 0..=9 {
            let posting = Posting::stored(Some(code));
            assert!(posting == Posting::Unset || posting.code() == Some(code));
        }
    }
}
