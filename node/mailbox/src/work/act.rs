//! Notes what others do in a mailbox, beside what it does.

use hongyan_kv::KeyRange;
use hongyan_types::{AccountId, Timestamp};

use super::Work;
use crate::options::ACTS_KEPT;
use crate::record::{act, key};
use crate::request::{Body, Reply};
use crate::{Act, ActId, ActKind, EmailId, FolderId};

/// Bits of an act's number that tell those of one commit apart: each takes some octets of it, [`ACT_OCTETS`] or more, and a commit
/// has no room for so many.
const ACTS_OF_COMMIT_BITS: u32 = 20;
/// Octets an act takes, about.
const ACT_OCTETS: usize = 300;

/// The single mail that was put into a folder.
fn added(reply: &Reply) -> Option<EmailId> {
    let emails = match reply {
        Reply::Append(reply) => &reply.emails,
        Reply::Replace(reply) => &reply.appended.emails,
        _ => return None,
    };
    emails.first().copied().filter(|_| emails.len() == 1)
}

impl Work<'_> {
    /// Of one moment, acts are in the order in which they were done: by commit, and within it by their place.
    pub(super) fn next_act(&mut self) -> ActId {
        let place = self.acts;
        self.acts += 1;
        ActId {
            at: self.now,
            number: self.modseq.0 << ACTS_OF_COMMIT_BITS | place,
        }
    }
    /// Notes what `person` has done, if it is something to be told; `deleted` is the path of a folder that went with it.
    pub(crate) fn note_act(&mut self, person: AccountId, body: &Body, reply: &Reply, deleted: Option<String>) {
        let Some((kind, path, messages)) = self.done(body, reply, deleted) else {
            return;
        };
        let id = self.next_act();
        let act = Act {
            id,
            person,
            kind,
            path,
            messages,
            email: added(reply),
        };
        self.transaction.set(key::act(self.id, id), act::encode(&act));
        let kept = i64::try_from(ACTS_KEPT.as_millis()).unwrap_or(i64::MAX);
        let old = Timestamp {
            millis: self.now.millis.saturating_sub(kept),
        };
        self.transaction.clear_range(KeyRange {
            begin: key::all_acts(self.id).begin,
            end: key::acts_from(self.id, old),
        });
        self.wrote(ACT_OCTETS);
    }

    fn done(&self, body: &Body, reply: &Reply, deleted: Option<String>) -> Option<(ActKind, String, u64)> {
        let path = |folder: FolderId| {
            self.path(folder)
                .map_or_else(|_| String::new(), |path| path.as_str().to_owned())
        };
        let done = match (body, reply) {
            (Body::Deliver(_), Reply::Deliver(reply)) => (ActKind::Sent, path(reply.folder), 1),
            (_, Reply::Append(reply)) => (ActKind::Added, path(reply.folder), reply.uids.len() as u64),
            (_, Reply::Replace(reply)) => (ActKind::Added, path(reply.appended.folder), 1),
            (_, Reply::CopyMessages(reply)) => (ActKind::Added, path(reply.to), reply.uids.len() as u64),
            (Body::MoveMessages(request), Reply::MoveMessages(reply)) => {
                (ActKind::Moved, path(request.from), reply.moved.uids.len() as u64)
            }
            (Body::Expunge(request), Reply::Expunge(reply)) => {
                (ActKind::Deleted, path(request.folder), reply.expunged.count())
            }
            (Body::UpdateEmail(request), Reply::UpdateEmail(_)) => {
                let (left, joined) = (request.take_from.first(), request.put_into.first());
                match (left, joined) {
                    (Some(left), None) if request.take_from.len() >= request.places.len() => {
                        (ActKind::Deleted, path(*left), 1)
                    }
                    (Some(left), _) => (ActKind::Moved, path(*left), 1),
                    (None, Some(joined)) => (ActKind::Added, path(*joined), 1),
                    (None, None) => return None,
                }
            }
            (_, Reply::Restore(reply)) => (ActKind::Restored, path(reply.message.folder), 1),
            (Body::RenameFolder(request), Reply::RenameFolder(_)) => {
                return Some((ActKind::FolderMoved, request.from.as_str().to_owned(), 0));
            }
            (_, Reply::DeleteFolder(_)) => return Some((ActKind::FolderDeleted, deleted.unwrap_or_default(), 0)),
            _ => return None,
        };
        Some(done).filter(|(_, _, messages)| *messages > 0)
    }

    /// The path of the folder that a request deletes.
    pub(crate) fn to_be_deleted(&self, body: &Body) -> Option<String> {
        let Body::DeleteFolder(request) = body else { return None };
        let folder = self.resolve(&request.folder).ok()?;
        Some(self.path(folder).ok()?.as_str().to_owned())
    }
}
