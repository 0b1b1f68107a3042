//! A tenant's groups as people look for them: read when they are first asked for, and again after a change.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use hongyan_types::{Address, TenantId};
use tokio::sync::RwLock;

use super::entry::{fold, spellings};
use crate::{Directory, GroupId, GroupRecord, Result};

/// Groups read at a time.
const STEP: usize = 500;
/// Between two texts that a group is found by; nobody can ask for it.
const BETWEEN: &str = "\n";

/// A group as everybody of its organisation sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedGroup {
    /// Its identifier.
    pub id: GroupId,
    /// Its address.
    pub address: Address,
    /// Its name; may be empty.
    pub display_name: String,
    /// Name and address, folded, and how the name is spelled.
    text: Box<str>,
}

impl ListedGroup {
    fn new(group: GroupRecord) -> Self {
        let mut parts = vec![fold(&group.display_name), fold(&group.address.to_string())];
        parts.extend(spellings(&group.display_name));
        Self {
            id: group.id,
            text: parts.join(BETWEEN).into(),
            address: group.address,
            display_name: group.display_name,
        }
    }

    /// Whether it is found by each of the words, [folded](crate::folded): in its name, as that is spelled, or in its address.
    #[must_use]
    pub fn is_about(&self, words: &str) -> bool {
        words.split_whitespace().all(|word| self.text.contains(word))
    }
}

/// Those of one tenant.
#[derive(Default)]
pub(super) struct Groups {
    /// How often one may have changed.
    touched: AtomicU64,
    /// As they were read, after so many changes.
    held: RwLock<Option<(u64, Arc<[Arc<ListedGroup>]>)>>,
    count: AtomicUsize,
}

impl Groups {
    pub(super) fn touch(&self) {
        self.touched.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub(super) async fn look(&self, directory: &Directory, tenant: TenantId) -> Result<Arc<[Arc<ListedGroup>]>> {
        if let Some(groups) = self.fresh(&*self.held.read().await) {
            return Ok(groups);
        }
        let mut held = self.held.write().await;
        if let Some(groups) = self.fresh(&held) {
            return Ok(groups);
        }
        // A change while they are read has them read again; one that was read already, too, which is no harm.
        let touched = self.touched.load(Ordering::Acquire);
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let groups = directory.groups(tenant, after, STEP).await?;
            let is_end = groups.len() < STEP;
            after = groups.last().map(|group| group.id);
            all.extend(groups.into_iter().map(|group| Arc::new(ListedGroup::new(group))));
            if is_end {
                break;
            }
        }
        self.count.store(all.len(), Ordering::Relaxed);
        let groups: Arc<[_]> = all.into();
        *held = Some((touched, Arc::clone(&groups)));
        Ok(groups)
    }

    fn fresh(&self, held: &Option<(u64, Arc<[Arc<ListedGroup>]>)>) -> Option<Arc<[Arc<ListedGroup>]>> {
        let (touched, groups) = held.as_ref()?;
        (*touched == self.touched.load(Ordering::Acquire)).then(|| Arc::clone(groups))
    }
}
