//! Text messages with codes to phones, through an HTTP gateway that the operator names: a URL, header fields and a body with places
//! for number and code (AUTH-5, AUTH-13, AUTH-22).
//!
//! Which codes are sent, how many a day, and what they open is `node/access`'s to say; this brings them away and tells whether the
//! gateway took them. Follows no redirect, waits no longer than it is told, and logs neither numbers nor codes.

mod gateway;
mod template;

pub use gateway::{GatewayError, GatewayOptions, HttpGateway};
