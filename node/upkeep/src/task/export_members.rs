//! Members become a sheet in the form of the template (ORG-13).

use std::collections::BTreeMap;

use hongyan_directory::{
    AccountKind, AccountRecord, DepartmentId, Directory, Error, Gender, MemberQuery, Rank, Seat, TagId,
};
use hongyan_types::TenantId;

use crate::task::columns::{Column, template};
use crate::{ExportMembers, Sheet};

/// Members read at a time.
const MEMBERS_AT_ONCE: usize = 500;

/// What the sheet calls departments and tags.
pub(crate) struct Names {
    pub(crate) departments: BTreeMap<DepartmentId, String>,
    pub(crate) tags: BTreeMap<TagId, String>,
}

pub(crate) async fn sheet(directory: &Directory, tenant: TenantId, export: &ExportMembers) -> Result<Sheet, Error> {
    let names = Names::read(directory, tenant).await?;
    let query = MemberQuery {
        kind: Some(AccountKind::Member),
        within: (!export.departments.is_empty()).then(|| export.departments.clone()),
        ..MemberQuery::default()
    };
    let mut sheet = template(false);
    let mut after = None;
    loop {
        let page = directory
            .find_members(tenant, &query, after.as_ref(), MEMBERS_AT_ONCE)
            .await?;
        for account in &page.accounts {
            let line = u32::try_from(sheet.rows.len() + 2).unwrap_or(u32::MAX);
            let cells = Column::ALL.iter().map(|column| cell(*column, account, &names));
            sheet.rows.push((line, cells.collect()));
        }
        after = page.next;
        if after.is_none() {
            return Ok(sheet);
        }
    }
}

impl Names {
    pub(crate) async fn read(directory: &Directory, tenant: TenantId) -> Result<Self, Error> {
        let mut departments: BTreeMap<DepartmentId, String> = BTreeMap::new();
        // Each comes after what it is part of.
        for view in directory.departments(tenant).await? {
            let department = view.department;
            let path = match departments.get(&department.parent) {
                Some(above) => format!("{above}/{}", department.name),
                None => department.name,
            };
            departments.insert(department.id, path);
        }
        let tags = directory.tags(tenant).await?;
        Ok(Self {
            departments,
            tags: tags.into_iter().map(|tag| (tag.id, tag.name)).collect(),
        })
    }
}

fn cell(column: Column, account: &AccountRecord, names: &Names) -> String {
    let profile = &account.profile;
    match column {
        Column::Name => account.display_name.clone(),
        Column::Address => account.address.to_string(),
        Column::Nickname => profile.nickname.clone(),
        Column::EmployeeId => profile.employee_id.clone(),
        Column::Mobile => profile.mobile.clone(),
        Column::Landline => profile.landline.clone(),
        Column::Gender => match profile.gender {
            Gender::Unknown => String::new(),
            Gender::Female => "female".to_owned(),
            Gender::Male => "male".to_owned(),
        },
        Column::Title => profile.title.clone(),
        Column::Rank => match profile.rank {
            Rank::Ordinary => "ordinary".to_owned(),
            Rank::Superior => "superior".to_owned(),
        },
        Column::Departments => {
            let names = account
                .departments
                .iter()
                .filter_map(|id| names.departments.get(id).cloned());
            names.collect::<Vec<_>>().join(";")
        }
        Column::Tags => {
            let names = account.tags.iter().filter_map(|id| names.tags.get(id).cloned());
            names.collect::<Vec<_>>().join(";")
        }
        Column::Seat => match account.seat {
            Seat::Standard => "standard".to_owned(),
            Seat::Advanced => "advanced".to_owned(),
        },
        Column::Location => profile.location.clone(),
        Column::PrivateAddress => profile.private_address.clone(),
    }
}
