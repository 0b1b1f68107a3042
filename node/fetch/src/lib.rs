//! Asks other web servers what an administrator told this one to ask: over TLS, at public addresses or in networks that are named,
//! for a bounded time and a bounded answer. Follows nobody elsewhere: a redirect is an error, so nobody can send it to look
//! around in its own network. Called by `node/openid` and others that ask the outside.

mod fetcher;
mod url;

pub use fetcher::{Answer, Ask, FetchError, FetchOptions, Fetcher, is_public};
pub use url::{Url, UrlError};
