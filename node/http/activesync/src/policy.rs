//! Provision: the policy that a device takes before it is served, and the removal of the account's data ([MS-ASPROV]).
//!
//! The policy asks for nothing: what a phone demands of its owner is its owner's business here. A device is never told to wipe
//! itself as a whole; 16.1 can be told to remove this one account.

use axum::response::Response;
use hongyan_activesync::{Element, ProtocolVersion, page::provision as page};

use crate::answer::{Found, body, refused};
use crate::asking::Asking;
use crate::record::Wipe;
use crate::settings_command;

/// The only type of policy since 12.0 ([MS-ASPROV] §2.2.2.44).
const WBXML: &str = "MS-EAS-Provisioning-WBXML";

const SUCCESS: u8 = 1;
/// [MS-ASPROV] §2.2.2.54: of the command.
const PROTOCOL_ERROR: u16 = 2;
/// Of a policy: its type is unknown; its key is not the one that was offered.
const UNKNOWN_TYPE: u8 = 3;
const WRONG_KEY: u8 = 5;

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

fn policy(status: u8, key: Option<u32>) -> Element {
    Element::new(page::POLICY)
        .text(page::POLICY_TYPE, WBXML)
        .number(page::STATUS, status)
        .number_if(page::POLICY_KEY, key)
}

fn random_key(asking: &Asking<'_>) -> u32 {
    let mut octets = [0; 4];
    asking.service.services.env.fill_random(&mut octets);
    // 0 is no key.
    u32::from_be_bytes(octets).max(1)
}

pub(crate) async fn provision(asking: &mut Asking<'_>, tree: Option<&Element>) -> Found<Response> {
    let Some(tree) = tree.filter(|tree| tree.tag == page::PROVISION) else {
        return Ok(refused(asking.line.command, PROTOCOL_ERROR));
    };
    let answer = Element::new(page::PROVISION);
    if let Some(done) = tree.child(page::ACCOUNT_ONLY_REMOTE_WIPE) {
        // [MS-ASPROV] §2.2.2.1: the device says whether it has removed the account.
        let is_done = done.text_of(page::STATUS) == Some("1");
        if is_done && asking.device.wipe() == Wipe::Told {
            asking.note(|device| device.set_wipe(Wipe::Done)).await?;
        }
        return Ok(body(&answer.number(page::STATUS, SUCCESS)));
    }
    if asking.device.wipe() != Wipe::None {
        return wipe(asking, answer).await;
    }
    let said = settings_command::device_information(asking, tree).await?;
    let answer = answer.with_all(said).number(page::STATUS, SUCCESS);
    let Some(asked) = tree
        .child(page::POLICIES)
        .and_then(|policies| policies.child(page::POLICY))
    else {
        return Ok(body(&answer));
    };
    let policy = if asked.text_of(page::POLICY_TYPE) != Some(WBXML) {
        policy(UNKNOWN_TYPE, None)
    } else if let Some(key) = asked.text_of(page::POLICY_KEY) {
        acknowledge(asking, key, asked.text_of(page::STATUS)).await?
    } else {
        let key = random_key(asking);
        asking.note(|device| device.offered_key = key).await?;
        policy(SUCCESS, Some(key)).with(Element::new(page::DATA).with(document()))
    };
    Ok(body(&answer.with(Element::new(page::POLICIES).with(policy))))
}

/// [MS-ASPROV] §3.1.5.2: with the final key other commands are served.
async fn acknowledge(asking: &mut Asking<'_>, key: &str, status: Option<&str>) -> Found<Element> {
    let shown = key.trim().parse().unwrap_or(0);
    let is_offered = shown != 0 && shown == asking.device.offered_key;
    // 1 is all of it, 2 a part; there is nothing in it that a device could not keep.
    let is_taken = matches!(status.map(str::trim), Some("1" | "2"));
    if !is_offered || !is_taken {
        return Ok(policy(WRONG_KEY, None));
    }
    let key = random_key(asking);
    asking
        .note(|device| (device.policy_key, device.offered_key) = (key, 0))
        .await?;
    Ok(policy(SUCCESS, Some(key)))
}

async fn wipe(asking: &mut Asking<'_>, answer: Element) -> Found<Response> {
    let is_known = asking.version == ProtocolVersion::V16_1;
    if !is_known || asking.device.wipe() == Wipe::Done {
        return Err(hongyan_activesync::Status::DeviceIsBlockedForThisUser.into());
    }
    asking.note(|device| device.set_wipe(Wipe::Told)).await?;
    let answer = answer.number(page::STATUS, SUCCESS);
    Ok(body(&answer.flag(page::ACCOUNT_ONLY_REMOTE_WIPE)))
}
