//! What tasks do, one file a kind.

pub(crate) mod bulk_members;
pub(crate) mod columns;
pub(crate) mod export_groups;
pub(crate) mod export_list;
pub(crate) mod export_members;
pub(crate) mod group_columns;
pub(crate) mod import_groups;
pub(crate) mod import_members;
pub(crate) mod merge_mailbox;
