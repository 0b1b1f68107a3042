//! Provision: the policy that a device takes before it is served, and the removal of what it holds ([MS-ASPROV] §2.2.2).

use crate::command::settings::DeviceInformation;
use crate::command::{number, required, root};
use crate::page::{provision as page, settings};
use crate::status::statuses;
use crate::{CommandError, Element, ProtocolVersion, Tag};

/// The only type of policy from 12.0 on ([MS-ASPROV] §2.2.2.44).
pub const POLICY_TYPE: &str = "MS-EAS-Provisioning-WBXML";

statuses! {
    /// Of the command ([MS-ASPROV] §2.2.2.54.2).
    ProvisionStatus {
        /// All is well.
        Success = 1,
        /// The request is none.
        ProtocolError = 2,
        /// It failed here.
        ServerError = 3,
    }
}

statuses! {
    /// Of a policy ([MS-ASPROV] §2.2.2.54.1).
    PolicyStatus {
        /// All is well.
        Success = 1,
        /// There is no policy for this device.
        NoPolicy = 2,
        /// There is no such type of policy.
        UnknownType = 3,
        /// The policy here cannot be read.
        Corrupt = 4,
        /// The key is not the one that was offered.
        WrongKey = 5,
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProvisionRequest {
    /// What the device says of itself.
    pub device_information: Option<DeviceInformation>,
    /// The policy that it asks for, or takes.
    pub policy: Option<PolicyRequest>,
    /// Whether it has wiped itself: 1 for yes.
    pub remote_wipe: Option<u8>,
    /// Whether it has removed the account (16.1): 1 for yes.
    pub account_only_remote_wipe: Option<u8>,
}

/// What is asked of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRequest {
    /// Its type.
    pub policy_type: String,
    /// The key that was offered with it; `None` where it is asked for.
    pub policy_key: Option<String>,
    /// How much of it the device keeps: 1 all, 2 a part, 3 none, 4 others manage it.
    pub status: Option<u8>,
}

fn wipe(body: &Element, tag: Tag) -> Result<Option<u8>, CommandError> {
    let wrong = CommandError::new(2, "a wipe is answered without a status");
    body.child(tag)
        .map(|wipe| number(wipe, page::STATUS, wrong)?.ok_or(wrong))
        .transpose()
}

impl ProvisionRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 2, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::PROVISION)?;
        let wrong = CommandError::new(2, "a policy has no type, or a status that is none");
        let policy = body.child(page::POLICIES).and_then(|list| list.child(page::POLICY));
        let policy = policy.map(|policy| {
            Ok(PolicyRequest {
                policy_type: required(policy, page::POLICY_TYPE, wrong)?.to_owned(),
                policy_key: policy.text_of(page::POLICY_KEY).map(str::to_owned),
                status: number(policy, page::STATUS, wrong)?,
            })
        });
        Ok(Self {
            device_information: body
                .child(settings::DEVICE_INFORMATION)
                .and_then(DeviceInformation::read),
            policy: policy.transpose()?,
            remote_wipe: wipe(body, page::REMOTE_WIPE)?,
            account_only_remote_wipe: wipe(body, page::ACCOUNT_ONLY_REMOTE_WIPE)?,
        })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let wipe = |tag, status: Option<u8>| status.map(|status| Element::new(tag).number(page::STATUS, status));
        let policies = self.policy.as_ref().map(|policy| {
            let policy = Element::new(page::POLICY)
                .text(page::POLICY_TYPE, &policy.policy_type)
                .text_if(page::POLICY_KEY, policy.policy_key.as_ref())
                .number_if(page::STATUS, policy.status);
            Element::new(page::POLICIES).with(policy)
        });
        Element::new(page::PROVISION)
            .with_all(self.device_information.as_ref().map(DeviceInformation::write))
            .with_all(policies)
            .with_all(wipe(page::REMOTE_WIPE, self.remote_wipe))
            .with_all(wipe(page::ACCOUNT_ONLY_REMOTE_WIPE, self.account_only_remote_wipe))
    }
}

/// What is answered of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyResponse {
    /// Its type.
    pub policy_type: String,
    /// What became of it.
    pub status: PolicyStatus,
    /// The key of an offer, or the final one once it is taken.
    pub policy_key: Option<u32>,
    /// `EASProvisionDoc`: what it says, in an offer.
    pub document: Option<Element>,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionResponse {
    /// What became of it.
    pub status: ProvisionStatus,
    /// Whether what the device says of itself was noted.
    pub device_information_noted: bool,
    /// The policy.
    pub policy: Option<PolicyResponse>,
    /// Whether the device is to wipe itself.
    pub remote_wipe: bool,
    /// Whether it is to remove the account (16.1).
    pub account_only_remote_wipe: bool,
}

impl ProvisionResponse {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let noted = self
            .device_information_noted
            .then(|| Element::new(settings::DEVICE_INFORMATION).text(settings::STATUS, "1"));
        let policies = self.policy.as_ref().map(|policy| {
            let document = policy.document.clone();
            let policy = Element::new(page::POLICY)
                .text(page::POLICY_TYPE, &policy.policy_type)
                .number(page::STATUS, policy.status.number())
                .number_if(page::POLICY_KEY, policy.policy_key)
                .with_all(document.map(|document| Element::new(page::DATA).with(document)));
            Element::new(page::POLICIES).with(policy)
        });
        Element::new(page::PROVISION)
            .with_all(noted)
            .number(page::STATUS, self.status.number())
            .with_all(policies)
            .flag_if(page::REMOTE_WIPE, self.remote_wipe)
            .flag_if(page::ACCOUNT_ONLY_REMOTE_WIPE, self.account_only_remote_wipe)
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        root(body, page::PROVISION)?;
        let wrong = CommandError::invalid("Provision answers without status, or a policy without type or status");
        let status = number(body, page::STATUS, wrong)?.and_then(ProvisionStatus::from_number);
        let policy = body.child(page::POLICIES).and_then(|list| list.child(page::POLICY));
        let policy = policy.map(|policy| {
            let status = number(policy, page::STATUS, wrong)?.and_then(PolicyStatus::from_number);
            let data = policy.child(page::DATA);
            Ok(PolicyResponse {
                policy_type: required(policy, page::POLICY_TYPE, wrong)?.to_owned(),
                status: status.ok_or(wrong)?,
                policy_key: number(policy, page::POLICY_KEY, wrong)?,
                document: data.and_then(|data| data.child(page::EAS_PROVISION_DOC)).cloned(),
            })
        });
        Ok(Self {
            status: status.ok_or(wrong)?,
            device_information_noted: body.has(settings::DEVICE_INFORMATION),
            policy: policy.transpose()?,
            remote_wipe: body.has(page::REMOTE_WIPE),
            account_only_remote_wipe: body.has(page::ACCOUNT_ONLY_REMOTE_WIPE),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{octets, tree};

    #[test]
    fn acc_4_requests_both_ways() {
        let mut request = ProvisionRequest {
            policy: Some(PolicyRequest {
                policy_type: "T".to_owned(),
                policy_key: Some("7".to_owned()),
                status: Some(1),
            }),
            ..ProvisionRequest::default()
        };
        let golden =
            b"\x03\x01\x6a\x00\x00\x0e\x45\x46\x47\x48\x03T\x00\x01\x49\x037\x00\x01\x4b\x031\x00\x01\x01\x01\x01";
        assert_eq!(octets(&request.write()), golden);
        let read = |body: &Element| ProvisionRequest::read(body, ProtocolVersion::V16_1);
        assert_eq!(read(&tree(golden)).as_ref(), Ok(&request));
        request.device_information = Some(DeviceInformation {
            model: Some("m".to_owned()),
            ..DeviceInformation::default()
        });
        request.account_only_remote_wipe = Some(1);
        assert_eq!(read(&request.write()), Ok(request));
        let wrong = Element::new(page::PROVISION).flag(page::REMOTE_WIPE);
        assert_eq!(read(&wrong).unwrap_err().status, 2);
    }

    #[test]
    fn acc_4_responses_both_ways() {
        let mut response = ProvisionResponse {
            status: ProvisionStatus::Success,
            device_information_noted: false,
            policy: Some(PolicyResponse {
                policy_type: "T".to_owned(),
                status: PolicyStatus::Success,
                policy_key: Some(9),
                document: Some(Element::new(page::EAS_PROVISION_DOC).boolean(page::ALLOW_CAMERA, true)),
            }),
            remote_wipe: false,
            account_only_remote_wipe: false,
        };
        let golden =
            b"\x03\x01\x6a\x00\x00\x0e\x45\x4b\x031\x00\x01\x46\x47\x48\x03T\x00\x01\x4b\x031\x00\x01\x49\x039\x00\x01\
            \x4a\x4d\x5c\x031\x00\x01\x01\x01\x01\x01\x01";
        assert_eq!(octets(&response.write()), golden);
        assert_eq!(ProvisionResponse::read(&tree(golden)).as_ref(), Ok(&response));
        response.device_information_noted = true;
        response.account_only_remote_wipe = true;
        assert_eq!(ProvisionResponse::read(&response.write()), Ok(response));
    }
}
