//! Requests as they travel.

use hongyan_actor::WireError;
use hongyan_types::{AccountId, Flag, FolderRights, ModSeq, Timestamp, Uid, UidSet, UidValidity};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

use super::value::{Wired, wired};
use super::wrong;
use crate::request::{Body, Request};
use crate::view::{Known, Mark};
use crate::{
    Append, AppendMessage, Client, CopyMessages, CreateFolder, DeleteFolder, Deliver, DeliveryId, EmailId, Erase,
    Expunge, FlagAction, FolderId, FolderOrders, FolderPath, FolderRef, GetQuota, ListFolders, LockMaildrop,
    MoveMessages, NewMessage, OpenFolder, OrderFolder, Permit, PurgedId, QuotaLimits, Recall, RenameFolder, Replace,
    Restore, SetQuota, SpecialUse, StoreFlags, SubscribeFolder, TouchFolder, UpdateEmail, Vanished,
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
    FolderOrders {}
    ListFolders {}
    LockMaildrop { session: u64, span: Duration }
    MoveMessages { from: FolderId, uids: UidSet, to: FolderRef }
    OpenFolder { folder: FolderRef }
    OrderFolder { folder: FolderId, order: Option<u32> }
    Recall { message_id: String, from: String, takes_read: bool, notice: NewMessage }
    RenameFolder { from: FolderPath, to: FolderPath }
    Replace { folder: FolderId, uid: Uid, to: FolderRef, message: AppendMessage }
    Restore { purged: PurgedId, folder: FolderRef }
    SetQuota { limits: QuotaLimits }
    StoreFlags {
        folder: FolderId,
        uids: UidSet,
        action: FlagAction,
        flags: Vec<Flag>,
        unchanged_since: Option<ModSeq>,
    }
    SubscribeFolder { path: FolderPath, subscribed: bool }
    TouchFolder { folder: FolderId }
    UpdateEmail {
        email: EmailId,
        places: Vec<(FolderId, Uid)>,
        add: Vec<Flag>,
        remove: Vec<Flag>,
        put_into: Vec<FolderId>,
        take_from: Vec<FolderId>,
    }
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
    UpdateEmail, OrderFolder, Restore, FolderOrders, Recall, TouchFolder,
}

/// A request as it travels.
#[derive(Serialize, Deserialize)]
pub(super) enum RequestWire {
    V1(BodyWire, Option<<Mark as Wired>::Wire>),
    /// And who asks, in a mailbox that is not theirs.
    V2(BodyWire, Option<<Mark as Wired>::Wire>, u64),
    /// And through what, where mails may go with it.
    V3(BodyWire, Option<<Mark as Wired>::Wire>, Option<u64>, u8),
    /// And the folders that are open to them, each with what they may do: a node that does not know of them refuses.
    V4(
        BodyWire,
        Option<<Mark as Wired>::Wire>,
        Option<u64>,
        u8,
        Vec<(u32, u16)>,
    ),
}

/// Octets of an append that is not cut, about.
const APPEND_OCTETS: usize = 512 << 10;

/// A long append as several of some of its mails each; anything else as it is.
pub(super) fn cut(request: &Request) -> Vec<Request> {
    let Body::Append(append) = &request.body else {
        return vec![request.clone()];
    };
    let mut cut: Vec<Append> = Vec::new();
    let mut octets = 0;
    for message in &append.messages {
        if octets >= APPEND_OCTETS || cut.is_empty() {
            octets = 0;
            cut.push(Append {
                folder: append.folder.clone(),
                messages: Vec::new(),
            });
        }
        octets += message.message.blob.attach_octets() + crate::work::MAIL_OCTETS;
        cut.iter_mut()
            .last()
            .into_iter()
            .for_each(|last| last.messages.push(message.clone()));
    }
    if cut.is_empty() {
        return vec![request.clone()];
    }
    let known = &request.known;
    let bodies = cut.into_iter().map(Body::Append);
    bodies
        .map(|body| Request {
            body,
            known: known.clone(),
            acting: request.acting,
            client: request.client,
            permit: request.permit.clone(),
        })
        .collect()
}

/// What [`cut`] has cut.
pub(super) fn join(mut pieces: impl Iterator<Item = Result<Request, WireError>>) -> Result<Request, WireError> {
    let mut whole = pieces.next().ok_or_else(|| wrong("no piece"))??;
    for piece in pieces {
        match (&mut whole.body, piece?.body) {
            (Body::Append(whole), Body::Append(more)) => whole.messages.extend(more.messages),
            _ => return Err(wrong("no pieces of one append")),
        }
    }
    Ok(whole)
}

/// The words of a request from those of this release to the first ones: `None` where there are none so old.
pub(super) fn older(request: &Request, age: usize) -> Option<Request> {
    // What someone may do is never left out: who does not understand it does nothing.
    if request.permit.is_some() && age > 0 {
        return None;
    }
    let mut request = request.clone();
    for _ in 0..age {
        // Nobody notes then who asked, or through what: the mailbox is of a release that notes neither.
        match form(&request) {
            Form::V3 => request.client = Client::Server,
            Form::V2 => request.acting = None,
            Form::V1 => return None,
        }
    }
    Some(request)
}

/// How much of a request there is to say.
enum Form {
    V1,
    V2,
    V3,
}

fn form(request: &Request) -> Form {
    match request.acting {
        _ if request.client != Client::Server && request.body.removes() => Form::V3,
        Some(_) => Form::V2,
        None => Form::V1,
    }
}

pub(super) fn write(request: &Request) -> RequestWire {
    let (body, mark) = (write_body(&request.body), request.known.mark.write());
    let person = request.acting.map(|person| person.0);
    if let Some(permit) = &request.permit {
        let folders = permit.folders().map(|(folder, rights)| (folder.0, rights.bits()));
        return RequestWire::V4(body, mark, person, request.client.number(), folders.collect());
    }
    match (form(request), person) {
        (Form::V3, person) => RequestWire::V3(body, mark, person, request.client.number()),
        (Form::V2 | Form::V1, Some(person)) => RequestWire::V2(body, mark, person),
        (Form::V2 | Form::V1, None) => RequestWire::V1(body, mark),
    }
}

pub(super) fn read(wire: RequestWire) -> Result<Request, WireError> {
    let mut permit = None;
    let (body, mark, acting, client) = match wire {
        RequestWire::V1(body, mark) => (body, mark, None, Client::Server),
        RequestWire::V2(body, mark, person) => (body, mark, Some(AccountId(person)), Client::Server),
        RequestWire::V3(body, mark, person, client) => (body, mark, person.map(AccountId), Client::of(client)),
        RequestWire::V4(body, mark, person, client, folders) => {
            let folders = folders.into_iter();
            let folders = folders.map(|(folder, rights)| (FolderId(folder), FolderRights::from_bits(rights)));
            permit = Some(Arc::new(Permit::new(folders)));
            (body, mark, person.map(AccountId), Client::of(client))
        }
    };
    Ok(Request {
        acting,
        client,
        permit,
        body: read_body(body)?,
        known: Known {
            mark: Wired::read(mark)?,
            view: None,
        },
    })
}
