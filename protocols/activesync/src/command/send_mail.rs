//! SendMail: sends a mail ([MS-ASCMD] §2.2.1.17). One that was sent is answered without a body.

use crate::body::flag;
use crate::command::{number, required, root};
use crate::page::compose_mail as page;
use crate::{CommandError, Element, ProtocolVersion, Status, Tag};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendMailRequest {
    /// What the device calls it: sent again under this name it is the same mail.
    pub client_id: String,
    /// From which account; `None` for the only one.
    pub account_id: Option<String>,
    /// Whether it is kept among what was sent.
    pub save_in_sent_items: bool,
    /// The mail.
    pub mime: Vec<u8>,
}

impl SendMailRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 103, 107 without a mail, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::SEND_MAIL)?;
        Self::read_fields(body)
    }

    /// What SendMail, SmartReply and SmartForward have in common.
    pub(crate) fn read_fields(body: &Element) -> Result<Self, CommandError> {
        let missing = CommandError::invalid("what is sent has no ClientId");
        let mime = body.octets_of(page::MIME).filter(|mime| !mime.is_empty());
        Ok(Self {
            client_id: required(body, page::CLIENT_ID, missing)?.to_owned(),
            account_id: body.text_of(page::ACCOUNT_ID).map(str::to_owned),
            save_in_sent_items: flag(body, page::SAVE_IN_SENT_ITEMS),
            mime: mime.ok_or(CommandError::new(107, "what is sent is no mail"))?.to_vec(),
        })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        self.write_fields(Element::new(page::SEND_MAIL))
            .opaque(page::MIME, self.mime.clone())
    }

    pub(crate) fn write_fields(&self, body: Element) -> Element {
        body.text(page::CLIENT_ID, &self.client_id)
            .text_if(page::ACCOUNT_ID, self.account_id.as_ref())
            .flag_if(page::SAVE_IN_SENT_ITEMS, self.save_in_sent_items)
    }
}

/// Why a mail was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendRefused {
    /// Whether by SendMail, SmartReply or SmartForward: their roots.
    pub command: Tag,
    /// Why.
    pub status: Status,
}

impl SendRefused {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        Element::new(self.command).number(page::STATUS, self.status.number())
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::invalid("what is sent is answered without a status that there is");
        let commands = [page::SEND_MAIL, page::SMART_REPLY, page::SMART_FORWARD];
        if !commands.contains(&body.tag) {
            return Err(wrong);
        }
        let status = number(body, page::STATUS, wrong)?.and_then(Status::from_number);
        Ok(Self {
            command: body.tag,
            status: status.ok_or(wrong)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{octets, tree};

    #[test]
    fn acc_4_both_ways() {
        let request = SendMailRequest {
            client_id: "c1".to_owned(),
            account_id: None,
            save_in_sent_items: true,
            mime: b"To: a\r\n\r\n\xff".to_vec(),
        };
        let golden = b"\x03\x01\x6a\x00\x00\x15\x45\x51\x03c1\x00\x01\x08\x50\xc3\x0aTo: a\r\n\r\n\xff\x01\x01";
        assert_eq!(octets(&request.write()), golden);
        let read = |body: &Element| SendMailRequest::read(body, ProtocolVersion::V14_1);
        assert_eq!(read(&tree(golden)), Ok(request));
        let empty = Element::new(page::SEND_MAIL);
        assert_eq!(read(&empty).unwrap_err().status, 103);
        assert_eq!(read(&empty.text(page::CLIENT_ID, "1")).unwrap_err().status, 107);
        let refused = SendRefused {
            command: page::SEND_MAIL,
            status: Status::MessageHasNoRecipient,
        };
        let golden = b"\x03\x01\x6a\x00\x00\x15\x45\x52\x03119\x00\x01\x01";
        assert_eq!(octets(&refused.write()), golden);
        assert_eq!(SendRefused::read(&tree(golden)), Ok(refused));
    }
}
