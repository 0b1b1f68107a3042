//! ENABLE (RFC 9051 §6.3.1).

use hongyan_imap::command::enable::Enable;
use hongyan_imap::{Code, Extension, Status};

use crate::session::Session;
use crate::stop::Answer;

impl Session {
    pub(crate) fn enable(&mut self, enable: &Enable) -> Answer {
        let mut enabled = Vec::new();
        for extension in &enable.extensions {
            let new = match extension {
                Extension::CondStore => self.enable_cond_store(),
                extension => self.imap.enable(*extension),
            };
            if new {
                enabled.push(*extension);
            }
        }
        self.imap.output().enabled(&enabled);
        Ok(Status::ok("Enabled"))
    }

    /// Enables CONDSTORE, by ENABLE or by a command that uses it; the client then learns the folder's HIGHESTMODSEQ
    /// (RFC 7162 §3.1.2). True when it was not enabled before.
    pub(crate) fn enable_cond_store(&mut self) -> bool {
        let new = self.imap.enable(Extension::CondStore);
        if new && let Some(selected) = &self.selected {
            let highest = selected.view.highest_modseq().0.max(1);
            self.imap
                .output()
                .untagged(&Status::ok_with(Code::HighestModSeq(highest), "Highest"));
        }
        new
    }
}
