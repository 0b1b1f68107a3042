//! What an SMTP, submission or LMTP command means.
