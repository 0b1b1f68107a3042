//! MoveItems: items go to another folder ([MS-ASCMD] §2.2.1.12).

use crate::command::{number, required, root};
use crate::page::move_items as page;
use crate::status::statuses;
use crate::{CommandError, Element, ProtocolVersion};

statuses! {
    /// [MS-ASCMD] §2.2.3.177.10.
    MoveStatus {
        /// There is no such item where it is said to be.
        InvalidSource = 1,
        /// There is no such folder to move it to.
        InvalidDestination = 2,
        /// It was moved.
        Success = 3,
        /// It is there already.
        SameFolder = 4,
        /// It failed here.
        Failed = 5,
        /// It is locked.
        Locked = 7,
    }
}

/// A move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Which item.
    pub source_message: String,
    /// Where it is.
    pub source_folder: String,
    /// Where it goes.
    pub destination_folder: String,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveItemsRequest {
    /// The moves.
    pub moves: Vec<Move>,
}

impl MoveItemsRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 103, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::MOVE_ITEMS)?;
        let missing = CommandError::invalid("a move has no item, no folder or no destination");
        let text = |element, tag| required(element, tag, missing).map(str::to_owned);
        let moves = body.children(page::MOVE).map(|element| {
            Ok(Move {
                source_message: text(element, page::SRC_MSG_ID)?,
                source_folder: text(element, page::SRC_FLD_ID)?,
                destination_folder: text(element, page::DST_FLD_ID)?,
            })
        });
        let moves: Vec<Move> = moves.collect::<Result<_, _>>()?;
        if moves.is_empty() {
            return Err(CommandError::invalid("MoveItems moves nothing"));
        }
        Ok(Self { moves })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let moves = self.moves.iter().map(|one| {
            Element::new(page::MOVE)
                .text(page::SRC_MSG_ID, &one.source_message)
                .text(page::SRC_FLD_ID, &one.source_folder)
                .text(page::DST_FLD_ID, &one.destination_folder)
        });
        Element::new(page::MOVE_ITEMS).with_all(moves)
    }
}

/// What became of a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Which item it was.
    pub source_message: String,
    /// What became of it.
    pub status: MoveStatus,
    /// What it is called now, if it was moved.
    pub destination_message: Option<String>,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveItemsResponse {
    /// To each move.
    pub moved: Vec<Moved>,
}

impl MoveItemsResponse {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let moved = self.moved.iter().map(|one| {
            Element::new(page::RESPONSE)
                .text(page::SRC_MSG_ID, &one.source_message)
                .number(page::STATUS, one.status.number())
                .text_if(page::DST_MSG_ID, one.destination_message.as_ref())
        });
        Element::new(page::MOVE_ITEMS).with_all(moved)
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        root(body, page::MOVE_ITEMS)?;
        let wrong = CommandError::invalid("MoveItems answers without item or status");
        let moved = body.children(page::RESPONSE).map(|element| {
            let status = number(element, page::STATUS, wrong)?.and_then(MoveStatus::from_number);
            Ok(Moved {
                source_message: required(element, page::SRC_MSG_ID, wrong)?.to_owned(),
                status: status.ok_or(wrong)?,
                destination_message: element.text_of(page::DST_MSG_ID).map(str::to_owned),
            })
        });
        Ok(Self {
            moved: moved.collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{octets, tree};

    #[test]
    fn acc_4_both_ways() {
        let request = MoveItemsRequest {
            moves: vec![Move {
                source_message: "5:1".to_owned(),
                source_folder: "5".to_owned(),
                destination_folder: "6".to_owned(),
            }],
        };
        let golden = b"\x03\x01\x6a\x00\x00\x05\x45\x46\x47\x035:1\x00\x01\x48\x035\x00\x01\x49\x036\x00\x01\x01\x01";
        assert_eq!(octets(&request.write()), golden);
        assert_eq!(
            MoveItemsRequest::read(&tree(golden), ProtocolVersion::V14_1),
            Ok(request)
        );
        for wrong in [
            Element::new(page::MOVE_ITEMS),
            Element::new(page::MOVE_ITEMS).flag(page::MOVE),
        ] {
            assert_eq!(
                MoveItemsRequest::read(&wrong, ProtocolVersion::V14_1)
                    .unwrap_err()
                    .status,
                103
            );
        }
        let moved = |status, destination: Option<&str>| Moved {
            source_message: "5:1".to_owned(),
            status,
            destination_message: destination.map(str::to_owned),
        };
        let response = MoveItemsResponse {
            moved: vec![
                moved(MoveStatus::Success, Some("6:9")),
                moved(MoveStatus::InvalidSource, None),
            ],
        };
        let golden = b"\x03\x01\x6a\x00\x00\x05\x45\x4a\x47\x035:1\x00\x01\x4b\x033\x00\x01\x4c\x036:9\x00\x01\x01\
            \x4a\x47\x035:1\x00\x01\x4b\x031\x00\x01\x01\x01";
        assert_eq!(octets(&response.write()), golden);
        assert_eq!(MoveItemsResponse::read(&tree(golden)), Ok(response));
    }
}
