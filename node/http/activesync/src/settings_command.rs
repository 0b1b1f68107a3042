//! Settings: what the device is, and who its member is ([MS-ASCMD] §2.2.1.18). Absence is set in the web client, and a password of
//! the device is not kept here.

use axum::response::Response;
use hongyan_activesync::{Element, page::settings as page};

use crate::answer::{Found, body, refused};
use crate::asking::{Asking, said};

const SUCCESS: u8 = 1;
/// [MS-ASCMD] §2.2.3.177.15.
const PROTOCOL_ERROR: u16 = 2;
const NOT_SUPPORTED: u8 = 5;

/// Notes what a device says of itself; the answer to that, if it does.
pub(crate) async fn device_information(asking: &mut Asking<'_>, tree: &Element) -> Found<Option<Element>> {
    let Some(information) = tree.child(page::DEVICE_INFORMATION) else {
        return Ok(None);
    };
    if let Some(set) = information.child(page::SET) {
        let text = |tag| set.text_of(tag).map(said).unwrap_or_default();
        let (model, os, name) = (text(page::MODEL), text(page::OS), text(page::FRIENDLY_NAME));
        let agent = text(page::USER_AGENT);
        asking
            .note(|device| {
                device.model.clone_from(&model);
                device.os.clone_from(&os);
                device.friendly_name.clone_from(&name);
                if !agent.is_empty() {
                    device.user_agent.clone_from(&agent);
                }
            })
            .await?;
    }
    Ok(Some(
        Element::new(page::DEVICE_INFORMATION).number(page::STATUS, SUCCESS),
    ))
}

fn user_information(asking: &Asking<'_>) -> Element {
    let account = &asking.account;
    let addresses = Element::new(page::EMAIL_ADDRESSES)
        .with_all(
            account
                .addresses()
                .map(|address| Element::of_text(page::SMTP_ADDRESS, address.to_string())),
        )
        .text(page::PRIMARY_SMTP_ADDRESS, account.address.to_string());
    let one = Element::new(page::ACCOUNT)
        .text(page::USER_DISPLAY_NAME, account.display_name.clone())
        .with(addresses);
    let get = Element::new(page::GET).with(Element::new(page::ACCOUNTS).with(one));
    Element::new(page::USER_INFORMATION)
        .number(page::STATUS, SUCCESS)
        .with(get)
}

pub(crate) async fn settings(asking: &mut Asking<'_>, tree: &Element) -> Found<Response> {
    if tree.tag != page::SETTINGS {
        return Ok(refused(asking.line.command, PROTOCOL_ERROR));
    }
    let said = device_information(asking, tree).await?;
    let mut answer = Element::new(page::SETTINGS)
        .number(page::STATUS, SUCCESS)
        .with_all(said);
    if tree.has(page::USER_INFORMATION) {
        answer = answer.with(user_information(asking));
    }
    for tag in [page::OOF, page::DEVICE_PASSWORD, page::RIGHTS_MANAGEMENT_INFORMATION] {
        if tree.has(tag) {
            answer = answer.with(Element::new(tag).number(page::STATUS, NOT_SUPPORTED));
        }
    }
    Ok(body(&answer))
}
