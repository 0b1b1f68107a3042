//! Requests as they travel.

use hongyan_actor::WireError;
use hongyan_types::{Flag, ModSeq, Timestamp, Uid, UidSet, UidValidity};
use serde::{Deserialize, Serialize};
use std::time::Duration;

use super::value::{Wired, wired};
use crate::request::{Body, Request};
use crate::view::{Known, Mark};
use crate::{
    Append, AppendMessage, CopyMessages, CreateFolder, DeleteFolder, Deliver, DeliveryId, Erase, Expunge, FlagAction,
    FolderId, FolderPath, FolderRef, GetQuota, ListFolders, LockMaildrop, MoveMessages, NewMessage, OpenFolder,
    QuotaLimits, RenameFolder, Replace, SetQuota, SpecialUse, StoreFlags, SubscribeFolder, Vanished,
};

wired! {
    Append { folder: FolderRef, messages: Vec<AppendMessage> }
    CopyMessages { from: FolderId, uids: UidSet, to: FolderRef }
    CreateFolder { path: FolderPath, special_use: Option<SpecialUse> }
    DeleteFolder { folder: FolderRef }
    Deliver {
        message: NewMessage,
        folder: FolderRef,
        flags: Vec<Flag>,
        internal_date: Option<Timestamp>,
        delivery_id: Option<DeliveryId>,
        ignore_quota: bool,
    }
    Erase {}
    Expunge { folder: FolderId, uids: Option<UidSet>, deleted_only: bool }
    GetQuota {}
    ListFolders {}
    LockMaildrop { session: u64, span: Duration }
    MoveMessages { from: FolderId, uids: UidSet, to: FolderRef }
    OpenFolder { folder: FolderRef }
    RenameFolder { from: FolderPath, to: FolderPath }
    Replace { folder: FolderId, uid: Uid, to: FolderRef, message: AppendMessage }
    SetQuota { limits: QuotaLimits }
    StoreFlags {
        folder: FolderId,
        uids: UidSet,
        action: FlagAction,
        flags: Vec<Flag>,
        unchanged_since: Option<ModSeq>,
    }
    SubscribeFolder { path: FolderPath, subscribed: bool }
    Vanished { folder: FolderId, since: ModSeq }
    Mark { folder: FolderId, uid_validity: UidValidity, as_of: ModSeq, keywords: usize }
}

macro_rules! bodies {
    ($($request:ident),* $(,)?) => {
        #[derive(Serialize, Deserialize)]
        pub(super) enum BodyWire {
            $($request(<$request as Wired>::Wire),)*
        }

        fn write_body(body: &Body) -> BodyWire {
            match body {
                $(Body::$request(request) => BodyWire::$request(request.write()),)*
            }
        }

        fn read_body(wire: BodyWire) -> Result<Body, WireError> {
            Ok(match wire {
                $(BodyWire::$request(wire) => Body::$request(Wired::read(wire)?),)*
            })
        }
    };
}

// Their numbers on the wire: new ones at the end.
bodies! {
    Append, CopyMessages, CreateFolder, DeleteFolder, Deliver, Erase, Expunge, GetQuota, ListFolders, LockMaildrop,
    MoveMessages, OpenFolder, RenameFolder, Replace, SetQuota, StoreFlags, SubscribeFolder, Vanished,
}

/// A request as it travels.
#[derive(Serialize, Deserialize)]
pub(super) enum RequestWire {
    V1(BodyWire, Option<<Mark as Wired>::Wire>),
}

pub(super) fn write(request: &Request) -> RequestWire {
    RequestWire::V1(write_body(&request.body), request.known.mark.write())
}

pub(super) fn read(RequestWire::V1(body, mark): RequestWire) -> Result<Request, WireError> {
    Ok(Request {
        body: read_body(body)?,
        known: Known {
            mark: Wired::read(mark)?,
            view: None,
        },
    })
}
