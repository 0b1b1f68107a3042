//! Why someone is not let in.

use crate::{PasskeyError, Protocol, Stage};

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Unknown name or wrong password: never said which.
    #[error("authentication failed")]
    BadCredentials,
    /// Right password, but account or organisation is suspended.
    #[error("the account is suspended")]
    Suspended,
    /// Right password, but the account may not use this protocol (ACC-15).
    #[error("{0} is switched off for this account")]
    ProtocolClosed(Protocol),
    /// Right password, but clients of this account need an app password (AUTH-24).
    #[error("this account takes an app password here, not the account's password: make one in the security settings")]
    AppPasswordRequired,
    /// Right credentials, but not from there (LGN-8).
    #[error("signing in from this address is not allowed")]
    AddressNotAllowed,
    /// Right credentials, but a second factor is demanded, and the time to set one up is over.
    #[error("a second factor is required: sign in to the web client and set one up")]
    SecondFactorRequired,
    /// Right app password, but it is not for this protocol.
    #[error("this app password is not for {0}")]
    NotForProtocol(Protocol),
    /// Right token, but its client was let in for other protocols.
    #[error("this token is not for {0}")]
    NotInScope(Protocol),
    /// Right app password or token, but its time is over.
    #[error("this app password or token has expired")]
    Expired,
    /// The code is wrong, or was shown before.
    #[error("the code is wrong or was used before; check that the clock of the device that shows it is right")]
    WrongCode,
    /// The passkey does not count.
    #[error(transparent)]
    Passkey(#[from] PasskeyError),
    /// A password is not enough where there is a second factor.
    #[error("show a code: the password is not enough for this account")]
    NeedsCode,
    /// The last proof of who they are is too old for what is delicate (AUTH-25).
    #[error("prove again who you are: show the password, or a code if there is a second factor")]
    ProofNeeded,
    /// Codes cannot be sent to phones here.
    #[error("codes by SMS are not offered: the server has no SMS gateway")]
    NoTextGateway,
    /// The gateway has not taken the message.
    #[error("the SMS gateway does not work at the moment: try again later, or use another way")]
    TextGatewayFailed,
    /// As many codes as a day has were sent.
    #[error("{max} codes were sent in the last 24 hours, which is all: the next one can be sent at {} UTC", crate::unusual::utc(*again))]
    CodesUsedUp {
        /// The limit.
        max: usize,
        /// When one more can be sent.
        again: hongyan_types::Timestamp,
    },
    /// A code sent to the phone protects this (AUTH-22).
    #[error("show a code sent to your phone first")]
    TextCodeNeeded,
    /// A phone signs in several accounts: one of these has to be chosen (AUTH-6).
    #[error("this phone belongs to several accounts: choose one")]
    ChooseAccount(Vec<String>),
    /// There is no such session, or it is over.
    #[error("the session is over: sign in")]
    NotSignedIn,
    /// The session lacks something.
    #[error("the sign-in is not finished: {}", .0.label())]
    Unfinished(Stage),
    /// Too many failures for this name or from this address.
    #[error("too many failed attempts, try again in {retry_secs} s")]
    LockedOut {
        /// When to come back, in seconds.
        retry_secs: u64,
    },
    /// The account has as many sessions as it may.
    #[error("sessions_per_account_max is {max} and {max} are in use")]
    TooManySessions {
        /// The limit.
        max: u32,
    },
    /// A new password is too short or not a password at all.
    #[error("{0}")]
    BadPassword(String),
    /// Too many sign-ins wait already.
    #[error("too many sign-ins at the moment")]
    Overloaded,
    /// A secret that it takes was sealed with a key that is not here.
    #[error(
        "the authenticator app cannot be checked at the moment, because the server lacks the key to its secret: use a recovery \
         code, or let an administrator reset the second factor"
    )]
    Sealed(#[from] hongyan_seal::SealError),
    /// The organisation's own directory, where passwords are proved, does not answer as it should.
    #[error("the organisation's own directory cannot be asked at the moment, try again later")]
    OutsideSilent,
    /// The directory failed.
    #[error("the directory failed")]
    Directory(#[from] hongyan_directory::Error),
}

impl AccessError {
    /// Whether the same attempt may succeed later (SMTP 454, IMAP NO [UNAVAILABLE]) as against refused (535, NO
    /// [AUTHENTICATIONFAILED]).
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::LockedOut { .. }
            | Self::TooManySessions { .. }
            | Self::Overloaded
            | Self::OutsideSilent
            | Self::TextGatewayFailed
            | Self::CodesUsedUp { .. } => true,
            Self::Directory(error) => error.is_temporary(),
            Self::Sealed(error) => *error == hongyan_seal::SealError::NoKey,
            Self::BadCredentials
            | Self::Suspended
            | Self::ProtocolClosed(_)
            | Self::AppPasswordRequired
            | Self::AddressNotAllowed
            | Self::SecondFactorRequired
            | Self::NotForProtocol(_)
            | Self::NotInScope(_)
            | Self::Expired
            | Self::WrongCode
            | Self::Passkey(_)
            | Self::NeedsCode
            | Self::NoTextGateway
            | Self::TextCodeNeeded
            | Self::ChooseAccount(_)
            | Self::ProofNeeded
            | Self::NotSignedIn
            | Self::Unfinished(_)
            | Self::BadPassword(_) => false,
        }
    }
    /// What the client may read: nothing of our inside.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Directory(_) => "temporary failure, try again later".to_owned(),
            other => other.to_string(),
        }
    }
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::BadCredentials => "bad-credentials",
            Self::Suspended => "suspended",
            Self::ProtocolClosed(_) => "protocol-closed",
            Self::AppPasswordRequired => "app-password-required",
            Self::AddressNotAllowed => "address-not-allowed",
            Self::SecondFactorRequired => "second-factor-required",
            Self::NotForProtocol(_) => "not-for-protocol",
            Self::NotInScope(_) => "not-in-scope",
            Self::Expired => "expired",
            Self::WrongCode => "wrong-code",
            Self::Passkey(_) => "wrong-passkey",
            Self::NeedsCode => "needs-code",
            Self::NoTextGateway => "no-sms-gateway",
            Self::TextGatewayFailed => "sms-gateway-failed",
            Self::CodesUsedUp { .. } => "codes-used-up",
            Self::TextCodeNeeded => "sms-code-needed",
            Self::ChooseAccount(_) => "choose-account",
            Self::ProofNeeded => "proof-needed",
            Self::NotSignedIn => "not-signed-in",
            Self::Unfinished(_) => "unfinished",
            Self::LockedOut { .. } => "locked-out",
            Self::TooManySessions { .. } => "too-many-sessions",
            Self::BadPassword(_) => "bad-password",
            Self::Overloaded => "overloaded",
            Self::Sealed(_) => "sealed",
            Self::OutsideSilent => "outside-silent",
            Self::Directory(_) => "error",
        }
    }
}
