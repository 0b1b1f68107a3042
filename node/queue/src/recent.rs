//! Requests of a moment ago, by id: a repeat means that the reply was lost on its way.
//!
//! In memory only. What a repeat must not do twice even in a later life is recognised in storage (a message by its delivery id);
//! the rest says where things shall be, and is only kept from being late here.

use std::collections::{HashMap, VecDeque};

use hongyan_actor::RequestId;

use crate::QueueReply;
use crate::queue::Queue;

/// Requests remembered.
const RECENT_MAX: usize = 1024;

/// What requests did.
#[derive(Default)]
pub(crate) struct Recent {
    did: HashMap<RequestId, Did>,
    order: VecDeque<RequestId>,
}

enum Did {
    /// What it was asked.
    All,
    /// It handed out these entries.
    HandedOut(Vec<u64>),
}

impl Recent {
    /// The reply to a repeat that has nothing left to do. What was handed out with a lost reply is in nobody's hands: a repeat
    /// gets it again, by being done again.
    pub(crate) fn repeat(&self, id: RequestId, queue: &mut Queue) -> Option<QueueReply> {
        match self.did.get(&id)? {
            Did::All => Some(QueueReply::Done(Ok(()))),
            Did::HandedOut(numbers) => {
                for number in numbers {
                    if let Some(handed) = queue.handed_out.get_mut(number) {
                        handed.since_millis = i64::MIN;
                    }
                }
                None
            }
        }
    }
    /// Notes what the request `id` did.
    pub(crate) fn note(&mut self, id: RequestId, reply: &QueueReply) {
        let did = match reply {
            QueueReply::Done(Ok(())) => Did::All,
            QueueReply::Due(Ok(due)) => Did::HandedOut(due.entries.iter().map(|entry| entry.id.number).collect()),
            _ => return,
        };
        if id == RequestId::ONCE {
            return;
        }
        if self.did.insert(id, did).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > RECENT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.did.remove(&oldest);
        }
    }
}
