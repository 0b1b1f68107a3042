//! One tenant's index: members in the orders in which they are listed, departments as a tree, tags.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use hongyan_types::AccountId;
use memchr::memmem::Finder;

use super::entry::{Entry, fold};
use super::lists::Lists;
use super::pinyin;
use super::query::{Found, MemberOrder, MemberPlace, MemberQuery, Sieve};
use crate::visibility::{Shown, Sight};
use crate::{AccountKind, AccountRecord, DepartmentId, DepartmentRecord, TagId, TagRecord};

/// A department with the numbers of what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepartmentView {
    /// The department.
    pub department: DepartmentRecord,
    /// Departments that are part of it.
    pub children: usize,
    /// Members that belong to it.
    pub members: usize,
    /// And to all below it, each once.
    pub members_deep: usize,
}

/// Numbers of members by department.
#[derive(Debug, Default)]
struct Counts {
    direct: HashMap<DepartmentId, usize>,
    deep: HashMap<DepartmentId, usize>,
}

#[derive(Debug, Default)]
pub(crate) struct TenantIndex {
    lists: Lists,
    by_id: BTreeMap<AccountId, Arc<Entry>>,
    departments: BTreeMap<DepartmentId, DepartmentRecord>,
    children: HashMap<DepartmentId, Vec<DepartmentId>>,
    tags: BTreeMap<TagId, TagRecord>,
    counts: OnceLock<Counts>,
}

impl TenantIndex {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }
    pub(crate) fn tags(&self) -> &BTreeMap<TagId, TagRecord> {
        &self.tags
    }

    /// Adds accounts that are not in it; [`Self::sort`] follows.
    pub(crate) fn add_all(&mut self, accounts: &[AccountRecord]) {
        for account in accounts {
            let entry = Arc::new(Entry::new(account));
            self.by_id.insert(entry.id, Arc::clone(&entry));
            self.lists.push(&entry);
        }
    }
    pub(crate) fn sort(&mut self) {
        self.lists.sort();
        self.counts = OnceLock::new();
    }

    /// Takes out all that were touched and puts in those that are still there.
    pub(crate) fn replace(&mut self, touched: &[AccountId], accounts: &[Arc<AccountRecord>]) {
        let many = touched.len() > 64;
        // Few are counted anew by themselves: all of a large organisation take their time.
        let mut counts = self.counts.take().filter(|_| !many);
        let mut gone = HashSet::new();
        for id in touched {
            let Some(old) = self.by_id.remove(id) else { continue };
            if let Some(counts) = &mut counts {
                self.count(counts, &old, |number| *number = number.saturating_sub(1));
            }
            if many {
                gone.insert(*id);
            } else {
                self.lists.remove(&old);
            }
        }
        if many {
            self.lists.remove_all(&gone);
        }
        for account in accounts {
            let entry = Arc::new(Entry::new(account));
            self.by_id.insert(entry.id, Arc::clone(&entry));
            if let Some(counts) = &mut counts {
                self.count(counts, &entry, |number| *number += 1);
            }
            if many {
                self.lists.push(&entry);
            } else {
                self.lists.insert(&entry);
            }
        }
        if many {
            self.sort();
        }
        if let Some(counts) = counts {
            self.counts = OnceLock::from(counts);
        }
    }

    pub(crate) fn set_structure(&mut self, departments: Vec<DepartmentRecord>, tags: Vec<TagRecord>) {
        let mut siblings: HashMap<DepartmentId, Vec<(i32, String, DepartmentId)>> = HashMap::new();
        for department in &departments {
            let name = fold(&department.name);
            let order = pinyin::readings(&name)
                .into_iter()
                .next()
                .map_or(name, |reading| reading.full);
            let place = (department.rank, order, department.id);
            siblings.entry(department.parent).or_default().push(place);
        }
        self.children = siblings
            .into_iter()
            .map(|(parent, mut places)| {
                places.sort();
                (parent, places.into_iter().map(|(_, _, id)| id).collect())
            })
            .collect();
        self.departments = departments
            .into_iter()
            .map(|department| (department.id, department))
            .collect();
        self.tags = tags.into_iter().map(|tag| (tag.id, tag)).collect();
        self.counts = OnceLock::new();
    }

    /// A department and all above it, upwards; nothing for the organisation itself.
    pub(crate) fn path(&self, from: DepartmentId) -> Vec<DepartmentId> {
        let mut path = Vec::new();
        let mut at = from;
        while let Some(department) = self.departments.get(&at) {
            if path.len() > self.departments.len() {
                break;
            }
            path.push(at);
            at = department.parent;
        }
        path
    }

    fn counts(&self) -> &Counts {
        self.counts.get_or_init(|| {
            let mut counts = Counts::default();
            for entry in self.by_id.values() {
                self.count(&mut counts, entry, |number| *number += 1);
            }
            counts
        })
    }

    /// Counts a member in, or out, wherever it is counted.
    fn count(&self, counts: &mut Counts, entry: &Entry, count: impl Fn(&mut usize)) {
        if entry.kind != AccountKind::Member {
            return;
        }
        let mut above = HashSet::new();
        for id in &entry.departments {
            count(counts.direct.entry(*id).or_default());
            above.extend(self.path(*id));
        }
        for id in above {
            count(counts.deep.entry(id).or_default());
        }
    }

    /// What is part of a department, in order.
    pub(crate) fn children(&self, parent: DepartmentId) -> Vec<DepartmentView> {
        let children = self.children.get(&parent);
        let views = children.into_iter().flatten().filter_map(|id| self.view(*id));
        views.collect()
    }

    /// All departments, each after what it is part of.
    pub(crate) fn tree(&self) -> Vec<DepartmentView> {
        let mut views = Vec::with_capacity(self.departments.len());
        let mut waiting = vec![DepartmentId::ROOT];
        while let Some(next) = waiting.pop() {
            views.extend(self.view(next));
            if let Some(children) = self.children.get(&next) {
                waiting.extend(children.iter().rev());
            }
        }
        views
    }

    fn view(&self, id: DepartmentId) -> Option<DepartmentView> {
        let counts = self.counts();
        Some(DepartmentView {
            department: self.departments.get(&id)?.clone(),
            children: self.children.get(&id).map_or(0, Vec::len),
            members: counts.direct.get(&id).copied().unwrap_or(0),
            members_deep: counts.deep.get(&id).copied().unwrap_or(0),
        })
    }

    /// Departments and all below them.
    pub(crate) fn with_all_below(&self, tops: &[DepartmentId]) -> HashSet<DepartmentId> {
        let mut found = HashSet::new();
        let mut waiting = tops.to_vec();
        while let Some(next) = waiting.pop() {
            if found.insert(next)
                && let Some(children) = self.children.get(&next)
            {
                waiting.extend(children);
            }
        }
        found
    }

    /// Who `query` takes, in its order, after `after`, at most `limit`, and how many there are in all.
    pub(crate) fn find(&self, query: &MemberQuery, after: Option<&MemberPlace>, limit: usize) -> Found {
        let (test, by) = (Test::new(self, query), query.order());
        let start = after.map(|after| (after.order.as_str(), after.id));
        let mut found = Found {
            ids: Vec::new(),
            total: 0,
            next: None,
        };
        let mut last = None;
        for entry in self.lists.by(by).filter(|entry| test.takes(entry)) {
            found.total += 1;
            if start.is_some_and(|start| entry.place(by) <= start) {
                continue;
            }
            if found.ids.len() < limit {
                found.ids.push(entry.id);
                last = Some(entry);
            } else if found.next.is_none() {
                found.next = last.map(|last| place(last, by));
            }
        }
        found
    }

    /// Where an account is in lists of that order.
    pub(crate) fn place_of(&self, id: AccountId, by: MemberOrder) -> Option<MemberPlace> {
        self.by_id.get(&id).map(|entry| place(entry, by))
    }

    /// Whom `query` takes, by identifier: `take` of them after the first `skip`, and how many there are in all.
    pub(crate) fn find_by_id(&self, query: &MemberQuery, skip: usize, take: usize) -> (Vec<AccountId>, usize) {
        let test = Test::new(self, query);
        let mut found = Vec::new();
        let mut total = 0;
        for entry in self.by_id.values().filter(|entry| test.takes(entry)) {
            if total >= skip && found.len() < take {
                found.push(entry.id);
            }
            total += 1;
        }
        (found, total)
    }
}

fn place(entry: &Entry, by: MemberOrder) -> MemberPlace {
    let (order, id) = entry.place(by);
    MemberPlace {
        by,
        order: order.to_owned(),
        id,
    }
}

/// A query made ready.
struct Test<'q> {
    query: &'q MemberQuery,
    words: Vec<Finder<'static>>,
    /// By what the asker may find somebody; by all where there is none.
    shown: Option<Shown>,
    private_address: Option<String>,
    department: Option<HashSet<DepartmentId>>,
    /// Those without a department are meant.
    without: bool,
    within: Option<HashSet<DepartmentId>>,
    tag: Option<(TagId, HashSet<DepartmentId>)>,
    sieve: Option<Mesh<'q>>,
}

/// A sieve made ready.
enum Mesh<'q> {
    Has(Box<Finder<'q>>),
    Written(Box<Finder<'static>>),
    TakesMail(bool),
    In(&'q HashSet<DepartmentId>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl<'q> Mesh<'q> {
    fn new(sieve: &'q Sieve) -> Self {
        let all = |sieves: &'q [Sieve]| sieves.iter().map(Mesh::new).collect();
        match sieve {
            Sieve::Has(text) => Self::Has(Box::new(Finder::new(text.as_bytes()))),
            Sieve::Written(text) => Self::Written(Box::new(Finder::new(&text.to_lowercase()).into_owned())),
            Sieve::TakesMail(is_wanted) => Self::TakesMail(*is_wanted),
            Sieve::In(departments) => Self::In(departments),
            Sieve::All(sieves) => Self::All(all(sieves)),
            Sieve::Any(sieves) => Self::Any(all(sieves)),
        }
    }
    fn takes(&self, entry: &Entry, shown: Option<Shown>) -> bool {
        match self {
            Self::Has(text) => entry.has(text, shown),
            Self::Written(text) => {
                entry.has(text, shown) || (shown.is_none() && text.find(entry.written.as_bytes()).is_some())
            }
            Self::TakesMail(is_wanted) => entry.state.takes_mail() == *is_wanted,
            Self::In(departments) => entry.departments.iter().any(|id| departments.contains(id)),
            Self::All(meshes) => meshes.iter().all(|mesh| mesh.takes(entry, shown)),
            Self::Any(meshes) => meshes.iter().any(|mesh| mesh.takes(entry, shown)),
        }
    }
}

impl<'q> Test<'q> {
    fn new(index: &TenantIndex, query: &'q MemberQuery) -> Self {
        let words = fold(&query.text);
        let words = words.split_whitespace().map(|word| Finder::new(word).into_owned());
        let department = query.department.filter(|id| *id != DepartmentId::ROOT);
        Self {
            query,
            words: words.collect(),
            shown: query.sight.as_ref().map(Sight::shown),
            private_address: query.private_address.as_ref().map(|address| address.to_lowercase()),
            department: department.map(|id| match query.deep {
                true => index.with_all_below(&[id]),
                false => HashSet::from([id]),
            }),
            without: query.department == Some(DepartmentId::ROOT) && !query.deep,
            within: query.within.as_ref().map(|tops| index.with_all_below(tops)),
            tag: query.tag.map(|id| {
                let tops = index.tags.get(&id).map(|tag| tag.departments.as_slice());
                (id, index.with_all_below(tops.unwrap_or_default()))
            }),
            sieve: query.sieve.as_ref().map(Mesh::new),
        }
    }

    fn takes(&self, entry: &Entry) -> bool {
        let query = self.query;
        let any_of = |set: &HashSet<DepartmentId>| entry.departments.iter().any(|id| set.contains(id));
        query.kind.is_none_or(|kind| entry.kind == kind)
            && query.state.is_none_or(|state| entry.state == state)
            && query.seat.is_none_or(|seat| entry.seat == seat)
            && (!query.administrators || entry.administrator)
            && self
                .private_address
                .as_ref()
                .is_none_or(|address| entry.private_address.as_deref() == Some(address))
            && (!self.without || entry.departments.is_empty())
            && self.department.as_ref().is_none_or(any_of)
            && self.within.as_ref().is_none_or(any_of)
            && query
                .sight
                .as_ref()
                .is_none_or(|sight| sight.sees_at(entry.id, &entry.departments, &entry.tags))
            && self
                .tag
                .as_ref()
                .is_none_or(|(tag, departments)| entry.tags.contains(tag) || any_of(departments))
            && self.words.iter().all(|word| entry.has(word, self.shown))
            && self.sieve.as_ref().is_none_or(|mesh| mesh.takes(entry, self.shown))
    }
}
