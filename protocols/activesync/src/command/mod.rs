//! The commands, one file each ([MS-ASCMD] §2.2.1): what is asked, what is answered, and the statuses in between. Requests are
//! read by servers and written by clients; responses the other way round.

pub mod find;
pub mod folder_create;
pub mod folder_delete;
pub mod folder_sync;
pub mod folder_update;
pub mod get_item_estimate;
pub mod item_operations;
pub mod meeting_response;
pub mod move_items;
pub mod ping;
pub mod provision;
pub mod resolve_recipients;
pub mod search;
pub mod send_mail;
pub mod settings;
pub mod smart;
pub mod sync;
pub mod validate_cert;

use crate::page;
use crate::{Command, CommandError, Element, Tag};

/// The element of a command's bodies, and that of a status in it; `None` for one whose answers are no elements.
fn tags(command: Command) -> Option<(Tag, Tag)> {
    Some(match command {
        Command::Sync => (page::air_sync::SYNC, page::air_sync::STATUS),
        Command::SendMail => (page::compose_mail::SEND_MAIL, page::compose_mail::STATUS),
        Command::SmartForward => (page::compose_mail::SMART_FORWARD, page::compose_mail::STATUS),
        Command::SmartReply => (page::compose_mail::SMART_REPLY, page::compose_mail::STATUS),
        Command::GetAttachment => return None,
        Command::FolderSync => (page::folder_hierarchy::FOLDER_SYNC, page::folder_hierarchy::STATUS),
        Command::FolderCreate => (page::folder_hierarchy::FOLDER_CREATE, page::folder_hierarchy::STATUS),
        Command::FolderDelete => (page::folder_hierarchy::FOLDER_DELETE, page::folder_hierarchy::STATUS),
        Command::FolderUpdate => (page::folder_hierarchy::FOLDER_UPDATE, page::folder_hierarchy::STATUS),
        Command::MoveItems => (page::move_items::MOVE_ITEMS, page::move_items::STATUS),
        Command::GetItemEstimate => (
            page::get_item_estimate::GET_ITEM_ESTIMATE,
            page::get_item_estimate::STATUS,
        ),
        Command::MeetingResponse => (page::meeting_response::MEETING_RESPONSE, page::meeting_response::STATUS),
        Command::Search => (page::search::SEARCH, page::search::STATUS),
        Command::Settings => (page::settings::SETTINGS, page::settings::STATUS),
        Command::Ping => (page::ping::PING, page::ping::STATUS),
        Command::ItemOperations => (page::item_operations::ITEM_OPERATIONS, page::item_operations::STATUS),
        Command::Provision => (page::provision::PROVISION, page::provision::STATUS),
        Command::ResolveRecipients => (
            page::resolve_recipients::RESOLVE_RECIPIENTS,
            page::resolve_recipients::STATUS,
        ),
        Command::ValidateCert => (page::validate_cert::VALIDATE_CERT, page::validate_cert::STATUS),
        Command::Find => (page::find::FIND, page::find::STATUS),
    })
}

/// A status instead of an answer ([MS-ASCMD] §2.2.2); `None` for a command whose answers are no elements.
#[must_use]
pub fn refusal(command: Command, status: u16) -> Option<Element> {
    tags(command).map(|(root, of_status)| Element::new(root).number(of_status, status))
}

/// Makes sure that a body is of this command ([MS-ASCMD] §2.2.2: 101).
fn root(body: &Element, tag: Tag) -> Result<(), CommandError> {
    if body.tag == tag {
        Ok(())
    } else {
        Err(CommandError::new(101, "the body belongs to another command"))
    }
}

/// The text of an element that must be there and have some.
fn required(element: &Element, tag: Tag, missing: CommandError) -> Result<&str, CommandError> {
    element.text_of(tag).filter(|text| !text.is_empty()).ok_or(missing)
}

/// A number in an element that may be there.
pub(crate) fn number<N: std::str::FromStr>(
    element: &Element,
    tag: Tag,
    wrong: CommandError,
) -> Result<Option<N>, CommandError> {
    element
        .text_of(tag)
        .map(|text| text.trim().parse().map_err(|_| wrong))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_but_one_can_be_refused() {
        for command in Command::ALL {
            let refused = refusal(*command, 142);
            let named = refused.as_ref().map(|refused| refused.tag.name().unwrap());
            let expect = (*command != Command::GetAttachment).then(|| command.name());
            assert_eq!(named, expect);
            let said = refused.map(|refused| {
                let status = refused.elements().next().unwrap();
                (status.tag.name().unwrap(), status.own_text().to_owned())
            });
            assert_eq!(said, expect.map(|_| ("Status", "142".to_owned())));
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use crate::{Element, WbxmlLimits, wbxml};

    /// A body as it is sent.
    pub(crate) fn octets(body: &Element) -> Vec<u8> {
        wbxml::encode(body)
    }

    /// A body as it is read.
    pub(crate) fn tree(octets: &[u8]) -> Element {
        wbxml::decode(octets, &WbxmlLimits::default()).unwrap()
    }
}
