//! Exchange ActiveSync for phones (ACC-4): what a command means, as requests to the mailbox. Own mailbox, mail alone.
//!
//! It works on views of folders, as IMAP does, and the mailbox's modseq says what is new; what a device was told of a folder is a
//! few numbers ([`position`]), kept in the store, so every node goes on where another was. Closed in an organisation until
//! that opens it. Wired by `node/server` behind `node/http/front`.

mod absence;
mod answer;
mod asking;
mod devices;
mod folder_change;
mod folder_sync;
mod get_item_estimate;
mod item_operations;
mod mail;
mod move_items;
mod people;
mod ping;
mod policy;
mod position;
mod record;
mod refused_commands;
mod search;
mod send_mail;
mod service;
mod settings;
mod settings_command;
mod smart;
mod sync;
mod sync_changes;

pub use devices::{Device, Devices};
pub use record::Wipe;
pub use service::{ActiveSyncServices, routes};
pub use settings::ActiveSyncSettings;
