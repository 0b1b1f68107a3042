//! Rows of a file become members: each looked over first, each taken as a whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use hongyan_directory::{
    AccountState, Change, DepartmentId, Directory, Draft, Error, Gender, NewAccount, NewDepartment, Profile, Rank,
    Seat, TagId,
};
use hongyan_types::{Address, TenantId};

use crate::record::input::Row;
use crate::task::columns::Column;
use crate::{ImportMembers, Problem};

/// A row as it is to be taken: all that it says, but departments and tags, which are looked up.
pub(crate) struct Candidate {
    /// None where none can be read.
    address: Option<Address>,
    display_name: String,
    state: AccountState,
    seat: Seat,
    profile: Profile,
    departments: Vec<Vec<String>>,
    tags: Vec<String>,
}

/// What was seen in rows before, that no other row may have.
#[derive(Default)]
pub(crate) struct Seen(BTreeMap<(&'static str, String), u32>);

impl Seen {
    /// Notes what must be unique of a row that may be taken (`is_good` so far); what another line has already is a problem.
    pub(crate) fn note(&mut self, line: u32, candidate: &Candidate, is_good: bool) -> Vec<Problem> {
        let profile = &candidate.profile;
        let address = candidate.address.as_ref();
        let values = [
            ("address", address.map_or_else(String::new, Address::key)),
            ("account id", profile.employee_id.to_lowercase()),
            ("mobile", profile.mobile.clone()),
        ];
        let mut problems = Vec::new();
        for (field, value) in values {
            if value.is_empty() {
                continue;
            }
            let first = match is_good {
                true => Some(*self.0.entry((field, value)).or_insert(line)),
                false => self.0.get(&(field, value)).copied(),
            };
            if let Some(first) = first.filter(|first| *first != line) {
                problems.push(Problem::new(field, format!("line {first} has the same")));
            }
        }
        problems
    }
}

/// What the cells of a row say, and all that is wrong with them by themselves.
pub(crate) fn read(import: &ImportMembers, row: &Row) -> (Candidate, Vec<Problem>) {
    let columns = import.head.iter().map(|name| Column::named(name));
    let cells: BTreeMap<Column, &str> = columns
        .zip(&row.1)
        .filter_map(|(column, cell)| Some((column?, cell.trim())))
        .filter(|(_, cell)| !cell.is_empty())
        .collect();
    let text = |column| {
        cells
            .get(&column)
            .map_or_else(String::new, |cell: &&str| (*cell).to_owned())
    };
    let mut problems = Vec::new();
    if row.1.len() > import.head.len() {
        problems.push(Problem::new("", "the row has more cells than there are columns"));
    }
    let address = address(import, cells.get(&Column::Address).copied()).unwrap_or_else(|reason| {
        problems.push(Problem::new("address", reason));
        None
    });
    let words = |word: &str, known: &[(&str, &str)]| known.iter().any(|(one, other)| word == *one || word == *other);
    let mut choose = |column: Column, first: &[(&str, &str)], second: &[(&str, &str)]| {
        let word = text(column).to_lowercase();
        match (words(&word, first), words(&word, second)) {
            _ if word.is_empty() => None,
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => {
                let options: Vec<&str> = first.iter().chain(second).map(|(english, _)| *english).collect();
                problems.push(Problem::new(
                    column.names().0,
                    format!("{word} is none of {}", options.join(", ")),
                ));
                None
            }
        }
    };
    let gender = match choose(
        Column::Gender,
        &[("female", "女"), ("f", "女")],
        &[("male", "男"), ("m", "男")],
    ) {
        None => Gender::Unknown,
        Some(true) => Gender::Female,
        Some(false) => Gender::Male,
    };
    let rank = match choose(Column::Rank, &[("superior", "上级")], &[("ordinary", "普通")]) {
        Some(true) => Rank::Superior,
        _ => Rank::Ordinary,
    };
    let seat = match choose(Column::Seat, &[("advanced", "高级")], &[("standard", "标准")]) {
        Some(true) => Seat::Advanced,
        _ => Seat::Standard,
    };
    let list = |column| {
        let parts = text(column);
        let parts = parts.split([';', '；']).map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect::<Vec<_>>()
    };
    let levels = |path: &String| path.split('/').map(|level| level.trim().to_owned()).collect();
    let candidate = Candidate {
        address,
        departments: list(Column::Departments).iter().map(levels).collect(),
        tags: list(Column::Tags),
        display_name: text(Column::Name),
        state: if import.invited {
            AccountState::Invited
        } else {
            AccountState::Active
        },
        seat,
        profile: Profile {
            nickname: text(Column::Nickname),
            employee_id: text(Column::EmployeeId),
            mobile: digits(&text(Column::Mobile)),
            landline: text(Column::Landline),
            gender,
            title: text(Column::Title),
            rank,
            location: text(Column::Location),
            private_address: text(Column::PrivateAddress),
            ..Profile::default()
        },
    };
    (candidate, problems)
}

/// A number without what people put between its digits, so that two ways to write it are one.
fn digits(number: &str) -> String {
    number
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '(' | ')' | '.' | '/'))
        .collect()
}

fn address(import: &ImportMembers, cell: Option<&str>) -> Result<Option<Address>, String> {
    let cell = cell.ok_or("it is missing")?;
    let text = match (&import.domain, cell.contains('@')) {
        (_, true) => cell.to_owned(),
        (Some(domain), false) => format!("{cell}@{domain}"),
        (None, false) => return Err(format!("{cell} has no domain, and none is said for the file")),
    };
    let address = Address::try_from(text.as_str()).map_err(|error| error.to_string())?;
    Ok(Some(address))
}

/// Makes the member in a transaction, unless there are `problems` already. Gives these and all others; a row that cannot be taken has
/// written nothing but departments that it names.
pub(crate) async fn take(
    directory: &Directory,
    change: &mut Change,
    tenant: TenantId,
    import: &ImportMembers,
    (candidate, mut problems): (&Candidate, Vec<Problem>),
) -> Result<Vec<Problem>, Error> {
    let (mut departments, mut tags) = (Vec::new(), Vec::new());
    for path in &candidate.departments {
        match department(directory, change, tenant, path).await {
            Ok(id) => departments.push(id),
            Err(error) => problems.push(Problem::new("departments", words(error)?)),
        }
    }
    if candidate.departments.is_empty() {
        departments.extend(import.department.map(DepartmentId));
    }
    for name in &candidate.tags {
        match directory.find_tag(change, tenant, name).await? {
            Some(id) => tags.push(TagId(id.0)),
            None => problems.push(Problem::new("tags", format!("there is no tag {name}"))),
        }
    }
    let draft = Draft {
        address: candidate.address.as_ref(),
        display_name: &candidate.display_name,
        profile: &candidate.profile,
        departments: &departments,
        tags: &tags,
    };
    let mut refused = None;
    if let Some(address) = candidate.address.clone().filter(|_| problems.is_empty()) {
        let account = NewAccount {
            display_name: candidate.display_name.clone(),
            state: candidate.state,
            seat: candidate.seat,
            profile: candidate.profile.clone(),
            departments: departments.clone(),
            tags: tags.clone(),
            ..NewAccount::at(address)
        };
        match directory.add_account(change, tenant, &account).await {
            Ok(_) => return Ok(problems),
            Err(error) => refused = Some(Problem::new("", words(error)?)),
        }
    }
    for (field, fault) in directory.faults(change, tenant, draft).await? {
        // One row in two departments says so of each; what a line before has too is said already.
        let field = column_of(field);
        if problems.iter().all(|problem| problem.field != field) {
            problems.push(Problem::new(field, fault.to_string()));
        }
    }
    // Whatever is wrong beside its fields, such as that there is no seat left.
    if problems.is_empty() {
        problems.extend(refused);
    }
    Ok(problems)
}

/// The department of that path; those that are missing are made.
async fn department(
    directory: &Directory,
    change: &mut Change,
    tenant: TenantId,
    path: &[String],
) -> Result<DepartmentId, Error> {
    let mut at = DepartmentId::ROOT;
    for name in path {
        at = match directory.find_department(change, tenant, at, name).await? {
            Some(id) => id,
            None => {
                let new = NewDepartment {
                    name: name.clone(),
                    parent: at,
                    rank: 0,
                };
                directory.add_department(change, tenant, &new).await?.id
            }
        };
    }
    Ok(at)
}

/// What is wrong, in words; a fault of the store is none of the row's.
fn words(error: Error) -> Result<String, Error> {
    if error.is_callers_fault() {
        Ok(error.to_string())
    } else {
        Err(error)
    }
}

/// The column that a field of an account is in.
fn column_of(field: &'static str) -> &'static str {
    let column = match field {
        "display_name" => Column::Name,
        "nickname" => Column::Nickname,
        "employee_id" => Column::EmployeeId,
        "private_address" => Column::PrivateAddress,
        // The others bear the same name.
        _ => return field,
    };
    column.names().0
}

/// Columns of a file that mean nothing here, and those that are missing or there twice.
pub(crate) fn check_head(head: &[String]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in head {
        let column = Column::named(name).ok_or_else(|| format!("there is no column {name}"))?;
        if !seen.insert(column) {
            return Err(format!("the column {name} is there twice"));
        }
    }
    if seen.contains(&Column::Address) {
        Ok(())
    } else {
        Err("the column address is missing".to_owned())
    }
}
