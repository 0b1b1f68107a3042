//! FolderDelete: a folder goes, with all that is in it ([MS-ASCMD] §2.2.1.4).

use crate::command::folder_create::FolderStatus;
use crate::command::{number, required, root};
use crate::page::folder_hierarchy as page;
use crate::{CommandError, Element, ProtocolVersion, Tag};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderDeleteRequest {
    /// What FolderSync gave last.
    pub sync_key: String,
    /// Which folder.
    pub server_id: String,
}

impl FolderDeleteRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 10, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::FOLDER_DELETE)?;
        let missing = CommandError::new(10, "FolderDelete has no key or no identifier");
        Ok(Self {
            sync_key: required(body, page::SYNC_KEY, missing)?.to_owned(),
            server_id: required(body, page::SERVER_ID, missing)?.to_owned(),
        })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        Element::new(page::FOLDER_DELETE)
            .text(page::SYNC_KEY, &self.sync_key)
            .text(page::SERVER_ID, &self.server_id)
    }
}

/// The answer to a change of a folder: a status, and the next key if it was made.
pub(crate) struct FolderChanged;

impl FolderChanged {
    pub(crate) fn write(tag: Tag, outcome: &Result<String, FolderStatus>) -> Element {
        let status = outcome.as_ref().err().copied().unwrap_or(FolderStatus::Success);
        Element::new(tag)
            .number(page::STATUS, status.number())
            .text_if(page::SYNC_KEY, outcome.as_ref().ok())
    }

    pub(crate) fn read(tag: Tag, body: &Element) -> Result<Result<String, FolderStatus>, CommandError> {
        root(body, tag)?;
        let wrong = CommandError::invalid("a folder's change is answered without status or key");
        let status = number(body, page::STATUS, wrong)?.and_then(FolderStatus::from_number);
        match status.ok_or(wrong)? {
            FolderStatus::Success => Ok(Ok(required(body, page::SYNC_KEY, wrong)?.to_owned())),
            refused => Ok(Err(refused)),
        }
    }
}

/// What is answered: what FolderSync is shown next time, or why the folder stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderDeleteResponse(pub Result<String, FolderStatus>);

impl FolderDeleteResponse {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        FolderChanged::write(page::FOLDER_DELETE, &self.0)
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        FolderChanged::read(page::FOLDER_DELETE, body).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{octets, tree};

    #[test]
    fn acc_4_both_ways() {
        let request = FolderDeleteRequest {
            sync_key: "3".to_owned(),
            server_id: "F9".to_owned(),
        };
        let golden = b"\x03\x01\x6a\x00\x00\x07\x54\x52\x033\x00\x01\x48\x03F9\x00\x01\x01";
        assert_eq!(octets(&request.write()), golden);
        assert_eq!(
            FolderDeleteRequest::read(&tree(golden), ProtocolVersion::V14_1),
            Ok(request)
        );
        let empty = Element::new(page::FOLDER_DELETE);
        assert_eq!(
            FolderDeleteRequest::read(&empty, ProtocolVersion::V14_1)
                .unwrap_err()
                .status,
            10
        );
        for (outcome, golden) in [
            (
                Ok("4".to_owned()),
                &b"\x03\x01\x6a\x00\x00\x07\x54\x4c\x031\x00\x01\x52\x034\x00\x01\x01"[..],
            ),
            (
                Err(FolderStatus::SpecialFolder),
                b"\x03\x01\x6a\x00\x00\x07\x54\x4c\x033\x00\x01\x01",
            ),
        ] {
            let response = FolderDeleteResponse(outcome);
            assert_eq!(octets(&response.write()), golden);
            assert_eq!(FolderDeleteResponse::read(&tree(golden)), Ok(response));
        }
    }
}
