//! The default store of one node: optimistic transactions, group commit.
