//! Who of a tenant sees whom in the directory, at ("dir", "visibility", tenant) (ORG-11, ORG-12).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DepartmentId, Etag, TagId};

/// Members who see only some departments beside their own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Confined {
    /// Whose members, with all below.
    pub departments: Vec<DepartmentId>,
    /// Or who bear one of these tags.
    pub tags: Vec<TagId>,
    /// The departments that they see beside their own, with all below.
    pub see: Vec<DepartmentId>,
}

/// Who sees whom. By itself everybody sees all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Visibility {
    /// Departments whose members, with all below, are seen by each other only.
    pub hidden_departments: Vec<DepartmentId>,
    /// Who bear one of these tags is seen by nobody.
    pub hidden_tags: Vec<TagId>,
    /// Who sees less than all; whoever is in several sees what any of them gives.
    pub confined: Vec<Confined>,
    /// Whether who is looked for is shown with the department.
    pub show_department: bool,
    /// And with the title.
    pub show_title: bool,
    /// And with the phone numbers (CON-7).
    pub show_phones: bool,
}

impl Visibility {
    /// Changes whenever it does.
    #[must_use]
    pub fn etag(&self) -> Etag {
        Etag::of(&encode(self))
    }
    /// Whether everybody sees all.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.hidden_departments.is_empty() && self.hidden_tags.is_empty() && self.confined.is_empty()
    }
}

#[derive(Encode, Decode)]
struct ConfinedV1 {
    #[n(0)]
    departments: Vec<u32>,
    #[n(1)]
    tags: Vec<u32>,
    #[n(2)]
    see: Vec<u32>,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    hidden_departments: Vec<u32>,
    #[n(1)]
    hidden_tags: Vec<u32>,
    #[n(2)]
    confined: Vec<ConfinedV1>,
    #[n(3)]
    show_department: bool,
    #[n(4)]
    show_title: bool,
    /// Absent in what was written before there was one, and where it is off.
    #[n(5)]
    show_phones: Option<bool>,
}

enum Stored {
    V1(V1),
}

fn numbers(departments: &[DepartmentId]) -> Vec<u32> {
    departments.iter().map(|id| id.0).collect()
}

fn tags(tags: &[TagId]) -> Vec<u32> {
    tags.iter().map(|id| id.0).collect()
}

pub(crate) fn encode(visibility: &Visibility) -> Bytes {
    let confined = visibility.confined.iter().map(|confined| ConfinedV1 {
        departments: numbers(&confined.departments),
        tags: tags(&confined.tags),
        see: numbers(&confined.see),
    });
    let body = V1 {
        hidden_departments: numbers(&visibility.hidden_departments),
        hidden_tags: tags(&visibility.hidden_tags),
        confined: confined.collect(),
        show_department: visibility.show_department,
        show_title: visibility.show_title,
        show_phones: visibility.show_phones.then_some(true),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<Visibility, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    let departments = |ids: Vec<u32>| ids.into_iter().map(DepartmentId).collect();
    let tags = |ids: Vec<u32>| ids.into_iter().map(TagId).collect();
    let confined = body.confined.into_iter().map(|confined| Confined {
        departments: departments(confined.departments),
        tags: tags(confined.tags),
        see: departments(confined.see),
    });
    Ok(Visibility {
        hidden_departments: departments(body.hidden_departments),
        hidden_tags: tags(body.hidden_tags),
        confined: confined.collect(),
        show_department: body.show_department,
        show_title: body.show_title,
        show_phones: body.show_phones.unwrap_or(false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let visibility = Visibility {
            hidden_departments: vec![DepartmentId(2)],
            hidden_tags: vec![TagId(3)],
            confined: vec![Confined {
                departments: vec![DepartmentId(4)],
                tags: vec![TagId(5)],
                see: vec![DepartmentId(6)],
            }],
            show_department: true,
            show_title: false,
            show_phones: false,
        };
        let stored = encode(&visibility);
        assert_eq!(crate::record::hex(&stored), "01000185810281038183810481058106f5f4");
        assert_eq!(decode(&stored), Ok(visibility.clone()));
        let with_phones = Visibility {
            show_phones: true,
            ..visibility
        };
        let stored = encode(&with_phones);
        assert_eq!(crate::record::hex(&stored), "01000186810281038183810481058106f5f4f5");
        assert_eq!(decode(&stored), Ok(with_phones));
    }
}
