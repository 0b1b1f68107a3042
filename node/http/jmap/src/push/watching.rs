//! Watching the mailboxes that are open to a person, their own first: the mailboxes' hints wake, and the directory does when it
//! has news of the person; what is new is the state that a request would find. What is open is looked at anew before
//! anything is told.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use hongyan_directory::{AccountNews, ShareNotices};
use hongyan_jmap::{Id, MethodErrorType};
use hongyan_mailbox::{ChangesSpan, ListFolders, MailboxId, Permit, read_changes};
use hongyan_router::Subscription;
use hongyan_types::{AccountId, ModSeq};

use crate::account::open_to;
use crate::error::Outcome;
use crate::ids;
use crate::jmap::Jmap;
use crate::reach::Reach;
use crate::state::{self, ClientState};

/// How often it is looked what is open, when nothing happens.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// How far someone has been told of each mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Told {
    pub(super) own: ModSeq,
    pub(super) others: BTreeMap<AccountId, ModSeq>,
    /// The state of what was said of others' shares.
    pub(super) shares: u64,
}

/// New states by account and kind of record.
pub(super) type States = BTreeMap<Id, BTreeMap<&'static str, String>>;

/// The kind of which the state is new when there is a new email (RFC 8621 §1.5).
pub(super) const DELIVERY: &str = "EmailDelivery";

/// The kind that says what others share (RFC 9670 §5).
pub(super) const SHARES: &str = "ShareNotification";

/// An account that changed.
pub(super) struct News {
    account: AccountId,
    what: What,
}

/// What changed of it.
enum What {
    Mailbox {
        /// How far it has come.
        modseq: ModSeq,
        /// Whether there is a new email.
        has_mail: bool,
        reach: Option<Arc<Reach>>,
    },
    /// The state of what its person was told of others' shares.
    Shares(u64),
}

impl News {
    /// The new state of a kind, if that is new.
    fn state(&self, kind: &str) -> Option<String> {
        match &self.what {
            What::Shares(state) => (kind == SHARES).then(|| state.to_string()),
            What::Mailbox { .. } if kind == SHARES => None,
            What::Mailbox { has_mail: false, .. } if kind == DELIVERY => None,
            What::Mailbox { modseq, reach, .. } => {
                let mark = reach.as_ref().map(|reach| reach.mark.as_str());
                Some(state::marked(ClientState::At(*modseq), mark))
            }
        }
    }
}

/// What is told of accounts that changed.
pub(super) fn states(news: &[News], types: &[&'static str]) -> States {
    let mut states = States::new();
    for news in news {
        for kind in types {
            if let Some(state) = news.state(kind) {
                states
                    .entry(ids::account(news.account))
                    .or_default()
                    .insert(kind, state);
            }
        }
    }
    states
}

/// One mailbox.
struct Watched {
    hints: Subscription,
    /// Whether its state is to be asked for.
    is_due: bool,
    now: ModSeq,
    told: ModSeq,
    /// The single folders that are open; all, without it.
    reach: Option<Arc<Reach>>,
    /// Whether they are others than was told.
    is_other: bool,
}

/// What there is to tell of a stretch of a mailbox's log.
struct Seen {
    anything: bool,
    /// A new email.
    mail: bool,
}

/// What the person is told of others' shares.
struct Shares {
    news: AccountNews,
    /// Whether its state is to be asked for.
    is_due: bool,
    now: u64,
    told: u64,
}

pub(super) struct Watching {
    jmap: Arc<Jmap>,
    person: MailboxId,
    all: BTreeMap<AccountId, Watched>,
    shares: Shares,
}

impl Watching {
    /// Watches from now on.
    pub(super) async fn begin(jmap: &Arc<Jmap>, person: MailboxId) -> Outcome<Self> {
        let mut watching = Self {
            jmap: Arc::clone(jmap),
            person,
            all: BTreeMap::new(),
            shares: Shares {
                news: jmap.services.directory.news_of(person.account),
                is_due: true,
                now: 0,
                told: 0,
            },
        };
        watching.look_what_is_open().await?;
        watching.ask().await?;
        watching.shares.told = watching.shares.now;
        for watched in watching.all.values_mut() {
            watched.told = watched.now;
        }
        Ok(watching)
    }
    pub(super) fn told(&self) -> Told {
        let mut others: BTreeMap<AccountId, ModSeq> = self
            .all
            .iter()
            .map(|(account, watched)| (*account, watched.told))
            .collect();
        let own = others.remove(&self.person.account).unwrap_or_default();
        Told {
            own,
            others,
            shares: self.shares.told,
        }
    }
    /// Sets how far was told; of mailboxes that `told` does not name, as far as `others` says or else as it was.
    pub(super) fn goes_on_from(&mut self, told: &Told, others: Option<ModSeq>) {
        self.shares.told = told.shares;
        for (account, watched) in &mut self.all {
            watched.told = if *account == self.person.account {
                told.own
            } else {
                let known = told.others.get(account).copied();
                known.or(others).unwrap_or(watched.told)
            };
        }
    }
    /// Waits until something is new: which mailboxes, and how far they have come.
    pub(super) async fn changed(&mut self, looks_for_mail: bool) -> Outcome<Vec<News>> {
        loop {
            self.look_what_is_open().await?;
            self.ask().await?;
            let mut spans = Vec::new();
            for (account, watched) in &mut self.all {
                let is_other = std::mem::take(&mut watched.is_other);
                if watched.now > watched.told || is_other {
                    let since = std::mem::replace(&mut watched.told, watched.now);
                    spans.push((*account, since, watched.now, watched.reach.clone(), is_other));
                }
            }
            let mut news = Vec::with_capacity(spans.len());
            for (account, since, modseq, reach, is_other) in spans {
                let mut has_mail = false;
                if looks_for_mail || reach.is_some() {
                    let permit = reach.as_deref().map(|reach| &*reach.permit);
                    let seen = self.look(account, since, modseq, permit).await?;
                    // What happens where somebody does not see it is nothing to them.
                    if reach.is_some() && !is_other && !seen.anything {
                        continue;
                    }
                    has_mail = looks_for_mail && seen.mail;
                }
                let what = What::Mailbox {
                    modseq,
                    has_mail,
                    reach,
                };
                news.push(News { account, what });
            }
            if self.shares.now > self.shares.told {
                self.shares.told = self.shares.now;
                news.push(News {
                    account: self.person.account,
                    what: What::Shares(self.shares.now),
                });
            }
            if !news.is_empty() {
                return Ok(news);
            }
            self.hints().await;
        }
    }
    /// What happened since then that somebody sees; everything, so it is taken, when that is too long ago to be known.
    async fn look(&self, account: AccountId, since: ModSeq, until: ModSeq, permit: Option<&Permit>) -> Outcome<Seen> {
        let span = ChangesSpan {
            since,
            until,
            objects_max: u64::MAX,
        };
        let database = &self.jmap.services.database;
        let changes = read_changes(database, self.mailbox(account), span, permit).await?;
        let Some(changes) = changes else {
            return Ok(Seen {
                anything: true,
                mail: true,
            });
        };
        let folders = [&changes.counted, &changes.made, &changes.changed, &changes.gone];
        let last = changes.moved.keys().next_back();
        Ok(Seen {
            anything: folders.iter().any(|folders| !folders.is_empty()),
            mail: last.is_some_and(|last| *last >= changes.email_next_before),
        })
    }
    /// Waits for a hint, for news of the person, or until it is time to look what is open.
    async fn hints(&mut self) {
        let Shares { news, is_due, .. } = &mut self.shares;
        let news = async {
            news.changed().await;
            *is_due = true;
        };
        let news = Box::pin(news) as Pin<Box<dyn Future<Output = ()> + Send + '_>>;
        let waiting = self.all.values_mut().map(|watched| {
            let wait = async {
                watched.hints.changed().await;
                watched.is_due = true;
            };
            Box::pin(wait) as Pin<Box<dyn Future<Output = ()> + Send + '_>>
        });
        let waiting = select_all(waiting.chain(std::iter::once(news)));
        if self.jmap.services.env.timeout(LOOK_EVERY, waiting).await.is_none() {
            self.shares.is_due = true;
        }
    }
    async fn look_what_is_open(&mut self) -> Outcome<()> {
        let open = open_to(&self.jmap, self.person.account).await?;
        if open.person.is_none() {
            return Err(MethodErrorType::AccountNotFound.into());
        }
        let whole = open.openings.iter().map(|opening| (opening.account.id, None));
        let shared = open.folders.iter();
        let shared = shared.map(|opening| (opening.account.id, Some(Arc::new(Reach::of(opening)))));
        let own = std::iter::once((self.person.account, None));
        let open: BTreeMap<AccountId, Option<Arc<Reach>>> = own.chain(whole).chain(shared).collect();
        self.all.retain(|account, _| open.contains_key(account));
        for (account, reach) in open {
            let mailbox = self.mailbox(account);
            let router = &self.jmap.services.router;
            let watched = self.all.entry(account).or_insert_with(|| Watched {
                hints: router.subscribe(&mailbox),
                is_due: true,
                now: ModSeq(0),
                told: ModSeq(0),
                reach: reach.clone(),
                is_other: false,
            });
            let mark = |reach: &Option<Arc<Reach>>| reach.as_ref().map(|reach| reach.mark.clone());
            if mark(&watched.reach) != mark(&reach) {
                // Other folders are other states.
                (watched.reach, watched.is_other, watched.is_due) = (reach, true, true);
            }
        }
        Ok(())
    }
    /// Asks those mailboxes that are due. Another's that does not answer is asked again; the own one must.
    async fn ask(&mut self) -> Outcome<()> {
        if self.shares.is_due {
            let mut transaction = self.jmap.services.database.begin();
            self.shares.now = ShareNotices::of(self.person.account).state(&mut transaction).await?;
            self.shares.is_due = false;
        }
        let due = self.all.iter().filter(|(_, watched)| watched.is_due);
        let due: Vec<AccountId> = due.map(|(account, _)| *account).collect();
        for account in due {
            let mailbox = self.mailbox(account);
            let asked = self.jmap.ask(mailbox, ListFolders).await;
            let asked = asked.and_then(|reply| Ok(reply?));
            let Some(watched) = self.all.get_mut(&account) else {
                continue;
            };
            match asked {
                Ok(reply) => {
                    watched.now = reply.modseq;
                    watched.is_due = false;
                }
                Err(failure) if account == self.person.account => return Err(failure),
                Err(failure) => tracing::debug!(event = "jmap_watch_failed", account = account.0, %failure),
            }
        }
        Ok(())
    }
    fn mailbox(&self, account: AccountId) -> MailboxId {
        MailboxId {
            tenant: self.person.tenant,
            account,
        }
    }
}
