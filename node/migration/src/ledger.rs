//! What the work on one account notes. Every entry is one transaction, which fails when another node has taken the migration
//! over, or somebody paused or ended it.

use hongyan_kv::fence::Fence;
use hongyan_kv::{Database, Transaction};
use hongyan_types::AccountId;

use crate::failure::Failure;
use crate::record::position::Position;
use crate::record::{position, trouble};
use crate::{MigrationId, MigrationState, Moving, Trouble, key, store};

#[derive(Clone)]
pub(crate) struct Ledger {
    pub(crate) database: Database,
    pub(crate) fence: Fence,
    pub(crate) id: MigrationId,
    pub(crate) account: AccountId,
    pub(crate) troubles_max: u64,
}

/// What became of some messages.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub(crate) imported: u64,
    pub(crate) present: u64,
    /// Messages that did not come.
    pub(crate) failed: Vec<Trouble>,
    /// The folder, and how far it is.
    pub(crate) position: Option<(Vec<u8>, Position)>,
    /// Messages of a maildrop that are done with, by the hash of their UIDL.
    pub(crate) seen: Vec<[u8; 16]>,
}

pub(crate) fn hash(name: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    for (to, from) in short.iter_mut().zip(blake3::hash(name).as_bytes()) {
        *to = *from;
    }
    short
}

impl Ledger {
    /// Changes what is noted of the account.
    pub(crate) async fn change(&self, mut body: impl FnMut(&mut Moving)) -> Result<Moving, Failure> {
        self.write(async |_, moving| {
            body(moving);
            Ok(())
        })
        .await
    }

    async fn write(
        &self,
        mut body: impl AsyncFnMut(&mut Transaction, &mut Moving) -> Result<(), Failure>,
    ) -> Result<Moving, Failure> {
        self.database
            .run(async |transaction: &mut Transaction| {
                self.fence.check(transaction).await?;
                let migration = store::read(transaction, self.id).await?;
                if migration.is_none_or(|migration| migration.state != MigrationState::Moving) {
                    return Err(Failure::Stopped);
                }
                let before = store::read_moving(transaction, self.id, self.account).await?;
                let before = before.ok_or(Failure::Stopped)?;
                let mut after = before.clone();
                body(transaction, &mut after).await?;
                store::write_moving(transaction, self.id, Some(&before), &after);
                Ok(after)
            })
            .await
    }

    /// Notes what became of messages, and that the source answers.
    pub(crate) async fn note(&self, entry: &Entry) -> Result<Moving, Failure> {
        self.write(async |transaction, moving| {
            moving.imported += entry.imported;
            moving.present += entry.present;
            moving.failed += entry.failed.len() as u64;
            if entry.imported + entry.present > 0 {
                moving.attempts = 0;
                moving.failing_since = None;
            }
            for trouble in &entry.failed {
                self.list(transaction, moving, trouble);
            }
            if let Some((name, position)) = &entry.position {
                transaction.set(
                    key::folder(self.id, self.account, &hash(name)),
                    position::encode(*position),
                );
            }
            for seen in &entry.seen {
                transaction.set(key::seen(self.id, self.account).bytes(seen).pack(), Vec::new());
            }
            Ok(())
        })
        .await
    }

    /// Lists what became of folders, once.
    pub(crate) async fn note_folders(&self, total: u64, notes: &[Trouble]) -> Result<Moving, Failure> {
        self.write(async |transaction, moving| {
            moving.total = total;
            moving.state = crate::MovingState::Running;
            if !moving.is_mapped {
                moving.is_mapped = true;
                for note in notes {
                    self.list(transaction, moving, note);
                }
            }
            Ok(())
        })
        .await
    }

    fn list(&self, transaction: &mut Transaction, moving: &mut Moving, what: &Trouble) {
        if moving.troubles < self.troubles_max {
            moving.troubles += 1;
            let key = key::troubles(self.id, self.account).int(moving.troubles);
            transaction.set(key.pack(), trouble::encode(what));
        }
    }

    /// How far a folder is.
    pub(crate) async fn position(&self, name: &[u8]) -> Result<Position, Failure> {
        let key = key::folder(self.id, self.account, &hash(name));
        let stored = self.database.begin().get_snapshot(&key).await?;
        let found = stored.map(|stored| position::decode(&stored)).transpose();
        Ok(found.map_err(hongyan_kv::Error::from)?.unwrap_or_default())
    }

    /// Whether a message of a maildrop is done with.
    pub(crate) async fn is_seen(&self, hash: &[u8; 16]) -> Result<bool, Failure> {
        let key = key::seen(self.id, self.account).bytes(hash).pack();
        Ok(self.database.begin().get_snapshot(&key).await?.is_some())
    }
}
