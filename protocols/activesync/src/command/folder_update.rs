//! FolderUpdate: a folder gets another name or another place ([MS-ASCMD] §2.2.1.8).

use crate::command::folder_create::FolderStatus;
use crate::command::folder_delete::FolderChanged;
use crate::command::{required, root};
use crate::page::folder_hierarchy as page;
use crate::{CommandError, Element, ProtocolVersion};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderUpdateRequest {
    /// What FolderSync gave last.
    pub sync_key: String,
    /// Which folder.
    pub server_id: String,
    /// In which folder it is from now on; `0` at the top.
    pub parent_id: String,
    /// Its name from now on.
    pub display_name: String,
}

impl FolderUpdateRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 10, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::FOLDER_UPDATE)?;
        let missing = CommandError::new(10, "FolderUpdate has no key, identifier, parent or name");
        let text = |tag| required(body, tag, missing).map(str::to_owned);
        Ok(Self {
            sync_key: text(page::SYNC_KEY)?,
            server_id: text(page::SERVER_ID)?,
            parent_id: text(page::PARENT_ID)?,
            display_name: text(page::DISPLAY_NAME)?,
        })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        Element::new(page::FOLDER_UPDATE)
            .text(page::SYNC_KEY, &self.sync_key)
            .text(page::SERVER_ID, &self.server_id)
            .text(page::PARENT_ID, &self.parent_id)
            .text(page::DISPLAY_NAME, &self.display_name)
    }
}

/// What is answered: what FolderSync is shown next time, or why nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderUpdateResponse(pub Result<String, FolderStatus>);

impl FolderUpdateResponse {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        FolderChanged::write(page::FOLDER_UPDATE, &self.0)
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        FolderChanged::read(page::FOLDER_UPDATE, body).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{octets, tree};

    #[test]
    fn acc_4_both_ways() {
        let request = FolderUpdateRequest {
            sync_key: "3".to_owned(),
            server_id: "F9".to_owned(),
            parent_id: "0".to_owned(),
            display_name: "New".to_owned(),
        };
        let golden =
            b"\x03\x01\x6a\x00\x00\x07\x55\x52\x033\x00\x01\x48\x03F9\x00\x01\x49\x030\x00\x01\x47\x03New\x00\x01\x01";
        assert_eq!(octets(&request.write()), golden);
        assert_eq!(
            FolderUpdateRequest::read(&tree(golden), ProtocolVersion::V14_1),
            Ok(request)
        );
        let empty = Element::new(page::FOLDER_UPDATE);
        assert_eq!(
            FolderUpdateRequest::read(&empty, ProtocolVersion::V14_1)
                .unwrap_err()
                .status,
            10
        );
        let updated = FolderUpdateResponse(Ok("4".to_owned()));
        let golden = b"\x03\x01\x6a\x00\x00\x07\x55\x4c\x031\x00\x01\x52\x034\x00\x01\x01";
        assert_eq!(octets(&updated.write()), golden);
        assert_eq!(FolderUpdateResponse::read(&tree(golden)), Ok(updated));
    }
}
