//! A synchronisation with an LDAP directory (ORG-14): it is read and compared as a whole, beside the task, which goes on to be
//! asked meanwhile; the plan is kept, with an entry for each person as the task's file; then members change, some at a time.
//!
//! A node that is lost while it reads has changed nothing, and another reads anew; one that is lost later leaves the plan.
//! What a row does is the same however often it is done, so a part that was not noted is done again.

use std::time::Duration;

use hongyan_directory::Error;
use hongyan_ldap::{Action, Ldap, LdapError, Plan, Planned};
use tokio::task::JoinHandle;

use super::Steps;
use crate::record::input::Row;
use crate::tasks::{PARTS_AT_ONCE, parts};
use crate::{Phase, Problem, Sheet, SheetFormat, SyncDirectory, TaskState, key, store};

/// How long the task waits at a time for what is read.
const LOOK: Duration = Duration::from_millis(200);
/// Rows with problems that one transaction notes.
const PROBLEMS_AT_ONCE: usize = 500;
/// The columns of the file.
const COLUMNS: [&str; 5] = ["action", "address", "entry", "fields", "problems"];

/// A directory that is being read; given up, it is left.
pub(super) struct Reading(JoinHandle<Result<Plan, LdapError>>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A plan as the task keeps it.
struct Kept {
    /// What is to be done, with the line of the file.
    rows: Vec<Row>,
    problems: Vec<(u32, Vec<Problem>)>,
    file: Sheet,
}

fn problem((field, reason): (String, String)) -> Problem {
    Problem { field, reason }
}

fn kept(plan: &Plan) -> Kept {
    let mut kept = Kept {
        rows: Vec::new(),
        problems: Vec::new(),
        file: Sheet {
            head: COLUMNS.map(str::to_owned).to_vec(),
            rows: Vec::new(),
        },
    };
    for (index, planned) in plan.entries.iter().enumerate() {
        let line = u32::try_from(index + 2).unwrap_or(u32::MAX);
        if matches!(planned.action, Action::Create | Action::Change | Action::Disable) {
            kept.rows.push((line, planned.to_cells()));
        }
        let problems: Vec<Problem> = planned.problems.iter().cloned().map(problem).collect();
        let reasons = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.field, problem.reason));
        let cells = vec![
            planned.action.label().to_owned(),
            planned.address.clone(),
            planned.name().to_owned(),
            planned.fields.join(" "),
            reasons.collect::<Vec<_>>().join("; "),
        ];
        kept.file.rows.push((line, cells));
        if !problems.is_empty() {
            kept.problems.push((line, problems));
        }
    }
    kept
}

/// Our own failures are tried again; what else there is ends the task.
fn ours(error: LdapError) -> Result<String, Error> {
    match error {
        LdapError::Directory(error @ Error::Storage(_)) => Err(error),
        LdapError::Directory(error) if error.is_temporary() => Err(error),
        error => Ok(error.to_string()),
    }
}

impl Steps {
    /// Waits for the plan a little, and keeps it once it is there.
    pub(super) async fn read_outside(&mut self, sync: &SyncDirectory) -> Result<(), Error> {
        let Some(ldap) = self.services.ldap.clone() else {
            return self.end(TaskState::Failed, "this node asks no LDAP directories").await;
        };
        let tenant = self.task.tenant;
        let read = move || async move { ldap.plan(tenant).await };
        let reading = self.reading.get_or_insert_with(|| Reading(hongyan_env::spawn(read())));
        let Some(read) = self.services.env.timeout(LOOK, &mut reading.0).await else {
            return Ok(());
        };
        self.reading = None;
        match read {
            Ok(Ok(plan)) => self.keep_plan(&plan, sync).await,
            Ok(Err(error)) => {
                let note = ours(error)?;
                self.end(TaskState::Failed, &note).await
            }
            Err(_) => {
                self.end(TaskState::Failed, "reading the LDAP directory broke off")
                    .await
            }
        }
    }

    async fn keep_plan(&mut self, plan: &Plan, sync: &SyncDirectory) -> Result<(), Error> {
        let Kept { rows, problems, file } = kept(plan);
        self.commit(async |change, task| {
            change.clear_range(key::inputs(task.id).range());
            change.clear_range(key::problems(task.id).range());
            Ok(())
        })
        .await?;
        let octets = match file.write(SheetFormat::Csv) {
            Ok(octets) => octets,
            Err(error) => return self.end(TaskState::Failed, &error.to_string()).await,
        };
        self.write_output(&octets, file.rows.len() as u64).await?;
        for some in problems.chunks(PROBLEMS_AT_ONCE) {
            self.commit(async |change, task| {
                for (line, problems) in some {
                    store::write_problems(change, task.id, *line, problems);
                }
                Ok(())
            })
            .await?;
        }
        let (total, bad) = (rows.len() as u64, problems.len() as u64);
        for some in parts(rows).chunks(PARTS_AT_ONCE) {
            self.commit(async |change, task| {
                for (first, rows) in some {
                    let key = key::inputs(task.id).int(*first).pack();
                    change.set(key, crate::record::input::encode(rows));
                }
                Ok(())
            })
            .await?;
        }
        let refusal = plan.refusal().filter(|_| !sync.dry_run);
        self.commit(async |_, task| {
            task.total = total;
            task.bad = bad;
            if refusal.is_none() {
                task.phase = Phase::Apply;
            }
            Ok(())
        })
        .await?;
        match refusal {
            Some(reason) => {
                self.end(TaskState::Refused, &format!("nothing was changed: {reason}"))
                    .await
            }
            None => Ok(()),
        }
    }

    /// Has some rows take place, or tries them.
    pub(super) async fn take_outside(&mut self, sync: &SyncDirectory) -> Result<(), Error> {
        if self.task.position >= self.task.total {
            let note = if sync.dry_run {
                "nothing was changed: it was a dry run"
            } else {
                ""
            };
            return self.end(TaskState::Done, note).await;
        }
        let Some(ldap) = self.services.ldap.clone() else {
            return self.end(TaskState::Failed, "this node asks no LDAP directories").await;
        };
        let rows = self.part().await?;
        let found = match self.take_rows(&ldap, &rows, sync).await {
            Ok(found) => found,
            Err(error) => {
                let note = ours(error)?;
                return self.end(TaskState::Failed, &note).await;
            }
        };
        let (count, wrong) = (rows.len() as u64, found.len() as u64);
        self.commit(async |change, task| {
            for (line, problems) in &found {
                store::write_problems(change, task.id, *line, problems);
            }
            task.position += count;
            task.bad += wrong;
            task.good += count - wrong;
            Ok(())
        })
        .await
    }

    async fn take_rows(
        &self,
        ldap: &Ldap,
        rows: &[Row],
        sync: &SyncDirectory,
    ) -> Result<Vec<(u32, Vec<Problem>)>, LdapError> {
        let applying = ldap.applying(&self.directory, self.task.tenant, sync.dry_run).await?;
        let mut found = Vec::new();
        for (line, cells) in rows {
            let Some(planned) = Planned::from_cells(cells) else {
                let unread = problem((
                    String::new(),
                    "the plan of an earlier release cannot be read".to_owned(),
                ));
                found.push((*line, vec![unread]));
                continue;
            };
            let problems = applying.apply(&planned).await?;
            if !problems.is_empty() {
                found.push((*line, problems.into_iter().map(problem).collect()));
            }
        }
        Ok(found)
    }
}
