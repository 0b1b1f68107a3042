//! Settings: absence, what the device is, and who its member is ([MS-ASCMD] §2.2.1.18). A password of the device is not kept here.

use axum::response::Response;
use hongyan_activesync::command::settings::{
    DeviceInformation, SettingsRequest, SettingsResponse, SettingsStatus, UserInformation,
};
use hongyan_activesync::{Element, Status};

use crate::absence::absence;
use crate::answer::{Found, body};
use crate::asking::{Asking, said};

/// Notes what a device says of itself.
pub(crate) async fn note_device(asking: &mut Asking<'_>, information: &DeviceInformation) -> Found<()> {
    let text = |text: &Option<String>| text.as_deref().map(said).unwrap_or_default();
    let (model, os) = (text(&information.model), text(&information.os));
    let (name, agent) = (text(&information.friendly_name), text(&information.user_agent));
    asking
        .note(|device| {
            device.model.clone_from(&model);
            device.os.clone_from(&os);
            device.friendly_name.clone_from(&name);
            if !agent.is_empty() {
                device.user_agent.clone_from(&agent);
            }
        })
        .await
}

fn user_information(asking: &Asking<'_>) -> UserInformation {
    let account = &asking.account;
    UserInformation {
        display_name: Some(account.display_name.clone()),
        addresses: account.addresses().map(ToString::to_string).collect(),
        primary: account.address.to_string(),
    }
}

pub(crate) async fn settings(asking: &mut Asking<'_>, tree: &Element) -> Found<Response> {
    let request = SettingsRequest::read(tree, asking.version)?;
    if let Some(information) = &request.device_information {
        note_device(asking, information).await?;
    }
    let oof = match &request.oof {
        Some(oof) => Some(absence(asking, oof).await?),
        None => None,
    };
    let response = SettingsResponse {
        status: SettingsStatus::Success,
        oof,
        device_password: request.device_password.then_some(SettingsStatus::InvalidArguments),
        device_information: request.device_information.map(|_| SettingsStatus::Success),
        user_information: request.user_information.then(|| user_information(asking)),
        rights_management: request
            .rights_management
            .then_some(SettingsStatus::Common(Status::IrmFeatureDisabled)),
    };
    Ok(body(&response.write()))
}
