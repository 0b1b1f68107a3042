//! NAMESPACE (RFC 9051 §6.3.10).

use hongyan_imap::Status;

use crate::session::Session;
use crate::stop::Answer;

impl Session {
    pub(crate) fn namespace(&mut self) -> Answer {
        self.imap.output().namespace();
        Ok(Status::ok("Namespace completed"))
    }
}
