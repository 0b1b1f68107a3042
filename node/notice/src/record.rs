//! One notice as it is kept.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, Address, TenantId, Timestamp};
use minicbor::{Decode, Encode};

use crate::{Notice, NoticeId, Recipient, Text};

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    at_millis: i64,
    #[n(1)]
    to: RecipientV1,
    #[n(2)]
    kind: String,
    #[n(3)]
    english: TextV1,
    #[n(4)]
    chinese: TextV1,
    /// How often sending it failed.
    #[n(5)]
    attempts: u32,
}

#[derive(Encode, Decode)]
enum RecipientV1 {
    #[n(0)]
    Member(#[n(0)] u64),
    #[n(1)]
    Administrators(#[n(0)] u64),
    #[n(2)]
    Outside(#[n(0)] u64, #[n(1)] String, #[n(2)] Option<u64>),
}

#[derive(Encode, Decode)]
struct TextV1 {
    #[n(0)]
    subject: String,
    #[n(1)]
    body: String,
}

enum Stored {
    V1(V1),
}

fn text(text: &Text) -> TextV1 {
    TextV1 {
        subject: text.subject.clone(),
        body: text.body.clone(),
    }
}

pub(crate) fn encode(notice: &Notice, attempts: u32) -> Bytes {
    let to = match &notice.to {
        Recipient::Member(account) => RecipientV1::Member(account.0),
        Recipient::Administrators(tenant) => RecipientV1::Administrators(tenant.0),
        Recipient::Outside { tenant, address, about } => {
            RecipientV1::Outside(tenant.0, address.to_string(), about.map(|account| account.0))
        }
    };
    let body = V1 {
        at_millis: notice.at.millis,
        to,
        kind: notice.kind.clone(),
        english: text(&notice.english),
        chinese: text(&notice.chinese),
        attempts,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(id: NoticeId, stored: &[u8]) -> Result<(Notice, u32), RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    let to = match body.to {
        RecipientV1::Member(account) => Recipient::Member(AccountId(account)),
        RecipientV1::Administrators(tenant) => Recipient::Administrators(TenantId(tenant)),
        RecipientV1::Outside(tenant, address, about) => Recipient::Outside {
            tenant: TenantId(tenant),
            address: Address::try_from(address.as_str()).map_err(|error| RecordError::Body(error.to_string()))?,
            about: about.map(AccountId),
        },
    };
    let text = |text: TextV1| Text {
        subject: text.subject,
        body: text.body,
    };
    let notice = Notice {
        id,
        at: Timestamp { millis: body.at_millis },
        to,
        kind: body.kind,
        english: text(body.english),
        chinese: text(body.chinese),
    };
    Ok((notice, body.attempts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(to: Recipient) -> Notice {
        Notice {
            id: NoticeId([7; 16]),
            at: Timestamp { millis: 1_000 },
            to,
            kind: "k".to_owned(),
            english: Text::new("s", "b"),
            chinese: Text::new("题", "文"),
        }
    }

    #[test]
    fn golden_bytes() {
        let outside = Recipient::Outside {
            tenant: TenantId(3),
            address: Address::try_from("a@b.test").unwrap(),
            about: Some(AccountId(9)),
        };
        let cases = [
            (Recipient::Member(AccountId(9)), "82008109"),
            (Recipient::Administrators(TenantId(3)), "82018103"),
            (outside, "82028303686140622e7465737409"),
        ];
        for (to, recipient) in cases {
            let notice = notice(to);
            let stored = encode(&notice, 2);
            let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
            let golden = format!("010001861903e8{recipient}616b82617361628263e9a29863e6968702");
            assert_eq!(hex, golden);
            assert_eq!(decode(notice.id, &stored), Ok((notice, 2)));
        }
    }
}
