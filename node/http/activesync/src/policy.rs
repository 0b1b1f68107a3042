//! Provision: the policy that a device takes before it is served, and the removal of the account's data ([MS-ASPROV]).
//!
//! The policy asks for nothing: what a phone demands of its owner is its owner's business here. A device is never told to wipe
//! itself as a whole; 16.1 can be told to remove this one account.

use axum::response::Response;
use hongyan_activesync::command::provision::{
    POLICY_TYPE, PolicyRequest, PolicyResponse, PolicyStatus, ProvisionRequest, ProvisionResponse, ProvisionStatus,
};
use hongyan_activesync::{Element, ProtocolVersion, Status, page::provision as page};

use crate::answer::{Found, body, refused};
use crate::asking::Asking;
use crate::record::Wipe;
use crate::settings_command;

/// The policy: a client that asks for nothing else does with what is here.
fn document() -> Element {
    let allowed = [
        page::ATTACHMENTS_ENABLED,
        page::ALLOW_SIMPLE_DEVICE_PASSWORD,
        page::ALLOW_STORAGE_CARD,
        page::ALLOW_CAMERA,
        page::ALLOW_HTML_EMAIL,
        page::ALLOW_BROWSER,
        page::ALLOW_CONSUMER_EMAIL,
        page::ALLOW_POP_IMAP_EMAIL,
    ];
    let demanded = [
        page::DEVICE_PASSWORD_ENABLED,
        page::ALPHANUMERIC_DEVICE_PASSWORD_REQUIRED,
        page::REQUIRE_STORAGE_CARD_ENCRYPTION,
        page::REQUIRE_DEVICE_ENCRYPTION,
        page::PASSWORD_RECOVERY_ENABLED,
        page::REQUIRE_MANUAL_SYNC_WHEN_ROAMING,
    ];
    let document = Element::new(page::EAS_PROVISION_DOC);
    let document = demanded
        .into_iter()
        .fold(document, |document, tag| document.boolean(tag, false));
    allowed
        .into_iter()
        .fold(document, |document, tag| document.boolean(tag, true))
}

fn policy(status: PolicyStatus, policy_key: Option<u32>) -> PolicyResponse {
    PolicyResponse {
        policy_type: POLICY_TYPE.to_owned(),
        status,
        policy_key,
        document: None,
    }
}

fn answered() -> ProvisionResponse {
    ProvisionResponse {
        status: ProvisionStatus::Success,
        device_information_noted: false,
        policy: None,
        remote_wipe: false,
        account_only_remote_wipe: false,
    }
}

fn random_key(asking: &Asking<'_>) -> u32 {
    let mut octets = [0; 4];
    asking.service.services.env.fill_random(&mut octets);
    // 0 is no key.
    u32::from_be_bytes(octets).max(1)
}

pub(crate) async fn provision(asking: &mut Asking<'_>, tree: Option<&Element>) -> Found<Response> {
    let Some(tree) = tree else {
        return Ok(refused(asking.line.command, ProvisionStatus::ProtocolError.number()));
    };
    let request = ProvisionRequest::read(tree, asking.version)?;
    if let Some(status) = request.account_only_remote_wipe {
        // [MS-ASPROV] §2.2.2.1: the device says whether it has removed the account.
        if status == 1 && asking.device.wipe() == Wipe::Told {
            asking.note(|device| device.set_wipe(Wipe::Done)).await?;
        }
        return Ok(body(&answered().write()));
    }
    if asking.device.wipe() != Wipe::None {
        return wipe(asking).await;
    }
    if let Some(information) = &request.device_information {
        settings_command::note_device(asking, information).await?;
    }
    let policy = match &request.policy {
        None => None,
        Some(asked) => Some(answer_policy(asking, asked).await?),
    };
    let response = ProvisionResponse {
        device_information_noted: request.device_information.is_some(),
        policy,
        ..answered()
    };
    Ok(body(&response.write()))
}

async fn answer_policy(asking: &mut Asking<'_>, asked: &PolicyRequest) -> Found<PolicyResponse> {
    if asked.policy_type != POLICY_TYPE {
        return Ok(policy(PolicyStatus::UnknownType, None));
    }
    if let Some(key) = &asked.policy_key {
        return acknowledge(asking, key, asked.status).await;
    }
    let key = random_key(asking);
    asking.note(|device| device.offered_key = key).await?;
    Ok(PolicyResponse {
        document: Some(document()),
        ..policy(PolicyStatus::Success, Some(key))
    })
}

/// [MS-ASPROV] §3.1.5.2: with the final key other commands are served.
async fn acknowledge(asking: &mut Asking<'_>, key: &str, status: Option<u8>) -> Found<PolicyResponse> {
    let shown = key.trim().parse().unwrap_or(0);
    let is_offered = shown != 0 && shown == asking.device.offered_key;
    // 1 is all of it, 2 a part; there is nothing in it that a device could not keep.
    let is_taken = matches!(status, Some(1 | 2));
    if !is_offered || !is_taken {
        return Ok(policy(PolicyStatus::WrongKey, None));
    }
    let key = random_key(asking);
    asking
        .note(|device| (device.policy_key, device.offered_key) = (key, 0))
        .await?;
    Ok(policy(PolicyStatus::Success, Some(key)))
}

async fn wipe(asking: &mut Asking<'_>) -> Found<Response> {
    let is_known = asking.version == ProtocolVersion::V16_1;
    if !is_known || asking.device.wipe() == Wipe::Done {
        return Err(Status::DeviceIsBlockedForThisUser.into());
    }
    asking.note(|device| device.set_wipe(Wipe::Told)).await?;
    let response = ProvisionResponse {
        account_only_remote_wipe: true,
        ..answered()
    };
    Ok(body(&response.write()))
}
