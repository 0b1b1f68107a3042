//! Asks other web servers what an administrator told this one to ask: over TLS, at public addresses or in networks that are named,
//! for a bounded time and a bounded answer. Follows nobody elsewhere: a redirect is an error, so nobody can send it to look
//! around in its own network. Called by `node/openid`.

mod fetcher;
mod url;

pub use fetcher::{Answer, Ask, FetchError, FetchOptions, Fetcher};
pub use url::{Url, UrlError};
