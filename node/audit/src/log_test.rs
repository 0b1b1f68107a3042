use hongyan_memory::MemoryStore;
use hongyan_types::TenantId;

use super::*;
use crate::{Author, Event, Whole, append};

const CHAIN: Chain = Chain::Tenant(TenantId(3));

async fn log(entries: i64) -> (Log, Database) {
    let database = Database::new(MemoryStore::default());
    for at in 1..=entries {
        let event = Event::new(
            if at % 2 == 0 { "tag.create" } else { "member.change" },
            format!("N{at}"),
        );
        let entry = Entry::new(event, Author::system(), Timestamp { millis: at });
        change(&database, async |transaction| {
            append(transaction, CHAIN, std::slice::from_ref(&entry)).await
        })
        .await;
    }
    (Log::new(database.clone()), database)
}

async fn change(database: &Database, body: impl AsyncFnMut(&mut Transaction) -> Result<()>) {
    database.run(body).await.unwrap();
}

fn sequences(page: &LogPage) -> Vec<u64> {
    page.entries.iter().map(|recorded| recorded.sequence).collect()
}

#[tokio::test]
async fn stat_7_the_newest_come_first_page_by_page() {
    let (log, _) = log(5).await;
    let page = log.list(CHAIN, &Filter::default(), None, 2).await.unwrap();
    assert_eq!((sequences(&page), page.next), (vec![5, 4], Some(4)));
    let page = log.list(CHAIN, &Filter::default(), page.next, 3).await.unwrap();
    assert_eq!((sequences(&page), page.next), (vec![3, 2, 1], None));
    let tags = Filter {
        action: Some("tag.".to_owned()),
        ..Filter::default()
    };
    assert_eq!(sequences(&log.list(CHAIN, &tags, None, 9).await.unwrap()), [4, 2]);
    let one = Filter {
        object: Some("n3".to_owned()),
        from: Some(Timestamp { millis: 2 }),
        until: Some(Timestamp { millis: 4 }),
        ..Filter::default()
    };
    assert_eq!(sequences(&log.list(CHAIN, &one, None, 9).await.unwrap()), [3]);
    let other = log
        .list(Chain::Installation, &Filter::default(), None, 9)
        .await
        .unwrap();
    assert_eq!(sequences(&other), [0; 0]);
}

async fn whole(log: &Log, anchor: Option<Anchor>) -> Whole {
    match log.verify(CHAIN, anchor).await.unwrap() {
        Verdict::Whole(whole) => whole,
        Verdict::Broken { sequence, reason } => panic!("{sequence}: {reason}"),
    }
}

#[tokio::test]
async fn stat_7_what_was_kept_long_enough_goes_and_the_rest_is_still_proven() {
    const DAY: i64 = 86_400_000;
    let (log, database) = log(1_200).await;
    let moment = |millis: i64| Timestamp { millis };
    let first = whole(&log, None).await.end;
    // Entries are of the first second: nothing is old enough by a day, then some is.
    log.cut(CHAIN, moment(1_101), moment(DAY)).await.unwrap();
    assert_eq!(log.cut_of(CHAIN).await.unwrap(), None);
    assert_eq!(whole(&log, Some(first)).await.cut, None);
    let at = moment(DAY + 2);
    change(&database, async |transaction| {
        let young = Entry::new(Event::new("tag.create", "young"), Author::system(), at);
        append(transaction, CHAIN, std::slice::from_ref(&young)).await
    })
    .await;
    log.cut(CHAIN, moment(DAY + 2), moment(2 * DAY)).await.unwrap();
    let kept = whole(&log, Some(first)).await;
    assert_eq!((kept.end.sequence, kept.cut.map(|cut| cut.last)), (1_202, Some(first)));
    let page = log.list(CHAIN, &Filter::default(), None, 9).await.unwrap();
    assert_eq!((sequences(&page), page.next), (vec![1_202, 1_201], None));
    assert_eq!(page.entries[0].entry.action, "audit.cut");
    // The same again does nothing; what was noted of what is gone proves neither way, but another hash where it was cut does.
    log.cut(CHAIN, moment(DAY + 2), moment(2 * DAY)).await.unwrap();
    assert_eq!(whole(&log, None).await, kept);
    let early = Head { sequence: 3, ..first };
    assert_eq!(whole(&log, Some(early)).await, kept);
    let other = Anchor {
        sequence: first.sequence,
        hash: kept.end.hash,
    };
    let broken_at = async |anchor| match log.verify(CHAIN, anchor).await.unwrap() {
        Verdict::Broken { sequence, .. } => sequence,
        Verdict::Whole(_) => 0,
    };
    assert_eq!(broken_at(Some(other)).await, 1_200);
    // Who removes one more and says so only in the record is found.
    let next = page.entries[1].clone();
    change(&database, async |transaction| {
        let cut = Cut {
            last: Head {
                sequence: next.sequence,
                hash: next.hash,
            },
            until: moment(0),
        };
        transaction.clear(&key::entry(CHAIN, next.sequence));
        transaction.set(key::cut(CHAIN), crate::record::cut::encode(cut));
        Ok(())
    })
    .await;
    assert_eq!(broken_at(None).await, 1_202);
}

#[tokio::test]
async fn a_chain_that_is_not_as_it_was_written_is_not_cut() {
    let (log, database) = log(3).await;
    change(&database, async |transaction| {
        transaction.clear(&key::entry(CHAIN, 1));
        Ok(())
    })
    .await;
    let late = Timestamp { millis: i64::MAX / 2 };
    assert!(log.cut(CHAIN, late, late).await.is_err());
    assert_eq!(log.cut_of(CHAIN).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_altered_removed_or_rewritten_is_found() {
    let (log, database) = log(600).await;
    let head = whole(&log, None).await.end;
    assert_eq!(head.sequence, 600);
    assert_eq!(whole(&log, Some(head)).await.end, head);
    let elsewhere = Head { sequence: 9, ..head };
    let broken_at = async |anchor| match log.verify(CHAIN, anchor).await.unwrap() {
        Verdict::Broken { sequence, .. } => sequence,
        Verdict::Whole(_) => 0,
    };
    assert_eq!(broken_at(Some(elsewhere)).await, 9);
    let stored = database.begin().get(&key::entry(CHAIN, 42)).await.unwrap().unwrap();
    let mut altered = stored.to_vec();
    let last = altered.len() - 1;
    altered[last] ^= 1;
    change(&database, async |t| {
        t.set(key::entry(CHAIN, 42), altered.clone());
        Ok(())
    })
    .await;
    assert_eq!(broken_at(None).await, 42);
    change(&database, async |t| {
        t.set(key::entry(CHAIN, 42), stored.clone());
        t.clear(&key::entry(CHAIN, 600));
        Ok(())
    })
    .await;
    assert_eq!(broken_at(None).await, 600);
    change(&database, async |t| {
        t.clear(&key::head(CHAIN));
        Ok(())
    })
    .await;
    assert_eq!(broken_at(Some(head)).await, 1);
}
