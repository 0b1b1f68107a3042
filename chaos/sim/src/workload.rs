//! What clients do: they send mail, and work in folders that others work in too.

mod folders;
mod maildrop;
mod resync;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use hongyan_invariant::{CallId, ClientId, FolderName, MailboxName, MessageRef, Operation, Outcome, Place, Reply};
use hongyan_workload::{Act, Answer, Status, content, some_of};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::client::{Envelope, Identity, Imap, Kind, Lost, Memory, send};
use crate::probe::Probe;
use crate::world::{OUTSIDE, PASSWORD, World, client_address, node_address};

/// Pause of a client whose connection failed.
const RETRY: Duration = Duration::from_millis(300);
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
            42..50 => self.copy(imap, place, Act::copy).await,
            50..60 => self.copy(imap, place, Act::relocate).await,
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
        self.make(imap, Act::append(mail, place)).await
    }

    async fn flag(&mut self, imap: &mut Imap, place: &Place) -> Result<(), Lost> {
        match self.some(imap) {
            some if some.is_empty() => Ok(()),
            some => {
                let act = Act::flag(place, some, &mut self.random);
                self.make(imap, act).await
            }
        }
    }

    /// Copies or moves some messages.
    async fn copy(
        &mut self,
        imap: &mut Imap,
        place: &Place,
        act: fn(&Place, Vec<MessageRef>, FolderName) -> Act,
    ) -> Result<(), Lost> {
        let some = self.some(imap);
        let to = self.folder(&place.mailbox);
        if some.is_empty() || to == place.folder {
            return Ok(());
        }
        self.make(imap, act(place, some, to)).await
    }

    async fn expunge(&mut self, imap: &mut Imap, place: &Place) -> Result<(), Lost> {
        match self.some(imap) {
            some if some.is_empty() => Ok(()),
            some => self.make(imap, Act::expunge(place, some)).await,
        }
    }

    /// Some messages that the session has looked at.
    fn some(&mut self, imap: &Imap) -> Vec<MessageRef> {
        some_of(&imap.known(), &mut self.random)
    }

    /// Makes a change, and writes down what came of it.
    async fn make(&mut self, imap: &mut Imap, act: Act) -> Result<(), Lost> {
        if let Some(first) = &act.first
            && !imap.run(first).await?.is_ok()
        {
            return Ok(());
        }
        let call = self
            .me
            .recorder
            .call(self.me.client, imap.session, act.operation.clone());
        let answer = imap.run(&act.command).await;
        self.concluded(call, &act.operation, answer).map(drop)
    }

    /// Writes down what came of a call.
    fn concluded(&self, call: CallId, operation: &Operation, answer: Result<Answer, Lost>) -> Result<Answer, Lost> {
        let outcome = match &answer {
            Ok(answer) => Act::outcome(operation, answer),
            Err(Lost) => Outcome::Unknown,
        };
        if answer.is_ok() && outcome == Outcome::Unknown {
            self.me.recorder.probe(Probe::RefusedForNow);
        }
        self.me.recorder.returned(call, outcome);
        answer
    }
}
