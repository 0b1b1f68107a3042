//! Why nobody is signed in.

use hongyan_openid::OpenIdError;

/// What a provider did wrong, or an application.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It says more than is read.
    #[error("the document has more than {0} octets")]
    TooLong(usize),
    /// It says something else than was asked for.
    #[error("the document cannot be read: {0}")]
    Unreadable(&'static str),
    /// A document type may define entities, which may be anything.
    #[error("the document has a document type, which is not taken")]
    DocumentType,
    /// It has not let them in, for that reason (Core §3.2.2.2).
    #[error("the provider has not signed you in ({0})")]
    Status(String),
    /// Neither the response nor the assertion is signed.
    #[error("neither the response nor the assertion is signed")]
    Unsigned,
    /// A request is not signed, and those of this application have to be.
    #[error("the request is not signed, and those of this application have to be")]
    RequestUnsigned,
    /// What ends sessions is signed (Profiles §4.4.3.1, §4.4.4.1).
    #[error("it is not signed, and what ends sessions has to be")]
    LogoutUnsigned,
    /// It is signed in a way that is not taken.
    #[error("the signature uses {0:?}, which is not taken")]
    Algorithm(String),
    /// The signature is over something else than the element that it is in.
    #[error("the signature is not over the element that it is in")]
    Reference,
    /// What was signed was changed since.
    #[error("what the signature is over was changed")]
    Digest,
    /// No certificate in the settings has signed it.
    #[error("the signature is wrong, or of a certificate that is not in the settings")]
    Signature,
    /// It is for somebody with a key of its own; we show none.
    #[error("the assertion is encrypted: have the provider send it as it is, over TLS")]
    Encrypted,
    /// Something is missing or is not what it has to be.
    #[error("{0} is missing or wrong")]
    Wrong(&'static str),
    /// Its time is over, or has not come; clocks may differ by the tolerance.
    #[error("it is not good at this time ({0}): are the clocks right?")]
    Time(&'static str),
    /// It was taken before.
    #[error("it was shown before")]
    Replayed,
}

/// Why single sign-on does not work.
#[derive(Debug, thiserror::Error)]
pub enum SamlError {
    /// The provider is at fault.
    #[error(transparent)]
    Provider(#[from] Fault),
    /// No application is connected by that name, or it is switched off.
    #[error("the application is not connected")]
    NoApplication,
    /// Whatever else: the same as with OpenID Connect.
    #[error(transparent)]
    SignIn(#[from] OpenIdError),
}

impl From<hongyan_directory::Error> for SamlError {
    fn from(error: hongyan_directory::Error) -> Self {
        Self::SignIn(error.into())
    }
}

impl From<hongyan_kv::Error> for SamlError {
    fn from(error: hongyan_kv::Error) -> Self {
        Self::SignIn(error.into())
    }
}
