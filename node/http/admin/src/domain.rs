//! /api/domains

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Object, Refusal, permit};
use hongyan_directory::{
    ClaimRecord, DomainChange, DomainCheck, DomainRecord, DomainWork, Error, Field, Proved, ProvenBy,
};
use hongyan_http_discovery::{Claimed, check_claim, check_domain};
use hongyan_migration::{MigrationId, MigrationState};
use hongyan_types::{Domain, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::organisation::present_field;
use crate::page::{Page, PageQuery};
use crate::problem::{Failure, Problem, Result};

/// Migrations looked at in one read.
const MIGRATIONS_AT_ONCE: usize = 100;
const DAY_MILLIS: i64 = 24 * 3600 * 1000;
/// Steps of a move that are done before it is answered; the rest follows in the background.
const STEPS_AT_ONCE: usize = 50;

/// A mail domain, or a claim to one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DomainView {
    domain: String,
    /// As people write it.
    name: String,
    /// Whose it is.
    organisation: String,
    state: DomainState,
    catch_all: Option<String>,
    /// The domain that it is another name of.
    alias_of: Option<String>,
    /// Its addresses are going over to that one.
    moving: bool,
    created_millis: i64,
    /// When its name servers proved whose it is; null when the operator said so.
    proven_millis: Option<i64>,
    /// When this state ends by itself: a claim expires or takes over, a removal is carried out.
    until_millis: Option<i64>,
    /// What name servers have to say for a claim: either of the two.
    ownership: Option<OwnershipView>,
    /// When its registration ends, as its registry says (DOM-11); null where that is not known.
    registered_until_millis: Option<i64>,
    /// What they said last of its records.
    check: Option<CheckView>,
    /// What registers its host names with an authority, in the administrators' words.
    licence: String,
    /// Whether it is lent by the operator until the organisation has its own.
    trial: bool,
    /// When administrators are reminded of that.
    licence_reminder_millis: Option<i64>,
}

/// Where a domain stands (DOM-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum DomainState {
    /// Nothing proves yet whose it is: it takes and sends no mail.
    OwnershipCheck,
    /// Another organisation has it, and loses it then.
    Waiting,
    /// Not proven in time: it is looked for again when asked.
    Expired,
    /// It works here; its records do not all lead here.
    DnsCheck,
    /// All is as it is to be.
    Normal,
    /// It takes no mail, and goes with all in it then.
    Removing,
}

/// What proves whose a domain is (DOM-4).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnershipView {
    txt_name: String,
    txt: String,
    cname_name: String,
    cname: Option<String>,
}

/// The last look at a domain's records.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckView {
    at_millis: i64,
    /// All that mail needs to come was found when name servers last answered.
    receives: bool,
    /// Since when that is no longer so.
    lost_millis: Option<i64>,
    /// What is not as it is to be, a line each.
    wrong: Vec<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDomain)]
pub(crate) struct Create {
    domain: String,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DomainChange)]
pub(crate) struct Change {
    /// An address of the tenant; null for none.
    #[serde(default, deserialize_with = "present_field")]
    catch_all: Option<Option<String>>,
    /// The domain that it is another name of; null for none.
    #[serde(default, deserialize_with = "present_field")]
    alias_of: Option<Option<String>>,
    /// What registers its host names with an authority, at most 500 characters.
    licence: Option<String>,
    /// When administrators are reminded of that by mail; null never.
    #[serde(default, deserialize_with = "present_field")]
    licence_reminder_millis: Option<Option<i64>>,
    /// The same, in days from now.
    licence_reminder_days: Option<u32>,
}

/// Whose domain is meant.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhoseQuery {
    /// By name; needed only from operators, where several organisations claim a domain.
    organisation: Option<String>,
}

/// The domain typed in once more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DomainRemoval)]
pub(crate) struct Removal {
    domain: String,
}

/// Where addresses go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DomainMove)]
pub(crate) struct Move {
    /// Another domain of the organisation.
    to: String,
}

/// What goes with a domain.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DomainUseView {
    /// Members and shared mailboxes without another address: they go, with their mail.
    members_gone: u64,
    /// Those whose other address becomes their main one.
    members_kept: u64,
    /// Further addresses of members.
    aliases: u64,
    groups: u64,
    /// Mailboxes in the recycle bin.
    recycled: u64,
    /// There are more than were counted.
    more: bool,
    /// When they go; null while the domain stays.
    until_millis: Option<i64>,
}

/// A domain, or what someone says is theirs.
pub(crate) enum Held {
    Domain(DomainRecord),
    Claim(ClaimRecord),
}

pub(crate) fn parse(text: &str) -> Result<Domain> {
    Domain::try_from(text).map_err(|error| Problem::invalid(format!("{text}: {error}")))
}

fn missing(name: &Domain) -> Problem {
    let (what, name) = ("domain", name.to_string());
    Error::NotFound { what, name }.into()
}

async fn view(caller: &Caller, record: &DomainRecord) -> Result<DomainView> {
    let catch_all = match record.catch_all {
        Some(id) => caller.directory.account(id).await?,
        None => None,
    };
    let check = caller.directory.domain_check(&record.domain).await?;
    let ends = check.as_ref().and_then(|check| check.registration.ends);
    Ok(DomainView {
        domain: record.domain.to_string(),
        name: record.domain.to_unicode(),
        organisation: caller.directory.tenant(record.tenant).await?.name.clone(),
        state: match &check {
            _ if record.removal.is_some() => DomainState::Removing,
            Some(check) if check.receives => DomainState::Normal,
            _ => DomainState::DnsCheck,
        },
        catch_all: catch_all.map(|account| account.address.to_string()),
        alias_of: record.alias_of.as_ref().map(ToString::to_string),
        moving: record.moving,
        created_millis: record.created.millis,
        proven_millis: record.proven.map(|at| at.millis),
        until_millis: record.removal.map(|at| at.millis),
        ownership: None,
        registered_until_millis: ends.map(|at| at.millis),
        check: check.map(check_view),
        licence: record.licence.clone(),
        trial: record.trial,
        licence_reminder_millis: record.licence_reminder.map(|at| at.millis),
    })
}

fn check_view(check: DomainCheck) -> CheckView {
    CheckView {
        at_millis: check.at.millis,
        receives: check.receives,
        lost_millis: check.lost.map(|at| at.millis),
        wrong: check.wrong,
    }
}

async fn view_claim(caller: &Caller, claim: &ClaimRecord) -> Result<DomainView> {
    let host = caller
        .publishing
        .as_ref()
        .and_then(|known| known.offer.mail_hosts.first());
    let (name, ends) = (&claim.domain, claim.takes_over.unwrap_or(claim.expires));
    Ok(DomainView {
        domain: name.to_string(),
        name: name.to_unicode(),
        organisation: caller.directory.tenant(claim.tenant).await?.name.clone(),
        state: match claim.takes_over {
            Some(_) => DomainState::Waiting,
            None if claim.expires <= caller.directory.now() => DomainState::Expired,
            None => DomainState::OwnershipCheck,
        },
        catch_all: None,
        alias_of: None,
        moving: false,
        created_millis: claim.created.millis,
        proven_millis: None,
        until_millis: Some(ends.millis),
        ownership: Some(OwnershipView {
            txt_name: format!("_hongyan.{name}"),
            txt: claim.text(),
            cname_name: format!("{}.{name}", claim.label()),
            cname: host.map(ToString::to_string),
        }),
        registered_until_millis: None,
        check: None,
        licence: String::new(),
        trial: false,
        licence_reminder_millis: None,
    })
}

async fn view_held(caller: &Caller, held: &Held) -> Result<DomainView> {
    match held {
        Held::Domain(record) => view(caller, record).await,
        Held::Claim(claim) => view_claim(caller, claim).await,
    }
}

/// The domain of that name, to do `action` to it. One of another organisation is not there, and nor is a claim.
pub(crate) async fn named(caller: &Caller, action: Action, name: &str) -> Result<DomainRecord> {
    let name = parse(name)?;
    let record = caller.directory.domain(&name).await?;
    match permit(&caller.actor, action, &Object::organisation(record.tenant)) {
        Err(Refusal::Hidden) => Err(missing(&name)),
        permitted => {
            permitted?;
            Ok(DomainRecord::clone(&record))
        }
    }
}

/// The domain of that name or the claim to it, likewise.
pub(crate) async fn held(caller: &Caller, action: Action, name: &str, whose: &WhoseQuery) -> Result<Held> {
    let domain = parse(name)?;
    let tenant: Option<TenantId> = match (caller.actor.tenant(), &whose.organisation) {
        (None, None) => None,
        (_, name) => Some(caller.organisation(name.as_deref()).await?),
    };
    match caller.directory.domain(&domain).await {
        Ok(record) if tenant.is_none_or(|tenant| tenant == record.tenant) => {
            return Ok(Held::Domain(named(caller, action, name).await?));
        }
        Ok(_) | Err(Error::NotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let mut claims = match tenant {
        Some(tenant) => Vec::from_iter(caller.directory.claim(tenant, &domain).await?),
        None => caller.directory.claims_to(&domain).await?,
    };
    let claim = claims.pop().ok_or_else(|| missing(&domain))?;
    if !claims.is_empty() {
        return Err(Problem::invalid("several organisations claim it: say which"));
    }
    caller.permit(action, &Object::organisation(claim.tenant))?;
    Ok(Held::Claim(claim))
}

/// The domains of an organisation, with those that it claims.
#[utoipa::path(get, path = "/api/domains", params(PageQuery), responses((status = 200, body = Page<DomainView>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<PageQuery>) -> Result<Json<Page<DomainView>>> {
    let (owner, _) = caller
        .within(Action::ReadDomains, query.organisation.as_deref())
        .await?;
    let (after, limit) = (query.after.as_deref().map(parse).transpose()?, query.limit());
    let mut domains = Vec::new();
    for record in caller.directory.domains(owner, after.clone(), limit).await? {
        domains.push(view(&caller, &record).await?);
    }
    for claim in caller.directory.claims(owner, after, limit).await? {
        domains.push(view_claim(&caller, &claim).await?);
    }
    domains.sort_by(|one, other| one.domain.cmp(&other.domain));
    domains.truncate(limit);
    Ok(Json(Page::new(domains, limit, |domain| domain.domain.clone())))
}

/// Gives a domain to an organisation. What its own administrators add has to be proven first: until then it takes and sends
/// no mail.
#[utoipa::path(post, path = "/api/domains", request_body = Create, responses((status = 201, body = DomainView), Failure))]
pub(crate) async fn create(caller: Caller, Body(new): Body<Create>) -> Result<(StatusCode, Json<DomainView>)> {
    let (owner, _) = caller
        .within(Action::ChangeDomains, new.organisation.as_deref())
        .await?;
    let domain = parse(&new.domain)?;
    let held = match caller.actor.tenant() {
        None => Held::Domain(caller.directory.create_domain(owner, &domain).await?),
        Some(_) => Held::Claim(caller.directory.claim_domain(owner, &domain).await?),
    };
    Ok((StatusCode::CREATED, Json(view_held(&caller, &held).await?)))
}

/// A domain.
#[utoipa::path(get, path = "/api/domains/{domain}", params(("domain" = String, Path), WhoseQuery), responses((status = 200, body = DomainView), Failure))]
pub(crate) async fn show(
    caller: Caller,
    Path(name): Path<String>,
    Asked(whose): Asked<WhoseQuery>,
) -> Result<Json<DomainView>> {
    let held = held(&caller, Action::ReadDomains, &name, &whose).await?;
    Ok(Json(view_held(&caller, &held).await?))
}

/// Says who gets mail for addresses that nobody has, what there is to say of its licence, or makes it another name of a domain.
#[utoipa::path(patch, path = "/api/domains/{domain}", params(("domain" = String, Path)), request_body = Change, responses((status = 200, body = DomainView), Failure))]
pub(crate) async fn change(
    caller: Caller,
    Path(name): Path<String>,
    Body(change): Body<Change>,
) -> Result<Json<DomainView>> {
    let record = named(&caller, Action::ChangeDomains, &name).await?;
    let catch_all = match change.catch_all {
        None => Field::Keep,
        Some(None) => Field::Set(None),
        Some(Some(address)) => Field::Set(Some(caller.member(Action::ReadMembers, &address).await?.id)),
    };
    let alias_of = match change.alias_of {
        None => Field::Keep,
        Some(None) => Field::Set(None),
        Some(Some(main)) => Field::Set(Some(named(&caller, Action::ChangeDomains, &main).await?.domain)),
    };
    let reminder = match change.licence_reminder_days {
        Some(days) => Some(Some(
            caller
                .directory
                .now()
                .millis
                .saturating_add(i64::from(days) * DAY_MILLIS),
        )),
        None => change.licence_reminder_millis,
    };
    let change = DomainChange {
        catch_all,
        alias_of,
        licence: change.licence.into(),
        licence_reminder: Field::from(reminder.map(|at| at.map(|millis| Timestamp { millis }))),
    };
    let record = caller.directory.change_domain(&record.domain, &change).await?;
    Ok(Json(view(&caller, &record).await?))
}

/// Removes a domain that has no addresses any more, or gives a claim up.
#[utoipa::path(delete, path = "/api/domains/{domain}", params(("domain" = String, Path), WhoseQuery), responses((status = 204), Failure))]
pub(crate) async fn delete(
    caller: Caller,
    Path(name): Path<String>,
    Asked(whose): Asked<WhoseQuery>,
) -> Result<StatusCode> {
    match held(&caller, Action::ChangeDomains, &name, &whose).await? {
        Held::Domain(record) => caller.directory.delete_domain(&record.domain).await?,
        Held::Claim(claim) => caller.directory.drop_claim(claim.tenant, &claim.domain).await?,
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Asks name servers now, and notes what they say.
#[utoipa::path(post, path = "/api/domains/{domain}/check", params(("domain" = String, Path), WhoseQuery), responses((status = 200, body = DomainView), Failure))]
pub(crate) async fn check(
    caller: Caller,
    Path(name): Path<String>,
    Asked(whose): Asked<WhoseQuery>,
) -> Result<Json<DomainView>> {
    let held = held(&caller, Action::ChangeDomains, &name, &whose).await?;
    let Some(checker) = &caller.publishing else {
        return Err(Problem::not_found("nothing is offered to the world here"));
    };
    let directory = &caller.directory;
    let held = match held {
        Held::Domain(record) => Held::Domain(record),
        Held::Claim(claim) => {
            let claim = directory.renew_claim(claim.tenant, &claim.domain).await?;
            match check_claim(directory, checker, claim).await? {
                Claimed::Proved(Proved::Domain(record)) => Held::Domain(record),
                Claimed::Proved(Proved::Waits { claim, .. }) | Claimed::Unproved(claim) => Held::Claim(claim),
                Claimed::NoAnswer(_, error) => return Err(Problem::unanswered(&error)),
            }
        }
    };
    if let Held::Domain(record) = &held {
        check_domain(directory, checker, &record.domain).await?;
    }
    Ok(Json(view_held(&caller, &held).await?))
}

/// Says, as the operator, that a claim is true.
#[utoipa::path(post, path = "/api/domains/{domain}/confirmation", params(("domain" = String, Path), WhoseQuery), responses((status = 200, body = DomainView), Failure))]
pub(crate) async fn confirm(
    caller: Caller,
    Path(name): Path<String>,
    Asked(whose): Asked<WhoseQuery>,
) -> Result<Json<DomainView>> {
    caller.permit_operator(Action::ManageOrganisations)?;
    let held = match held(&caller, Action::ChangeDomains, &name, &whose).await? {
        Held::Domain(record) => Held::Domain(record),
        Held::Claim(claim) => {
            let proved = caller
                .directory
                .prove_domain(claim.tenant, &claim.domain, ProvenBy::Operator);
            match proved.await? {
                Proved::Domain(record) => Held::Domain(record),
                Proved::Waits { claim, .. } => Held::Claim(claim),
            }
        }
    };
    Ok(Json(view_held(&caller, &held).await?))
}

async fn use_of(caller: &Caller, record: &DomainRecord) -> Result<Json<DomainUseView>> {
    let used = caller.directory.domain_use(&record.domain).await?;
    Ok(Json(DomainUseView {
        members_gone: used.members_gone,
        members_kept: used.members_kept,
        aliases: used.aliases,
        groups: used.groups,
        recycled: used.recycled,
        more: used.more,
        until_millis: record.removal.map(|at| at.millis),
    }))
}

/// What goes with a domain when it is removed.
#[utoipa::path(get, path = "/api/domains/{domain}/removal", params(("domain" = String, Path)), responses((status = 200, body = DomainUseView), Failure))]
pub(crate) async fn removal(caller: Caller, Path(name): Path<String>) -> Result<Json<DomainUseView>> {
    let record = named(&caller, Action::ReadDomains, &name).await?;
    use_of(&caller, &record).await
}

/// Refuses a domain that mail of another system is on its way into.
async fn check_no_migration(caller: &Caller, record: &DomainRecord) -> Result<()> {
    let mut before: Option<MigrationId> = None;
    loop {
        let found = caller
            .migrations
            .list(record.tenant, before, MIGRATIONS_AT_ONCE)
            .await?;
        for (migration, _) in &found {
            if migration.state != MigrationState::Ended && migration.target_domain == record.domain.as_str() {
                return Err(Error::InUse {
                    what: "domain",
                    name: record.domain.to_string(),
                    by: format!("migration {} brings mail into it: end that first", migration.id.0),
                }
                .into());
            }
        }
        match found.last() {
            Some((last, _)) if found.len() == MIGRATIONS_AT_ONCE => before = Some(last.id),
            _ => return Ok(()),
        }
    }
}

/// Removes a domain with everyone in it, seven days from now: it takes no mail from now on. Needs a fresh proof.
#[utoipa::path(post, path = "/api/domains/{domain}/removal", params(("domain" = String, Path)), request_body = Removal, responses((status = 200, body = DomainUseView), Failure))]
pub(crate) async fn remove(
    caller: Caller,
    Path(name): Path<String>,
    Body(asked): Body<Removal>,
) -> Result<Json<DomainUseView>> {
    let record = named(&caller, Action::ChangeDomains, &name).await?;
    caller.check_proof()?;
    if parse(&asked.domain)? != record.domain {
        let name = record.domain.to_unicode();
        return Err(Problem::invalid(format!("type the domain in once more: {name}")));
    }
    check_no_migration(&caller, &record).await?;
    let record = caller.directory.remove_domain(&record.domain).await?;
    use_of(&caller, &record).await
}

/// Keeps a domain that was to be removed.
#[utoipa::path(delete, path = "/api/domains/{domain}/removal", params(("domain" = String, Path)), responses((status = 200, body = DomainView), Failure))]
pub(crate) async fn keep(caller: Caller, Path(name): Path<String>) -> Result<Json<DomainView>> {
    let record = named(&caller, Action::ChangeDomains, &name).await?;
    let record = caller.directory.keep_domain(&record.domain).await?;
    Ok(Json(view(&caller, &record).await?))
}

/// Moves all addresses to another domain of the organisation; this one becomes another name of it.
#[utoipa::path(post, path = "/api/domains/{domain}/move", params(("domain" = String, Path)), request_body = Move, responses((status = 200, body = DomainView), Failure))]
pub(crate) async fn move_to(
    caller: Caller,
    Path(name): Path<String>,
    Body(asked): Body<Move>,
) -> Result<Json<DomainView>> {
    let from = named(&caller, Action::ChangeDomains, &name).await?;
    let to = named(&caller, Action::ChangeDomains, &asked.to).await?;
    caller.directory.move_domain(&from.domain, &to.domain).await?;
    for _ in 0..STEPS_AT_ONCE {
        if !caller.directory.step_domain(&from.domain, DomainWork::Move).await? {
            break;
        }
    }
    let record = caller.directory.domain(&from.domain).await?;
    Ok(Json(view(&caller, &record).await?))
}
