//! Opens mailboxes, looks at them, and changes what is in them.

use hongyan_invariant::{CallId, FolderName, MailboxName, MessageRef, Operation, Outcome, Place, Reply};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::{RETRY, pause, random};
use crate::client::{Answer, Identity, Imap, Status, text};
use crate::record::Failure;
use crate::world::World;

/// Folders that every mailbox has from its beginning.
const FOLDERS: [&str; 3] = ["INBOX", "Archive", "Trash"];
/// Flags that clients set and take away.
const FLAGS: [&str; 3] = ["\\Seen", "\\Flagged", "$todo"];
/// Messages named in one command.
const MESSAGES_MAX: usize = 4;

pub(super) struct Reader {
    world: World,
    me: Identity,
    random: StdRng,
    mailboxes: Vec<MailboxName>,
    turn: usize,
}

impl Reader {
    pub(super) fn new(world: &World, client: u32) -> Self {
        Self {
            me: world.identity(client, None),
            random: random(world, client),
            mailboxes: world.mailboxes(),
            world: world.clone(),
            turn: usize::try_from(client).unwrap_or(0),
        }
    }
    pub(super) async fn work(mut self) {
        while !self.world.is_over() {
            match self.session().await {
                Ok(()) => self.me.env.sleep(pause(&self.world)).await,
                Err(_) => self.me.env.sleep(RETRY).await,
            }
        }
    }
    /// One session with a mailbox: a folder, and some changes in it.
    async fn session(&mut self) -> Result<(), Failure> {
        let mailbox = self.mailboxes[self.random.random_range(0..self.mailboxes.len())].clone();
        self.turn += 1;
        let mut imap = Imap::login(&self.me, self.world.imap_way(self.turn), &mailbox).await?;
        let folder = (*FOLDERS.choose(&mut self.random).unwrap_or(&"INBOX")).to_owned();
        let place = Place {
            mailbox,
            folder: FolderName(folder),
        };
        look(&self.me, &mut imap, &place, true).await?;
        for _ in 0..self.random.random_range(2..8) {
            if self.world.is_over() {
                break;
            }
            self.act(&mut imap, &place).await?;
            self.me.env.sleep(pause(&self.world)).await;
        }
        imap.logout().await;
        Ok(())
    }
    async fn act(&mut self, imap: &mut Imap, place: &Place) -> Result<(), Failure> {
        match self.random.random_range(0..100) {
            0..20 => self.append(imap, place).await,
            20..45 => self.flag(imap, place).await,
            45..52 => self.copy(imap, place, "COPY").await,
            52..65 => self.copy(imap, place, "MOVE").await,
            65..80 => self.expunge(imap, place).await,
            80..90 => imap.run("NOOP").await.map(drop),
            _ => look(&self.me, imap, place, false).await,
        }
    }
    async fn append(&mut self, imap: &mut Imap, place: &Place) -> Result<(), Failure> {
        let mail = self.me.recorder.new_mail();
        let operation = Operation::Append {
            mail,
            place: place.clone(),
        };
        let text = text(mail, "me@chaos.test", &place.mailbox.0);
        let call = self.me.recorder.call(self.me.client, imap.session, operation);
        let command = format!("APPEND {} {{{}+}}\r\n{text}", place.folder.0, text.len());
        let answer = imap.run(&command).await;
        conclude(&self.me, call, answer, |answer| {
            let words = answer.code("APPENDUID")?;
            let [validity, uid] = words.as_slice() else { return None };
            let message = MessageRef {
                uid: uid.parse().ok()?,
                mail,
            };
            Some(Reply::Placed {
                validity: validity.parse().ok()?,
                messages: vec![message],
            })
        })
    }
    /// Some messages that the session has looked at.
    fn some(&mut self, imap: &Imap) -> Vec<MessageRef> {
        let known = imap.known();
        if known.is_empty() {
            return known;
        }
        let count = self.random.random_range(1..=known.len().min(MESSAGES_MAX));
        let mut some: Vec<MessageRef> = known.sample(&mut self.random, count).copied().collect();
        some.sort_unstable();
        some
    }
    async fn flag(&mut self, imap: &mut Imap, place: &Place) -> Result<(), Failure> {
        let messages = self.some(imap);
        if messages.is_empty() {
            return Ok(());
        }
        let flag = (*FLAGS.choose(&mut self.random).unwrap_or(&"\\Seen")).to_owned();
        let set = self.random.random_bool(0.6);
        let sign = if set { '+' } else { '-' };
        let command = format!("UID STORE {} {sign}FLAGS ({flag})", set_of(&messages));
        let operation = Operation::Flag {
            place: place.clone(),
            messages,
            flag,
            set,
        };
        let call = self.me.recorder.call(self.me.client, imap.session, operation);
        let answer = imap.run(&command).await;
        conclude(&self.me, call, answer, |_| Some(Reply::Plain))
    }
    async fn copy(&mut self, imap: &mut Imap, place: &Place, verb: &str) -> Result<(), Failure> {
        let messages = self.some(imap);
        if messages.is_empty() {
            return Ok(());
        }
        let other: Vec<&&str> = FOLDERS.iter().filter(|folder| **folder != place.folder.0).collect();
        let to = FolderName((**other.choose(&mut self.random).unwrap_or(&&"INBOX")).to_owned());
        let command = format!("UID {verb} {} {}", set_of(&messages), to.0);
        let (place, named) = (place.clone(), messages.clone());
        let operation = if verb == "COPY" {
            Operation::Copy { place, messages, to }
        } else {
            Operation::Move { place, messages, to }
        };
        let call = self.me.recorder.call(self.me.client, imap.session, operation);
        let answer = imap.run(&command).await;
        // Messages that were gone already are not among those copied.
        conclude(&self.me, call, answer, |answer| placed(answer, &named))
    }
    async fn expunge(&mut self, imap: &mut Imap, place: &Place) -> Result<(), Failure> {
        let messages = self.some(imap);
        if messages.is_empty() {
            return Ok(());
        }
        let set = set_of(&messages);
        let marked = imap.run(&format!("UID STORE {set} +FLAGS.SILENT (\\Deleted)")).await?;
        if marked.status != Status::Ok {
            return Ok(());
        }
        let operation = Operation::Expunge {
            place: place.clone(),
            messages,
        };
        let call = self.me.recorder.call(self.me.client, imap.session, operation);
        let answer = imap.run(&format!("UID EXPUNGE {set}")).await;
        conclude(&self.me, call, answer, |_| Some(Reply::Plain))
    }
}

/// Reads the whole folder: opened anew, or as the session has it.
pub(super) async fn look(me: &Identity, imap: &mut Imap, place: &Place, is_fresh: bool) -> Result<(), Failure> {
    let operation = Operation::Look {
        place: place.clone(),
        is_fresh,
    };
    let call = me.recorder.call(me.client, imap.session, operation);
    let looked = async {
        if is_fresh && imap.select(place).await? != Status::Ok {
            return Err(Failure::Refused("the folder cannot be opened".to_owned()));
        }
        if !is_fresh && imap.run("NOOP").await?.status != Status::Ok {
            return Ok(None);
        }
        imap.look(false).await
    };
    let looked = looked.await;
    let outcome = match &looked {
        Ok(Some(look)) => Outcome::Done(Reply::Look(look.clone())),
        _ => Outcome::Unknown,
    };
    me.recorder.returned(call, outcome);
    looked.map(drop)
}

/// Writes down what came of a call.
pub(super) fn conclude(
    me: &Identity,
    call: CallId,
    answer: Result<Answer, Failure>,
    reply: impl FnOnce(&Answer) -> Option<Reply>,
) -> Result<(), Failure> {
    let outcome = match &answer {
        Ok(answer) if answer.status == Status::Ok => Outcome::Done(reply(answer).unwrap_or(Reply::Plain)),
        // RFC 5530 §3: neither says that nothing has happened.
        Ok(answer) if answer.text.contains("UNAVAILABLE") || answer.text.contains("SERVERBUG") => Outcome::Unknown,
        Ok(_) => Outcome::Refused,
        Err(_) => Outcome::Unknown,
    };
    me.recorder.returned(call, outcome);
    answer.map(drop)
}

/// The UIDs of messages, as a set.
pub(super) fn set_of(messages: &[MessageRef]) -> String {
    let uids: Vec<String> = messages.iter().map(|message| message.uid.to_string()).collect();
    uids.join(",")
}

/// What COPYUID says of the messages named.
fn placed(answer: &Answer, named: &[MessageRef]) -> Option<Reply> {
    let words = answer.code("COPYUID")?;
    let [validity, from, to] = words.as_slice() else {
        return None;
    };
    let messages = numbers(from).into_iter().zip(numbers(to)).filter_map(|(from, uid)| {
        let mail = named.iter().find(|message| message.uid == from)?.mail;
        Some(MessageRef { uid, mail })
    });
    Some(Reply::Placed {
        validity: validity.parse().ok()?,
        messages: messages.collect(),
    })
}

/// The numbers of a set like `1,3:5`.
fn numbers(set: &str) -> Vec<u32> {
    let range = |part: &str| {
        let (first, last) = part.split_once(':').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    set.split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn sets_are_read() {
        assert_eq!(numbers("1,3:5"), [1, 3, 4, 5]);
    }
}
