//! /api/members/{address}/clean-up: old, large or otherwise chosen mails are shown, and those that were chosen go (RS-11).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::Path;
use hongyan_access::permission::Action;
use hongyan_audit::{Chain, Event};
use hongyan_directory::AccountRecord;
use hongyan_mailbox::{
    Acting, Client, Email, Expunge, FolderId, FolderInfo, FolderRef, FolderView, ListFolders, MailboxError, MailboxId,
    MessageEntry, OpenFolder, read_emails,
};
use hongyan_message::{AddressItem, words};
use hongyan_types::{Uid, UidSet, UidValidity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::page;
use crate::problem::{Failure, Problem, Result};

/// Mails of a page, and mails that go with one request.
const MAILS_MAX: usize = 200;
/// Mails whose subjects are looked at for one page.
const SUBJECTS_MAX: usize = 5_000;
/// Records read together.
const TOGETHER: usize = 100;
/// How long a mailbox may take.
const WITHIN: Duration = Duration::from_secs(10);
const DAY_MILLIS: i64 = 86_400_000;

/// What to look for: one of age, size and subject.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MailsScan)]
pub(crate) struct Scan {
    /// Only in these folders, by path; everywhere unless said.
    folders: Option<Vec<String>>,
    /// Mails that came so many days ago or earlier.
    older_than_days: Option<u32>,
    /// Mails that came then or later, in milliseconds since the Unix epoch.
    from_millis: Option<i64>,
    /// Mails that came before.
    until_millis: Option<i64>,
    /// Mails of more octets.
    larger_than_octets: Option<u64>,
    /// Mails with this in their subject, without regard to case.
    subject: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of the page, at most 200.
    limit: Option<usize>,
}

/// A mail that was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScannedMail {
    /// What to name it by.
    id: String,
    folder: String,
    received_millis: i64,
    from: Vec<String>,
    subject: String,
    octets: u64,
}

/// Part of what was found, by folder, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MailsScanned {
    items: Vec<ScannedMail>,
    /// What to ask for as `after`; nothing at the end. A page may have few items, or none, and others follow.
    next: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MailsCleaning)]
pub(crate) struct Wanted {
    /// Which, at most 200.
    ids: Vec<String>,
}

/// What became of them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MailsCleaned {
    /// How many are gone now; each can be had back for a while.
    cleaned: u64,
    /// Those that were not there, or not any more.
    missing: Vec<String>,
}

/// The criterion.
enum Wants {
    Came(Option<i64>, Option<i64>),
    Larger(u64),
    Subject(String),
}

impl Wants {
    fn read(scan: &Scan, now_millis: i64) -> Result<Self> {
        let range = scan.from_millis.is_some() || scan.until_millis.is_some();
        let said = [
            scan.older_than_days.is_some(),
            range,
            scan.larger_than_octets.is_some(),
            scan.subject.is_some(),
        ];
        if said.into_iter().filter(|said| *said).count() != 1 {
            let detail = "say one of older_than_days, from_millis and until_millis, larger_than_octets, subject";
            return Err(Problem::invalid(detail));
        }
        if let Some(days) = scan.older_than_days {
            let until = now_millis.saturating_sub(i64::from(days) * DAY_MILLIS);
            return Ok(Self::Came(None, Some(until)));
        }
        if let Some(octets) = scan.larger_than_octets {
            return Ok(Self::Larger(octets));
        }
        match scan.subject.as_deref().map(str::trim) {
            Some("") => Err(Problem::invalid("subject is empty")),
            Some(subject) => Ok(Self::Subject(subject.to_lowercase())),
            None => Ok(Self::Came(scan.from_millis, scan.until_millis)),
        }
    }
    fn may_be(&self, entry: &MessageEntry) -> bool {
        let came = entry.internal_date.millis;
        match self {
            Self::Came(from, until) => from.is_none_or(|from| came >= from) && until.is_none_or(|until| came < until),
            Self::Larger(octets) => entry.octets.0 > *octets,
            Self::Subject(_) => true,
        }
    }
    fn is(&self, subject: &str) -> bool {
        match self {
            Self::Subject(part) => subject.to_lowercase().contains(part),
            Self::Came(..) | Self::Larger(_) => true,
        }
    }
}

/// One mail in one folder: folder, its life, number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    folder: FolderId,
    life: u32,
    uid: Uid,
}

impl Place {
    fn write(self) -> String {
        format!("{:x}-{:x}-{:x}", self.folder.0, self.life, self.uid.get())
    }
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('-').map(|part| u32::from_str_radix(part, 16).ok());
        let (folder, life, uid) = (parts.next()??, parts.next()??, parts.next()??);
        let uid = Uid::new(uid)?;
        parts.next().is_none().then_some(Self {
            folder: FolderId(folder),
            life,
            uid,
        })
    }
}

/// The member, for themselves or someone who may look into their mail: that takes a fresh proof and is in the audit log.
async fn owner(caller: &Caller, address: &str, event: &'static str, mails: Option<usize>) -> Result<MailboxId> {
    let account: Arc<AccountRecord> = caller.member_or_me(Action::CleanMails, address).await?;
    if !caller.is(&account) {
        caller.check_proof()?;
        let event = Event::new(event, &account.address).id(account.id.0);
        let event = match mails {
            Some(mails) => event.with("mails", mails),
            None => event,
        };
        caller.directory.record(Chain::Tenant(account.tenant), event).await?;
    }
    Ok(MailboxId {
        tenant: account.tenant,
        account: account.id,
    })
}

/// The folders to look into, in the order of their ids.
async fn chosen(caller: &Caller, mailbox: MailboxId, scan: &Scan) -> Result<Vec<FolderInfo>> {
    let listed = caller.router.ask(&mailbox, ListFolders, WITHIN).await??;
    let mut folders: Vec<FolderInfo> = listed.folders.to_vec();
    if let Some(wanted) = &scan.folders {
        let is_there = |path: &&String| !folders.iter().any(|folder| folder.path.as_str() == path.as_str());
        if let Some(missing) = wanted.iter().find(is_there) {
            return Err(Problem::not_found(format!("{missing}: there is no such folder")));
        }
        folders.retain(|folder| wanted.iter().any(|path| folder.path.as_str() == path.as_str()));
    }
    folders.sort_unstable_by_key(|folder| folder.id);
    Ok(folders)
}

async fn open(caller: &Caller, mailbox: MailboxId, folder: FolderId) -> Result<Option<FolderView>> {
    let folder = FolderRef::Id(folder);
    match caller.router.ask(&mailbox, OpenFolder { folder }, WITHIN).await? {
        Ok(opened) => Ok(Some(opened.view)),
        Err(MailboxError::NoSuchFolder) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn view(place: Place, folder: &FolderInfo, entry: &MessageEntry, email: &Email) -> ScannedMail {
    let envelope = &email.structure.envelope;
    let from = envelope.from.iter().filter_map(|item| match item {
        AddressItem::Mailbox(mailbox) => {
            let domain = mailbox.domain.as_deref().unwrap_or_default();
            Some(format!("{}@{domain}", mailbox.local))
        }
        AddressItem::GroupStart(_) | AddressItem::GroupEnd => None,
    });
    ScannedMail {
        id: place.write(),
        folder: folder.path.as_str().to_owned(),
        received_millis: entry.internal_date.millis,
        from: from.collect(),
        subject: words::decode(envelope.subject.as_deref().unwrap_or_default()).into_owned(),
        octets: entry.octets.0,
    }
}

/// Mails of a member's mailbox that are older, larger, or about something, a page at a time. `me` is the caller. Nothing goes.
#[utoipa::path(post, path = "/api/members/{address}/clean-up/scan", params(("address" = String, Path)), request_body = Scan, responses((status = 200, body = MailsScanned), Failure))]
pub(crate) async fn scan(
    caller: Caller,
    Path(address): Path<String>,
    Body(scan): Body<Scan>,
) -> Result<Json<MailsScanned>> {
    let wants = Wants::read(&scan, caller.access.now().millis)?;
    let limit = scan.limit.unwrap_or(MAILS_MAX).clamp(1, MAILS_MAX);
    let after = page::after(scan.after.as_deref(), Place::read)?;
    let mailbox = owner(&caller, &address, "member.scan-mails", None).await?;
    let mut items = Vec::new();
    let mut looked = 0;
    for folder in chosen(&caller, mailbox, &scan).await? {
        if after.is_some_and(|after| folder.id < after.folder) {
            continue;
        }
        let Some(opened) = open(&caller, mailbox, folder.id).await? else {
            continue;
        };
        let life = opened.uid_validity().get();
        // A folder that has begun anew is looked at from the start.
        let seen = after.filter(|after| after.folder == folder.id && after.life == life);
        let entries: Vec<&MessageEntry> = opened
            .iter()
            .filter(|entry| seen.is_none_or(|seen| entry.uid > seen.uid) && wants.may_be(entry))
            .collect();
        for some in entries.chunks(TOGETHER) {
            let ids: Vec<_> = some.iter().map(|entry| entry.email).collect();
            let emails = read_emails(caller.directory.database(), mailbox, &ids).await;
            let emails = emails.map_err(hongyan_directory::Error::from)?;
            for (entry, email) in some.iter().zip(emails) {
                let place = Place {
                    folder: folder.id,
                    life,
                    uid: entry.uid,
                };
                looked += 1;
                // What went meanwhile is not there any more.
                let found = email.map(|email| view(place, &folder, entry, &email));
                items.extend(found.filter(|found| wants.is(&found.subject)));
                if items.len() == limit || looked == SUBJECTS_MAX {
                    let next = Some(place.write());
                    return Ok(Json(MailsScanned { items, next }));
                }
            }
        }
    }
    Ok(Json(MailsScanned { items, next: None }))
}

/// Deletes mails that a scan has shown, at most 200 at a time. `me` is the caller. They can be had back for a while, as anything that is
/// deleted for good.
#[utoipa::path(post, path = "/api/members/{address}/clean-up", params(("address" = String, Path)), request_body = Wanted, responses((status = 200, body = MailsCleaned), Failure))]
pub(crate) async fn clean(
    caller: Caller,
    Path(address): Path<String>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<MailsCleaned>> {
    if wanted.ids.len() > MAILS_MAX {
        return Err(Problem::too_large("ids", MAILS_MAX as u64));
    }
    let mut folders: BTreeMap<FolderId, Vec<(Place, String)>> = BTreeMap::new();
    for id in wanted.ids {
        let invalid = || Problem::invalid(format!("{id} is no id that a scan has shown"));
        let place = Place::read(&id).ok_or_else(invalid)?;
        folders.entry(place.folder).or_default().push((place, id));
    }
    let mails = folders.values().map(Vec::len).sum();
    let mailbox = owner(&caller, &address, "member.clean-mails", Some(mails)).await?;
    let mut cleaned = MailsCleaned {
        cleaned: 0,
        missing: Vec::new(),
    };
    for (folder, places) in folders {
        clean_folder(&caller, mailbox, folder, places, &mut cleaned).await?;
    }
    Ok(Json(cleaned))
}

async fn clean_folder(
    caller: &Caller,
    mailbox: MailboxId,
    folder: FolderId,
    places: Vec<(Place, String)>,
    cleaned: &mut MailsCleaned,
) -> Result<()> {
    let opened = open(caller, mailbox, folder).await?;
    // In another life of the folder its numbers mean other mails.
    let life = opened.map(|opened| opened.uid_validity()).map(UidValidity::get);
    let (there, gone): (Vec<_>, Vec<_>) = places.into_iter().partition(|(place, _)| Some(place.life) == life);
    cleaned.missing.extend(gone.into_iter().map(|(_, id)| id));
    if there.is_empty() {
        return Ok(());
    }
    let mut uids = UidSet::new();
    there.iter().for_each(|(place, _)| uids.insert(place.uid));
    let request = Expunge {
        folder,
        uids: Some(uids),
        deleted_only: false,
    };
    let actor = match &caller.actor {
        hongyan_access::permission::Actor::Person(person) if person.account != mailbox.account => Some(person.account),
        _ => None,
    };
    let request = Acting::new(request, actor).through(Client::Jmap);
    let expunged = match caller.router.ask(&mailbox, request, WITHIN).await? {
        Ok(reply) => reply.expunged,
        Err(MailboxError::NoSuchFolder) => UidSet::new(),
        Err(error) => return Err(error.into()),
    };
    for (place, id) in there {
        match expunged.contains(place.uid) {
            true => cleaned.cleaned += 1,
            false => cleaned.missing.push(id),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let place = Place {
            folder: FolderId(300),
            life: 1_767_225_600,
            uid: Uid::new(u32::MAX).unwrap(),
        };
        assert_eq!(Place::read(&place.write()), Some(place));
        for wrong in ["", "1-2", "1-2-0", "1-2-3-4", "1--3", "g-1-1", "1-1-100000000"] {
            assert_eq!(Place::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn rs_11_a_scan_has_one_criterion() {
        let read = |text: &str| Wants::read(&serde_json::from_str(text).unwrap(), 10 * DAY_MILLIS);
        assert!(read("{}").is_err());
        assert!(read(r#"{"subject": " "}"#).is_err());
        assert!(read(r#"{"subject": "x", "larger_than_octets": 3}"#).is_err());
        assert!(matches!(
            read(r#"{"older_than_days": 3}"#),
            Ok(Wants::Came(None, Some(until))) if until == 7 * DAY_MILLIS
        ));
        assert!(matches!(
            read(r#"{"from_millis": 1, "until_millis": 5}"#),
            Ok(Wants::Came(Some(1), Some(5)))
        ));
        assert!(matches!(read(r#"{"subject": " X "}"#), Ok(Wants::Subject(part)) if part == "x"));
    }
}
