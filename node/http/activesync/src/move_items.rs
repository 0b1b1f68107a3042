//! MoveItems: mails go to another folder ([MS-ASCMD] §2.2.1.12).

use axum::response::Response;
use hongyan_activesync::{Element, Status, page::move_items as page};
use hongyan_mailbox::{FolderRef, MoveMessages};
use hongyan_types::UidSet;

use crate::answer::{Found, Stop, body};
use crate::asking::{Asking, folder_name, read_folder};
use crate::sync_changes::read_message;

/// [MS-ASCMD] §2.2.3.177.10.
const NO_SOURCE: u8 = 1;
const NO_DESTINATION: u8 = 2;
const SUCCESS: u8 = 3;
const SAME: u8 = 4;
const FAILED: u8 = 5;

pub(crate) async fn move_items(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    if tree.tag != page::MOVE_ITEMS {
        return Err(Status::InvalidContent.into());
    }
    let mut answer = Element::new(page::MOVE_ITEMS);
    for (count, wanted) in tree.children(page::MOVE).enumerate() {
        if count >= asking.service.settings.commands_max {
            return Err(Status::InvalidContent.into());
        }
        let text = |tag| wanted.text_of(tag).unwrap_or_default();
        let message = text(page::SRC_MSG_ID);
        let moved = move_one(asking, (message, text(page::SRC_FLD_ID), text(page::DST_FLD_ID))).await?;
        let response = Element::new(page::RESPONSE).text(page::SRC_MSG_ID, message);
        answer = answer.with(match moved {
            Ok(now) => response.number(page::STATUS, SUCCESS).text(page::DST_MSG_ID, now),
            Err(status) => response.number(page::STATUS, status),
        });
    }
    Ok(body(&answer))
}

async fn move_one(asking: &Asking<'_>, (message, from, to): (&str, &str, &str)) -> Found<Result<String, u8>> {
    if asking.read_only {
        return Ok(Err(FAILED));
    }
    let (Some(from), Some(to)) = (read_folder(from), read_folder(to)) else {
        return Ok(Err(NO_SOURCE));
    };
    if from == to {
        return Ok(Err(SAME));
    }
    let Some(opened) = asking.open(from).await? else {
        return Ok(Err(NO_SOURCE));
    };
    let Some(uid) = read_message(&opened.view, message).filter(|uid| opened.view.get(*uid).is_some()) else {
        return Ok(Err(NO_SOURCE));
    };
    if asking.open(to).await?.is_none() {
        return Ok(Err(NO_DESTINATION));
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
                .map(|(_, uid)| format!("{}:{}", folder_name(to), uid.get()))
                .ok_or(NO_SOURCE))
        }
        Err(Stop::Mailbox(error)) if !error.is_temporary() => Ok(Err(FAILED)),
        Err(stop) => Err(stop),
    }
}
