//! Clients: what they send, how they read what comes back, and what they write down of it.

mod imap;
mod smtp;
mod wire;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use hongyan_env::Env;
use hongyan_invariant::ClientId;
use tokio_rustls::TlsConnector;

pub(crate) use imap::Imap;
pub(crate) use smtp::{Kind, Smtp};
pub use wire::take_any_certificate;

use crate::record::{Failure, Observer, Recorder, Trouble};

/// The password of all accounts.
pub const PASSWORD: &str = "wild-Goose-9";

/// Who a client is and what it works with.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) client: ClientId,
    /// The mailbox that it asks all the time, if it does.
    pub(crate) mailbox: Option<usize>,
    pub(crate) env: Env,
    pub(crate) recorder: Recorder,
    pub(crate) tls: TlsConnector,
    pub(crate) faces: Faces,
}

/// The certificates of nodes, by which clients know whom they speak to whatever stands between. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Faces(Rc<RefCell<Vec<(Vec<u8>, usize)>>>);

impl Faces {
    pub(crate) fn learn(&self, certificate: Vec<u8>, node: usize) {
        let mut faces = self.0.borrow_mut();
        faces.retain(|(known, _)| *known != certificate);
        faces.push((certificate, node));
    }
    fn node(&self, certificate: &[u8]) -> Option<usize> {
        let faces = self.0.borrow();
        faces
            .iter()
            .find(|(known, _)| known == certificate)
            .map(|(_, node)| *node)
    }
}

impl Identity {
    fn observer(&self) -> Observer {
        Observer {
            client: self.client,
            mailbox: self.mailbox,
        }
    }
    /// Writes down how a command ended that began at `from`.
    fn note(&self, node: Option<usize>, what: &str, from: u64, failure: Option<&Failure>) {
        self.recorder.asked(self.observer(), node, from, failure.is_none());
        match failure {
            None => self.recorder.answered(what),
            Some(failure) => self.recorder.failed(Trouble {
                client: self.client,
                node,
                what: what.to_owned(),
                failure: failure.clone(),
                from,
                to: self.recorder.now(),
            }),
        }
    }
    /// Writes down that a connection ended which its client would have kept.
    fn note_dropped(&self, node: Option<usize>, opened: u64, failure: Failure) {
        self.recorder.dropped(Trouble {
            client: self.client,
            node,
            what: "connection".to_owned(),
            failure,
            from: opened,
            to: self.recorder.now(),
        });
    }
}

/// An address to come in at, and the node behind it when that is sure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    pub(crate) node: Option<usize>,
}
