//! What tasks do, one file a kind.

pub(crate) mod columns;
pub(crate) mod export_members;
pub(crate) mod import_members;
