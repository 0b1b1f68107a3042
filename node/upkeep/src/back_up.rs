//! All mail of a mailbox as one file to keep (MEM-16): a tar archive of folders as Maildir has them, which `hongyan import` reads.
//! Memory does not grow with it.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use hongyan_blob::{BlobError, BlobReader};
use hongyan_directory::Error;
use hongyan_mailbox::{
    FolderId, FolderPath, FolderRef, ListFolders, MailboxError, MailboxId, MessageEntry, OpenFolder, read_email,
};
use hongyan_types::SystemFlag;

use crate::entity::MailServices;
use crate::{TaskError, tar};

/// How long a mailbox may take to answer.
const WITHIN: Duration = Duration::from_secs(60);

/// The archive as it is read.
pub struct BackUp {
    mail: MailServices,
    mailbox: MailboxId,
    /// Folders still to come, with their place in the archive.
    folders: VecDeque<(FolderId, String)>,
    /// The folder at hand, and its messages still to come.
    folder: (FolderId, String),
    messages: VecDeque<MessageEntry>,
    /// The message at hand.
    message: Option<BlobReader>,
    is_over: bool,
}

/// A part of a path that is a name wherever the archive is unpacked, and none of Maildir's.
fn level(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\\' | ':') {
                '_'
            } else {
                c
            }
        })
        .collect();
    match plain.as_str() {
        "" | "cur" | "new" | "tmp" => format!("{plain}_"),
        dotted if dotted.starts_with('.') => format!("_{dotted}"),
        _ => plain,
    }
}

fn place(root: &str, path: &FolderPath) -> String {
    let mut place = level(root);
    if !path.is_inbox() {
        for name in path.as_str().split('/') {
            place.push('/');
            place.push_str(&level(name));
        }
    }
    place
}

/// The letters of Maildir, in the order of ASCII.
fn letters(entry: &MessageEntry) -> String {
    let known = [
        (SystemFlag::Draft, 'D'),
        (SystemFlag::Flagged, 'F'),
        (SystemFlag::Answered, 'R'),
        (SystemFlag::Seen, 'S'),
        (SystemFlag::Deleted, 'T'),
    ];
    let set = known.into_iter().filter(|(flag, _)| entry.flags.contains(*flag));
    set.map(|(_, letter)| letter).collect()
}

fn unreadable(error: BlobError) -> Error {
    match error {
        BlobError::Storage(error) => Error::Storage(error),
        error => Error::Refused(format!("a mail cannot be read: {error}")),
    }
}

fn unwilling(error: &MailboxError) -> Error {
    Error::Refused(format!("the mailbox refuses: {error}"))
}

impl BackUp {
    /// The archive of a mailbox, within a folder `root`.
    pub(crate) async fn open(mail: MailServices, mailbox: MailboxId, root: &str) -> Result<Self, TaskError> {
        let listed = mail.router.ask(&mailbox, ListFolders, WITHIN).await?;
        let listed = listed.map_err(|error| unwilling(&error))?;
        let mut folders: Vec<_> = listed.folders.iter().collect();
        folders.sort_by_key(|folder| folder.id);
        let folders = folders.into_iter().map(|folder| (folder.id, place(root, &folder.path)));
        Ok(Self {
            folders: folders.collect(),
            mail,
            mailbox,
            folder: (FolderId::INBOX, String::new()),
            messages: VecDeque::new(),
            message: None,
            is_over: false,
        })
    }

    /// The next piece; nothing at the end.
    ///
    /// # Errors
    /// When a mail cannot be read, or the mailbox does not answer: the archive is not whole then.
    pub async fn read(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if let Some(message) = &mut self.message {
                if let Some(chunk) = message.next_chunk().await.map_err(unreadable)? {
                    return Ok(Some(chunk));
                }
                let padding = tar::padding(message.octets());
                self.message = None;
                if !padding.is_empty() {
                    return Ok(Some(Bytes::from_static(padding)));
                }
            } else if let Some(entry) = self.messages.pop_front() {
                if let Some(head) = self.begin(&entry).await? {
                    return Ok(Some(head));
                }
            } else if let Some(folder) = self.folders.pop_front() {
                return Ok(Some(self.enter(folder).await?));
            } else if self.is_over {
                return Ok(None);
            } else {
                self.is_over = true;
                return Ok(Some(Bytes::from_static(&tar::END)));
            }
        }
    }

    /// The head of a message, which comes next. One that has gone meanwhile is left out.
    async fn begin(&mut self, entry: &MessageEntry) -> Result<Option<Bytes>, Error> {
        let Some(email) = read_email(&self.mail.database, self.mailbox, entry.email).await? else {
            return Ok(None);
        };
        let tenant = self.mailbox.tenant.0;
        let message = self
            .mail
            .blobs
            .open_blob(tenant, &email.blob)
            .await
            .map_err(unreadable)?;
        let seconds = u64::try_from(entry.internal_date.millis / 1_000).unwrap_or(0);
        let (id, place) = (self.folder.0.0, &self.folder.1);
        let uid = entry.uid.get();
        let name = format!("{place}/cur/{seconds}.F{id}U{uid}.hongyan:2,{}", letters(entry));
        let head = tar::file(&name, message.octets(), seconds);
        self.message = Some(message);
        Ok(Some(head.into()))
    }

    /// The folders of a folder, whose messages come next.
    async fn enter(&mut self, folder: (FolderId, String)) -> Result<Bytes, Error> {
        let open = OpenFolder {
            folder: FolderRef::Id(folder.0),
        };
        let opened = self.mail.router.ask(&self.mailbox, open, WITHIN).await;
        let opened = opened.map_err(|error| Error::Refused(format!("the mailbox does not answer: {error}")))?;
        let opened = opened.map_err(|error| unwilling(&error))?;
        self.messages = opened.view.iter().cloned().collect();
        let parts = ["cur", "new", "tmp"].map(|part| tar::folder(&format!("{}/{part}/", folder.1)));
        self.folder = folder;
        Ok(parts.concat().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mem_16_no_name_leads_out_of_the_archive() {
        let path = |text: &str| place("anna@a.test", &FolderPath::try_from(text).unwrap());
        assert_eq!(path("INBOX"), "anna@a.test");
        assert_eq!(path("Projects/Red"), "anna@a.test/Projects/Red");
        assert_eq!(path("cur/tmp"), "anna@a.test/cur_/tmp_");
        assert_eq!(level(".."), "_..");
        assert_eq!(level("a:b\\c"), "a_b_c");
    }
}
