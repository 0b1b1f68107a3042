//! Email/query (RFC 8621 §4.4).

use std::sync::Arc;

use hongyan_jmap::method::{Comparator, Filter};
use hongyan_jmap::object::{EmailCondition, EmailQuery, EmailSort, email_sorts};
use hongyan_mailbox::search::look;
use hongyan_mailbox::{EmailId, FolderView, read_email};

use super::condition::{Conditions, Looked};
use super::sort::{self, Row};
use crate::call::Call;
use crate::error::Outcome;
use crate::ids;
use crate::results::Results;
use crate::snapshot::{Snapshot, is_visible};
use crate::snapshots::Kept;
use crate::state;

/// After how many emails others on the arbiter get their turn.
const YIELD_AFTER: usize = 4_096;

/// What a query asks for.
pub(super) struct Asked {
    conditions: Conditions,
    sorts: Vec<(EmailSort, bool)>,
    collapse_threads: bool,
    /// All of this as text: the same text finds the same emails.
    text: String,
}

/// Results of fewer emails are found again as quickly as they are remembered.
const KEPT_EMAILS_MIN: usize = 256;

pub(crate) async fn query(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: EmailQuery = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let asked = Asked::new(
        arguments.filter.as_ref(),
        arguments.sort.as_deref(),
        arguments.collapse_threads,
    )?;
    let kept = call.jmap.kept(call.account.mailbox).await?;
    let found = asked.find(call, &kept).await?;
    let results = Results {
        found: &found,
        state: state::write(kept.snapshot.modseq),
        window: arguments.window(),
        calculate_total: arguments.calculate_total,
    };
    results.answer(call, |email| ids::email(*email), ids::read_email)
}

impl Asked {
    pub(super) fn new(
        filter: Option<&Filter<EmailCondition>>,
        sort: Option<&[Comparator]>,
        collapse_threads: bool,
    ) -> Outcome<Self> {
        Ok(Self {
            text: format!("{filter:?} {sort:?} {collapse_threads}"),
            conditions: Conditions::new(filter)?,
            sorts: email_sorts(sort)?,
            collapse_threads,
        })
    }
    pub(super) fn sorts(&self) -> &[(EmailSort, bool)] {
        &self.sorts
    }
    /// The emails in order.
    pub(super) async fn find(&self, call: &Call<'_>, kept: &Kept) -> Outcome<Arc<Vec<EmailId>>> {
        let (mailbox, modseq) = (call.account.mailbox, kept.snapshot.modseq);
        let snapshots = &call.jmap.snapshots;
        if let Some(known) = snapshots.list(mailbox, modseq, &self.text) {
            return Ok(known);
        }
        let emails = Arc::new(self.look(call, kept).await?);
        if emails.len() >= KEPT_EMAILS_MIN {
            snapshots.keep_list(mailbox, modseq, self.text.clone(), &emails);
        }
        Ok(emails)
    }
    async fn look(&self, call: &Call<'_>, kept: &Kept) -> Outcome<Vec<EmailId>> {
        let snapshot = &kept.snapshot;
        let mut rows = self.candidates(snapshot);
        if !self.conditions.is_folder_only() {
            rows = self.filter(call, snapshot, rows).await?;
        }
        let keys = if self.sorts.iter().any(|(by, _)| sort::needs_keys(by)) {
            sort::keys(call, &kept.keys, rows.iter().map(|row| row.email)).await?
        } else {
            Arc::clone(&kept.keys)
        };
        sort::sort(&mut rows, &self.sorts, snapshot, &keys);
        if self.collapse_threads {
            // Threads are named after the mail that began them, so their numbers are close together.
            let last = rows.iter().map(|row| row.thread.0).max().unwrap_or(0);
            let mut seen = vec![0_u64; usize::try_from(last / 64).map_or(0, |words| words + 1)];
            rows.retain(|row| {
                let Some(word) = usize::try_from(row.thread.0 / 64).ok().and_then(|at| seen.get_mut(at)) else {
                    return true;
                };
                let bit = 1 << (row.thread.0 % 64);
                let is_new = *word & bit == 0;
                *word |= bit;
                is_new
            });
        }
        Ok(rows.into_iter().map(|row| row.email).collect())
    }
    /// All emails that may be found, each once.
    fn candidates(&self, snapshot: &Snapshot) -> Vec<Row> {
        if let Some(folder) = self.conditions.folder() {
            let mut rows = snapshot.view(folder).map(rows).unwrap_or_default();
            // The same mail may have been copied into a folder twice.
            rows.sort_unstable_by_key(|row| row.email);
            rows.dedup_by_key(|row| row.email);
            return rows;
        }
        let mut all: Vec<Row> = snapshot.views().flat_map(rows).collect();
        all.sort_unstable_by_key(|row| (row.email, row.received_millis));
        all.dedup_by_key(|row| row.email);
        all
    }
    async fn filter(&self, call: &Call<'_>, snapshot: &Snapshot, rows: Vec<Row>) -> Outcome<Vec<Row>> {
        let mut kept = Vec::new();
        for (at, row) in rows.into_iter().enumerate() {
            if at % YIELD_AFTER == YIELD_AFTER - 1 {
                tokio::task::yield_now().await;
            }
            let Some(found) = snapshot.find(row.email) else {
                continue;
            };
            let mut looked = Looked {
                snapshot,
                found: &found,
                record: None,
                needles: None,
            };
            let mut verdict = self.conditions.root.check(&looked);
            if verdict.is_none() {
                let services = &call.jmap.services;
                let record = read_email(&services.database, call.account.mailbox, row.email).await?;
                let Some(record) = record else { continue };
                looked.record = Some(&record);
                verdict = self.conditions.root.check(&looked);
                if verdict.is_none() {
                    let tenant = call.account.mailbox.tenant.0;
                    let mut reader = services.blobs.open_blob(tenant, &record.blob).await?;
                    let needles = look(&mut reader, &record, &self.conditions.needles).await?;
                    looked.needles = Some(&needles);
                    verdict = self.conditions.root.check(&looked);
                }
                tokio::task::yield_now().await;
            }
            if verdict == Some(true) {
                kept.push(row);
            }
        }
        Ok(kept)
    }
}

fn rows(view: &FolderView) -> Vec<Row> {
    let entries = view.iter().filter(|entry| is_visible(entry));
    entries
        .map(|entry| Row {
            email: entry.email,
            thread: entry.thread,
            received_millis: entry.internal_date.millis,
            octets: entry.octets.0,
        })
        .collect()
}
