//! Where tasks get the lists from that they write into files: the admin API, which is put in once it is there.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use hongyan_audit::Author;
use hongyan_types::TenantId;

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListPage {
    /// The names of the columns.
    pub head: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
    /// Where it goes on; nothing at the end.
    pub next: Option<String>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListAsked {
    /// Whose.
    pub tenant: TenantId,
    /// Who asks: what they may see is looked up anew for each page.
    pub author: Author,
    /// The list's name.
    pub list: String,
    /// What narrows it, by name.
    pub query: Vec<(String, String)>,
    /// Where to go on.
    pub after: Option<String>,
}

/// A page of a list, or why there is none and whether that may pass.
pub type ListAnswer = Result<ListPage, ListError>;

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// They may not see it any more, or it makes no sense.
    #[error("{0}")]
    Refused(String),
    /// It is not there now.
    #[error("{0}")]
    Unavailable(String),
}

/// Gives lists.
pub trait ListSource: Send + Sync {
    /// Part of a list.
    fn page(&self, asked: ListAsked) -> Pin<Box<dyn Future<Output = ListAnswer> + Send + '_>>;
}

/// Where lists come from; clones share it.
#[derive(Clone, Default)]
pub struct Lists(Arc<OnceLock<Arc<dyn ListSource>>>);

impl Lists {
    /// From now on they come from `source`; the first one stays.
    pub fn set(&self, source: Arc<dyn ListSource>) {
        let _ = self.0.set(source);
    }
    pub(crate) async fn page(&self, asked: ListAsked) -> ListAnswer {
        match self.0.get() {
            Some(source) => source.page(asked).await,
            None => Err(ListError::Unavailable("the node is starting".to_owned())),
        }
    }
}
