//! /api/migrations: mail from other systems (MIG), and /api/members/{address}/migrations: a member's own part (MIG-5, LOG-9).

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use hongyan_access::permission::{Action, Reach};
use hongyan_directory::AccountRecord;
use hongyan_migration::{
    Counts, Credentials, Delegation, Migration as Record, MigrationError, MigrationId, MigrationState, Moving,
    MovingState, NewMigration, Protocol, Source, Tls, presets,
};
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, Address, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Body};
use crate::caller::{Caller, parse_address};
use crate::page::{self, Page};
use crate::problem::{Failure, Problem, Result};
use crate::tag::Whose;

/// The mail of a domain on its way here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Migration {
    id: u64,
    /// `moving`, `paused` or `ended`.
    state: &'static str,
    /// `imap` or `pop3`.
    protocol: &'static str,
    host: String,
    port: u16,
    /// `implicit`, `starttls` or `none`.
    tls: &'static str,
    source_domain: String,
    target_domain: String,
    /// The administrator's account there that reads all others, if there is one.
    administrator: Option<String>,
    /// How it names them: `authzid`, `backslash` or `star`.
    delegation: Option<&'static str>,
    new_accounts: bool,
    tell_members: bool,
    author: String,
    created_millis: i64,
    /// Until when accounts and passwords are taken.
    accepts_until_millis: i64,
    ended_millis: Option<i64>,
    counts: MigrationCounts,
}

/// How many accounts are in which state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MigrationCounts {
    all: u64,
    not_started: u64,
    preparing: u64,
    running: u64,
    /// The source, or the mailbox, needs time.
    waiting: u64,
    done: u64,
    failed: u64,
    given_up: u64,
}

/// An account of a migration.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MigratedAccount {
    migration: u64,
    address: String,
    /// Its login name at the source.
    login: String,
    /// `not-started`, `preparing`, `running`, `waiting`, `done`, `failed` or `given-up`.
    state: &'static str,
    /// Why it waits, failed or was given up.
    reason: String,
    /// Messages at the source.
    total: u64,
    imported: u64,
    /// Messages that were here already.
    present: u64,
    /// Messages that did not come.
    failed: u64,
    has_password: bool,
    started_millis: Option<i64>,
    /// When it is tried again, while it waits.
    next_try_millis: Option<i64>,
    finished_millis: Option<i64>,
}

/// A message that did not come, or a folder that became another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MigrationTrouble {
    number: u64,
    folder: String,
    /// Its UID or UIDL; empty for the folder itself.
    message: String,
    octets: Option<u64>,
    reason: String,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = MigrationProtocol)]
enum ProtocolWord {
    Imap,
    Pop3,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = MigrationTls)]
enum TlsWord {
    #[default]
    Implicit,
    Starttls,
    None,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = MigrationDelegation)]
enum DelegationWord {
    #[default]
    Authzid,
    Backslash,
    Star,
}

/// Where mail comes from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MigrationSource)]
pub(crate) struct Origin {
    /// A known provider, in place of host, port and TLS.
    provider: Option<String>,
    protocol: ProtocolWord,
    /// Its name or address.
    host: Option<String>,
    /// Without it, the usual one.
    #[schema(minimum = 1)]
    port: Option<u16>,
    #[serde(default)]
    tls: TlsWord,
}

/// The administrator's account of the source that reads all others (MIG-8).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MigrationAdministrator)]
pub(crate) struct Administrator {
    login: String,
    password: String,
    /// How it names the account that it reads.
    #[serde(default)]
    delegation: DelegationWord,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMigration)]
pub(crate) struct Create {
    source: Origin,
    /// The domain of the addresses at the source.
    source_domain: String,
    /// The domain here whose members get the mail; without it, the same.
    target_domain: Option<String>,
    administrator: Option<Administrator>,
    /// Members that are added within 30 days are taken in too.
    #[serde(default)]
    new_accounts: bool,
    /// Members are told by mail.
    #[serde(default)]
    tell_members: bool,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = MigrationStateChange)]
enum StateWord {
    Moving,
    Paused,
    Ended,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MigrationChange)]
pub(crate) struct Change {
    /// `ended` is for good: what was moved stays, and old passwords are deleted.
    state: StateWord,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MigrationTest)]
pub(crate) struct Test {
    source: Origin,
    /// The account to try.
    login: String,
    /// Its password, or the administrator's.
    password: String,
    /// The administrator's account there, if it is to be tried.
    administrator: Option<String>,
    #[serde(default)]
    delegation: DelegationWord,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

/// What a source said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MigrationTested {
    good: bool,
    /// Why not.
    reason: String,
    folders: Option<u64>,
    /// Messages in its inbox.
    messages: Option<u64>,
}

/// A provider that is known.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MigrationProvider {
    name: &'static str,
    title: &'static str,
    imap: Option<&'static str>,
    pop3: Option<&'static str>,
    /// What is to be done there first.
    note: &'static str,
}

/// Providers that are known.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MigrationProviders {
    items: Vec<MigrationProvider>,
}

/// One point of the list before a migration.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MigrationCheck {
    /// `source-name`, `source-not-here`, `source-open`, `accounts` or `passwords`.
    name: &'static str,
    good: bool,
    detail: String,
}

/// The list before a migration.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MigrationChecks {
    items: Vec<MigrationCheck>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct List {
    /// The `next` of the page before.
    after: Option<u64>,
    /// Items of the page, at most 1000.
    limit: Option<usize>,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AccountsQuery {
    /// Only those in this state.
    state: Option<String>,
    /// The `next` of the page before.
    after: Option<u64>,
    /// Items of the page, at most 1000.
    limit: Option<usize>,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MigrationPassword)]
pub(crate) struct Password {
    /// The login name at the source; without it, the one that is there.
    login: Option<String>,
    password: String,
}

/// What became of a list of passwords.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MigrationPasswords {
    /// Accounts that begin.
    taken: usize,
}

/// Those of a member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberMigrations {
    items: Vec<MigratedAccount>,
}

impl From<MigrationError> for Problem {
    fn from(error: MigrationError) -> Self {
        match error {
            MigrationError::Invalid(detail) => Self::invalid(detail),
            MigrationError::Directory(error) => error.into(),
            MigrationError::Seal(error) => Self::unavailable(error.to_string()),
        }
    }
}

impl Origin {
    fn read(self) -> Result<Source> {
        let protocol = match self.protocol {
            ProtocolWord::Imap => Protocol::Imap,
            ProtocolWord::Pop3 => Protocol::Pop3,
        };
        if let Some(name) = &self.provider {
            let known = presets().find(|preset| preset.name == name.as_str());
            let known = known.ok_or_else(|| Problem::invalid(format!("provider: {name} is not known")))?;
            let source = known.source(protocol);
            return source.ok_or_else(|| Problem::invalid(format!("provider: {name} has no {}", protocol.label())));
        }
        let host = self.host;
        let host = host.ok_or_else(|| Problem::invalid("host: name the source, or a provider"))?;
        let tls = match self.tls {
            TlsWord::Implicit => Tls::Implicit,
            TlsWord::Starttls => Tls::Upgrade,
            TlsWord::None => Tls::None,
        };
        Ok(Source {
            protocol,
            host,
            port: self.port.unwrap_or_else(|| Source::usual_port(protocol, tls)),
            tls,
        })
    }
}

impl DelegationWord {
    fn read(self) -> Delegation {
        match self {
            Self::Authzid => Delegation::Authzid,
            Self::Backslash => Delegation::Backslash,
            Self::Star => Delegation::Star,
        }
    }
}

fn view(migration: Record, counts: &Counts) -> Migration {
    let (administrator, delegation) = migration.delegated.unzip();
    Migration {
        id: migration.id.0,
        state: migration.state.label(),
        protocol: migration.source.protocol.label(),
        host: migration.source.host,
        port: migration.source.port,
        tls: migration.source.tls.label(),
        source_domain: migration.source_domain,
        target_domain: migration.target_domain,
        administrator,
        delegation: delegation.map(Delegation::label),
        new_accounts: migration.takes_new,
        tell_members: migration.tells,
        author: migration.author.name,
        created_millis: migration.created.millis,
        accepts_until_millis: migration.accepts_until.millis,
        ended_millis: migration.ended.map(|ended| ended.millis),
        counts: MigrationCounts {
            all: counts.all(),
            not_started: counts.of(MovingState::NotStarted),
            preparing: counts.of(MovingState::Preparing),
            running: counts.of(MovingState::Running),
            waiting: counts.of(MovingState::Waiting),
            done: counts.of(MovingState::Done),
            failed: counts.of(MovingState::Failed),
            given_up: counts.of(MovingState::GivenUp),
        },
    }
}

fn view_account(id: MigrationId, moving: Moving) -> MigratedAccount {
    let waits = moving.state == MovingState::Waiting;
    MigratedAccount {
        migration: id.0,
        address: moving.address,
        login: moving.login,
        state: moving.state.label(),
        reason: moving.reason,
        total: moving.total,
        imported: moving.imported,
        present: moving.present,
        failed: moving.failed,
        has_password: moving.has_password,
        started_millis: moving.since.map(|since| since.millis),
        next_try_millis: moving.ready.filter(|_| waits).map(|ready| ready.millis),
        finished_millis: moving.finished.map(|finished| finished.millis),
    }
}

fn parse(id: &str) -> Result<MigrationId> {
    let id = id.parse();
    Ok(MigrationId(
        id.map_err(|_| Problem::invalid("a migration is named by its number"))?,
    ))
}

/// The migration of that number, for who may do `action` over the whole organisation.
async fn whole(caller: &Caller, action: Action, id: &str, whose: Option<&str>) -> Result<(TenantId, MigrationId)> {
    let tenant = caller.organisation(whose).await?;
    caller.within_whole(action, tenant)?;
    Ok((tenant, parse(id)?))
}

/// Providers that are known, with what is to be done there first.
#[utoipa::path(get, path = "/api/migration-providers", responses((status = 200, body = MigrationProviders), Failure))]
pub(crate) async fn providers(_: Caller) -> Json<MigrationProviders> {
    let items = presets().map(|preset| MigrationProvider {
        name: preset.name,
        title: preset.title,
        imap: preset.imap,
        pop3: preset.pop3,
        note: preset.note,
    });
    Json(MigrationProviders { items: items.collect() })
}

/// Tries a source with any one account. Nothing is kept of it.
#[utoipa::path(post, path = "/api/migration-test", request_body = Test, responses((status = 200, body = MigrationTested), Failure))]
pub(crate) async fn test(caller: Caller, Body(asked): Body<Test>) -> Result<Json<MigrationTested>> {
    let tenant = caller.organisation(asked.organisation.as_deref()).await?;
    caller.within_whole(Action::ChangeMigrations, tenant)?;
    let (source, password) = (asked.source.read()?, Secret::new(asked.password));
    let administrator = asked.administrator.as_deref();
    let delegated = administrator.map(|login| (login, asked.delegation.read()));
    let tested = caller
        .migrations
        .test(&source, &asked.login, &password, delegated)
        .await?;
    Ok(Json(MigrationTested {
        good: tested.good,
        reason: tested.reason,
        folders: tested.folders,
        messages: tested.messages,
    }))
}

/// The migrations of an organisation, the latest first.
#[utoipa::path(get, path = "/api/migrations", params(List), responses((status = 200, body = Page<Migration>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<List>) -> Result<Json<Page<Migration>>> {
    let tenant = caller.organisation(query.organisation.as_deref()).await?;
    caller.within_whole(Action::ReadMigrations, tenant)?;
    let limit = page::limit(query.limit);
    let found = caller
        .migrations
        .list(tenant, query.after.map(MigrationId), limit)
        .await?;
    let items = found
        .into_iter()
        .map(|(migration, counts)| view(migration, &counts))
        .collect();
    Ok(Json(Page::new(items, limit, |item: &Migration| item.id.to_string())))
}

/// Begins to move the mail of a domain. It takes the members of that domain in; each begins once its old password is known, or at
/// once where an administrator's account reads all.
#[utoipa::path(post, path = "/api/migrations", request_body = Create, responses((status = 201, body = Migration), Failure))]
pub(crate) async fn create(caller: Caller, Body(asked): Body<Create>) -> Result<(StatusCode, Json<Migration>)> {
    let tenant = caller.organisation(asked.organisation.as_deref()).await?;
    caller.within_whole(Action::ChangeMigrations, tenant)?;
    caller.check_proof()?;
    let new = NewMigration {
        source: asked.source.read()?,
        target_domain: asked.target_domain.unwrap_or_else(|| asked.source_domain.clone()),
        source_domain: asked.source_domain,
        delegated: asked
            .administrator
            .map(|admin| (admin.login, admin.delegation.read(), Secret::new(admin.password))),
        takes_new: asked.new_accounts,
        tells: asked.tell_members,
    };
    let made = caller.migrations.create(tenant, caller.actor.author(), new).await?;
    let (migration, counts) = caller.migrations.show(tenant, made.id).await?;
    Ok((StatusCode::CREATED, Json(view(migration, &counts))))
}

/// A migration: how far it is.
#[utoipa::path(get, path = "/api/migrations/{id}", params(("id" = u64, Path), Whose), responses((status = 200, body = Migration), Failure))]
pub(crate) async fn show(
    caller: Caller,
    Path(id): Path<String>,
    Asked(whose): Asked<Whose>,
) -> Result<Json<Migration>> {
    let (tenant, id) = whole(&caller, Action::ReadMigrations, &id, whose.organisation.as_deref()).await?;
    let (migration, counts) = caller.migrations.show(tenant, id).await?;
    Ok(Json(view(migration, &counts)))
}

/// Pauses, continues or ends a migration; what is under way stops.
#[utoipa::path(patch, path = "/api/migrations/{id}", params(("id" = u64, Path), Whose), request_body = Change, responses((status = 200, body = Migration), Failure))]
pub(crate) async fn change(
    caller: Caller,
    Path(id): Path<String>,
    Asked(whose): Asked<Whose>,
    Body(change): Body<Change>,
) -> Result<Json<Migration>> {
    let (tenant, id) = whole(&caller, Action::ChangeMigrations, &id, whose.organisation.as_deref()).await?;
    let state = match change.state {
        StateWord::Moving => MigrationState::Moving,
        StateWord::Paused => MigrationState::Paused,
        StateWord::Ended => MigrationState::Ended,
    };
    let (migration, counts) = caller.migrations.set_state(tenant, id, state).await?;
    Ok(Json(view(migration, &counts)))
}

/// Looks over what a migration needs: the source, accounts, passwords.
#[utoipa::path(get, path = "/api/migrations/{id}/checks", params(("id" = u64, Path), Whose), responses((status = 200, body = MigrationChecks), Failure))]
pub(crate) async fn checks(
    caller: Caller,
    Path(id): Path<String>,
    Asked(whose): Asked<Whose>,
) -> Result<Json<MigrationChecks>> {
    let (tenant, id) = whole(&caller, Action::ReadMigrations, &id, whose.organisation.as_deref()).await?;
    let checks = caller.migrations.check(tenant, id).await?;
    let items = checks.into_iter().map(|check| MigrationCheck {
        name: check.name,
        good: check.good,
        detail: check.detail,
    });
    Ok(Json(MigrationChecks { items: items.collect() }))
}

/// The accounts of a migration; who manages departments alone sees those of their own.
#[utoipa::path(get, path = "/api/migrations/{id}/accounts", params(("id" = u64, Path), AccountsQuery), responses((status = 200, body = Page<MigratedAccount>), Failure))]
pub(crate) async fn accounts(
    caller: Caller,
    Path(id): Path<String>,
    Asked(query): Asked<AccountsQuery>,
) -> Result<Json<Page<MigratedAccount>>> {
    let (tenant, reach) = caller
        .within(Action::ReadMigrations, query.organisation.as_deref())
        .await?;
    let id = parse(&id)?;
    let state = query.state.as_deref().map(|word| {
        let known = MovingState::ALL.into_iter().find(|state| state.label() == word);
        known.ok_or_else(|| Problem::invalid(format!("state: {word} is none")))
    });
    let (after, limit) = (query.after.map(AccountId), page::limit(query.limit));
    let found = caller
        .migrations
        .accounts(tenant, id, state.transpose()?, after, limit)
        .await?;
    let next = page::next(&found, limit, |moving| moving.account.0.to_string());
    let mut items = Vec::with_capacity(found.len());
    for moving in found {
        if reach != Reach::Organisation && !is_in_reach(&caller, &moving).await? {
            continue;
        }
        items.push(view_account(id, moving));
    }
    Ok(Json(Page::with_next(items, next)))
}

async fn is_in_reach(caller: &Caller, moving: &Moving) -> Result<bool> {
    let Some(account) = caller.directory.account(moving.account).await? else {
        return Ok(false);
    };
    let permitted = caller.permit_member(Action::ReadMigrations, &account, &account.address);
    Ok(permitted.await.is_ok())
}

/// The account of a migration, for who may do `action` with it.
async fn one(
    caller: &Caller,
    action: Action,
    id: &str,
    address: &str,
) -> Result<(std::sync::Arc<AccountRecord>, MigrationId)> {
    let account = caller.member_or_me(action, address).await?;
    Ok((account, parse(id)?))
}

/// An account of a migration. `me` is the caller.
#[utoipa::path(get, path = "/api/migrations/{id}/accounts/{address}", params(("id" = u64, Path), ("address" = String, Path)), responses((status = 200, body = MigratedAccount), Failure))]
pub(crate) async fn account(
    caller: Caller,
    Path((id, address)): Path<(String, String)>,
) -> Result<Json<MigratedAccount>> {
    let (account, id) = one(&caller, Action::ReadMigrations, &id, &address).await?;
    let moving = caller.migrations.account(account.tenant, id, account.id).await?;
    Ok(Json(view_account(id, moving)))
}

/// What did not come of an account, and folders that became others. `me` is the caller.
#[utoipa::path(get, path = "/api/migrations/{id}/accounts/{address}/troubles", params(("id" = u64, Path), ("address" = String, Path), List), responses((status = 200, body = Page<MigrationTrouble>), Failure))]
pub(crate) async fn troubles(
    caller: Caller,
    Path((id, address)): Path<(String, String)>,
    Asked(query): Asked<List>,
) -> Result<Json<Page<MigrationTrouble>>> {
    let (account, id) = one(&caller, Action::ReadMigrations, &id, &address).await?;
    let limit = page::limit(query.limit);
    let found = caller
        .migrations
        .troubles(account.tenant, (id, account.id), query.after.unwrap_or(0), limit)
        .await?;
    let items = found.into_iter().map(|(number, trouble)| MigrationTrouble {
        number,
        folder: trouble.folder,
        message: trouble.message,
        octets: trouble.octets,
        reason: trouble.reason,
    });
    let token = |item: &MigrationTrouble| item.number.to_string();
    Ok(Json(Page::new(items.collect(), limit, token)))
}

/// Gives the old password of an account: fetching begins, or begins anew. `me` is the caller.
#[utoipa::path(put, path = "/api/migrations/{id}/accounts/{address}/password", params(("id" = u64, Path), ("address" = String, Path)), request_body = Password, responses((status = 200, body = MigratedAccount), Failure))]
pub(crate) async fn set_password(
    caller: Caller,
    Path((id, address)): Path<(String, String)>,
    Body(asked): Body<Password>,
) -> Result<Json<MigratedAccount>> {
    let (account, id) = one(&caller, Action::ChangeMigrations, &id, &address).await?;
    let credentials = [Credentials {
        account: account.id,
        login: asked.login,
        password: Secret::new(asked.password),
    }];
    caller
        .migrations
        .set_passwords(account.tenant, id, &credentials)
        .await?;
    let moving = caller.migrations.account(account.tenant, id, account.id).await?;
    Ok(Json(view_account(id, moving)))
}

/// Takes the old password of an account back. `me` is the caller.
#[utoipa::path(delete, path = "/api/migrations/{id}/accounts/{address}/password", params(("id" = u64, Path), ("address" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove_password(caller: Caller, Path((id, address)): Path<(String, String)>) -> Result<StatusCode> {
    let (account, id) = one(&caller, Action::ChangeMigrations, &id, &address).await?;
    caller
        .migrations
        .remove_password(account.tenant, id, account.id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A line of a list of passwords.
struct Row {
    line: u64,
    address: Address,
    login: Option<String>,
    password: String,
}

/// The rows of a list: address, login name (may be empty) and password, or address and password; a head may stand above.
fn rows(octets: &[u8], max: usize) -> Result<Vec<Row>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets));
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| Problem::invalid(format!("the list cannot be read: {error}")))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cells: Vec<&str> = record.iter().map(str::trim).collect();
        if line == 1 && cells.first().is_some_and(|cell| cell.eq_ignore_ascii_case("address")) {
            continue;
        }
        let wrong = |what: &str| Problem::invalid(format!("line {line}: {what}"));
        let (address, login, password) = match cells.as_slice() {
            [address, password] => (*address, "", *password),
            [address, login, password] => (*address, *login, *password),
            _ => return Err(wrong("address, login name, password are wanted")),
        };
        let address = parse_address(address).map_err(|problem| wrong(&problem.detail))?;
        rows.push(Row {
            line,
            address,
            login: (!login.is_empty()).then(|| login.to_owned()),
            password: password.to_owned(),
        });
        if rows.len() > max {
            return Err(Problem::too_large("password_rows_max", max as u64));
        }
    }
    Ok(rows)
}

/// Gives old passwords from a list (CSV: address, login name at the source or nothing, password). All of them or none are taken.
#[utoipa::path(post, path = "/api/migrations/{id}/passwords", params(("id" = u64, Path), Whose), request_body(content((String = "text/csv"))), responses((status = 200, body = MigrationPasswords), Failure))]
pub(crate) async fn set_passwords(
    caller: Caller,
    Path(id): Path<String>,
    Asked(whose): Asked<Whose>,
    headers: HeaderMap,
    octets: Result<Bytes, BytesRejection>,
) -> Result<Json<MigrationPasswords>> {
    let (tenant, _) = caller
        .within(Action::ChangeMigrations, whose.organisation.as_deref())
        .await?;
    let id = parse(&id)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("text/csv")) {
        return Err(Problem::invalid("Content-Type: text/csv"));
    }
    let options = caller.migrations.options();
    let octets = octets.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::too_large("password_file_octets_max", options.password_file_octets_max as u64)
        }
        _ => Problem::invalid(rejection.body_text()),
    })?;
    let rows = rows(&octets, options.password_rows_max)?;
    let mut credentials = BTreeMap::new();
    for row in rows {
        let wrong = |what: String| Problem::invalid(format!("line {}: {what}", row.line));
        let found = caller.member(Action::ChangeMigrations, &row.address.to_string()).await;
        let account = found.map_err(|problem| wrong(problem.detail.to_string()))?;
        let moving = caller.migrations.account(tenant, id, account.id).await;
        moving.map_err(|error| wrong(error.to_string()))?;
        let credential = Credentials {
            account: account.id,
            login: row.login,
            password: Secret::new(row.password),
        };
        if credentials.insert(account.id, credential).is_some() {
            return Err(wrong(format!("{} is there twice", row.address)));
        }
    }
    let credentials: Vec<Credentials> = credentials.into_values().collect();
    caller.migrations.set_passwords(tenant, id, &credentials).await?;
    Ok(Json(MigrationPasswords {
        taken: credentials.len(),
    }))
}

/// The migrations that a member is part of, the latest first. `me` is the caller.
#[utoipa::path(get, path = "/api/members/{address}/migrations", params(("address" = String, Path)), responses((status = 200, body = MemberMigrations), Failure))]
pub(crate) async fn of_member(caller: Caller, Path(address): Path<String>) -> Result<Json<MemberMigrations>> {
    let account = caller.member_or_me(Action::ReadMigrations, &address).await?;
    let found = caller.migrations.of_account(account.id).await?;
    let items = found
        .into_iter()
        .map(|(migration, moving)| view_account(migration.id, moving));
    Ok(Json(MemberMigrations { items: items.collect() }))
}
