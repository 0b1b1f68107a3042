//! ActiveSync: bodies, the request line, and the commands in bodies.

use hongyan_activesync::command::find::{FindRequest, FindResponse};
use hongyan_activesync::command::folder_create::FolderCreateRequest;
use hongyan_activesync::command::folder_delete::FolderDeleteRequest;
use hongyan_activesync::command::folder_sync::{FolderSyncRequest, FolderSyncResponse};
use hongyan_activesync::command::folder_update::FolderUpdateRequest;
use hongyan_activesync::command::get_item_estimate::{GetItemEstimateRequest, GetItemEstimateResponse};
use hongyan_activesync::command::item_operations::{ItemOperationsRequest, ItemOperationsResponse, parts};
use hongyan_activesync::command::move_items::{MoveItemsRequest, MoveItemsResponse};
use hongyan_activesync::command::ping::{PingRequest, PingResponse};
use hongyan_activesync::command::provision::{ProvisionRequest, ProvisionResponse};
use hongyan_activesync::command::resolve_recipients::{ResolveRecipientsRequest, ResolveRecipientsResponse};
use hongyan_activesync::command::search::{SearchRequest, SearchResponse};
use hongyan_activesync::command::send_mail::{SendMailRequest, SendRefused};
use hongyan_activesync::command::settings::{SettingsRequest, SettingsResponse};
use hongyan_activesync::command::smart::SmartRequest;
use hongyan_activesync::command::sync::{SyncRequest, SyncResponse};
use hongyan_activesync::command::validate_cert::{ValidateCertRequest, ValidateCertResponse};
use hongyan_activesync::{EmailChange, EmailData, ProtocolVersion, WbxmlLimits, request_line, wbxml};

/// A body: what is read is written and read back the same, and no command stumbles over it.
pub fn activesync(bytes: &[u8]) {
    let _ = parts::read(bytes);
    let limits = WbxmlLimits::default();
    let Ok(body) = wbxml::decode(bytes, &limits) else {
        return;
    };
    assert_eq!(wbxml::decode(&wbxml::encode(&body), &limits).as_ref(), Ok(&body));
    let version = ProtocolVersion::V16_1;
    macro_rules! there_and_back {
        ($($request:ident)*) => {
            $(if let Ok(request) = $request::read(&body, version) {
                assert_eq!($request::read(&request.write(), version), Ok(request));
            })*
        };
    }
    there_and_back! {
        FindRequest FolderCreateRequest FolderDeleteRequest FolderSyncRequest FolderUpdateRequest GetItemEstimateRequest
        ItemOperationsRequest MoveItemsRequest PingRequest ProvisionRequest SendMailRequest SettingsRequest SmartRequest SyncRequest
        ResolveRecipientsRequest SearchRequest ValidateCertRequest
    }
    let _ = FindResponse::read(&body);
    let _ = GetItemEstimateResponse::read(&body);
    let _ = ItemOperationsResponse::read(&body);
    let _ = ResolveRecipientsResponse::read(&body);
    let _ = SearchResponse::read(&body);
    let _ = ValidateCertResponse::read(&body);
    let _ = MoveItemsResponse::read(&body);
    let _ = ProvisionResponse::read(&body);
    let _ = SendRefused::read(&body);
    let _ = SettingsResponse::read(&body);
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
