//! The suite of all backends, on the store on disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hongyan_embedded::{EmbeddedOptions, EmbeddedStore};
use hongyan_kv::conformance::Fixture;
use hongyan_kv::{Database, conformance_suite};

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let micros = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&micros);
    let options = EmbeddedOptions {
        clock: Arc::new(move || clock.load(Ordering::SeqCst)),
        free_octets_min: 0,
        ..EmbeddedOptions::default()
    };
    Fixture {
        db: Database::new(EmbeddedStore::open(folder.path(), options).unwrap()),
        advance: Some(Box::new(move |by| {
            micros.fetch_add(by.as_micros() as u64, Ordering::SeqCst);
        })),
        keep: Box::new(folder),
    }
}

conformance_suite!(fixture);
