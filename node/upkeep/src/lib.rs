//! Long tasks in recorded steps (GEN-3): imports and exports of members and groups, bulk actions, synchronisations with
//! LDAP, with progress, a result and a problem for each row; and the reconcilers that empty the recycle bin and look after plans.
//!
//! A task is an entity that the cluster places: it works where its partition is, and goes on there when that moves. Each step
//! is one transaction that makes its changes and notes how far the task is, so none is done twice or by halves, whatever
//! node dies. Called by the admin API; wired by `node/server`.

mod back_up;
mod delegation;
mod each;
mod entity;
mod id;
mod key;
mod list;
mod options;
mod output;
mod plans;
mod purge;
mod record;
mod runner;
mod shares;
mod sheet;
mod step;
mod store;
mod sync;
mod tar;
mod task;
mod tasks;
mod wire;

pub use back_up::BackUp;
pub use delegation::tell_of_delegation_ends;
pub use entity::{Cancel, MailServices, TaskEntity, TaskReply, TaskRequest, TaskServices, Work};
pub use id::TaskId;
pub use list::{ListAnswer, ListAsked, ListError, ListPage, ListSource, Lists};
pub use options::UpkeepOptions;
pub use output::Output;
pub use plans::plans;
pub use purge::purge;
pub use record::problem::{Problem, RowProblems};
pub use record::task::{
    BulkMembers, ExportMembers, ImportGroups, ImportMembers, Job, MergeMailbox, Phase, SyncDirectory, TaskRecord,
    TaskState,
};
pub use runner::run;
pub use shares::end_lost_shares;
pub use sheet::{Sheet, SheetError, SheetFormat, SheetLimits};
pub use sync::sync_directories;
pub use task::bulk_members::BulkItem;
pub use task::columns::{Column, template};
pub use task::export_list::ExportList;
pub use task::group_columns::{GroupColumn, group_template};
pub use tasks::{TaskError, Tasks};
