//! Limits of tasks, as settings.

use std::time::Duration;

use crate::SheetLimits;

/// Named limits.
#[derive(Debug, Clone)]
pub struct UpkeepOptions {
    /// What is read of a file.
    pub sheet: SheetLimits,
    /// Octets of a file.
    pub file_octets_max: usize,
    /// What is read of a file of groups: a cell holds many members.
    pub group_sheet: SheetLimits,
    /// Members of one bulk action (MEM-10).
    pub bulk_members_max: usize,
    /// Tasks of a tenant that have something to do.
    pub open_tasks_per_tenant_max: usize,
    /// How often a node looks whether something in the recycle bin is due.
    pub purge_period: Duration,
    /// How often a node looks whether folders that are shared are there.
    pub shares_period: Duration,
    /// How often a node looks whether a delegation is about to end.
    pub delegation_period: Duration,
    /// How often a node looks whether a task has come to it.
    pub look_period: Duration,
}

impl Default for UpkeepOptions {
    fn default() -> Self {
        Self {
            sheet: SheetLimits {
                rows_max: 100_000,
                columns_max: 50,
                cell_characters_max: 1_000,
            },
            file_octets_max: 32 << 20,
            group_sheet: SheetLimits {
                rows_max: 10_000,
                columns_max: 50,
                cell_characters_max: 32_767,
            },
            bulk_members_max: 10_000,
            open_tasks_per_tenant_max: 10,
            purge_period: Duration::from_secs(10),
            shares_period: Duration::from_secs(3600),
            delegation_period: Duration::from_secs(60),
            look_period: Duration::from_secs(1),
        }
    }
}
