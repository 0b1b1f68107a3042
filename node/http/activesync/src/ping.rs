//! Ping: waits until one of the folders has something new ([MS-ASCMD] §2.2.1.13). It is cut off when the account's session ends,
//! as every request is, and when the device is wiped or removed.

use std::time::Duration;

use axum::response::Response;
use hongyan_activesync::Element;
use hongyan_activesync::command::ping::{PingRequest, PingResponse};
use hongyan_mailbox::FolderId;

use crate::answer::{Found, body};
use crate::asking::{Asking, folder_name, read_folder};
use crate::devices;
use crate::sync::has_news;

/// What the request asks for, folders and seconds: what it leaves out is as the device said last.
fn wanted(asking: &Asking<'_>, request: &PingRequest) -> Result<(Vec<u32>, u32), PingResponse> {
    let named = request.folders.iter().map(|folder| Some(read_folder(&folder.id)?.0));
    let named: Option<Vec<u32>> = named.collect();
    let mut folders = named.ok_or(PingResponse::FolderHierarchyChanged)?;
    if folders.is_empty() {
        folders.clone_from(&asking.device.ping_folders);
    }
    let secs = request.heartbeat_secs.unwrap_or(asking.device.ping_secs);
    if folders.is_empty() || secs == 0 {
        return Err(PingResponse::MissingParameters);
    }
    let limits = &asking.service.settings;
    if folders.len() > limits.collections_max {
        let max = u32::try_from(limits.collections_max).unwrap_or(u32::MAX);
        return Err(PingResponse::TooManyFolders(max));
    }
    let heartbeat = Duration::from_secs(secs.into());
    let bounded = heartbeat.clamp(limits.wait_min, limits.wait_max);
    if bounded != heartbeat {
        // The device comes back with what is allowed.
        let secs = u32::try_from(bounded.as_secs()).unwrap_or(u32::MAX);
        return Err(PingResponse::HeartbeatOutOfRange(secs));
    }
    Ok((folders, secs))
}

pub(crate) async fn ping(asking: &mut Asking<'_>, tree: Option<&Element>) -> Found<Response> {
    let request = tree.map(|tree| PingRequest::read(tree, asking.version)).transpose()?;
    let (folders, secs) = match wanted(asking, &request.unwrap_or_default()) {
        Ok(wanted) => wanted,
        Err(refused) => return Ok(body(&refused.write())),
    };
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
    let heartbeat = Duration::from_secs(secs.into());
    let waits = asking.unless_cut(news(asking, &folders));
    let waited = env.timeout(heartbeat, waits).await;
    let response = match waited.transpose()? {
        None => PingResponse::Expired,
        Some(None) => PingResponse::FolderHierarchyChanged,
        Some(Some(changed)) => PingResponse::Changes(changed.into_iter().map(folder_name).collect()),
    };
    Ok(body(&response.write()))
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
