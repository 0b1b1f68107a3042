//! Everything goes: the account was deleted.

/// Erases the mailbox: all folders, messages and history.
#[derive(Debug, Clone)]
pub struct Erase;

/// Erased.
#[derive(Debug, Clone)]
pub struct EraseReply;
