//! A mailbox's keywords under small numbers, so that a message holds numbers only; as many as clients make.

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_types::Keyword;

/// A keyword's number in its mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeywordId(pub u32);

/// The keywords a mailbox has ever used.
#[derive(Debug, Clone, Default)]
pub struct KeywordTable {
    by_id: Vec<Keyword>,
    by_name: BTreeMap<Keyword, KeywordId>,
}

impl KeywordTable {
    /// The keyword's name.
    #[must_use]
    pub fn name(&self, id: KeywordId) -> Option<&Keyword> {
        self.by_id.get(usize::try_from(id.0).ok()?)
    }
    /// The keyword's number.
    #[must_use]
    pub fn id(&self, keyword: &Keyword) -> Option<KeywordId> {
        self.by_name.get(keyword).copied()
    }
    /// All keywords, in the order they were first used.
    pub fn iter(&self) -> impl Iterator<Item = (KeywordId, &Keyword)> {
        (0..).map(KeywordId).zip(&self.by_id)
    }
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
    pub(crate) fn add(&mut self, keyword: Keyword) -> KeywordId {
        let id = KeywordId(u32::try_from(self.by_id.len()).expect("keywords fit in memory"));
        self.by_name.insert(keyword.clone(), id);
        self.by_id.push(keyword);
        id
    }
}

/// The keywords of one message; most have none, which takes no memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeywordSet(Option<Arc<Vec<KeywordId>>>);

impl KeywordSet {
    /// The set of `ids`.
    #[must_use]
    pub fn new(mut ids: Vec<KeywordId>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        Self((!ids.is_empty()).then(|| Arc::new(ids)))
    }
    /// Its members, ascending.
    #[must_use]
    pub fn ids(&self) -> &[KeywordId] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
    /// Whether `id` is in it.
    #[must_use]
    pub fn contains(&self, id: KeywordId) -> bool {
        self.ids().binary_search(&id).is_ok()
    }
    /// Whether it has no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
    pub(crate) fn with(&self, more: &[KeywordId]) -> Self {
        Self::new(self.ids().iter().chain(more).copied().collect())
    }
    pub(crate) fn without(&self, fewer: &[KeywordId]) -> Self {
        let fewer = Self::new(fewer.to_vec());
        Self::new(self.ids().iter().filter(|id| !fewer.contains(**id)).copied().collect())
    }
}
