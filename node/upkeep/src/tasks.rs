//! The handle that the admin API holds: asks for tasks, shows them, gets what they made.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan_audit::{Author, Chain, Event};
use hongyan_directory::{Change, Directory, Error};
use hongyan_env::Env;
use hongyan_kv::{KeyRange, RangeQuery, ReadMode};
use hongyan_mailbox::{FolderPath, MailboxId};
use hongyan_router::{AskError, Router};
use hongyan_types::{AccountId, TenantId, Timestamp};

use crate::record::{input, task};
use crate::store::{self, PART_OCTETS_MAX, PART_ROWS_MAX};
use crate::task::import_groups;
use crate::task::import_members::check_head;
use crate::{
    BackUp, BulkItem, BulkMembers, Cancel, ExportList, ExportMembers, ImportGroups, ImportMembers, Job, Lists,
    MailServices, MergeMailbox, Output, Phase, RowProblems, Sheet, SheetError, SheetFormat, SheetLimits, SyncDirectory,
    TaskId, TaskRecord, TaskState, UpkeepOptions, Work, key,
};

/// How long a task may take to answer.
const WITHIN: Duration = Duration::from_secs(10);
/// Parts of a file that one transaction writes.
pub(crate) const PARTS_AT_ONCE: usize = 10;
/// How long a mailbox that is merged stays in the recycle bin at least.
const MERGE_MILLIS: i64 = 7 * 86_400_000;
/// Octets of one row, which is kept in one value.
const ROW_OCTETS_MAX: usize = 80_000;

/// Why something cannot be done with tasks.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The file is wrong.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// The file's columns are.
    #[error("{0}")]
    Head(String),
    /// The task is not there, or over, or too much.
    #[error(transparent)]
    Directory(#[from] Error),
    /// It does not answer.
    #[error(transparent)]
    Ask(#[from] AskError),
}

/// Tasks; clones share them.
#[derive(Clone)]
pub struct Tasks {
    env: Env,
    directory: Directory,
    router: Router,
    options: Arc<UpkeepOptions>,
    lists: Lists,
    mail: Option<MailServices>,
}

impl Tasks {
    /// The tasks of a system.
    #[must_use]
    pub fn new(env: Env, directory: Directory, router: Router, options: UpkeepOptions) -> Self {
        Self {
            env,
            directory,
            router,
            options: Arc::new(options),
            lists: Lists::default(),
            mail: None,
        }
    }
    /// The same where mailboxes are.
    #[must_use]
    pub fn with_mail(self, mail: MailServices) -> Self {
        Self {
            mail: Some(mail),
            ..self
        }
    }
    /// The same with the lists that tasks write into files.
    #[must_use]
    pub fn with_lists(self, lists: Lists) -> Self {
        Self { lists, ..self }
    }
    /// Where those lists come from.
    #[must_use]
    pub fn lists(&self) -> &Lists {
        &self.lists
    }
    /// The limits in force.
    #[must_use]
    pub fn options(&self) -> &UpkeepOptions {
        &self.options
    }

    /// All mail of a mailbox as an archive, within a folder `root` (MEM-16).
    ///
    /// # Errors
    /// When the mailbox does not answer.
    pub async fn back_up(&self, mailbox: MailboxId, root: &str) -> Result<BackUp, TaskError> {
        let none = || Error::Refused("there are no mailboxes here".to_owned());
        let mail = self.mail.clone().ok_or_else(none)?;
        BackUp::open(mail, mailbox, root).await
    }

    fn task(&self, tenant: TenantId, author: Author, job: Job) -> TaskRecord {
        TaskRecord {
            id: TaskId(0),
            tenant,
            author,
            phase: job.first_phase(),
            job,
            state: TaskState::Running,
            position: 0,
            total: 0,
            good: 0,
            bad: 0,
            created: Timestamp {
                millis: self.env.wall_millis(),
            },
            finished: None,
            note: String::new(),
        }
    }

    /// Begins to take members from a file; `import.head` is read from it.
    ///
    /// # Errors
    /// When the file cannot be read, or too much is under way.
    pub async fn import_members(
        &self,
        tenant: TenantId,
        author: Author,
        import: ImportMembers,
        format: SheetFormat,
        file: Bytes,
    ) -> Result<TaskRecord, TaskError> {
        let sheet = self.read_sheet(format, file, self.options.sheet).await?;
        check_head(&sheet.head).map_err(TaskError::Head)?;
        let import = ImportMembers {
            head: sheet.head,
            ..import
        };
        self.start_with(self.task(tenant, author, Job::ImportMembers(import)), sheet.rows)
            .await
    }

    /// Begins to take groups from a file (GRP-7); `import.head` is read from it.
    ///
    /// # Errors
    /// When the file cannot be read, or too much is under way.
    pub async fn import_groups(
        &self,
        tenant: TenantId,
        author: Author,
        import: ImportGroups,
        format: SheetFormat,
        file: Bytes,
    ) -> Result<TaskRecord, TaskError> {
        let sheet = self.read_sheet(format, file, self.options.group_sheet).await?;
        import_groups::check_head(&sheet.head).map_err(TaskError::Head)?;
        let import = ImportGroups {
            head: sheet.head,
            ..import
        };
        self.start_with(self.task(tenant, author, Job::ImportGroups(import)), sheet.rows)
            .await
    }

    /// Begins to do the same to many members (MEM-10); each is one of the rows of the report, counted from 1.
    ///
    /// # Errors
    /// When they are too many, or too much is under way.
    pub async fn bulk_members(
        &self,
        tenant: TenantId,
        author: Author,
        bulk: BulkMembers,
        items: Vec<BulkItem>,
    ) -> Result<TaskRecord, TaskError> {
        let max = self.options.bulk_members_max;
        if items.len() > max {
            return Err(Error::Limit {
                setting: "bulk_members_max",
                max: max as u64,
                used: items.len() as u64,
            }
            .into());
        }
        let rows = (1..).zip(items).map(|(place, item)| item.row(place));
        self.start_with(self.task(tenant, author, Job::BulkMembers(bulk)), rows.collect())
            .await
    }

    async fn read_sheet(&self, format: SheetFormat, file: Bytes, limits: SheetLimits) -> Result<Sheet, SheetError> {
        let read = async move { Sheet::read(format, &file, limits) };
        match self.env.try_beside(read) {
            Ok(beside) => beside
                .await
                .unwrap_or_else(|| Err(SheetError::Unreadable("it breaks the reader".to_owned()))),
            Err(read) => read.await,
        }
    }

    /// Begins a task that works through rows.
    async fn start_with(&self, mut task: TaskRecord, rows: Vec<input::Row>) -> Result<TaskRecord, TaskError> {
        let octets = |row: &input::Row| row.1.iter().map(|cell| cell.len() + 4).sum::<usize>();
        if rows.iter().any(|row| octets(row) > ROW_OCTETS_MAX) {
            return Err(SheetError::TooLarge {
                what: "sheet_row_octets_max",
                max: ROW_OCTETS_MAX as u64,
            }
            .into());
        }
        task.total = rows.len() as u64;
        task.id = self.take_id().await?;
        let parts = parts(rows);
        for some in parts.chunks(PARTS_AT_ONCE) {
            self.write_input(task.id, some.to_vec()).await?;
        }
        self.start(task).await
    }

    async fn write_input(&self, id: TaskId, parts: Vec<(u64, Vec<input::Row>)>) -> Result<(), Error> {
        self.directory
            .transact(async move |change| {
                for (first, rows) in &parts {
                    change.set(key::inputs(id).int(*first).pack(), input::encode(rows));
                }
                Ok(())
            })
            .await
    }

    /// Begins to write members into a file.
    ///
    /// # Errors
    /// When too much is under way.
    pub async fn export_members(
        &self,
        tenant: TenantId,
        author: Author,
        export: ExportMembers,
    ) -> Result<TaskRecord, TaskError> {
        self.begin(tenant, author, Job::ExportMembers(export)).await
    }

    /// Begins to write groups into a file (GRP-7).
    ///
    /// # Errors
    /// When too much is under way.
    pub async fn export_groups(
        &self,
        tenant: TenantId,
        author: Author,
        format: SheetFormat,
    ) -> Result<TaskRecord, TaskError> {
        self.begin(tenant, author, Job::ExportGroups(format)).await
    }

    /// Begins to take members from the LDAP directory of an organisation.
    ///
    /// # Errors
    /// `Refused` while another task does; when too much is under way.
    pub async fn sync_directory(
        &self,
        tenant: TenantId,
        author: Author,
        sync: SyncDirectory,
    ) -> Result<TaskRecord, TaskError> {
        self.begin(tenant, author, Job::SyncDirectory(sync)).await
    }

    /// Begins to write a list into a file.
    ///
    /// # Errors
    /// When too much is under way, or a list of the author's own is written already.
    pub async fn export_list(
        &self,
        tenant: TenantId,
        author: Author,
        export: ExportList,
    ) -> Result<TaskRecord, TaskError> {
        self.begin(tenant, author, Job::ExportList(export)).await
    }

    /// Begins to bring the mail of a mailbox in the recycle bin into a folder of somebody who has one (MEM-16). The mailbox stays in
    /// the bin while that takes.
    ///
    /// # Errors
    /// When the folder's name is none, the mailbox is going for good, or too much is under way.
    pub async fn merge_mailbox(
        &self,
        tenant: TenantId,
        author: Author,
        merge: MergeMailbox,
    ) -> Result<TaskRecord, TaskError> {
        let folder = FolderPath::try_from(merge.folder.as_str());
        let folder = folder.map_err(|error| Error::Invalid(format!("folder: {error}")))?;
        if folder.is_inbox() {
            return Err(Error::Invalid("folder: say another than INBOX".to_owned()).into());
        }
        let until = Timestamp {
            millis: self.env.wall_millis().saturating_add(MERGE_MILLIS),
        };
        let source = AccountId(merge.source);
        self.directory.hold_recycled(tenant, source, until).await?;
        let merge = MergeMailbox {
            folder: folder.as_str().to_owned(),
            ..merge
        };
        self.begin(tenant, author, Job::MergeMailbox(merge)).await
    }

    /// Begins a task that has no rows.
    async fn begin(&self, tenant: TenantId, author: Author, job: Job) -> Result<TaskRecord, TaskError> {
        let mut task = self.task(tenant, author, job);
        task.id = self.take_id().await?;
        self.start(task).await
    }

    async fn take_id(&self) -> Result<TaskId, Error> {
        let taken = self
            .directory
            .transact(async move |change| change.take_number(key::next()).await);
        taken.await.map(TaskId)
    }

    /// From now on the task is there.
    async fn start(&self, task: TaskRecord) -> Result<TaskRecord, TaskError> {
        self.write_new(task.clone()).await?;
        // Whoever looks after tasks finds it otherwise.
        let _ = self.router.ask(&task.id, Work, WITHIN).await;
        Ok(task)
    }

    async fn write_new(&self, task: TaskRecord) -> Result<(), Error> {
        let max = self.options.open_tasks_per_tenant_max;
        let directory = self.directory.acting(task.author.clone(), None);
        directory
            .transact(async move |change| {
                let mode = match task.is_alone() {
                    true => ReadMode::Serializable,
                    false => ReadMode::Snapshot,
                };
                let open = open_of(change, task.tenant, mode).await?;
                if open.len() >= max {
                    return Err(Error::Limit {
                        setting: "open_tasks_per_tenant_max",
                        max: max as u64,
                        used: open.len() as u64,
                    });
                }
                refuse_second(change, &task, &open).await?;
                change.set(key::of(task.tenant).int(task.id.0).pack(), Vec::new());
                store::write(change, &task);
                let event = Event::new("task.start", task.job.label())
                    .id(task.id.0)
                    .with("rows", task.total);
                change.record(Chain::Tenant(task.tenant), event);
                Ok(())
            })
            .await
    }

    /// All that have something to do.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn open(&self) -> Result<Vec<TaskId>, Error> {
        self.directory
            .transact(async move |change| {
                let prefix = key::open();
                let mut open = Vec::new();
                for pair in change.get_range_all(snapshot(prefix.range(), 0)).await? {
                    let id = prefix.reader(&pair.key).ok().and_then(|mut reader| reader.int().ok());
                    open.extend(id.map(TaskId));
                }
                Ok(open)
            })
            .await
    }

    async fn read(&self, id: TaskId) -> Result<TaskRecord, Error> {
        self.directory
            .transact(async move |change| store::read(change, id).await)
            .await
    }

    /// A task of a tenant.
    ///
    /// # Errors
    /// `NotFound`, also for those of others.
    pub async fn show(&self, tenant: TenantId, id: TaskId) -> Result<TaskRecord, TaskError> {
        let found = self.read(id).await?;
        if found.tenant == tenant {
            return Ok(found);
        }
        Err(missing("task", id))
    }

    /// The tasks of a tenant, the latest first, before `before`, at most `limit`.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, tenant: TenantId, before: Option<TaskId>, limit: usize) -> Result<Vec<TaskRecord>, Error> {
        self.directory
            .transact(async move |change| {
                let prefix = key::of(tenant);
                let mut range = prefix.range();
                if let Some(before) = before {
                    range.end = prefix.clone().int(before.0).pack();
                }
                let query = RangeQuery {
                    reverse: true,
                    ..snapshot(range, limit.max(1))
                };
                let mut tasks = Vec::new();
                for pair in change.get_range_all(query).await? {
                    let id = prefix.reader(&pair.key).ok().and_then(|mut reader| reader.int().ok());
                    let Some(id) = id.map(TaskId) else { continue };
                    if let Some(stored) = change.get_snapshot(&key::record(id)).await? {
                        tasks.push(task::decode(id, &stored)?);
                    }
                }
                Ok(tasks)
            })
            .await
    }

    /// Rows of a task that were not taken, after the line `after`, at most `limit`.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn problems(
        &self,
        tenant: TenantId,
        id: TaskId,
        after: u32,
        limit: usize,
    ) -> Result<Vec<RowProblems>, TaskError> {
        self.show(tenant, id).await?;
        Ok(self.read_problems(id, after, limit).await?)
    }

    async fn read_problems(&self, id: TaskId, after: u32, limit: usize) -> Result<Vec<RowProblems>, Error> {
        self.directory
            .transact(async move |change| store::problems(change, id, after, limit).await)
            .await
    }

    /// The file that a task has made.
    ///
    /// # Errors
    /// `NotFound`, also while there is none.
    pub async fn output(&self, tenant: TenantId, id: TaskId) -> Result<Output, TaskError> {
        let task = self.show(tenant, id).await?;
        let has_result = match task.job {
            // What it is to do is known before it does it.
            Job::SyncDirectory(_) => task.phase == Phase::Apply || task.state == TaskState::Refused,
            _ => task.state == TaskState::Done && task.job.makes().is_some(),
        };
        if !has_result {
            return Err(missing("result of task", id));
        }
        let output = Output::open(&self.directory, id).await?;
        output.ok_or_else(|| missing("result of task", id))
    }

    /// Forgets the tasks of a tenant that came to their end before `until`, and the files that those before `files_until` have
    /// made: at most `limit` tasks after `after` are looked at. The last of them, where others follow.
    ///
    /// # Errors
    /// The store's; what was removed stays removed.
    pub async fn sweep(
        &self,
        tenant: TenantId,
        (until, files_until): (Timestamp, Timestamp),
        (after, limit): (Option<TaskId>, usize),
    ) -> Result<Option<TaskId>, Error> {
        self.directory
            .transact(async move |change| {
                let prefix = key::of(tenant);
                let mut range = prefix.range();
                if let Some(after) = after {
                    range.begin = prefix.clone().int(after.0 + 1).pack();
                }
                let pairs = change.get_range_all(snapshot(range, limit.max(1))).await?;
                let mut last = None;
                for pair in &pairs {
                    let id = prefix.reader(&pair.key).ok().and_then(|mut reader| reader.int().ok());
                    let Some(id) = id.map(TaskId) else { continue };
                    last = Some(id);
                    let stored = change.get_snapshot(&key::record(id)).await?;
                    let task = stored.map(|stored| task::decode(id, &stored)).transpose()?;
                    let Some(finished) = task.and_then(|task| task.finished) else {
                        continue;
                    };
                    if finished < files_until {
                        change.clear_range(key::outputs(id).range());
                    }
                    if finished < until {
                        change.clear_range(key::problems(id).range());
                        change.clear(&key::record(id));
                        change.clear(&pair.key);
                    }
                }
                Ok(last.filter(|_| pairs.len() == limit.max(1)))
            })
            .await
    }

    /// Stops a task for good.
    ///
    /// # Errors
    /// `NotFound`; `Refused` when it is over; when it does not answer.
    pub async fn cancel(&self, tenant: TenantId, id: TaskId) -> Result<TaskRecord, TaskError> {
        self.show(tenant, id).await?;
        let cancelled = self.router.ask(&id, Cancel, WITHIN).await?;
        cancelled.map_err(Error::Refused)?;
        self.show(tenant, id).await
    }
}

fn snapshot(range: KeyRange, limit: usize) -> RangeQuery {
    RangeQuery {
        limit,
        mode: ReadMode::Snapshot,
        ..RangeQuery::all(range)
    }
}

fn missing(what: &'static str, id: TaskId) -> TaskError {
    let name = id.to_string();
    Error::NotFound { what, name }.into()
}

/// The tasks of a tenant that have something to do. Only read serializably are they all there is until the end of the change.
async fn open_of(change: &mut Change, tenant: TenantId, mode: ReadMode) -> Result<Vec<TaskId>, Error> {
    let prefix = key::open();
    let mut open = Vec::new();
    let range = RangeQuery {
        mode,
        ..RangeQuery::all(prefix.range())
    };
    for pair in change.get_range_all(range).await? {
        let id = prefix.reader(&pair.key).ok().and_then(|mut reader| reader.int().ok());
        let Some(id) = id.map(TaskId) else { continue };
        let theirs = key::of(tenant).int(id.0).pack();
        if change.get_snapshot(&theirs).await?.is_some() {
            open.push(id);
        }
    }
    Ok(open)
}

/// Two that synchronise would undo each other's work; of a person's own lists one is written at a time, because tasks are for all
/// of the organisation.
async fn refuse_second(change: &mut Change, begun: &TaskRecord, open: &[TaskId]) -> Result<(), Error> {
    if !begun.is_alone() {
        return Ok(());
    }
    let is_theirs = |task: &TaskRecord| (task.author.kind, task.author.id) == (begun.author.kind, begun.author.id);
    for id in open {
        let task = store::read(change, *id).await?;
        if task.state != TaskState::Running {
            continue;
        }
        if begun.is_personal() && task.is_personal() && is_theirs(&task) {
            return Err(Error::Refused(format!("task {id} is under way")));
        }
        if !begun.is_personal() && matches!(task.job, Job::SyncDirectory(_)) {
            return Err(Error::Refused(format!("task {id} synchronises already")));
        }
    }
    Ok(())
}

/// A file's rows in parts, each with the index of its first row.
pub(crate) fn parts(rows: Vec<input::Row>) -> Vec<(u64, Vec<input::Row>)> {
    let mut parts: Vec<(u64, Vec<input::Row>)> = Vec::new();
    let mut octets = 0;
    for (index, row) in (0_u64..).zip(rows) {
        let size: usize = row.1.iter().map(|cell| cell.len() + 4).sum();
        let full = |part: &(u64, Vec<input::Row>)| part.1.len() >= PART_ROWS_MAX || octets + size > PART_OCTETS_MAX;
        if parts.last().is_none_or(full) {
            parts.push((index, Vec::new()));
            octets = 0;
        }
        octets += size;
        if let Some((_, last)) = parts.last_mut() {
            last.push(row);
        }
    }
    parts
}
