//! Random concurrent transactions over few keys: what each one read is what it would have read had all of them run one
//! after another in the order of their commit versions. Transactions that share a version (FoundationDB commits in
//! batches) must have some order among them that explains all that is read.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fixture, query};
use crate::{CommitVersion, Database, Error, Transaction};

const TASKS: u64 = 6;
const ROUNDS: u64 = 60;
const KEYS: u64 = 8;

type State = BTreeMap<String, String>;

/// What a transaction saw or did, in its order.
#[derive(Debug, Clone)]
enum Event {
    Got(String, Option<String>),
    Listed(String, String, Vec<(String, String)>),
    Set(String, String),
    Cleared(String, String),
}

#[derive(Debug)]
struct Committed {
    version: CommitVersion,
    wrote: bool,
    events: Vec<Event>,
}

/// See the head of this file.
pub async fn committed_transactions_have_an_order(fixture: Fixture) {
    let seed = u64::from(std::process::id());
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(work(fixture.db.clone(), seed, task)))
        .collect();
    let mut history = Vec::new();
    for task in tasks {
        history.extend(task.await.expect("a task does not panic"));
    }
    // A reader commits at its read version: after the writer that made it.
    let order = |committed: &Committed| (committed.version, !committed.wrote);
    history.sort_by_key(order);
    let mut states = BTreeSet::from([State::new()]);
    for together in history.chunk_by(|left, right| order(left) == order(right)) {
        let all: Vec<_> = together.iter().collect();
        let explained = states.iter().flat_map(|state| after(state, &all)).collect();
        states = explained;
        assert!(!states.is_empty(), "no order explains {together:?}, seed {seed}");
    }
    assert!(history.len() as u64 > TASKS * ROUNDS / 10, "some commit");
    let left = fixture
        .db
        .begin()
        .get_range_all(query("k", "l"))
        .await
        .expect("a range read succeeds");
    let left: State = left.iter().map(|pair| (text(&pair.key), text(&pair.value))).collect();
    assert!(states.contains(&left), "{left:?} is none of {states:?}, seed {seed}");
}

/// The states that `together` may leave behind `state`, over all orders that explain what they read.
fn after(state: &State, together: &[&Committed]) -> BTreeSet<State> {
    if together.is_empty() {
        return BTreeSet::from([state.clone()]);
    }
    let mut states = BTreeSet::new();
    for (index, first) in together.iter().enumerate() {
        let mut changed = state.clone();
        if first.events.iter().all(|event| replay(&mut changed, event)) {
            let rest: Vec<_> = [&together[..index], &together[index + 1..]].concat();
            if !first.wrote {
                // Readers change nothing, so their order among themselves is no matter.
                return after(state, &rest);
            }
            states.extend(after(&changed, &rest));
        }
    }
    states
}

/// Applies what the transaction did; `false` when it saw something else.
fn replay(state: &mut State, event: &Event) -> bool {
    match event {
        Event::Got(key, seen) => return state.get(key) == seen.as_ref(),
        Event::Listed(begin, end, seen) => {
            let there = state.range(begin.clone()..end.clone());
            return there.eq(seen.iter().map(|(key, value)| (key, value)));
        }
        Event::Set(key, value) => drop(state.insert(key.clone(), value.clone())),
        Event::Cleared(begin, end) => state.retain(|key, _| key < begin || key >= end),
    }
    true
}

async fn work(db: Database, seed: u64, task: u64) -> Vec<Committed> {
    let mut random = Random(seed.wrapping_mul(31).wrapping_add(task * 7919 + 1));
    let mut history = Vec::new();
    for round in 0..ROUNDS {
        let mut tx = db.begin();
        let mut events = Vec::new();
        for step in 0..=random.below(4) {
            events.push(act(&mut tx, &mut random, format!("{task}.{round}.{step}")).await);
            tokio::task::yield_now().await;
        }
        // Clearing an empty range writes nothing.
        let wrote = events.iter().any(|event| match event {
            Event::Set(..) => true,
            Event::Cleared(begin, end) => begin < end,
            Event::Got(..) | Event::Listed(..) => false,
        });
        match tx.commit().await {
            Ok(version) => history.push(Committed { version, wrote, events }),
            Err(error) => assert!(matches!(error, Error::Conflict | Error::TooOld), "{error}"),
        }
    }
    history
}

async fn act(tx: &mut Transaction, random: &mut Random, value: String) -> Event {
    let key = random.key();
    match random.below(5) {
        0 | 1 => {
            let seen = tx.get(key.as_bytes()).await.expect("a read succeeds");
            Event::Got(key, seen.map(|value| text(&value)))
        }
        2 => {
            let (begin, end) = random.range(key);
            let pairs = tx
                .get_range_all(query(&begin, &end))
                .await
                .expect("a range read succeeds");
            Event::Listed(
                begin,
                end,
                pairs.iter().map(|pair| (text(&pair.key), text(&pair.value))).collect(),
            )
        }
        3 => {
            tx.set(key.clone().into_bytes(), value.clone().into_bytes());
            Event::Set(key, value)
        }
        _ => {
            let (begin, end) = random.range(key);
            tx.clear_range(super::range(&begin, &end));
            Event::Cleared(begin, end)
        }
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// A linear congruential generator: chance enough for choosing keys.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
    fn key(&mut self) -> String {
        format!("k{}", self.below(KEYS))
    }
    /// From `begin` to a key at or behind it.
    fn range(&mut self, begin: String) -> (String, String) {
        let end = self.key();
        if begin <= end { (begin, end) } else { (end, begin) }
    }
}
