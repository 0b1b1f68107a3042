//! Lists in pages.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Most items of a page.
const PAGE_ITEMS_MAX: usize = 1_000;
/// Items of a page when nothing is asked for.
const PAGE_ITEMS_DEFAULT: usize = 100;

/// Which part of a list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
    /// Items of the page, at most 1000.
    limit: Option<usize>,
    /// Whose, by name; needed only from operators of several organisations.
    pub(crate) organisation: Option<String>,
}

impl PageQuery {
    pub(crate) fn limit(&self) -> usize {
        limit(self.limit)
    }
}

/// Items of a page for which `asked` were asked.
pub(crate) fn limit(asked: Option<usize>) -> usize {
    asked.unwrap_or(PAGE_ITEMS_DEFAULT).clamp(1, PAGE_ITEMS_MAX)
}

/// Part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    items: Vec<T>,
    /// What to ask for as `after`; nothing at the end.
    next: Option<String>,
}

impl<T> Page<T> {
    /// A page after which `next` follows, whatever was left out of it.
    pub(crate) fn with_next(items: Vec<T>, next: Option<String>) -> Self {
        Self { items, next }
    }

    /// A page of what was read with `limit`; `token` names an item.
    pub(crate) fn new(items: Vec<T>, limit: usize, token: impl Fn(&T) -> String) -> Self {
        let next = if items.len() < limit {
            None
        } else {
            items.last().map(token)
        };
        Self { items, next }
    }
}
