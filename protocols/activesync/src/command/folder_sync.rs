//! FolderSync: the folders, and what has changed of them since the device last asked ([MS-ASCMD] §2.2.1.5).

use crate::command::{number, required, root};
use crate::page::folder_hierarchy as page;
use crate::status::statuses;
use crate::{CommandError, Element, ProtocolVersion};

statuses! {
    /// [MS-ASCMD] §2.2.3.177.4.
    FolderSyncStatus {
        /// All is well.
        Success = 1,
        /// It failed here.
        ServerError = 6,
        /// The key is not the last one: the device asks from the beginning, with key 0.
        InvalidSyncKey = 9,
        /// The request is none.
        IncorrectlyFormatted = 10,
        /// Something unexpected happened here.
        UnknownError = 11,
    }
}

/// What a folder is to a device ([MS-ASCMD] §2.2.3.186.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderType {
    /// Whatever the member has made.
    Generic,
    /// Where mail comes in.
    Inbox,
    /// What is being written.
    Drafts,
    /// What was thrown away.
    DeletedItems,
    /// What was sent.
    SentItems,
    /// What is about to be sent.
    Outbox,
    /// Tasks.
    Tasks,
    /// The calendar.
    Calendar,
    /// People.
    Contacts,
    /// Notes.
    Notes,
    /// The journal.
    Journal,
    /// A folder of mail that the member has made.
    UserMail,
    /// A calendar that the member has made.
    UserCalendar,
    /// People in a folder that the member has made.
    UserContacts,
    /// Tasks in a folder that the member has made.
    UserTasks,
    /// A journal that the member has made.
    UserJournal,
    /// Notes in a folder that the member has made.
    UserNotes,
    /// Nobody knows.
    Unknown,
    /// Whom mail was sent to before.
    RecipientInformation,
}

impl FolderType {
    const ALL: [Self; 19] = [
        Self::Generic,
        Self::Inbox,
        Self::Drafts,
        Self::DeletedItems,
        Self::SentItems,
        Self::Outbox,
        Self::Tasks,
        Self::Calendar,
        Self::Contacts,
        Self::Notes,
        Self::Journal,
        Self::UserMail,
        Self::UserCalendar,
        Self::UserContacts,
        Self::UserTasks,
        Self::UserJournal,
        Self::UserNotes,
        Self::Unknown,
        Self::RecipientInformation,
    ];

    /// Its number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Generic => 1,
            Self::Inbox => 2,
            Self::Drafts => 3,
            Self::DeletedItems => 4,
            Self::SentItems => 5,
            Self::Outbox => 6,
            Self::Tasks => 7,
            Self::Calendar => 8,
            Self::Contacts => 9,
            Self::Notes => 10,
            Self::Journal => 11,
            Self::UserMail => 12,
            Self::UserCalendar => 13,
            Self::UserContacts => 14,
            Self::UserTasks => 15,
            Self::UserJournal => 16,
            Self::UserNotes => 17,
            Self::Unknown => 18,
            Self::RecipientInformation => 19,
        }
    }

    /// Of its number on the wire.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// A folder as devices see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its identifier, up to 64 characters.
    pub server_id: String,
    /// That of the folder it is in; `0` at the top.
    pub parent_id: String,
    /// Its name.
    pub display_name: String,
    /// What it is.
    pub kind: FolderType,
}

/// What has become of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderChange {
    /// It is new.
    Add(Folder),
    /// It has another name or another place.
    Update(Folder),
    /// It is gone: its identifier.
    Delete(String),
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderSyncRequest {
    /// What the device was given last; `0` at the beginning.
    pub sync_key: String,
}

impl FolderSyncRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 10, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::FOLDER_SYNC)?;
        let missing = CommandError::new(10, "FolderSync has no SyncKey");
        Ok(Self {
            sync_key: required(body, page::SYNC_KEY, missing)?.to_owned(),
        })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        Element::new(page::FOLDER_SYNC).text(page::SYNC_KEY, &self.sync_key)
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderSyncResponse {
    /// What has changed.
    Changes {
        /// What the device shows next time.
        sync_key: String,
        /// The changes.
        changes: Vec<FolderChange>,
    },
    /// None of it.
    Refused(FolderSyncStatus),
}

impl FolderSyncResponse {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let body = Element::new(page::FOLDER_SYNC);
        let (sync_key, changes) = match self {
            Self::Refused(status) => return body.number(page::STATUS, status.number()),
            Self::Changes { sync_key, changes } => (sync_key, changes),
        };
        let count = u64::try_from(changes.len()).unwrap_or(u64::MAX);
        let list = Element::new(page::CHANGES)
            .number(page::COUNT, count)
            .with_all(changes.iter().map(FolderChange::write));
        body.number(page::STATUS, FolderSyncStatus::Success.number())
            .text(page::SYNC_KEY, sync_key)
            .with(list)
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        root(body, page::FOLDER_SYNC)?;
        let wrong = CommandError::invalid("FolderSync answers with no status");
        let status = number(body, page::STATUS, wrong)?.and_then(FolderSyncStatus::from_number);
        match status.ok_or(wrong)? {
            FolderSyncStatus::Success => {}
            refused => return Ok(Self::Refused(refused)),
        }
        let missing = CommandError::invalid("FolderSync answers with no key or no changes");
        let changes = body.child(page::CHANGES).ok_or(missing)?.elements();
        Ok(Self::Changes {
            sync_key: required(body, page::SYNC_KEY, missing)?.to_owned(),
            changes: changes
                .filter(|element| element.tag != page::COUNT)
                .map(FolderChange::read)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl FolderChange {
    fn write(&self) -> Element {
        let (tag, folder) = match self {
            Self::Add(folder) => (page::ADD, folder),
            Self::Update(folder) => (page::UPDATE, folder),
            Self::Delete(id) => return Element::new(page::DELETE).text(page::SERVER_ID, id),
        };
        Element::new(tag)
            .text(page::SERVER_ID, &folder.server_id)
            .text(page::PARENT_ID, &folder.parent_id)
            .text(page::DISPLAY_NAME, &folder.display_name)
            .number(page::TYPE, folder.kind.number())
    }

    fn read(element: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::invalid("a folder's change has no identifier, parent, name or type");
        let text = |tag| required(element, tag, wrong).map(str::to_owned);
        if element.tag == page::DELETE {
            return Ok(Self::Delete(text(page::SERVER_ID)?));
        }
        let kind = number(element, page::TYPE, wrong)?.and_then(FolderType::from_number);
        let folder = Folder {
            server_id: text(page::SERVER_ID)?,
            parent_id: text(page::PARENT_ID)?,
            display_name: text(page::DISPLAY_NAME)?,
            kind: kind.ok_or(wrong)?,
        };
        match element.tag {
            page::ADD => Ok(Self::Add(folder)),
            page::UPDATE => Ok(Self::Update(folder)),
            _ => Err(CommandError::invalid("a folder's change is none that there is")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{octets, tree};

    #[test]
    fn acc_4_requests_both_ways() {
        let request = FolderSyncRequest {
            sync_key: "0".to_owned(),
        };
        let golden = b"\x03\x01\x6a\x00\x00\x07\x56\x52\x030\x00\x01\x01";
        assert_eq!(octets(&request.write()), golden);
        assert_eq!(
            FolderSyncRequest::read(&tree(golden), ProtocolVersion::V14_1),
            Ok(request)
        );
        let read = |body: &Element| {
            FolderSyncRequest::read(body, ProtocolVersion::V16_1)
                .unwrap_err()
                .status
        };
        assert_eq!(read(&Element::new(page::FOLDER_SYNC)), 10);
        assert_eq!(read(&Element::new(page::FOLDER_CREATE)), 101);
    }

    #[test]
    fn acc_4_responses_both_ways() {
        let inbox = Folder {
            server_id: "F1".to_owned(),
            parent_id: "0".to_owned(),
            display_name: "Inbox".to_owned(),
            kind: FolderType::Inbox,
        };
        let response = FolderSyncResponse::Changes {
            sync_key: "1".to_owned(),
            changes: vec![FolderChange::Add(inbox.clone()), FolderChange::Delete("F2".to_owned())],
        };
        let golden = b"\x03\x01\x6a\x00\x00\x07\x56\x4c\x031\x00\x01\x52\x031\x00\x01\x4e\x57\x032\x00\x01\
            \x4f\x48\x03F1\x00\x01\x49\x030\x00\x01\x47\x03Inbox\x00\x01\x4a\x032\x00\x01\x01\
            \x50\x48\x03F2\x00\x01\x01\x01\x01";
        assert_eq!(octets(&response.write()), golden);
        assert_eq!(FolderSyncResponse::read(&tree(golden)), Ok(response));
        let renamed = FolderSyncResponse::Changes {
            sync_key: "2".to_owned(),
            changes: vec![FolderChange::Update(inbox)],
        };
        assert_eq!(FolderSyncResponse::read(&renamed.write()), Ok(renamed));
        let refused = FolderSyncResponse::Refused(FolderSyncStatus::InvalidSyncKey);
        assert_eq!(FolderSyncResponse::read(&refused.write()), Ok(refused));
    }

    #[test]
    fn types_there_and_back() {
        for number in 0..=20 {
            let kind = FolderType::from_number(number);
            assert_eq!(
                kind.map(FolderType::number),
                (1..=19).contains(&number).then_some(number)
            );
        }
    }
}
