//! ResolveRecipients: who is meant by a name ([MS-ASCMD] §2.2.1.15). Certificates, availability and pictures are asked for with it;
//! there are none here, and each is answered by its status.

use crate::command::{number, root};
use crate::page::resolve_recipients as page;
use crate::status::statuses;
use crate::{CommandError, Element, ProtocolVersion, Status};

/// Most names in one request ([MS-ASCMD] §2.2.3.183).
pub const NAMES_MAX: usize = 100;
/// Most characters of one.
pub const NAME_CHARACTERS_MAX: usize = 256;

statuses! {
    /// Of the command, and of a name ([MS-ASCMD] §2.2.3.177.12).
    ResolveStatus {
        /// It is one.
        Success = 1,
        /// They are several: all of them are told.
        Ambiguous = 2,
        /// They are several: some of them are told.
        AmbiguousInPart = 3,
        /// It is nobody.
        Nobody = 4,
        /// The request is none.
        ProtocolError = 5,
        /// It failed here.
        ServerError = 6,
        /// There is no certificate of S/MIME.
        NoCertificate = 7,
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResolveRecipientsRequest {
    /// Names or addresses.
    pub names: Vec<String>,
    /// How many at most are told of a name that is of several; `None` where the device does not say.
    pub ambiguous_max: Option<u32>,
    /// Whether certificates are wanted.
    pub certificates: bool,
    /// Whether it is wanted when people are free.
    pub availability: bool,
    /// Whether pictures are wanted.
    pub pictures: bool,
}

impl ResolveRecipientsRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 5, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::RESOLVE_RECIPIENTS)?;
        let wrong = CommandError::new(
            5,
            "ResolveRecipients has no names, too many or too long ones, or a number that is none",
        );
        let names: Vec<String> = body.children(page::TO).map(|name| name.own_text().to_owned()).collect();
        let is_none = |name: &String| name.is_empty() || name.chars().count() > NAME_CHARACTERS_MAX;
        if names.is_empty() || names.len() > NAMES_MAX || names.iter().any(is_none) {
            return Err(wrong);
        }
        let none = Element::new(page::OPTIONS);
        let options = body.child(page::OPTIONS).unwrap_or(&none);
        // 1 is for none.
        let certificates = number::<u8>(options, page::CERTIFICATE_RETRIEVAL, wrong)?;
        Ok(Self {
            names,
            ambiguous_max: number(options, page::MAX_AMBIGUOUS_RECIPIENTS, wrong)?,
            certificates: certificates.is_some_and(|kind| kind > 1),
            availability: options.has(page::AVAILABILITY),
            pictures: options.has(page::PICTURE),
        })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let options = Element::new(page::OPTIONS)
            .number_if(page::CERTIFICATE_RETRIEVAL, self.certificates.then_some(2_u8))
            .number_if(page::MAX_AMBIGUOUS_RECIPIENTS, self.ambiguous_max)
            .flag_if(page::AVAILABILITY, self.availability)
            .flag_if(page::PICTURE, self.pictures);
        Element::new(page::RESOLVE_RECIPIENTS)
            .with_all(self.names.iter().map(|name| Element::of_text(page::TO, name)))
            .with_all((!options.content.is_empty()).then_some(options))
    }
}

/// Someone who is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The name.
    pub display_name: String,
    /// The address.
    pub email_address: String,
    /// Why there is no certificate, if one was asked for.
    pub certificates: Option<ResolveStatus>,
    /// Why it is not known when it is free, if that was asked.
    pub availability: Option<Status>,
    /// Why there is no picture, if one was asked for.
    pub picture: Option<Status>,
}

impl Recipient {
    fn write(&self) -> Element {
        let said = |tag, status: u16| Element::new(tag).number(page::STATUS, status);
        let certificates = self.certificates.map(|status| {
            said(page::CERTIFICATES, status.number())
                .number(page::CERTIFICATE_COUNT, 0_u8)
                .number(page::RECIPIENT_COUNT, 0_u8)
        });
        // [MS-ASCMD] §2.2.3.186.5: 1 is someone of the organisation.
        Element::new(page::RECIPIENT)
            .number(page::TYPE, 1_u8)
            .text(page::DISPLAY_NAME, &self.display_name)
            .text(page::EMAIL_ADDRESS, &self.email_address)
            .with_all(
                self.availability
                    .map(|status| said(page::AVAILABILITY, status.number())),
            )
            .with_all(certificates)
            .with_all(self.picture.map(|status| said(page::PICTURE, status.number())))
    }

    fn read(element: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::invalid("a recipient has no name, no address, or a status that there is not");
        let text = |tag| element.text_of(tag).map(str::to_owned).ok_or(wrong);
        let said = |tag| {
            let status = |of: &Element| number::<u16>(of, page::STATUS, wrong)?.ok_or(wrong);
            element.child(tag).map(status).transpose()
        };
        let common = |tag| {
            let status = said(tag)?.map(|status| Status::from_number(status).ok_or(wrong));
            status.transpose()
        };
        let certificates = said(page::CERTIFICATES)?.map(|status| ResolveStatus::from_number(status).ok_or(wrong));
        Ok(Self {
            display_name: text(page::DISPLAY_NAME)?,
            email_address: text(page::EMAIL_ADDRESS)?,
            certificates: certificates.transpose()?,
            availability: common(page::AVAILABILITY)?,
            picture: common(page::PICTURE)?,
        })
    }
}

/// Who is meant by a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The name.
    pub name: String,
    /// Whether it is one.
    pub status: ResolveStatus,
    /// How many there are.
    pub count: u32,
    /// Those that are told.
    pub recipients: Vec<Recipient>,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveRecipientsResponse {
    /// To each name.
    pub resolved: Vec<Resolved>,
}

impl ResolveRecipientsResponse {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let resolved = self.resolved.iter().map(|one| {
            Element::new(page::RESPONSE)
                .text(page::TO, &one.name)
                .number(page::STATUS, one.status.number())
                .number(page::RECIPIENT_COUNT, one.count)
                .with_all(one.recipients.iter().map(Recipient::write))
        });
        Element::new(page::RESOLVE_RECIPIENTS)
            .number(page::STATUS, ResolveStatus::Success.number())
            .with_all(resolved)
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none; the status of an answer that only refuses.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        root(body, page::RESOLVE_RECIPIENTS)?;
        let wrong = CommandError::invalid("ResolveRecipients answers without status");
        match number(body, page::STATUS, wrong)?.ok_or(wrong)? {
            1_u16 => {}
            status => return Err(CommandError::new(status, "ResolveRecipients is refused")),
        }
        let resolved = body.children(page::RESPONSE).map(|one| {
            let status = number(one, page::STATUS, wrong)?.and_then(ResolveStatus::from_number);
            let recipients = one.children(page::RECIPIENT).map(Recipient::read);
            Ok(Resolved {
                name: one.text_of(page::TO).ok_or(wrong)?.to_owned(),
                status: status.ok_or(wrong)?,
                count: number(one, page::RECIPIENT_COUNT, wrong)?.unwrap_or_default(),
                recipients: recipients.collect::<Result<_, _>>()?,
            })
        });
        Ok(Self {
            resolved: resolved.collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{octets, tree};

    #[test]
    fn acc_4_both_ways() {
        let read = |body: &Element| ResolveRecipientsRequest::read(body, ProtocolVersion::V14_1);
        let plain = ResolveRecipientsRequest {
            names: vec!["li".to_owned()],
            ..ResolveRecipientsRequest::default()
        };
        let golden = b"\x03\x01\x6a\x00\x00\x0a\x45\x50\x03li\x00\x01\x01";
        assert_eq!(octets(&plain.write()), golden);
        assert_eq!(read(&tree(golden)), Ok(plain));
        let full = ResolveRecipientsRequest {
            names: vec!["li".to_owned(), "a@b".to_owned()],
            ambiguous_max: Some(3),
            certificates: true,
            availability: true,
            pictures: true,
        };
        assert_eq!(read(&full.write()), Ok(full));
        let names = |count: usize| {
            let names = (0..count).map(|_| Element::of_text(page::TO, "li"));
            Element::new(page::RESOLVE_RECIPIENTS).with_all(names)
        };
        assert!(read(&names(NAMES_MAX)).is_ok());
        let long = |count: usize| {
            let name = Element::of_text(page::TO, "x".repeat(count));
            Element::new(page::RESOLVE_RECIPIENTS).with(name)
        };
        assert!(read(&long(NAME_CHARACTERS_MAX)).is_ok());
        for (body, status) in [
            (names(0), 5),
            (names(NAMES_MAX + 1), 5),
            (long(0), 5),
            (long(NAME_CHARACTERS_MAX + 1), 5),
            (Element::new(page::TO), 101),
        ] {
            assert_eq!(read(&body).unwrap_err().status, status);
        }
        let response = ResolveRecipientsResponse {
            resolved: vec![Resolved {
                name: "li".to_owned(),
                status: ResolveStatus::Ambiguous,
                count: 1,
                recipients: vec![Recipient {
                    display_name: "Li".to_owned(),
                    email_address: "li@a.b".to_owned(),
                    certificates: Some(ResolveStatus::NoCertificate),
                    availability: Some(Status::AvailabilityFailure),
                    picture: Some(Status::NoPicture),
                }],
            }],
        };
        assert_eq!(ResolveRecipientsResponse::read(&response.write()), Ok(response));
        let refused = crate::command::refusal(crate::Command::ResolveRecipients, 142).unwrap();
        assert_eq!(ResolveRecipientsResponse::read(&refused).unwrap_err().status, 142);
    }
}
