//! Times of noticing and going round a cut.

use std::time::Duration;

/// Times and bounds. Whoever waits for a cut node waits for about `ask_busy + give_up_after`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayOptions {
    /// A node that owes replies and has been silent for so long is asked for a sign of life, again and again.
    pub ask_busy: Duration,
    /// The same for a node that owes nothing, while it is in use.
    pub ask_idle: Duration,
    /// When no sign of life comes for so long after it was asked for, others are asked whether they reach the node; new
    /// calls go through one that does.
    pub suspect_after: Duration,
    /// When none has come for so long, and another node reaches it, calls that wait for replies on the direct way are given
    /// up, and streams broken.
    pub give_up_after: Duration,
    /// How long other nodes may take to say whether they reach one.
    pub search_within: Duration,
    /// Nodes that are asked so at a time.
    pub searched_max: usize,
    /// Longest pause between two rounds of asking in which nobody reached the node.
    pub search_pause_max: Duration,
    /// How often it is made sure that the node in between still reaches the other.
    pub renew: Duration,
    /// Signs of life in a row after which the direct way is taken again.
    pub return_after: u32,
    /// How long the direct way has worked again when streams that go round it are broken, so that they are opened anew.
    pub streams_return_after: Duration,
    /// A node that nobody here has called for so long is not in use.
    pub in_use: Duration,
    /// Nodes that are in use without calls, so that somebody can be asked for a way.
    pub neighbours_max: usize,
}

impl Default for RelayOptions {
    fn default() -> Self {
        Self {
            ask_busy: Duration::from_millis(100),
            ask_idle: Duration::from_millis(500),
            suspect_after: Duration::from_millis(150),
            give_up_after: Duration::from_millis(400),
            search_within: Duration::from_millis(400),
            searched_max: 3,
            search_pause_max: Duration::from_secs(2),
            renew: Duration::from_secs(1),
            return_after: 3,
            streams_return_after: Duration::from_secs(2),
            in_use: Duration::from_secs(10),
            neighbours_max: 3,
        }
    }
}
