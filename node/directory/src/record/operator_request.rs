//! What an organisation asks of the operator, at ("dir", "operator-request", number) (ORG-4, ORG-5). Its documents are in
//! parts beside it; see transaction/operator_request.rs.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{TenantId, Timestamp};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Names a request to the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperatorRequestId(pub u64);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// As many members.
    MemberLimit(u64),
    /// That the organisation be found real.
    Verification,
}

impl Wanted {
    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::MemberLimit(_) => "member-limit",
            Self::Verification => "verification",
        }
    }
}

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OperatorRequestState {
    /// Its document is still coming; it is in no list.
    #[serde(skip)]
    Draft,
    /// The operator has not said anything yet.
    Waiting,
    /// Granted.
    Approved,
    /// Not granted, with a reason.
    Refused,
    /// Taken back by the organisation before there was an answer.
    Withdrawn,
}

impl OperatorRequestState {
    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }
    fn code(self) -> u8 {
        match self {
            Self::Draft => 0,
            Self::Waiting => 1,
            Self::Approved => 2,
            Self::Refused => 3,
            Self::Withdrawn => 4,
        }
    }
    fn stored(code: u8) -> Result<Self, RecordError> {
        let all = [
            Self::Draft,
            Self::Waiting,
            Self::Approved,
            Self::Refused,
            Self::Withdrawn,
        ];
        let found = all.into_iter().find(|state| state.code() == code);
        found.ok_or_else(|| RecordError::Body("state of a request to the operator".to_owned()))
    }
}

/// What kind of file a document is, by what it begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// PDF, for verifications only.
    Pdf,
}

impl DocumentKind {
    const ALL: [Self; 5] = [Self::Jpeg, Self::Png, Self::Gif, Self::Bmp, Self::Pdf];

    /// The kind of a file, whatever it is said to be.
    #[must_use]
    pub fn of(file: &[u8]) -> Option<Self> {
        // Type, size, two reserved, where the pixels begin, and the size of the header that follows.
        let is_bitmap = |file: &[u8]| file.starts_with(b"BM") && file.len() > 26 && file[6..10] == [0; 4];
        match file {
            _ if file.starts_with(&[0xff, 0xd8, 0xff]) => Some(Self::Jpeg),
            _ if file.starts_with(b"\x89PNG\r\n\x1a\n") => Some(Self::Png),
            _ if file.starts_with(b"GIF87a") || file.starts_with(b"GIF89a") => Some(Self::Gif),
            _ if is_bitmap(file) => Some(Self::Bmp),
            _ if file.starts_with(b"%PDF-") => Some(Self::Pdf),
            _ => None,
        }
    }
    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Bmp => "image/bmp",
            Self::Pdf => "application/pdf",
        }
    }
    /// What the name of such a file ends with.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::Bmp => "bmp",
            Self::Pdf => "pdf",
        }
    }
    fn code(self) -> u8 {
        match self {
            Self::Jpeg => 0,
            Self::Png => 1,
            Self::Gif => 2,
            Self::Bmp => 3,
            Self::Pdf => 4,
        }
    }
    fn stored(code: u8) -> Result<Self, RecordError> {
        let found = Self::ALL.into_iter().find(|kind| kind.code() == code);
        found.ok_or_else(|| RecordError::Body("kind of a document".to_owned()))
    }
}

/// A file that came with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document {
    /// What it is.
    pub kind: DocumentKind,
    /// How long it is.
    pub octets: u64,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorRequest {
    /// Its number.
    pub id: OperatorRequestId,
    /// Whose.
    pub tenant: TenantId,
    /// What is asked for.
    pub wanted: Wanted,
    /// Who asked, as the audit log names them.
    pub by: String,
    /// What they say.
    pub text: String,
    /// The signed letter, or what proves that the organisation is real.
    pub documents: Vec<Document>,
    /// When.
    pub at: Timestamp,
    /// How far it is.
    pub state: OperatorRequestState,
    /// When it was answered.
    pub answered: Option<Timestamp>,
    /// What the operator says to it.
    pub reason: String,
    /// The member limit that was granted.
    pub granted: Option<u64>,
    /// Until when a verification counts.
    pub until: Option<Timestamp>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct V1 {
    #[n(0)]
    tenant: u64,
    /// None is a verification.
    #[n(1)]
    members: Option<u64>,
    #[n(2)]
    by: String,
    #[n(3)]
    text: String,
    #[n(4)]
    documents: Vec<(u8, u64)>,
    #[n(5)]
    at_millis: i64,
    #[n(6)]
    state: u8,
    #[n(7)]
    answered_millis: Option<i64>,
    #[n(8)]
    reason: Option<String>,
    #[n(9)]
    granted: Option<u64>,
    #[n(10)]
    until_millis: Option<i64>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(request: &OperatorRequest) -> Bytes {
    let documents = request.documents.iter();
    let body = V1 {
        tenant: request.tenant.0,
        members: match request.wanted {
            Wanted::MemberLimit(members) => Some(members),
            Wanted::Verification => None,
        },
        by: request.by.clone(),
        text: request.text.clone(),
        documents: documents
            .map(|document| (document.kind.code(), document.octets))
            .collect(),
        at_millis: request.at.millis,
        state: request.state.code(),
        answered_millis: request.answered.map(|at| at.millis),
        reason: Some(request.reason.clone()).filter(|reason| !reason.is_empty()),
        granted: request.granted,
        until_millis: request.until.map(|at| at.millis),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(id: OperatorRequestId, stored: &[u8]) -> Result<OperatorRequest, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    let documents = body.documents.into_iter().map(|(kind, octets)| {
        let kind = DocumentKind::stored(kind)?;
        Ok::<_, RecordError>(Document { kind, octets })
    });
    Ok(OperatorRequest {
        id,
        tenant: TenantId(body.tenant),
        wanted: body.members.map_or(Wanted::Verification, Wanted::MemberLimit),
        by: body.by,
        text: body.text,
        documents: documents.collect::<Result<_, _>>()?,
        at: Timestamp { millis: body.at_millis },
        state: OperatorRequestState::stored(body.state)?,
        answered: body.answered_millis.map(|millis| Timestamp { millis }),
        reason: body.reason.unwrap_or_default(),
        granted: body.granted,
        until: body.until_millis.map(|millis| Timestamp { millis }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let request = OperatorRequest {
            id: OperatorRequestId(1),
            tenant: TenantId(3),
            wanted: Wanted::MemberLimit(500),
            by: "a@b".to_owned(),
            text: "t".to_owned(),
            documents: vec![Document {
                kind: DocumentKind::Png,
                octets: 9,
            }],
            at: Timestamp { millis: 1_000 },
            state: OperatorRequestState::Waiting,
            answered: None,
            reason: String::new(),
            granted: None,
            until: None,
        };
        let stored = encode(&request);
        assert_eq!(
            crate::record::hex(&stored),
            "010001a70003011901f402636140620361740481820109051903e80601"
        );
        assert_eq!(decode(OperatorRequestId(1), &stored).as_ref(), Ok(&request));
        let answered = OperatorRequest {
            wanted: Wanted::Verification,
            state: OperatorRequestState::Approved,
            answered: Some(Timestamp { millis: 2_000 }),
            reason: "seen".to_owned(),
            granted: Some(500),
            until: Some(Timestamp { millis: 3_000 }),
            ..request
        };
        let stored = encode(&answered);
        assert_eq!(decode(OperatorRequestId(1), &stored), Ok(answered.clone()));
        let withdrawn = OperatorRequest {
            state: OperatorRequestState::Withdrawn,
            ..answered
        };
        assert_eq!(decode(OperatorRequestId(1), &encode(&withdrawn)), Ok(withdrawn));
    }

    #[test]
    fn org_5_a_document_is_what_it_begins_with() {
        let check = |file: &[u8], expect| assert_eq!(DocumentKind::of(file), expect);
        check(&[0xff, 0xd8, 0xff, 0xe0], Some(DocumentKind::Jpeg));
        check(b"GIF89a..", Some(DocumentKind::Gif));
        check(b"%PDF-1.7", Some(DocumentKind::Pdf));
        check(b"<svg onload=x>", None);
        check(b"BM", None);
        check(
            b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0..........",
            Some(DocumentKind::Bmp),
        );
        check(b"", None);
    }
}
