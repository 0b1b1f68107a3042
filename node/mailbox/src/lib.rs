//! The mailbox entity: folders, messages, flags, change log, quota.
