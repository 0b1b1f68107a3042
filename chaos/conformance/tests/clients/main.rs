//! Mail programs that people use, each with an account of its own: [`MESSAGES`] messages there and back, and every one of
//! them equal. What comes back may carry trace headers before the message and what the program itself is known to add,
//! nothing else.
//!
//! `place` is what they share; a program is a file.

mod curl;
mod fetchmail;
mod getmail;
mod maildir;
mod mbsync;
mod msmtp;
mod mutt;
mod offlineimap;
mod place;
mod swaks;

/// How many messages each program carries, each way that it knows.
const MESSAGES: u32 = 500;
