//! MoveItems: mails go to another folder ([MS-ASCMD] §2.2.1.12).

use axum::response::Response;
use hongyan_activesync::command::move_items::{Move, MoveItemsRequest, MoveItemsResponse, MoveStatus, Moved};
use hongyan_activesync::{Element, Status};
use hongyan_mailbox::{FolderRef, MoveMessages};
use hongyan_types::UidSet;

use crate::answer::{Found, Stop, body};
use crate::asking::{Asking, message_name, read_folder};
use crate::sync_changes::read_message;

pub(crate) async fn move_items(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    let request = MoveItemsRequest::read(tree, asking.version)?;
    if request.moves.len() > asking.service.settings.commands_max {
        return Err(Status::InvalidContent.into());
    }
    let mut moved = Vec::with_capacity(request.moves.len());
    for wanted in request.moves {
        let outcome = move_one(asking, &wanted).await?;
        moved.push(Moved {
            source_message: wanted.source_message,
            status: outcome.as_ref().err().copied().unwrap_or(MoveStatus::Success),
            destination_message: outcome.ok(),
        });
    }
    Ok(body(&MoveItemsResponse { moved }.write()))
}

/// What the mail is called where it went.
async fn move_one(asking: &Asking<'_>, wanted: &Move) -> Found<Result<String, MoveStatus>> {
    if asking.read_only {
        return Ok(Err(MoveStatus::Failed));
    }
    let names = read_folder(&wanted.source_folder).zip(read_folder(&wanted.destination_folder));
    let Some((from, to)) = names else {
        return Ok(Err(MoveStatus::InvalidSource));
    };
    if from == to {
        return Ok(Err(MoveStatus::SameFolder));
    }
    let Some(opened) = asking.open(from).await? else {
        return Ok(Err(MoveStatus::InvalidSource));
    };
    let uid = read_message(&opened.view, &wanted.source_message);
    let Some(uid) = uid.filter(|uid| opened.view.get(*uid).is_some()) else {
        return Ok(Err(MoveStatus::InvalidSource));
    };
    if asking.open(to).await?.is_none() {
        return Ok(Err(MoveStatus::InvalidDestination));
    }
    let request = MoveMessages {
        from,
        uids: UidSet::from_range(uid, uid),
        to: FolderRef::Id(to),
    };
    match asking.ask(request.knowing(&opened.view)).await {
        Ok(moved) => {
            let now = moved.moved.uids.first();
            Ok(now
                .map(|(_, uid)| message_name(to, *uid))
                .ok_or(MoveStatus::InvalidSource))
        }
        Err(Stop::Mailbox(error)) if !error.is_temporary() => Ok(Err(MoveStatus::Failed)),
        Err(stop) => Err(stop),
    }
}
