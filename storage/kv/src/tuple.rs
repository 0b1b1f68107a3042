//! Typed keys in FoundationDB's tuple encoding: the order of the bytes is the order of the values.
//!
//! Owns writing (`Tuple`) and reading (`Reader`) of null, bytes, string, integers of 64 bits and boolean. Nested
//! tuples, floats and versionstamps are not written by us and are refused. Layout: FoundationDB,
//! `design/tuple.md`. Only the owner of a record builds its keys.

mod reader;

pub use reader::{Element, Reader, TupleError, unpack};

use bytes::Bytes;

use crate::KeyRange;

const NULL: u8 = 0x00;
const BYTES: u8 = 0x01;
const STRING: u8 = 0x02;
const ESCAPE: u8 = 0xFF;
const INT_ZERO: u8 = 0x14;
const FALSE: u8 = 0x26;
const TRUE: u8 = 0x27;

/// An integer a tuple can hold: -2^63 ..= 2^64-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TupleInt(i128);

macro_rules! tuple_int {
    ($($t:ty),*) => {$(
        impl From<$t> for TupleInt {
            fn from(value: $t) -> Self {
                Self(i128::from(value))
            }
        }
    )*};
}
tuple_int!(i8, i16, i32, i64, u8, u16, u32, u64);

/// A key, or the common prefix of many keys, being built element by element. Cloning copies the bytes so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple(Vec<u8>);

impl Tuple {
    /// The empty tuple.
    #[must_use]
    pub fn new() -> Self {
        Self(Vec::with_capacity(48))
    }
    /// Appends text.
    #[must_use]
    pub fn string(mut self, value: &str) -> Self {
        self.escaped(STRING, value.as_bytes());
        self
    }
    /// Appends bytes.
    #[must_use]
    pub fn bytes(mut self, value: &[u8]) -> Self {
        self.escaped(BYTES, value);
        self
    }
    /// Appends an integer.
    #[must_use]
    pub fn int(mut self, value: impl Into<TupleInt>) -> Self {
        let value = value.into().0;
        let magnitude = value.unsigned_abs() as u64;
        let octets = 8 - (magnitude.leading_zeros() / 8) as u8;
        let skipped = usize::from(8 - octets);
        if value >= 0 {
            self.0.push(INT_ZERO + octets);
            self.0.extend_from_slice(&magnitude.to_be_bytes()[skipped..]);
        } else {
            self.0.push(INT_ZERO - octets);
            self.0.extend_from_slice(&(!magnitude).to_be_bytes()[skipped..]);
        }
        self
    }
    /// Appends a boolean.
    #[must_use]
    pub fn bool(mut self, value: bool) -> Self {
        self.0.push(if value { TRUE } else { FALSE });
        self
    }
    /// Appends null, which sorts before everything.
    #[must_use]
    pub fn null(mut self) -> Self {
        self.0.push(NULL);
        self
    }
    /// The key.
    #[must_use]
    pub fn pack(self) -> Bytes {
        self.0.into()
    }
    /// The key's bytes so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
    /// All keys that continue this tuple with at least one more element; the key itself is not inside.
    #[must_use]
    pub fn range(&self) -> KeyRange {
        let bound = |last: u8| {
            let mut key = Vec::with_capacity(self.0.len() + 1);
            key.extend_from_slice(&self.0);
            key.push(last);
            Bytes::from(key)
        };
        KeyRange {
            begin: bound(0x00),
            end: bound(0xFF),
        }
    }
    /// Reads the elements of `key` that follow this tuple.
    ///
    /// # Errors
    /// When `key` does not start with this tuple.
    pub fn reader<'k>(&self, key: &'k [u8]) -> Result<Reader<'k>, TupleError> {
        key.strip_prefix(self.as_bytes())
            .map(Reader::new)
            .ok_or(TupleError::Prefix)
    }

    fn escaped(&mut self, code: u8, value: &[u8]) {
        self.0.push(code);
        let mut rest = value;
        while let Some(at) = rest.iter().position(|&b| b == 0) {
            self.0.extend_from_slice(&rest[..=at]);
            self.0.push(ESCAPE);
            rest = &rest[at + 1..];
        }
        self.0.extend_from_slice(rest);
        self.0.push(0);
    }
}

impl From<Tuple> for Bytes {
    fn from(tuple: Tuple) -> Self {
        tuple.pack()
    }
}

#[cfg(test)]
#[path = "tuple_test.rs"]
mod tests;
