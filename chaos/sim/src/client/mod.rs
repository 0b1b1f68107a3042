//! Clients: what they send and how they read what comes back.

mod imap;
mod smtp;
mod wire;

pub(crate) use imap::{Answer, Imap, Status};
pub(crate) use smtp::{Envelope, Kind, send};
pub(crate) use wire::{Lost, Wire};

use hongyan_env::Env;
use hongyan_invariant::ClientId;

use crate::recorder::Recorder;

/// Who a client is and what it works with.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) client: ClientId,
    pub(crate) env: Env,
    pub(crate) recorder: Recorder,
}
