//! MeetingResponse: invitations are answered ([MS-ASCMD] §2.2.1.11).

use crate::command::{number, root};
use crate::page::meeting_response as page;
use crate::status::statuses;
use crate::{CommandError, Element, ProtocolVersion};

statuses! {
    /// [MS-ASCMD] §2.2.3.177.9.
    MeetingStatus {
        /// It was answered.
        Success = 1,
        /// There is no such invitation.
        InvalidRequest = 2,
        /// The mailbox failed.
        MailboxError = 3,
        /// It failed here.
        ServerError = 4,
    }
}

/// What is asked: which invitations are answered, by their identifiers; those of searches by what these called them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingResponseRequest {
    /// Them, and what each is answered: 1 yes, 2 perhaps, 3 no.
    pub answers: Vec<(Option<String>, u8)>,
}

impl MeetingResponseRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 103, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::MEETING_RESPONSE)?;
        let wrong = CommandError::invalid("an invitation has no answer that there is");
        let answers = body.children(page::REQUEST).map(|request| {
            let answer = number(request, page::USER_RESPONSE, wrong)?.filter(|answer| (1..=3).contains(answer));
            Ok((
                request.text_of(page::REQUEST_ID).map(str::to_owned),
                answer.ok_or(wrong)?,
            ))
        });
        let answers: Vec<_> = answers.collect::<Result<_, _>>()?;
        if answers.is_empty() {
            return Err(CommandError::invalid("MeetingResponse answers nothing"));
        }
        Ok(Self { answers })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let requests = self.answers.iter().map(|(id, answer)| {
            Element::new(page::REQUEST)
                .number(page::USER_RESPONSE, *answer)
                .text_if(page::REQUEST_ID, id.as_ref())
        });
        Element::new(page::MEETING_RESPONSE).with_all(requests)
    }
}

/// What is answered: what became of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingResponseResponse {
    /// The invitation's identifier, and what became of it.
    pub results: Vec<(Option<String>, MeetingStatus)>,
}

impl MeetingResponseResponse {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let results = self.results.iter().map(|(id, status)| {
            Element::new(page::RESULT)
                .text_if(page::REQUEST_ID, id.as_ref())
                .number(page::STATUS, status.number())
        });
        Element::new(page::MEETING_RESPONSE).with_all(results)
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        root(body, page::MEETING_RESPONSE)?;
        let wrong = CommandError::invalid("an invitation's answer has no status that there is");
        let results = body.children(page::RESULT).map(|result| {
            let status = number(result, page::STATUS, wrong)?.and_then(MeetingStatus::from_number);
            Ok((
                result.text_of(page::REQUEST_ID).map(str::to_owned),
                status.ok_or(wrong)?,
            ))
        });
        Ok(Self {
            results: results.collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{octets, tree};

    #[test]
    fn acc_4_both_ways() {
        let request = MeetingResponseRequest {
            answers: vec![(Some("5:1".to_owned()), 1)],
        };
        let golden = b"\x03\x01\x6a\x00\x00\x08\x47\x49\x4c\x031\x00\x01\x48\x035:1\x00\x01\x01\x01";
        assert_eq!(octets(&request.write()), golden);
        let read = |body: &Element| MeetingResponseRequest::read(body, ProtocolVersion::V14_1);
        assert_eq!(read(&tree(golden)), Ok(request));
        assert_eq!(read(&Element::new(page::MEETING_RESPONSE)).unwrap_err().status, 103);
        let wrong = Element::new(page::REQUEST).text(page::USER_RESPONSE, "4");
        assert_eq!(
            read(&Element::new(page::MEETING_RESPONSE).with(wrong))
                .unwrap_err()
                .status,
            103
        );
        let response = MeetingResponseResponse {
            results: vec![(Some("5:1".to_owned()), MeetingStatus::InvalidRequest)],
        };
        let golden = b"\x03\x01\x6a\x00\x00\x08\x47\x4a\x48\x035:1\x00\x01\x4b\x032\x00\x01\x01\x01";
        assert_eq!(octets(&response.write()), golden);
        assert_eq!(MeetingResponseResponse::read(&tree(golden)), Ok(response));
    }
}
