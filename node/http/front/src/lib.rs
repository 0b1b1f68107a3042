//! The HTTPS entry of the network: accepts through `node/listener`, speaks HTTP/1.1 and HTTP/2, signs callers in, and hands
//! requests to the routes of other crates.
//!
//! A handler that takes a [`Caller`] is reached by those only who signed in. A caller is a session like any other: it is
//! listed, counted and revoked; what is being done for a revoked one is cut off, streams included. Wired by `node/server`.

mod administered;
mod caller;
mod coding;
mod fold;
mod front;
mod problem;
mod rate;
mod settings;
mod sign_in;
mod visitor;
mod watched;
mod web;

pub use administered::{administered, administered_within};
pub use caller::Caller;
pub use front::{Front, FrontParts};
pub use problem::Problem;
pub use rate::ApiRates;
pub use settings::FrontSettings;
