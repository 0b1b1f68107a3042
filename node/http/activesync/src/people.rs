//! People of the organisation, as far as the member sees them (ORG-11): for searches, and for names that a device does not know.

use std::sync::Arc;

use axum::response::Response;
use hongyan_activesync::command::resolve_recipients::{
    Recipient, ResolveRecipientsRequest, ResolveRecipientsResponse, ResolveStatus, Resolved,
};
use hongyan_activesync::command::search::{Person, ResultRange};
use hongyan_activesync::{Element, Status};
use hongyan_directory::{AccountRecord, AccountState, Cards, MemberQuery, folded, phone_digits, spellings};

use crate::answer::{Found, body};
use crate::asking::Asking;
use crate::search::{Hits, NoResults, cut};

/// Those whom the member sees and whom all the words are about. By what is not shown of someone nobody is found.
async fn seen(asking: &Asking<'_>, cards: &Cards, text: &str) -> Found<Vec<Arc<AccountRecord>>> {
    let directory = &asking.service.services.directory;
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let query = MemberQuery {
        text: text.to_owned(),
        state: Some(AccountState::Active),
        sight: Some(directory.sight_of(&asking.account).await?),
        ..MemberQuery::default()
    };
    let limit = asking.service.settings.found_max;
    let found = directory
        .find_members(asking.account.tenant, &query, None, limit)
        .await?;
    let words = folded(text);
    let is_by_what_is_shown = |account: &Arc<AccountRecord>| {
        let shown = shown(cards, account);
        words.split_whitespace().all(|word| shown.contains(word))
    };
    Ok(found.accounts.into_iter().filter(is_by_what_is_shown).collect())
}

/// All that colleagues may find someone by.
fn shown(cards: &Cards, account: &AccountRecord) -> String {
    let card = cards.of(account);
    let phones = [&card.mobile, &card.landline];
    let mut shown = vec![folded(&card.name)];
    shown.extend(spellings(&card.name));
    shown.extend(account.addresses().map(|address| folded(&address.to_string())));
    shown.extend(card.title.as_deref().map(folded));
    shown.extend(phones.into_iter().flatten().map(|phone| phone_digits(phone)));
    shown.extend(phones.into_iter().flatten().map(|phone| folded(phone)));
    shown.join("\n")
}

/// Those of a range whom the member sees and whom a text is about.
pub(crate) async fn people(
    asking: &Asking<'_>,
    text: &str,
    range: Option<ResultRange>,
) -> Found<Result<Hits<Person>, NoResults>> {
    let cards = asking.service.services.directory.cards(asking.account.tenant).await?;
    let accounts = seen(asking, &cards, text).await?;
    let hits = match cut(accounts, range, asking.service.settings.results_max) {
        Ok(hits) => hits,
        Err(none) => return Ok(Err(none)),
    };
    let mut people = Vec::with_capacity(hits.some.len());
    for account in &hits.some {
        people.push(person(asking, &cards, account).await?);
    }
    Ok(Ok(hits.as_told(people)))
}

async fn person(asking: &Asking<'_>, cards: &Cards, account: &AccountRecord) -> Found<Person> {
    let card = cards.of(account);
    let directory = &asking.service.services.directory;
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
        display_name: Some(name(cards, account)),
        phone: card.landline,
        office,
        title: card.title,
        company: None,
        alias: Some(account.address.local.to_string()),
        mobile_phone: card.mobile,
        email_address: Some(account.address.to_string()),
    })
}

/// The name, or the address of who has none.
fn name(cards: &Cards, account: &AccountRecord) -> String {
    Some(cards.of(account).name)
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| account.address.to_string())
}

pub(crate) async fn resolve_recipients(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    let request = ResolveRecipientsRequest::read(tree, asking.version)?;
    let cards = asking.service.services.directory.cards(asking.account.tenant).await?;
    let mut resolved = Vec::with_capacity(request.names.len());
    for name in &request.names {
        resolved.push(resolve(asking, &request, &cards, name).await?);
    }
    Ok(body(&ResolveRecipientsResponse { resolved }.write()))
}

async fn resolve(
    asking: &Asking<'_>,
    request: &ResolveRecipientsRequest,
    cards: &Cards,
    name: &str,
) -> Found<Resolved> {
    let mut accounts = seen(asking, cards, name).await?;
    // An address is of one, whatever else it is part of.
    let is_meant = |account: &AccountRecord| {
        let mut addresses = account.addresses();
        addresses.any(|address| address.to_string().eq_ignore_ascii_case(name.trim()))
    };
    if let Some(meant) = accounts.iter().find(|account| is_meant(account)).cloned() {
        accounts = vec![meant];
    }
    let total = accounts.len();
    let ambiguous_max = request.ambiguous_max.map(usize::try_from).and_then(Result::ok);
    if total > 1 {
        accounts.truncate(
            ambiguous_max
                .unwrap_or(usize::MAX)
                .min(asking.service.settings.results_max),
        );
    }
    let status = match total {
        0 => ResolveStatus::Nobody,
        1 => ResolveStatus::Success,
        several if accounts.len() == several => ResolveStatus::Ambiguous,
        _ => ResolveStatus::AmbiguousInPart,
    };
    // [MS-ASCMD] §2.2.3.183: nobody is asked for certificates and availability of those who may be meant.
    let is_one = total == 1;
    let recipients = accounts.iter().map(|account| Recipient {
        display_name: self::name(cards, account),
        email_address: account.address.to_string(),
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
