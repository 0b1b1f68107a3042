//! A tenant's members in each order of lists. In members' lists most are where administrators' have them, so only those who are
//! elsewhere are kept once more.

use std::collections::HashSet;
use std::sync::Arc;

use hongyan_types::AccountId;

use super::entry::Entry;
use super::query::MemberOrder;

/// Each order, in the order of [`Lists`].
const ORDERS: [MemberOrder; 3] = [MemberOrder::Name, MemberOrder::ShownName, MemberOrder::ShownAlias];

/// Everybody by name, and for each other order those who are elsewhere in it, in that order.
#[derive(Debug, Default)]
pub(super) struct Lists([Vec<Arc<Entry>>; ORDERS.len()]);

impl Lists {
    /// Those lists that an entry is kept in.
    fn of<'l>(&'l mut self, entry: &'l Entry) -> impl Iterator<Item = (MemberOrder, &'l mut Vec<Arc<Entry>>)> {
        let all = ORDERS.into_iter().zip(&mut self.0);
        all.filter(move |(by, _)| *by == MemberOrder::Name || entry.is_elsewhere(*by))
    }

    /// Adds an entry that is not in it; [`Self::sort`] follows.
    pub(super) fn push(&mut self, entry: &Arc<Entry>) {
        self.of(entry).for_each(|(_, list)| list.push(Arc::clone(entry)));
    }
    pub(super) fn sort(&mut self) {
        for (by, list) in ORDERS.into_iter().zip(&mut self.0) {
            // Most are in order already when some were added.
            list.sort_by(|a, b| a.place(by).cmp(&b.place(by)));
        }
    }
    /// Adds an entry that is not in it, where it belongs.
    pub(super) fn insert(&mut self, entry: &Arc<Entry>) {
        for (by, list) in self.of(entry) {
            let at = list.partition_point(|other| other.place(by) < entry.place(by));
            list.insert(at, Arc::clone(entry));
        }
    }
    pub(super) fn remove(&mut self, entry: &Entry) {
        for (by, list) in self.of(entry) {
            if let Ok(at) = list.binary_search_by(|other| other.place(by).cmp(&entry.place(by))) {
                list.remove(at);
            }
        }
    }
    pub(super) fn remove_all(&mut self, gone: &HashSet<AccountId>) {
        for list in &mut self.0 {
            list.retain(|entry| !gone.contains(&entry.id));
        }
    }

    /// Everybody in that order.
    pub(super) fn by(&self, by: MemberOrder) -> InOrder<'_> {
        let [everybody, shown_name, shown_alias] = &self.0;
        InOrder {
            by,
            everybody,
            elsewhere: match by {
                MemberOrder::Name => &[],
                MemberOrder::ShownName => shown_name,
                MemberOrder::ShownAlias => shown_alias,
            },
        }
    }
}

/// Everybody in one order: those who are where they are by name, and between them those who are elsewhere.
pub(super) struct InOrder<'l> {
    by: MemberOrder,
    everybody: &'l [Arc<Entry>],
    elsewhere: &'l [Arc<Entry>],
}

impl<'l> Iterator for InOrder<'l> {
    type Item = &'l Entry;
    fn next(&mut self) -> Option<&'l Entry> {
        while let Some((first, others)) = self.everybody.split_first()
            && first.is_elsewhere(self.by)
        {
            self.everybody = others;
        }
        let list = match (self.everybody.first(), self.elsewhere.first()) {
            (Some(here), Some(elsewhere)) if elsewhere.place(self.by) < here.place(self.by) => &mut self.elsewhere,
            (None, _) => &mut self.elsewhere,
            _ => &mut self.everybody,
        };
        let (first, others) = list.split_first()?;
        *list = others;
        Some(first)
    }
}
