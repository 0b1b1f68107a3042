//! The messages of one session: INBOX, and the folders that the account's POP clients are offered beside it (ACC-11), as
//! they were at sign-in, cut to the range that clients may fetch (ACC-10), with the session's marks.

use hongyan_mailbox::{FolderId, FolderInfo, FolderView, MailboxId, MessageEntry, SpecialUse};
use hongyan_pop3::{MessageNumber, Reply};
use hongyan_types::{SeqNum, Timestamp, Uid, UidSet};

/// One folder on offer.
#[derive(Debug)]
struct Folder {
    view: FolderView,
    marked: UidSet,
}

/// Where a message is: which of the folders, and its UID there.
type Place = (u32, Uid);

/// The messages of one session. Numbers and sizes do not change while it lasts (RFC 1939 §5).
#[derive(Debug)]
pub(crate) struct Maildrop {
    pub(crate) mailbox: MailboxId,
    /// INBOX first.
    folders: Vec<Folder>,
    /// The messages on offer in the order of their numbers, when that is not all of INBOX and nothing else.
    offered: Option<Vec<Place>>,
    /// ACC-12.
    pub(crate) may_delete: bool,
    count: usize,
    octets: u64,
}

/// Which folders beside INBOX are offered: the account's own ones, Junk, or neither (ACC-11). What lies in a folder of
/// special use is part of it: an old folder in Trash is no own folder.
pub(crate) fn is_offered(folder: &FolderInfo, all: &[FolderInfo], own: bool, junk: bool) -> bool {
    if folder.path.is_inbox() || folder.messages == 0 {
        return false;
    }
    let around = |other: &&FolderInfo| other.id == folder.id || folder.path.is_inside(&other.path);
    let uses: Vec<_> = all
        .iter()
        .filter(around)
        .filter_map(|other| other.special_use)
        .collect();
    match uses.as_slice() {
        [] => own,
        uses => junk && uses.iter().all(|kind| *kind == SpecialUse::Junk),
    }
}

impl Maildrop {
    /// The messages of `views`, INBOX first, that came at or after `since`.
    pub(crate) fn new(mailbox: MailboxId, views: Vec<FolderView>, since: Option<Timestamp>, may_delete: bool) -> Self {
        let offered = places(&views, since);
        let folder = |view| Folder {
            view,
            marked: UidSet::new(),
        };
        let mut maildrop = Self {
            mailbox,
            folders: views.into_iter().map(folder).collect(),
            offered,
            may_delete,
            count: 0,
            octets: 0,
        };
        maildrop.reset();
        maildrop
    }
    /// Messages on offer and not marked.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
    /// Their octets.
    pub(crate) fn octets(&self) -> u64 {
        self.octets
    }
    fn at(&self, (folder, uid): Place) -> Option<(&Folder, &MessageEntry)> {
        let folder = self.folders.get(usize::try_from(folder).ok()?)?;
        Some((folder, folder.view.get(uid)?))
    }
    fn find(&self, number: MessageNumber) -> Option<(Place, &Folder, &MessageEntry)> {
        if let Some(offered) = &self.offered {
            let place = *offered.get(number.index())?;
            let (folder, entry) = self.at(place)?;
            return Some((place, folder, entry));
        }
        let inbox = self.folders.first()?;
        let seq = SeqNum::new(u32::try_from(number.index() + 1).ok()?)?;
        let entry = inbox.view.at(seq)?;
        Some(((0, entry.uid), inbox, entry))
    }
    /// The message of that number, unless it is marked.
    pub(crate) fn get(&self, number: MessageNumber) -> Result<&MessageEntry, Reply> {
        match self.find(number) {
            Some((_, folder, entry)) if folder.marked.contains(entry.uid) => Err(Reply::error("message is deleted")),
            Some((_, _, entry)) => Ok(entry),
            None => Err(Reply::error("no such message")),
        }
    }
    /// All messages that are not marked, with their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (MessageNumber, &MessageEntry)> {
        self.all().enumerate().filter_map(|(index, (folder, entry))| {
            let number = MessageNumber::from_index(index)?;
            (!folder.marked.contains(entry.uid)).then_some((number, entry))
        })
    }
    fn all(&self) -> Box<dyn Iterator<Item = (&Folder, &MessageEntry)> + '_> {
        match (&self.offered, self.folders.first()) {
            (Some(offered), _) => Box::new(offered.iter().filter_map(|place| self.at(*place))),
            (None, Some(inbox)) => Box::new(inbox.view.iter().map(move |entry| (inbox, entry))),
            (None, None) => Box::new(std::iter::empty()),
        }
    }
    /// Marks a message.
    pub(crate) fn mark(&mut self, number: MessageNumber) -> Result<(), Reply> {
        let octets = self.get(number)?.octets.0;
        if let Some(((folder, uid), ..)) = self.find(number)
            && let Some(folder) = usize::try_from(folder).ok().and_then(|at| self.folders.get_mut(at))
        {
            folder.marked.insert(uid);
            self.count -= 1;
            self.octets -= octets;
        }
        Ok(())
    }
    /// Takes the marks back.
    pub(crate) fn reset(&mut self) {
        for folder in &mut self.folders {
            folder.marked = UidSet::new();
        }
        let (mut count, mut octets) = (0, 0);
        for (_, entry) in self.all() {
            count += 1;
            octets += entry.octets.0;
        }
        (self.count, self.octets) = (count, octets);
    }
    /// What is marked, by folder.
    pub(crate) fn marked(&self) -> impl Iterator<Item = (FolderId, &UidSet)> {
        let marked = self.folders.iter().filter(|folder| !folder.marked.is_empty());
        marked.map(|folder| (folder.view.folder(), &folder.marked))
    }
    /// A message's name for ever: INBOX's UIDVALIDITY, which tells one mailbox from another that had its address, and the
    /// mail's id, so that it outlives sessions, ranges and the mail's way from folder to folder. Copies of one mail
    /// share it, as RFC 1939 §7 lets them.
    pub(crate) fn unique_id(&self, entry: &MessageEntry) -> String {
        let validity = self.folders.first().map_or(0, |inbox| inbox.view.uid_validity().get());
        format!("{validity:08x}{:08x}", entry.email.0)
    }
}

/// The messages on offer, oldest mail first when they come from several folders; `None` for all of INBOX and nothing else.
fn places(views: &[FolderView], since: Option<Timestamp>) -> Option<Vec<Place>> {
    if views.len() == 1 && since.is_none() {
        return None;
    }
    let mut places = Vec::new();
    for (folder, view) in (0..).zip(views) {
        let fresh = |entry: &&MessageEntry| since.is_none_or(|since| entry.internal_date >= since);
        let found = view.iter().filter(fresh);
        places.extend(found.map(|entry| (entry.email, (folder, entry.uid))));
    }
    if let [inbox] = views {
        if places.len() == inbox.len() {
            return None;
        }
    } else {
        places.sort_unstable();
    }
    Some(places.into_iter().map(|(_, place)| place).collect())
}
