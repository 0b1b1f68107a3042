//! /api/members/{address}/mails: mails from a file into a mailbox (MIG-13).

use axum::Json;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, header};
use futures_util::StreamExt;
use hongyan_access::permission::Action;
use hongyan_audit::{Chain, Event};
use hongyan_migration::{ImportError, ImportFormat, NewImport};
use hongyan_types::{Flag, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::Asked;
use crate::caller::Caller;
use crate::problem::{Failure, Problem, Result};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Import {
    /// Where they go, levels with `/` between; made when it is missing. Without it, the inbox.
    #[serde(default)]
    folder: String,
    /// Their flags and keywords, with commas between, such as `\Seen,\Flagged`.
    #[serde(default)]
    flags: String,
    /// When they came, where the file does not say so.
    received_millis: Option<i64>,
    /// When an import of several files began: what came later counts as the same in its own folder only.
    since_millis: Option<i64>,
}

/// What became of the mails of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportedMails {
    imported: u64,
    /// They were there already: same Message-ID, date and size.
    present: u64,
    failed: u64,
    /// Why, the first hundred.
    troubles: Vec<ImportTrouble>,
}

/// A mail that did not come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportTrouble {
    /// Which of the file's.
    mail: String,
    reason: String,
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Full(_) => hongyan_mailbox::MailboxError::OverQuota.into(),
            ImportError::Unavailable(detail) => Self::unavailable(detail),
        }
    }
}

fn format_of(headers: &HeaderMap) -> Result<ImportFormat> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    match kind.unwrap_or_default().split(';').next().unwrap_or_default().trim() {
        "application/mbox" => Ok(ImportFormat::Mbox),
        "message/rfc822" => Ok(ImportFormat::Eml),
        _ => Err(Problem::invalid("Content-Type: application/mbox or message/rfc822")),
    }
}

/// Puts mails from a file into a mailbox; those that are there already are passed over. `me` is the caller. Nothing is triggered
/// by them. Sent again after a failure, the same file brings the rest.
#[utoipa::path(post, path = "/api/members/{address}/mails", params(("address" = String, Path), Import), request_body(content((Vec<u8> = "application/mbox"), (Vec<u8> = "message/rfc822"))), responses((status = 200, body = ImportedMails), Failure))]
pub(crate) async fn import(
    caller: Caller,
    Path(address): Path<String>,
    Asked(query): Asked<Import>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ImportedMails>> {
    let account = caller.member_or_me(Action::ChangeMigrations, &address).await?;
    let format = format_of(&headers)?;
    let words = query.flags.split(',').map(str::trim).filter(|word| !word.is_empty());
    let flags =
        words.map(|word| Flag::try_from(word).map_err(|error| Problem::invalid(format!("flags: {word}: {error}"))));
    let timestamp = |millis: Option<i64>| millis.map(|millis| Timestamp { millis });
    let new = NewImport {
        folder: query.folder,
        flags: flags.collect::<Result<_>>()?,
        received: timestamp(query.received_millis),
        since: timestamp(query.since_millis),
    };
    if !caller.is(&account) {
        let event = Event::new("member.import-mails", &account.address).id(account.id.0);
        caller.directory.record(Chain::Tenant(account.tenant), event).await?;
    }
    let mut import = caller.migrations.import(&account, format, new).await?;
    let mut octets = body.into_data_stream();
    while let Some(piece) = octets.next().await {
        let piece = piece.map_err(|error| Problem::invalid(format!("the file broke off: {error}")))?;
        import.push(&piece).await?;
    }
    let done = import.finish().await?;
    let troubles = done.troubles.into_iter().map(|trouble| ImportTrouble {
        mail: trouble.message,
        reason: trouble.reason,
    });
    Ok(Json(ImportedMails {
        imported: done.imported,
        present: done.present,
        failed: done.failed,
        troubles: troubles.collect(),
    }))
}
