//! APPEND (RFC 9051 §6.3.12, RFC 3502): messages stream into the blob store; one commit puts them all into the folder.

use bytes::Bytes;
use hongyan_imap::command::append::{Append, AppendMessage};
use hongyan_imap::{Code, CommandId, Ranges, Reply, Status};
use hongyan_mailbox::{self as mailbox, FolderRef, GetQuota, MessageWriter};
use hongyan_types::{Flag, Uid};

use crate::folder;
use crate::place::Place;
use crate::session::Session;
use crate::stop::{Answer, Stop, or_try_create};

/// From this size on the quota is asked before the message is taken, not only after.
const ASK_QUOTA_OCTETS: u64 = 1_024 * 1_024;

/// An APPEND or REPLACE under way.
pub(crate) struct Appending {
    place: Place,
    to: FolderRef,
    /// REPLACE: which message goes.
    replaces: Option<Uid>,
    messages: Vec<mailbox::AppendMessage>,
    /// The message that is coming, with its announcement.
    writer: Option<(MessageWriter, AppendMessage)>,
}

impl Session {
    pub(crate) async fn append(&mut self, id: CommandId, append: Append) -> Result<(), Stop> {
        let located = self.locate(&append.mailbox).await?;
        let to = located.reference().map_err(or_try_create)?;
        let folders = self.folders_in(&located.place).await?;
        folder::find(&folders.folders, &located.existing_path()?).map_err(or_try_create)?;
        located.place.writable()?;
        // How full a mailbox is of which single folders are shared is not told: the commit says whether there is room.
        if append.message.octets >= ASK_QUOTA_OCTETS && located.place.permit.is_none() {
            self.check_quota(&located.place, append.message.octets).await?;
        }
        self.begin_appending(located.place, to, None);
        self.append_next(id, &append.message)
    }

    pub(crate) fn begin_appending(&mut self, place: Place, to: FolderRef, replaces: Option<Uid>) {
        self.appending = Some(Box::new(Appending {
            place,
            to,
            replaces,
            messages: Vec::new(),
            writer: None,
        }));
    }

    async fn check_quota(&self, place: &Place, octets: u64) -> Result<(), Stop> {
        if self.ask_in(place, GetQuota).await?.quota.would_exceed(octets, 1) {
            return Err(mailbox::MailboxError::OverQuota.into());
        }
        Ok(())
    }

    /// Another message is announced.
    pub(crate) fn append_next(&mut self, id: CommandId, message: &AppendMessage) -> Result<(), Stop> {
        let Some(appending) = self.appending.as_deref_mut() else {
            return Err(Status::bad("Nothing is being appended").into());
        };
        let tenant = appending.place.mailbox.tenant;
        if message.octets == 0 {
            // RFC 3502 §3: a message of no octets cancels the command.
            self.appending = None;
            return Err(Status::no("Append cancelled").into());
        }
        if appending.messages.len() >= self.settings.append_messages_max {
            self.appending = None;
            return Err(Status::no_with(Code::Limit, "Too many messages in one APPEND").into());
        }
        let writer = MessageWriter::new(&self.services.blobs, tenant);
        appending.writer = Some((writer, message.clone()));
        self.imap.reply(id, Reply::Continue);
        Ok(())
    }

    pub(crate) async fn append_data(&mut self, chunk: &Bytes) -> Result<(), Stop> {
        let Some((writer, _)) = self
            .appending
            .as_deref_mut()
            .and_then(|appending| appending.writer.as_mut())
        else {
            return Ok(());
        };
        let pushed = writer.push(chunk).await;
        pushed.map_err(|error| self.abandon(error.into()))
    }

    pub(crate) async fn append_message_end(&mut self) -> Result<(), Stop> {
        let writer = self
            .appending
            .as_deref_mut()
            .and_then(|appending| appending.writer.take());
        let Some((writer, announced)) = writer else {
            return Ok(());
        };
        let message = match writer.finish().await {
            Ok(message) => message,
            Err(error) => return Err(self.abandon(error.into())),
        };
        let system = announced.flags.system.iter().map(Flag::System);
        let flags = system
            .chain(announced.flags.keywords.into_iter().map(Flag::Keyword))
            .collect();
        if let Some(appending) = self.appending.as_deref_mut() {
            appending.messages.push(mailbox::AppendMessage {
                message,
                flags,
                internal_date: announced.date,
            });
        }
        Ok(())
    }

    fn abandon(&mut self, stop: Stop) -> Stop {
        self.appending = None;
        stop
    }

    pub(crate) async fn append_end(&mut self) -> Answer {
        let Some(appending) = self.appending.take() else {
            return Err(Status::bad("Nothing is being appended").into());
        };
        let Appending {
            place,
            to,
            replaces,
            mut messages,
            ..
        } = *appending;
        if let Some(uid) = replaces {
            let Some(message) = messages.pop() else {
                return Err(Status::bad("Nothing is being appended").into());
            };
            return self.replace_end(uid, to, message).await;
        }
        let appended = self
            .ask_in(&place, mailbox::Append { folder: to, messages })
            .await
            .map_err(or_try_create)?;
        Ok(Status::ok_with(append_uid(&appended), "Append completed"))
    }
}

/// APPENDUID (RFC 4315 §3); UIDs of one commit follow each other.
pub(crate) fn append_uid(appended: &mailbox::AppendReply) -> Code {
    let uids: Ranges = appended.uids.iter().map(|uid| uid.get()).collect();
    Code::AppendUid(appended.uid_validity.get(), uids)
}
