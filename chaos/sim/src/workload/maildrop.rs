//! POP3: a client that reads a whole maildrop and removes some of it.

use hongyan_invariant::{MailId, Operation, Outcome, Reply};
use rand::RngExt;
use rand::seq::IndexedRandom;

use super::Worker;
use crate::client::{Lost, NoMaildrop, Pop3};
use crate::probe::Probe;

impl Worker {
    /// One session.
    pub(super) async fn maildrop(&mut self) -> Result<(), Lost> {
        let mailbox = self.mailbox();
        let address = self.node(110);
        let session = self.me.recorder.new_session();
        let operation = Operation::ReadMaildrop {
            mailbox: mailbox.clone(),
        };
        let call = self.me.recorder.call(self.me.client, session, operation);
        let read = async {
            let mut pop3 = Pop3::login(&self.me, address, &mailbox).await?;
            match pop3.read_all().await? {
                true => Ok(pop3),
                false => Err(NoMaildrop::Refused),
            }
        };
        let mut pop3 = match read.await {
            Ok(pop3) => pop3,
            Err(why) => {
                self.me.recorder.returned(call, Outcome::Unknown);
                return match why {
                    NoMaildrop::Lost => Err(Lost),
                    NoMaildrop::Refused => Ok(()),
                };
            }
        };
        let all = pop3.seen.iter().map(|(_, seen)| seen.clone()).collect();
        self.me.recorder.returned(call, Outcome::Done(Reply::Maildrop(all)));
        self.me.recorder.probe(Probe::MaildropRead);
        let known: Vec<(u32, MailId)> = pop3
            .seen
            .iter()
            .filter_map(|(number, seen)| Some((*number, seen.mail?)))
            .collect();
        if known.is_empty() || self.random.random_bool(0.5) {
            let _ = pop3.command("QUIT").await;
            return Ok(());
        }
        let count = self.random.random_range(1..=known.len().min(3));
        let chosen: Vec<(u32, MailId)> = known.sample(&mut self.random, count).copied().collect();
        let mails = pop3.mark(&chosen).await?;
        let call = self
            .me
            .recorder
            .call(self.me.client, session, Operation::EmptyMaildrop { mailbox, mails });
        // RFC 1939 §6: what could not be removed is said, and then nothing is known of each.
        let outcome = match pop3.command("QUIT").await {
            Ok(true) => Outcome::Done(Reply::Plain),
            Ok(false) | Err(Lost) => Outcome::Unknown,
        };
        self.me.recorder.returned(call, outcome);
        Ok(())
    }
}
