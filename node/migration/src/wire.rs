//! How requests and replies travel between nodes: version 1, one octet. Nothing here changes once a release speaks it.

use bytes::Bytes;
use hongyan_actor::{WireEntity, WireError};

use crate::{MigrationEntity, MigrationRequest, MigrationServices};

impl WireEntity for MigrationEntity {
    fn encode_request(_: &MigrationServices, request: &MigrationRequest) -> Result<Bytes, WireError> {
        Ok(Bytes::from_static(match request {
            MigrationRequest::Look => &[0],
        }))
    }
    fn decode_request(_: &MigrationServices, bytes: Bytes) -> Result<MigrationRequest, WireError> {
        match bytes.as_ref() {
            [0] => Ok(MigrationRequest::Look),
            _ => Err(WireError("request of a migration".to_owned())),
        }
    }
    fn encode_reply(_: &MigrationServices, _: &MigrationRequest, (): &()) -> Result<Bytes, WireError> {
        Ok(Bytes::new())
    }
    fn decode_reply(_: &MigrationServices, _: &MigrationRequest, _: Bytes) -> Result<(), WireError> {
        Ok(())
    }
}
