//! Range reads: order, limits, continuation, own writes.

use super::{Fixture, listed, put, query, range, show};
use crate::{RANGE_REPLY_OCTETS, ReadMode, VALUE_OCTETS_MAX};

/// A range is read forwards and backwards, as a whole and cut.
pub async fn both_ways_with_limits(fixture: Fixture) {
    let db = &fixture.db;
    put(db, &[("a", "1"), ("b", "2"), ("b\0", "3"), ("c", "4"), ("d", "5")]).await;
    for (begin, end, reverse, limit, expect, more) in [
        ("a", "d", false, 0, "a=1 b=2 b\0=3 c=4", false),
        ("a", "d", true, 0, "c=4 b\0=3 b=2 a=1", false),
        ("a", "d", false, 2, "a=1 b=2", true),
        ("a", "d", true, 2, "c=4 b\0=3", true),
        ("a", "d", false, 9, "a=1 b=2 b\0=3 c=4", false),
        ("b", "b\0", false, 0, "b=2", false),
        ("e", "z", false, 0, "", false),
        ("c", "c", false, 0, "", false),
        ("d", "a", false, 0, "", false),
    ] {
        let mut cut = query(begin, end);
        cut.reverse = reverse;
        cut.limit = limit;
        let reply = db.begin().get_range(cut).await.unwrap();
        assert_eq!(
            (show(&reply.pairs).as_str(), reply.more),
            (expect, more),
            "{begin}..{end} {reverse} {limit}"
        );
    }
}

/// A reply holds a bounded amount and says that there is more; following it gives every pair once.
pub async fn long_ranges_are_cut_and_continued(fixture: Fixture) {
    let db = &fixture.db;
    let total = 2 * RANGE_REPLY_OCTETS / VALUE_OCTETS_MAX + 3;
    for number in 0..total {
        let mut tx = db.begin();
        tx.set(format!("k{number:03}"), vec![7; VALUE_OCTETS_MAX]);
        tx.commit().await.unwrap();
    }
    for reverse in [false, true] {
        let mut all = query("k", "l");
        all.reverse = reverse;
        all.mode = ReadMode::Snapshot;
        let first = db.begin().get_range(all.clone()).await.unwrap();
        assert!(first.more && first.pairs.len() < total, "a reply is bounded");
        let pairs = db.begin().get_range_all(all.clone()).await.unwrap();
        let mut keys: Vec<_> = pairs.iter().map(|pair| pair.key.clone()).collect();
        if reverse {
            keys.reverse();
        }
        let expect: Vec<_> = (0..total).map(|number| format!("k{number:03}")).collect();
        assert_eq!(keys, expect);
        all.limit = total - 1;
        assert_eq!(db.begin().get_range_all(all).await.unwrap().len(), total - 1);
    }
}

/// Own sets, clears, cleared ranges and additions are merged into what is stored, in both directions.
pub async fn own_writes_are_merged(fixture: Fixture) {
    let db = &fixture.db;
    put(db, &[("b", "1"), ("d", "1"), ("f", "1"), ("h", "1"), ("j", "1")]).await;
    let mut tx = db.begin();
    tx.set("a", "2");
    tx.set("d", "2");
    tx.set("i", "2");
    tx.set("z", "2");
    tx.clear(b"f");
    tx.clear(b"nothing");
    tx.clear_range(range("g", "i"));
    assert_eq!(listed(&mut tx, "a", "zz").await, "a=2 b=1 d=2 i=2 j=1 z=2");
    let mut cut = query("a", "zz");
    cut.reverse = true;
    cut.limit = 4;
    assert_eq!(show(&tx.get_range(cut).await.unwrap().pairs), "z=2 j=1 i=2 d=2");
    tx.clear_range(range("a", "zz"));
    tx.set("c", "3");
    assert_eq!(listed(&mut tx, "", "zz").await, "c=3");
    tx.commit().await.unwrap();
    assert_eq!(listed(&mut db.begin(), "", "zz").await, "c=3");
}

/// A cleared range is gone for later transactions; what is set after it in the same transaction stays.
pub async fn cleared_ranges_reach_others(fixture: Fixture) {
    let db = &fixture.db;
    let keys: Vec<String> = (0..300).map(|number| format!("k{number:04}")).collect();
    let pairs: Vec<_> = keys.iter().map(|key| (key.as_str(), "1")).collect();
    put(db, &pairs).await;
    let mut tx = db.begin();
    tx.clear_range(range("k0010", "k0290"));
    tx.set("k0100", "2");
    tx.commit().await.unwrap();
    let left = db.begin().get_range_all(query("k", "l")).await.unwrap();
    assert_eq!(left.len(), 21);
    assert_eq!(
        listed(&mut db.begin(), "k0009", "k0291").await,
        "k0009=1 k0100=2 k0290=1"
    );
}
