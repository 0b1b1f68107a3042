//! What LSUB shows: SUBSCRIBE, UNSUBSCRIBE (RFC 9051 §6.3.7, §6.3.8).

use crate::FolderPath;

/// Subscribes to a path, or no longer. The path of a folder that went stays subscribed.
#[derive(Debug, Clone)]
pub struct SubscribeFolder {
    /// Which path; to subscribe, it must name a folder.
    pub path: FolderPath,
    /// Whether it shall be subscribed.
    pub subscribed: bool,
}

/// Done.
#[derive(Debug, Clone)]
pub struct SubscribeFolderReply;
