use super::*;
use crate::Status;
use crate::command::testing::{octets, tree};

fn absence() -> Oof {
    Oof {
        state: OofState::TimeBased {
            start: Timestamp { millis: 0 },
            end: Timestamp { millis: 86_400_000 },
        },
        messages: vec![OofMessage {
            audience: OofAudience::ExternalUnknown,
            enabled: true,
            reply: Some("away".to_owned()),
            body_type: Some("TEXT".to_owned()),
        }],
    }
}

#[test]
fn acc_4_requests_both_ways() {
    let request = SettingsRequest {
        device_information: Some(DeviceInformation {
            model: Some("m".to_owned()),
            ..DeviceInformation::default()
        }),
        user_information: true,
        ..SettingsRequest::default()
    };
    let golden = b"\x03\x01\x6a\x00\x00\x12\x45\x56\x48\x57\x03m\x00\x01\x01\x01\x5d\x07\x01\x01";
    assert_eq!(octets(&request.write()), golden);
    let read = |body: &Element| SettingsRequest::read(body, ProtocolVersion::V14_1);
    assert_eq!(read(&tree(golden)), Ok(request));
    for oof in [
        OofRequest::Set(absence()),
        OofRequest::Get {
            body_type: "HTML".to_owned(),
        },
    ] {
        let request = SettingsRequest {
            oof: Some(oof),
            device_password: true,
            rights_management: true,
            ..SettingsRequest::default()
        };
        assert_eq!(read(&request.write()), Ok(request));
    }
    let oof = |set: Element| Element::new(page::SETTINGS).with(Element::new(page::OOF).with(set));
    for (body, status) in [
        (Element::new(page::SETTINGS).flag(page::OOF), 2),
        (oof(Element::new(page::SET).text(page::OOF_STATE, "3")), 5),
        (oof(Element::new(page::SET).text(page::OOF_STATE, "2")), 5),
        (
            oof(Element::new(page::SET)
                .text(page::OOF_STATE, "0")
                .flag(page::OOF_MESSAGE)),
            5,
        ),
        (Element::new(page::OOF), 101),
    ] {
        assert_eq!(read(&body).unwrap_err().status, status);
    }
}

#[test]
fn acc_4_responses_both_ways() {
    let response = SettingsResponse {
        status: SettingsStatus::Success,
        oof: None,
        device_password: Some(SettingsStatus::DeniedByPolicy),
        device_information: None,
        user_information: Some(UserInformation {
            display_name: None,
            addresses: vec!["a@b".to_owned()],
            primary: "a@b".to_owned(),
        }),
        rights_management: None,
    };
    let golden = b"\x03\x01\x6a\x00\x00\x12\x45\x46\x031\x00\x01\x54\x46\x037\x00\x01\x01\
        \x5d\x46\x031\x00\x01\x47\x64\x65\x5e\x5f\x03a@b\x00\x01\x63\x03a@b\x00\x01\x01\x01\x01\x01\x01\x01";
    assert_eq!(octets(&response.write()), golden);
    assert_eq!(SettingsResponse::read(&tree(golden)), Ok(response));
    for state in [absence().state, OofState::Disabled, OofState::Global] {
        let response = SettingsResponse {
            status: SettingsStatus::Success,
            oof: Some((SettingsStatus::Success, Some(Oof { state, ..absence() }))),
            device_password: None,
            device_information: Some(SettingsStatus::Success),
            user_information: None,
            rights_management: Some(SettingsStatus::Common(Status::IrmFeatureDisabled)),
        };
        assert_eq!(SettingsResponse::read(&response.write()), Ok(response));
    }
}
