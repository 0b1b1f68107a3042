//! Tasks in the store: what all transactions about them read and write.

use hongyan_directory::{Change, Error, Subject};
use hongyan_kv::{RangeQuery, ReadMode, Transaction};

use crate::record::{input, problem, task};
use crate::{Problem, RowProblems, TaskId, TaskRecord, TaskState, key};

/// Rows and octets of one part of a file: one step of a task.
pub(crate) const PART_ROWS_MAX: usize = 100;
pub(crate) const PART_OCTETS_MAX: usize = 40_000;

pub(crate) async fn read(transaction: &mut Transaction, id: TaskId) -> Result<TaskRecord, Error> {
    let stored = transaction.get(&key::record(id)).await?;
    let stored = stored.ok_or_else(|| Error::NotFound {
        what: "task",
        name: id.to_string(),
    })?;
    Ok(task::decode(id, &stored)?)
}

/// Writes a task, and tells those who follow it; one that is over has nothing to do any more, and its input goes.
pub(crate) fn write(transaction: &mut Change, task: &TaskRecord) {
    transaction.tell(task.tenant, Subject::Task(task.id.0));
    transaction.set(key::record(task.id), task::encode(task));
    let open = key::open().int(task.id.0).pack();
    if task.state == TaskState::Running {
        transaction.set(open, Vec::new());
    } else {
        transaction.clear(&open);
        transaction.clear_range(key::inputs(task.id).range());
    }
}

/// The rows from `first` on that make one step.
pub(crate) async fn part(transaction: &mut Transaction, id: TaskId, first: u64) -> Result<Vec<input::Row>, Error> {
    let missing = || Error::Storage(hongyan_kv::Error::Corrupt("rows of a task are missing".to_owned()));
    let prefix = key::inputs(id);
    // The part that it is in may begin before it.
    let mut query = RangeQuery {
        limit: 1,
        reverse: true,
        mode: ReadMode::Snapshot,
        ..RangeQuery::all(prefix.range())
    };
    query.range.end = prefix.clone().int(first + 1).pack();
    let found = transaction.get_range_all(query).await?;
    let pair = found.first().ok_or_else(missing)?;
    let begin = prefix.reader(&pair.key).ok().and_then(|mut reader| reader.int().ok());
    let passed = first.checked_sub(begin.ok_or_else(missing)?).ok_or_else(missing)?;
    let rows = input::decode(&pair.value)?.into_iter();
    let rows: Vec<input::Row> = rows.skip(usize::try_from(passed).unwrap_or(usize::MAX)).collect();
    match rows.is_empty() {
        true => Err(missing()),
        false => Ok(rows),
    }
}

pub(crate) fn write_problems(transaction: &mut Transaction, id: TaskId, line: u32, problems: &[Problem]) {
    let key = key::problems(id).int(u64::from(line)).pack();
    transaction.set(key, problem::encode(problems));
}

/// Lines with problems after `after`, at most `limit`.
pub(crate) async fn problems(
    transaction: &mut Transaction,
    id: TaskId,
    after: u32,
    limit: usize,
) -> Result<Vec<RowProblems>, Error> {
    let prefix = key::problems(id);
    let mut query = RangeQuery {
        limit: limit.max(1),
        mode: ReadMode::Snapshot,
        ..RangeQuery::all(prefix.range())
    };
    query.range.begin = prefix.clone().int(u64::from(after) + 1).pack();
    let mut found = Vec::new();
    for pair in transaction.get_range_all(query).await? {
        let line = prefix
            .reader(&pair.key)
            .ok()
            .and_then(|mut reader| reader.int::<u64>().ok());
        let line = line.and_then(|line| u32::try_from(line).ok());
        let line = line.ok_or_else(|| Error::Storage(hongyan_kv::Error::Corrupt("key of a problem".to_owned())))?;
        found.push(problem::decode(line, &pair.value)?);
    }
    Ok(found)
}
