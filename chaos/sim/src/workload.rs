//! What clients do: they send mail, and work in folders that others work in too.

mod folders;
mod maildrop;
mod resync;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use hongyan_invariant::{CallId, ClientId, MailboxName, MessageRef, Operation, Outcome, Place, Reply};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::client::{Answer, Envelope, Identity, Imap, Kind, Lost, Memory, Status, numbers, send};
use crate::content;
use crate::probe::Probe;
use crate::world::{OUTSIDE, PASSWORD, World, client_address, node_address};

/// Folders that every mailbox has from its beginning.
const FOLDERS: [&str; 3] = ["INBOX", "Archive", "Trash"];
/// Pause of a client whose connection failed.
const RETRY: Duration = Duration::from_millis(300);
/// Flags that clients set and take away.
const FLAGS: [&str; 3] = ["\\Seen", "\\Flagged", "$todo"];

/// Steps that are left to all clients together.
pub(crate) type Budget = Rc<Cell<usize>>;

/// Works until the budget is used up.
pub(crate) async fn work(world: World, number: u32, budget: Budget) {
    let mut worker = Worker {
        me: Identity {
            client: ClientId(number),
            env: world.env(client_address(number), u64::from(number) << 16),
            recorder: world.recorder().clone(),
        },
        random: StdRng::seed_from_u64(world.seed() ^ (u64::from(number) << 20)),
        mailboxes: world.mailboxes(),
        remembered: BTreeMap::new(),
        world,
        budget,
    };
    while worker.spend() {
        let done = match worker.random.random_range(0..100) {
            0..33 => {
                worker.send_mail().await;
                Ok(())
            }
            33..40 => worker.maildrop().await,
            40..50 if !worker.remembered.is_empty() => worker.resync().await,
            _ => worker.session().await,
        };
        if done.is_err() {
            worker.me.env.sleep(RETRY).await;
        }
        let pause = worker.random.random_range(0..200);
        worker.me.env.sleep(Duration::from_millis(pause)).await;
    }
}

struct Worker {
    me: Identity,
    random: StdRng,
    mailboxes: Vec<MailboxName>,
    /// Folders as they were seen last.
    remembered: BTreeMap<Place, Memory>,
    world: World,
    budget: Budget,
}

/// The UIDs of messages, as a set.
fn set_of(messages: &[MessageRef]) -> String {
    let uids: Vec<String> = messages.iter().map(|message| message.uid.to_string()).collect();
    uids.join(",")
}

impl Worker {
    fn spend(&self) -> bool {
        let left = self.budget.get();
        self.budget.set(left.saturating_sub(1));
        left > 0
    }
    fn node(&mut self, port: u16) -> SocketAddr {
        let node = self.random.random_range(0..self.world.nodes());
        SocketAddr::new(node_address(node), port)
    }
    fn mailbox(&mut self) -> MailboxName {
        self.mailboxes[self.random.random_range(0..self.mailboxes.len())].clone()
    }

    /// One mail, to some mailboxes or elsewhere.
    async fn send_mail(&mut self) {
        let kind = *[Kind::Smtp, Kind::Lmtp, Kind::Smtp, Kind::Submission]
            .choose(&mut self.random)
            .unwrap_or(&Kind::Smtp);
        let sender = self.mailbox();
        let mail = self.me.recorder.new_mail();
        let session = self.me.recorder.new_session();
        let mut calls = Vec::new();
        let to: Vec<String> = if kind == Kind::Submission {
            let from = sender.clone();
            let operation = Operation::Submit { mail, from };
            calls.push(self.me.recorder.call(self.me.client, session, operation));
            vec![format!("somebody@{OUTSIDE}")]
        } else {
            let count = self.random.random_range(1..=self.mailboxes.len().min(3));
            let chosen: Vec<MailboxName> = self.mailboxes.sample(&mut self.random, count).cloned().collect();
            for mailbox in &chosen {
                let operation = Operation::Deliver {
                    mail,
                    mailbox: mailbox.clone(),
                };
                calls.push(self.me.recorder.call(self.me.client, session, operation));
            }
            chosen.into_iter().map(|mailbox| mailbox.0).collect()
        };
        let from = match kind {
            Kind::Submission => sender.0.clone(),
            _ => format!("friend@{OUTSIDE}"),
        };
        let text = content::text(mail, &from, &to.join(", "));
        let envelope = Envelope {
            from: &from,
            to: &to,
            text: &text,
            password: PASSWORD,
        };
        let address = self.node(kind.port());
        let outcomes = send(&self.me, kind, address, &envelope).await;
        for (call, outcome) in calls.into_iter().zip(outcomes) {
            if outcome == Outcome::Unknown {
                self.me.recorder.probe(Probe::DeliveryUnknown);
            }
            self.me.recorder.returned(call, outcome);
        }
    }

    /// One session with a mailbox: some folders, some changes in each.
    async fn session(&mut self) -> Result<(), Lost> {
        let mailbox = self.mailbox();
        let address = self.node(143);
        let mut imap = Imap::login(&self.me, address, &mailbox).await?;
        for _ in 0..self.random.random_range(1..=2) {
            let place = Place {
                mailbox: mailbox.clone(),
                folder: self.folder(&mailbox),
            };
            self.look(&mut imap, &place, true).await?;
            for _ in 0..self.random.random_range(1..=6) {
                if !self.spend() {
                    return Ok(());
                }
                self.act(&mut imap, &place).await?;
            }
        }
        // Some leave in good order, some just go.
        if self.random.random_bool(0.7) {
            let _ = imap.run("LOGOUT").await;
        }
        Ok(())
    }

    async fn act(&mut self, imap: &mut Imap, place: &Place) -> Result<(), Lost> {
        match self.random.random_range(0..100) {
            0..20 => self.append(imap, place).await,
            20..24 => self.change_folders(imap, place).await,
            24..42 => self.flag(imap, place).await,
            42..50 => self.copy(imap, place, "COPY").await,
            50..60 => self.copy(imap, place, "MOVE").await,
            60..72 => self.expunge(imap, place).await,
            72..80 => {
                let span = Duration::from_millis(self.random.random_range(1..3_000));
                imap.idle(span).await
            }
            80..86 => imap.run("UID SEARCH ALL").await.map(drop),
            86..90 => imap.run("NOOP").await.map(drop),
            _ => {
                let is_fresh = self.random.random_bool(0.5);
                self.look(imap, place, is_fresh).await
            }
        }
    }

    /// Reads the whole folder: opened anew, or as the session has it.
    async fn look(&mut self, imap: &mut Imap, place: &Place, is_fresh: bool) -> Result<(), Lost> {
        let operation = Operation::Look {
            place: place.clone(),
            is_fresh,
        };
        let call = self.me.recorder.call(self.me.client, imap.session, operation);
        let looked = async {
            if is_fresh && imap.select(place).await? != Status::Ok {
                return Ok(None);
            }
            if !is_fresh && imap.run("NOOP").await?.status != Status::Ok {
                return Ok(None);
            }
            imap.look(false).await
        };
        match looked.await {
            Ok(Some(look)) => {
                if let (true, Some(memory)) = (is_fresh, Memory::of(&look)) {
                    self.remembered.insert(place.clone(), memory);
                }
                self.me.recorder.returned(call, Outcome::Done(Reply::Look(look)));
            }
            Ok(None) => {
                self.me.recorder.returned(call, Outcome::Unknown);
                // A folder that could not be opened is none to work in.
                return Err(Lost);
            }
            Err(Lost) => {
                self.me.recorder.returned(call, Outcome::Unknown);
                return Err(Lost);
            }
        }
        Ok(())
    }

    async fn append(&mut self, imap: &mut Imap, place: &Place) -> Result<(), Lost> {
        let mail = self.me.recorder.new_mail();
        let operation = Operation::Append {
            mail,
            place: place.clone(),
        };
        let text = content::text(mail, "me@sim.test", &place.mailbox.0);
        let call = self.me.recorder.call(self.me.client, imap.session, operation);
        let command = format!("APPEND {} {{{}+}}\r\n{text}", place.folder.0, text.len());
        let answer = imap.run(&command).await;
        self.concluded(call, answer, |answer| {
            let words = answer.code_words("APPENDUID")?;
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
        let known: Vec<MessageRef> = imap
            .selected
            .iter()
            .flat_map(|selected| selected.messages.iter().copied().flatten())
            .collect();
        if known.is_empty() {
            return known;
        }
        let count = self.random.random_range(1..=known.len().min(4));
        let mut some: Vec<MessageRef> = known.sample(&mut self.random, count).copied().collect();
        some.sort_unstable();
        some
    }

    async fn flag(&mut self, imap: &mut Imap, place: &Place) -> Result<(), Lost> {
        let messages = self.some(imap);
        if messages.is_empty() {
            return Ok(());
        }
        let flag = (*FLAGS.choose(&mut self.random).unwrap_or(&"\\Seen")).to_owned();
        let set = self.random.random_bool(0.6);
        let command = format!(
            "UID STORE {} {}FLAGS ({flag})",
            set_of(&messages),
            if set { '+' } else { '-' }
        );
        let operation = Operation::Flag {
            place: place.clone(),
            messages,
            flag,
            set,
        };
        let call = self.me.recorder.call(self.me.client, imap.session, operation);
        let answer = imap.run(&command).await;
        self.concluded(call, answer, |_| Some(Reply::Plain))
    }

    async fn copy(&mut self, imap: &mut Imap, place: &Place, verb: &str) -> Result<(), Lost> {
        let messages = self.some(imap);
        let to = self.folder(&place.mailbox);
        if messages.is_empty() || to == place.folder {
            return Ok(());
        }
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
        self.concluded(call, answer, |answer| placed(answer, &named))
    }

    async fn expunge(&mut self, imap: &mut Imap, place: &Place) -> Result<(), Lost> {
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
        self.concluded(call, answer, |_| Some(Reply::Plain))
    }

    /// Writes down what came of a call.
    fn concluded(
        &self,
        call: CallId,
        answer: Result<Answer, Lost>,
        reply: impl FnOnce(&Answer) -> Option<Reply>,
    ) -> Result<(), Lost> {
        let outcome = match &answer {
            Ok(answer) if answer.status == Status::Ok => Outcome::Done(reply(answer).unwrap_or(Reply::Plain)),
            Ok(answer) if answer.text.contains("UNAVAILABLE") || answer.text.contains("SERVERBUG") => {
                self.me.recorder.probe(Probe::RefusedForNow);
                Outcome::Unknown
            }
            Ok(_) => Outcome::Refused,
            Err(Lost) => Outcome::Unknown,
        };
        self.me.recorder.returned(call, outcome);
        answer.map(drop)
    }
}

/// What COPYUID says of the messages named.
fn placed(answer: &Answer, named: &[MessageRef]) -> Option<Reply> {
    let words = answer.code_words("COPYUID")?;
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
