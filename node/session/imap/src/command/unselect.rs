//! UNSELECT (RFC 9051 §6.4.2).

use hongyan_imap::Status;

use crate::session::Session;
use crate::stop::Answer;

impl Session {
    pub(crate) fn unselect(&mut self) -> Answer {
        self.leave_folder();
        Ok(Status::ok("Unselect completed"))
    }
}
