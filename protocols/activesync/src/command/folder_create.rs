//! FolderCreate: a new folder ([MS-ASCMD] §2.2.1.3).

use crate::command::folder_sync::FolderType;
use crate::command::{number, required, root};
use crate::page::folder_hierarchy as page;
use crate::status::statuses;
use crate::{CommandError, Element, ProtocolVersion};

statuses! {
    /// What becomes of a folder ([MS-ASCMD] §2.2.3.177.2, .3 and .5: FolderCreate, FolderDelete and FolderUpdate).
    FolderStatus {
        /// All is well.
        Success = 1,
        /// There is a folder of this name.
        AlreadyExists = 2,
        /// The folder stays as it is: every mailbox has it.
        SpecialFolder = 3,
        /// There is no such folder.
        NotFound = 4,
        /// There is no such folder to put it in.
        ParentNotFound = 5,
        /// It failed here.
        ServerError = 6,
        /// The key is not the last one: the device asks for the folders.
        InvalidSyncKey = 9,
        /// The request is none.
        IncorrectlyFormatted = 10,
        /// Something unexpected happened here.
        UnknownError = 11,
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderCreateRequest {
    /// What FolderSync gave last.
    pub sync_key: String,
    /// In which folder; `0` at the top.
    pub parent_id: String,
    /// Its name.
    pub display_name: String,
    /// What it is for.
    pub kind: FolderType,
}

impl FolderCreateRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 10, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::FOLDER_CREATE)?;
        let wrong = CommandError::new(10, "FolderCreate has no key, parent, name or type");
        let text = |tag| required(body, tag, wrong).map(str::to_owned);
        let kind = number(body, page::TYPE, wrong)?.and_then(FolderType::from_number);
        Ok(Self {
            sync_key: text(page::SYNC_KEY)?,
            parent_id: text(page::PARENT_ID)?,
            display_name: text(page::DISPLAY_NAME)?,
            kind: kind.ok_or(wrong)?,
        })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        Element::new(page::FOLDER_CREATE)
            .text(page::SYNC_KEY, &self.sync_key)
            .text(page::PARENT_ID, &self.parent_id)
            .text(page::DISPLAY_NAME, &self.display_name)
            .number(page::TYPE, self.kind.number())
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderCreateResponse {
    /// It is there.
    Created {
        /// What FolderSync is shown next time.
        sync_key: String,
        /// What it is called.
        server_id: String,
    },
    /// It is not.
    Refused(FolderStatus),
}

impl FolderCreateResponse {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let body = Element::new(page::FOLDER_CREATE);
        match self {
            Self::Refused(status) => body.number(page::STATUS, status.number()),
            Self::Created { sync_key, server_id } => body
                .number(page::STATUS, FolderStatus::Success.number())
                .text(page::SYNC_KEY, sync_key)
                .text(page::SERVER_ID, server_id),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        root(body, page::FOLDER_CREATE)?;
        let wrong = CommandError::invalid("FolderCreate answers without status, key or identifier");
        let status = number(body, page::STATUS, wrong)?.and_then(FolderStatus::from_number);
        match status.ok_or(wrong)? {
            FolderStatus::Success => Ok(Self::Created {
                sync_key: required(body, page::SYNC_KEY, wrong)?.to_owned(),
                server_id: required(body, page::SERVER_ID, wrong)?.to_owned(),
            }),
            refused => Ok(Self::Refused(refused)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{octets, tree};

    #[test]
    fn acc_4_both_ways() {
        let request = FolderCreateRequest {
            sync_key: "3".to_owned(),
            parent_id: "0".to_owned(),
            display_name: "New".to_owned(),
            kind: FolderType::UserMail,
        };
        let golden =
            b"\x03\x01\x6a\x00\x00\x07\x53\x52\x033\x00\x01\x49\x030\x00\x01\x47\x03New\x00\x01\x4a\x0312\x00\x01\x01";
        assert_eq!(octets(&request.write()), golden);
        assert_eq!(
            FolderCreateRequest::read(&tree(golden), ProtocolVersion::V14_1),
            Ok(request)
        );
        let empty = Element::new(page::FOLDER_CREATE);
        assert_eq!(
            FolderCreateRequest::read(&empty, ProtocolVersion::V14_1)
                .unwrap_err()
                .status,
            10
        );
        let created = FolderCreateResponse::Created {
            sync_key: "4".to_owned(),
            server_id: "F9".to_owned(),
        };
        let golden = b"\x03\x01\x6a\x00\x00\x07\x53\x4c\x031\x00\x01\x52\x034\x00\x01\x48\x03F9\x00\x01\x01";
        assert_eq!(octets(&created.write()), golden);
        assert_eq!(FolderCreateResponse::read(&tree(golden)), Ok(created));
        let refused = FolderCreateResponse::Refused(FolderStatus::AlreadyExists);
        assert_eq!(FolderCreateResponse::read(&refused.write()), Ok(refused));
    }
}
