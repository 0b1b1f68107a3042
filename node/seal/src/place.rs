//! Where a secret belongs.

/// What secret, of whom: bound into what is sealed. For ever the same for a record, or the record does not open any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(Vec<u8>);

impl Place {
    /// The secret `kind` of whoever has the number `of`.
    #[must_use]
    pub fn new(kind: &'static str, of: u64) -> Self {
        Self::named(kind, &of.to_be_bytes())
    }
    /// The secret `kind` of whoever has the name `of`.
    #[must_use]
    pub fn named(kind: &'static str, of: &[u8]) -> Self {
        debug_assert!(!kind.contains('\0'), "a kind ends where the name begins");
        Self([kind.as_bytes(), &[0], of].concat())
    }
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
