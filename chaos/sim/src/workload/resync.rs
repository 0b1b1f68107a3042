//! Coming back to a folder after a while, with a memory of it.

use hongyan_invariant::{Operation, Outcome, Reply};
use rand::RngExt;

use super::Worker;
use crate::client::{Imap, Lost, Memory};
use crate::probe::Probe;

impl Worker {
    /// One session, of a folder that this client has seen before.
    pub(super) async fn resync(&mut self) -> Result<(), Lost> {
        let at = self.random.random_range(0..self.remembered.len());
        let Some((place, memory)) = self.remembered.iter().nth(at) else {
            return Ok(());
        };
        let (place, memory) = (place.clone(), memory.clone());
        let address = self.node(143);
        let names_known = self.random.random_bool(0.3);
        let mut imap = Imap::login(&self.me, address, &place.mailbox).await?;
        let operation = Operation::Resync { place: place.clone() };
        let call = self.me.recorder.call(self.me.client, imap.session, operation);
        match imap.resync(&place, memory, names_known).await {
            Ok(Some(resync)) => {
                if let Some(memory) = Memory::of(&resync.truth) {
                    self.remembered.insert(place, memory);
                }
                self.me.recorder.returned(call, Outcome::Done(Reply::Resync(resync)));
                self.me.recorder.probe(Probe::Resynced);
                let _ = imap.run("LOGOUT").await;
                Ok(())
            }
            Ok(None) => {
                self.remembered.remove(&place);
                self.me.recorder.returned(call, Outcome::Unknown);
                Ok(())
            }
            Err(Lost) => {
                self.me.recorder.returned(call, Outcome::Unknown);
                Err(Lost)
            }
        }
    }
}
