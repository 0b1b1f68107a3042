//! SmartReply and SmartForward: a mail is answered or forwarded, and what was written above it is all that a device sends
//! ([MS-ASCMD] §2.2.1.19 and §2.2.1.18). Refusals are [`crate::command::send_mail::SendRefused`].

use crate::body::flag;
use crate::command::send_mail::SendMailRequest;
use crate::page::compose_mail as page;
use crate::{CommandError, Element, ProtocolVersion};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmartKind {
    /// SmartReply.
    Reply,
    /// SmartForward.
    Forward,
}

/// Which mail ([MS-ASCMD] §2.2.3.170).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// One of a folder.
    Item {
        /// The folder.
        folder_id: String,
        /// The mail.
        item_id: String,
    },
    /// One that was found by a search.
    Found {
        /// What the search called it.
        long_id: String,
    },
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmartRequest {
    /// Which of the two.
    pub kind: SmartKind,
    /// The mail that goes out.
    pub mail: SendMailRequest,
    /// The mail that it is about.
    pub source: Source,
    /// Which one of a meeting that recurs.
    pub instance_id: Option<String>,
    /// Whether the mail that goes out says all, and what it is about is not put below.
    pub replace_mime: bool,
}

impl SmartRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 103, 105 for a source that is none, 107 without a mail, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        let kind = match body.tag {
            page::SMART_REPLY => SmartKind::Reply,
            page::SMART_FORWARD => SmartKind::Forward,
            _ => return Err(CommandError::new(101, "the body belongs to another command")),
        };
        let source = body
            .child(page::SOURCE)
            .ok_or(CommandError::invalid("SmartReply or SmartForward has no source"))?;
        let text = |tag| source.text_of(tag).filter(|text| !text.is_empty()).map(str::to_owned);
        let (folder, item, long) = (text(page::FOLDER_ID), text(page::ITEM_ID), text(page::LONG_ID));
        Ok(Self {
            kind,
            mail: SendMailRequest::read_fields(body)?,
            source: match (folder, item, long) {
                (Some(folder_id), Some(item_id), None) => Source::Item { folder_id, item_id },
                (None, None, Some(long_id)) => Source::Found { long_id },
                _ => {
                    return Err(CommandError::new(
                        105,
                        "a source is a folder and an item, or what a search found",
                    ));
                }
            },
            instance_id: text(page::INSTANCE_ID),
            replace_mime: flag(body, page::REPLACE_MIME),
        })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let source = Element::new(page::SOURCE);
        let source = match &self.source {
            Source::Item { folder_id, item_id } => source.text(page::FOLDER_ID, folder_id).text(page::ITEM_ID, item_id),
            Source::Found { long_id } => source.text(page::LONG_ID, long_id),
        };
        let body = Element::new(match self.kind {
            SmartKind::Reply => page::SMART_REPLY,
            SmartKind::Forward => page::SMART_FORWARD,
        });
        self.mail
            .write_fields(body)
            .with(source.text_if(page::INSTANCE_ID, self.instance_id.as_ref()))
            .flag_if(page::REPLACE_MIME, self.replace_mime)
            .opaque(page::MIME, self.mail.mime.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{octets, tree};

    #[test]
    fn acc_4_both_ways() {
        let mut request = SmartRequest {
            kind: SmartKind::Reply,
            mail: SendMailRequest {
                client_id: "1".to_owned(),
                account_id: None,
                save_in_sent_items: false,
                mime: b"x".to_vec(),
            },
            source: Source::Item {
                folder_id: "5".to_owned(),
                item_id: "5:1".to_owned(),
            },
            instance_id: None,
            replace_mime: true,
        };
        let golden = b"\x03\x01\x6a\x00\x00\x15\x47\x51\x031\x00\x01\x4b\x4c\x035\x00\x01\x4d\x035:1\x00\x01\x01\x09\x50\xc3\x01x\x01\x01";
        assert_eq!(octets(&request.write()), golden);
        let read = |body: &Element| SmartRequest::read(body, ProtocolVersion::V14_1);
        assert_eq!(read(&tree(golden)).as_ref(), Ok(&request));
        request.kind = SmartKind::Forward;
        request.source = Source::Found {
            long_id: "L".to_owned(),
        };
        assert_eq!(read(&request.write()), Ok(request));
        let reply = Element::new(page::SMART_REPLY)
            .text(page::CLIENT_ID, "1")
            .text(page::MIME, "x");
        assert_eq!(read(&reply).unwrap_err().status, 103);
        let source = Element::new(page::SOURCE).text(page::FOLDER_ID, "5");
        assert_eq!(read(&reply.with(source)).unwrap_err().status, 105);
        assert_eq!(read(&Element::new(page::SEND_MAIL)).unwrap_err().status, 101);
    }
}
