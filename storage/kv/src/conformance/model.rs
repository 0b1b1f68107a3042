//! Random transactions, compared step by step with a plain ordered map.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::Fixture;
use crate::optimistic::add;
use crate::{Database, RangeQuery, Transaction};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// One step of a transaction.
#[derive(Debug, Clone)]
enum Step {
    Get(Vec<u8>),
    Range {
        begin: Vec<u8>,
        end: Vec<u8>,
        limit: usize,
        reverse: bool,
    },
    Set(Vec<u8>, Vec<u8>),
    Clear(Vec<u8>),
    ClearRange(Vec<u8>, Vec<u8>),
    Add(Vec<u8>, i64),
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(0u8), Just(0xFEu8)], 1..4)
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![3 => prop::collection::vec(any::<u8>(), 0..12), 1 => Just(vec![b'x'; 6000])];
    prop_oneof![
        2 => key().prop_map(Step::Get),
        2 => (key(), key(), 0usize..4, any::<bool>())
            .prop_map(|(begin, end, limit, reverse)| Step::Range { begin, end, limit, reverse }),
        4 => (key(), value).prop_map(|(key, value)| Step::Set(key, value)),
        2 => key().prop_map(Step::Clear),
        1 => (key(), key()).prop_map(|(begin, end)| Step::ClearRange(begin, end)),
        2 => (key(), any::<i64>()).prop_map(|(key, delta)| Step::Add(key, delta)),
    ]
}

/// Random transactions, committed or dropped, agree with the model at every read and at the end. A failing case is
/// made smaller and printed.
pub async fn agrees_with_the_model(fixture: Fixture) {
    let config = Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    };
    let transactions = prop::collection::vec((prop::collection::vec(step(), 1..12), any::<bool>()), 1..15);
    let runtime = tokio::runtime::Handle::current();
    let run = |transactions| {
        runtime.block_on(run_case(&fixture.db, transactions));
        Ok(())
    };
    tokio::task::block_in_place(|| TestRunner::new(config).run(&transactions, run)).expect("the store is the model");
}

async fn run_case(db: &Database, transactions: Vec<(Vec<Step>, bool)>) {
    let mut tx = db.begin();
    tx.clear_range(crate::KeyRange::prefix(b""));
    tx.commit().await.expect("nobody else writes");
    let mut model = Model::new();
    for (steps, commits) in transactions {
        let mut changed = model.clone();
        let mut tx = db.begin();
        for step in &steps {
            apply(&mut tx, &mut changed, step).await;
        }
        if commits {
            tx.commit().await.expect("nobody else writes");
            model = changed;
        }
        compare(db, &model).await;
    }
}

async fn apply(tx: &mut Transaction, model: &mut Model, step: &Step) {
    match step.clone() {
        Step::Get(key) => {
            let value = tx.get(&key).await.expect("a read succeeds");
            assert_eq!(value.as_deref(), model.get(&key).map(|value| &value[..]), "get {key:?}");
        }
        Step::Range {
            begin,
            end,
            limit,
            reverse,
        } => {
            let mut query = RangeQuery::all(crate::KeyRange {
                begin: begin.clone().into(),
                end: end.clone().into(),
            });
            query.limit = limit;
            query.reverse = reverse;
            let reply = tx.get_range(query).await.expect("a range read succeeds");
            let got: Vec<_> = reply
                .pairs
                .into_iter()
                .map(|pair| (pair.key.to_vec(), pair.value.to_vec()))
                .collect();
            let mut expect: Vec<_> = model.iter().filter(|(key, _)| **key >= begin && **key < end).collect();
            if reverse {
                expect.reverse();
            }
            expect.truncate(if limit == 0 { usize::MAX } else { limit });
            let expect: Vec<_> = expect
                .into_iter()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            assert_eq!(got, expect, "{step:?}");
        }
        Step::Set(key, value) => {
            tx.set(key.clone(), value.clone());
            model.insert(key, value);
        }
        Step::Clear(key) => {
            tx.clear(&key);
            model.remove(&key);
        }
        Step::ClearRange(begin, end) => {
            tx.clear_range(crate::KeyRange {
                begin: begin.clone().into(),
                end: end.clone().into(),
            });
            model.retain(|key, _| *key < begin || *key >= end);
        }
        Step::Add(key, delta) => {
            tx.atomic_add(key.clone(), delta);
            let sum = add(model.get(&key).map(|value| &value[..]), delta);
            model.insert(key, sum.to_vec());
        }
    }
}

async fn compare(db: &Database, model: &Model) {
    let all = db
        .begin()
        .get_range_all(RangeQuery::all(crate::KeyRange::prefix(b"")))
        .await
        .expect("a range read succeeds");
    let all: Vec<_> = all
        .into_iter()
        .map(|pair| (pair.key.to_vec(), pair.value.to_vec()))
        .collect();
    let expect: Vec<_> = model.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    assert_eq!(all, expect);
}
