//! What a task does to many members, as a part of record/task.rs.

use hongyan_directory::{Bounded, BulkAct, DepartmentId};
use hongyan_kv::record::RecordError;
use hongyan_types::Address;
use minicbor::{Decode, Encode};

use crate::BulkMembers;

#[derive(Encode, Decode)]
pub(crate) struct BulkV1 {
    #[n(0)]
    act: u8,
    #[n(1)]
    departments: Vec<u32>,
    #[n(2)]
    groups: Vec<String>,
    #[n(3)]
    within: Option<Vec<u32>>,
    #[n(4)]
    spares_roles: bool,
    #[n(5)]
    confirm_uses: bool,
    #[n(6)]
    dry_run: bool,
}

/// Its name, as that of the task.
pub(crate) fn label(act: &BulkAct) -> &'static str {
    match act {
        BulkAct::MoveTo(_) => "bulk-move-to-departments",
        BulkAct::Leave(_) => "bulk-leave-departments",
        BulkAct::JoinGroups(_) => "bulk-join-groups",
        BulkAct::Disable => "bulk-disable",
        BulkAct::Enable => "bulk-enable",
        BulkAct::ForceSecureLogin(true) => "bulk-force-secure-login",
        BulkAct::ForceSecureLogin(false) => "bulk-free-secure-login",
        BulkAct::AddAlias => "bulk-add-alias",
        BulkAct::Delete => "bulk-delete",
    }
}

fn code(act: &BulkAct) -> u8 {
    match act {
        BulkAct::MoveTo(_) => 0,
        BulkAct::Leave(_) => 1,
        BulkAct::JoinGroups(_) => 2,
        BulkAct::Disable => 3,
        BulkAct::Enable => 4,
        BulkAct::ForceSecureLogin(true) => 5,
        BulkAct::ForceSecureLogin(false) => 6,
        BulkAct::AddAlias => 7,
        BulkAct::Delete => 8,
    }
}

fn numbers(departments: &[DepartmentId]) -> Vec<u32> {
    departments.iter().map(|id| id.0).collect()
}

fn departments(numbers: Vec<u32>) -> Vec<DepartmentId> {
    numbers.into_iter().map(DepartmentId).collect()
}

impl From<&BulkMembers> for BulkV1 {
    fn from(bulk: &BulkMembers) -> Self {
        Self {
            act: code(&bulk.act),
            departments: match &bulk.act {
                BulkAct::MoveTo(departments) | BulkAct::Leave(departments) => numbers(departments),
                _ => Vec::new(),
            },
            groups: match &bulk.act {
                BulkAct::JoinGroups(groups) => groups.iter().map(ToString::to_string).collect(),
                _ => Vec::new(),
            },
            within: bulk.bounded.within.as_deref().map(numbers),
            spares_roles: bulk.bounded.spares_roles,
            confirm_uses: bulk.bounded.confirm_uses,
            dry_run: bulk.dry_run,
        }
    }
}

impl TryFrom<BulkV1> for BulkMembers {
    type Error = RecordError;

    fn try_from(stored: BulkV1) -> Result<Self, RecordError> {
        let wrong = |what: &str| RecordError::Body(format!("{what} of a bulk action"));
        let act = match stored.act {
            0 => BulkAct::MoveTo(departments(stored.departments)),
            1 => BulkAct::Leave(departments(stored.departments)),
            2 => {
                let groups = stored.groups.iter().map(|group| Address::try_from(group.as_str()));
                let groups: Result<_, _> = groups.collect();
                BulkAct::JoinGroups(groups.map_err(|_| wrong("group"))?)
            }
            3 => BulkAct::Disable,
            4 => BulkAct::Enable,
            5 => BulkAct::ForceSecureLogin(true),
            6 => BulkAct::ForceSecureLogin(false),
            7 => BulkAct::AddAlias,
            8 => BulkAct::Delete,
            _ => return Err(wrong("word")),
        };
        Ok(Self {
            act,
            bounded: Bounded {
                within: stored.within.map(departments),
                spares_roles: stored.spares_roles,
                confirm_uses: stored.confirm_uses,
            },
            dry_run: stored.dry_run,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let bulk = BulkMembers {
            act: BulkAct::JoinGroups(vec![Address::try_from("a@b.test").unwrap()]),
            bounded: Bounded {
                within: Some(vec![DepartmentId(3)]),
                spares_roles: true,
                confirm_uses: false,
            },
            dry_run: false,
        };
        let stored = minicbor::to_vec(BulkV1::from(&bulk)).unwrap();
        assert_eq!(crate::record::hex(&stored), "87028081686140622e746573748103f5f4f4");
        let back: BulkV1 = minicbor::decode(&stored).unwrap();
        assert_eq!(BulkMembers::try_from(back).as_ref(), Ok(&bulk));
        for act in [
            BulkAct::MoveTo(vec![DepartmentId(1)]),
            BulkAct::Leave(vec![DepartmentId(2)]),
            BulkAct::Disable,
            BulkAct::Enable,
            BulkAct::ForceSecureLogin(true),
            BulkAct::ForceSecureLogin(false),
            BulkAct::AddAlias,
            BulkAct::Delete,
        ] {
            let bulk = BulkMembers { act, ..bulk.clone() };
            assert_eq!(BulkMembers::try_from(BulkV1::from(&bulk)), Ok(bulk));
        }
    }
}
