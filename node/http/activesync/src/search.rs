//! Search and Find: people, and mails by words, folder and time ([MS-ASCMD] §2.2.1.16 and §2.2.1.2). Mails are looked into as IMAP
//! does, the newest first.

use axum::response::Response;
use hongyan_activesync::command::find::{FindQuery, FindRequest, FindResponse, FindResult, FindStatus};
use hongyan_activesync::command::search::{
    MailQuery, ResultRange, SearchQuery, SearchRequest, SearchResponse, SearchResult, SearchStatus,
};
use hongyan_activesync::command::sync::SyncOptions;
use hongyan_activesync::{Element, EmailData};
use hongyan_mailbox::search::{Needle, Place, fold, look};
use hongyan_mailbox::{Email, EmailId, FolderInfo, FolderView, read_emails};
use hongyan_types::Uid;

use crate::answer::{Found, body};
use crate::asking::{Asking, folder_name, read_folder};
use crate::mail::email_data;
use crate::people::people;

/// Mails whose records are in memory together.
const RECORDS: usize = 64;
/// Characters of a preview.
const PREVIEW_CHARACTERS: usize = 255;

/// A mail that may be found: when it came, in which of the views, and which.
struct Candidate {
    received_millis: i64,
    view: usize,
    uid: Uid,
    email: EmailId,
}

/// What was found: those of the range, and how many there are.
struct Hits<T> {
    some: Vec<T>,
    range: Option<ResultRange>,
    total: u32,
}

/// The results of a range; `None` for one that begins behind them.
fn cut<T>(all: Vec<T>, range: Option<ResultRange>, total: usize, results_max: usize) -> Option<Hits<T>> {
    let (first, last) = range.map_or((0, u32::MAX), |range| (range.first, range.last));
    let skipped = usize::try_from(first).ok()?;
    if skipped > 0 && skipped >= all.len() {
        return None;
    }
    let wanted = usize::try_from(last - first).map_or(usize::MAX, |more| more.saturating_add(1));
    let some: Vec<T> = all.into_iter().skip(skipped).take(wanted.min(results_max)).collect();
    let told = u32::try_from(some.len()).ok()?;
    Some(Hits {
        range: told.checked_sub(1).map(|more| ResultRange {
            first,
            last: first.saturating_add(more),
        }),
        some,
        total: u32::try_from(total).unwrap_or(u32::MAX),
    })
}

/// How many results there must be to tell a range of them.
fn reach(range: Option<ResultRange>, results_max: usize) -> usize {
    let end = range.map(|range| usize::try_from(range.last).map_or(usize::MAX, |last| last.saturating_add(1)));
    end.unwrap_or(results_max)
}

pub(crate) async fn search(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    let request = SearchRequest::read(tree, asking.version)?;
    let results_max = asking.service.settings.results_max;
    let answer = |outcome: Result<Hits<SearchResult>, SearchStatus>| {
        let status = outcome.as_ref().err().copied().unwrap_or(SearchStatus::Success);
        let hits = outcome.ok();
        let range = hits.as_ref().and_then(|hits| hits.range);
        let total = hits.as_ref().map_or(0, |hits| hits.total);
        let results = hits.map(|hits| hits.some).unwrap_or_default();
        let response = SearchResponse {
            status,
            results,
            range,
            total,
        };
        Ok(body(&response.write()))
    };
    match &request.query {
        SearchQuery::People(text) => {
            let (found, total) = people(asking, text, reach(request.range, results_max)).await?;
            let found = found.into_iter().map(SearchResult::Person).collect();
            answer(cut(found, request.range, total, results_max).ok_or(SearchStatus::EndOfRange))
        }
        SearchQuery::Mails(query) => {
            let Some(found) = mails(asking, query).await? else {
                return answer(Err(SearchStatus::FolderHierarchyChanged));
            };
            let total = found.places.len();
            let Some(hits) = cut(found.places, request.range, total, results_max) else {
                return answer(Err(SearchStatus::EndOfRange));
            };
            let mut results = Vec::with_capacity(hits.some.len());
            let options = request.options();
            for (view, uid) in hits.some {
                let Some((folder, data)) = told(asking, &found.views, (view, uid), &options).await? else {
                    continue;
                };
                results.push(SearchResult::Mail {
                    long_id: format!("{folder}:{}", uid.get()),
                    collection_id: folder,
                    data: data.write(asking.version),
                });
            }
            answer(Ok(Hits {
                some: results,
                range: hits.range,
                total: hits.total,
            }))
        }
        SearchQuery::Other(_) => answer(Err(SearchStatus::NotFound)),
    }
}

pub(crate) async fn find(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    let request = FindRequest::read(tree, asking.version)?;
    let results_max = asking.service.settings.results_max;
    let refused = |status| {
        let response = FindResponse {
            status,
            results: Vec::new(),
            range: None,
            total: 0,
        };
        Ok(body(&response.write()))
    };
    let (results, range, total) = match &request.query {
        FindQuery::People(text) => {
            let (found, total) = people(asking, text, reach(request.range, results_max)).await?;
            let found = found.into_iter().map(FindResult::Person).collect();
            let Some(hits) = cut(found, request.range, total, results_max) else {
                return refused(FindStatus::EndOfRange);
            };
            (hits.some, hits.range, hits.total)
        }
        FindQuery::Mails(query) => {
            let Some(found) = mails(asking, query).await? else {
                return refused(FindStatus::FolderHierarchyChanged);
            };
            let total = found.places.len();
            let Some(hits) = cut(found.places, request.range, total, results_max) else {
                return refused(FindStatus::EndOfRange);
            };
            let mut results = Vec::with_capacity(hits.some.len());
            for (view, uid) in hits.some {
                results.extend(result(asking, &found.views, (view, uid)).await?);
            }
            (results, hits.range, hits.total)
        }
    };
    let response = FindResponse {
        status: FindStatus::Success,
        results,
        range,
        total,
    };
    Ok(body(&response.write()))
}

/// What Find tells of a mail: what it is about, not what it says.
async fn result(asking: &Asking<'_>, views: &[FolderView], place: (usize, Uid)) -> Found<Option<FindResult>> {
    let found = told(asking, views, place, &SyncOptions::default()).await?;
    let Some((folder, data)) = found else {
        return Ok(None);
    };
    let said = match data.body.and_then(|body| body.data) {
        Some(hongyan_activesync::BodyData::Text(text)) => text,
        _ => String::new(),
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
        server_id: format!("{folder}:{}", place.1.get()),
        collection_id: folder,
        data: short.write(asking.version),
        preview: said.chars().take(PREVIEW_CHARACTERS).collect(),
        has_attachments: data.attachments.iter().any(|attachment| !attachment.is_inline),
    }))
}

/// The folder of a mail that was found, and the mail; `None` if it went since.
async fn told(
    asking: &Asking<'_>,
    views: &[FolderView],
    (view, uid): (usize, Uid),
    options: &SyncOptions,
) -> Found<Option<(String, EmailData)>> {
    let Some(view) = views.get(view) else {
        return Ok(None);
    };
    let Some(entry) = view.get(uid) else {
        return Ok(None);
    };
    let found = email_data(asking, view, entry, options).await?;
    Ok(found.map(|(data, _)| (folder_name(view.folder()), data)))
}

/// Mails that were found, the newest first.
struct FoundMails {
    views: Vec<FolderView>,
    places: Vec<(usize, Uid)>,
}

/// `None` where a folder is none.
async fn mails(asking: &Asking<'_>, query: &MailQuery) -> Found<Option<FoundMails>> {
    let folders = asking.folders().await?;
    let Some(wanted) = folders_of(query, &folders) else {
        return Ok(None);
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
    Ok(Some(FoundMails { views, places }))
}

/// The folders that are looked into: those that are named, with those in them if that is asked; all where none is.
fn folders_of<'f>(query: &MailQuery, folders: &'f [FolderInfo]) -> Option<Vec<&'f FolderInfo>> {
    if query.collection_ids.is_empty() {
        return Some(folders.iter().collect());
    }
    let named = query.collection_ids.iter().map(|name| {
        let id = read_folder(name)?;
        folders.iter().find(|info| info.id == id)
    });
    let named: Option<Vec<&FolderInfo>> = named.collect();
    let named = named?;
    let is_wanted = |info: &&FolderInfo| {
        let mut named = named.iter();
        named.any(|named| info.id == named.id || query.deep && info.path.is_inside(&named.path))
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
            let found = cut(vec![1, 2, 3], range, 9, 2);
            let found = found.map(|hits| {
                assert_eq!(hits.total, 9);
                (hits.some, hits.range.map(|range| (range.first, range.last)))
            });
            let expect = expect.map(|(some, range)| (some.to_vec(), range));
            assert_eq!(found, expect, "{range:?}");
        };
        check(None, Some((&[1, 2], Some((0, 1)))));
        check(Some((0, 0)), Some((&[1], Some((0, 0)))));
        check(Some((1, 99)), Some((&[2, 3], Some((1, 2)))));
        check(Some((3, 4)), None);
        let none = cut(Vec::<u8>::new(), None, 0, 2).unwrap();
        assert_eq!((none.some.len(), none.range, none.total), (0, None, 0));
    }

    #[test]
    fn words_are_looked_for_one_by_one_but_in_quotation_marks() {
        let words = |text: &str| needles(text).into_iter().map(|needle| needle.text).collect::<Vec<_>>();
        assert_eq!(words("One two"), ["one", "two"]);
        assert_eq!(words("a \"B c\" d"), ["a", "b c", "d"]);
        assert_eq!(words("  \"\" "), Vec::<String>::new());
    }
}
