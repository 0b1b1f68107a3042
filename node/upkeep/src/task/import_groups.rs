//! Rows of a file become groups (GRP-7): each looked over first, each taken as a whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use hongyan_directory::{Change, DepartmentId, Directory, Error, NewGroup, Parties, Posting, TagId};
use hongyan_types::{Address, TenantId};

use crate::record::input::Row;
use crate::task::group_columns::GroupColumn;
use crate::{ImportGroups, Problem};

/// What the use of a group is called.
pub(crate) const USES: [(Posting, &str, &str); 5] = [
    (Posting::Anyone, "anyone", "任何人"),
    (Posting::Organisation, "organisation", "组织成员"),
    (Posting::Members, "members", "组内成员"),
    (Posting::Custom, "custom", "自定义"),
    (Posting::Unset, "unset", "未设置"),
];

/// A row as it is to be taken: departments, tags and people are looked up then.
pub(crate) struct Candidate {
    group: NewGroup,
    member_departments: Vec<String>,
    member_tags: Vec<String>,
    poster_departments: Vec<String>,
    poster_tags: Vec<String>,
    representatives: Vec<Address>,
}

impl Candidate {
    /// What no other row may have.
    pub(crate) fn key(&self) -> String {
        self.group.address.key()
    }
}

/// A row's cells, by column.
struct Cells<'a> {
    cells: BTreeMap<GroupColumn, &'a str>,
    domain: Option<&'a str>,
    problems: Vec<Problem>,
}

impl Cells<'_> {
    fn text(&self, column: GroupColumn) -> &str {
        self.cells.get(&column).copied().unwrap_or_default()
    }
    fn list(&self, column: GroupColumn) -> Vec<String> {
        let parts = self.text(column).split([';', '；', '\n']).map(str::trim);
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }
    fn wrong(&mut self, column: GroupColumn, reason: impl Into<String>) {
        self.problems.push(Problem::new(column.names().0, reason));
    }
    /// An address, completed by the file's domain.
    fn address(&mut self, column: GroupColumn, text: &str) -> Option<Address> {
        let whole = match (text.contains('@'), self.domain) {
            (false, Some(domain)) => format!("{text}@{domain}"),
            _ => text.to_owned(),
        };
        match Address::try_from(whole.as_str()) {
            Ok(address) => Some(address),
            Err(error) => {
                self.wrong(column, format!("{text}: {error}"));
                None
            }
        }
    }
    fn addresses(&mut self, column: GroupColumn) -> Vec<Address> {
        let texts = self.list(column);
        texts.iter().filter_map(|text| self.address(column, text)).collect()
    }
    fn posting(&mut self) -> Posting {
        let word = self.text(GroupColumn::Use).to_lowercase();
        let known = USES
            .iter()
            .find(|(_, english, chinese)| word == *english || word == *chinese);
        match known {
            Some((posting, ..)) => *posting,
            None if word.is_empty() => Posting::Anyone,
            None => {
                let words: Vec<&str> = USES.iter().map(|(_, english, _)| *english).collect();
                self.wrong(GroupColumn::Use, format!("{word} is none of {}", words.join(", ")));
                Posting::Unset
            }
        }
    }
}

/// What the cells of a row say, or all that is wrong with them.
pub(crate) fn read(import: &ImportGroups, row: &Row) -> Result<Candidate, Vec<Problem>> {
    let columns = import.head.iter().map(|name| GroupColumn::named(name));
    let mut cells = Cells {
        cells: columns
            .zip(&row.1)
            .filter_map(|(column, cell)| Some((column?, cell.trim())))
            .collect(),
        domain: import.domain.as_deref(),
        problems: Vec::new(),
    };
    if row.1.len() > import.head.len() {
        cells
            .problems
            .push(Problem::new("", "the row has more cells than there are columns"));
    }
    let text = cells.text(GroupColumn::Address).to_owned();
    let address = match text.is_empty() {
        true => {
            cells.wrong(GroupColumn::Address, "it is missing");
            None
        }
        false => cells.address(GroupColumn::Address, &text),
    };
    let (posting, members) = (cells.posting(), cells.addresses(GroupColumn::Members));
    let posters = cells.addresses(GroupColumn::Posters);
    let representatives = cells.addresses(GroupColumn::Representatives);
    let Some(address) = address.filter(|_| cells.problems.is_empty()) else {
        return Err(cells.problems);
    };
    Ok(Candidate {
        member_departments: cells.list(GroupColumn::MemberDepartments),
        member_tags: cells.list(GroupColumn::MemberTags),
        poster_departments: cells.list(GroupColumn::PosterDepartments),
        poster_tags: cells.list(GroupColumn::PosterTags),
        representatives,
        group: NewGroup {
            display_name: cells.text(GroupColumn::Name).to_owned(),
            members,
            posting,
            posters: Parties {
                addresses: posters,
                ..Parties::default()
            },
            ..NewGroup::at(address)
        },
    })
}

/// Makes the group in a transaction. One that cannot be taken may have written something: the transaction is then given up.
pub(crate) async fn take(
    directory: &Directory,
    change: &mut Change,
    tenant: TenantId,
    candidate: &Candidate,
) -> Result<(), Error> {
    let mut group = candidate.group.clone();
    group.member_departments = departments(directory, change, tenant, &candidate.member_departments).await?;
    group.member_tags = tags(directory, change, tenant, &candidate.member_tags).await?;
    group.posters.departments = departments(directory, change, tenant, &candidate.poster_departments).await?;
    group.posters.tags = tags(directory, change, tenant, &candidate.poster_tags).await?;
    for address in &candidate.representatives {
        let found = directory.find_account(change, tenant, address).await?;
        group.representatives.push(found.ok_or_else(|| Error::NotFound {
            what: "account",
            name: address.to_string(),
        })?);
    }
    directory.add_group(change, tenant, &group).await
}

async fn departments(
    directory: &Directory,
    change: &mut Change,
    tenant: TenantId,
    paths: &[String],
) -> Result<Vec<DepartmentId>, Error> {
    let mut found = Vec::with_capacity(paths.len());
    for path in paths {
        let mut at = DepartmentId::ROOT;
        // `/` alone is the organisation itself.
        for name in path.split('/').map(str::trim).filter(|name| !name.is_empty()) {
            let next = directory.find_department(change, tenant, at, name).await?;
            at = next.ok_or_else(|| Error::NotFound {
                what: "department",
                name: path.clone(),
            })?;
        }
        found.push(at);
    }
    Ok(found)
}

async fn tags(
    directory: &Directory,
    change: &mut Change,
    tenant: TenantId,
    names: &[String],
) -> Result<Vec<TagId>, Error> {
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let tag = directory.find_tag(change, tenant, name).await?;
        found.push(tag.ok_or_else(|| Error::NotFound {
            what: "tag",
            name: name.clone(),
        })?);
    }
    Ok(found)
}

/// The column that an error is about.
pub(crate) fn field_of(error: &Error) -> &'static str {
    match error {
        Error::NotFound { what: "department", .. } => "member departments",
        Error::NotFound { what: "tag", .. } => "member tags",
        Error::NotFound { what: "account", .. } => "representatives",
        Error::Exists { .. } | Error::NotFound { what: "domain", .. } => "address",
        Error::Limit { setting, .. } if setting.starts_with("group") => "members",
        Error::Invalid(words) if words.starts_with("posters") => "posters",
        _ => "",
    }
}

/// Columns of a file that mean nothing here, and those that are missing or there twice.
pub(crate) fn check_head(head: &[String]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in head {
        let column = GroupColumn::named(name).ok_or_else(|| format!("there is no column {name}"))?;
        if !seen.insert(column) {
            return Err(format!("the column {name} is there twice"));
        }
    }
    match seen.contains(&GroupColumn::Address) {
        true => Ok(()),
        false => Err("the column address is missing".to_owned()),
    }
}
