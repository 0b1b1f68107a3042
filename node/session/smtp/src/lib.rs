//! What an SMTP, submission or LMTP command means: senders and recipients checked against the directory, messages
//! streamed into storage, `250` only once they are safe.
//!
//! The grammar is `protocols/smtp`'s; where a message goes is `node/delivery`'s. One [`SmtpService`] per port, wired by
//! `node/server` into a listener.

mod conversation;
mod envelope;
mod future_release;
mod header_gate;
mod message;
mod metrics;
mod service;
mod settings;
mod sign_in;

pub use service::{SmtpService, SmtpServices};
pub use settings::SmtpSettings;
