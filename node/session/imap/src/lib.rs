//! What an IMAP command means.
