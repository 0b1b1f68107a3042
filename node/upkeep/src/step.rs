//! The steps of a task. Each is one transaction: what it changes, and how far the task is with it.

mod sync_directory;

use std::collections::BTreeMap;

use hongyan_audit::{Chain, Event};
use hongyan_directory::{Change, Directory, Error};
use hongyan_kv::fence::Fence;
use hongyan_types::Timestamp;

use crate::record::input::Row;
use crate::store::{self, PART_OCTETS_MAX};
use crate::task::import_members::{self, Seen};
use crate::task::merge_mailbox::Merging;
use crate::task::{export_groups, export_members};
use crate::{
    ImportMembers, Job, Lists, Phase, Problem, Sheet, SheetFormat, TaskId, TaskRecord, TaskServices, TaskState, key,
};

/// Parts of a result that one transaction writes.
const OUTPUTS_AT_ONCE: usize = 10;
/// Roughly what one row holds in memory while a file is looked over.
const SEEN_OCTETS: usize = 200;

/// A task under way.
pub(crate) struct Steps {
    pub(crate) services: TaskServices,
    /// In the name of whoever asked for the task.
    pub(crate) directory: Directory,
    fence: Fence,
    pub(crate) task: TaskRecord,
    /// What rows before this one had, while they are looked over.
    seen: Seen,
    /// Likewise, where it is one name alone: and the line that had it.
    pub(crate) seen_keys: BTreeMap<String, u32>,
    /// An outside directory that is being read.
    reading: Option<sync_directory::Reading>,
    /// The mailbox that is merged, once it was looked at.
    pub(crate) merging: Option<Merging>,
}

impl Steps {
    pub(crate) async fn begin(services: TaskServices, id: TaskId, fence: Fence) -> Result<Self, Error> {
        let directory = services.directory.clone();
        let task = directory
            .transact(async move |change| store::read(change, id).await)
            .await?;
        let mut steps = Self {
            directory: directory.acting(task.author.clone(), None),
            services,
            fence,
            task,
            seen: Seen::default(),
            seen_keys: BTreeMap::new(),
            reading: None,
            merging: None,
        };
        if steps.task.state == TaskState::Running && steps.task.phase == Phase::Check && steps.task.position > 0 {
            // What was seen so far was in the memory of another node: the rows are looked over anew.
            steps.restart().await?;
        }
        Ok(steps)
    }

    pub(crate) fn task(&self) -> &TaskRecord {
        &self.task
    }
    pub(crate) fn lists(&self) -> &Lists {
        &self.services.lists
    }
    pub(crate) fn id(&self) -> TaskId {
        self.task.id
    }
    pub(crate) fn state(&self) -> TaskState {
        self.task.state
    }
    pub(crate) fn memory_octets(&self) -> usize {
        let rows = match self.task.phase {
            Phase::Check => usize::try_from(self.task.position).unwrap_or(0),
            Phase::Apply => 0,
        };
        PART_OCTETS_MAX + rows * SEEN_OCTETS
    }

    fn now(&self) -> Timestamp {
        Timestamp {
            millis: self.services.env.wall_millis(),
        }
    }

    /// Makes a change of the task and all that `body` does with it, once.
    pub(crate) async fn commit(
        &mut self,
        body: impl AsyncFn(&mut Change, &mut TaskRecord) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (fence, before) = (self.fence, &self.task);
        let after = self
            .directory
            .transact(async |change| {
                fence.check(change).await?;
                let mut task = store::read(change, before.id).await?;
                // Someone else is at work on it.
                if task != *before {
                    return Err(Error::Storage(hongyan_kv::Error::Fenced));
                }
                body(change, &mut task).await?;
                store::write(change, &task);
                Ok(task)
            })
            .await?;
        self.task = after;
        Ok(())
    }

    async fn restart(&mut self) -> Result<(), Error> {
        self.commit(async |change, task| {
            task.position = 0;
            task.bad = 0;
            task.good = 0;
            change.clear_range(key::problems(task.id).range());
            Ok(())
        })
        .await
    }

    pub(crate) async fn cancel(&mut self) -> Result<(), Error> {
        if self.task.state != TaskState::Running {
            return Err(Error::Refused("the task is over".to_owned()));
        }
        self.reading = None;
        self.end(TaskState::Cancelled, "").await
    }

    pub(crate) async fn end(&mut self, state: TaskState, note: &str) -> Result<(), Error> {
        let now = self.now();
        let (label, id) = (self.task.job.label(), self.task.id);
        self.commit(async |change, task| {
            task.state = state;
            task.note = note.to_owned();
            task.finished = Some(now);
            let event = Event::new("task.end", label)
                .id(task.id.0)
                .with("state", state.label())
                .with("good", task.good)
                .with("bad", task.bad);
            change.record(Chain::Tenant(task.tenant), event);
            Ok(())
        })
        .await?;
        tracing::info!(
            event = "task_ended",
            task = id.0,
            job = label,
            ?state,
            good = self.task.good,
            bad = self.task.bad
        );
        Ok(())
    }

    /// One step further.
    pub(crate) async fn step(&mut self) -> Result<(), Error> {
        match self.task.job.clone() {
            Job::ImportMembers(import) if self.task.phase == Phase::Check => self.check(&import).await,
            Job::ImportMembers(import) => self.import(&import).await,
            Job::BulkMembers(_) | Job::ImportGroups(_) if self.task.phase == Phase::Check => self.check_each().await,
            Job::BulkMembers(_) | Job::ImportGroups(_) => self.take_each().await,
            Job::MergeMailbox(merge) => self.merge(&merge).await,
            Job::ExportMembers(export) => {
                let sheet = export_members::sheet(&self.directory, self.task.tenant, &export).await?;
                self.export(sheet, export.format).await
            }
            Job::ExportGroups(format) => match export_groups::sheet(&self.directory, self.task.tenant).await {
                Ok(sheet) => self.export(sheet, format).await,
                Err(Error::Refused(words)) => self.end(TaskState::Failed, &words).await,
                Err(error) => Err(error),
            },
            Job::SyncDirectory(sync) if self.task.phase == Phase::Check => self.read_outside(&sync).await,
            Job::SyncDirectory(sync) => self.take_outside(&sync).await,
            Job::ExportList(export) => self.export_list(export).await,
        }
    }

    pub(crate) async fn part(&self) -> Result<Vec<Row>, Error> {
        let (id, first) = (self.task.id, self.task.position);
        self.directory
            .transact(async move |change| store::part(change, id, first).await)
            .await
    }

    /// Looks some rows over, as if they were taken, and forgets that.
    async fn check(&mut self, import: &ImportMembers) -> Result<(), Error> {
        if self.task.position >= self.task.total {
            return self.checked().await;
        }
        let rows = self.part().await?;
        let mut candidates = Vec::new();
        for row in &rows {
            let (candidate, mut problems) = import_members::read(import, row);
            let is_good = problems.is_empty();
            problems.extend(self.seen.note(row.0, &candidate, is_good));
            candidates.push((row.0, candidate, problems));
        }
        let (directory, tenant) = (&self.directory, self.task.tenant);
        let found: Vec<(u32, Vec<Problem>)> = directory
            .try_out(async |change| {
                let mut found = Vec::new();
                for (line, candidate, problems) in &candidates {
                    let read = (candidate, problems.clone());
                    let problems = import_members::take(directory, change, tenant, import, read).await?;
                    if !problems.is_empty() {
                        found.push((*line, problems));
                    }
                }
                Ok(found)
            })
            .await?;
        self.note_checked(&rows, found).await
    }

    /// Notes what was found, also that there is no room for more members than the organisation may have.
    async fn note_checked(&mut self, rows: &[Row], mut found: Vec<(u32, Vec<Problem>)>) -> Result<(), Error> {
        let owner = self.directory.tenant(self.task.tenant).await?;
        let max = owner
            .accounts_max
            .unwrap_or(self.directory.options().accounts_per_tenant_max);
        let mut good = self.task.position - self.task.bad;
        let bad: std::collections::BTreeSet<u32> = found.iter().map(|(line, _)| *line).collect();
        for (line, _) in rows.iter().filter(|(line, _)| !bad.contains(line)) {
            good += 1;
            if owner.counts.accounts + good > max {
                let used = owner.counts.accounts;
                let reason = format!("accounts_per_tenant_max is {max} and {used} are in use");
                found.push((
                    *line,
                    vec![Problem {
                        field: String::new(),
                        reason,
                    }],
                ));
            }
        }
        let count = rows.len() as u64;
        self.commit(async |change, task| {
            for (line, problems) in &found {
                store::write_problems(change, task.id, *line, problems);
            }
            task.position += count;
            task.bad += found.len() as u64;
            Ok(())
        })
        .await
    }

    /// All rows were looked over: what now?
    pub(crate) async fn checked(&mut self) -> Result<(), Error> {
        self.seen = Seen::default();
        self.seen_keys.clear();
        if self.task.job.is_dry_run() {
            // So many could be taken.
            self.commit(async |_, task| {
                task.good = task.total - task.bad;
                Ok(())
            })
            .await?;
            return self.end(TaskState::Done, "nothing was changed: it was a dry run").await;
        }
        if self.task.bad > 0 && !self.task.job.takes_good() {
            return self
                .end(TaskState::Refused, "nothing was changed: rows have problems")
                .await;
        }
        self.commit(async |_, task| {
            task.phase = Phase::Apply;
            task.position = 0;
            Ok(())
        })
        .await
    }

    /// Takes some rows; one that someone else was faster for is noted like those that were wrong before.
    async fn import(&mut self, import: &ImportMembers) -> Result<(), Error> {
        if self.task.position >= self.task.total {
            return self.end(TaskState::Done, "").await;
        }
        let rows = self.part().await?;
        let lines = rows.first().map_or(0, |row| row.0).saturating_sub(1);
        let (directory, count) = (self.directory.clone(), rows.len() as u64);
        self.commit(async |change, task| {
            let known = store::problems(change, task.id, lines, usize::MAX >> 1).await?;
            for row in &rows {
                if known.iter().any(|known| known.line == row.0) {
                    continue;
                }
                let (candidate, problems) = import_members::read(import, row);
                let read = (&candidate, problems);
                let problems = import_members::take(&directory, change, task.tenant, import, read).await?;
                if problems.is_empty() {
                    task.good += 1;
                } else {
                    store::write_problems(change, task.id, row.0, &problems);
                    task.bad += 1;
                }
            }
            task.position += count;
            Ok(())
        })
        .await
    }

    /// Writes the file; until all of it is there, the task begins anew wherever it goes on.
    async fn export(&mut self, sheet: Sheet, format: SheetFormat) -> Result<(), Error> {
        let rows = sheet.rows.len() as u64;
        let write = async move { sheet.write(format) };
        let written = match self.services.env.try_beside(write) {
            Ok(beside) => beside.await.unwrap_or_else(|| {
                Err(crate::SheetError::Unreadable(
                    "the sheet could not be written".to_owned(),
                ))
            }),
            Err(write) => write.await,
        };
        let octets = match written {
            Ok(octets) => octets,
            Err(error) => return self.end(TaskState::Failed, &error.to_string()).await,
        };
        self.write_output(&octets, rows).await?;
        self.commit(async |_, task| {
            task.good = rows;
            task.position = rows;
            Ok(())
        })
        .await?;
        self.end(TaskState::Done, "").await
    }

    /// Writes the file that the task makes, of so many rows.
    async fn write_output(&mut self, octets: &[u8], rows: u64) -> Result<(), Error> {
        let parts: Vec<&[u8]> = octets.chunks(PART_OCTETS_MAX).collect();
        for (group, some) in parts.chunks(OUTPUTS_AT_ONCE).enumerate() {
            let first = (group * OUTPUTS_AT_ONCE) as u64;
            self.commit(async |change, task| {
                if first == 0 {
                    change.clear_range(key::outputs(task.id).range());
                }
                for (number, part) in (first..).zip(some) {
                    change.set(key::outputs(task.id).int(number).pack(), part.to_vec());
                }
                task.total = rows;
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}
