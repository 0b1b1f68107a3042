//! Sync: changes of folders' items, both ways ([MS-ASCMD] §2.2.1.21). A request without a body repeats the last one; whoever
//! serves knows which that was.

use crate::body::flag;
use crate::command::{number, required, root};
use crate::page::air_sync as page;
use crate::status::statuses;
use crate::{BodyPreference, CommandError, Element, ProtocolVersion};

statuses! {
    /// [MS-ASCMD] §2.2.3.177.17.
    SyncStatus {
        /// All is well.
        Success = 1,
        /// The key is not the last one: the device begins anew, with key 0.
        InvalidSyncKey = 3,
        /// The request is none.
        ProtocolError = 4,
        /// It failed here.
        ServerError = 5,
        /// The item cannot be read.
        ConversionError = 6,
        /// It was changed here too, and what is here stays.
        Conflict = 7,
        /// There is no such item.
        ObjectNotFound = 8,
        /// There is no room.
        OutOfSpace = 9,
        /// The device asks for the folders first.
        FolderHierarchyChanged = 12,
        /// What the request leaves out was never said: it comes again in full.
        RequestIncomplete = 13,
        /// It waits too long or too short: a limit comes with it.
        InvalidWait = 14,
        /// More folders than may be asked for at once: a limit comes with it.
        TooManyCollections = 15,
        /// The device asks again.
        Retry = 16,
    }
}

/// How far back items are wanted ([MS-ASCMD] §2.2.3.68.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FilterType {
    /// All.
    #[default]
    All,
    /// A day.
    OneDay,
    /// Three days.
    ThreeDays,
    /// A week.
    OneWeek,
    /// Two weeks.
    TwoWeeks,
    /// A month.
    OneMonth,
    /// Three months.
    ThreeMonths,
    /// Six months.
    SixMonths,
    /// Tasks that are not done.
    IncompleteTasks,
}

impl FilterType {
    const ALL: [Self; 9] = [
        Self::All,
        Self::OneDay,
        Self::ThreeDays,
        Self::OneWeek,
        Self::TwoWeeks,
        Self::OneMonth,
        Self::ThreeMonths,
        Self::SixMonths,
        Self::IncompleteTasks,
    ];

    /// Its number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::All => 0,
            Self::OneDay => 1,
            Self::ThreeDays => 2,
            Self::OneWeek => 3,
            Self::TwoWeeks => 4,
            Self::OneMonth => 5,
            Self::ThreeMonths => 6,
            Self::SixMonths => 7,
            Self::IncompleteTasks => 8,
        }
    }

    /// Of its number on the wire.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|filter| filter.number() == number)
    }

    /// How many days back; `None` for all. A month has 31.
    #[must_use]
    pub fn days(self) -> Option<u16> {
        match self {
            Self::All | Self::IncompleteTasks => None,
            Self::OneDay => Some(1),
            Self::ThreeDays => Some(3),
            Self::OneWeek => Some(7),
            Self::TwoWeeks => Some(14),
            Self::OneMonth => Some(31),
            Self::ThreeMonths => Some(93),
            Self::SixMonths => Some(186),
        }
    }
}

/// Of which mails the whole is wanted instead of a body ([MS-ASCMD] §2.2.3.110).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MimeSupport {
    /// Of none.
    #[default]
    Never,
    /// Of those signed or encrypted by S/MIME.
    SmimeOnly,
    /// Of all.
    Always,
}

impl MimeSupport {
    /// Its number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Never => 0,
            Self::SmimeOnly => 1,
            Self::Always => 2,
        }
    }

    pub(crate) fn read(options: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::invalid("MIMESupport is none that there is");
        match number::<u8>(options, page::MIME_SUPPORT, wrong)? {
            None | Some(0) => Ok(Self::Never),
            Some(1) => Ok(Self::SmimeOnly),
            Some(2) => Ok(Self::Always),
            Some(_) => Err(wrong),
        }
    }
}

/// In which form mails are wanted, where no more is said of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailForm {
    /// Of which mails the whole is wanted.
    pub mime_support: MimeSupport,
    /// In which forms bodies are wanted, the best first.
    pub body_preferences: Vec<BodyPreference>,
}

impl MailForm {
    /// The same as Sync says it.
    #[must_use]
    pub fn options(&self) -> SyncOptions {
        SyncOptions {
            mime_support: self.mime_support,
            body_preferences: self.body_preferences.clone(),
            ..SyncOptions::default()
        }
    }

    pub(crate) fn read(options: &Element) -> Result<Self, CommandError> {
        Ok(Self {
            mime_support: MimeSupport::read(options)?,
            body_preferences: BodyPreference::read_all(options)?,
        })
    }
}

/// How items of a folder are wanted ([MS-ASCMD] §2.2.3.125.5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncOptions {
    /// For items of this class; `None` for those that the folder is for.
    pub class: Option<String>,
    /// How far back.
    pub filter: FilterType,
    /// Whether what is here stays where both sides changed an item; that is the default.
    pub server_wins: Option<bool>,
    /// Of which mails the whole is wanted.
    pub mime_support: MimeSupport,
    /// How much of those, from 0 for nothing to 8 for all ([MS-ASCMD] §2.2.3.111).
    pub mime_truncation: Option<u8>,
    /// How many of a folder of recent ones.
    pub max_items: Option<u32>,
    /// In which forms bodies are wanted, the best first.
    pub body_preferences: Vec<BodyPreference>,
}

impl SyncOptions {
    /// Octets after which whole mails are cut; `None` for never ([MS-ASCMD] §2.2.3.111).
    #[must_use]
    pub fn mime_octets_max(&self) -> Option<u32> {
        match self.mime_truncation? {
            0 => Some(0),
            1 => Some(4_096),
            2 => Some(5_120),
            3 => Some(7_168),
            4 => Some(10_240),
            5 => Some(20_480),
            6 => Some(51_200),
            7 => Some(102_400),
            _ => None,
        }
    }

    pub(crate) fn read(element: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::new(4, "an option is none that there is");
        let filter =
            number(element, page::FILTER_TYPE, wrong)?.map(|number| FilterType::from_number(number).ok_or(wrong));
        let server_wins = match number::<u8>(element, page::CONFLICT, wrong)? {
            None => None,
            Some(0) => Some(false),
            Some(1) => Some(true),
            Some(_) => return Err(wrong),
        };
        let mime_truncation = number::<u8>(element, page::MIME_TRUNCATION, wrong)?;
        if mime_truncation.is_some_and(|number| number > 8) {
            return Err(wrong);
        }
        Ok(Self {
            class: element.text_of(page::CLASS).map(str::to_owned),
            filter: filter.transpose()?.unwrap_or_default(),
            server_wins,
            mime_support: MimeSupport::read(element)?,
            mime_truncation,
            max_items: number(element, page::MAX_ITEMS, wrong)?,
            body_preferences: BodyPreference::read_all(element)?,
        })
    }

    pub(crate) fn write(&self) -> Element {
        Element::new(page::OPTIONS)
            .text_if(page::CLASS, self.class.as_ref())
            .number(page::FILTER_TYPE, self.filter.number())
            .number_if(page::CONFLICT, self.server_wins.map(u8::from))
            .number(page::MIME_SUPPORT, self.mime_support.number())
            .number_if(page::MIME_TRUNCATION, self.mime_truncation)
            .number_if(page::MAX_ITEMS, self.max_items)
            .with_all(self.body_preferences.iter().map(BodyPreference::write))
    }
}

/// What a device has done, or wants, with an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncCommand {
    /// It is new.
    Add {
        /// What the device calls it until it is told otherwise.
        client_id: String,
        /// Of which class it is.
        class: Option<String>,
        /// `ApplicationData`: what it is. [`crate::EmailChange::read`] reads that of a mail.
        data: Element,
    },
    /// It was changed.
    Change {
        /// Which.
        server_id: String,
        /// `ApplicationData`: what is new.
        data: Element,
    },
    /// It was deleted.
    Delete {
        /// Which.
        server_id: String,
    },
    /// The whole of it is wanted.
    Fetch {
        /// Which.
        server_id: String,
    },
}

impl SyncCommand {
    /// What the device calls the item.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Add { client_id: id, .. }
            | Self::Change { server_id: id, .. }
            | Self::Delete { server_id: id }
            | Self::Fetch { server_id: id } => id,
        }
    }

    fn read(element: &Element) -> Result<Self, CommandError> {
        let missing = CommandError::new(4, "a command of Sync has no identifier or no data");
        let data = || element.child(page::APPLICATION_DATA).cloned().ok_or(missing);
        let id = |tag| required(element, tag, missing).map(str::to_owned);
        match element.tag {
            page::ADD => Ok(Self::Add {
                client_id: id(page::CLIENT_ID)?,
                class: element.text_of(page::CLASS).map(str::to_owned),
                data: data()?,
            }),
            page::CHANGE => Ok(Self::Change {
                server_id: id(page::SERVER_ID)?,
                data: data()?,
            }),
            page::DELETE => Ok(Self::Delete {
                server_id: id(page::SERVER_ID)?,
            }),
            page::FETCH => Ok(Self::Fetch {
                server_id: id(page::SERVER_ID)?,
            }),
            _ => Err(CommandError::new(4, "there is no such command of Sync")),
        }
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        match self {
            Self::Add { client_id, class, data } => Element::new(page::ADD)
                .text_if(page::CLASS, class.as_ref())
                .text(page::CLIENT_ID, client_id)
                .with(data.clone()),
            Self::Change { server_id, data } => Element::new(page::CHANGE)
                .text(page::SERVER_ID, server_id)
                .with(data.clone()),
            Self::Delete { server_id } => Element::new(page::DELETE).text(page::SERVER_ID, server_id),
            Self::Fetch { server_id } => Element::new(page::FETCH).text(page::SERVER_ID, server_id),
        }
    }
}

/// What is asked of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncCollection {
    /// What the device was given last for this folder; `0` at the beginning.
    pub sync_key: String,
    /// Which folder.
    pub collection_id: String,
    /// Whether what the device deletes goes to the folder of deleted items; that is the default.
    pub deletes_as_moves: bool,
    /// Whether changes are wanted; `None` for yes, unless the key is `0`.
    pub get_changes: Option<bool>,
    /// How many changes at most, up to 512; `None` for 100.
    pub window_size: Option<u16>,
    /// Whether whole conversations are wanted.
    pub conversation_mode: Option<bool>,
    /// How items are wanted, by class; empty: as last said.
    pub options: Vec<SyncOptions>,
    /// What the device has done.
    pub commands: Vec<SyncCommand>,
}

impl SyncCollection {
    /// Whether changes are wanted ([MS-ASCMD] §2.2.3.84).
    #[must_use]
    pub fn wants_changes(&self) -> bool {
        self.sync_key != "0" && self.get_changes.unwrap_or(true)
    }

    fn read(element: &Element) -> Result<Self, CommandError> {
        let missing = CommandError::new(4, "a folder of Sync has no key or no identifier");
        let wrong = CommandError::new(4, "a window is none");
        let options = element.children(page::OPTIONS).map(SyncOptions::read);
        let commands = element.children(page::COMMANDS).flat_map(Element::elements);
        Ok(Self {
            sync_key: required(element, page::SYNC_KEY, missing)?.to_owned(),
            collection_id: required(element, page::COLLECTION_ID, missing)?.to_owned(),
            deletes_as_moves: !element.has(page::DELETES_AS_MOVES) || flag(element, page::DELETES_AS_MOVES),
            get_changes: element.has(page::GET_CHANGES).then(|| flag(element, page::GET_CHANGES)),
            window_size: window(number(element, page::WINDOW_SIZE, wrong)?),
            conversation_mode: element
                .has(page::CONVERSATION_MODE)
                .then(|| flag(element, page::CONVERSATION_MODE)),
            options: options.collect::<Result<_, _>>()?,
            commands: commands.map(SyncCommand::read).collect::<Result<_, _>>()?,
        })
    }

    fn write(&self) -> Element {
        let moves = (!self.deletes_as_moves).then(|| Element::of_text(page::DELETES_AS_MOVES, "0"));
        let element = Element::new(page::COLLECTION)
            .text(page::SYNC_KEY, &self.sync_key)
            .text(page::COLLECTION_ID, &self.collection_id)
            .with_all(moves)
            .number_if(page::GET_CHANGES, self.get_changes.map(u8::from))
            .number_if(page::WINDOW_SIZE, self.window_size)
            .number_if(page::CONVERSATION_MODE, self.conversation_mode.map(u8::from))
            .with_all(self.options.iter().map(SyncOptions::write));
        if self.commands.is_empty() {
            return element;
        }
        element.with(Element::new(page::COMMANDS).with_all(self.commands.iter().map(SyncCommand::write)))
    }
}

/// [MS-ASCMD] §2.2.3.199: 0 and whatever is more than 512 mean 512.
fn window(size: Option<u32>) -> Option<u16> {
    size.map(|size| u16::try_from(size).unwrap_or(512))
        .map(|size| if size == 0 { 512 } else { size.min(512) })
}

/// How long an answer may wait for changes, as the device says it: what would do instead is said in the same unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncWait {
    /// `Wait` ([MS-ASCMD] §2.2.3.198).
    Minutes(u32),
    /// `HeartbeatInterval` ([MS-ASCMD] §2.2.3.87.2).
    Seconds(u32),
}

impl SyncWait {
    /// In seconds.
    #[must_use]
    pub fn secs(self) -> u32 {
        match self {
            Self::Minutes(minutes) => minutes.saturating_mul(60),
            Self::Seconds(secs) => secs,
        }
    }

    /// So many seconds, as `Limit` says them to this device ([MS-ASCMD] §2.2.3.99).
    #[must_use]
    pub fn limit(self, secs: u32) -> u32 {
        match self {
            Self::Minutes(_) => secs.div_euclid(60),
            Self::Seconds(_) => secs,
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncRequest {
    /// Of these folders.
    pub collections: Vec<SyncCollection>,
    /// How long the answer may wait for changes. Whoever serves knows how long it may be.
    pub wait: Option<SyncWait>,
    /// How many changes at most in all, up to 512.
    pub window_size: Option<u16>,
    /// Whether folders that are left out, and all else, are as in the request before.
    pub partial: bool,
}

impl SyncRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 4, 103, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::SYNC)?;
        let wrong = CommandError::new(4, "a number of Sync is none");
        let wait = number(body, page::WAIT, wrong)?.map(SyncWait::Minutes);
        let heartbeat = number(body, page::HEARTBEAT_INTERVAL, wrong)?.map(SyncWait::Seconds);
        if wait.is_some() && heartbeat.is_some() {
            return Err(CommandError::new(4, "Sync has both Wait and HeartbeatInterval"));
        }
        let collections = body.children(page::COLLECTIONS);
        let collections = collections.flat_map(|list| list.children(page::COLLECTION));
        Ok(Self {
            collections: collections.map(SyncCollection::read).collect::<Result<_, _>>()?,
            wait: wait.or(heartbeat),
            window_size: window(number(body, page::WINDOW_SIZE, wrong)?),
            partial: flag(body, page::PARTIAL),
        })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let body = Element::new(page::SYNC);
        let body = if self.collections.is_empty() {
            body
        } else {
            let list = Element::new(page::COLLECTIONS);
            body.with(list.with_all(self.collections.iter().map(SyncCollection::write)))
        };
        let (minutes, secs) = match self.wait {
            Some(SyncWait::Minutes(minutes)) => (Some(minutes), None),
            Some(SyncWait::Seconds(secs)) => (None, Some(secs)),
            None => (None, None),
        };
        body.number_if(page::WAIT, minutes)
            .number_if(page::HEARTBEAT_INTERVAL, secs)
            .number_if(page::WINDOW_SIZE, self.window_size)
            .flag_if(page::PARTIAL, self.partial)
    }
}

/// What has become of an item here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncChange {
    /// It is new.
    Add {
        /// Which.
        server_id: String,
        /// What it is: what [`crate::EmailData::write`] makes.
        data: Vec<Element>,
    },
    /// It was changed.
    Change {
        /// Which.
        server_id: String,
        /// What is new.
        data: Vec<Element>,
    },
    /// It is gone.
    Delete {
        /// Which.
        server_id: String,
    },
    /// It is older than what the device wants.
    SoftDelete {
        /// Which.
        server_id: String,
    },
}

impl SyncChange {
    fn write(&self) -> Element {
        let (tag, server_id, data) = match self {
            Self::Add { server_id, data } => (page::ADD, server_id, Some(data)),
            Self::Change { server_id, data } => (page::CHANGE, server_id, Some(data)),
            Self::Delete { server_id } => (page::DELETE, server_id, None),
            Self::SoftDelete { server_id } => (page::SOFT_DELETE, server_id, None),
        };
        Element::new(tag)
            .text(page::SERVER_ID, server_id)
            .with_all(data.map(|data| application_data(data)))
    }

    fn read(element: &Element) -> Result<Self, CommandError> {
        let missing = CommandError::invalid("a change has no identifier");
        let server_id = required(element, page::SERVER_ID, missing)?.to_owned();
        let data = || read_data(element).unwrap_or_default();
        match element.tag {
            page::ADD => Ok(Self::Add {
                server_id,
                data: data(),
            }),
            page::CHANGE => Ok(Self::Change {
                server_id,
                data: data(),
            }),
            page::DELETE => Ok(Self::Delete { server_id }),
            page::SOFT_DELETE => Ok(Self::SoftDelete { server_id }),
            _ => Err(CommandError::invalid("a change is none that there is")),
        }
    }
}

fn application_data(elements: &[Element]) -> Element {
    Element::new(page::APPLICATION_DATA).with_all(elements.iter().cloned())
}

fn read_data(element: &Element) -> Option<Vec<Element>> {
    let data = element.child(page::APPLICATION_DATA)?;
    Some(data.elements().cloned().collect())
}

/// What became of a device's command. One that was obeyed need not be answered, but for `Add` and `Fetch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncReply {
    /// To which.
    pub kind: SyncReplyKind,
    /// What the device calls a new item.
    pub client_id: Option<String>,
    /// Which item; `None` for a new one that is none.
    pub server_id: Option<String>,
    /// What became of it.
    pub status: SyncStatus,
    /// What is fetched; or the attachments of a draft, with what both sides call them (16.0).
    pub data: Option<Vec<Element>>,
}

/// Which command is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncReplyKind {
    /// A new item.
    Add,
    /// A change.
    Change,
    /// A deletion.
    Delete,
    /// A fetch.
    Fetch,
}

impl SyncReply {
    fn write(&self) -> Element {
        let tag = match self.kind {
            SyncReplyKind::Add => page::ADD,
            SyncReplyKind::Change => page::CHANGE,
            SyncReplyKind::Delete => page::DELETE,
            SyncReplyKind::Fetch => page::FETCH,
        };
        Element::new(tag)
            .text_if(page::CLIENT_ID, self.client_id.as_ref())
            .text_if(page::SERVER_ID, self.server_id.as_ref())
            .number(page::STATUS, self.status.number())
            .with_all(self.data.as_deref().map(application_data))
    }

    fn read(element: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::invalid("a reply has no status, or is none");
        let kind = match element.tag {
            page::ADD => SyncReplyKind::Add,
            page::CHANGE => SyncReplyKind::Change,
            page::DELETE => SyncReplyKind::Delete,
            page::FETCH => SyncReplyKind::Fetch,
            _ => return Err(wrong),
        };
        let status = number(element, page::STATUS, wrong)?.and_then(SyncStatus::from_number);
        Ok(Self {
            kind,
            client_id: element.text_of(page::CLIENT_ID).map(str::to_owned),
            server_id: element.text_of(page::SERVER_ID).map(str::to_owned),
            status: status.ok_or(wrong)?,
            data: read_data(element),
        })
    }
}

/// What is answered of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncCollectionResponse {
    /// What the device shows next time; it stays the same where nothing was done.
    pub sync_key: String,
    /// Which folder.
    pub collection_id: String,
    /// What became of it.
    pub status: SyncStatus,
    /// Whether there are more changes.
    pub more_available: bool,
    /// What became of the device's commands.
    pub responses: Vec<SyncReply>,
    /// What has changed here.
    pub commands: Vec<SyncChange>,
}

impl SyncCollectionResponse {
    fn write(&self) -> Element {
        let mut element = Element::new(page::COLLECTION)
            .text(page::SYNC_KEY, &self.sync_key)
            .text(page::COLLECTION_ID, &self.collection_id)
            .number(page::STATUS, self.status.number())
            .flag_if(page::MORE_AVAILABLE, self.more_available);
        if !self.responses.is_empty() {
            element = element.with(Element::new(page::RESPONSES).with_all(self.responses.iter().map(SyncReply::write)));
        }
        if !self.commands.is_empty() {
            element = element.with(Element::new(page::COMMANDS).with_all(self.commands.iter().map(SyncChange::write)));
        }
        element
    }

    fn read(element: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::invalid("a folder's answer has no key, no identifier or no status");
        let status = number(element, page::STATUS, wrong)?.and_then(SyncStatus::from_number);
        let responses = element.children(page::RESPONSES).flat_map(Element::elements);
        let commands = element.children(page::COMMANDS).flat_map(Element::elements);
        Ok(Self {
            sync_key: required(element, page::SYNC_KEY, wrong)?.to_owned(),
            collection_id: required(element, page::COLLECTION_ID, wrong)?.to_owned(),
            status: status.ok_or(wrong)?,
            more_available: element.has(page::MORE_AVAILABLE),
            responses: responses.map(SyncReply::read).collect::<Result<_, _>>()?,
            commands: commands.map(SyncChange::read).collect::<Result<_, _>>()?,
        })
    }
}

/// What is answered. Where a device waited and nothing changed, an answer without a body is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncResponse {
    /// Of these folders.
    Collections(Vec<SyncCollectionResponse>),
    /// Of none.
    Refused {
        /// Why.
        status: SyncStatus,
        /// What would do: minutes or seconds of waiting as they were asked for, or folders.
        limit: Option<u32>,
    },
}

impl SyncResponse {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let body = Element::new(page::SYNC);
        match self {
            Self::Refused { status, limit } => body
                .number(page::STATUS, status.number())
                .number_if(page::LIMIT, *limit),
            Self::Collections(collections) => {
                let list = Element::new(page::COLLECTIONS);
                body.with(list.with_all(collections.iter().map(SyncCollectionResponse::write)))
            }
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        root(body, page::SYNC)?;
        let wrong = CommandError::invalid("Sync answers with no status that there is");
        if let Some(collections) = body.child(page::COLLECTIONS) {
            let collections = collections.children(page::COLLECTION);
            let read = collections
                .map(SyncCollectionResponse::read)
                .collect::<Result<_, _>>()?;
            return Ok(Self::Collections(read));
        }
        let status = number(body, page::STATUS, wrong)?.and_then(SyncStatus::from_number);
        Ok(Self::Refused {
            status: status.ok_or(wrong)?,
            limit: number(body, page::LIMIT, wrong)?,
        })
    }
}

#[cfg(test)]
#[path = "sync_test.rs"]
mod tests;
