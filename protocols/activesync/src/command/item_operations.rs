//! ItemOperations: items and attachments as a whole, folders that are emptied, conversations that move
//! ([MS-ASCMD] §2.2.1.10). What is large may come beside the body, in parts: [`parts`].

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::body::flag;
use crate::command::sync::MailForm;
use crate::command::{number, required, root};
use crate::page::{air_sync, air_sync_base, item_operations as page, search};
use crate::status::statuses;
use crate::{BodyPreference, CommandError, Element, ProtocolVersion};

pub mod parts;

statuses! {
    /// [MS-ASCMD] §2.2.3.177.8.
    ItemStatus {
        /// All is well.
        Success = 1,
        /// The request is none.
        ProtocolError = 2,
        /// It failed here.
        ServerError = 3,
        /// There is no such item, or the member may not have it.
        NotFound = 6,
        /// There are no such octets of it.
        InvalidRange = 8,
        /// There is no such store.
        UnknownStore = 9,
        /// It is larger than may be asked for at once.
        TooLarge = 11,
        /// It cannot be told.
        ConversionFailed = 14,
        /// There is no such attachment.
        InvalidAttachment = 15,
        /// The member may not do this.
        AccessDenied = 16,
    }
}

/// Octets from the first to the last, both counted in, from 0 on ([MS-ASCMD] §2.2.3.143.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OctetRange {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

impl OctetRange {
    fn read(text: &str) -> Option<Self> {
        let (first, last) = text.trim().split_once('-')?;
        let range = Self {
            first: first.parse().ok()?,
            last: last.parse().ok()?,
        };
        (range.first <= range.last).then_some(range)
    }

    fn text(self) -> String {
        format!("{}-{}", self.first, self.last)
    }
}

/// What is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchSource {
    /// An item of a folder.
    Item {
        /// The folder.
        collection_id: String,
        /// The item.
        server_id: String,
    },
    /// One that a search found.
    Found {
        /// What the search called it.
        long_id: String,
    },
    /// An attachment.
    Attachment {
        /// By which its mail lists it.
        file_reference: String,
    },
}

impl FetchSource {
    fn read(element: &Element) -> Option<Self> {
        let text = |tag| element.text_of(tag).filter(|text| !text.is_empty()).map(str::to_owned);
        if let Some(file_reference) = text(air_sync_base::FILE_REFERENCE) {
            return Some(Self::Attachment { file_reference });
        }
        if let Some(long_id) = text(search::LONG_ID) {
            return Some(Self::Found { long_id });
        }
        Some(Self::Item {
            collection_id: text(air_sync::COLLECTION_ID)?,
            server_id: text(air_sync::SERVER_ID)?,
        })
    }

    fn write(&self, element: Element) -> Element {
        match self {
            Self::Item {
                collection_id,
                server_id,
            } => element
                .text(air_sync::COLLECTION_ID, collection_id)
                .text(air_sync::SERVER_ID, server_id),
            Self::Found { long_id } => element.text(search::LONG_ID, long_id),
            Self::Attachment { file_reference } => element.text(air_sync_base::FILE_REFERENCE, file_reference),
        }
    }
}

/// A fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFetch {
    /// Where it is: `Mailbox`, or `DocumentLibrary`.
    pub store: String,
    /// What.
    pub source: FetchSource,
    /// Which octets of an attachment; `None` for all.
    pub range: Option<OctetRange>,
    /// In which form a mail is wanted.
    pub form: MailForm,
}

impl ItemFetch {
    fn read(element: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::new(2, "a fetch names nothing that there can be");
        let none = Element::new(page::OPTIONS);
        let options = element.child(page::OPTIONS).unwrap_or(&none);
        let range = options.text_of(page::RANGE);
        Ok(Self {
            store: element.text_of(page::STORE).unwrap_or("Mailbox").to_owned(),
            source: FetchSource::read(element).ok_or(wrong)?,
            range: range
                .map(|range| OctetRange::read(range).ok_or(CommandError::new(8, "a range of octets is none")))
                .transpose()?,
            form: MailForm::read(options)?,
        })
    }

    fn write(&self) -> Element {
        let options = Element::new(page::OPTIONS)
            .text_if(page::RANGE, self.range.map(OctetRange::text))
            .number(air_sync::MIME_SUPPORT, self.form.mime_support.number())
            .with_all(self.form.body_preferences.iter().map(BodyPreference::write));
        self.source
            .write(Element::new(page::FETCH).text(page::STORE, &self.store))
            .with(options)
    }
}

/// One of the operations that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemOperation {
    /// An item or an attachment is fetched.
    Fetch(ItemFetch),
    /// A folder is emptied.
    EmptyFolder {
        /// Which.
        collection_id: String,
        /// Whether the folders in it go too.
        delete_sub_folders: bool,
    },
    /// A conversation goes to another folder.
    Move {
        /// Which.
        conversation_id: Vec<u8>,
        /// Where to.
        folder_id: String,
        /// Whether what comes to it later goes there too.
        always: bool,
    },
}

impl ItemOperation {
    fn read(element: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::new(2, "an operation is none, or names nothing");
        let option = |tag| {
            let options = element.child(page::OPTIONS);
            options.is_some_and(|options| flag(options, tag))
        };
        match element.tag {
            page::FETCH => ItemFetch::read(element).map(Self::Fetch),
            page::EMPTY_FOLDER_CONTENTS => Ok(Self::EmptyFolder {
                collection_id: required(element, air_sync::COLLECTION_ID, wrong)?.to_owned(),
                delete_sub_folders: option(page::DELETE_SUB_FOLDERS),
            }),
            page::MOVE => Ok(Self::Move {
                conversation_id: element.octets_of(page::CONVERSATION_ID).ok_or(wrong)?.to_vec(),
                folder_id: required(element, page::DST_FLD_ID, wrong)?.to_owned(),
                always: option(page::MOVE_ALWAYS),
            }),
            _ => Err(wrong),
        }
    }

    fn write(&self) -> Element {
        let options = |tag, is_there: bool| is_there.then(|| Element::new(page::OPTIONS).flag(tag));
        match self {
            Self::Fetch(fetch) => fetch.write(),
            Self::EmptyFolder {
                collection_id,
                delete_sub_folders,
            } => Element::new(page::EMPTY_FOLDER_CONTENTS)
                .text(air_sync::COLLECTION_ID, collection_id)
                .with_all(options(page::DELETE_SUB_FOLDERS, *delete_sub_folders)),
            Self::Move {
                conversation_id,
                folder_id,
                always,
            } => Element::new(page::MOVE)
                .opaque(page::CONVERSATION_ID, conversation_id.clone())
                .text(page::DST_FLD_ID, folder_id)
                .with_all(options(page::MOVE_ALWAYS, *always)),
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemOperationsRequest {
    /// The operations, in order.
    pub operations: Vec<ItemOperation>,
}

impl ItemOperationsRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 2, 8 for a range, 103, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::ITEM_OPERATIONS)?;
        let operations: Vec<_> = body.elements().map(ItemOperation::read).collect::<Result<_, _>>()?;
        if operations.is_empty() {
            return Err(CommandError::new(2, "ItemOperations asks for nothing"));
        }
        Ok(Self { operations })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        Element::new(page::ITEM_OPERATIONS).with_all(self.operations.iter().map(ItemOperation::write))
    }
}

/// Octets of an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentData {
    /// Here.
    Inline(Vec<u8>),
    /// In a part of its own.
    Part(u32),
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// An item: its elements, as Sync has them.
    Item {
        /// Its class.
        class: String,
        /// What it is.
        data: Vec<Element>,
    },
    /// An attachment.
    Attachment {
        /// Its media type.
        content_type: String,
        /// Which octets of how many, if only some were asked for.
        range: Option<(OctetRange, u64)>,
        /// Them.
        data: AttachmentData,
    },
}

impl Fetched {
    fn write(&self) -> (Option<&str>, Element) {
        let properties = Element::new(page::PROPERTIES);
        match self {
            Self::Item { class, data } => (Some(class.as_str()), properties.with_all(data.iter().cloned())),
            Self::Attachment {
                content_type,
                range,
                data,
            } => {
                let properties = properties
                    .text_if(page::RANGE, range.map(|(range, _)| range.text()))
                    .number_if(page::TOTAL, range.map(|(_, total)| total))
                    .text(air_sync_base::CONTENT_TYPE, content_type);
                let properties = match data {
                    AttachmentData::Inline(octets) => properties.text(page::DATA, STANDARD.encode(octets)),
                    AttachmentData::Part(part) => properties.number(page::PART, *part),
                };
                (None, properties)
            }
        }
    }

    fn read(response: &Element, properties: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::invalid("what was fetched has no data, or a range that is none");
        let Some(content_type) = properties.text_of(air_sync_base::CONTENT_TYPE) else {
            return Ok(Self::Item {
                class: response.text_of(air_sync::CLASS).unwrap_or_default().to_owned(),
                data: properties.elements().cloned().collect(),
            });
        };
        let range = properties.text_of(page::RANGE).map(|range| {
            let total = number(properties, page::TOTAL, wrong)?.ok_or(wrong)?;
            Ok((OctetRange::read(range).ok_or(wrong)?, total))
        });
        Ok(Self::Attachment {
            content_type: content_type.to_owned(),
            range: range.transpose()?,
            data: match number(properties, page::PART, wrong)? {
                Some(part) => AttachmentData::Part(part),
                None => {
                    let octets = STANDARD.decode(properties.text_of(page::DATA).ok_or(wrong)?);
                    AttachmentData::Inline(octets.map_err(|_| wrong)?)
                }
            },
        })
    }
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemOutcome {
    /// Of a fetch.
    Fetch {
        /// What was asked for.
        source: FetchSource,
        /// It, or why it is not to be had.
        fetched: Result<Fetched, ItemStatus>,
    },
    /// Of a folder that was to be emptied.
    EmptyFolder {
        /// Which.
        collection_id: String,
        /// Whether it was.
        status: ItemStatus,
    },
    /// Of a conversation that was to be moved.
    Move {
        /// Which.
        conversation_id: Vec<u8>,
        /// Whether it was.
        status: ItemStatus,
    },
}

impl ItemOutcome {
    fn write(&self) -> Element {
        let said = |tag, status: ItemStatus| Element::new(tag).number(page::STATUS, status.number());
        match self {
            Self::Fetch { source, fetched } => {
                let status = fetched.as_ref().err().copied().unwrap_or(ItemStatus::Success);
                let element = source.write(said(page::FETCH, status));
                let Ok(fetched) = fetched else { return element };
                let (class, properties) = fetched.write();
                element.text_if(air_sync::CLASS, class).with(properties)
            }
            Self::EmptyFolder { collection_id, status } => {
                said(page::EMPTY_FOLDER_CONTENTS, *status).text(air_sync::COLLECTION_ID, collection_id)
            }
            Self::Move {
                conversation_id,
                status,
            } => said(page::MOVE, *status).opaque(page::CONVERSATION_ID, conversation_id.clone()),
        }
    }

    fn read(element: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::invalid("an operation is answered without status, or is none");
        let status = number(element, page::STATUS, wrong)?.and_then(ItemStatus::from_number);
        let status = status.ok_or(wrong)?;
        match element.tag {
            page::FETCH => Ok(Self::Fetch {
                source: FetchSource::read(element).ok_or(wrong)?,
                fetched: match status {
                    ItemStatus::Success => Ok(Fetched::read(element, element.child(page::PROPERTIES).ok_or(wrong)?)?),
                    refused => Err(refused),
                },
            }),
            page::EMPTY_FOLDER_CONTENTS => Ok(Self::EmptyFolder {
                collection_id: required(element, air_sync::COLLECTION_ID, wrong)?.to_owned(),
                status,
            }),
            page::MOVE => Ok(Self::Move {
                conversation_id: element.octets_of(page::CONVERSATION_ID).ok_or(wrong)?.to_vec(),
                status,
            }),
            _ => Err(wrong),
        }
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemOperationsResponse {
    /// To each operation.
    pub outcomes: Vec<ItemOutcome>,
}

impl ItemOperationsResponse {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let response = Element::new(page::RESPONSE).with_all(self.outcomes.iter().map(ItemOutcome::write));
        Element::new(page::ITEM_OPERATIONS)
            .number(page::STATUS, ItemStatus::Success.number())
            .with(response)
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none; the status of an answer that only refuses.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        root(body, page::ITEM_OPERATIONS)?;
        let wrong = CommandError::invalid("ItemOperations answers without status");
        match number(body, page::STATUS, wrong)?.ok_or(wrong)? {
            1_u16 => {}
            status => return Err(CommandError::new(status, "ItemOperations is refused")),
        }
        let outcomes = body.children(page::RESPONSE).flat_map(Element::elements);
        Ok(Self {
            outcomes: outcomes.map(ItemOutcome::read).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
#[path = "item_operations_test.rs"]
mod tests;
