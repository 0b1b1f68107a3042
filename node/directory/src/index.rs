//! Every node's memory of the tenants in use: lists, tree steps and search without reading the store.
//!
//! A tenant's index is built from the store when it is first asked for and follows the changes that the directory hears of,
//! here and from other nodes; what was touched is read again before the next answer. What was used least lately goes first
//! when the members of all tenants together are too many.

mod entry;
mod group;
mod lists;
pub(crate) mod pinyin;
mod query;
mod tenant;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use hongyan_types::{AccountId, TenantId};
use parking_lot::Mutex;
use tokio::sync::RwLock;

pub use entry::{fold as folded, phone_digits, spellings};
pub use group::ListedGroup;
pub use query::{MemberOrder, MemberPage, MemberPlace, MemberQuery, Sieve};
pub use tenant::DepartmentView;

pub(crate) use tenant::TenantIndex;

use group::Groups;

use crate::follower::hear;
use crate::record::change::Touched;
use crate::{Directory, Result};

/// Accounts touched beyond which everything is read anew.
const STALE_ACCOUNTS_MAX: usize = 20_000;
/// Accounts read at a time while an index is built.
const BUILD_STEP_ACCOUNTS: usize = 1_000;
/// Accounts from which a tenant's index is read before it is asked for; smaller ones are read while one waits, in tens of
/// milliseconds.
const AHEAD_ACCOUNTS_MIN: usize = 2_000;
/// Time between two looks whether an index that is held wants to be read anew.
const AHEAD_PERIOD: Duration = Duration::from_secs(1);
/// Tenants read at a time while large ones are looked for.
const AHEAD_STEP_TENANTS: usize = 100;

/// What changed since an index was last brought up to date.
#[derive(Debug, Default)]
struct Stale {
    everything: bool,
    structure: bool,
    accounts: BTreeSet<AccountId>,
}

impl Stale {
    fn is_empty(&self) -> bool {
        !self.everything && !self.structure && self.accounts.is_empty()
    }
}

/// Has an index read anew that was not read to its end: that failed, or whoever waited for it went.
struct Reading<'s> {
    stale: &'s Mutex<Stale>,
    is_done: bool,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.stale.lock().everything = true;
        }
    }
}

struct Slot {
    index: RwLock<TenantIndex>,
    stale: Mutex<Stale>,
    members: AtomicUsize,
    groups: Groups,
    used: AtomicU64,
}

/// The indexes of a node.
pub(crate) struct Index {
    slots: Mutex<HashMap<TenantId, Arc<Slot>>>,
    members_max: usize,
    uses: AtomicU64,
}

impl Index {
    pub(crate) fn new(members_max: usize) -> Self {
        Self {
            slots: Mutex::new(HashMap::new()),
            members_max,
            uses: AtomicU64::new(0),
        }
    }

    /// Notes what the store's changes have touched.
    pub(crate) fn forget(&self, touched: &[Touched]) {
        let slots = self.slots.lock();
        if slots.is_empty() {
            return;
        }
        let note = |tenant: &TenantId, note: &dyn Fn(&mut Stale)| {
            if let Some(slot) = slots.get(tenant) {
                note(&mut slot.stale.lock());
            }
        };
        for touched in touched {
            match touched {
                Touched::Account { tenant, account } => note(tenant, &|stale| {
                    stale.accounts.insert(*account);
                    stale.everything |= stale.accounts.len() > STALE_ACCOUNTS_MAX;
                }),
                Touched::Department { tenant, .. } | Touched::Tag { tenant, .. } => {
                    note(tenant, &|stale| stale.structure = true);
                }
                // Whose it is is not said.
                Touched::Group => slots.values().for_each(|slot| slot.groups.touch()),
                Touched::Everything => slots.values().for_each(|slot| {
                    slot.stale.lock().everything = true;
                    slot.groups.touch();
                }),
                Touched::Tenant(_)
                | Touched::TenantCounts(_)
                | Touched::Domain(_)
                | Touched::Address(_)
                | Touched::Token(_)
                | Touched::Notice(_) => {}
            }
        }
    }

    /// Looks into a tenant's index, which is as new as the directory of this node.
    pub(crate) async fn look<T>(
        &self,
        directory: &Directory,
        tenant: TenantId,
        look: impl FnOnce(&TenantIndex) -> T,
    ) -> Result<T> {
        hear(directory).await?;
        let slot = self.slot(tenant);
        let index = loop {
            if !slot.stale.lock().is_empty() {
                let mut index = slot.index.write().await;
                let stale = std::mem::take(&mut *slot.stale.lock());
                let mut reading = Reading {
                    stale: &slot.stale,
                    is_done: false,
                };
                refresh(&mut index, directory, tenant, stale).await?;
                reading.is_done = true;
                drop(reading);
                slot.members.store(index.len(), Ordering::Relaxed);
                drop(index);
                self.shrink(tenant);
            }
            let index = slot.index.read().await;
            // Whoever was reading it may have gone meanwhile.
            if !slot.stale.lock().everything {
                break index;
            }
        };
        Ok(look(&index))
    }

    /// A tenant's groups by identifier, as new as the directory of this node.
    pub(crate) async fn groups(&self, directory: &Directory, tenant: TenantId) -> Result<Arc<[Arc<ListedGroup>]>> {
        hear(directory).await?;
        let groups = self.slot(tenant).groups.look(directory, tenant).await?;
        self.shrink(tenant);
        Ok(groups)
    }

    /// The large tenants among those held whose changes were missed.
    fn missed(&self) -> Vec<TenantId> {
        let slots = self.slots.lock();
        let large = slots
            .iter()
            .filter(|(_, slot)| slot.members.load(Ordering::Relaxed) >= AHEAD_ACCOUNTS_MIN);
        let missed = large.filter(|(_, slot)| slot.stale.lock().everything);
        missed.map(|(tenant, _)| *tenant).collect()
    }

    fn slot(&self, tenant: TenantId) -> Arc<Slot> {
        let used = self.uses.fetch_add(1, Ordering::Relaxed);
        let mut slots = self.slots.lock();
        let slot = slots.entry(tenant).or_insert_with(|| {
            let stale = Stale {
                everything: true,
                ..Stale::default()
            };
            Arc::new(Slot {
                index: RwLock::new(TenantIndex::default()),
                stale: Mutex::new(stale),
                members: AtomicUsize::new(0),
                groups: Groups::default(),
                used: AtomicU64::new(used),
            })
        });
        slot.used.store(used, Ordering::Relaxed);
        Arc::clone(slot)
    }

    /// Forgets the tenants used least lately while there are too many members and groups; never `keep`.
    fn shrink(&self, keep: TenantId) {
        let mut slots = self.slots.lock();
        let count = |slot: &Arc<Slot>| slot.members.load(Ordering::Relaxed) + slot.groups.len();
        let mut total: usize = slots.values().map(count).sum();
        while total > self.members_max && slots.len() > 1 {
            let oldest = slots
                .iter()
                .filter(|(tenant, _)| **tenant != keep)
                .min_by_key(|(_, slot)| slot.used.load(Ordering::Relaxed))
                .map(|(tenant, _)| *tenant);
            let Some(gone) = oldest.and_then(|tenant| slots.remove(&tenant)) else {
                return;
            };
            // It may have grown since it was counted.
            total = total.saturating_sub(count(&gone));
        }
    }
}

/// Reads the indexes of the largest tenants, as far as there is room.
async fn read_ahead(directory: &Directory) -> Result<()> {
    let (mut after, mut large) = (None, Vec::new());
    loop {
        let tenants = directory.tenants(after, AHEAD_STEP_TENANTS).await?;
        large.extend(tenants.iter().filter_map(|tenant| {
            let accounts = usize::try_from(tenant.counts.accounts).unwrap_or(usize::MAX);
            (accounts >= AHEAD_ACCOUNTS_MIN).then_some((Reverse(accounts), tenant.id))
        }));
        if tenants.len() < AHEAD_STEP_TENANTS {
            break;
        }
        after = tenants.last().map(|tenant| tenant.id);
    }
    large.sort_unstable();
    let options = directory.options();
    let mut room = options.index_ahead_members_max.min(options.index_members_max);
    for (Reverse(accounts), tenant) in large {
        if accounts <= room {
            room -= accounts;
            directory.index().look(directory, tenant, |_| ()).await?;
        }
    }
    Ok(())
}

/// Keeps the indexes of large tenants read, from the start and after changes that were missed, so that nobody waits for it.
pub(crate) async fn keep_read(directory: Directory) {
    // What fails here fails for whoever asks, too, and they are told.
    while read_ahead(&directory).await.is_err() {
        directory.env().sleep(AHEAD_PERIOD).await;
    }
    loop {
        directory.env().sleep(AHEAD_PERIOD).await;
        for tenant in directory.index().missed() {
            let _ = directory.index().look(&directory, tenant, |_| ()).await;
        }
    }
}

async fn refresh(index: &mut TenantIndex, directory: &Directory, tenant: TenantId, stale: Stale) -> Result<()> {
    if stale.everything {
        *index = TenantIndex::default();
        let mut after = None;
        loop {
            let accounts = directory.accounts(tenant, after, BUILD_STEP_ACCOUNTS).await?;
            after = accounts.last().map(|account| account.id);
            let full = accounts.len() == BUILD_STEP_ACCOUNTS;
            index.add_all(&accounts);
            if !full {
                break;
            }
        }
        index.sort();
    }
    if stale.everything || stale.structure {
        let (departments, tags) = directory.structure(tenant).await?;
        index.set_structure(departments, tags);
    }
    if !stale.everything && !stale.accounts.is_empty() {
        let touched: Vec<AccountId> = stale.accounts.into_iter().collect();
        let accounts = directory.lookup().accounts_of(tenant, &touched).await?;
        index.replace(&touched, &accounts);
    }
    Ok(())
}

#[cfg(test)]
#[path = "index_test.rs"]
mod tests;
