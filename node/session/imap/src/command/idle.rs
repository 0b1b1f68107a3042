//! IDLE (RFC 9051 §6.3.13): the session waits for hints as well as for the client; see `Session::wait`.

use hongyan_imap::Status;

use crate::notices::Allowed;
use crate::session::Session;
use crate::stop::{Answer, Stop};

impl Session {
    pub(crate) async fn idle(&mut self) -> Result<(), Stop> {
        self.metrics.idle_begins();
        self.notices(Allowed::All).await
    }

    pub(crate) fn idle_end(&mut self, well_formed: bool) -> Answer {
        self.metrics.idle_ends();
        if well_formed {
            Ok(Status::ok("Idle completed"))
        } else {
            Err(Status::bad("Expected DONE").into())
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.imap.is_idle() {
            self.metrics.idle_ends();
        }
    }
}
