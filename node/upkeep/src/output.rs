//! The file that a task has made, read in pieces: memory does not grow with it.

use bytes::Bytes;
use hongyan_directory::{Directory, Error};
use hongyan_kv::{KeyRange, RangeQuery, ReadMode};

use crate::{TaskId, key};

/// Parts that are read together.
const PARTS_AT_ONCE: usize = 8;

/// A file as it is read.
pub struct Output {
    directory: Directory,
    task: TaskId,
    /// The part that comes next.
    next: u64,
    /// Parts that there are.
    parts: u64,
}

impl Output {
    /// The file of a task; none when there is none, or not any more.
    pub(crate) async fn open(directory: &Directory, task: TaskId) -> Result<Option<Self>, Error> {
        let query = RangeQuery {
            limit: 1,
            reverse: true,
            mode: ReadMode::Snapshot,
            ..RangeQuery::all(key::outputs(task).range())
        };
        let last = directory
            .transact(async move |change| Ok(change.get_range_all(query.clone()).await?))
            .await?;
        let Some(last) = last.first() else { return Ok(None) };
        let number = key::outputs(task)
            .reader(&last.key)
            .and_then(|mut key| key.int::<u64>());
        let number = number.map_err(|_| hongyan_kv::Error::Corrupt("key of a task's output".to_owned()))?;
        Ok(Some(Self {
            directory: directory.clone(),
            task,
            next: 0,
            parts: number + 1,
        }))
    }
    /// The next piece; nothing at the end.
    ///
    /// # Errors
    /// The store's; also when the file was removed in between.
    pub async fn read(&mut self) -> Result<Option<Bytes>, Error> {
        if self.next >= self.parts {
            return Ok(None);
        }
        let (task, from) = (self.task, self.next);
        let end = self.parts.min(from + PARTS_AT_ONCE as u64);
        let query = RangeQuery {
            mode: ReadMode::Snapshot,
            ..RangeQuery::all(KeyRange {
                begin: key::outputs(task).int(from).pack(),
                end: key::outputs(task).int(end).pack(),
            })
        };
        let found = self
            .directory
            .transact(async move |change| Ok(change.get_range_all(query.clone()).await?))
            .await?;
        if found.len() as u64 != end - from {
            let (what, name) = ("result of task", task.to_string());
            return Err(Error::NotFound { what, name });
        }
        self.next = end;
        let parts: Vec<&[u8]> = found.iter().map(|pair| &pair.value[..]).collect();
        Ok(Some(parts.concat().into()))
    }
}
