//! How requests and replies travel between nodes: version 1, one octet and words. Nothing here changes once a release speaks
//! it.

use bytes::Bytes;
use hongyan_actor::{WireEntity, WireError};

use crate::entity::reply_to_bytes;
use crate::{TaskEntity, TaskReply, TaskRequest, TaskServices};

impl WireEntity for TaskEntity {
    fn encode_request(_: &TaskServices, request: &TaskRequest) -> Result<Bytes, WireError> {
        Ok(Bytes::from_static(match request {
            TaskRequest::Work => &[0],
            TaskRequest::Cancel => &[1],
        }))
    }
    fn decode_request(_: &TaskServices, bytes: Bytes) -> Result<TaskRequest, WireError> {
        match bytes.as_ref() {
            [0] => Ok(TaskRequest::Work),
            [1] => Ok(TaskRequest::Cancel),
            _ => Err(WireError("request of a task".to_owned())),
        }
    }
    fn encode_reply(_: &TaskServices, _: &TaskRequest, reply: &TaskReply) -> Result<Bytes, WireError> {
        Ok(reply_to_bytes(reply))
    }
    fn decode_reply(_: &TaskServices, _: &TaskRequest, bytes: Bytes) -> Result<TaskReply, WireError> {
        if bytes.is_empty() {
            return Ok(Ok(()));
        }
        Ok(Err(String::from_utf8_lossy(&bytes).into_owned()))
    }
}
