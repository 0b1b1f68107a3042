//! The one place that decides whom a member sees in the directory (ORG-11): lists, search, completion, JMAP's principals ask
//! here; so does LDAP. What is shown of someone is decided here too, and nobody is found by what is not. Whoever is not seen can
//! still be written to. Administrators see everybody in the console, which does not ask here.

use std::collections::HashSet;

use hongyan_kv::Transaction;
use hongyan_types::{AccountId, TenantId};

use crate::index::{MemberOrder, TenantIndex};
use crate::transaction as tx;
use crate::{AccountRecord, DepartmentId, Directory, DisplayNames, Etag, OrganisationPage, Result, TagId, Visibility};

/// What an organisation shows its members of each other beside addresses (ORG-8, ORG-12, CON-7). They find each other by that alone:
/// whom one finds by what is not shown, of them one knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shown {
    names: DisplayNames,
    department: bool,
    pub(crate) title: bool,
    pub(crate) phones: bool,
}

impl Shown {
    fn new(rules: &Visibility, page: &OrganisationPage) -> Self {
        Self {
            names: page.display_names,
            department: rules.show_department,
            title: rules.show_title,
            phones: rules.show_phones,
        }
    }
    /// Whether the name, and with it its parts, is shown, and whether the alias is, of someone who has these.
    pub(crate) fn names(self, has_name: bool, has_alias: bool) -> (bool, bool) {
        self.names.shows(has_name, has_alias)
    }
    fn order(self) -> MemberOrder {
        self.names.order()
    }
}

/// Whom one member sees, as it was when it was asked for.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    viewer: Option<AccountId>,
    hidden: HashSet<DepartmentId>,
    hidden_tags: HashSet<TagId>,
    hidden_tag_departments: HashSet<DepartmentId>,
    /// `None` is all.
    seen: Option<HashSet<DepartmentId>>,
    /// Hidden departments that are the viewer's own.
    own: HashSet<DepartmentId>,
    shown: Shown,
}

impl Sight {
    /// Whether the member sees everyone, whatever happens to departments.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.viewer.is_none()
    }

    /// What the member is shown of whom they see.
    pub(crate) fn shown(&self) -> Shown {
        self.shown
    }

    /// What lists for the member are ordered by.
    #[must_use]
    pub fn order(&self) -> MemberOrder {
        self.shown.order()
    }

    /// Whether the member sees an account.
    #[must_use]
    pub fn sees(&self, account: &AccountRecord) -> bool {
        self.sees_at(account.id, &account.departments, &account.tags)
    }

    pub(crate) fn sees_at(&self, id: AccountId, departments: &[DepartmentId], tags: &[TagId]) -> bool {
        if self.viewer == Some(id) {
            return true;
        }
        let any = |set: &HashSet<DepartmentId>| departments.iter().any(|id| set.contains(id));
        if tags.iter().any(|tag| self.hidden_tags.contains(tag)) || any(&self.hidden_tag_departments) {
            return false;
        }
        if any(&self.hidden) && !any(&self.own) {
            return false;
        }
        self.seen.as_ref().is_none_or(any)
    }

    fn new(index: &TenantIndex, cards: &Cards, viewer: &AccountRecord) -> Self {
        let rules = &cards.rules;
        let all_of_tags = |ids: &[TagId]| {
            let tops = ids.iter().filter_map(|id| index.tags().get(id));
            let tops: Vec<DepartmentId> = tops.flat_map(|tag| tag.departments.iter().copied()).collect();
            index.with_all_below(&tops)
        };
        let is_in = |set: &HashSet<DepartmentId>| viewer.departments.iter().any(|id| set.contains(id));
        let mut own = HashSet::new();
        for top in &rules.hidden_departments {
            let below = index.with_all_below(&[*top]);
            if is_in(&below) {
                own.extend(below);
            }
        }
        let mut seen: Option<HashSet<DepartmentId>> = None;
        for confined in &rules.confined {
            let meant = is_in(&index.with_all_below(&confined.departments))
                || viewer.tags.iter().any(|tag| confined.tags.contains(tag))
                || is_in(&all_of_tags(&confined.tags));
            if meant {
                let seen = seen.get_or_insert_with(|| index.with_all_below(&viewer.departments));
                seen.extend(index.with_all_below(&confined.see));
            }
        }
        Self {
            viewer: Some(viewer.id),
            hidden: index.with_all_below(&rules.hidden_departments),
            hidden_tags: rules.hidden_tags.iter().copied().collect(),
            hidden_tag_departments: all_of_tags(&rules.hidden_tags),
            seen,
            own,
            shown: cards.shown(),
        }
    }
}

/// What colleagues are shown of someone (ORG-8, ORG-12, CON-7); nothing where it is not shown or not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The name; empty when there is none.
    pub name: String,
    /// The family name, where the name is shown.
    pub family_name: Option<String>,
    /// The given name, likewise.
    pub given_name: Option<String>,
    /// The main department.
    pub department: Option<DepartmentId>,
    /// The title.
    pub title: Option<String>,
    /// The mobile phone.
    pub mobile: Option<String>,
    /// The landline.
    pub landline: Option<String>,
}

/// What an organisation shows of its people, as it was when it was asked for.
#[derive(Debug, Clone)]
pub struct Cards {
    rules: Visibility,
    page: OrganisationPage,
}

impl Cards {
    /// The organisation's rules: what they do not show is shown of nobody.
    #[must_use]
    pub fn rules(&self) -> &Visibility {
        &self.rules
    }
    fn shown(&self) -> Shown {
        Shown::new(&self.rules, &self.page)
    }
    /// What is shown of an account.
    #[must_use]
    pub fn of(&self, account: &AccountRecord) -> Card {
        let (shown, profile) = (self.shown(), &account.profile);
        let text = |is_shown: bool, text: &str| (is_shown && !text.is_empty()).then(|| text.to_owned());
        let (shows_name, _) = shown.names(!account.display_name.is_empty(), !profile.nickname.is_empty());
        Card {
            name: self.page.name_of(account),
            family_name: text(shows_name, &profile.family_name),
            given_name: text(shows_name, &profile.given_name),
            department: account.departments.first().copied().filter(|_| shown.department),
            title: text(shown.title, &profile.title),
            mobile: text(shown.phones, &profile.mobile),
            landline: text(shown.phones, &profile.landline),
        }
    }
}

/// All fail with the store's errors beside those named.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Directory {
    /// Whom a member sees: ask `sees` of one, or put it into [`crate::MemberQuery::sight`] to find those only, and by nothing but
    /// what is shown of them.
    pub async fn sight_of(&self, viewer: &AccountRecord) -> Result<Sight> {
        let cards = self.cards(viewer.tenant).await?;
        if cards.rules.is_open() {
            return Ok(Sight {
                shown: cards.shown(),
                ..Sight::default()
            });
        }
        self.index()
            .look(self, viewer.tenant, |index| Sight::new(index, &cards, viewer))
            .await
    }
    /// What a tenant shows of its people.
    pub async fn cards(&self, tenant: TenantId) -> Result<Cards> {
        self.read(async move |t: &mut Transaction| {
            Ok(Cards {
                rules: tx::set_visibility::read(t, tenant).await?,
                page: tx::set_page::read(t, tenant).await?,
            })
        })
        .await
    }
    /// Who of a tenant sees whom.
    pub async fn visibility(&self, tenant: TenantId) -> Result<Visibility> {
        self.read(async move |t: &mut Transaction| tx::set_visibility::read(t, tenant).await)
            .await
    }
    /// Sets who of a tenant sees whom. `NotFound` for departments and tags, `Limit`, `Changed`.
    pub async fn set_visibility(
        &self,
        tenant: TenantId,
        wanted: &Visibility,
        expect: Option<Etag>,
    ) -> Result<Visibility> {
        let wanted = wanted.clone();
        self.change(async move |t| tx::set_visibility::run(t, tenant, &wanted, expect).await)
            .await
    }
}

#[cfg(test)]
#[path = "visibility_test.rs"]
mod tests;
