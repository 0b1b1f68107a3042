//! SearchSnippet/get (RFC 8621 §5): where in subject and text it was found what was looked for.

use hongyan_jmap::method::{Filter, FilterOperator};
use hongyan_jmap::object::{EmailCondition, SearchSnippet, SearchSnippetGet};
use hongyan_jmap::{Id, MethodError};
use hongyan_mailbox::search::fold;
use hongyan_mailbox::{Email, EmailId, read_email};
use hongyan_message::{TextReader, words};
use serde::Serialize;

use super::condition::phrases;
use crate::call::Call;
use crate::error::Outcome;
use crate::ids;

/// RFC 8621 §5: octets of a preview.
const PREVIEW_OCTETS_MAX: usize = 255;
/// Octets of a mail's text that are looked through.
const LOOKED_OCTETS_MAX: usize = 256 * 1024;
/// Octets shown before the first hit.
const BEFORE_OCTETS: usize = 60;
/// Octets read at a time.
const STEP_OCTETS: usize = 32 * 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reply<'a> {
    account_id: &'a Id,
    list: Vec<SearchSnippet>,
    /// RFC 8621 §5.1: null when all were found.
    not_found: Option<Vec<Id>>,
}

/// What was looked for, folded.
#[derive(Default)]
struct Terms {
    subject: Vec<String>,
    text: Vec<String>,
}

impl Terms {
    fn read(filter: Option<&Filter<EmailCondition>>) -> Self {
        let mut terms = Self::default();
        if let Some(filter) = filter {
            terms.add(filter);
        }
        terms
    }
    fn add(&mut self, filter: &Filter<EmailCondition>) {
        match filter {
            // What must not be there is not shown.
            Filter::Operator(FilterOperator::Not, _) => {}
            Filter::Operator(_, filters) => filters.iter().for_each(|filter| self.add(filter)),
            Filter::Condition(condition) => {
                let words = |text: &Option<String>| text.as_deref().map(phrases).unwrap_or_default();
                self.subject.extend(words(&condition.subject));
                self.subject.extend(words(&condition.text));
                self.text.extend(words(&condition.body));
                self.text.extend(words(&condition.text));
            }
        }
    }
}

pub(crate) async fn snippets(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: SearchSnippetGet = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    if arguments.email_ids.len() as u64 > call.jmap.settings.core.get_objects_max {
        return Err(MethodError::too_large("maxObjectsInGet").into());
    }
    let terms = Terms::read(arguments.filter.as_ref());
    let snapshot = call.jmap.snapshot(call.account).await?;
    let account_id = call.account.id.clone();
    let mut reply = Reply {
        account_id: &account_id,
        list: Vec::new(),
        not_found: None,
    };
    for id in arguments.email_ids {
        let email = ids::read_email(&id).filter(|email| !snapshot.places(*email).is_empty());
        match snippet(call, email, &terms).await? {
            Some((subject, preview)) => reply.list.push(SearchSnippet {
                email_id: id,
                subject,
                preview,
            }),
            None => reply.not_found.get_or_insert_default().push(id),
        }
    }
    call.answer(&reply)
}

type Found = (Option<String>, Option<String>);

async fn snippet(call: &Call<'_>, email: Option<EmailId>, terms: &Terms) -> Outcome<Option<Found>> {
    let Some(email) = email else { return Ok(None) };
    let services = &call.jmap.services;
    let Some(record) = read_email(&services.database, call.account.mailbox, email).await? else {
        return Ok(None);
    };
    let subject = record.structure.envelope.subject.as_deref().map(words::decode);
    let subject = subject.and_then(|subject| mark(&subject, &terms.subject, usize::MAX));
    let preview = if terms.text.is_empty() {
        None
    } else {
        mark(&text(call, &record).await?, &terms.text, PREVIEW_OCTETS_MAX)
    };
    Ok(Some((subject, preview)))
}

/// The beginning of a mail's text, white space folded.
async fn text(call: &Call<'_>, record: &Email) -> Outcome<String> {
    let tenant = call.account.mailbox.tenant.0;
    let mut reader = call.jmap.services.blobs.open_blob(tenant, &record.blob).await?;
    let mut parts = Vec::new();
    record.structure.root.walk(&mut |part| parts.push(part));
    let mut text = String::new();
    for part in parts {
        let Some(mut decoder) = TextReader::new(part) else {
            continue;
        };
        let (mut at, end) = (part.body_offset(), part.body_offset().saturating_add(part.body_octets));
        while at < end && text.len() < LOOKED_OCTETS_MAX {
            let length = usize::try_from(end - at).unwrap_or(STEP_OCTETS).min(STEP_OCTETS);
            let piece = reader.read(at, length).await?;
            if piece.is_empty() {
                break;
            }
            at += piece.len() as u64;
            decoder.push(&piece, &mut text);
        }
        decoder.finish(&mut text);
        text.push(' ');
    }
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `text` as HTML with what was found marked, of at most `octets_max`; none when nothing was found.
fn mark(text: &str, terms: &[String], octets_max: usize) -> Option<String> {
    let mut folded = String::with_capacity(text.len());
    // For each octet of the folded text, where in the text its character is.
    let mut origin = Vec::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        let mut buffer = [0; 4];
        folded.push_str(&fold(character.encode_utf8(&mut buffer)));
        origin.resize(folded.len(), at);
    }
    origin.push(text.len());
    let mut hits: Vec<(usize, usize)> = Vec::new();
    for term in terms.iter().filter(|term| !term.is_empty()) {
        let found = folded.match_indices(term.as_str());
        hits.extend(found.map(|(at, found)| (origin[at], origin[at + found.len()])));
    }
    hits.sort_unstable();
    let first = hits.first()?.0;
    let start = match octets_max {
        usize::MAX => 0,
        _ => text.ceil_char_boundary(first.saturating_sub(BEFORE_OCTETS)),
    };
    Some(write(text, start, &hits, octets_max))
}

const OPEN: &str = "<mark>";
const CLOSE: &str = "</mark>";

fn write(text: &str, start: usize, hits: &[(usize, usize)], octets_max: usize) -> String {
    let mut html = String::new();
    let mut hits = hits.iter().peekable();
    let mut marked_until = None;
    for (at, character) in text.char_indices().filter(|(at, _)| *at >= start) {
        while let Some((from, to)) = hits.next_if(|(from, _)| *from <= at) {
            if *to > at && *from >= start && marked_until.is_none_or(|until| *to > until) {
                if marked_until.is_none() {
                    if html.len() + OPEN.len() + CLOSE.len() + 4 > octets_max {
                        return html;
                    }
                    html.push_str(OPEN);
                }
                marked_until = Some(*to);
            }
        }
        if marked_until.is_some_and(|until| at >= until) {
            html.push_str(CLOSE);
            marked_until = None;
        }
        let mut buffer = [0; 4];
        let escaped = match character {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            _ => character.encode_utf8(&mut buffer),
        };
        let closing = if marked_until.is_some() { CLOSE.len() } else { 0 };
        if html.len().saturating_add(escaped.len() + closing) > octets_max {
            break;
        }
        html.push_str(escaped);
    }
    if marked_until.is_some() {
        html.push_str(CLOSE);
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_marked() {
        let check = |text: &str, terms: &[&str], expect: Option<&str>| {
            let terms: Vec<String> = terms.iter().map(|term| (*term).to_owned()).collect();
            assert_eq!(mark(text, &terms, usize::MAX).as_deref(), expect, "{text}");
        };
        check(
            "Foo & <bar>",
            &["bar", "foo"],
            Some("<mark>Foo</mark> &amp; &lt;<mark>bar</mark>&gt;"),
        );
        check("aaa", &["a", "aa"], Some("<mark>aaa</mark>"));
        check("计划会议", &["会议"], Some("计划<mark>会议</mark>"));
        check("İx", &["x"], Some("İ<mark>x</mark>"));
        check("nothing", &["else"], None);
        check("nothing", &[], None);
    }

    #[test]
    fn previews_are_short_and_whole() {
        let text = format!("{} needle {}", "a<".repeat(300), "中&".repeat(300));
        let html = mark(&text, &["needle".to_owned()], PREVIEW_OCTETS_MAX).unwrap();
        assert!(
            html.len() <= PREVIEW_OCTETS_MAX && html.contains("<mark>needle</mark>"),
            "{html}"
        );
        let text = "needle ".repeat(100);
        let html = mark(&text, &["needle".to_owned()], PREVIEW_OCTETS_MAX).unwrap();
        assert!(html.len() <= PREVIEW_OCTETS_MAX, "{}", html.len());
        assert_eq!(html.matches(OPEN).count(), html.matches(CLOSE).count());
    }
}
