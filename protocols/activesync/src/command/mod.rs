//! The commands, one file each ([MS-ASCMD] §2.2.1): what is asked, what is answered, and the statuses in between. Requests are
//! read by servers and written by clients; responses the other way round.

pub mod folder_create;
pub mod folder_delete;
pub mod folder_sync;
pub mod folder_update;
pub mod get_item_estimate;
pub mod meeting_response;
pub mod move_items;
pub mod ping;
pub mod provision;
pub mod send_mail;
pub mod settings;
pub mod smart;
pub mod sync;

use crate::{CommandError, Element, Tag};

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
