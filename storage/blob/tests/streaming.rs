//! How much of a long content is held: counted on a store that keeps nothing but numbers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use hongyan_blob::{BlobOptions, BlobStore, Sources};
use hongyan_kv::{
    Backend, BackendTransaction, BoxFuture, CommitVersion, Database, KeyRange, RangeQuery, RangeReply, ReadMode,
    Result, Watch,
};

/// Counts the octets of committed values. Every key that is asked for is there.
#[derive(Clone, Default)]
struct Scale(Arc<AtomicU64>);

struct Weighing {
    scale: Scale,
    octets: u64,
}

impl Backend for Scale {
    fn begin(&self) -> Box<dyn BackendTransaction> {
        Box::new(Weighing {
            scale: self.clone(),
            octets: 0,
        })
    }
}

impl BackendTransaction for Weighing {
    fn get<'a>(&'a mut self, _: &'a [u8], _: ReadMode) -> BoxFuture<'a, Result<Option<Bytes>>> {
        Box::pin(async { Ok(Some(Bytes::from_static(&[7; 32]))) })
    }
    fn get_range(&mut self, _: RangeQuery) -> BoxFuture<'_, Result<RangeReply>> {
        Box::pin(async { Ok(RangeReply::default()) })
    }
    fn set(&mut self, _: Bytes, value: Bytes) {
        self.octets += value.len() as u64;
    }
    fn clear(&mut self, _: &[u8]) {}
    fn clear_range(&mut self, _: KeyRange) {}
    fn atomic_add(&mut self, _: Bytes, _: i64) {}
    fn add_read_conflict(&mut self, _: KeyRange) {}
    fn add_write_conflict(&mut self, _: KeyRange) {}
    fn watch(&mut self, _: &[u8]) -> Watch {
        Box::pin(std::future::pending())
    }
    fn read_version(&mut self) -> BoxFuture<'_, Result<CommitVersion>> {
        Box::pin(async { Ok(CommitVersion(0)) })
    }
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<CommitVersion>> {
        assert!(
            self.octets < hongyan_kv::TRANSACTION_OCTETS_TARGET as u64,
            "a transaction of {} octets",
            self.octets
        );
        self.scale.0.fetch_add(self.octets, Ordering::Relaxed);
        Box::pin(async { Ok(CommitVersion(0)) })
    }
}

#[test]
fn of_100_mb_less_than_one_is_held() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let scale = Scale::default();
        let sources = Sources {
            wall_millis: Arc::new(|| 0),
            random: Arc::new(|bytes| bytes.fill(1)),
        };
        let store = BlobStore::open(Database::new(scale.clone()), BlobOptions::default(), sources)
            .await
            .expect("open");
        // Noise that no piece holds twice, so that what is stored weighs as much as what was pushed.
        let mut state = 1u64;
        let noise: Vec<u8> = (0..65_536)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        let mut writer = store.writer(1);
        let mut held_max = 0;
        while writer.octets() < 100 << 20 {
            writer.push(&noise).await.expect("push");
            held_max = held_max.max(writer.octets().saturating_sub(scale.0.load(Ordering::Relaxed)));
        }
        assert!(held_max < 1_000_000, "{held_max} octets held");
        assert_eq!(writer.finish().await.expect("finish").octets(), 100 << 20);
    });
}
