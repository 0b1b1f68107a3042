//! What is kept of a device of an account, below `hongyan_directory::of_account`, so that it goes with the account:
//!
//! of-account ("active-sync", 0, device)          -> the device
//! of-account ("active-sync", 1, device)          -> the folders as they were told to it
//! of-account ("active-sync", 2, device, folder)  -> how far it was told of a folder
//! of-account ("active-sync", 3, device)          -> mails that it has sent lately

use bytes::Bytes;
use hongyan_activesync::command::sync::{FilterType, MimeSupport, SyncOptions};
use hongyan_activesync::{BodyPreference, BodyType};
use hongyan_directory::of_account;
use hongyan_kv::record::{self, Schema};
use hongyan_kv::{Error, Tuple};
use hongyan_mailbox::FolderId;
use hongyan_types::AccountId;
use minicbor::{Decode, Encode};

use crate::position::Position;

const V1: Schema = Schema(1);

/// There are four forms of bodies.
const BODIES_MAX: usize = 4;

const DEVICE: u8 = 0;
const HIERARCHY: u8 = 1;
const COLLECTION: u8 = 2;
const SENT: u8 = 3;

/// How far the removal of the account's data from a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wipe {
    /// Nobody asked for it.
    #[default]
    None,
    /// It was asked for; the device has not come since, or knows no removal of one account.
    Asked,
    /// The device was told.
    Told,
    /// The device has said that it is done.
    Done,
}

impl Wipe {
    const ALL: [Self; 4] = [Self::None, Self::Asked, Self::Told, Self::Done];

    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Asked => "asked",
            Self::Told => "told",
            Self::Done => "done",
        }
    }
    fn number(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Asked => 1,
            Self::Told => 2,
            Self::Done => 3,
        }
    }
    /// What a later release knew is asked again.
    fn of(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::Asked)
    }
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub(crate) struct DeviceRecord {
    /// What it calls its kind.
    #[n(0)]
    pub(crate) kind: String,
    #[n(1)]
    pub(crate) user_agent: String,
    #[n(2)]
    pub(crate) model: String,
    #[n(3)]
    pub(crate) os: String,
    #[n(4)]
    pub(crate) friendly_name: String,
    /// The protocol version it last spoke.
    #[n(5)]
    pub(crate) version: String,
    /// The key of the policy that it has taken; 0 is none.
    #[n(6)]
    pub(crate) policy_key: u32,
    /// The key that it was given and has not acknowledged; 0 is none.
    #[n(7)]
    pub(crate) offered_key: u32,
    #[n(8)]
    pub(crate) first_seen_millis: i64,
    /// To the hour.
    #[n(9)]
    pub(crate) last_seen_millis: i64,
    #[n(10)]
    wipe: u8,
    /// What the last Ping looked after, for one that says nothing of it.
    #[n(11)]
    pub(crate) ping_folders: Vec<u32>,
    #[n(12)]
    pub(crate) ping_secs: u32,
}

impl DeviceRecord {
    pub(crate) fn wipe(&self) -> Wipe {
        Wipe::of(self.wipe)
    }
    pub(crate) fn set_wipe(&mut self, wipe: Wipe) {
        self.wipe = wipe.number();
    }
}

/// A sync key: a number within what began with a random one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub(crate) struct Key {
    #[n(0)]
    pub(crate) seed: u32,
    #[n(1)]
    pub(crate) number: u32,
}

impl Key {
    pub(crate) fn begin(seed: u32) -> Self {
        Self { seed, number: 1 }
    }
    pub(crate) fn next(self) -> Self {
        Self {
            number: self.number.wrapping_add(1),
            ..self
        }
    }
    pub(crate) fn text(self) -> String {
        format!("{}-{}", self.seed, self.number)
    }
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (seed, number) = text.split_once('-')?;
        let key = Self {
            seed: seed.parse().ok()?,
            number: number.parse().ok()?,
        };
        (key.text() == text).then_some(key)
    }
}

/// A folder as it was told: its number, and a mark of all that was said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct ToldFolder {
    #[n(0)]
    pub(crate) folder: u32,
    #[n(1)]
    pub(crate) mark: u64,
}

/// The folders as they were told.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct HierarchyRecord {
    #[n(0)]
    pub(crate) key: Key,
    #[n(1)]
    pub(crate) told: Vec<ToldFolder>,
    /// As they were told under the key before.
    #[n(2)]
    pub(crate) before: Option<Vec<ToldFolder>>,
}

/// What a client wants of a folder, until it says something else.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub(crate) struct WishesRecord {
    #[n(0)]
    pub(crate) filter: u8,
    #[n(1)]
    pub(crate) conflict: u8,
    #[n(2)]
    pub(crate) mime: u8,
    #[n(3)]
    pub(crate) bodies: Vec<BodyWishRecord>,
}

impl WishesRecord {
    /// Of what a client says.
    pub(crate) fn of(options: &SyncOptions) -> Self {
        let body = |wish: &BodyPreference| BodyWishRecord {
            kind: wish.kind.number(),
            truncation: wish.truncation_size,
            all_or_none: wish.all_or_none,
            preview: wish.preview.map(u32::from),
        };
        Self {
            filter: options.filter.number(),
            // The server's side stays where nothing is said ([MS-ASCMD] §2.2.3.35).
            conflict: u8::from(options.server_wins.unwrap_or(true)),
            mime: options.mime_support.number(),
            bodies: options.body_preferences.iter().take(BODIES_MAX).map(body).collect(),
        }
    }
    /// What it says. Of what a later release may have kept, the default.
    pub(crate) fn options(&self) -> SyncOptions {
        let body = |wish: &BodyWishRecord| {
            Some(BodyPreference {
                kind: BodyType::from_number(wish.kind)?,
                truncation_size: wish.truncation,
                all_or_none: wish.all_or_none,
                preview: wish.preview.and_then(|characters| characters.try_into().ok()),
            })
        };
        let supports = [MimeSupport::Never, MimeSupport::SmimeOnly, MimeSupport::Always];
        let mime = supports.into_iter().find(|support| support.number() == self.mime);
        SyncOptions {
            filter: FilterType::from_number(self.filter).unwrap_or_default(),
            server_wins: Some(self.conflict != 0),
            mime_support: mime.unwrap_or_default(),
            body_preferences: self.bodies.iter().filter_map(body).collect(),
            ..SyncOptions::default()
        }
    }
}

/// A form of body that a client takes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct BodyWishRecord {
    #[n(0)]
    pub(crate) kind: u8,
    #[n(1)]
    pub(crate) truncation: Option<u32>,
    #[n(2)]
    pub(crate) all_or_none: bool,
    #[n(3)]
    pub(crate) preview: Option<u32>,
}

/// What became of something that a client did, for when it does the same again under the key before.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct DoneRecord {
    /// Its number among the commands of the request.
    #[n(0)]
    pub(crate) at: u32,
    #[n(1)]
    pub(crate) status: u8,
}

/// How far a client was told of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct CollectionRecord {
    #[n(0)]
    pub(crate) uid_validity: u32,
    #[n(1)]
    pub(crate) key: Key,
    #[n(2)]
    pub(crate) position: Position,
    /// Where it was under the key before.
    #[n(3)]
    pub(crate) before: Option<Position>,
    /// What came of the commands under the key before.
    #[n(4)]
    pub(crate) done: Vec<DoneRecord>,
    /// Tells the commands under the key before from others.
    #[n(5)]
    pub(crate) commands: u64,
    #[n(6)]
    pub(crate) wishes: WishesRecord,
}

/// Mails that a device has sent, by its own names of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub(crate) struct SentRecord {
    /// The oldest first.
    #[n(0)]
    pub(crate) names: Vec<u64>,
}

macro_rules! coded {
    ($($record:ident),*) => {$(
        impl $record {
            pub(crate) fn encode(&self) -> Bytes {
                record::encode(V1, self)
            }
            pub(crate) fn decode(stored: &[u8]) -> Result<Self, Error> {
                Ok(record::decode(V1, stored)?)
            }
        }
    )*};
}
coded!(DeviceRecord, HierarchyRecord, CollectionRecord, SentRecord);

fn space(account: AccountId) -> Tuple {
    of_account(account).string("active-sync")
}
/// All devices of an account.
pub(crate) fn devices(account: AccountId) -> Tuple {
    space(account).int(DEVICE)
}
pub(crate) fn device(account: AccountId, id: &str) -> Bytes {
    devices(account).string(id).pack()
}
pub(crate) fn hierarchy(account: AccountId, id: &str) -> Bytes {
    space(account).int(HIERARCHY).string(id).pack()
}
/// All folders that a device was told of.
pub(crate) fn collections(account: AccountId, id: &str) -> Tuple {
    space(account).int(COLLECTION).string(id)
}
pub(crate) fn collection(account: AccountId, id: &str, folder: FolderId) -> Bytes {
    collections(account, id).int(folder.0).pack()
}
pub(crate) fn sent(account: AccountId, id: &str) -> Bytes {
    space(account).int(SENT).string(id).pack()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn hex(stored: &[u8]) -> String {
        let mut text = String::new();
        for octet in stored {
            let _ = write!(text, "{octet:02x}");
        }
        text
    }

    fn golden_collection() {
        let golden = "0100018707820502\
            8a0109031affffffff0404003903e70081820206\
            f6818200010984050100818302190200f4";
        let octets = (0..golden.len()).step_by(2);
        let octets: Vec<u8> = octets
            .map(|at| u8::from_str_radix(&golden[at..at + 2], 16).unwrap())
            .collect();
        let collection = CollectionRecord::decode(&octets).unwrap();
        assert_eq!(collection.uid_validity, 7);
        assert_eq!(collection.key, Key { seed: 5, number: 2 });
        assert_eq!(collection.position.gone_since().0, 4);
        assert_eq!(collection.before, None);
        assert_eq!(collection.done, [DoneRecord { at: 0, status: 1 }]);
        assert_eq!(collection.commands, 9);
        let body = BodyWishRecord {
            kind: 2,
            truncation: Some(512),
            all_or_none: false,
            preview: None,
        };
        let wishes = WishesRecord {
            filter: 5,
            conflict: 1,
            mime: 0,
            bodies: vec![body],
        };
        assert_eq!(collection.wishes, wishes);
        assert_eq!(WishesRecord::of(&wishes.options()), wishes);
        assert_eq!(hex(&collection.encode()), golden);
    }

    #[test]
    fn golden_bytes() {
        let mut device = DeviceRecord {
            kind: "iPhone".to_owned(),
            version: "16.1".to_owned(),
            policy_key: 7,
            first_seen_millis: 1_000,
            ping_folders: vec![1],
            ping_secs: 60,
            ..DeviceRecord::default()
        };
        device.set_wipe(Wipe::Told);
        let stored = device.encode();
        assert_eq!(
            hex(&stored),
            "0100018d666950686f6e65606060606431362e3107001903e800028101183c"
        );
        assert_eq!(DeviceRecord::decode(&stored).unwrap(), device);
        let told = ToldFolder { folder: 1, mark: 2 };
        let hierarchy = HierarchyRecord {
            key: Key { seed: 5, number: 2 },
            told: vec![told],
            before: None,
        };
        let stored = hierarchy.encode();
        assert_eq!(hex(&stored), "0100018282050281820102");
        assert_eq!(HierarchyRecord::decode(&stored).unwrap(), hierarchy);
        golden_collection();
        let sent = SentRecord { names: vec![1, 2] };
        assert_eq!(hex(&sent.encode()), "01000181820102");
        assert_eq!(SentRecord::decode(&sent.encode()).unwrap(), sent);
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        let key = Key { seed: 5, number: 2 };
        assert_eq!(Key::read("5-2"), Some(key));
        assert_eq!(Key::read(&key.next().text()), Some(key.next()));
        for wrong in ["0", "5", "05-2", "5-", "5-2-1", "x-2"] {
            assert_eq!(Key::read(wrong), None, "{wrong}");
        }
    }
}
