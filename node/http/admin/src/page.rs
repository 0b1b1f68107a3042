//! Lists in pages.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::{Problem, Result};

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

    /// The number after which the page begins.
    pub(crate) fn after<T: FromStr>(&self) -> Result<Option<T>> {
        after(self.after.as_deref(), |token| token.parse().ok())
    }
}

/// Items of a page for which `asked` were asked.
pub(crate) fn limit(asked: Option<usize>) -> usize {
    asked.unwrap_or(PAGE_ITEMS_DEFAULT).clamp(1, PAGE_ITEMS_MAX)
}

/// The place after which a page begins, by what reads a token; nothing at the beginning.
pub(crate) fn after<T>(token: Option<&str>, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>> {
    let read = |token| read(token).ok_or_else(|| Problem::invalid("after is not the `next` of a page"));
    token.map(read).transpose()
}

/// What follows a page of `found`, which was read with `limit`; `token` names an item.
pub(crate) fn next<T>(found: &[T], limit: usize, token: impl FnOnce(&T) -> String) -> Option<String> {
    found.last().filter(|_| found.len() >= limit).map(token)
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
    pub(crate) fn new(items: Vec<T>, limit: usize, token: impl FnOnce(&T) -> String) -> Self {
        let next = next(&items, limit, token);
        Self { items, next }
    }
}
