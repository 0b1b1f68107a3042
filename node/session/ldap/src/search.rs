//! Search (RFC 4511 §4.5): who of the organisation's people the member sees, found by the directory's index, and its mail groups.
//!
//! Nothing is kept between two pages (RFC 2696): the cookie says where the last one ended.

use std::sync::Arc;

use hongyan_directory::{
    AccountRecord, AccountState, Cards, Directory, Error, GroupRecord, ListedGroup, MemberOrder, MemberPlace,
    MemberQuery, Sieve, Sight,
};
use hongyan_ldap_wire::server::{CommandId, Reply};
use hongyan_ldap_wire::{Answer, Name, ResultCode, Scope, Search};
use hongyan_types::{AccountId, Address, Domain, Instant};

use crate::entry::{Departments, Entry, Selection};
use crate::filter;
use crate::session::{Ended, Session};
use crate::sieve::Sifting;
use crate::tree::{self, Place};

/// Domains of an organisation that are shown.
const DOMAINS_MAX: usize = 1_000;
/// People that are read first; each time that they are not enough, twice as many.
const BATCH_FIRST: usize = 64;
/// People that are read together at most.
const BATCH_MAX: usize = 1_024;
/// Begins the place of a person in a cookie, behind the identifier. No text has this octet: cookies of releases before, which had
/// the name there, are refused here, and ours there.
const PLACE_MARK: u8 = 0xff;

fn failed(error: &Error) -> Answer {
    if error.is_temporary() {
        tracing::warn!(%error, "the directory cannot be searched for now");
    } else {
        tracing::error!(%error, "the directory cannot be searched");
    }
    Answer::new(ResultCode::UNAVAILABLE, "temporary failure, try again later")
}

/// What one member sees of the organisation, as it was when the request came.
pub(crate) struct View<'d> {
    directory: &'d Directory,
    account: Arc<AccountRecord>,
    sight: Sight,
    cards: Cards,
    departments: Departments,
}

/// Whose people a search is for.
enum Whose {
    Nobody,
    Domain(Domain),
    Everybody,
}

impl Whose {
    fn has(&self, domain: &Domain) -> bool {
        match self {
            Self::Nobody => false,
            Self::Domain(only) => only == domain,
            Self::Everybody => true,
        }
    }
}

/// What lies within a search's base and scope.
struct Extent {
    /// What holds people and groups.
    entries: Vec<Entry>,
    groups: Whose,
    people: Whose,
}

impl<'d> View<'d> {
    pub(crate) async fn open(directory: &'d Directory, account: &Arc<AccountRecord>) -> Result<Self, Answer> {
        let open = async {
            let tenant = account.tenant;
            // Whom members see follows them when they change their department.
            let now = directory.account(account.id).await?;
            let account = now.unwrap_or_else(|| Arc::clone(account));
            let cards = directory.cards(tenant).await?;
            let mut departments = Departments::default();
            if cards.rules().show_department {
                let all = directory.departments(tenant).await?.into_iter();
                departments.0 = all.map(|view| (view.department.id, view.department.name)).collect();
            }
            Ok(Self {
                sight: directory.sight_of(&account).await?,
                directory,
                account,
                cards,
                departments,
            })
        };
        open.await.map_err(|error: Error| failed(&error))
    }

    /// The organisation's domains that have addresses of their own.
    async fn domains(&self) -> Result<Vec<Domain>, Answer> {
        let all = self.directory.domains(self.account.tenant, None, DOMAINS_MAX).await;
        let all = all.map_err(|error| failed(&error))?.into_iter();
        let own = all.filter(|domain| domain.alias_of.is_none());
        Ok(own.map(|domain| domain.domain).collect())
    }

    /// Whether a domain is the organisation's.
    async fn has(&self, domain: &Domain) -> Result<bool, Answer> {
        match self.directory.domain(domain).await {
            Ok(found) => Ok(found.tenant == self.account.tenant && found.alias_of.is_none()),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed(&error)),
        }
    }

    fn is_shown(&self, account: &AccountRecord) -> bool {
        account.tenant == self.account.tenant && account.state == AccountState::Active && self.sight.sees(account)
    }

    fn person(&self, account: &AccountRecord) -> Entry {
        Entry::of_person(account, &self.cards, &self.departments)
    }

    /// The groups of some domains, in the order in which they were made.
    async fn groups(&self, whose: &Whose) -> Result<Vec<Arc<ListedGroup>>, Answer> {
        if matches!(whose, Whose::Nobody) {
            return Ok(Vec::new());
        }
        let all = self.directory.listed_groups(self.account.tenant).await;
        let all = all.map_err(|error| failed(&error))?;
        let found = all.iter().filter(|group| whose.has(&group.address.domain));
        Ok(found.cloned().collect())
    }

    /// The group with an address, in the organisation.
    async fn group(&self, address: &Address) -> Result<Option<GroupRecord>, Answer> {
        match self.directory.group_at(address).await {
            Ok(group) => Ok((group.tenant == self.account.tenant).then_some(group)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Where a name is; refused where the organisation has nothing, and what there is above it is told.
    async fn place(&self, name: &str) -> Result<Place, Answer> {
        let name = Name::read(name)
            .ok_or_else(|| Answer::new(ResultCode::INVALID_DN_SYNTAX, "the name is no distinguished name"))?;
        let place = tree::place(&name);
        let matched = match &place {
            Place::Root => return Ok(place),
            Place::Domain(domain) | Place::People(domain) | Place::Groups(domain) => match self.has(domain).await? {
                true => return Ok(place),
                false => String::new(),
            },
            Place::Group(address) => match self.has(&address.domain).await? {
                true if self.group(address).await?.is_some() => return Ok(place),
                true => tree::name_of_groups(&address.domain),
                false => String::new(),
            },
            Place::Person(address) => match self.has(&address.domain).await? {
                true => match self.directory.account_at(address).await {
                    Ok(account) if account.address.key() == address.key() && self.is_shown(&account) => {
                        return Ok(place);
                    }
                    Ok(_) | Err(Error::NotFound { .. }) => tree::name_of_people(&address.domain),
                    Err(error) => return Err(failed(&error)),
                },
                false => String::new(),
            },
            Place::Below(above) => match above.as_ref() {
                Place::Domain(domain) if self.has(domain).await? => tree::name_of_domain(domain),
                Place::People(domain) if self.has(domain).await? => tree::name_of_people(domain),
                Place::Groups(domain) if self.has(domain).await? => tree::name_of_groups(domain),
                _ => String::new(),
            },
            Place::Nowhere => String::new(),
        };
        let mut answer = Answer::new(ResultCode::NO_SUCH_OBJECT, "there is no such entry");
        answer.matched = matched;
        Err(answer)
    }

    /// The entry of a name.
    pub(crate) async fn entry(&self, name: &str) -> Result<Entry, Answer> {
        let place = self.place(name).await?;
        self.entry_at(&place).await
    }

    async fn entry_at(&self, place: &Place) -> Result<Entry, Answer> {
        let missing = || Answer::new(ResultCode::NO_SUCH_OBJECT, "there is no such entry");
        match place {
            Place::Domain(domain) => Ok(Entry::of_domain(domain)),
            Place::People(domain) => Ok(Entry::of_people(domain)),
            Place::Groups(domain) => Ok(Entry::of_groups(domain)),
            Place::Group(address) => {
                let group = self.group(address).await?;
                let group = group.ok_or_else(missing)?;
                Ok(Entry::of_group(&group.address, &group.display_name))
            }
            Place::Person(address) => {
                let account = self.directory.account_at(address).await;
                Ok(self.person(&*account.map_err(|error| failed(&error))?))
            }
            // RFC 4512 §5.1: the root is no part of the tree; only a search of the base itself finds it.
            Place::Root | Place::Below(_) | Place::Nowhere => Err(missing()),
        }
    }

    async fn extent(&self, place: Place, scope: Scope) -> Result<Extent, Answer> {
        let (mut entries, mut groups, mut people) = (Vec::new(), Whose::Nobody, Whose::Nobody);
        match (&place, scope) {
            (Place::Root, Scope::Base) => {}
            (Place::Root, scope) => {
                for domain in self.domains().await? {
                    entries.push(Entry::of_domain(&domain));
                    if scope == Scope::Sub {
                        entries.extend([Entry::of_people(&domain), Entry::of_groups(&domain)]);
                        (groups, people) = (Whose::Everybody, Whose::Everybody);
                    }
                }
            }
            (Place::Domain(domain), Scope::One) => {
                entries.extend([Entry::of_people(domain), Entry::of_groups(domain)]);
            }
            (Place::Domain(domain), Scope::Sub) => {
                entries.extend([
                    Entry::of_domain(domain),
                    Entry::of_people(domain),
                    Entry::of_groups(domain),
                ]);
                (groups, people) = (Whose::Domain(domain.clone()), Whose::Domain(domain.clone()));
            }
            (Place::People(domain), Scope::One) => people = Whose::Domain(domain.clone()),
            (Place::People(domain), Scope::Sub) => {
                entries.push(Entry::of_people(domain));
                people = Whose::Domain(domain.clone());
            }
            (Place::Groups(domain), Scope::One) => groups = Whose::Domain(domain.clone()),
            (Place::Groups(domain), Scope::Sub) => {
                entries.push(Entry::of_groups(domain));
                groups = Whose::Domain(domain.clone());
            }
            // Nothing is below a person or a group.
            (Place::Person(_) | Place::Group(_), Scope::One) => {}
            _ => entries.push(self.entry_at(&place).await?),
        }
        Ok(Extent {
            entries,
            groups,
            people,
        })
    }
}

/// Where a page ended: how many entries there were so far, how many of those that are no people were looked at, and the last
/// person, by nothing but what the member is shown of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Cookie {
    given: u32,
    held: u32,
    after: Option<MemberPlace>,
}

impl Cookie {
    fn write(&self) -> Vec<u8> {
        let mut octets = self.given.to_be_bytes().to_vec();
        octets.extend(self.held.to_be_bytes());
        if let Some(after) = &self.after {
            octets.extend(after.id.0.to_be_bytes());
            octets.extend([PLACE_MARK, octet_of(after.by)]);
            octets.extend(after.order.as_bytes());
        }
        octets
    }

    fn read(octets: &[u8]) -> Option<Self> {
        if octets.is_empty() {
            return Some(Self::default());
        }
        let (given, rest) = octets.split_first_chunk()?;
        let (held, rest) = rest.split_first_chunk()?;
        let after = match rest.split_first_chunk() {
            Some((id, [PLACE_MARK, by, order @ ..])) => Some(MemberPlace {
                by: order_of(*by)?,
                id: AccountId(u64::from_be_bytes(*id)),
                order: std::str::from_utf8(order).ok()?.to_owned(),
            }),
            Some(_) => return None,
            None if rest.is_empty() => None,
            None => return None,
        };
        Some(Self {
            given: u32::from_be_bytes(*given),
            held: u32::from_be_bytes(*held),
            after,
        })
    }
}

fn octet_of(by: MemberOrder) -> u8 {
    match by {
        MemberOrder::Name => 0,
        MemberOrder::ShownName => 1,
        MemberOrder::ShownAlias => 2,
    }
}

fn order_of(octet: u8) -> Option<MemberOrder> {
    let orders = [MemberOrder::Name, MemberOrder::ShownName, MemberOrder::ShownAlias];
    orders.into_iter().find(|by| octet_of(*by) == octet)
}

/// One search under way.
struct Run<'s> {
    id: CommandId,
    search: &'s Search,
    selection: Selection,
    due: Instant,
    /// Entries that this answer may have.
    room: usize,
    /// Whether the client's own limit is what ends it, and not the page.
    room_is_clients: bool,
    cookie: Cookie,
}

/// Why a search stops.
enum Stop {
    /// As many entries as the answer may have are given, and there may be more.
    Full,
    Answer(Answer),
    /// Nobody wants it any more.
    Unwanted,
    Ended,
}

impl From<Ended> for Stop {
    fn from(_: Ended) -> Self {
        Self::Ended
    }
}

impl From<Answer> for Stop {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

impl Session {
    /// Gives what a search finds.
    pub(crate) async fn search(&mut self, id: CommandId, search: Search) -> Result<Reply, Ended> {
        let settings = &self.parts().settings;
        let within = match search.time_limit_secs {
            0 => settings.search_within,
            secs => settings.search_within.min(std::time::Duration::from_secs(secs.into())),
        };
        let Some(cookie) = search
            .page
            .as_ref()
            .map_or(Some(Cookie::default()), |page| Cookie::read(&page.cookie))
        else {
            let text = "the cookie of the page is none of ours";
            return Ok(Reply::Done(Answer::new(ResultCode::UNWILLING_TO_PERFORM, text)));
        };
        let mut run = Run {
            id,
            selection: Selection::read(&search.attributes),
            due: self.now().after(within),
            room: settings.entries_max,
            room_is_clients: false,
            cookie,
            search: &search,
        };
        run.measure();
        let stop = match self.find(&mut run).await {
            Ok(()) => Stop::Answer(Answer::success()),
            Err(stop) => stop,
        };
        Ok(match (stop, &search.page) {
            (Stop::Ended, _) => return Err(Ended),
            // It is not answered.
            (Stop::Unwanted, _) => Reply::Done(Answer::success()),
            (Stop::Full, Some(_)) if !run.room_is_clients => Reply::Page {
                answer: Answer::success(),
                cookie: run.cookie.write(),
            },
            (Stop::Full, _) => {
                let text = if run.room_is_clients {
                    String::new()
                } else {
                    let max = self.parts().settings.entries_max;
                    format!("an answer has at most {max} entries: say more of whom you look for, or ask page by page")
                };
                Reply::Done(Answer::new(ResultCode::SIZE_LIMIT_EXCEEDED, text))
            }
            (Stop::Answer(answer), Some(_)) if answer.code == ResultCode::SUCCESS => Reply::Page {
                answer,
                cookie: Vec::new(),
            },
            (Stop::Answer(answer), _) => Reply::Done(answer),
        })
    }

    async fn find(&mut self, run: &mut Run<'_>) -> Result<(), Stop> {
        // RFC 2696 §3: a page without entries, after another one, gives the search up.
        if run.search.page.as_ref().is_some_and(|page| page.size == 0) {
            return Ok(());
        }
        let account = self.account();
        if run.search.base.is_empty() && run.search.scope == Scope::Base {
            return self.root(run, account.as_ref()).await;
        }
        let account = account.ok_or_else(|| Answer::new(ResultCode::STRONGER_AUTH_REQUIRED, "bind first"))?;
        let directory = self.parts().directory.clone();
        let view = View::open(&directory, &account).await?;
        let place = view.place(&run.search.base).await?;
        let extent = view.extent(place, run.search.scope).await?;
        let mut entries = extent.entries;
        // Once people are given, all groups are.
        if run.cookie.after.is_none() {
            let groups = view.groups(&extent.groups).await?;
            entries.extend(
                groups
                    .iter()
                    .map(|group| Entry::of_group(&group.address, &group.display_name)),
            );
        }
        let held = usize::try_from(run.cookie.held).unwrap_or(usize::MAX);
        for entry in entries.into_iter().skip(held) {
            if filter::holds(&run.search.filter, &entry) == Some(true) {
                self.give(run, entry).await?;
            }
            run.cookie.held += 1;
        }
        self.people(run, &view, &extent.people).await
    }

    async fn root(&mut self, run: &mut Run<'_>, account: Option<&Arc<AccountRecord>>) -> Result<(), Stop> {
        let directory = self.parts().directory.clone();
        let domains = match account {
            Some(account) => View::open(&directory, account).await?.domains().await?,
            None => Vec::new(),
        };
        let (starts_tls, takes_passwords) = (self.connection().can_start_tls(), self.takes_passwords());
        let root = Entry::of_root(&domains, starts_tls, takes_passwords);
        if filter::holds(&run.search.filter, &root) == Some(true) {
            self.give(run, root).await?;
        }
        Ok(())
    }

    async fn people(&mut self, run: &mut Run<'_>, view: &View<'_>, whose: &Whose) -> Result<(), Stop> {
        let rules = view.cards.rules();
        let sifting = Sifting {
            departments: &view.departments,
            shows_title: rules.show_title,
            shows_phones: rules.show_phones,
        };
        let mut sieve = vec![sifting.sieve(&run.search.filter)];
        match whose {
            Whose::Nobody => return Ok(()),
            Whose::Domain(domain) => sieve.push(Sieve::Has(format!("@{domain}"))),
            Whose::Everybody => {}
        }
        let query = MemberQuery {
            state: Some(AccountState::Active),
            sight: Some(view.sight.clone()),
            sieve: Some(Sieve::All(sieve)),
            ..MemberQuery::default()
        };
        let (tenant, mut batch) = (view.account.tenant, BATCH_FIRST);
        loop {
            if self.now() >= run.due {
                return Err(Answer::new(ResultCode::TIME_LIMIT_EXCEEDED, "the search takes too long").into());
            }
            if !self.is_still_wanted(run.id).await? {
                return Err(Stop::Unwanted);
            }
            let found = view
                .directory
                .find_members(tenant, &query, run.cookie.after.as_ref(), batch)
                .await;
            let found = found.map_err(|error| match error {
                // The organisation shows names in another way since the page before.
                Error::Invalid(text) => Answer::new(ResultCode::UNWILLING_TO_PERFORM, text),
                error => failed(&error),
            })?;
            for account in &found.accounts {
                let is_there = whose.has(&account.address.domain);
                let entry = view.person(account);
                if is_there && filter::holds(&run.search.filter, &entry) == Some(true) {
                    self.give_person(run, view, account, entry).await?;
                }
            }
            run.cookie.after = found.next;
            if run.cookie.after.is_none() {
                return Ok(());
            }
            batch = (batch * 2).min(BATCH_MAX);
        }
    }

    async fn give_person(
        &mut self,
        run: &mut Run<'_>,
        view: &View<'_>,
        account: &Arc<AccountRecord>,
        entry: Entry,
    ) -> Result<(), Stop> {
        self.give(run, entry).await?;
        if run.room == 0 && run.search.page.is_some() {
            // Should the account have gone this moment, the list goes on where the batch began.
            let (tenant, by) = (view.account.tenant, view.sight.order());
            let place = view.directory.place_of(tenant, account.id, by).await;
            if let Some(place) = place.map_err(|error| failed(&error))? {
                run.cookie.after = Some(place);
            }
        }
        Ok(())
    }

    /// Gives an entry that the filter holds of. There is no room for one more than the answer may have.
    async fn give(&mut self, run: &mut Run<'_>, entry: Entry) -> Result<(), Stop> {
        run.room = run.room.checked_sub(1).ok_or(Stop::Full)?;
        run.cookie.given = run.cookie.given.saturating_add(1);
        let found = entry.selected(&run.selection, run.search.types_only);
        match self.push(run.id, &found).await? {
            true => Ok(()),
            false => Err(Stop::Unwanted),
        }
    }

    fn takes_passwords(&self) -> bool {
        let (settings, connection) = (&self.parts().settings, self.connection());
        connection.tls().is_some() || settings.takes_clear_passwords(connection.peer().ip())
    }
}

impl Run<'_> {
    /// How many entries this answer may have.
    fn measure(&mut self) {
        if let Some(page) = &self.search.page {
            self.room = self.room.min(usize::try_from(page.size).unwrap_or(usize::MAX));
        }
        // RFC 2696 §3: the client's limit is for all pages together.
        let limit = self.search.size_limit.saturating_sub(self.cookie.given);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if self.search.size_limit > 0 && limit < self.room {
            (self.room, self.room_is_clients) = (limit, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_2696_cookies_are_read_as_they_are_written() {
        let place = |by, order: &str| MemberPlace {
            by,
            order: order.to_owned(),
            id: AccountId(7),
        };
        let name = place(MemberOrder::ShownName, "");
        let alias = place(MemberOrder::ShownAlias, "zhangsan");
        for after in [None, Some(name), Some(alias)] {
            let cookie = Cookie {
                given: 9,
                held: 2,
                after,
            };
            assert_eq!(Cookie::read(&cookie.write()), Some(cookie));
        }
        assert_eq!(Cookie::read(b""), Some(Cookie::default()));
        // As releases before wrote them, with the name of whoever came last.
        let before = [&[0; 16][..], b"zhangsan"].concat();
        for wrong in [
            &b"x"[..],
            &[0; 7],
            &[0; 12],
            &[0; 16],
            &before,
            &[0xff; 17],
            &[0xff; 18],
            &[before.as_slice(), &[0xff, 1]].concat(),
        ] {
            assert_eq!(Cookie::read(wrong), None, "{wrong:?}");
        }
    }
}
