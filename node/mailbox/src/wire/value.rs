//! Values as they travel. What a type's check refuses is refused here too: a node of another release may err.

use std::sync::Arc;
use std::time::Duration;

use hongyan_actor::WireError;
use hongyan_blob::{BlobAddress, NewBlob};
use hongyan_types::{Flag, Keyword, ModSeq, Octets, SystemFlags, Timestamp, Uid, UidSet, UidValidity};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::wrong;
use crate::record::{email, get_uids, put_uids};
use crate::{
    AppendMessage, CopyMessagesReply, DeliveryId, EmailId, FlagAction, FolderId, FolderInfo, FolderPath,
    FolderPathError, FolderRef, KeywordId, KeywordSet, MailboxError, MessageEntry, NewMessage, PurgedId, Quota,
    QuotaLimits, SpecialUse, ThreadId,
};

/// A value with a form that travels.
pub(super) trait Wired: Sized {
    type Wire: Serialize + DeserializeOwned;
    fn write(&self) -> Self::Wire;
    fn read(wire: Self::Wire) -> Result<Self, WireError>;
}

/// Fields in the order they travel.
macro_rules! wired {
    ($($name:ident { $($field:ident: $kind:ty),* $(,)? })*) => {$(
        impl Wired for $name {
            type Wire = ($(<$kind as Wired>::Wire,)*);
            #[allow(clippy::unused_unit)]
            fn write(&self) -> Self::Wire {
                ($(self.$field.write(),)*)
            }
            fn read(($($field,)*): Self::Wire) -> Result<Self, WireError> {
                Ok(Self { $($field: Wired::read($field)?,)* })
            }
        }
    )*};
}
pub(super) use wired;

/// Values that travel as they are.
macro_rules! plain {
    ($($kind:ty),*) => {$(
        impl Wired for $kind {
            type Wire = Self;
            fn write(&self) -> Self {
                self.clone()
            }
            fn read(wire: Self) -> Result<Self, WireError> {
                Ok(wire)
            }
        }
    )*};
}
plain!(bool, u8, u32, u64, i64, String);

/// Numbers with a name.
macro_rules! numbers {
    ($($name:ident { $field:tt: $kind:ty })*) => {$(
        impl Wired for $name {
            type Wire = $kind;
            fn write(&self) -> $kind {
                self.$field
            }
            fn read(wire: $kind) -> Result<Self, WireError> {
                Ok(Self { $field: wire })
            }
        }
    )*};
}
numbers! {
    FolderId { 0: u32 }
    EmailId { 0: u64 }
    ThreadId { 0: u64 }
    KeywordId { 0: u32 }
    ModSeq { 0: u64 }
    Octets { 0: u64 }
    Timestamp { millis: i64 }
    DeliveryId { 0: [u8; 16] }
}

impl<T: Wired> Wired for Option<T> {
    type Wire = Option<T::Wire>;
    fn write(&self) -> Self::Wire {
        self.as_ref().map(T::write)
    }
    fn read(wire: Self::Wire) -> Result<Self, WireError> {
        wire.map(T::read).transpose()
    }
}

impl<T: Wired> Wired for Vec<T> {
    type Wire = Vec<T::Wire>;
    fn write(&self) -> Self::Wire {
        self.iter().map(T::write).collect()
    }
    fn read(wire: Self::Wire) -> Result<Self, WireError> {
        wire.into_iter().map(T::read).collect()
    }
}

impl<T: Wired> Wired for Arc<T> {
    type Wire = T::Wire;
    fn write(&self) -> Self::Wire {
        T::write(self)
    }
    fn read(wire: Self::Wire) -> Result<Self, WireError> {
        T::read(wire).map(Self::new)
    }
}

impl<A: Wired, B: Wired> Wired for (A, B) {
    type Wire = (A::Wire, B::Wire);
    fn write(&self) -> Self::Wire {
        (self.0.write(), self.1.write())
    }
    fn read(wire: Self::Wire) -> Result<Self, WireError> {
        Ok((A::read(wire.0)?, B::read(wire.1)?))
    }
}

impl Wired for usize {
    type Wire = u64;
    fn write(&self) -> u64 {
        *self as u64
    }
    fn read(wire: u64) -> Result<Self, WireError> {
        Self::try_from(wire).map_err(wrong)
    }
}

impl Wired for Duration {
    type Wire = u64;
    fn write(&self) -> u64 {
        u64::try_from(self.as_micros()).unwrap_or(u64::MAX)
    }
    fn read(wire: u64) -> Result<Self, WireError> {
        Ok(Self::from_micros(wire))
    }
}

impl Wired for Uid {
    type Wire = u32;
    fn write(&self) -> u32 {
        self.get()
    }
    fn read(wire: u32) -> Result<Self, WireError> {
        Self::new(wire).ok_or_else(|| wrong("UID 0"))
    }
}

impl Wired for UidValidity {
    type Wire = u32;
    fn write(&self) -> u32 {
        self.get()
    }
    fn read(wire: u32) -> Result<Self, WireError> {
        Self::new(wire).ok_or_else(|| wrong("UIDVALIDITY 0"))
    }
}

impl Wired for UidSet {
    type Wire = Vec<u32>;
    fn write(&self) -> Vec<u32> {
        put_uids(self)
    }
    fn read(wire: Vec<u32>) -> Result<Self, WireError> {
        Ok(get_uids(&wire))
    }
}

impl Wired for Flag {
    type Wire = String;
    fn write(&self) -> String {
        self.to_string()
    }
    fn read(wire: String) -> Result<Self, WireError> {
        Self::try_from(wire.as_str()).map_err(wrong)
    }
}

impl Wired for Keyword {
    type Wire = String;
    fn write(&self) -> String {
        self.as_str().to_owned()
    }
    fn read(wire: String) -> Result<Self, WireError> {
        Self::try_from(wire.as_str()).map_err(wrong)
    }
}

impl Wired for SystemFlags {
    type Wire = u8;
    fn write(&self) -> u8 {
        self.bits()
    }
    fn read(wire: u8) -> Result<Self, WireError> {
        Ok(Self::from_bits(wire))
    }
}

impl Wired for KeywordSet {
    type Wire = Vec<u32>;
    fn write(&self) -> Vec<u32> {
        self.ids().iter().map(KeywordId::write).collect()
    }
    fn read(wire: Vec<u32>) -> Result<Self, WireError> {
        Ok(Self::new(wire.into_iter().map(KeywordId).collect()))
    }
}

impl Wired for FolderPath {
    type Wire = String;
    fn write(&self) -> String {
        self.as_str().to_owned()
    }
    fn read(wire: String) -> Result<Self, WireError> {
        Self::try_from(wire.as_str()).map_err(wrong)
    }
}

impl Wired for SpecialUse {
    type Wire = u8;
    fn write(&self) -> u8 {
        self.code()
    }
    fn read(wire: u8) -> Result<Self, WireError> {
        Self::from_code(wire).ok_or_else(|| wrong("special use"))
    }
}

impl Wired for FlagAction {
    type Wire = u8;
    fn write(&self) -> u8 {
        match self {
            Self::Add => 0,
            Self::Remove => 1,
            Self::Set => 2,
        }
    }
    fn read(wire: u8) -> Result<Self, WireError> {
        [Self::Add, Self::Remove, Self::Set]
            .get(usize::from(wire))
            .copied()
            .ok_or_else(|| wrong("flag action"))
    }
}

impl Wired for FolderRef {
    /// Id, path, use: one of them.
    type Wire = (Option<u32>, Option<String>, Option<u8>);
    fn write(&self) -> Self::Wire {
        match self {
            Self::Id(id) => (Some(id.write()), None, None),
            Self::Path(path) => (None, Some(path.write()), None),
            Self::Use(kind) => (None, None, Some(kind.write())),
        }
    }
    fn read(wire: Self::Wire) -> Result<Self, WireError> {
        match wire {
            (Some(id), None, None) => FolderId::read(id).map(Self::Id),
            (None, Some(path), None) => FolderPath::read(path).map(Self::Path),
            (None, None, Some(kind)) => SpecialUse::read(kind).map(Self::Use),
            _ => Err(wrong("folder")),
        }
    }
}

impl Wired for NewMessage {
    /// The blob, and the structure in the form of a stored mail.
    type Wire = (Vec<u8>, Vec<u8>);
    fn write(&self) -> Self::Wire {
        let structure = email::encode(&BlobAddress([0; 32]), self.octets(), ThreadId(0), &self.structure);
        (self.blob.to_travel().into(), structure.into())
    }
    fn read((blob, stored): Self::Wire) -> Result<Self, WireError> {
        Ok(Self {
            blob: NewBlob::from_travel(&blob).map_err(wrong)?,
            structure: Arc::new(email::decode(&stored).map_err(wrong)?.structure),
        })
    }
}

impl Wired for FolderPathError {
    type Wire = u8;
    fn write(&self) -> u8 {
        match self {
            Self::Empty => 0,
            Self::TooLong => 1,
            Self::TooDeep => 2,
            Self::Inside => 3,
            Self::Control => 4,
        }
    }
    fn read(wire: u8) -> Result<Self, WireError> {
        [Self::Empty, Self::TooLong, Self::TooDeep, Self::Inside, Self::Control]
            .get(usize::from(wire))
            .copied()
            .ok_or_else(|| wrong("folder path error"))
    }
}

/// Refusals in the order of their numbers; a name's refusal has its own.
const REFUSALS: [MailboxError; 13] = [
    MailboxError::NoSuchFolder,
    MailboxError::FolderExists,
    MailboxError::TooManyFolders,
    MailboxError::SystemFolder,
    MailboxError::HasChildren,
    MailboxError::UseTaken,
    MailboxError::NoSuchMessage,
    MailboxError::OverQuota,
    MailboxError::TooManyKeywords,
    MailboxError::UidsExhausted,
    MailboxError::Locked,
    MailboxError::Unavailable,
    MailboxError::NoPermission,
];
const INVALID_NAME: u8 = 100;

impl Wired for MailboxError {
    type Wire = u8;
    fn write(&self) -> u8 {
        match self {
            Self::InvalidName(error) => INVALID_NAME + error.write(),
            error => {
                let at = REFUSALS.iter().position(|refusal| refusal == error);
                at.and_then(|at| u8::try_from(at).ok())
                    .expect("every refusal has a number")
            }
        }
    }
    fn read(wire: u8) -> Result<Self, WireError> {
        match wire.checked_sub(INVALID_NAME) {
            Some(error) => FolderPathError::read(error).map(Self::InvalidName),
            None => REFUSALS.get(usize::from(wire)).cloned().ok_or_else(|| wrong("refusal")),
        }
    }
}

wired! {
    AppendMessage { message: NewMessage, flags: Vec<Flag>, internal_date: Option<Timestamp> }
    MessageEntry {
        uid: Uid,
        email: EmailId,
        thread: ThreadId,
        modseq: ModSeq,
        flags: SystemFlags,
        keywords: KeywordSet,
        octets: Octets,
        internal_date: Timestamp,
        save_date: Timestamp,
    }
    FolderInfo {
        id: FolderId,
        path: Arc<FolderPath>,
        special_use: Option<SpecialUse>,
        subscribed: bool,
        has_children: bool,
        uid_validity: UidValidity,
        uid_next: u32,
        highest_modseq: ModSeq,
        messages: u64,
        unseen: u64,
        deleted: u64,
        octets: u64,
    }
    PurgedId { at: Timestamp, email: EmailId }
    QuotaLimits { octets_max: u64, messages_max: u64, warning_percent: u8 }
    Quota { limits: QuotaLimits, octets: u64, messages: u64 }
    CopyMessagesReply { to: FolderId, uid_validity: UidValidity, uids: Vec<(Uid, Uid)> }
}
