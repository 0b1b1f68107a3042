//! Real mail and real clients against a real node.
