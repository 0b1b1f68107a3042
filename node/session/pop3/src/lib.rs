//! What a POP3 command means.
