//! Notes what is deleted and what goes to Trash, beside doing it (LOG-7).

use hongyan_kv::KeyRange;
use hongyan_message::AddressItem;
use hongyan_types::{AccountId, Timestamp};

use super::{Stop, Work};
use crate::change::Change;
use crate::options::ACTS_KEPT;
use crate::record::{email, key, removal};
use crate::request::Body;
use crate::{Client, EmailId, FolderId, Removal, RemovedMail, SpecialUse};

/// Mails of a removal that are named; of the others, only the number is kept.
const NAMED_MAX: usize = 20;
/// Characters kept of a subject, and of an address.
const TEXT_CHARACTERS_MAX: usize = 200;
/// Octets of a removal, about.
const REMOVAL_OCTETS: usize = 200;

impl Work<'_> {
    /// How many changes the transaction makes so far.
    pub(crate) fn changes_made(&self) -> usize {
        self.changes.len()
    }

    /// Notes what the changes from the one numbered `first` on have removed, in the name of `person` where the mailbox is not
    /// theirs; `deleted` is the path of a folder that went with it.
    pub(crate) async fn note_removals(
        &mut self,
        body: &Body,
        (person, client): (Option<AccountId>, Client),
        (first, deleted): (usize, Option<&str>),
    ) -> Result<(), Stop> {
        let client = match body {
            Body::Recall(_) => Client::Recall,
            body if body.removes() => client,
            _ => return Ok(()),
        };
        for (folder, to_trash, emails) in self.removed(first) {
            let id = self.next_act();
            let mut mails = Vec::new();
            for email in emails.iter().take(NAMED_MAX) {
                mails.push(self.removed_mail(*email).await?);
            }
            let removal = Removal {
                id,
                person,
                client,
                to_trash,
                path: match self.path(folder) {
                    Ok(path) => path.as_str().to_owned(),
                    Err(_) => deleted.unwrap_or_default().to_owned(),
                },
                messages: emails.len() as u64,
                mails,
            };
            let stored = removal::encode(&removal);
            self.wrote(stored.len() + REMOVAL_OCTETS);
            self.transaction.set(key::removal(self.id, id), stored);
            let kept = i64::try_from(ACTS_KEPT.as_millis()).unwrap_or(i64::MAX);
            let old = Timestamp {
                millis: self.now.millis.saturating_sub(kept),
            };
            self.transaction.clear_range(KeyRange {
                begin: key::all_removals(self.id).begin,
                end: key::removals_from(self.id, old),
            });
        }
        Ok(())
    }

    /// What went since the change numbered `first`: from which folder, whether to Trash, which mails. What went to another
    /// folder did not go, and of drafts each change leaves one behind.
    fn removed(&self, first: usize) -> Vec<(FolderId, bool, Vec<EmailId>)> {
        let changes = self.changes.get(first..).unwrap_or_default();
        let use_of = |folder: FolderId| self.folder(folder).ok().and_then(|folder| folder.special_use);
        let joined = |email: EmailId| {
            changes.iter().find_map(|change| match change {
                Change::Added { folder, entries } => {
                    entries.iter().any(|entry| entry.email == email).then_some(*folder)
                }
                _ => None,
            })
        };
        let mut removed = Vec::new();
        for change in changes {
            let Change::Expunged { folder, mails, .. } = change else {
                continue;
            };
            if use_of(*folder) == Some(SpecialUse::Drafts) {
                continue;
            }
            let (mut gone, mut trashed) = (Vec::new(), Vec::new());
            for (email, _) in mails {
                match joined(*email) {
                    None => gone.push(*email),
                    Some(to) if use_of(to) == Some(SpecialUse::Trash) => trashed.push(*email),
                    Some(_) => {}
                }
            }
            for (to_trash, emails) in [(false, gone), (true, trashed)] {
                if !emails.is_empty() {
                    removed.push((*folder, to_trash, emails));
                }
            }
        }
        removed
    }

    /// What is told of a mail; nothing but its number, of one that is gone already.
    async fn removed_mail(&mut self, id: EmailId) -> Result<RemovedMail, Stop> {
        let stored = self.transaction.get_snapshot(&key::email(self.id, id)).await?;
        let Some(mail) = stored.as_deref().map(email::decode).transpose()? else {
            return Ok(RemovedMail {
                email: id,
                subject: String::new(),
                from: String::new(),
            });
        };
        let envelope = &mail.structure.envelope;
        let cut = |text: &str| text.chars().take(TEXT_CHARACTERS_MAX).collect();
        let from = envelope.from.iter().find_map(|item| match item {
            AddressItem::Mailbox(mailbox) => {
                let domain = mailbox.domain.as_deref().unwrap_or_default();
                Some(format!("{}@{domain}", mailbox.local))
            }
            AddressItem::GroupStart(_) | AddressItem::GroupEnd => None,
        });
        Ok(RemovedMail {
            email: id,
            subject: cut(envelope.subject.as_deref().unwrap_or_default()),
            from: cut(&from.unwrap_or_default()),
        })
    }
}
