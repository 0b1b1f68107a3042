//! Sign-in, and the opening of the maildrop behind it (RFC 1939 §4).

use std::time::Duration;

use hongyan_access::{AccessError, Identity, Protocol};
use hongyan_directory::AccountSettings;
use hongyan_mailbox::{FolderRef, FolderView, ListFolders, MailboxError, MailboxId, OpenFolder};
use hongyan_pop3::{Reply, ResponseCode};
use hongyan_sasl::Secret;
use hongyan_types::Timestamp;

use crate::maildrop::{Maildrop, is_offered};
use crate::session::Session;

impl Session {
    /// USER and PASS.
    pub(crate) async fn login(&mut self, user: &str, password: &Secret) -> Reply {
        let peer = self.connection().peer().ip();
        let verified = self
            .parts()
            .access
            .verify_password(Protocol::Pop3, user, password, peer)
            .await;
        self.admit(verified).await
    }

    /// Opens the maildrop of whom access has let in.
    pub(crate) async fn admit(&mut self, verified: Result<Identity, AccessError>) -> Reply {
        let reply = match verified {
            Ok(identity) => match self.open_maildrop(&identity).await {
                Ok(reply) | Err(reply) => reply,
            },
            Err(error) => refusal(&error),
        };
        let outcome = match &reply {
            Reply::SignedIn(_) => "ok",
            Reply::Err(Some(ResponseCode::InUse), _) => "in-use",
            Reply::Err(Some(ResponseCode::Auth), _) => "refused",
            _ => "unavailable",
        };
        self.metrics().logins.with_label_values(&[outcome]).inc();
        reply
    }

    async fn open_maildrop(&mut self, identity: &Identity) -> Result<Reply, Reply> {
        let account = &identity.account;
        let permit = self
            .parts()
            .access
            .open_session(identity, self.connection().peer())
            .await
            .map_err(|error| refusal(&error))?;
        let mailbox = MailboxId {
            tenant: account.tenant,
            account: account.id,
        };
        let span = self.parts().settings.lock_span;
        self.lock_maildrop(mailbox, span)
            .await
            .map_err(|error| unavailable(&error))?;
        let settings = &account.settings;
        let opened = match self.open_folders(mailbox, settings).await {
            Ok(opened) => opened,
            Err(error) => {
                // Should this fail too, the lock ends by itself.
                let _ = self.lock_maildrop(mailbox, Duration::ZERO).await;
                return Err(unavailable(&error));
            }
        };
        let now = Timestamp {
            millis: self.parts().env.wall_millis(),
        };
        let maildrop = Maildrop::new(
            mailbox,
            opened,
            settings.pop_range.since(now),
            settings.pop_clients_may_delete && !identity.is_read_only(),
        );
        let text = format!("{} messages ({} octets)", maildrop.count(), maildrop.octets());
        self.signed_in(maildrop, permit, account.language);
        Ok(Reply::SignedIn(text))
    }
}

impl Session {
    /// INBOX, and what else the account's POP clients are offered (ACC-11).
    async fn open_folders(
        &self,
        mailbox: MailboxId,
        settings: &AccountSettings,
    ) -> Result<Vec<FolderView>, MailboxError> {
        let inbox = OpenFolder {
            folder: FolderRef::INBOX,
        };
        let mut views = vec![self.ask(mailbox, inbox).await?.view];
        let (own, junk) = (settings.pop_own_folders, settings.pop_junk);
        if !own && !junk {
            return Ok(views);
        }
        let all = self.ask(mailbox, ListFolders).await?.folders;
        for folder in all.iter().filter(|folder| is_offered(folder, &all, own, junk)) {
            let folder = FolderRef::Id(folder.id);
            match self.ask(mailbox, OpenFolder { folder }).await {
                Ok(opened) => views.push(opened.view),
                // Deleted since it was listed.
                Err(MailboxError::NoSuchFolder) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(views)
    }
}

/// RFC 2449 §8.1.1, RFC 3206 §4: which code says what.
fn refusal(error: &AccessError) -> Reply {
    let code = if error.is_temporary() {
        ResponseCode::SysTemp
    } else {
        ResponseCode::Auth
    };
    if let AccessError::Directory(cause) = error {
        if cause.is_temporary() {
            tracing::warn!(%cause, "sign-in failed for now");
        } else {
            tracing::error!(%cause, "sign-in failed");
        }
    }
    Reply::Err(Some(code), error.text())
}

fn unavailable(error: &MailboxError) -> Reply {
    match error {
        MailboxError::Locked => {
            let text = "another session has this maildrop".to_owned();
            Reply::Err(Some(ResponseCode::InUse), text)
        }
        _ => Reply::Err(Some(ResponseCode::SysTemp), "mailbox is not available now".to_owned()),
    }
}
