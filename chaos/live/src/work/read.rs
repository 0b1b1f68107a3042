//! Opens mailboxes, looks at them, and changes what is in them.

use hongyan_invariant::{FolderName, MailboxName, MessageRef, Operation, Outcome, Place, Reply};
use hongyan_workload::{Act, FOLDERS, Status, some_of};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::{RETRY, pause, random};
use crate::client::{Identity, Imap};
use crate::record::Failure;
use crate::world::World;

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
            45..52 => self.copy(imap, place, Act::copy).await,
            52..65 => self.copy(imap, place, Act::relocate).await,
            65..80 => self.expunge(imap, place).await,
            80..90 => imap.run("NOOP").await.map(drop),
            _ => look(&self.me, imap, place, false).await,
        }
    }
    async fn append(&mut self, imap: &mut Imap, place: &Place) -> Result<(), Failure> {
        let mail = self.me.recorder.new_mail();
        make(&self.me, imap, Act::append(mail, place)).await
    }
    async fn flag(&mut self, imap: &mut Imap, place: &Place) -> Result<(), Failure> {
        match some_of(&imap.known(), &mut self.random) {
            some if some.is_empty() => Ok(()),
            some => make(&self.me, imap, Act::flag(place, some, &mut self.random)).await,
        }
    }
    /// Copies or moves some messages.
    async fn copy(
        &mut self,
        imap: &mut Imap,
        place: &Place,
        act: fn(&Place, Vec<MessageRef>, FolderName) -> Act,
    ) -> Result<(), Failure> {
        let some = some_of(&imap.known(), &mut self.random);
        if some.is_empty() {
            return Ok(());
        }
        let other: Vec<&&str> = FOLDERS.iter().filter(|folder| **folder != place.folder.0).collect();
        let to = FolderName((**other.choose(&mut self.random).unwrap_or(&&"INBOX")).to_owned());
        make(&self.me, imap, act(place, some, to)).await
    }
    async fn expunge(&mut self, imap: &mut Imap, place: &Place) -> Result<(), Failure> {
        match some_of(&imap.known(), &mut self.random) {
            some if some.is_empty() => Ok(()),
            some => make(&self.me, imap, Act::expunge(place, some)).await,
        }
    }
}

/// Makes a change, and writes down what came of it.
pub(super) async fn make(me: &Identity, imap: &mut Imap, act: Act) -> Result<(), Failure> {
    if let Some(first) = &act.first
        && !imap.run(first).await?.is_ok()
    {
        return Ok(());
    }
    let call = me.recorder.call(me.client, imap.session, act.operation.clone());
    let answer = imap.run(&act.command).await;
    let outcome = match &answer {
        Ok(answer) => Act::outcome(&act.operation, answer),
        Err(_) => Outcome::Unknown,
    };
    me.recorder.returned(call, outcome);
    answer.map(drop)
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
