//! Mails that went together: key kind 13, [millis, number]. Older ones go with the next.

use bytes::Bytes;
use hongyan_kv::Error as StorageError;
use hongyan_kv::record::{self, Schema};
use hongyan_types::AccountId;
use minicbor::{Decode, Encode};

use crate::{ActId, Client, EmailId, Removal, RemovedMail};

const V1: Schema = Schema(1);

#[derive(Encode, Decode)]
struct MailV1 {
    #[n(0)]
    email: u64,
    #[n(1)]
    subject: String,
    #[n(2)]
    from: String,
}

#[derive(Encode, Decode)]
struct RemovalV1 {
    #[n(0)]
    person: Option<u64>,
    #[n(1)]
    client: u8,
    #[n(2)]
    to_trash: bool,
    #[n(3)]
    path: String,
    #[n(4)]
    messages: u64,
    #[n(5)]
    mails: Vec<MailV1>,
}

pub(crate) fn encode(removal: &Removal) -> Bytes {
    let mails = removal.mails.iter().map(|mail| MailV1 {
        email: mail.email.0,
        subject: mail.subject.clone(),
        from: mail.from.clone(),
    });
    let body = RemovalV1 {
        person: removal.person.map(|person| person.0),
        client: removal.client.number(),
        to_trash: removal.to_trash,
        path: removal.path.clone(),
        messages: removal.messages,
        mails: mails.collect(),
    };
    record::encode(V1, &body)
}

pub(crate) fn decode(id: ActId, stored: &[u8]) -> Result<Removal, StorageError> {
    let body: RemovalV1 = record::decode(V1, stored)?;
    let mails = body.mails.into_iter().map(|mail| RemovedMail {
        email: EmailId(mail.email),
        subject: mail.subject,
        from: mail.from,
    });
    Ok(Removal {
        id,
        person: body.person.map(AccountId),
        client: Client::of(body.client),
        to_trash: body.to_trash,
        path: body.path,
        messages: body.messages,
        mails: mails.collect(),
    })
}

#[cfg(test)]
mod tests {
    use hongyan_types::Timestamp;

    use super::*;

    #[test]
    fn golden_bytes() {
        let removal = Removal {
            id: ActId {
                at: Timestamp { millis: 5 },
                number: 6,
            },
            person: None,
            client: Client::Pop3,
            to_trash: false,
            path: "INBOX".to_owned(),
            messages: 3,
            mails: vec![RemovedMail {
                email: EmailId(7),
                subject: "s".to_owned(),
                from: "f".to_owned(),
            }],
        };
        let stored = encode(&removal);
        let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "01000186f602f465494e424f580381830761736166");
        assert_eq!(decode(removal.id, &stored), Ok(removal));
    }
}
