//! `Database::run` gives futures that may move between threads, as HTTP handlers need, when the body owns what it
//! captures.

use hongyan_kv::{Database, Error, Transaction};
use hongyan_memory::MemoryStore;

fn assert_send<T: Send>(future: T) -> T {
    future
}

async fn count(db: &Database, name: &str) -> Result<u64, Error> {
    let key = format!("count/{name}").into_bytes();
    db.run(async move |tx: &mut Transaction| {
        let before = tx.get(&key).await?;
        tx.atomic_add(key.clone(), 1);
        Ok::<_, Error>(before.map_or(0, |value| u64::from(value[0])))
    })
    .await
}

#[tokio::test]
async fn a_run_whose_body_owns_its_captures_is_send() {
    let db = Database::new(MemoryStore::new());
    let name = String::from("a");
    assert_eq!(assert_send(count(&db, &name)).await, Ok(0));
    let future = assert_send(async move { count(&db, &name).await });
    assert_eq!(tokio::spawn(future).await.unwrap(), Ok(1));
}
