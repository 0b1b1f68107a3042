//! Clients: what they send and how they read what comes back.

mod imap;
mod pop3;
mod resync;
mod smtp;
mod wire;

pub(crate) use imap::Imap;
pub(crate) use pop3::{NoMaildrop, Pop3};
pub(crate) use resync::Memory;
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
