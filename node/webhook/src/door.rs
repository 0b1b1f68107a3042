//! The way out to receivers: what is posted, and what can become of it.

use hongyan_env::BoxFuture;
use hongyan_fetch::Url;

/// Something to be posted.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Where to.
    pub url: String,
    /// Fields of its header, beside those that every request has.
    pub fields: Vec<(&'static str, String)>,
    /// JSON.
    pub body: String,
}

/// Posts letters; a probe in tests.
pub trait Door: Send + Sync + 'static {
    /// Posts one: the status of the answer, or why there is none.
    fn post(&self, letter: Letter) -> BoxFuture<'_, Result<u16, String>>;
    /// Why nothing can be posted to a place, as far as that shows without asking anybody.
    ///
    /// # Errors
    /// In words.
    fn check(&self, url: &str) -> Result<(), String>;
}

/// The door of a system that posts nothing.
pub(crate) struct Closed;

impl Door for Closed {
    fn post(&self, _: Letter) -> BoxFuture<'_, Result<u16, String>> {
        Box::pin(std::future::ready(Err("nothing is posted from here".to_owned())))
    }
    fn check(&self, url: &str) -> Result<(), String> {
        Url::read(url).map(|_| ()).map_err(|error| error.to_string())
    }
}
