//! One task, at ("task", "record", task).

use bytes::Bytes;
use hongyan_audit::{Author, AuthorKind};
use hongyan_directory::{Bounded, BulkAct, DepartmentId};
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{TenantId, Timestamp};
use minicbor::{Decode, Encode};

use crate::record::bulk::BulkV1;
use crate::{ExportList, SheetFormat, TaskId};

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// It has something to do.
    Running,
    /// It is done.
    Done,
    /// Nothing was done, because of what is wrong with the rows.
    Refused,
    /// It cannot go on; what was done stays.
    Failed,
    /// Someone stopped it; what was done stays.
    Cancelled,
}

impl TaskState {
    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a task is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It looks every row over and changes nothing.
    Check,
    /// It does what it is for.
    Apply,
}

/// Members from a file (MEM-9).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ImportMembers {
    /// The names of the file's columns, as they stand.
    #[n(0)]
    pub head: Vec<String>,
    /// The domain of addresses that name none.
    #[n(1)]
    pub domain: Option<String>,
    /// The number of the department of those for whom the file names none.
    #[n(2)]
    pub department: Option<u32>,
    /// Only looks.
    #[n(3)]
    pub dry_run: bool,
    /// Takes the good rows though others are wrong.
    #[n(4)]
    pub take_good: bool,
    /// They get mail, and are still to come.
    #[n(5)]
    pub invited: bool,
}

/// Members into a file (ORG-13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportMembers {
    /// The form of the file.
    pub format: SheetFormat,
    /// Only those of these departments, with all below; all when empty.
    pub departments: Vec<DepartmentId>,
}

/// The same to many members (MEM-10). Each row names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkMembers {
    /// What is done to each.
    pub act: BulkAct,
    /// How far the right of whoever asked reaches.
    pub bounded: Bounded,
    /// Only looks.
    pub dry_run: bool,
}

/// Groups from a file (GRP-7).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ImportGroups {
    /// The names of the file's columns, as they stand.
    #[n(0)]
    pub head: Vec<String>,
    /// The domain of addresses that name none.
    #[n(1)]
    pub domain: Option<String>,
    /// Only looks.
    #[n(2)]
    pub dry_run: bool,
    /// Takes the good rows though others are wrong.
    #[n(3)]
    pub take_good: bool,
}

/// Members from an LDAP directory (ORG-14).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SyncDirectory {
    /// Only looks.
    #[n(0)]
    pub dry_run: bool,
}

/// A mailbox of the recycle bin into a folder of somebody who has one (MEM-16). Each message is one of the task's rows.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct MergeMailbox {
    /// The account that the mailbox was of.
    #[n(0)]
    pub source: u64,
    /// Since when it is in the bin.
    #[n(1)]
    pub since_millis: i64,
    /// The account that gets its mail.
    #[n(2)]
    pub target: u64,
    /// The folder there that all of it goes into, with the source's folders inside.
    #[n(3)]
    pub folder: String,
}

/// What a task is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// Members from a file.
    ImportMembers(ImportMembers),
    /// Members into a file.
    ExportMembers(ExportMembers),
    /// The same to many members.
    BulkMembers(BulkMembers),
    /// Groups from a file.
    ImportGroups(ImportGroups),
    /// Groups into a file of that form.
    ExportGroups(SheetFormat),
    /// Members from an LDAP directory.
    SyncDirectory(SyncDirectory),
    /// A list of the admin API into a CSV file.
    ExportList(ExportList),
    /// A mailbox into a folder of another.
    MergeMailbox(MergeMailbox),
}

impl Job {
    /// Whether it only looks.
    pub(crate) fn is_dry_run(&self) -> bool {
        match self {
            Self::ImportMembers(import) => import.dry_run,
            Self::ImportGroups(import) => import.dry_run,
            Self::BulkMembers(bulk) => bulk.dry_run,
            Self::SyncDirectory(sync) => sync.dry_run,
            Self::ExportMembers(_) | Self::ExportGroups(_) | Self::ExportList(_) | Self::MergeMailbox(_) => false,
        }
    }
    /// Whether good rows are taken though others are wrong.
    pub(crate) fn takes_good(&self) -> bool {
        match self {
            Self::ImportMembers(import) => import.take_good,
            Self::ImportGroups(import) => import.take_good,
            Self::BulkMembers(_)
            | Self::ExportMembers(_)
            | Self::ExportGroups(_)
            | Self::ExportList(_)
            | Self::SyncDirectory(_)
            | Self::MergeMailbox(_) => true,
        }
    }
    /// What it begins with: a file is looked over as a whole before any of it is taken.
    pub(crate) fn first_phase(&self) -> Phase {
        match self {
            Self::ImportMembers(_) | Self::ImportGroups(_) | Self::SyncDirectory(_) => Phase::Check,
            Self::BulkMembers(bulk) if bulk.dry_run => Phase::Check,
            Self::BulkMembers(_)
            | Self::ExportMembers(_)
            | Self::ExportGroups(_)
            | Self::ExportList(_)
            | Self::MergeMailbox(_) => Phase::Apply,
        }
    }
    /// The form of the file that it makes.
    #[must_use]
    pub fn makes(&self) -> Option<SheetFormat> {
        match self {
            Self::ExportMembers(export) => Some(export.format),
            Self::ExportGroups(format) => Some(*format),
            Self::SyncDirectory(_) | Self::ExportList(_) => Some(SheetFormat::Csv),
            Self::ImportMembers(_) | Self::BulkMembers(_) | Self::ImportGroups(_) | Self::MergeMailbox(_) => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::ImportMembers(_) => "import-members",
            Self::ExportMembers(_) => "export-members",
            Self::BulkMembers(bulk) => super::bulk::label(&bulk.act),
            Self::ImportGroups(_) => "import-groups",
            Self::ExportGroups(_) => "export-groups",
            Self::SyncDirectory(_) => "sync-directory",
            Self::ExportList(_) => "export-list",
            Self::MergeMailbox(_) => "merge-mailbox",
        }
    }
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRecord {
    /// Its identifier.
    pub id: TaskId,
    /// Whose it is.
    pub tenant: TenantId,
    /// In whose name it works.
    pub author: Author,
    /// What it is for.
    pub job: Job,
    /// How far it is.
    pub state: TaskState,
    /// What it is at.
    pub phase: Phase,
    /// Rows of the phase that are behind it.
    pub position: u64,
    /// Rows there are.
    pub total: u64,
    /// Rows that were done.
    pub good: u64,
    /// Rows that something is wrong with.
    pub bad: u64,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it came to its end.
    pub finished: Option<Timestamp>,
    /// Why it came to its end, where that is not plain.
    pub note: String,
}

impl TaskRecord {
    /// Whether it writes a list of what is one person's own.
    pub fn is_personal(&self) -> bool {
        matches!(&self.job, Job::ExportList(export) if export.list.starts_with("own-"))
    }

    /// Whether it is refused while another of its kind works: one that synchronises, or a person's own list.
    pub(crate) fn is_alone(&self) -> bool {
        self.is_personal() || matches!(self.job, Job::SyncDirectory(_))
    }
}

#[derive(Encode, Decode)]
struct ExportV1 {
    #[n(0)]
    xlsx: bool,
    #[n(1)]
    departments: Vec<u32>,
}

#[derive(Encode, Decode)]
enum JobV1 {
    #[n(0)]
    ImportMembers(#[n(0)] ImportMembers),
    #[n(1)]
    ExportMembers(#[n(0)] ExportV1),
    #[n(2)]
    BulkMembers(#[n(0)] BulkV1),
    #[n(3)]
    ImportGroups(#[n(0)] ImportGroups),
    #[n(4)]
    ExportGroups(#[n(0)] ExportV1),
    #[n(5)]
    SyncDirectory(#[n(0)] SyncDirectory),
    #[n(6)]
    ExportList(#[n(0)] ExportList),
    #[n(7)]
    MergeMailbox(#[n(0)] MergeMailbox),
}

#[derive(Encode, Decode)]
struct AuthorV1 {
    #[n(0)]
    kind: u8,
    #[n(1)]
    id: Option<u64>,
    #[n(2)]
    name: String,
    #[n(3)]
    from: String,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    tenant: u64,
    #[n(1)]
    author: AuthorV1,
    #[n(2)]
    job: JobV1,
    #[n(3)]
    state: u8,
    #[n(4)]
    applying: bool,
    #[n(5)]
    position: u64,
    #[n(6)]
    total: u64,
    #[n(7)]
    good: u64,
    #[n(8)]
    bad: u64,
    #[n(9)]
    created_millis: i64,
    #[n(10)]
    finished_millis: Option<i64>,
    #[n(11)]
    note: Option<String>,
}

enum Stored {
    V1(V1),
}

const STATES: [TaskState; 5] = [
    TaskState::Running,
    TaskState::Done,
    TaskState::Refused,
    TaskState::Failed,
    TaskState::Cancelled,
];
const AUTHORS: [AuthorKind; 4] = [
    AuthorKind::System,
    AuthorKind::Operator,
    AuthorKind::Member,
    AuthorKind::Token,
];

fn place<T: PartialEq>(list: &[T], item: &T) -> u8 {
    let place = list.iter().position(|known| known == item);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
}

fn at<T: Copy>(list: &[T], place: u8) -> Result<T, RecordError> {
    let found = list.get(usize::from(place)).copied();
    found.ok_or_else(|| RecordError::Body("word of a task".to_owned()))
}

pub(crate) fn encode(task: &TaskRecord) -> Bytes {
    let body = V1 {
        tenant: task.tenant.0,
        author: AuthorV1 {
            kind: place(&AUTHORS, &task.author.kind),
            id: task.author.id,
            name: task.author.name.clone(),
            from: task.author.from.clone(),
        },
        job: match &task.job {
            Job::ImportMembers(import) => JobV1::ImportMembers(import.clone()),
            Job::ExportMembers(export) => JobV1::ExportMembers(ExportV1 {
                xlsx: export.format == SheetFormat::Xlsx,
                departments: export.departments.iter().map(|id| id.0).collect(),
            }),
            Job::BulkMembers(bulk) => JobV1::BulkMembers(bulk.into()),
            Job::ImportGroups(import) => JobV1::ImportGroups(import.clone()),
            Job::MergeMailbox(merge) => JobV1::MergeMailbox(merge.clone()),
            Job::ExportGroups(format) => JobV1::ExportGroups(ExportV1 {
                xlsx: *format == SheetFormat::Xlsx,
                departments: Vec::new(),
            }),
            Job::SyncDirectory(sync) => JobV1::SyncDirectory(sync.clone()),
            Job::ExportList(export) => JobV1::ExportList(export.clone()),
        },
        state: place(&STATES, &task.state),
        applying: task.phase == Phase::Apply,
        position: task.position,
        total: task.total,
        good: task.good,
        bad: task.bad,
        created_millis: task.created.millis,
        finished_millis: task.finished.map(|finished| finished.millis),
        note: (!task.note.is_empty()).then(|| task.note.clone()),
    };
    record::encode(Schema(1), &body)
}

fn format_of(export: &ExportV1) -> SheetFormat {
    match export.xlsx {
        true => SheetFormat::Xlsx,
        false => SheetFormat::Csv,
    }
}

pub(crate) fn decode(id: TaskId, stored: &[u8]) -> Result<TaskRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(TaskRecord {
        id,
        tenant: TenantId(body.tenant),
        author: Author {
            kind: at(&AUTHORS, body.author.kind)?,
            id: body.author.id,
            name: body.author.name,
            from: body.author.from,
        },
        job: match body.job {
            JobV1::ImportMembers(import) => Job::ImportMembers(import),
            JobV1::BulkMembers(bulk) => Job::BulkMembers(bulk.try_into()?),
            JobV1::ImportGroups(import) => Job::ImportGroups(import),
            JobV1::ExportGroups(export) => Job::ExportGroups(format_of(&export)),
            JobV1::MergeMailbox(merge) => Job::MergeMailbox(merge),
            JobV1::ExportMembers(export) => Job::ExportMembers(ExportMembers {
                format: format_of(&export),
                departments: export.departments.into_iter().map(DepartmentId).collect(),
            }),
            JobV1::SyncDirectory(sync) => Job::SyncDirectory(sync),
            JobV1::ExportList(export) => Job::ExportList(export),
        },
        state: at(&STATES, body.state)?,
        phase: if body.applying { Phase::Apply } else { Phase::Check },
        position: body.position,
        total: body.total,
        good: body.good,
        bad: body.bad,
        created: Timestamp {
            millis: body.created_millis,
        },
        finished: body.finished_millis.map(|millis| Timestamp { millis }),
        note: body.note.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let task = TaskRecord {
            id: TaskId(5),
            tenant: TenantId(3),
            author: Author {
                kind: AuthorKind::Member,
                id: Some(7),
                name: "a".to_owned(),
                from: "::1".to_owned(),
            },
            job: Job::ImportMembers(ImportMembers {
                head: vec!["name".to_owned()],
                domain: None,
                department: Some(4),
                dry_run: true,
                take_good: false,
                invited: false,
            }),
            state: TaskState::Running,
            phase: Phase::Apply,
            position: 1,
            total: 2,
            good: 1,
            bad: 0,
            created: Timestamp { millis: 1_000 },
            finished: None,
            note: String::new(),
        };
        let stored = encode(&task);
        assert_eq!(
            crate::record::hex(&stored),
            "0100018a0384020761 61633a3a31820081868164 6e616d65f604f5f4f400f50102010019 03e8".replace(' ', "")
        );
        assert_eq!(decode(TaskId(5), &stored).as_ref(), Ok(&task));
        let done = TaskRecord {
            job: Job::ExportMembers(ExportMembers {
                format: SheetFormat::Xlsx,
                departments: vec![DepartmentId(1)],
            }),
            state: TaskState::Done,
            phase: Phase::Check,
            finished: Some(Timestamp { millis: 2_000 }),
            note: "n".to_owned(),
            ..task
        };
        assert_eq!(decode(TaskId(5), &encode(&done)).as_ref(), Ok(&done));
        let groups = ImportGroups {
            head: vec!["name".to_owned()],
            domain: Some("d.test".to_owned()),
            dry_run: false,
            take_good: true,
        };
        let merge = MergeMailbox {
            source: 7,
            since_millis: 1_000,
            target: 8,
            folder: "Old".to_owned(),
        };
        for job in [
            Job::ImportGroups(groups),
            Job::ExportGroups(SheetFormat::Csv),
            Job::MergeMailbox(merge),
        ] {
            let task = TaskRecord { job, ..done.clone() };
            assert_eq!(decode(TaskId(5), &encode(&task)), Ok(task));
        }
        let sync = TaskRecord {
            job: Job::SyncDirectory(SyncDirectory { dry_run: true }),
            ..done
        };
        assert_eq!(decode(TaskId(5), &encode(&sync)), Ok(sync));
    }
}
