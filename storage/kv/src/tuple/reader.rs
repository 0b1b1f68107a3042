//! Reads tuples back from key bytes; refuses what `Tuple` does not write.

use bytes::Bytes;

use super::{BYTES, ESCAPE, FALSE, INT_ZERO, NULL, STRING, TRUE};

/// Why bytes are no tuple, or not the tuple expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TupleError {
    /// The key ends inside or before an element.
    #[error("key ends early")]
    Truncated,
    /// The next element is of another type.
    #[error("element of another type, code {0:#04x}")]
    Type(u8),
    /// A string is not UTF-8.
    #[error("string is not UTF-8")]
    Utf8,
    /// An integer does not fit the type asked for.
    #[error("integer out of range")]
    Range,
    /// Elements are left over.
    #[error("unexpected elements at the end")]
    Trailing,
    /// The key has another prefix.
    #[error("key has another prefix")]
    Prefix,
}

impl From<TupleError> for crate::Error {
    fn from(error: TupleError) -> Self {
        Self::Corrupt(format!("key: {error}"))
    }
}

/// One element of a tuple.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Element {
    /// Nothing.
    Null,
    /// Bytes.
    Bytes(Bytes),
    /// Text.
    String(String),
    /// An integer between -2^63 and 2^64-1.
    Int(i128),
    /// A boolean.
    Bool(bool),
}

/// All elements of `key`.
///
/// # Errors
/// When `key` is not a tuple of ours.
pub fn unpack(key: &[u8]) -> Result<Vec<Element>, TupleError> {
    let mut reader = Reader::new(key);
    let mut elements = Vec::new();
    while !reader.is_empty() {
        elements.push(reader.element()?);
    }
    Ok(elements)
}

/// Takes elements of known types from a key, one after another.
#[derive(Debug, Clone)]
pub struct Reader<'k> {
    rest: &'k [u8],
}

impl<'k> Reader<'k> {
    /// Reads from the start of `key`.
    #[must_use]
    pub fn new(key: &'k [u8]) -> Self {
        Self { rest: key }
    }
    /// Whether no element is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
    /// The next element, a string.
    ///
    /// # Errors
    /// When it is something else or missing.
    pub fn string(&mut self) -> Result<String, TupleError> {
        self.code(STRING)?;
        String::from_utf8(self.unescape()?).map_err(|_| TupleError::Utf8)
    }
    /// The next element, bytes.
    ///
    /// # Errors
    /// When it is something else or missing.
    pub fn bytes(&mut self) -> Result<Vec<u8>, TupleError> {
        self.code(BYTES)?;
        self.unescape()
    }
    /// The next element, an integer that fits `T`.
    ///
    /// # Errors
    /// When it is something else, missing or out of range.
    pub fn int<T: TryFrom<i128>>(&mut self) -> Result<T, TupleError> {
        let (&code, rest) = self.rest.split_first().ok_or(TupleError::Truncated)?;
        let octets = usize::from(code.abs_diff(INT_ZERO));
        if octets > 8 {
            return Err(TupleError::Type(code));
        }
        let (digits, rest) = rest.split_at_checked(octets).ok_or(TupleError::Truncated)?;
        let magnitude = digits.iter().fold(0u64, |sum, &digit| (sum << 8) | u64::from(digit));
        let value = if code >= INT_ZERO {
            i128::from(magnitude)
        } else {
            i128::from(magnitude) - ((1i128 << (8 * octets)) - 1)
        };
        self.rest = rest;
        T::try_from(value).map_err(|_| TupleError::Range)
    }
    /// The next element, a boolean.
    ///
    /// # Errors
    /// When it is something else or missing.
    pub fn bool(&mut self) -> Result<bool, TupleError> {
        match self.peek()? {
            code @ (FALSE | TRUE) => {
                self.code(code)?;
                Ok(code == TRUE)
            }
            code => Err(TupleError::Type(code)),
        }
    }
    /// The next element, whatever it is.
    ///
    /// # Errors
    /// When it is of no type of ours or truncated.
    pub fn element(&mut self) -> Result<Element, TupleError> {
        Ok(match self.peek()? {
            NULL => {
                self.code(NULL)?;
                Element::Null
            }
            BYTES => Element::Bytes(self.bytes()?.into()),
            STRING => Element::String(self.string()?),
            FALSE | TRUE => Element::Bool(self.bool()?),
            _ => Element::Int(self.int()?),
        })
    }
    /// Ends the reading.
    ///
    /// # Errors
    /// When elements are left.
    pub fn end(self) -> Result<(), TupleError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(TupleError::Trailing)
        }
    }

    fn peek(&self) -> Result<u8, TupleError> {
        self.rest.first().copied().ok_or(TupleError::Truncated)
    }
    fn code(&mut self, expected: u8) -> Result<(), TupleError> {
        match self.peek()? {
            code if code == expected => {
                self.rest = &self.rest[1..];
                Ok(())
            }
            code => Err(TupleError::Type(code)),
        }
    }
    fn unescape(&mut self) -> Result<Vec<u8>, TupleError> {
        let mut value = Vec::new();
        loop {
            let at = self.rest.iter().position(|&b| b == 0).ok_or(TupleError::Truncated)?;
            value.extend_from_slice(&self.rest[..at]);
            self.rest = &self.rest[at + 1..];
            if self.rest.first() != Some(&ESCAPE) {
                return Ok(value);
            }
            value.push(0);
            self.rest = &self.rest[1..];
        }
    }
}
