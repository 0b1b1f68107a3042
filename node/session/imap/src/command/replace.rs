//! REPLACE (RFC 8508): one commit stores the new message and expunges the old one.

use hongyan_imap::command::replace::Replace;
use hongyan_imap::{Code, CommandId, Status};
use hongyan_mailbox::{self as mailbox, AppendMessage, FolderRef};
use hongyan_types::{SeqNum, Uid};

use crate::command::append::append_uid;
use crate::folder;
use crate::session::Session;
use crate::stop::{Answer, Stop, or_try_create};

impl Session {
    pub(crate) async fn replace(&mut self, id: CommandId, replace: Replace) -> Result<(), Stop> {
        let selected = self.selected()?;
        selected.writable()?;
        let entry = match replace.number {
            None => selected.view.last(),
            Some(number) if replace.uid => Uid::new(number).and_then(|uid| selected.view.get(uid)),
            Some(number) => SeqNum::new(number).and_then(|number| selected.view.at(number)),
        };
        let uid = entry
            .map(|entry| entry.uid)
            .ok_or_else(|| Status::no_with(Code::NonExistent, "Message does not exist"))?;
        let here = self.selected()?.place.mailbox;
        let located = self.locate(&replace.mailbox).await?;
        if located.place.mailbox != here {
            return Err(Status::no_with(Code::Cannot, "A replacement stays in its mailbox").into());
        }
        let to = located.reference().map_err(or_try_create)?;
        let folders = self.folders_in(&located.place).await?;
        folder::find(&folders.folders, &located.existing_path()?).map_err(or_try_create)?;
        self.begin_appending(located.place, to, Some(uid));
        self.append_next(id, &replace.message)
    }

    pub(crate) async fn replace_end(&mut self, uid: Uid, to: FolderRef, message: AppendMessage) -> Answer {
        let folder = self.selected()?.folder;
        let replaced = self
            .ask(mailbox::Replace {
                folder,
                uid,
                to,
                message,
            })
            .await
            .map_err(or_try_create)?;
        // RFC 8508 §3.3: APPENDUID comes before the old message's EXPUNGE.
        self.imap
            .output()
            .untagged(&Status::ok_with(append_uid(&replaced.appended), "Replacement stored"));
        Ok(Status::ok("Replace completed"))
    }
}
