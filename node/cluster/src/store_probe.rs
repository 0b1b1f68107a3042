//! Whether this node can serve: the data store answers it, looked at again and again, and its own disk takes what is agreed.
//!
//! A node may reach all others and not the store, or not learn any more what it owns. What it says of that lets another, which
//! is better off, take over.

use std::time::Duration;

use hongyan_env::Env;
use hongyan_kv::{Database, Tuple};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Pause between two looks.
const EVERY: Duration = Duration::from_millis(200);
/// How long the store may give no answer before this node says so.
const WITHIN: Duration = Duration::from_millis(600);

/// Looks until it is dropped or stopped.
pub(crate) struct StoreProbe {
    able: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl StoreProbe {
    /// Begins, on the present runtime. The store counts as away until it has answered once; `writable` says how the disk is.
    pub(crate) fn start(env: Env, data: Database, writable: watch::Receiver<bool>) -> Self {
        let (sender, able) = watch::channel(false);
        let task = hongyan_env::spawn(look(env, data, writable, sender));
        Self { able, task }
    }
    /// Whether the store answers and the disk is written to.
    pub(crate) fn able(&self) -> watch::Receiver<bool> {
        self.able.clone()
    }
    pub(crate) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for StoreProbe {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn look(env: Env, data: Database, writable: watch::Receiver<bool>, able: watch::Sender<bool>) {
    let within = u64::try_from(WITHIN.as_micros()).unwrap_or(u64::MAX);
    // Any key will do; this one always means the same.
    let key = Tuple::new().string("fence").int(0_u16).pack();
    let mut answered = env.now_micros();
    let mut did_answer = false;
    loop {
        let answers = env.timeout(WITHIN, read(&data, &key)).await == Some(true);
        let now = env.now_micros();
        if answers {
            answered = now;
        }
        // An error now and then is no silence.
        let does_answer = answers || (did_answer && now.saturating_sub(answered) < within);
        if std::mem::replace(&mut did_answer, does_answer) != does_answer {
            if does_answer {
                tracing::info!("the data store answers this node");
            } else {
                tracing::warn!("the data store does not answer this node: others take over, if it answers them");
            }
        }
        let is_able = does_answer && *writable.borrow();
        able.send_if_modified(|able| std::mem::replace(able, is_able) != is_able);
        env.sleep(EVERY).await;
    }
}

async fn read(data: &Database, key: &[u8]) -> bool {
    data.begin().get_snapshot(key).await.is_ok()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;

    use hongyan_env::{SimulatedHost, SimulatedNetwork, ZoneDns};
    use hongyan_memory::{Fault, Faults, MemoryStore};

    use super::*;

    fn env() -> Env {
        Env::simulated(SimulatedHost {
            network: SimulatedNetwork::new(1),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            seed: 1,
            clock_rate_ppm: 0,
            wall_ahead_millis: 0,
            dns: Arc::new(ZoneDns::default()),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_told_and_so_is_its_end() {
        let env = env();
        let pause = |millis| env.sleep(Duration::from_millis(millis));
        let store = MemoryStore::default();
        let writable = watch::Sender::new(true);
        let probe = StoreProbe::start(env.clone(), Database::new(store.clone()), writable.subscribe());
        let able = probe.able();
        assert!(!*able.borrow(), "it has not answered yet");
        pause(100).await;
        assert!(*able.borrow());
        writable.send_replace(false);
        pause(250).await;
        assert!(!*able.borrow(), "its own disk is full");
        writable.send_replace(true);
        pause(250).await;
        assert!(*able.borrow());
        store.fail_next(Fault::TooOld);
        pause(250).await;
        assert!(*able.borrow(), "an error now and then is no silence");
        let silent = Faults {
            delay_micros_max: 1 << 50,
            ..Faults::default()
        };
        store.set_faults(silent);
        pause(500).await;
        assert!(*able.borrow());
        pause(400).await;
        assert!(!*able.borrow());
        pause(5000).await;
        assert!(!*able.borrow());
        store.set_faults(Faults::default());
        pause(900).await;
        assert!(*able.borrow());
    }
}
