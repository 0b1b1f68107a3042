//! How many listen at this moment, on this node.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use hongyan_audit::Author;

use crate::problem::{Problem, Result};

/// Streams of one caller.
const EVENT_STREAMS_PER_CALLER_MAX: u64 = 16;
/// Streams of all callers on one node.
const EVENT_STREAMS_MAX: u64 = 2_000;

/// Who listens; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Places(Arc<Mutex<BTreeMap<String, u64>>>);

/// One place; dropping it gives it back.
pub(crate) struct Place {
    of: Places,
    name: String,
}

impl Places {
    pub(crate) fn take(&self, author: &Author) -> Result<Place> {
        let name = format!("{}/{}", author.kind.label(), author.id.unwrap_or_default());
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: u64 = taken.values().sum();
        let own = taken.get(&name).copied().unwrap_or_default();
        for (limit, max, used) in [
            ("event_streams_per_caller_max", EVENT_STREAMS_PER_CALLER_MAX, own),
            ("event_streams_max", EVENT_STREAMS_MAX, all),
        ] {
            if used >= max {
                return Err(Problem::busy(limit, max, used));
            }
        }
        taken.insert(name.clone(), own + 1);
        Ok(Place { of: self.clone(), name })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.name);
            }
        }
    }
}
