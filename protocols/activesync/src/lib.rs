//! Exchange ActiveSync on the wire, versions 14.0 to 16.1: the tree of a body and its WBXML, the request line, every command's
//! request and response, and mail as devices see it. Both sides, no sockets.
//!
//! `node/http/activesync` serves it. What is in a mailbox is not known here. Input never panics: what is not ActiveSync is a
//! [`WbxmlError`], a [`RequestLineError`] or a [`CommandError`]. The documents are Microsoft's open specifications, cited by
//! their names: [MS-ASWBXML], [MS-ASHTTP], [MS-ASCMD], [MS-ASAIRS], [MS-ASEMAIL], [MS-ASPROV], [MS-ASDTYPE].
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

mod body;
pub mod command;
mod date;
mod element;
mod email;
pub mod page;
pub mod request_line;
mod status;
mod version;
pub mod wbxml;

pub use body::{Attachment, AttachmentMethod, Body, BodyData, BodyPreference, BodyType, NewAttachment};
pub use element::{Content, Element, Tag};
pub use email::{Draft, EmailChange, EmailData, Flag, FlagStatus, Importance, Verb};
pub use request_line::{Command, RequestLine, RequestLineError};
pub use status::{CommandError, Status};
pub use version::ProtocolVersion;
pub use wbxml::{WbxmlError, WbxmlLimits};
