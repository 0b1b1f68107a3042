//! SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.7, §6.3.8).

use hongyan_imap::{MailboxName, Status};
use hongyan_mailbox::SubscribeFolder;

use crate::folder;
use crate::session::Session;
use crate::stop::Answer;

impl Session {
    pub(crate) async fn subscribe(&mut self, name: &MailboxName, subscribed: bool) -> Answer {
        let request = SubscribeFolder {
            path: folder::existing_path(name)?,
            subscribed,
        };
        self.ask(request).await?;
        Ok(Status::ok("Subscription changed"))
    }
}
