//! Email/query (RFC 8621 §4.4).

use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use hongyan_jmap::method::{Comparator, Filter};
use hongyan_jmap::object::{EmailCondition, EmailQuery, EmailSort, email_sorts};
use hongyan_mailbox::search::look;
use hongyan_mailbox::{Email, EmailId, FolderView, read_emails};

use super::condition::{Conditions, Looked};
use super::digests::{Digests, digests};
use super::sort::{self, Row};
use crate::call::Call;
use crate::error::Outcome;
use crate::ids;
use crate::results::Results;
use crate::snapshot::{Found, Snapshot, is_visible};
use crate::snapshots::Kept;

/// After how many emails others on the arbiter get their turn.
const YIELD_AFTER: usize = 4_096;

/// Emails whose records are in memory together.
const RECORDS: usize = 64;
/// Emails whose bytes are looked into at the same time.
const LOOKS: usize = 16;

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
    let kept = call.jmap.kept(call.account).await?;
    let found = asked.find(call, &kept).await?;
    let results = Results {
        found: &found,
        state: call.account.state(kept.snapshot.modseq),
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
    fn looks_at_keywords(&self) -> bool {
        self.conditions.looks_at_keywords() || self.sorts.iter().any(|(by, _)| by.looks_at_keywords())
    }
    /// The emails in order.
    pub(super) async fn find(&self, call: &Call<'_>, kept: &Kept) -> Outcome<Arc<Vec<EmailId>>> {
        let mailbox = call.account.mailbox;
        let text = call.account.mark_query(&self.text);
        // What does not look at keywords stays as it is while emails only change theirs.
        let since = match self.looks_at_keywords() {
            true => kept.snapshot.modseq,
            false => kept.snapshot.placed_at,
        };
        let snapshots = &call.jmap.snapshots;
        if let Some(known) = snapshots.list(mailbox, since, &text) {
            return Ok(known);
        }
        let emails = Arc::new(self.look(call, kept).await?);
        if emails.len() >= KEPT_EMAILS_MIN {
            snapshots.keep_list(mailbox, since, text, &emails);
        }
        Ok(emails)
    }
    async fn look(&self, call: &Call<'_>, kept: &Kept) -> Outcome<Vec<EmailId>> {
        let snapshot = &kept.snapshot;
        let mut rows = self.candidates(snapshot);
        let mut known = Arc::clone(&kept.digests);
        if !self.conditions.is_folder_only() {
            let looks_on;
            (rows, looks_on) = self.filter_by_places(snapshot, rows).await;
            if !looks_on.is_empty() {
                known = digests(call, snapshot, &known, looks_on.iter().map(|(row, _)| row.email)).await?;
                rows.extend(self.filter_by_content(call, snapshot, looks_on, &known).await?);
            }
        }
        if self.sorts.iter().any(|(by, _)| sort::needs_digests(by)) {
            known = digests(call, snapshot, &known, rows.iter().map(|row| row.email)).await?;
        }
        sort::sort(&mut rows, &self.sorts, snapshot, &known);
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
    /// Those rows of which their places say that they are found, and those of which more must be known. `rows` are by email.
    async fn filter_by_places<'s>(&self, snapshot: &'s Snapshot, rows: Vec<Row>) -> (Vec<Row>, Vec<(Row, Found<'s>)>) {
        let (mut kept, mut open) = (Vec::new(), Vec::new());
        let mut all = snapshot.all_places().peekable();
        for (at, row) in rows.into_iter().enumerate() {
            if at % YIELD_AFTER == YIELD_AFTER - 1 {
                tokio::task::yield_now().await;
            }
            while all.next_if(|places| places[0].email < row.email).is_some() {}
            let places = all.next_if(|places| places[0].email == row.email);
            let Some(found) = places.and_then(|places| snapshot.found(places)) else {
                continue;
            };
            match self.conditions.root.check(&Looked::new(snapshot, &found)) {
                Some(true) => kept.push(row),
                Some(false) => {}
                None => open.push((row, found)),
            }
        }
        (kept, open)
    }
    async fn filter_by_content(
        &self,
        call: &Call<'_>,
        snapshot: &Snapshot,
        rows: Vec<(Row, Found<'_>)>,
        digests: &Digests,
    ) -> Outcome<Vec<Row>> {
        let (mut kept, mut open) = (Vec::new(), Vec::new());
        let mut digests = digests.reader();
        for (at, (row, found)) in rows.iter().enumerate() {
            if at % YIELD_AFTER == YIELD_AFTER - 1 {
                tokio::task::yield_now().await;
            }
            let Some(digest) = digests.get(row.email) else {
                continue;
            };
            let mut looked = Looked::new(snapshot, found);
            looked.digest = Some(digest);
            match self.conditions.root.check(&looked) {
                Some(true) => kept.push(*row),
                Some(false) => {}
                None => open.push((*row, looked)),
            }
        }
        for some in open.chunks(RECORDS) {
            let emails: Vec<EmailId> = some.iter().map(|(row, _)| row.email).collect();
            let records = read_emails(&call.jmap.services.database, call.account.mailbox, &emails).await?;
            let looks = some.iter().zip(&records);
            let looks: Vec<_> = looks
                .map(|((_, looked), record)| self.look_into(call, looked, record.as_ref()))
                .collect();
            // Their bytes are on their way together.
            let found: Vec<bool> = stream::iter(looks).buffered(LOOKS).try_collect().await?;
            let found = some.iter().zip(found).filter(|(_, is_found)| *is_found);
            kept.extend(found.map(|((row, _), _)| *row));
            tokio::task::yield_now().await;
        }
        Ok(kept)
    }
    /// Whether an email is found of which what is kept says too little.
    async fn look_into(&self, call: &Call<'_>, looked: &Looked<'_>, record: Option<&Email>) -> Outcome<bool> {
        let Some(record) = record else { return Ok(false) };
        let mut looked = Looked {
            record: Some(record),
            ..*looked
        };
        if let Some(verdict) = self.conditions.root.check(&looked) {
            return Ok(verdict);
        }
        let tenant = call.account.mailbox.tenant.0;
        let mut reader = call.jmap.services.blobs.open_blob(tenant, &record.blob).await?;
        let needles = look(&mut reader, record, &self.conditions.needles).await?;
        looked.needles = Some(&needles);
        let verdict = self.conditions.root.check(&looked);
        tokio::task::yield_now().await;
        Ok(verdict == Some(true))
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
