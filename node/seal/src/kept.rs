//! A secret as a record holds it.

use std::fmt;

/// A secret as a record holds it. Earlier builds wrote it as it is; now it is always sealed.
#[derive(Clone, PartialEq, Eq)]
pub enum Kept {
    /// As it is.
    Clear(Vec<u8>),
    /// Sealed, as [`crate::Sealer::seal`] gave it.
    Sealed(Vec<u8>),
}

impl Kept {
    /// From the two fields of a record, of which one is there.
    #[must_use]
    pub fn from_fields(clear: Vec<u8>, sealed: Option<Vec<u8>>) -> Self {
        sealed.map_or(Self::Clear(clear), Self::Sealed)
    }
    /// The same where what is in clear is text.
    #[must_use]
    pub fn from_text_fields(clear: &str, sealed: Option<&[u8]>) -> Self {
        Self::from_fields(clear.as_bytes().to_vec(), sealed.map(<[u8]>::to_vec))
    }
    /// For the two fields of a record: what is in clear, or nothing and what is sealed.
    #[must_use]
    pub fn to_fields(&self) -> (Vec<u8>, Option<Vec<u8>>) {
        match self {
            Self::Clear(secret) => (secret.clone(), None),
            Self::Sealed(sealed) => (Vec::new(), Some(sealed.clone())),
        }
    }
    /// The same where what is in clear is text, as [`Kept::from_text_fields`] had it.
    #[must_use]
    pub fn to_text_fields(&self) -> (String, Option<Vec<u8>>) {
        let (clear, sealed) = self.to_fields();
        (String::from_utf8(clear).unwrap_or_default(), sealed)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clear(_) => "Kept(in clear)",
            Self::Sealed(_) => "Kept(sealed)",
        })
    }
}
