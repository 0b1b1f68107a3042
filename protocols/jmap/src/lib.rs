//! JMAP (RFC 8620) and JMAP for mail (RFC 8621): bytes to typed methods and back.
//!
//! A request is read by [`Request::read`]; its calls are answered one after the other through a [`Response`], which keeps
//! what earlier calls said for result references and holds no tree of JSON values: what is not looked at stays text.
//! What a method means is the business of `node/http/jmap`.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::as_conversions,
    clippy::panic
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::as_conversions,
        clippy::panic
    )
)]

mod arguments;
mod date;
mod error;
mod id;
mod limits;
pub mod method;
pub mod object;
mod patch;
mod pointer;
mod request;
mod response;
mod session;

pub use arguments::resolve;
pub use date::{Date, DateError, UtcDate};
pub use error::{MethodError, MethodErrorType, RequestError, RequestErrorType, SetError, SetErrorType};
pub use id::{Id, IdError, IdOrCreation};
pub use limits::CoreLimits;
pub use patch::{PatchObject, PatchPath};
pub use pointer::{Pointer, PointerError};
pub use request::{Call, Request};
pub use response::{Response, ResponseText};
pub use session::{AccountEntry, CapabilityUri, Session};

/// Text of a JSON value, as it came.
pub use serde_json::value::RawValue;
