//! Groups become a sheet in the form of the template (GRP-7).

use hongyan_directory::{DepartmentId, Directory, Error, GroupRecord, TagId};
use hongyan_types::{Address, TenantId};

use crate::Sheet;
use crate::task::export_members::Names;
use crate::task::group_columns::{GroupColumn, group_template};
use crate::task::import_groups::USES;

/// Members of a group read at a time.
const MEMBERS_AT_ONCE: usize = 1_000;
/// What a cell of a workbook holds.
const CELL_CHARACTERS_MAX: usize = 32_767;

pub(crate) async fn sheet(directory: &Directory, tenant: TenantId) -> Result<Sheet, Error> {
    let names = Names::read(directory, tenant).await?;
    let mut sheet = group_template(false);
    for group in directory.all_groups(tenant).await? {
        let members = members(directory, &group).await?;
        let mut representatives = Vec::new();
        for id in &group.representatives {
            let account = directory.account(*id).await?;
            representatives.extend(account.map(|account| account.address.to_string()));
        }
        let line = u32::try_from(sheet.rows.len() + 2).unwrap_or(u32::MAX);
        let cells = GroupColumn::ALL.iter().map(|column| match column {
            GroupColumn::Members => members.join(";"),
            GroupColumn::Representatives => representatives.join(";"),
            column => cell(*column, &group, &names),
        });
        let cells: Vec<String> = cells.collect();
        if cells.iter().any(|cell| cell.chars().count() > CELL_CHARACTERS_MAX) {
            let words = format!("{} has more members than a cell of a sheet holds", group.address);
            return Err(Error::Refused(words));
        }
        sheet.rows.push((line, cells));
    }
    Ok(sheet)
}

async fn members(directory: &Directory, group: &GroupRecord) -> Result<Vec<String>, Error> {
    let mut members: Vec<Address> = Vec::new();
    loop {
        let page = directory
            .members(group.id, members.last().cloned(), MEMBERS_AT_ONCE)
            .await?;
        let is_last = page.len() < MEMBERS_AT_ONCE;
        members.extend(page);
        if is_last {
            return Ok(members.iter().map(ToString::to_string).collect());
        }
    }
}

fn cell(column: GroupColumn, group: &GroupRecord, names: &Names) -> String {
    let departments = |ids: &[DepartmentId]| {
        let paths = ids.iter().filter_map(|id| match *id {
            DepartmentId::ROOT => Some("/".to_owned()),
            id => names.departments.get(&id).cloned(),
        });
        paths.collect::<Vec<_>>().join(";")
    };
    let tags = |ids: &[TagId]| {
        let found = ids.iter().filter_map(|id| names.tags.get(id).cloned());
        found.collect::<Vec<_>>().join(";")
    };
    match column {
        GroupColumn::Name => group.display_name.clone(),
        GroupColumn::Address => group.address.to_string(),
        // The group of a department has the department's members.
        GroupColumn::MemberDepartments => match group.department {
            Some(department) => departments(&[department]),
            None => departments(&group.member_departments),
        },
        GroupColumn::MemberTags => tags(&group.member_tags),
        GroupColumn::Use => {
            let known = USES.iter().find(|(posting, ..)| *posting == group.posting);
            known.map_or("", |(_, word, _)| word).to_owned()
        }
        GroupColumn::Posters => {
            let posters = group.posters.addresses.iter().map(ToString::to_string);
            posters.collect::<Vec<_>>().join(";")
        }
        GroupColumn::PosterDepartments => departments(&group.posters.departments),
        GroupColumn::PosterTags => tags(&group.posters.tags),
        GroupColumn::Members | GroupColumn::Representatives => String::new(),
    }
}
