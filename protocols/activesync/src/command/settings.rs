//! Settings: absence, the device, the member ([MS-ASCMD] §2.2.1.18).

use hongyan_types::Timestamp;

use crate::command::{number, root};
use crate::page::settings as page;
use crate::status::statuses;
use crate::{CommandError, Element, ProtocolVersion, Tag, date};

statuses! {
    /// [MS-ASCMD] §2.2.3.177.15.
    SettingsStatus {
        /// All is well.
        Success = 1,
        /// The request is none.
        ProtocolError = 2,
        /// The member may not.
        AccessDenied = 3,
        /// It cannot be had now.
        ServerUnavailable = 4,
        /// A value is none.
        InvalidArguments = 5,
        /// Values that do not go together.
        ConflictingArguments = 6,
        /// The policy does not allow it.
        DeniedByPolicy = 7,
    }
}

/// What a device says of itself ([MS-ASCMD] §2.2.3.45).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceInformation {
    /// Its model.
    pub model: Option<String>,
    /// Its number as a phone.
    pub imei: Option<String>,
    /// Its name.
    pub friendly_name: Option<String>,
    /// Its system.
    pub os: Option<String>,
    /// The language of that.
    pub os_language: Option<String>,
    /// Its phone number.
    pub phone_number: Option<String>,
    /// Its program.
    pub user_agent: Option<String>,
    /// Who carries its calls.
    pub mobile_operator: Option<String>,
}

impl DeviceInformation {
    /// Of `DeviceInformation`; `None` where nothing is set.
    pub(crate) fn read(element: &Element) -> Option<Self> {
        let set = element.child(page::SET)?;
        let text = |tag| set.text_of(tag).map(str::to_owned);
        Some(Self {
            model: text(page::MODEL),
            imei: text(page::IMEI),
            friendly_name: text(page::FRIENDLY_NAME),
            os: text(page::OS),
            os_language: text(page::OS_LANGUAGE),
            phone_number: text(page::PHONE_NUMBER),
            user_agent: text(page::USER_AGENT),
            mobile_operator: text(page::MOBILE_OPERATOR),
        })
    }

    pub(crate) fn write(&self) -> Element {
        let set = Element::new(page::SET)
            .text_if(page::MODEL, self.model.as_ref())
            .text_if(page::IMEI, self.imei.as_ref())
            .text_if(page::FRIENDLY_NAME, self.friendly_name.as_ref())
            .text_if(page::OS, self.os.as_ref())
            .text_if(page::OS_LANGUAGE, self.os_language.as_ref())
            .text_if(page::PHONE_NUMBER, self.phone_number.as_ref())
            .text_if(page::USER_AGENT, self.user_agent.as_ref())
            .text_if(page::MOBILE_OPERATOR, self.mobile_operator.as_ref());
        Element::new(page::DEVICE_INFORMATION).with(set)
    }
}

/// When absence is told ([MS-ASCMD] §2.2.3.123).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OofState {
    /// Never.
    Disabled,
    /// From now on.
    Global,
    /// Between two moments.
    TimeBased {
        /// From when on.
        start: Timestamp,
        /// Until when.
        end: Timestamp,
    },
}

/// Whom something is told ([MS-ASCMD] §2.2.3.122).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OofAudience {
    /// Members of the organisation.
    Internal,
    /// Others whom the member knows.
    ExternalKnown,
    /// All others.
    ExternalUnknown,
}

impl OofAudience {
    const ALL: [Self; 3] = [Self::Internal, Self::ExternalKnown, Self::ExternalUnknown];

    fn tag(self) -> Tag {
        match self {
            Self::Internal => page::APPLIES_TO_INTERNAL,
            Self::ExternalKnown => page::APPLIES_TO_EXTERNAL_KNOWN,
            Self::ExternalUnknown => page::APPLIES_TO_EXTERNAL_UNKNOWN,
        }
    }
}

/// What is told whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OofMessage {
    /// Whom.
    pub audience: OofAudience,
    /// Whether.
    pub enabled: bool,
    /// What.
    pub reply: Option<String>,
    /// In which form: `TEXT` or `HTML`.
    pub body_type: Option<String>,
}

/// An absence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oof {
    /// When it is told.
    pub state: OofState,
    /// What is told.
    pub messages: Vec<OofMessage>,
}

impl Oof {
    /// Of `Get` in an answer, or `Set`.
    fn read(element: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::new(5, "an absence has no state that there is, or no moments");
        let moment = |tag| element.text_of(tag).and_then(date::read).ok_or(wrong);
        let state = match number::<u8>(element, page::OOF_STATE, wrong)? {
            Some(0) => OofState::Disabled,
            Some(1) => OofState::Global,
            Some(2) => OofState::TimeBased {
                start: moment(page::START_TIME)?,
                end: moment(page::END_TIME)?,
            },
            _ => return Err(wrong),
        };
        let messages = element.children(page::OOF_MESSAGE).map(|message| {
            let audience = OofAudience::ALL
                .into_iter()
                .find(|audience| message.has(audience.tag()));
            Ok(OofMessage {
                audience: audience.ok_or(CommandError::new(5, "an absence is told nobody"))?,
                enabled: message.text_of(page::ENABLED).is_some_and(|text| text.trim() == "1"),
                reply: message.text_of(page::REPLY_MESSAGE).map(str::to_owned),
                body_type: message.text_of(page::BODY_TYPE).map(str::to_owned),
            })
        });
        Ok(Self {
            state,
            messages: messages.collect::<Result<_, _>>()?,
        })
    }

    fn write(&self, tag: Tag) -> Element {
        let (state, moments) = match self.state {
            OofState::Disabled => (0_u8, None),
            OofState::Global => (1, None),
            OofState::TimeBased { start, end } => (2, Some((date::write(start), date::write(end)))),
        };
        let (start, end) = moments.unzip();
        let messages = self.messages.iter().map(|message| {
            Element::new(page::OOF_MESSAGE)
                .flag(message.audience.tag())
                .boolean(page::ENABLED, message.enabled)
                .text_if(page::REPLY_MESSAGE, message.reply.as_ref())
                .text_if(page::BODY_TYPE, message.body_type.as_ref())
        });
        Element::new(tag)
            .number(page::OOF_STATE, state)
            .text_if(page::START_TIME, start)
            .text_if(page::END_TIME, end)
            .with_all(messages)
    }
}

/// What is asked of absence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OofRequest {
    /// What it is, in this form.
    Get {
        /// `TEXT` or `HTML`.
        body_type: String,
    },
    /// This is what it is from now on.
    Set(Oof),
}

/// What is asked: each is answered that is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SettingsRequest {
    /// Absence.
    pub oof: Option<OofRequest>,
    /// Whether a password that unlocks the device is to be kept here. It is not even read: none is kept.
    pub device_password: bool,
    /// What the device says of itself.
    pub device_information: Option<DeviceInformation>,
    /// Whether it is asked who the member is.
    pub user_information: bool,
    /// Whether templates of rights management are asked for.
    pub rights_management: bool,
}

impl SettingsRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 2, 5 for a value, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::SETTINGS)?;
        let oof = body
            .child(page::OOF)
            .map(|oof| match (oof.child(page::GET), oof.child(page::SET)) {
                (Some(get), None) => Ok(OofRequest::Get {
                    body_type: get.text_of(page::BODY_TYPE).unwrap_or("TEXT").to_owned(),
                }),
                (None, Some(set)) => Oof::read(set).map(OofRequest::Set),
                _ => Err(CommandError::new(2, "absence is either asked for or set")),
            });
        Ok(Self {
            oof: oof.transpose()?,
            device_password: body.has(page::DEVICE_PASSWORD),
            device_information: body.child(page::DEVICE_INFORMATION).and_then(DeviceInformation::read),
            user_information: body.has(page::USER_INFORMATION),
            rights_management: body.has(page::RIGHTS_MANAGEMENT_INFORMATION),
        })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let oof = self.oof.as_ref().map(|oof| match oof {
            OofRequest::Get { body_type } => {
                Element::new(page::OOF).with(Element::new(page::GET).text(page::BODY_TYPE, body_type))
            }
            OofRequest::Set(oof) => Element::new(page::OOF).with(oof.write(page::SET)),
        });
        let password = self.device_password.then(|| {
            let set = Element::new(page::SET).flag(page::PASSWORD);
            Element::new(page::DEVICE_PASSWORD).with(set)
        });
        let user = self
            .user_information
            .then(|| Element::new(page::USER_INFORMATION).flag(page::GET));
        let rights = self
            .rights_management
            .then(|| Element::new(page::RIGHTS_MANAGEMENT_INFORMATION).flag(page::GET));
        Element::new(page::SETTINGS)
            .with_all(oof)
            .with_all(password)
            .with_all(self.device_information.as_ref().map(DeviceInformation::write))
            .with_all(user)
            .with_all(rights)
    }
}

/// Who the member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserInformation {
    /// The name.
    pub display_name: Option<String>,
    /// The addresses.
    pub addresses: Vec<String>,
    /// The one of them that mail is sent from.
    pub primary: String,
}

/// What is answered. `None`: it was not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsResponse {
    /// Of the whole.
    pub status: SettingsStatus,
    /// Of absence; with it where it was asked for.
    pub oof: Option<(SettingsStatus, Option<Oof>)>,
    /// Of the password.
    pub device_password: Option<SettingsStatus>,
    /// Of what the device says of itself.
    pub device_information: Option<SettingsStatus>,
    /// Who the member is.
    pub user_information: Option<UserInformation>,
    /// Of the templates of rights management; there are none here.
    pub rights_management: Option<SettingsStatus>,
}

impl SettingsResponse {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let said = |tag, status: SettingsStatus| Element::new(tag).number(page::STATUS, status.number());
        let oof = self
            .oof
            .as_ref()
            .map(|(status, oof)| said(page::OOF, *status).with_all(oof.as_ref().map(|oof| oof.write(page::GET))));
        let user = self.user_information.as_ref().map(|user| {
            let addresses = user.addresses.iter();
            let addresses = Element::new(page::EMAIL_ADDRESSES)
                .with_all(addresses.map(|address| Element::of_text(page::SMTP_ADDRESS, address)))
                .text(page::PRIMARY_SMTP_ADDRESS, &user.primary);
            let account = Element::new(page::ACCOUNT)
                .text_if(page::USER_DISPLAY_NAME, user.display_name.as_ref())
                .with(addresses);
            let accounts = Element::new(page::ACCOUNTS).with(account);
            said(page::USER_INFORMATION, SettingsStatus::Success).with(Element::new(page::GET).with(accounts))
        });
        Element::new(page::SETTINGS)
            .number(page::STATUS, self.status.number())
            .with_all(oof)
            .with_all(self.device_password.map(|status| said(page::DEVICE_PASSWORD, status)))
            .with_all(
                self.device_information
                    .map(|status| said(page::DEVICE_INFORMATION, status)),
            )
            .with_all(user)
            .with_all(
                self.rights_management
                    .map(|status| said(page::RIGHTS_MANAGEMENT_INFORMATION, status)),
            )
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        root(body, page::SETTINGS)?;
        let wrong = CommandError::invalid("Settings answers without a status that there is, or without an address");
        let status = |element: &Element| {
            let status = number(element, page::STATUS, wrong)?.and_then(SettingsStatus::from_number);
            status.ok_or(wrong)
        };
        let said = |tag| body.child(tag).map(status).transpose();
        let oof = body.child(page::OOF).map(|oof| {
            let get = oof.child(page::GET).map(Oof::read).transpose()?;
            Ok((status(oof)?, get))
        });
        let user = body.child(page::USER_INFORMATION).map(|user| {
            let get = user.child(page::GET).and_then(|get| get.child(page::ACCOUNTS));
            let account = get.and_then(|accounts| accounts.child(page::ACCOUNT)).ok_or(wrong)?;
            let addresses = account.child(page::EMAIL_ADDRESSES).ok_or(wrong)?;
            let list = addresses.children(page::SMTP_ADDRESS);
            Ok(UserInformation {
                display_name: account.text_of(page::USER_DISPLAY_NAME).map(str::to_owned),
                addresses: list.map(|address| address.own_text().to_owned()).collect(),
                primary: addresses.text_of(page::PRIMARY_SMTP_ADDRESS).ok_or(wrong)?.to_owned(),
            })
        });
        Ok(Self {
            status: status(body)?,
            oof: oof.transpose()?,
            device_password: said(page::DEVICE_PASSWORD)?,
            device_information: said(page::DEVICE_INFORMATION)?,
            user_information: user.transpose()?,
            rights_management: said(page::RIGHTS_MANAGEMENT_INFORMATION)?,
        })
    }
}

#[cfg(test)]
#[path = "settings_test.rs"]
mod tests;
