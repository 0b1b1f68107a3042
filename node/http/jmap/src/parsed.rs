//! The reply of methods that read blobs as something (RFC 8621 §4.9, RFC 9007 §2.2).

use std::collections::BTreeMap;

use hongyan_jmap::Id;
use serde::Serialize;

use crate::call::Call;
use crate::error::Outcome;

/// What became of each blob.
pub(crate) struct Parsed<T> {
    pub(crate) parsed: BTreeMap<Id, T>,
    pub(crate) not_parsable: Vec<Id>,
    pub(crate) not_found: Vec<Id>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reply<'a, T> {
    account_id: &'a Id,
    parsed: Option<BTreeMap<Id, T>>,
    not_parsable: Option<Vec<Id>>,
    not_found: Option<Vec<Id>>,
}

impl<T: Serialize> Parsed<T> {
    /// Answers the call: what is empty is null.
    pub(crate) fn answer(self, call: &mut Call<'_>) -> Outcome<()> {
        let account_id = call.account.id.clone();
        let some = |ids: Vec<Id>| Some(ids).filter(|ids| !ids.is_empty());
        call.answer(&Reply {
            account_id: &account_id,
            parsed: Some(self.parsed).filter(|parsed| !parsed.is_empty()),
            not_parsable: some(self.not_parsable),
            not_found: some(self.not_found),
        })
    }
}
