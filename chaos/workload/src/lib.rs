//! Clients of a run under faults, without I/O: the mails they send, what they keep of an IMAP session, and the changes they
//! make with what comes of them. `chaos/sim` drives them on virtual time, `chaos/live` against real processes; how a
//! connection ends, and what that means, is theirs.

pub mod content;

mod act;
mod answer;
mod look;
mod session;
mod set;

pub use act::{Act, some_of};
pub use answer::{Answer, Status};
pub use look::{ALL_ITEMS, BARE_ITEMS, ITEMS, Rows, row};
pub use session::{Begun, Goodbye, Opened, Session, Strange, Taken};
pub use set::{numbers, set_of};

/// Folders that every mailbox has from its beginning.
pub const FOLDERS: [&str; 3] = ["INBOX", "Archive", "Trash"];
