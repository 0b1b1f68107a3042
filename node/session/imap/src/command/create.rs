//! CREATE (RFC 9051 §6.3.4, RFC 6154 §3).

use hongyan_imap::command::create::{self, Create};
use hongyan_imap::{Code, Status};
use hongyan_mailbox::{CreateFolder, SpecialUse};

use crate::session::Session;
use crate::stop::Answer;

impl Session {
    pub(crate) async fn create(&mut self, create: Create) -> Answer {
        let special_use = match create.special_uses.as_slice() {
            [] => None,
            [only] => Some(special_use(*only)),
            _ => return Err(Status::no_with(Code::UseAttr, "A folder has one special use").into()),
        };
        let located = self.locate(&create.mailbox).await?;
        located.place.writable()?;
        let path = located.path()?;
        self.check_folders(located.place.mailbox, None, &path).await?;
        let request = CreateFolder { path, special_use };
        let created = self.ask_in(located.place.mailbox, request).await?;
        Ok(Status::ok_with(
            Code::MailboxId(created.folder.id.to_string()),
            "Create completed",
        ))
    }
}

fn special_use(special_use: create::SpecialUse) -> SpecialUse {
    match special_use {
        create::SpecialUse::Archive => SpecialUse::Archive,
        create::SpecialUse::Drafts => SpecialUse::Drafts,
        create::SpecialUse::Junk => SpecialUse::Junk,
        create::SpecialUse::Sent => SpecialUse::Sent,
        create::SpecialUse::Trash => SpecialUse::Trash,
    }
}
