//! The keys of tasks. Layout, each a tuple:
//!
//! ("task", "next")                   the last identifier given out
//! ("task", "record", task)           record/task.rs
//! ("task", "of", tenant, task)       empty
//! ("task", "open", task)             empty, while there is something to do
//! ("task", "input", task, first)     record/input.rs, rows from the first on
//! ("task", "problem", task, line)    record/problem.rs
//! ("task", "output", task, part)     octets of the file that the task has made

use bytes::Bytes;
use hongyan_kv::tuple::Tuple;
use hongyan_types::TenantId;

use crate::TaskId;

fn task(kind: &str) -> Tuple {
    Tuple::new().string("task").string(kind)
}
pub(crate) fn next() -> Bytes {
    task("next").pack()
}
pub(crate) fn record(id: TaskId) -> Bytes {
    task("record").int(id.0).pack()
}
pub(crate) fn of(tenant: TenantId) -> Tuple {
    task("of").int(tenant.0)
}
pub(crate) fn open() -> Tuple {
    task("open")
}
pub(crate) fn inputs(id: TaskId) -> Tuple {
    task("input").int(id.0)
}
pub(crate) fn problems(id: TaskId) -> Tuple {
    task("problem").int(id.0)
}
pub(crate) fn outputs(id: TaskId) -> Tuple {
    task("output").int(id.0)
}
