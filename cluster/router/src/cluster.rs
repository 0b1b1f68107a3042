//! What a router of many nodes has besides: who owns what, and the way to the others.

use std::sync::Arc;
use std::time::Duration;

use hongyan_transport::Transport;

use crate::Placement;

/// Ownership, the way to other nodes, and patience.
#[derive(Clone)]
pub struct Cluster {
    /// Who owns a partition.
    pub placement: Arc<dyn Placement>,
    /// The way to other nodes.
    pub transport: Arc<dyn Transport>,
    /// Times of retries.
    pub options: RouterOptions,
}

/// Times of retries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterOptions {
    /// The first pause before an ask is tried again; a change of ownership ends it early.
    pub retry_pause_min: Duration,
    /// The longest pause.
    pub retry_pause_max: Duration,
    /// How long hints wait before a broken way to a node is opened again.
    pub hints_pause: Duration,
}

impl Default for RouterOptions {
    fn default() -> Self {
        Self {
            retry_pause_min: Duration::from_millis(2),
            retry_pause_max: Duration::from_millis(100),
            hints_pause: Duration::from_millis(100),
        }
    }
}
