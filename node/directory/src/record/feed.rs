//! One change of a tenant as its followers read it, at ("dir", "feed", tenant, number).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, Domain, Timestamp};
use minicbor::{Decode, Encode};

use crate::{DepartmentId, GroupId, TagId, TokenId};

/// What a change made, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The tenant itself.
    Tenant,
    /// A domain.
    Domain(Domain),
    /// An account, its password or its role.
    Account(AccountId),
    /// A department.
    Department(DepartmentId),
    /// A tag.
    Tag(TagId),
    /// A group or its members.
    Group(GroupId),
    /// A token of a program.
    Token(TokenId),
    /// Long work: the number of the task.
    Task(u64),
}

impl Subject {
    /// What kind of thing, as programs are told.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tenant => "organisation",
            Self::Domain(_) => "domain",
            Self::Account(_) => "member",
            Self::Department(_) => "department",
            Self::Tag(_) => "tag",
            Self::Group(_) => "group",
            Self::Token(_) => "token",
            Self::Task(_) => "task",
        }
    }
    /// Its identifier, or a domain's name; nothing for the tenant itself.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Tenant => String::new(),
            Self::Domain(domain) => domain.to_string(),
            Self::Account(id) => id.0.to_string(),
            Self::Department(id) => id.to_string(),
            Self::Tag(id) => id.to_string(),
            Self::Group(id) => id.0.to_string(),
            Self::Token(id) => id.to_string(),
            Self::Task(id) => id.to_string(),
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// Its number in the tenant, from 1 without gaps.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// What it touched.
    pub subjects: Vec<Subject>,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    at_millis: i64,
    #[n(1)]
    subjects: Vec<SubjectV1>,
    /// Apart from the others: releases that know no tasks read past them.
    #[n(2)]
    tasks: Option<Vec<u64>>,
}

#[derive(Encode, Decode)]
enum SubjectV1 {
    #[n(0)]
    Tenant,
    #[n(1)]
    Domain(#[n(0)] String),
    #[n(2)]
    Account(#[n(0)] u64),
    #[n(3)]
    Department(#[n(0)] u32),
    #[n(4)]
    Tag(#[n(0)] u32),
    #[n(5)]
    Group(#[n(0)] u64),
    #[n(6)]
    Token(#[n(0)] u64),
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(at: Timestamp, subjects: impl IntoIterator<Item = Subject>) -> Bytes {
    let mut tasks = Vec::new();
    let subjects = subjects.into_iter().filter_map(|subject| {
        Some(match subject {
            Subject::Tenant => SubjectV1::Tenant,
            Subject::Domain(domain) => SubjectV1::Domain(domain.as_str().to_owned()),
            Subject::Account(account) => SubjectV1::Account(account.0),
            Subject::Department(department) => SubjectV1::Department(department.0),
            Subject::Tag(tag) => SubjectV1::Tag(tag.0),
            Subject::Group(group) => SubjectV1::Group(group.0),
            Subject::Token(token) => SubjectV1::Token(token.0),
            Subject::Task(task) => {
                tasks.push(task);
                return None;
            }
        })
    });
    let subjects = subjects.collect();
    let body = V1 {
        at_millis: at.millis,
        subjects,
        tasks: (!tasks.is_empty()).then_some(tasks),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(number: u64, stored: &[u8]) -> Result<FeedEntry, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    let subjects = body.subjects.into_iter().map(|subject| {
        Ok(match subject {
            SubjectV1::Tenant => Subject::Tenant,
            SubjectV1::Domain(name) => Subject::Domain(super::read_domain(&name)?),
            SubjectV1::Account(id) => Subject::Account(AccountId(id)),
            SubjectV1::Department(id) => Subject::Department(DepartmentId(id)),
            SubjectV1::Tag(id) => Subject::Tag(TagId(id)),
            SubjectV1::Group(id) => Subject::Group(GroupId(id)),
            SubjectV1::Token(id) => Subject::Token(TokenId(id)),
        })
    });
    let mut subjects = subjects.collect::<Result<Vec<_>, _>>()?;
    subjects.extend(body.tasks.unwrap_or_default().into_iter().map(Subject::Task));
    Ok(FeedEntry {
        number,
        at: Timestamp { millis: body.at_millis },
        subjects,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let at = Timestamp { millis: 1_000 };
        let subjects = vec![
            Subject::Tenant,
            Subject::Domain(Domain::try_from("a.test").unwrap()),
            Subject::Account(AccountId(7)),
            Subject::Department(DepartmentId(4)),
            Subject::Tag(TagId(5)),
            Subject::Group(GroupId(8)),
            Subject::Token(TokenId(9)),
        ];
        let stored = encode(at, subjects.clone());
        assert_eq!(
            crate::record::hex(&stored),
            "010001821903e8878200808201 8166612e7465737482028107820381048204810582058108820681 09".replace(' ', "")
        );
        let entry = FeedEntry {
            number: 2,
            at,
            subjects,
        };
        assert_eq!(decode(2, &stored), Ok(entry));
    }

    #[test]
    fn golden_bytes_of_tasks() {
        let at = Timestamp { millis: 1_000 };
        let subjects = vec![Subject::Tag(TagId(5)), Subject::Task(6)];
        let stored = encode(at, subjects.clone());
        let golden = "010001831903e881820481058106";
        assert_eq!(crate::record::hex(&stored), golden);
        assert_eq!(decode(2, &stored).map(|entry| entry.subjects), Ok(subjects));
    }
}
