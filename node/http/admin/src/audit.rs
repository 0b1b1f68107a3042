//! /api/audit, /api/audit/verify

use axum::Json;
use hongyan_access::permission::{Action, Needs, Reach, Refusal};
use hongyan_audit::{Anchor, Chain, Event, Filter, Recorded, Verdict, Whole};
use hongyan_types::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::Asked;
use crate::caller::Caller;
use crate::kept::Kept;
use crate::page;
use crate::problem::{Failure, Problem, Result};

/// What someone did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// Its number in the log, from 1 without gaps.
    sequence: u64,
    at_millis: i64,
    /// `system`, `operator`, `member` or `token`.
    author_kind: String,
    /// Who, by the address or name of that time.
    author: String,
    /// Where from.
    from: String,
    /// `<object>.<verb>`.
    action: String,
    kind: OperationKind,
    /// To what.
    object: String,
    id: Option<u64>,
    fields: Vec<AuditField>,
    /// Over this entry and all before it.
    hash: String,
}

/// Kinds of operations (STAT-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OperationKind {
    /// Who may manage what.
    Administrators,
    /// The organisation's data, domains, plan and pages.
    Organisation,
    /// Members, departments, tags, groups, invitations, shared mailboxes and the recycle bin.
    MembersAndGroups,
    /// How members sign in, and what is open to clients and programs.
    Protocols,
    /// What members may do and get: delegation, forwarding, recovery.
    MemberPermissions,
    /// Reading and taking logs, statistics and lists.
    Logs,
    /// Tasks.
    Tasks,
    /// The cluster, the queue, the installation.
    Installation,
}

impl OperationKind {
    /// The kind of an action.
    fn of(action: &str) -> Self {
        let (object, verb) = action.split_once('.').unwrap_or((action, ""));
        match (object, verb) {
            ("role", _) => Self::Administrators,
            (
                "organisation",
                "sign-in-policy" | "single-sign-on" | "remove-single-sign-on" | "ldap" | "remove-ldap",
            ) => Self::Protocols,
            ("organisation" | "domain" | "plan", _) => Self::Organisation,
            ("token" | "webhook" | "oauth-client" | "session", _) => Self::Protocols,
            ("member", "acts" | "deleted-mails" | "scan-mails") => Self::Logs,
            (
                "member",
                "set-password" | "add-oauth-grant" | "remove-oauth-grant" | "distrust-device" | "end-sessions"
                | "refuse-sign-in" | "link-identity" | "unlink-identity" | "passkey-counter" | "oauth-replay",
            ) => Self::Protocols,
            ("member", "restore-mails" | "clean-mails" | "preferences") | ("mailbox", _) => Self::MemberPermissions,
            ("audit" | "logins" | "mail-log" | "statistics" | "list" | "mail", _) => Self::Logs,
            ("task", _) => Self::Tasks,
            ("cluster" | "queue" | "secrets", _) => Self::Installation,
            _ => Self::MembersAndGroups,
        }
    }
}

/// What became of a field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditField {
    field: String,
    before: Option<String>,
    after: Option<String>,
}

/// Part of the log, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditPage {
    items: Vec<AuditEntry>,
    /// What to ask for as `after`; nothing at the end.
    next: Option<String>,
    /// What of the time asked for is missing, and why.
    note: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Whose log, by name; needed only from operators of several organisations.
    organisation: Option<String>,
    /// The installation's log instead: what operators do.
    #[serde(default)]
    installation: bool,
    /// The `next` of the page before.
    after: Option<String>,
    limit: Option<usize>,
    /// Not before this moment.
    from_millis: Option<i64>,
    /// Before this moment.
    until_millis: Option<i64>,
    /// Part of who.
    author: Option<String>,
    /// Beginning of the action, such as `member.`
    action: Option<String>,
    /// Part of the object.
    object: Option<String>,
    /// Only operations of this kind. A page may have few items, or none, and others follow.
    kind: Option<OperationKind>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct VerifyQuery {
    organisation: Option<String>,
    #[serde(default)]
    installation: bool,
    /// The number of an entry that was noted earlier, with its hash.
    sequence: Option<u64>,
    hash: Option<String>,
}

/// Whether a log is as it was written.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Verified {
    whole: bool,
    /// The last entry when it is whole, else the first that is not as it was written.
    sequence: u64,
    /// The last entry's hash: note it elsewhere.
    hash: Option<String>,
    /// The first entry that is kept, where earlier ones were kept long enough and removed.
    first: Option<u64>,
    /// What is older than this moment was removed.
    since_millis: Option<i64>,
    /// Whether the entry that was noted is still kept, so that it proves something.
    noted_is_kept: Option<bool>,
    /// What is wrong.
    reason: Option<String>,
}

async fn chain(caller: &Caller, organisation: Option<&str>, installation: bool) -> Result<Chain> {
    if installation {
        caller.permit_operator(Action::ReadInstallationAudit)?;
        return Ok(Chain::Installation);
    }
    let (tenant, reach) = caller.within(Action::ReadAudit, organisation).await?;
    if reach != Reach::Organisation {
        // The log is the whole organisation's.
        return Err(Refusal::Needs(Needs::Super).into());
    }
    Ok(Chain::Tenant(tenant))
}

fn view(recorded: Recorded) -> AuditEntry {
    let entry = recorded.entry;
    let fields = entry.fields.into_iter().map(|change| AuditField {
        field: change.field,
        before: change.before,
        after: change.after,
    });
    AuditEntry {
        sequence: recorded.sequence,
        at_millis: entry.at.millis,
        author_kind: entry.author.kind.label().to_owned(),
        author: entry.author.name,
        from: entry.author.from,
        kind: OperationKind::of(&entry.action),
        action: entry.action,
        object: entry.object,
        id: entry.id,
        fields: fields.collect(),
        hash: recorded.hash.to_string(),
    }
}

/// Who did what, the newest first.
#[utoipa::path(get, path = "/api/audit", params(Query), responses((status = 200, body = AuditPage), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<Query>) -> Result<Json<AuditPage>> {
    let chain = chain(&caller, query.organisation.as_deref(), query.installation).await?;
    let before = page::after(query.after.as_deref(), |token| token.parse().ok())?;
    let kept = Kept::of_chain(&caller, chain, query.from_millis).await?;
    let filter = Filter {
        from: Some(kept.from),
        until: query.until_millis.map(|millis| Timestamp { millis }),
        author: query.author,
        action: query.action,
        object: query.object,
    };
    let limit = page::limit(query.limit);
    let found = caller.directory.audit().list(chain, &filter, before, limit).await;
    let found = found.map_err(hongyan_directory::Error::from)?;
    if query.after.is_none() {
        // Whoever reads the log is in it, from the next look on.
        let read = Event::new("audit.read", "audit log");
        caller.directory.record(chain, read).await?;
    }
    Ok(Json(AuditPage {
        items: found
            .entries
            .into_iter()
            .map(view)
            .filter(|entry| query.kind.is_none_or(|kind| entry.kind == kind))
            .collect(),
        next: found.next.map(|next| next.to_string()),
        note: kept.note,
    }))
}

/// Goes through a log and says whether every entry follows from the one before.
#[utoipa::path(get, path = "/api/audit/verify", params(VerifyQuery), responses((status = 200, body = Verified), Failure))]
pub(crate) async fn verify(caller: Caller, Asked(query): Asked<VerifyQuery>) -> Result<Json<Verified>> {
    let chain = chain(&caller, query.organisation.as_deref(), query.installation).await?;
    let anchor = match (query.sequence, &query.hash) {
        (None, None) => None,
        (Some(sequence), Some(hash)) => Some(Anchor {
            sequence,
            hash: hash
                .parse()
                .map_err(|error| Problem::invalid(format!("hash: {error}")))?,
        }),
        _ => return Err(Problem::invalid("sequence and hash belong together")),
    };
    let verdict = caller.directory.audit().verify(chain, anchor).await;
    let verdict = verdict.map_err(hongyan_directory::Error::from)?;
    Ok(Json(match verdict {
        Verdict::Whole(Whole { end, cut }) => Verified {
            whole: true,
            sequence: end.sequence,
            hash: Some(end.hash.to_string()),
            first: cut.map(|cut| cut.last.sequence + 1),
            since_millis: cut.map(|cut| cut.until.millis),
            noted_is_kept: anchor.map(|anchor| cut.is_none_or(|cut| anchor.sequence >= cut.last.sequence)),
            reason: None,
        },
        Verdict::Broken { sequence, reason } => Verified {
            whole: false,
            sequence,
            hash: None,
            first: None,
            since_millis: None,
            noted_is_kept: None,
            reason: Some(reason),
        },
    }))
}
