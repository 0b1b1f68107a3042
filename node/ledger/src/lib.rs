//! Small records of one kind and one owner, each known by a number, with a log of what came, changed and went: what a
//! client that has an older state must be told. Whose records they are and what is in them is the caller's business.
//!
//! Keys below the caller's tuple: (0, number) -> the record, (1, state) -> the change that led to that state, (2) -> the
//! state, which is the number of changes ever made. Numbers are never given twice.

use std::collections::BTreeMap;

use bytes::Bytes;
use hongyan_kv::{Error, KeyRange, RangeQuery, ReadMode, Result, Transaction, Tuple};

/// Changes that are remembered.
const CHANGES_KEPT: u64 = 10_000;
/// After how many changes those before are forgotten.
const FORGET_EVERY: u64 = 64;
/// Changes read at a time.
const PAGE: usize = 1_000;

const RECORD: u8 = 0;
const CHANGE: u8 = 1;
const STATE: u8 = 2;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is new.
    Created,
    /// It is not as it was.
    Updated,
    /// It is gone.
    Destroyed,
}

/// What became of records since a state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// By number; what came and went in between is not there.
    pub fates: BTreeMap<u64, Fate>,
    /// The state after them.
    pub state: u64,
    /// Whether there are more after that state.
    pub has_more: bool,
}

/// The records below one tuple.
#[derive(Debug, Clone)]
pub struct Ledger(Tuple);

impl Ledger {
    /// The records below `space`.
    #[must_use]
    pub fn new(space: Tuple) -> Self {
        Self(space)
    }
    fn key(&self, number: u64) -> Bytes {
        self.0.clone().int(RECORD).int(number).pack()
    }
    fn change_key(&self, state: u64) -> Bytes {
        self.0.clone().int(CHANGE).int(state).pack()
    }
    /// The state.
    ///
    /// # Errors
    /// The store's.
    pub async fn state(&self, transaction: &mut Transaction) -> Result<u64> {
        let stored = transaction.get(&self.0.clone().int(STATE).pack()).await?;
        stored.map_or(Ok(0), |stored| read_number(&stored))
    }
    /// A record.
    ///
    /// # Errors
    /// The store's.
    pub async fn get(&self, transaction: &mut Transaction, number: u64) -> Result<Option<Bytes>> {
        transaction.get(&self.key(number)).await
    }
    /// All records by number.
    ///
    /// # Errors
    /// The store's.
    pub async fn all(&self, transaction: &mut Transaction) -> Result<Vec<(u64, Bytes)>> {
        self.first(transaction, 0).await
    }
    /// The records with the lowest numbers; 0 is all.
    ///
    /// # Errors
    /// The store's.
    pub async fn first(&self, transaction: &mut Transaction, limit: usize) -> Result<Vec<(u64, Bytes)>> {
        let records = self.0.clone().int(RECORD);
        let query = RangeQuery {
            range: records.range(),
            limit,
            reverse: false,
            mode: ReadMode::Serializable,
        };
        let mut found = Vec::new();
        for pair in transaction.get_range_all(query).await? {
            found.push((read_key(&records, &pair.key)?, pair.value));
        }
        Ok(found)
    }
    /// The records with the highest numbers below `before`, the highest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn last(
        &self,
        transaction: &mut Transaction,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Bytes)>> {
        let records = self.0.clone().int(RECORD);
        let mut range = records.range();
        if let Some(before) = before {
            range.end = self.key(before);
        }
        let query = RangeQuery {
            range,
            limit,
            reverse: true,
            mode: ReadMode::Serializable,
        };
        let pairs = transaction.get_range_all(query).await?.into_iter();
        pairs
            .map(|pair| Ok((read_key(&records, &pair.key)?, pair.value)))
            .collect()
    }
    /// Adds a record under the next number.
    ///
    /// # Errors
    /// The store's.
    pub async fn create(&self, transaction: &mut Transaction, value: Bytes) -> Result<u64> {
        let number = self.note_next(transaction, None, Fate::Created).await?;
        transaction.set(self.key(number), value);
        Ok(number)
    }
    /// Sets a record under a number that the caller knows, which no other record has had.
    ///
    /// # Errors
    /// The store's.
    pub async fn put(&self, transaction: &mut Transaction, number: u64, value: Bytes) -> Result<()> {
        let is_there = self.get(transaction, number).await?.is_some();
        let fate = if is_there { Fate::Updated } else { Fate::Created };
        self.note_next(transaction, Some(number), fate).await?;
        transaction.set(self.key(number), value);
        Ok(())
    }
    /// Notes that a record changed by something that is kept elsewhere.
    ///
    /// # Errors
    /// The store's.
    pub async fn touch(&self, transaction: &mut Transaction, number: u64) -> Result<()> {
        self.note_next(transaction, Some(number), Fate::Updated).await?;
        Ok(())
    }
    /// Removes a record; whether it was there.
    ///
    /// # Errors
    /// The store's.
    pub async fn remove(&self, transaction: &mut Transaction, number: u64) -> Result<bool> {
        if self.get(transaction, number).await?.is_none() {
            return Ok(false);
        }
        transaction.clear(&self.key(number));
        self.note_next(transaction, Some(number), Fate::Destroyed).await?;
        Ok(true)
    }
    /// Notes a change; of the record that has the new state as its number, when none is given.
    async fn note_next(&self, transaction: &mut Transaction, number: Option<u64>, fate: Fate) -> Result<u64> {
        let state = self.state(transaction).await? + 1;
        let number = number.unwrap_or(state);
        let fate = match fate {
            Fate::Created => 0,
            Fate::Updated => 1,
            Fate::Destroyed => 2,
        };
        let mut value = vec![fate];
        value.extend_from_slice(&number.to_be_bytes());
        transaction.set(self.change_key(state), value);
        transaction.set(self.0.clone().int(STATE).pack(), state.to_be_bytes().to_vec());
        if state.is_multiple_of(FORGET_EVERY) {
            let forgotten = KeyRange {
                begin: self.0.clone().int(CHANGE).range().begin,
                end: self.change_key(state.saturating_sub(CHANGES_KEPT)),
            };
            transaction.clear_range(forgotten);
        }
        Ok(number)
    }
    /// What changed since `since`, at most `records_max` records; `None` when that is not known any more, or never was.
    ///
    /// # Errors
    /// The store's.
    pub async fn changes(
        &self,
        transaction: &mut Transaction,
        since: u64,
        records_max: usize,
    ) -> Result<Option<Changes>> {
        let now = self.state(transaction).await?;
        if since > now || (since < now && transaction.get(&self.change_key(since + 1)).await?.is_none()) {
            return Ok(None);
        }
        let mut changes = Changes {
            state: since,
            ..Changes::default()
        };
        let log = self.0.clone().int(CHANGE);
        while changes.state < now {
            let query = RangeQuery {
                range: KeyRange {
                    begin: self.change_key(changes.state + 1),
                    end: log.range().end,
                },
                limit: PAGE,
                reverse: false,
                mode: ReadMode::Snapshot,
            };
            let pairs = transaction.get_range_all(query).await?;
            if pairs.is_empty() {
                break;
            }
            for pair in pairs {
                let (number, fate) = read_change(&pair.value)?;
                if changes.fates.len() >= records_max && !changes.fates.contains_key(&number) {
                    changes.has_more = true;
                    return Ok(Some(changes));
                }
                changes.fold(number, fate);
                changes.state += 1;
            }
        }
        Ok(Some(changes))
    }
}

impl Changes {
    fn fold(&mut self, number: u64, fate: Fate) {
        let fate = match (self.fates.get(&number), fate) {
            (Some(Fate::Created), Fate::Destroyed) => {
                self.fates.remove(&number);
                return;
            }
            (Some(Fate::Created), _) => Fate::Created,
            (Some(Fate::Destroyed), Fate::Created) => Fate::Updated,
            (_, fate) => fate,
        };
        self.fates.insert(number, fate);
    }
}

/// The number in the key of a record.
fn read_key(records: &Tuple, key: &[u8]) -> Result<u64> {
    let number = records.reader(key).and_then(|mut reader| reader.int());
    number.map_err(|error| Error::Corrupt(error.to_string()))
}

fn read_number(stored: &[u8]) -> Result<u64> {
    let octets = <[u8; 8]>::try_from(stored).map_err(|_| Error::Corrupt("a ledger's number".to_owned()))?;
    Ok(u64::from_be_bytes(octets))
}

fn read_change(stored: &[u8]) -> Result<(u64, Fate)> {
    let corrupt = || Error::Corrupt("a ledger's change".to_owned());
    let (fate, number) = stored.split_first().ok_or_else(corrupt)?;
    let fate = match fate {
        0 => Fate::Created,
        1 => Fate::Updated,
        2 => Fate::Destroyed,
        _ => return Err(corrupt()),
    };
    Ok((read_number(number)?, fate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hongyan_kv::Database;
    use hongyan_memory::MemoryStore;

    async fn told(database: &Database, ledger: &Ledger, since: u64, max: usize) -> Option<Changes> {
        ledger.changes(&mut database.begin(), since, max).await.unwrap()
    }

    #[tokio::test]
    async fn changes_are_told_in_pieces_and_folded() {
        let database = Database::new(MemoryStore::default());
        let ledger = Ledger::new(Tuple::new().string("test"));
        let mut transaction = database.begin();
        let first = ledger.create(&mut transaction, Bytes::from("a")).await.unwrap();
        let second = ledger.create(&mut transaction, Bytes::from("b")).await.unwrap();
        ledger.put(&mut transaction, first, Bytes::from("c")).await.unwrap();
        assert!(ledger.remove(&mut transaction, second).await.unwrap());
        assert!(!ledger.remove(&mut transaction, second).await.unwrap());
        let third = ledger.create(&mut transaction, Bytes::from("d")).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!((first, second, third), (1, 2, 5));
        let all = ledger.all(&mut database.begin()).await.unwrap();
        assert_eq!(all, [(1, Bytes::from("c")), (5, Bytes::from("d"))]);
        let whole = told(&database, &ledger, 0, 10).await.unwrap();
        assert_eq!(whole.fates, BTreeMap::from([(1, Fate::Created), (5, Fate::Created)]));
        assert_eq!((whole.state, whole.has_more), (5, false));
        let piece = told(&database, &ledger, 0, 1).await.unwrap();
        assert_eq!((piece.state, piece.has_more), (1, true));
        let rest = told(&database, &ledger, 2, 10).await.unwrap();
        let fates = [(1, Fate::Updated), (2, Fate::Destroyed), (5, Fate::Created)];
        assert_eq!(rest.fates, BTreeMap::from(fates));
        assert_eq!(told(&database, &ledger, 5, 10).await.unwrap().fates, BTreeMap::new());
        assert_eq!(told(&database, &ledger, 6, 10).await, None, "a state that never was");
    }

    #[tokio::test]
    async fn old_changes_are_forgotten() {
        let database = Database::new(MemoryStore::default());
        let ledger = Ledger::new(Tuple::new().string("test"));
        let count = CHANGES_KEPT + 2 * FORGET_EVERY;
        let mut transaction = database.begin();
        for _ in 0..count {
            ledger.touch(&mut transaction, 1).await.unwrap();
        }
        transaction.commit().await.unwrap();
        assert_eq!(told(&database, &ledger, 1, 10).await, None);
        assert!(
            told(&database, &ledger, count - CHANGES_KEPT + FORGET_EVERY, 10)
                .await
                .is_some()
        );
    }
}
