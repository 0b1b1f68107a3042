//! Requests to the operator: begun with a document, sent, answered (ORG-4, ORG-5).
//!
//! A document is longer than a transaction likes to be: a request is a draft until its first one is there. Drafts are in no
//! list; the next request of the same organisation removes those that were never sent.

use hongyan_audit::{Chain, Event};
use hongyan_kv::{KeyRange, RangeQuery, ReadMode, Transaction};
use hongyan_notice::Notice;
use hongyan_types::{TenantId, Timestamp};

use super::{Page, clean, last_int, list, plan, read_tenant, take_id, verification, write_tenant};
use crate::record::operator_request as record;
use crate::{
    Answer, Change, DirectoryOptions, Document, Error, Limit, NewOperatorRequest, OperatorRequest, OperatorRequestId,
    OperatorRequestState as State, Result, TenantRecord, Wanted, key,
};

/// Most characters of what is said with a request, and of the answer.
const TEXT_CHARACTERS_MAX: usize = 1_000;
/// Most documents of one request.
pub(crate) const DOCUMENTS_MAX: usize = 10;
/// Requests looked at in one read while a list is made.
const LOOK_REQUESTS: usize = 500;

fn checked_text(text: &str) -> Result<String> {
    let text = clean(text);
    if text.chars().count() > TEXT_CHARACTERS_MAX {
        return Err(Error::Invalid(format!(
            "a text has at most {TEXT_CHARACTERS_MAX} characters"
        )));
    }
    Ok(text)
}

fn write(transaction: &mut Change, request: &OperatorRequest) {
    transaction.set(key::operator_request(request.id), record::encode(request));
}

pub(crate) async fn need(transaction: &mut Transaction, id: OperatorRequestId) -> Result<OperatorRequest> {
    let stored = transaction.get(&key::operator_request(id)).await?;
    let stored = stored.ok_or_else(|| Error::not_found("request", id.0))?;
    Ok(record::decode(id, &stored)?)
}

/// Those of a tenant, drafts too, the oldest first.
async fn of_tenant(transaction: &mut Transaction, tenant: TenantId) -> Result<Vec<OperatorRequest>> {
    let prefix = key::operator_requests_of(tenant);
    let mut requests = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let id = OperatorRequestId(last_int(&prefix, &pair.key)?);
        requests.push(need(transaction, id).await?);
    }
    Ok(requests)
}

fn remove(transaction: &mut Change, request: &OperatorRequest) {
    transaction.clear(&key::operator_request(request.id));
    let of = key::operator_requests_of(request.tenant).int(request.id.0);
    transaction.clear(&of.pack());
    transaction.clear_range(key::operator_documents(request.id).range());
}

/// Removes all of a tenant.
pub(crate) async fn remove_all(transaction: &mut Change, tenant: TenantId) -> Result<()> {
    for request in of_tenant(transaction, tenant).await? {
        remove(transaction, &request);
    }
    Ok(())
}

/// Begins one. Its document comes next.
pub(crate) async fn begin(
    transaction: &mut Change,
    new: &NewOperatorRequest,
    is_verified: bool,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<OperatorRequest> {
    let text = checked_text(&new.text)?;
    let bounds = plan::bounds(transaction, new.tenant, now).await?;
    match new.wanted {
        Wanted::MemberLimit(wanted) => {
            if !is_verified {
                return Err(Error::Refused(
                    "the organisation is not verified: ask for that first".to_owned(),
                ));
            }
            let range = Limit::AccountsPerTenantMax.range();
            let in_force = bounds.of(Limit::AccountsPerTenantMax, options);
            if !range.contains(&wanted) || wanted <= in_force.value() {
                let (max, most) = (in_force.value(), range.end());
                return Err(Error::Invalid(format!(
                    "the member limit is {max} now: ask for more, at most {most}"
                )));
            }
        }
        Wanted::Verification if is_verified && bounds.owner.verified_until.is_none() => {
            return Err(Error::Refused(
                "the only organisation of a server counts as verified".to_owned(),
            ));
        }
        Wanted::Verification => {}
    }
    for other in of_tenant(transaction, new.tenant).await? {
        match other.state {
            State::Waiting if other.wanted.label() == new.wanted.label() => {
                return Err(Error::Refused(format!("request {} is still waiting", other.id.0)));
            }
            State::Draft => remove(transaction, &other),
            _ => {}
        }
    }
    let request = OperatorRequest {
        id: OperatorRequestId(take_id(transaction, "operator-request").await?),
        tenant: new.tenant,
        wanted: new.wanted,
        by: new.by.clone(),
        text,
        documents: Vec::new(),
        at: now,
        state: State::Draft,
        answered: None,
        reason: String::new(),
        granted: None,
        until: None,
    };
    write(transaction, &request);
    let of = key::operator_requests_of(request.tenant).int(request.id.0);
    transaction.set(of.pack(), Vec::new());
    Ok(request)
}

/// Adds a document whose parts are there; the first one sends the request off.
pub(crate) async fn add_document(
    transaction: &mut Change,
    id: OperatorRequestId,
    number: usize,
    document: Document,
) -> Result<OperatorRequest> {
    let mut request = need(transaction, id).await?;
    if request.documents.len() != number || !matches!(request.state, State::Draft | State::Waiting) {
        return Err(Error::Refused(
            "the request was changed meanwhile: look at it again".to_owned(),
        ));
    }
    request.documents.push(document);
    let owner = read_tenant(transaction, request.tenant).await?;
    let action = if request.state == State::Draft {
        request.state = State::Waiting;
        "request.ask"
    } else {
        "request.document"
    };
    write(transaction, &request);
    tell(transaction, told(action, &owner, &request), request.tenant);
    Ok(request)
}

fn told(action: &'static str, owner: &TenantRecord, request: &OperatorRequest) -> Event {
    let event = Event::new(action, &owner.name)
        .id(request.id.0)
        .with("kind", request.wanted.label());
    match request.wanted {
        Wanted::MemberLimit(wanted) => event.with("wanted", wanted),
        Wanted::Verification => event,
    }
}

/// Both the organisation and the operator find it in their log.
fn tell(transaction: &mut Change, event: Event, tenant: TenantId) {
    transaction.record(Chain::Tenant(tenant), event.clone());
    transaction.record(Chain::Installation, event);
}

/// Answers one: grants what is asked for, or says why not.
pub(crate) async fn answer(
    transaction: &mut Change,
    id: OperatorRequestId,
    answer: &Answer,
    notice: &Notice,
    now: Timestamp,
) -> Result<OperatorRequest> {
    let mut request = need(transaction, id).await?;
    if request.state != State::Waiting {
        return Err(Error::Refused(format!("the request is {}", request.state.label())));
    }
    let mut owner = read_tenant(transaction, request.tenant).await?;
    request.answered = Some(now);
    let event = match answer {
        Answer::Refuse { reason } => {
            request.reason = checked_text(reason)?;
            if request.reason.is_empty() {
                return Err(Error::Invalid("a reason is needed".to_owned()));
            }
            request.state = State::Refused;
            told("request.refuse", &owner, &request).with("reason", &request.reason)
        }
        Answer::Approve { limit, until, reason } => {
            request.reason = checked_text(reason)?;
            request.state = State::Approved;
            let event = told("request.approve", &owner, &request);
            match request.wanted {
                Wanted::MemberLimit(wanted) => {
                    let granted = limit.unwrap_or(wanted);
                    crate::limit::check_values(&crate::Limits::from([(Limit::AccountsPerTenantMax, granted)]))?;
                    request.granted = Some(granted);
                    let before = owner.accounts_max.replace(granted);
                    event.changed("accounts_max", &before, &owner.accounts_max)
                }
                Wanted::Verification => {
                    if *until <= now {
                        return Err(Error::Invalid("the verification would be over at once".to_owned()));
                    }
                    request.until = Some(*until);
                    let before = owner.verified_until.replace(*until);
                    verification::note(transaction, request.tenant);
                    event.changed("verified_until", &before, &owner.verified_until)
                }
            }
        }
    };
    write(transaction, &request);
    if request.state == State::Approved {
        write_tenant(transaction, &owner);
    }
    tell(transaction, event, request.tenant);
    transaction.send(notice);
    Ok(request)
}

/// Takes one back that nobody has answered.
pub(crate) async fn withdraw(
    transaction: &mut Change,
    id: OperatorRequestId,
    now: Timestamp,
) -> Result<OperatorRequest> {
    let mut request = need(transaction, id).await?;
    if request.state != State::Waiting {
        return Err(Error::Refused(format!("the request is {}", request.state.label())));
    }
    request.state = State::Withdrawn;
    request.answered = Some(now);
    let owner = read_tenant(transaction, request.tenant).await?;
    write(transaction, &request);
    tell(transaction, told("request.withdraw", &owner, &request), request.tenant);
    Ok(request)
}

/// Requests after `page.after`, of one tenant or of all, in one state or in any.
pub(crate) async fn all(
    transaction: &mut Transaction,
    tenant: Option<TenantId>,
    state: Option<State>,
    page: &Page<OperatorRequestId>,
) -> Result<Vec<OperatorRequest>> {
    let is_asked =
        |request: &OperatorRequest| request.state != State::Draft && state.is_none_or(|state| request.state == state);
    let after = page.after.map_or(0, |id| id.0);
    if let Some(tenant) = tenant {
        let mut found = of_tenant(transaction, tenant).await?;
        found.retain(|request| request.id.0 > after && is_asked(request));
        found.truncate(page.limit);
        return Ok(found);
    }
    let prefix = key::operator_requests();
    let mut found = Vec::new();
    let mut after = page.after.map(|id| prefix.clone().int(id.0));
    loop {
        let pairs = list::page(transaction, &prefix, after, LOOK_REQUESTS).await?;
        for pair in &pairs {
            let id = OperatorRequestId(last_int(&prefix, &pair.key)?);
            let request = record::decode(id, &pair.value)?;
            if is_asked(&request) {
                found.push(request);
            }
            if found.len() >= page.limit {
                return Ok(found);
            }
        }
        match pairs.last() {
            Some(last) if pairs.len() == LOOK_REQUESTS => {
                after = Some(prefix.clone().int(last_int(&prefix, &last.key)?));
            }
            _ => return Ok(found),
        }
    }
}

/// All parts of a document.
pub(crate) async fn document(
    transaction: &mut Transaction,
    id: OperatorRequestId,
    number: usize,
) -> Result<(Document, Vec<u8>)> {
    let request = need(transaction, id).await?;
    let missing = || Error::not_found("document", number + 1);
    let document = *request.documents.get(number).ok_or_else(missing)?;
    let range: KeyRange = key::operator_document(id, number).range();
    let query = RangeQuery {
        mode: ReadMode::Snapshot,
        ..RangeQuery::all(range)
    };
    let parts = transaction.get_range_all(query).await?;
    let file = parts.iter().flat_map(|part| part.value.iter().copied()).collect();
    Ok((document, file))
}
