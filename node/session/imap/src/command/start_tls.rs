//! STARTTLS (RFC 9051 §6.2.1).

use std::sync::Arc;

use hongyan_imap::{CommandId, Reply, Status};

use crate::session::{Outcome, Session};
use crate::stop::Stop;

impl Session {
    pub(crate) async fn start_tls(&mut self, id: CommandId) -> Result<Outcome, Stop> {
        self.imap.reply(id, Reply::Done(Status::ok("Begin TLS now")));
        self.flush().await?;
        self.connection.start_tls().await.map_err(|_| Stop::Gone)?;
        let settings = Arc::new(self.protocol_settings());
        self.imap.tls_started(settings);
        self.finished("starttls", "ok");
        Ok(Outcome::Pending)
    }
}
