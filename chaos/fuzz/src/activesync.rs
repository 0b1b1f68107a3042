//! ActiveSync: bodies, the request line, and the commands in bodies.

use hongyan_activesync::command::folder_sync::{FolderSyncRequest, FolderSyncResponse};
use hongyan_activesync::command::ping::{PingRequest, PingResponse};
use hongyan_activesync::command::sync::{SyncRequest, SyncResponse};
use hongyan_activesync::{EmailChange, EmailData, ProtocolVersion, WbxmlLimits, request_line, wbxml};

/// A body: what is read is written and read back the same, and no command stumbles over it.
pub fn activesync(bytes: &[u8]) {
    let limits = WbxmlLimits::default();
    let Ok(body) = wbxml::decode(bytes, &limits) else {
        return;
    };
    assert_eq!(wbxml::decode(&wbxml::encode(&body), &limits).as_ref(), Ok(&body));
    let version = ProtocolVersion::V16_1;
    if let Ok(request) = SyncRequest::read(&body, version) {
        assert_eq!(SyncRequest::read(&request.write(), version), Ok(request));
    }
    if let Ok(request) = PingRequest::read(&body, version) {
        assert_eq!(PingRequest::read(&request.write(), version), Ok(request));
    }
    let _ = FolderSyncRequest::read(&body, version);
    let _ = FolderSyncResponse::read(&body);
    let _ = SyncResponse::read(&body);
    let _ = PingResponse::read(&body);
    let _ = EmailData::read(&body);
    let _ = EmailChange::read(&body, version);
}

/// A query, in either form.
pub fn activesync_query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for query in [text.to_string(), format!("Cmd=Sync&DeviceType=a&DeviceId={text}")] {
        let Ok(line) = request_line::parse(&query) else {
            continue;
        };
        if let Some(octets) = line.base64() {
            assert_eq!(request_line::parse(&octets), Ok(line));
        }
    }
}
