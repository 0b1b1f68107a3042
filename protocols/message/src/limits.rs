//! The bounds of the scanner. What passes one is kept as opaque bytes or cut, and is never an error: the mail is
//! delivered whatever its structure.

/// Bounds of a [`crate::Scanner`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Parts of one message; the part that reaches it holds the rest of its parent as one opaque leaf.
    pub parts_max: usize,
    /// Parts inside of parts; a container deeper than that is an opaque leaf.
    pub depth_max: usize,
    /// Octets of one header field that are looked at; the rest of the field is ignored.
    pub field_octets_max: usize,
    /// Octets of text kept in one [`crate::Structure`], so that it fits into a stored record.
    pub text_octets_max: usize,
    /// The longest boundary that is honoured.
    pub boundary_octets_max: usize,
    /// Octets of the first text part from which the preview is made.
    pub preview_source_octets_max: usize,
    /// Characters of a preview (RFC 8970 §3.2 allows 256 at most).
    pub preview_chars_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parts_max: 1_000,
            depth_max: 50,
            field_octets_max: 256 * 1024,
            text_octets_max: 48 * 1024,
            boundary_octets_max: 512,
            preview_source_octets_max: 32 * 1024,
            preview_chars_max: 256,
        }
    }
}
