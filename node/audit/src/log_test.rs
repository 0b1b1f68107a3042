use hongyan_memory::MemoryStore;
use hongyan_types::TenantId;

use super::*;
use crate::{Author, Event, append};

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

#[tokio::test]
async fn what_was_altered_removed_or_rewritten_is_found() {
    let (log, database) = log(600).await;
    let Verdict::Whole(head) = log.verify(CHAIN, None).await.unwrap() else {
        panic!("whole");
    };
    assert_eq!(head.sequence, 600);
    assert_eq!(log.verify(CHAIN, Some(head)).await.unwrap(), Verdict::Whole(head));
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
