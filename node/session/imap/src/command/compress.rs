//! COMPRESS DEFLATE (RFC 4978).

use hongyan_imap::{Code, CommandId, Reply, Status};

use crate::session::{Outcome, Session};
use crate::stop::Stop;

impl Session {
    pub(crate) async fn compress(&mut self, id: CommandId) -> Result<Outcome, Stop> {
        if self.connection.is_compressed() {
            return Err(Status::no_with(Code::CompressionActive, "Already compressed").into());
        }
        self.imap.reply(id, Reply::Done(Status::ok("Compression active")));
        self.flush().await?;
        self.connection.start_deflate(&[]).map_err(|_| Stop::Gone)?;
        self.imap.compression_started();
        self.finished("compress", "ok");
        Ok(Outcome::Pending)
    }
}
