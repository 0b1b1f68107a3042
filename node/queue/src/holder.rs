//! Who works on entries: a life of a node. What is in the hands of one that has ended is due again at once.

/// One life of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Holder {
    /// The node; 0 where there is only one.
    pub node: u64,
    /// Which of its lives: no other process of that node has the same.
    pub life: u64,
}

/// Who lives. Whoever knows the nodes implements it.
pub trait Holders: Send + Sync + 'static {
    /// This life of this node.
    fn me(&self) -> Holder;
    /// What this life may go by while the others take it for alive: as long as the number is the same, what is in its hands
    /// was given to nobody else. `None` while that is not known.
    fn standing(&self) -> Option<u64>;
    /// Whether `holder` may still be at work. Asked for each entry in its hands, so it must be cheap.
    fn is_alive(&self, holder: Holder) -> bool;
}

/// The only node there is.
pub struct Alone(Holder);

impl Alone {
    /// A life of it that no other is like: `random`.
    #[must_use]
    pub fn new(random: u64) -> Self {
        Self(Holder { node: 0, life: random })
    }
}

impl Holders for Alone {
    fn me(&self) -> Holder {
        self.0
    }
    fn standing(&self) -> Option<u64> {
        Some(0)
    }
    fn is_alive(&self, holder: Holder) -> bool {
        holder == self.0
    }
}
