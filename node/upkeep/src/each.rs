//! Jobs that go row by row, each row one transaction: what is refused has then changed nothing.

use hongyan_directory::{Change, Directory, Error};
use hongyan_types::TenantId;

use crate::record::input::Row;
use crate::step::Steps;
use crate::task::{bulk_members, import_groups};
use crate::{BulkMembers, Job, Problem, TaskState, store};

/// What a row says.
enum Candidate<'a> {
    Member(&'a BulkMembers, bulk_members::Candidate),
    Group(Box<import_groups::Candidate>),
}

impl<'a> Candidate<'a> {
    /// What the cells of a row say, or all that is wrong with them.
    fn read(job: &'a Job, row: &Row) -> Result<Self, Vec<Problem>> {
        match job {
            Job::BulkMembers(bulk) => Ok(Self::Member(bulk, bulk_members::read(bulk, row)?)),
            Job::ImportGroups(import) => Ok(Self::Group(Box::new(import_groups::read(import, row)?))),
            Job::ImportMembers(_)
            | Job::ExportMembers(_)
            | Job::ExportGroups(_)
            | Job::ExportList(_)
            | Job::SyncDirectory(_)
            | Job::MergeMailbox(_) => Err(vec![Problem::new("", "the task has no rows of its own")]),
        }
    }

    /// What no other row may have.
    fn key(&self) -> Option<String> {
        match self {
            Self::Group(group) => Some(group.key()),
            Self::Member(..) => None,
        }
    }

    async fn take(&self, directory: &Directory, change: &mut Change, tenant: TenantId) -> Result<(), Error> {
        match self {
            Self::Member(bulk, member) => bulk_members::take(directory, change, tenant, bulk, member).await,
            Self::Group(group) => import_groups::take(directory, change, tenant, group).await,
        }
    }

    /// What is wrong, in words; a fault of the store is none of the row's.
    fn refused(&self, error: Error) -> Result<Vec<Problem>, Error> {
        if !error.is_callers_fault() {
            return Err(error);
        }
        let field = match self {
            Self::Member(bulk, _) => bulk_members::field_of(bulk, &error),
            Self::Group(_) => import_groups::field_of(&error),
        };
        Ok(vec![Problem::new(field, error.to_string())])
    }
}

impl Steps {
    /// Looks some rows over, each as if it were taken, and forgets that.
    pub(crate) async fn check_each(&mut self) -> Result<(), Error> {
        if self.task.position >= self.task.total {
            return self.checked().await;
        }
        let (rows, job) = (self.part().await?, self.task.job.clone());
        let mut found: Vec<(u32, Vec<Problem>)> = Vec::new();
        for row in &rows {
            let problems = match Candidate::read(&job, row) {
                Ok(candidate) => self.try_row(row.0, &candidate).await?,
                Err(problems) => problems,
            };
            if !problems.is_empty() {
                found.push((row.0, problems));
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

    async fn try_row(&mut self, line: u32, candidate: &Candidate<'_>) -> Result<Vec<Problem>, Error> {
        if let Some(key) = candidate.key() {
            let first = *self.seen_keys.entry(key).or_insert(line);
            if first != line {
                return Ok(vec![Problem::new("address", format!("line {first} has the same"))]);
            }
        }
        let (directory, tenant) = (&self.directory, self.task.tenant);
        let tried = directory
            .try_out(async |change| candidate.take(directory, change, tenant).await)
            .await;
        match tried {
            Ok(()) => Ok(Vec::new()),
            Err(error) => candidate.refused(error),
        }
    }

    /// Takes some rows, one after the other.
    pub(crate) async fn take_each(&mut self) -> Result<(), Error> {
        if self.task.position >= self.task.total {
            return self.end(TaskState::Done, "").await;
        }
        let (rows, job) = (self.part().await?, self.task.job.clone());
        for row in &rows {
            let problems = match Candidate::read(&job, row) {
                Ok(candidate) => self.take_row(row.0, &candidate).await?,
                Err(problems) => problems,
            };
            if !problems.is_empty() {
                self.note_refused(row.0, &problems).await?;
            }
        }
        Ok(())
    }

    /// Takes a row and notes that, or says what is wrong with it; one that was wrong before is passed.
    async fn take_row(&mut self, line: u32, candidate: &Candidate<'_>) -> Result<Vec<Problem>, Error> {
        let directory = self.directory.clone();
        let taken = self
            .commit(async |change, task| {
                let known = store::problems(change, task.id, line.saturating_sub(1), 1).await?;
                if !known.iter().any(|known| known.line == line) {
                    candidate.take(&directory, change, task.tenant).await?;
                    task.good += 1;
                }
                task.position += 1;
                Ok(())
            })
            .await;
        match taken {
            Ok(()) => Ok(Vec::new()),
            Err(error) => candidate.refused(error),
        }
    }

    async fn note_refused(&mut self, line: u32, problems: &[Problem]) -> Result<(), Error> {
        self.commit(async |change, task| {
            let known = store::problems(change, task.id, line.saturating_sub(1), 1).await?;
            if !known.iter().any(|known| known.line == line) {
                store::write_problems(change, task.id, line, problems);
                task.bad += 1;
            }
            task.position += 1;
            Ok(())
        })
        .await
    }
}
