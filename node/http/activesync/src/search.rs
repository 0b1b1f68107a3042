//! Search and Find: people, and mails by words, folder and time ([MS-ASCMD] §2.2.1.16 and §2.2.1.2). Mails are looked into as IMAP
//! does, the newest first.

use std::collections::BTreeSet;

use axum::response::Response;
use hongyan_activesync::command::find::{FindQuery, FindRequest, FindResponse, FindResult, FindStatus};
use hongyan_activesync::command::search::{
    MailQuery, ResultRange, SearchQuery, SearchRequest, SearchResponse, SearchResult, SearchStatus,
};
use hongyan_activesync::command::sync::SyncOptions;
use hongyan_activesync::{BodyPreference, BodyType, Element, EmailData};
use hongyan_mailbox::search::{Needle, Place, fold, look};
use hongyan_mailbox::{Email, EmailId, FolderId, FolderInfo, FolderView, read_emails};
use hongyan_types::Uid;

use crate::answer::{Found, body};
use crate::asking::{Asking, folder_name, message_name, read_folder};
use crate::mail::email_data;
use crate::people::people;

/// Mails whose records are in memory together.
const RECORDS: usize = 64;
/// Characters of a preview.
const PREVIEW_CHARACTERS: u16 = 255;

/// A mail that may be found: when it came, in which of the views, and which.
struct Candidate {
    received_millis: i64,
    view: usize,
    uid: Uid,
    email: EmailId,
}

/// Why there are no results.
pub(crate) enum NoResults {
    /// A folder is none.
    NoSuchFolder,
    /// The range begins behind them.
    EndOfRange,
}

impl NoResults {
    fn of_search(&self) -> SearchStatus {
        match self {
            Self::NoSuchFolder => SearchStatus::FolderHierarchyChanged,
            Self::EndOfRange => SearchStatus::EndOfRange,
        }
    }
    fn of_find(&self) -> FindStatus {
        match self {
            Self::NoSuchFolder => FindStatus::FolderHierarchyChanged,
            Self::EndOfRange => FindStatus::EndOfRange,
        }
    }
}

/// What was found: those of a range, from which on, and how many there are in all.
pub(crate) struct Hits<T> {
    first: u32,
    pub(crate) some: Vec<T>,
    total: u32,
}

impl<T> Hits<T> {
    /// The same as they are told.
    pub(crate) fn as_told<R>(&self, some: Vec<R>) -> Hits<R> {
        Hits {
            first: self.first,
            some,
            total: self.total,
        }
    }
    fn map<R>(self, told: impl Fn(T) -> R) -> Hits<R> {
        Hits {
            first: self.first,
            some: self.some.into_iter().map(told).collect(),
            total: self.total,
        }
    }
    /// Which they are.
    fn range(&self) -> Option<ResultRange> {
        let more = u32::try_from(self.some.len()).ok()?.checked_sub(1)?;
        Some(ResultRange {
            first: self.first,
            last: self.first.saturating_add(more),
        })
    }
}

/// The results of a range.
pub(crate) fn cut<T>(all: Vec<T>, range: Option<ResultRange>, results_max: usize) -> Result<Hits<T>, NoResults> {
    let (first, last) = range.map_or((0, u32::MAX), |range| (range.first, range.last));
    let total = u32::try_from(all.len()).unwrap_or(u32::MAX);
    if first > 0 && first >= total {
        return Err(NoResults::EndOfRange);
    }
    let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let wanted = number(last.saturating_sub(first)).saturating_add(1).min(results_max);
    Ok(Hits {
        first,
        some: all.into_iter().skip(number(first)).take(wanted).collect(),
        total,
    })
}

pub(crate) async fn search(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    let request = SearchRequest::read(tree, asking.version)?;
    let found = match &request.query {
        SearchQuery::People(text) => {
            let found = people(asking, text, request.range).await?;
            let found = found.map(|hits| hits.map(SearchResult::Person));
            found.map_err(|none| none.of_search())
        }
        SearchQuery::Mails(query) => match mails(asking, query, request.range).await? {
            Ok(found) => Ok(results(asking, &found, &request.form.options()).await?),
            Err(none) => Err(none.of_search()),
        },
        SearchQuery::Other(_) => Err(SearchStatus::NotFound),
    };
    let response = match found {
        Ok(hits) => SearchResponse {
            status: SearchStatus::Success,
            range: hits.range(),
            results: hits.some,
            total: hits.total,
        },
        Err(status) => SearchResponse {
            status,
            results: Vec::new(),
            range: None,
            total: 0,
        },
    };
    Ok(body(&response.write()))
}

/// What Search tells of mails, as far as there is room for them: the device asks for the rest.
async fn results(asking: &Asking<'_>, found: &FoundMails, options: &SyncOptions) -> Found<Hits<SearchResult>> {
    let mut octets = asking.service.settings.response_octets_max;
    let mut results = Vec::with_capacity(found.hits.some.len());
    for (view, uid) in &found.hits.some {
        if octets == 0 {
            break;
        }
        let Some((folder, data, size)) = told(asking, &found.views, (*view, *uid), options).await? else {
            continue;
        };
        octets = octets.saturating_sub(size);
        results.push(SearchResult::Mail {
            long_id: message_name(folder, *uid),
            collection_id: folder_name(folder),
            data: data.write(asking.version),
        });
    }
    Ok(found.hits.as_told(results))
}

pub(crate) async fn find(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    let request = FindRequest::read(tree, asking.version)?;
    let found = match &request.query {
        FindQuery::People(text) => {
            let found = people(asking, text, request.range).await?;
            found.map(|hits| hits.map(FindResult::Person))
        }
        FindQuery::Mails(query) => match mails(asking, query, request.range).await? {
            Err(none) => Err(none),
            Ok(found) => {
                let mut results = Vec::with_capacity(found.hits.some.len());
                for place in &found.hits.some {
                    results.extend(result(asking, &found.views, *place).await?);
                }
                Ok(found.hits.as_told(results))
            }
        },
    };
    let response = match found {
        Ok(hits) => FindResponse {
            status: FindStatus::Success,
            range: hits.range(),
            results: hits.some,
            total: hits.total,
        },
        Err(none) => FindResponse {
            status: none.of_find(),
            results: Vec::new(),
            range: None,
            total: 0,
        },
    };
    Ok(body(&response.write()))
}

/// What Find tells of a mail: what it is about, not what it says.
async fn result(asking: &Asking<'_>, views: &[FolderView], place: (usize, Uid)) -> Found<Option<FindResult>> {
    let preview = BodyPreference {
        kind: BodyType::Plain,
        truncation_size: Some(0),
        all_or_none: false,
        preview: Some(PREVIEW_CHARACTERS),
    };
    let options = SyncOptions {
        body_preferences: vec![preview],
        ..SyncOptions::default()
    };
    let Some((folder, data, _)) = told(asking, views, place, &options).await? else {
        return Ok(None);
    };
    let short = EmailData {
        from: data.from,
        display_to: data.display_to,
        subject: data.subject,
        date_received: data.date_received,
        importance: data.importance,
        read: data.read,
        is_draft: data.is_draft,
        ..EmailData::default()
    };
    Ok(Some(FindResult::Mail {
        server_id: message_name(folder, place.1),
        collection_id: folder_name(folder),
        data: short.write(asking.version),
        preview: data.body.and_then(|body| body.preview).unwrap_or_default(),
        has_attachments: data.attachments.iter().any(|attachment| !attachment.is_inline),
    }))
}

/// The folder of a mail that was found, the mail, and the octets of its texts; `None` if it went since.
async fn told(
    asking: &Asking<'_>,
    views: &[FolderView],
    (view, uid): (usize, Uid),
    options: &SyncOptions,
) -> Found<Option<(FolderId, EmailData, usize)>> {
    let Some(view) = views.get(view) else {
        return Ok(None);
    };
    let Some(entry) = view.get(uid) else {
        return Ok(None);
    };
    let found = email_data(asking, view, entry, options).await?;
    Ok(found.map(|(data, octets)| (view.folder(), data, octets)))
}

/// Mails that were found, the newest first: in which of the views, and which.
struct FoundMails {
    views: Vec<FolderView>,
    hits: Hits<(usize, Uid)>,
}

async fn mails(
    asking: &Asking<'_>,
    query: &MailQuery,
    range: Option<ResultRange>,
) -> Found<Result<FoundMails, NoResults>> {
    let folders = asking.folders().await?;
    let Some(wanted) = folders_of(query, &folders) else {
        return Ok(Err(NoResults::NoSuchFolder));
    };
    let mut views = Vec::with_capacity(wanted.len());
    for info in wanted {
        if let Some(opened) = asking.open(info.id).await? {
            views.push(opened.view);
        }
    }
    let (after, before) = (query.after, query.before);
    let is_due = |millis: i64| {
        after.is_none_or(|after| millis > after.millis) && before.is_none_or(|before| millis < before.millis)
    };
    let mut candidates = Vec::new();
    for (at, view) in views.iter().enumerate() {
        let due = view.iter().filter(|entry| is_due(entry.internal_date.millis));
        candidates.extend(due.map(|entry| Candidate {
            received_millis: entry.internal_date.millis,
            view: at,
            uid: entry.uid,
            email: entry.email,
        }));
    }
    candidates.sort_unstable_by_key(|candidate| std::cmp::Reverse((candidate.received_millis, candidate.uid.get())));
    let needles = needles(query.free_text.as_deref().unwrap_or_default());
    let found_max = asking.service.settings.found_max;
    let mut places = Vec::new();
    for some in candidates.chunks(RECORDS) {
        let found = match needles.is_empty() {
            true => vec![true; some.len()],
            false => looked_into(asking, some, &needles).await?,
        };
        let found = some.iter().zip(found).filter(|(_, found)| *found);
        places.extend(found.map(|(candidate, _)| (candidate.view, candidate.uid)));
        if places.len() >= found_max {
            // Nobody turns so many pages on a phone: what is older is found with more words.
            places.truncate(found_max);
            break;
        }
    }
    let hits = cut(places, range, asking.service.settings.results_max);
    Ok(hits.map(|hits| FoundMails { views, hits }))
}

/// The folders that are looked into: those that are named, with those in them if that is asked; all where none is.
fn folders_of<'f>(query: &MailQuery, folders: &'f [FolderInfo]) -> Option<Vec<&'f FolderInfo>> {
    if query.collection_ids.is_empty() {
        return Some(folders.iter().collect());
    }
    let ids: Option<BTreeSet<FolderId>> = query.collection_ids.iter().map(|name| read_folder(name)).collect();
    let ids = ids?;
    let named: Vec<&FolderInfo> = folders.iter().filter(|info| ids.contains(&info.id)).collect();
    if named.len() < ids.len() {
        return None;
    }
    let is_wanted = |info: &&FolderInfo| {
        let mut named = named.iter();
        ids.contains(&info.id) || query.deep && named.any(|named| info.path.is_inside(&named.path))
    };
    Some(folders.iter().filter(is_wanted).collect())
}

/// Each word must be somewhere; words in quotation marks stand together.
fn needles(text: &str) -> Vec<Needle> {
    let pieces = text.split('"').enumerate();
    let words = pieces.flat_map(|(at, piece)| match at % 2 {
        0 => piece.split_whitespace().collect(),
        _ => vec![piece.trim()],
    });
    words
        .filter(|word| !word.is_empty())
        .map(|word| Needle {
            place: Place::Everywhere,
            text: fold(word),
        })
        .collect()
}

async fn looked_into(asking: &Asking<'_>, some: &[Candidate], needles: &[Needle]) -> Found<Vec<bool>> {
    let services = &asking.service.services;
    let ids: Vec<EmailId> = some.iter().map(|candidate| candidate.email).collect();
    let records: Vec<Option<Email>> = read_emails(&services.database, asking.mailbox, &ids).await?;
    let mut found = Vec::with_capacity(some.len());
    for mail in records {
        found.push(match mail {
            None => false,
            Some(mail) => match services.blobs.open_blob(asking.mailbox.tenant.0, &mail.blob).await {
                Ok(mut reader) => look(&mut reader, &mail, needles).await?.into_iter().all(|found| found),
                Err(hongyan_blob::BlobError::Missing) => false,
                Err(error) => return Err(error.into()),
            },
        });
        // Others on the arbiter get their turn.
        tokio::task::yield_now().await;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_cut_to_their_range() {
        let check = |range: Option<(u32, u32)>, expect: Option<(&[u8], Option<(u32, u32)>)>| {
            let range = range.map(|(first, last)| ResultRange { first, last });
            let found = cut(vec![1, 2, 3], range, 2).ok();
            let found = found.map(|hits| {
                assert_eq!(hits.total, 3);
                let range = hits.range();
                (hits.some, range.map(|range| (range.first, range.last)))
            });
            let expect = expect.map(|(some, range)| (some.to_vec(), range));
            assert_eq!(found, expect, "{range:?}");
        };
        check(None, Some((&[1, 2], Some((0, 1)))));
        check(Some((0, 0)), Some((&[1], Some((0, 0)))));
        check(Some((1, 99)), Some((&[2, 3], Some((1, 2)))));
        check(Some((3, 4)), None);
        let none = cut(Vec::<u8>::new(), None, 2).ok().unwrap();
        assert_eq!((none.some.len(), none.range(), none.total), (0, None, 0));
    }

    #[test]
    fn words_are_looked_for_one_by_one_but_in_quotation_marks() {
        let words = |text: &str| needles(text).into_iter().map(|needle| needle.text).collect::<Vec<_>>();
        assert_eq!(words("One two"), ["one", "two"]);
        assert_eq!(words("a \"B c\" d"), ["a", "b c", "d"]);
        assert_eq!(words("  \"\" "), Vec::<String>::new());
    }
}
