//! Bytes brought and fetched (RFC 8620 §6), streamed both ways.

mod download;
mod methods;
mod stretch;
mod upload;
mod upload_record;

pub(crate) use download::download;
pub(crate) use methods::{copy, get_blobs, lookup, upload_objects};
pub(crate) use stretch::open;
pub(crate) use upload::upload;

use hongyan_http_front::{Caller, Problem};

use crate::account::{Account, accounts};
use crate::error::failed;
use crate::jmap::Jmap;

/// The account of a path, when its bytes are open to the caller.
async fn account(jmap: &Jmap, caller: &Caller, id: &str) -> Result<Account, Problem> {
    let accounts = accounts(jmap, caller).await.map_err(failed)?;
    let found = accounts.into_iter().find(|account| account.id.as_str() == id);
    found.ok_or_else(|| download::missing("account"))
}
