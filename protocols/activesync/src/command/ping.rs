//! Ping: waits until something changes in folders, or time is over ([MS-ASCMD] §2.2.1.13). What a request leaves out is as in
//! the one before.

use crate::command::{number, required, root};
use crate::page::ping as page;
use crate::{CommandError, Element, ProtocolVersion, Status};

/// A folder that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingFolder {
    /// Which.
    pub id: String,
    /// Of which class its items are: `Email` and the like.
    pub class: String,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PingRequest {
    /// How long to wait, in seconds; `None`: as before.
    pub heartbeat_secs: Option<u32>,
    /// For which folders; empty: as before.
    pub folders: Vec<PingFolder>,
}

impl PingRequest {
    /// Reads it. A request without a body is the default: everything as before.
    ///
    /// # Errors
    /// It is none: 4, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::PING)?;
        let wrong = CommandError::new(
            4,
            "Ping has a number that is none, or a folder without identifier or class",
        );
        let folders = body.children(page::FOLDERS);
        let folders = folders.flat_map(|list| list.children(page::FOLDER)).map(|folder| {
            Ok(PingFolder {
                id: required(folder, page::ID, wrong)?.to_owned(),
                class: required(folder, page::CLASS, wrong)?.to_owned(),
            })
        });
        Ok(Self {
            heartbeat_secs: number(body, page::HEARTBEAT_INTERVAL, wrong)?,
            folders: folders.collect::<Result<_, _>>()?,
        })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let folders = self.folders.iter().map(|folder| {
            Element::new(page::FOLDER)
                .text(page::ID, &folder.id)
                .text(page::CLASS, &folder.class)
        });
        let list = Element::new(page::FOLDERS).with_all(folders);
        Element::new(page::PING)
            .number_if(page::HEARTBEAT_INTERVAL, self.heartbeat_secs)
            .with_all((!self.folders.is_empty()).then_some(list))
    }
}

/// What is answered, with its status ([MS-ASCMD] §2.2.3.177.11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PingResponse {
    /// 1: time is over, nothing has changed.
    Expired,
    /// 2: something has, in these folders.
    Changes(Vec<String>),
    /// 3: what the request leaves out was never said.
    MissingParameters,
    /// 4: the request is none.
    Syntax,
    /// 5: it is too long or too short; so many seconds would do.
    HeartbeatOutOfRange(u32),
    /// 6: there are too many folders; so many would do.
    TooManyFolders(u32),
    /// 7: the device asks for the folders first.
    FolderHierarchyChanged,
    /// 8: it failed here.
    ServerError,
    /// What every command may answer.
    Common(Status),
}

impl PingResponse {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let body = |status: u16| Element::new(page::PING).number(page::STATUS, status);
        match self {
            Self::Expired => body(1),
            Self::Changes(folders) => {
                let folders = folders.iter().map(|id| Element::of_text(page::FOLDER, id));
                body(2).with(Element::new(page::FOLDERS).with_all(folders))
            }
            Self::MissingParameters => body(3),
            Self::Syntax => body(4),
            Self::HeartbeatOutOfRange(secs) => body(5).number(page::HEARTBEAT_INTERVAL, *secs),
            Self::TooManyFolders(folders) => body(6).number(page::MAX_FOLDERS, *folders),
            Self::FolderHierarchyChanged => body(7),
            Self::ServerError => body(8),
            Self::Common(status) => body(status.number()),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        root(body, page::PING)?;
        let wrong = CommandError::invalid("Ping answers with no status that there is, or without its limit");
        let limit = |tag| number(body, tag, wrong)?.ok_or(wrong);
        match number::<u16>(body, page::STATUS, wrong)?.ok_or(wrong)? {
            1 => Ok(Self::Expired),
            2 => {
                let folders = body.children(page::FOLDERS).flat_map(Element::elements);
                Ok(Self::Changes(
                    folders.map(|folder| folder.own_text().to_owned()).collect(),
                ))
            }
            3 => Ok(Self::MissingParameters),
            4 => Ok(Self::Syntax),
            5 => Ok(Self::HeartbeatOutOfRange(limit(page::HEARTBEAT_INTERVAL)?)),
            6 => Ok(Self::TooManyFolders(limit(page::MAX_FOLDERS)?)),
            7 => Ok(Self::FolderHierarchyChanged),
            8 => Ok(Self::ServerError),
            other => Status::from_number(other).map(Self::Common).ok_or(wrong),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{octets, tree};

    #[test]
    fn acc_4_requests_both_ways() {
        let request = PingRequest {
            heartbeat_secs: Some(80),
            folders: vec![PingFolder {
                id: "5".to_owned(),
                class: "Email".to_owned(),
            }],
        };
        let golden =
            b"\x03\x01\x6a\x00\x00\x0d\x45\x48\x0380\x00\x01\x49\x4a\x4b\x035\x00\x01\x4c\x03Email\x00\x01\x01\x01\x01";
        assert_eq!(octets(&request.write()), golden);
        assert_eq!(PingRequest::read(&tree(golden), ProtocolVersion::V14_1), Ok(request));
        let empty = Element::new(page::PING);
        assert_eq!(
            PingRequest::read(&empty, ProtocolVersion::V14_1),
            Ok(PingRequest::default())
        );
        let wrong = empty.with(Element::new(page::FOLDERS).flag(page::FOLDER));
        assert_eq!(PingRequest::read(&wrong, ProtocolVersion::V14_1).unwrap_err().status, 4);
    }

    #[test]
    fn acc_4_responses_both_ways() {
        let changes = PingResponse::Changes(vec!["5".to_owned(), "6".to_owned()]);
        let golden = b"\x03\x01\x6a\x00\x00\x0d\x45\x47\x032\x00\x01\x49\x4a\x035\x00\x01\x4a\x036\x00\x01\x01\x01";
        assert_eq!(octets(&changes.write()), golden);
        assert_eq!(PingResponse::read(&tree(golden)), Ok(changes));
        for response in [
            PingResponse::Expired,
            PingResponse::MissingParameters,
            PingResponse::Syntax,
            PingResponse::HeartbeatOutOfRange(3_540),
            PingResponse::TooManyFolders(300),
            PingResponse::FolderHierarchyChanged,
            PingResponse::ServerError,
            PingResponse::Common(Status::PolicyRefresh),
        ] {
            assert_eq!(PingResponse::read(&response.write()), Ok(response));
        }
    }
}
