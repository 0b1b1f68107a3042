//! The queue entity: messages waiting to leave.
