//! `Email/query` and `Email/queryChanges` (RFC 8621 §4.4, §4.5): conditions and sorts.

use serde::Deserialize;

use crate::method::{Comparator, Filter, Window};
use crate::{Id, MethodError, MethodErrorType, UtcDate};

/// Sorts a query may have.
const SORTS_MAX: usize = 8;

/// A condition of `Email/query`: all of its members must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EmailCondition {
    /// In this mailbox.
    pub in_mailbox: Option<Id>,
    /// In a mailbox that is none of these.
    pub in_mailbox_other_than: Option<Vec<Id>>,
    /// Received before.
    pub before: Option<UtcDate>,
    /// Received at or after.
    pub after: Option<UtcDate>,
    /// Octets at least.
    pub min_size: Option<u64>,
    /// Octets less than.
    pub max_size: Option<u64>,
    /// All emails of the thread have this keyword.
    pub all_in_thread_have_keyword: Option<String>,
    /// Some email of the thread has this keyword.
    pub some_in_thread_have_keyword: Option<String>,
    /// No email of the thread has this keyword.
    pub none_in_thread_have_keyword: Option<String>,
    /// It has this keyword.
    pub has_keyword: Option<String>,
    /// It has not this keyword.
    pub not_keyword: Option<String>,
    /// Something is attached.
    pub has_attachment: Option<bool>,
    /// Anywhere in header or text.
    pub text: Option<String>,
    /// In From.
    pub from: Option<String>,
    /// In To.
    pub to: Option<String>,
    /// In Cc.
    pub cc: Option<String>,
    /// In Bcc.
    pub bcc: Option<String>,
    /// In Subject.
    pub subject: Option<String>,
    /// In the text.
    pub body: Option<String>,
    /// A field of this name, and what it contains.
    pub header: Option<Vec<String>>,
}

impl EmailCondition {
    /// Whether what it says of an email can change while the email stays in its mailboxes.
    #[must_use]
    pub fn looks_at_keywords(&self) -> bool {
        self.has_keyword.is_some() || self.not_keyword.is_some() || self.looks_at_thread()
    }
    /// Whether it looks at other emails of the thread.
    #[must_use]
    pub fn looks_at_thread(&self) -> bool {
        self.all_in_thread_have_keyword.is_some()
            || self.some_in_thread_have_keyword.is_some()
            || self.none_in_thread_have_keyword.is_some()
    }
}

/// A sort of emails.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum EmailSort {
    /// By time of arrival.
    ReceivedAt,
    /// By octets.
    Size,
    /// By the name or address in From.
    From,
    /// By the name or address in To.
    To,
    /// By the base subject (RFC 5256 §2.1).
    Subject,
    /// By the time in Date.
    SentAt,
    /// Those with the keyword last.
    HasKeyword(String),
    /// Those with the keyword in all emails of the thread last.
    AllInThreadHaveKeyword(String),
    /// Those with the keyword in an email of the thread last.
    SomeInThreadHaveKeyword(String),
}

impl EmailSort {
    /// The names for the session object.
    pub const NAMES: &'static [&'static str] = &[
        "receivedAt",
        "size",
        "from",
        "to",
        "subject",
        "sentAt",
        "hasKeyword",
        "allInThreadHaveKeyword",
        "someInThreadHaveKeyword",
    ];

    /// Whether an email's place can change while it stays in its mailboxes.
    #[must_use]
    pub fn looks_at_keywords(&self) -> bool {
        matches!(self, Self::HasKeyword(_)) || self.looks_at_thread()
    }
    /// Whether it looks at other emails of the thread.
    #[must_use]
    pub fn looks_at_thread(&self) -> bool {
        matches!(self, Self::AllInThreadHaveKeyword(_) | Self::SomeInThreadHaveKeyword(_))
    }
}

/// The sorts of a query, each with whether it is ascending; the newest first when there are none.
///
/// # Errors
/// `unsupportedSort`, `invalidArguments`.
pub fn email_sorts(comparators: Option<&[Comparator]>) -> Result<Vec<(EmailSort, bool)>, MethodError> {
    let Some(comparators) = comparators.filter(|comparators| !comparators.is_empty()) else {
        return Ok(vec![(EmailSort::ReceivedAt, false)]);
    };
    if comparators.len() > SORTS_MAX {
        return Err(MethodErrorType::UnsupportedSort.into());
    }
    let sorts = comparators.iter().map(|comparator| {
        let keyword = || {
            let keyword = comparator.keyword.as_deref().map(str::to_ascii_lowercase);
            keyword.ok_or_else(|| MethodError::arguments(format!("sort by {} needs a keyword", comparator.property)))
        };
        let sort = match comparator.property.as_str() {
            "receivedAt" => EmailSort::ReceivedAt,
            "size" => EmailSort::Size,
            "from" => EmailSort::From,
            "to" => EmailSort::To,
            "subject" => EmailSort::Subject,
            "sentAt" => EmailSort::SentAt,
            "hasKeyword" => EmailSort::HasKeyword(keyword()?),
            "allInThreadHaveKeyword" => EmailSort::AllInThreadHaveKeyword(keyword()?),
            "someInThreadHaveKeyword" => EmailSort::SomeInThreadHaveKeyword(keyword()?),
            other => {
                let words = format!("no sort by {other}");
                return Err(MethodError::with(MethodErrorType::UnsupportedSort, words));
            }
        };
        let known = ["i;ascii-casemap", "i;octet", "i;unicode-casemap"];
        match comparator.collation.as_deref() {
            Some(collation) if !known.contains(&collation) => {
                let words = format!("no collation {collation}");
                Err(MethodError::with(MethodErrorType::UnsupportedSort, words))
            }
            _ => Ok((sort, comparator.is_ascending)),
        }
    });
    sorts.collect()
}

/// Arguments of `Email/query`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmailQuery {
    /// Which account.
    pub account_id: Id,
    /// Which emails.
    #[serde(default)]
    pub filter: Option<Filter<EmailCondition>>,
    /// In which order.
    #[serde(default)]
    pub sort: Option<Vec<Comparator>>,
    /// From which index.
    #[serde(default)]
    pub position: i64,
    /// From which email.
    #[serde(default)]
    pub anchor: Option<Id>,
    /// By how many off the anchor.
    #[serde(default)]
    pub anchor_offset: i64,
    /// How many.
    #[serde(default)]
    pub limit: Option<u64>,
    /// Whether to count.
    #[serde(default)]
    pub calculate_total: bool,
    /// One email of each thread: the first.
    #[serde(default)]
    pub collapse_threads: bool,
}

impl EmailQuery {
    /// The window asked for.
    #[must_use]
    pub fn window(&self) -> Window {
        Window {
            position: self.position,
            anchor: self.anchor.clone(),
            anchor_offset: self.anchor_offset,
            limit: self.limit,
        }
    }
}

/// Arguments of `Email/cleanUp`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmailCleanUp {
    /// Which account.
    pub account_id: Id,
    /// Which emails. There is none that means all: nobody cleans a mailbox by forgetting it.
    pub filter: Filter<EmailCondition>,
    /// How many at most.
    #[serde(default)]
    pub limit: Option<u64>,
    /// Whether nothing goes.
    #[serde(default)]
    pub count_only: bool,
}

/// Arguments of `Email/queryChanges`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmailQueryChanges {
    /// Which account.
    pub account_id: Id,
    /// Which emails.
    #[serde(default)]
    pub filter: Option<Filter<EmailCondition>>,
    /// In which order.
    #[serde(default)]
    pub sort: Option<Vec<Comparator>>,
    /// What the client has.
    pub since_query_state: String,
    /// Changes it wants at most.
    #[serde(default)]
    pub max_changes: Option<u64>,
    /// What lies behind this does not matter.
    #[serde(default)]
    pub up_to_id: Option<Id>,
    /// Whether to count.
    #[serde(default)]
    pub calculate_total: bool,
    /// As in the query.
    #[serde(default)]
    pub collapse_threads: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::read;

    #[test]
    fn reads_the_example_of_rfc_8621_section_4_10() {
        let text = r#"{
            "accountId": "ue150411c",
            "filter": { "inMailbox": "fb666a55" },
            "sort": [ { "isAscending": false, "property": "receivedAt" } ],
            "collapseThreads": true, "position": 0, "limit": 30, "calculateTotal": true
        }"#;
        let query: EmailQuery = read(text).unwrap();
        assert!(query.collapse_threads && query.calculate_total);
        assert_eq!(
            email_sorts(query.sort.as_deref()),
            Ok(vec![(EmailSort::ReceivedAt, false)])
        );
        assert_eq!(query.window().limit, Some(30));
    }

    #[test]
    fn sorts_that_are_none_are_refused() {
        let check = |sort: &str, expect| {
            let comparators: Vec<Comparator> = serde_json::from_str(sort).unwrap();
            assert_eq!(email_sorts(Some(&comparators)).unwrap_err().kind, expect);
        };
        check(r#"[{"property":"x"}]"#, MethodErrorType::UnsupportedSort);
        check(
            r#"[{"property":"from","collation":"x"}]"#,
            MethodErrorType::UnsupportedSort,
        );
        check(r#"[{"property":"hasKeyword"}]"#, MethodErrorType::InvalidArguments);
    }
}
