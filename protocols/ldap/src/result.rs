//! What becomes of a request (RFC 4511 §4.1.9).

/// The code of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResultCode(pub u32);

impl ResultCode {
    /// It is done.
    pub const SUCCESS: Self = Self(0);
    /// Not in this order, or not twice.
    pub const OPERATIONS_ERROR: Self = Self(1);
    /// It is not what the protocol allows.
    pub const PROTOCOL_ERROR: Self = Self(2);
    /// It took longer than it may.
    pub const TIME_LIMIT_EXCEEDED: Self = Self(3);
    /// There is more than is given.
    pub const SIZE_LIMIT_EXCEEDED: Self = Self(4);
    /// The assertion does not hold.
    pub const COMPARE_FALSE: Self = Self(5);
    /// It holds.
    pub const COMPARE_TRUE: Self = Self(6);
    /// There is no such way to sign in.
    pub const AUTH_METHOD_NOT_SUPPORTED: Self = Self(7);
    /// Sign in first.
    pub const STRONGER_AUTH_REQUIRED: Self = Self(8);
    /// A limit that administrators set.
    pub const ADMIN_LIMIT_EXCEEDED: Self = Self(11);
    /// What a critical control wants is not known.
    pub const UNAVAILABLE_CRITICAL_EXTENSION: Self = Self(12);
    /// Not without TLS.
    pub const CONFIDENTIALITY_REQUIRED: Self = Self(13);
    /// Go on with the SASL exchange.
    pub const SASL_BIND_IN_PROGRESS: Self = Self(14);
    /// The entry has no such attribute.
    pub const NO_SUCH_ATTRIBUTE: Self = Self(16);
    /// There is no such attribute anywhere.
    pub const UNDEFINED_ATTRIBUTE_TYPE: Self = Self(17);
    /// There is no such entry.
    pub const NO_SUCH_OBJECT: Self = Self(32);
    /// That is no distinguished name.
    pub const INVALID_DN_SYNTAX: Self = Self(34);
    /// Wrong name or password.
    pub const INVALID_CREDENTIALS: Self = Self(49);
    /// Who asks may not.
    pub const INSUFFICIENT_ACCESS_RIGHTS: Self = Self(50);
    /// Too much at the moment.
    pub const BUSY: Self = Self(51);
    /// Not now.
    pub const UNAVAILABLE: Self = Self(52);
    /// It is not done here.
    pub const UNWILLING_TO_PERFORM: Self = Self(53);

    /// Its name, of those that a client of ours meets.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            1 => "operations error",
            2 => "protocol error",
            3 => "time limit exceeded",
            4 => "size limit exceeded",
            7 => "method not supported",
            8 => "stronger authentication required",
            10 => "it refers elsewhere",
            11 => "administrative limit exceeded",
            12 => "critical extension unavailable",
            13 => "confidentiality required",
            32 => "no such object",
            34 => "invalid name",
            48 => "inappropriate authentication",
            49 => "invalid credentials",
            50 => "insufficient access rights",
            51 => "busy",
            52 => "unavailable",
            53 => "unwilling to perform",
            _ => "another reason",
        }
    }
}
