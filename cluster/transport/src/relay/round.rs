//! Asks for signs of life and for ways round, as `ways` wants it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::transport::Inner;
use super::ways::Task;
use super::wire::{self, Answer, Question};
use crate::{CallError, NodeId, ServiceId};

/// Looks until nobody needs the transport any more.
pub(super) async fn run(inner: Weak<Inner>) {
    loop {
        let (env, pause) = {
            let Some(inner) = inner.upgrade() else { return };
            look(&inner);
            let pause = inner.ways.lock().next_tick();
            (inner.env.clone(), pause)
        };
        env.sleep(pause).await;
    }
}

fn look(inner: &Arc<Inner>) {
    let now = inner.env.now_micros();
    inner.note_use(now);
    let tasks = inner.ways.lock().tick(now);
    for task in tasks {
        match task {
            Task::Ask(node) => {
                let inner = Arc::clone(inner);
                hongyan_env::spawn(async move {
                    let within = inner.options.give_up_after;
                    ask_alive(&inner, node, within).await;
                });
            }
            Task::Search { target, candidates } => {
                hongyan_env::spawn(search(Arc::clone(inner), target, candidates));
            }
            Task::GiveUp(node) => inner.give_up(node),
            Task::BreakDetours(node) => inner.break_streams(|first, to| to == node && first != node),
        }
    }
}

/// Whether `node` is reached directly and knows of relaying.
pub(super) async fn ask_alive(inner: &Inner, node: NodeId, within: Duration) -> bool {
    let question = wire::wrap(&Question::Alive, &[]);
    match inner.direct.call(node, ServiceId::WAYS, question, within).await {
        Ok(answer) => {
            let knows = matches!(wire::unwrap(answer), Some((Answer::Alive, _)));
            inner.heard(node, Some(knows));
            knows
        }
        // A release that does not know of relaying lives all the same.
        Err(CallError::Refused) => {
            inner.heard(node, Some(false));
            false
        }
        Err(_) => false,
    }
}

/// Asks the candidates together; the first that reaches `target` carries what is for it.
async fn search(inner: Arc<Inner>, target: NodeId, candidates: Vec<NodeId>) {
    let within = inner.options.search_within;
    let question = wire::wrap(&Question::Reach(target.0), &[]);
    let (said, mut heard) = mpsc::unbounded_channel();
    for candidate in candidates {
        let (inner, question, said) = (Arc::clone(&inner), question.clone(), said.clone());
        hongyan_env::spawn(async move {
            let is_reached = reaches(&inner, candidate, question, within).await;
            // Who came first has been taken.
            let _ = said.send((candidate, is_reached));
        });
    }
    drop(said);
    let mut via = None;
    while let Some((candidate, is_reached)) = heard.recv().await {
        if is_reached {
            via = Some(candidate);
            break;
        }
    }
    let turn = inner.ways.lock().found(target, via, inner.env.now_micros());
    inner.show(target, turn);
}

async fn reaches(inner: &Inner, candidate: NodeId, question: Bytes, within: Duration) -> bool {
    let Ok(answer) = inner.direct.call(candidate, ServiceId::WAYS, question, within).await else {
        return false;
    };
    inner.heard(candidate, None);
    matches!(wire::unwrap(answer), Some((Answer::Reached(true), _)))
}
