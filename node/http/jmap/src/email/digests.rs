//! What queries look at in the records of emails: read once, and kept with the snapshot. Emails never change, so what is
//! kept is never wrong; digests of emails that are gone do no harm.

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_mailbox::{Email, EmailId, read_emails, summary_of};

use super::digest_page::{Digest, Page, PageDraft, place_of};
use super::stored_digests;
use crate::call::Call;
use crate::error::Outcome;
use crate::snapshot::Snapshot;

/// Records read together.
const RECORDS: usize = 256;

/// The digests of a mailbox's emails. A copy shares all but what is added to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Digests {
    pages: BTreeMap<u64, Arc<Page>>,
    count: usize,
}

/// Reads digests; those of emails in their order at once.
pub(super) struct DigestReader<'d> {
    digests: &'d Digests,
    page: Option<(u64, &'d Page)>,
}

impl<'d> DigestReader<'d> {
    pub(super) fn get(&mut self, email: EmailId) -> Option<Digest<'d>> {
        let number = summary_of(email);
        let page = match self.page {
            Some((last, page)) if last == number => page,
            _ => {
                let page = &**self.digests.pages.get(&number)?;
                self.page = Some((number, page));
                page
            }
        };
        page.get(place_of(email))
    }
}

impl Digests {
    pub(super) fn reader(&self) -> DigestReader<'_> {
        DigestReader {
            digests: self,
            page: None,
        }
    }
    /// A page in place of what was known of these mails.
    pub(super) fn add_page(&mut self, number: u64, page: Page) {
        self.count += page.rows().len();
        let before = self.pages.insert(number, Arc::new(page));
        self.count -= before.map_or(0, |before| before.rows().len());
    }
    /// Adds what `add` puts into the page.
    fn extend_page(&mut self, number: u64, add: impl FnOnce(&mut PageDraft)) {
        let mut draft = PageDraft::default();
        if let Some(page) = self.pages.get(&number) {
            draft.add_page(page, |_| true);
        }
        add(&mut draft);
        self.add_page(number, draft.finish());
    }
    /// Those of `emails`, which are sorted, alone.
    pub(crate) fn of_emails(&self, emails: impl Iterator<Item = EmailId>) -> Self {
        let emails: Vec<EmailId> = emails.collect();
        let mut some = Self::default();
        for emails in emails.chunk_by(|a, b| summary_of(*a) == summary_of(*b)) {
            let number = summary_of(emails[0]);
            if let Some(page) = self.pages.get(&number) {
                let is_there = |place| emails.binary_search_by_key(&place, |email| place_of(*email)).is_ok();
                let mut draft = PageDraft::default();
                draft.add_page(page, is_there);
                some.add_page(number, draft.finish());
            }
        }
        some
    }
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }
}

/// The digests of all `emails`, read where they are missing from `known`, and kept for later.
pub(super) async fn digests(
    call: &Call<'_>,
    snapshot: &Snapshot,
    known: &Arc<Digests>,
    emails: impl Iterator<Item = EmailId>,
) -> Outcome<Arc<Digests>> {
    let mut reader = known.reader();
    let mut missing: Vec<EmailId> = emails.filter(|email| reader.get(*email).is_none()).collect();
    if missing.is_empty() {
        return Ok(Arc::clone(known));
    }
    missing.sort_unstable();
    let mut digests = Digests::clone(known);
    if missing.len() >= stored_digests::MAILS_MIN {
        stored_digests::load(call, &mut digests, &missing).await?;
        let mut reader = digests.reader();
        missing.retain(|email| reader.get(*email).is_none());
        missing = stored_digests::make(call, snapshot, &mut digests, &missing).await?;
    }
    for some in missing.chunks(RECORDS) {
        let records = read_emails(&call.jmap.services.database, call.account.mailbox, some).await?;
        let mails = some.iter().zip(records);
        let mails: Vec<(EmailId, Email)> = mails.filter_map(|(email, record)| Some((*email, record?))).collect();
        for mails in mails.chunk_by(|(a, _), (b, _)| summary_of(*a) == summary_of(*b)) {
            digests.extend_page(summary_of(mails[0].0), |draft| {
                mails.iter().for_each(|(email, mail)| draft.add(*email, mail));
            });
        }
        tokio::task::yield_now().await;
    }
    let digests = Arc::new(digests);
    call.jmap.keep_digests(call.account.mailbox, &digests).await;
    Ok(digests)
}
