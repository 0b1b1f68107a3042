//! Ping: waits until one of the folders has something new ([MS-ASCMD] §2.2.1.13). It is cut off when the account's session ends,
//! as every request is.

use std::time::Duration;

use axum::response::Response;
use hongyan_activesync::{Element, page::ping as page};
use hongyan_mailbox::FolderId;

use crate::answer::{Found, body};
use crate::asking::{Asking, folder_name, read_folder};
use crate::devices;
use crate::sync::has_news;

/// [MS-ASCMD] §2.2.3.177.11.
const NOTHING: u8 = 1;
const NEWS: u8 = 2;
const MISSING_PARAMETERS: u8 = 3;
const SYNTAX: u8 = 4;
const BAD_HEARTBEAT: u8 = 5;
const TOO_MANY_FOLDERS: u8 = 6;
const HIERARCHY_CHANGED: u8 = 7;

fn status(status: u8) -> Element {
    Element::new(page::PING).number(page::STATUS, status)
}

/// What the request asks for: what it leaves out is as the device said last.
fn wanted(asking: &Asking<'_>, tree: Option<&Element>) -> Result<(Vec<u32>, u32), u8> {
    let device = &asking.device;
    let mut folders = device.ping_folders.clone();
    let mut secs = device.ping_secs;
    if let Some(tree) = tree {
        if tree.tag != page::PING {
            return Err(SYNTAX);
        }
        if let Some(text) = tree.text_of(page::HEARTBEAT_INTERVAL) {
            secs = text.trim().parse().map_err(|_| SYNTAX)?;
        }
        if let Some(list) = tree.child(page::FOLDERS) {
            let named = list.children(page::FOLDER).map(|folder| {
                let id = folder.text_of(page::ID).and_then(read_folder);
                id.map(|id| id.0).ok_or(HIERARCHY_CHANGED)
            });
            folders = named.collect::<Result<_, _>>()?;
        }
    }
    if folders.is_empty() || secs == 0 {
        return Err(MISSING_PARAMETERS);
    }
    Ok((folders, secs))
}

pub(crate) async fn ping(asking: &mut Asking<'_>, tree: Option<&Element>) -> Found<Response> {
    let (folders, secs) = match wanted(asking, tree) {
        Ok(wanted) => wanted,
        Err(refused) => return Ok(body(&status(refused))),
    };
    let limits = &asking.service.settings;
    if folders.len() > limits.collections_max {
        let max = u64::try_from(limits.collections_max).unwrap_or(u64::MAX);
        return Ok(body(&status(TOO_MANY_FOLDERS).number(page::MAX_FOLDERS, max)));
    }
    let heartbeat = Duration::from_secs(secs.into());
    let bounded = heartbeat.clamp(limits.wait_min, limits.wait_max);
    if bounded != heartbeat {
        // The device comes back with what is allowed.
        return Ok(body(
            &status(BAD_HEARTBEAT).number(page::HEARTBEAT_INTERVAL, bounded.as_secs()),
        ));
    }
    if (&asking.device.ping_folders, asking.device.ping_secs) != (&folders, secs) {
        let folders = folders.clone();
        asking
            .note(move |device| {
                device.ping_folders.clone_from(&folders);
                device.ping_secs = secs;
            })
            .await?;
    }
    let env = asking.service.services.env.clone();
    let waited = env.timeout(heartbeat, news(asking, &folders)).await;
    Ok(body(&match waited {
        None => status(NOTHING),
        Some(found) => match found? {
            None => status(HIERARCHY_CHANGED),
            Some(changed) => {
                let changed = changed
                    .into_iter()
                    .map(|id| Element::of_text(page::FOLDER, folder_name(id)));
                status(NEWS).with(Element::new(page::FOLDERS).with_all(changed))
            }
        },
    }))
}

/// Waits for folders with something new; `None` when one of them is there no more.
async fn news(asking: &Asking<'_>, folders: &[u32]) -> Found<Option<Vec<FolderId>>> {
    let services = &asking.service.services;
    // From now on, so that nothing falls between the look and the wait.
    let mut hints = services.router.subscribe(&asking.mailbox);
    loop {
        let mut changed = Vec::new();
        for id in folders.iter().copied().map(FolderId) {
            let Some(opened) = asking.open(id).await? else {
                return Ok(None);
            };
            let mut transaction = services.database.begin();
            let known = devices::collection(&mut transaction, asking.account.id, &asking.line.device_id, id).await?;
            let is_new = match known {
                // A device that has not begun to sync it has all to hear.
                None => true,
                Some(known) => has_news(asking, &known, &opened.view).await?,
            };
            if is_new {
                changed.push(id);
            }
        }
        if !changed.is_empty() {
            return Ok(Some(changed));
        }
        hints.changed().await;
    }
}
