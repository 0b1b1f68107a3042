//! SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.7, §6.3.8).

use hongyan_imap::{MailboxName, Status};
use hongyan_mailbox::SubscribeFolder;

use crate::session::Session;
use crate::stop::Answer;

impl Session {
    pub(crate) async fn subscribe(&mut self, name: &MailboxName, subscribed: bool) -> Answer {
        // Which folders of a mailbox are subscribed to is common to all who use it.
        let located = self.locate(name).await?;
        let request = SubscribeFolder {
            path: located.existing_path()?,
            subscribed,
        };
        self.ask_in(located.place.mailbox, request).await?;
        Ok(Status::ok("Subscription changed"))
    }
}
