//! The part of a query's results that is asked for (RFC 8620 §5.5).

use hongyan_jmap::Id;
use hongyan_jmap::method::{QueryReply, Window};

use crate::call::Call;
use crate::error::Outcome;

/// All that a query found, in order.
pub(crate) struct Results<'f, T> {
    pub(crate) found: &'f [T],
    pub(crate) state: String,
    pub(crate) window: Window,
    pub(crate) calculate_total: bool,
}

impl<T: PartialEq> Results<'_, T> {
    /// Answers with the window; records are named by `id`, and known again by `read`.
    pub(crate) fn answer(
        self,
        call: &mut Call<'_>,
        id: impl Fn(&T) -> Id,
        read: impl Fn(&Id) -> Option<T>,
    ) -> Outcome<()> {
        let found = self.found;
        let max = call.jmap.settings.query_ids_max;
        let anchor = |anchor: &_| {
            let anchor = read(anchor)?;
            found.iter().position(|record| *record == anchor)
        };
        let range = self.window.range(found.len(), max, anchor)?;
        let is_limited = self.window.limit.is_none_or(|limit| limit > max as u64) && found.len() - range.start > max;
        let reply = QueryReply {
            account_id: &call.account.id,
            query_state: self.state,
            can_calculate_changes: true,
            position: range.start as u64,
            ids: found[range].iter().map(id).collect(),
            total: self.calculate_total.then_some(found.len() as u64),
            limit: is_limited.then_some(max as u64),
        };
        call.answer(&reply)
    }
}
