//! People and groups of the organisation, as far as the member sees them (ORG-11): for searches, and for names that a device does not know.

use std::sync::Arc;

use axum::response::Response;
use hongyan_activesync::command::resolve_recipients::{
    Recipient, ResolveRecipientsRequest, ResolveRecipientsResponse, ResolveStatus, Resolved,
};
use hongyan_activesync::command::search::{Person, ResultRange};
use hongyan_activesync::{Element, Status};
use hongyan_directory::{AccountRecord, AccountState, Cards, ListedGroup, MemberQuery, Sight, folded};
use hongyan_types::Address;

use crate::answer::{Found, body};
use crate::asking::Asking;
use crate::search::{Hits, NoResults, cut};

/// A member, a shared mailbox or a group.
#[derive(Clone)]
enum Entry {
    Account(Arc<AccountRecord>),
    Group(Arc<ListedGroup>),
}

impl Entry {
    fn address(&self) -> &Address {
        match self {
            Self::Account(account) => &account.address,
            Self::Group(group) => &group.address,
        }
    }
    /// Whether an address is one of its own.
    fn has(&self, address: &str) -> bool {
        let is = |own: &Address| own.to_string().eq_ignore_ascii_case(address);
        match self {
            Self::Account(account) => account.addresses().any(is),
            Self::Group(group) => is(&group.address),
        }
    }
}

/// The organisation as the member sees it. Its groups everybody sees, as in JMAP and LDAP.
struct Book<'a> {
    asking: &'a Asking<'a>,
    cards: Cards,
    sight: Sight,
    groups: Arc<[Arc<ListedGroup>]>,
}

impl<'a> Book<'a> {
    async fn open(asking: &'a Asking<'a>) -> Found<Self> {
        let (directory, tenant) = (&asking.service.services.directory, asking.account.tenant);
        Ok(Self {
            asking,
            cards: directory.cards(tenant).await?,
            sight: directory.sight_of(&asking.account).await?,
            groups: directory.listed_groups(tenant).await?,
        })
    }

    /// Those whom all the words are about. By what is not shown of someone nobody is found.
    async fn find(&self, text: &str) -> Found<Vec<Entry>> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let query = MemberQuery {
            text: text.to_owned(),
            state: Some(AccountState::Active),
            sight: Some(self.sight.clone()),
            ..MemberQuery::default()
        };
        let limit = self.asking.service.settings.found_max;
        let directory = &self.asking.service.services.directory;
        let found = directory
            .find_members(self.asking.account.tenant, &query, None, limit)
            .await?;
        let words = folded(text);
        let groups = self.groups.iter().filter(|group| group.is_about(&words));
        let groups = groups.map(|group| Entry::Group(Arc::clone(group)));
        let accounts = found.accounts.into_iter().map(Entry::Account);
        Ok(accounts.chain(groups).take(limit).collect())
    }

    /// The name, or the address of what has none.
    fn name(&self, entry: &Entry) -> String {
        let name = match entry {
            Entry::Account(account) => self.cards.of(account).name,
            Entry::Group(group) => group.display_name.clone(),
        };
        Some(name)
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| entry.address().to_string())
    }

    async fn person(&self, entry: &Entry) -> Found<Person> {
        let address = entry.address();
        let person = Person {
            display_name: Some(self.name(entry)),
            alias: Some(address.local.to_string()),
            email_address: Some(address.to_string()),
            ..Person::default()
        };
        let Entry::Account(account) = entry else {
            return Ok(person);
        };
        let card = self.cards.of(account);
        let directory = &self.asking.service.services.directory;
        let office = match card.department {
            None => None,
            Some(id) => match directory.department(account.tenant, id).await {
                Ok(department) => Some(department.name),
                // It went since.
                Err(hongyan_directory::Error::NotFound { .. }) => None,
                Err(error) => return Err(error.into()),
            },
        };
        Ok(Person {
            phone: card.landline,
            office,
            title: card.title,
            mobile_phone: card.mobile,
            ..person
        })
    }
}

/// Those of a range whom the member sees and whom a text is about.
pub(crate) async fn people(
    asking: &Asking<'_>,
    text: &str,
    range: Option<ResultRange>,
) -> Found<Result<Hits<Person>, NoResults>> {
    let book = Book::open(asking).await?;
    let hits = match cut(book.find(text).await?, range, asking.service.settings.results_max) {
        Ok(hits) => hits,
        Err(none) => return Ok(Err(none)),
    };
    let mut people = Vec::with_capacity(hits.some.len());
    for entry in &hits.some {
        people.push(book.person(entry).await?);
    }
    Ok(Ok(hits.as_told(people)))
}

pub(crate) async fn resolve_recipients(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    let request = ResolveRecipientsRequest::read(tree, asking.version)?;
    let book = Book::open(asking).await?;
    let mut resolved = Vec::with_capacity(request.names.len());
    for name in &request.names {
        resolved.push(resolve(&book, &request, name).await?);
    }
    Ok(body(&ResolveRecipientsResponse { resolved }.write()))
}

async fn resolve(book: &Book<'_>, request: &ResolveRecipientsRequest, name: &str) -> Found<Resolved> {
    let mut entries = book.find(name).await?;
    // An address is of one, whatever else it is part of.
    if let Some(meant) = entries.iter().find(|entry| entry.has(name.trim())).cloned() {
        entries = vec![meant];
    }
    let total = entries.len();
    let ambiguous_max = request.ambiguous_max.map(usize::try_from).and_then(Result::ok);
    if total > 1 {
        entries.truncate(
            ambiguous_max
                .unwrap_or(usize::MAX)
                .min(book.asking.service.settings.results_max),
        );
    }
    let status = match total {
        0 => ResolveStatus::Nobody,
        1 => ResolveStatus::Success,
        several if entries.len() == several => ResolveStatus::Ambiguous,
        _ => ResolveStatus::AmbiguousInPart,
    };
    // [MS-ASCMD] §2.2.3.183: nobody is asked for certificates and availability of those who may be meant.
    let is_one = total == 1;
    let recipients = entries.iter().map(|entry| Recipient {
        display_name: book.name(entry),
        email_address: entry.address().to_string(),
        certificates: (is_one && request.certificates).then_some(ResolveStatus::NoCertificate),
        availability: (is_one && request.availability).then_some(Status::AvailabilityFailure),
        picture: request.pictures.then_some(Status::NoPicture),
    });
    Ok(Resolved {
        name: name.to_owned(),
        status,
        count: u32::try_from(total).unwrap_or(u32::MAX),
        recipients: recipients.collect(),
    })
}
