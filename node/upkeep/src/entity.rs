//! The actor around one task: works step by step, lets others in between.

use bytes::Bytes;
use hongyan_actor::{ActivateError, Entity, Envelope, Tenure};
use hongyan_blob::BlobStore;
use hongyan_directory::{Directory, Error};
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_kv::fence::Fence;
use hongyan_ldap::Ldap;
use hongyan_router::{Ask, Router};

use crate::step::Steps;
use crate::{Lists, TaskId, TaskState};

/// What tasks work with.
#[derive(Clone)]
pub struct TaskServices {
    /// The clock, and threads for what computes long.
    pub env: Env,
    /// What they change.
    pub directory: Directory,
    /// The LDAP directories that they read, where there are any.
    pub ldap: Option<Ldap>,
    /// The lists that they write into files.
    pub lists: Lists,
    /// Where mailboxes are; none where only the directory is.
    pub mail: Option<MailServices>,
}

/// What tasks reach mailboxes by.
#[derive(Clone)]
pub struct MailServices {
    /// Where mails are noted.
    pub database: Database,
    /// Where their octets are.
    pub blobs: BlobStore,
    /// The way to mailboxes.
    pub router: Router,
}

/// What a task is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskRequest {
    /// [`Work`]
    Work,
    /// [`Cancel`]
    Cancel,
}

/// Whether it was taken; why not, in words.
pub type TaskReply = Result<(), String>;

/// Begins to work, or goes on; nothing happens when it is at work or over.
#[derive(Debug, Clone, Copy)]
pub struct Work;

/// Stops for good; what was done stays.
#[derive(Debug, Clone, Copy)]
pub struct Cancel;

impl Ask for Work {
    type Entity = TaskEntity;
    type Reply = TaskReply;
    fn into_request(self) -> TaskRequest {
        TaskRequest::Work
    }
    fn from_reply(reply: TaskReply) -> Option<TaskReply> {
        Some(reply)
    }
}

impl Ask for Cancel {
    type Entity = TaskEntity;
    type Reply = TaskReply;
    fn into_request(self) -> TaskRequest {
        TaskRequest::Cancel
    }
    fn from_reply(reply: TaskReply) -> Option<TaskReply> {
        Some(reply)
    }
}

/// A task.
pub struct TaskEntity {
    steps: Steps,
    is_working: bool,
    is_deposed: bool,
}

impl Entity for TaskEntity {
    type Key = TaskId;
    type Request = TaskRequest;
    type Reply = TaskReply;
    type Services = TaskServices;

    async fn activate(services: TaskServices, key: TaskId, tenure: Tenure) -> Result<Self, ActivateError> {
        let fence = Fence {
            partition: tenure.partition.0,
            epoch: tenure.epoch.0,
        };
        let steps = Steps::begin(services, key, fence).await;
        Ok(Self {
            steps: steps.map_err(|error| ActivateError(error.to_string()))?,
            is_working: false,
            is_deposed: false,
        })
    }

    async fn handle(&mut self, batch: Vec<Envelope<Self>>) {
        for envelope in batch {
            let (request, replier) = envelope.split();
            let reply = match request {
                TaskRequest::Work => {
                    self.is_working = self.steps.state() == TaskState::Running;
                    Ok(())
                }
                TaskRequest::Cancel => {
                    let cancelled = self.steps.cancel().await;
                    self.noted(&cancelled);
                    cancelled.map_err(|error| error.to_string())
                }
            };
            replier.send(reply);
        }
        if self.is_working && !self.is_deposed {
            let stepped = self.steps.step().await;
            self.noted(&stepped);
            self.is_working &= stepped.is_ok() && self.steps.state() == TaskState::Running;
        }
    }

    fn has_work(&self) -> bool {
        self.is_working && !self.is_deposed
    }

    fn is_deposed(&self) -> bool {
        self.is_deposed
    }

    fn memory_octets(&self) -> usize {
        self.steps.memory_octets()
    }

    async fn passivate(&mut self) {}
}

impl TaskEntity {
    fn noted(&mut self, outcome: &Result<(), Error>) {
        match outcome {
            Err(Error::Storage(hongyan_kv::Error::Fenced)) => self.is_deposed = true,
            // Whoever looks after tasks asks again.
            Err(error) => tracing::warn!(event = "task_step_failed", task = self.steps.id().0, %error),
            Ok(()) => {}
        }
    }
}

/// A reply as it travels: empty for yes, the words for no.
pub(crate) fn reply_to_bytes(reply: &TaskReply) -> Bytes {
    match reply {
        Ok(()) => Bytes::new(),
        Err(words) => Bytes::from(words.clone().into_bytes()),
    }
}
