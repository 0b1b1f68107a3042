//! The query of the request line ([MS-ASHTTP] §2.2.1.1.1), in either form: plain, `Cmd=Sync&User=anna&DeviceId=..&DeviceType=..`,
//! or base64 of octets (§2.2.1.1.1.1), which also says what headers say otherwise: version, policy key and language.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::ProtocolVersion;

/// Longest device identifier, in octets; the documents have 32, some devices more.
pub const DEVICE_ID_OCTETS_MAX: usize = 64;
/// Longest query that is read, in octets.
pub const QUERY_OCTETS_MAX: usize = 4_096;

macro_rules! commands {
    ($($(#[$doc:meta])* $variant:ident = $number:literal,)*) => {
        /// A command, with its number in the base64 form ([MS-ASHTTP] §2.2.1.1.1.1.2).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Command {
            $($(#[$doc])* $variant,)*
        }

        impl Command {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its number in the base64 form.
            #[must_use]
            pub fn number(self) -> u8 {
                match self { $(Self::$variant => $number,)* }
            }

            /// Its name in the plain form, and in `MS-ASProtocolCommands`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }
        }
    };
}

commands! {
    /// Changes of folders' items, both ways.
    Sync = 0,
    /// Sends a mail.
    SendMail = 1,
    /// Forwards a mail with what was written above it.
    SmartForward = 2,
    /// Answers a mail with what was written above it.
    SmartReply = 3,
    /// An attachment, as versions before 14 ask for it.
    GetAttachment = 4,
    /// The folders and their changes.
    FolderSync = 9,
    /// A new folder.
    FolderCreate = 10,
    /// A folder goes.
    FolderDelete = 11,
    /// A folder is renamed or moved.
    FolderUpdate = 12,
    /// Items go to another folder.
    MoveItems = 13,
    /// How many changes there are.
    GetItemEstimate = 14,
    /// An answer to an invitation.
    MeetingResponse = 15,
    /// Looks for mails or people.
    Search = 16,
    /// Absence, the device, the member.
    Settings = 17,
    /// Waits for changes.
    Ping = 18,
    /// Single items, attachments, emptying a folder.
    ItemOperations = 19,
    /// The policy for devices.
    Provision = 20,
    /// Who a name is.
    ResolveRecipients = 21,
    /// Whether a certificate is good.
    ValidateCert = 22,
    /// Looks for mails or people, from 16.1.
    Find = 23,
}

impl Command {
    /// Of its name; capitals are told apart, as Exchange does.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|command| command.name() == name)
    }

    /// Of its number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|command| command.number() == number)
    }
}

/// What the request line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLine {
    /// What is asked.
    pub command: Command,
    /// Which device asks: up to [`DEVICE_ID_OCTETS_MAX`] visible ASCII characters. One that is sent as other octets is in hexadecimal.
    pub device_id: String,
    /// Of what kind it is; empty where the base64 form leaves it out.
    pub device_type: String,
    /// Who says to be at it; the credentials decide.
    pub user: Option<String>,
    /// The folder of the mail that is answered or forwarded (before 14.0).
    pub collection_id: Option<String>,
    /// That mail (before 14.0).
    pub item_id: Option<String>,
    /// Whether what is sent is kept (before 14.0).
    pub save_in_sent: bool,
    /// Whether the answer may come in several parts.
    pub accept_multi_part: bool,
    /// The attachment of `GetAttachment`.
    pub attachment_name: Option<String>,
    /// A mail that was found by a search (before 14.0).
    pub long_id: Option<String>,
    /// Which one of a meeting that recurs (before 14.0).
    pub occurrence: Option<String>,
    /// The version, in the base64 form alone; the plain form has it in `MS-ASProtocolVersion`.
    pub protocol_version: Option<ProtocolVersion>,
    /// The policy's key, in the base64 form alone; the plain form has it in `X-MS-PolicyKey`.
    pub policy_key: Option<u32>,
    /// The language, a Windows locale, in the base64 form alone; the plain form has it in `Accept-Language`.
    pub locale: Option<u16>,
}

/// Why a query is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestLineError {
    /// It is longer than [`QUERY_OCTETS_MAX`].
    #[error("the query has more than {QUERY_OCTETS_MAX} octets")]
    TooLong,
    /// It is in neither form.
    #[error("the query is none of ActiveSync")]
    Malformed,
    /// There is no such command.
    #[error("there is no such command")]
    Command,
    /// There is no such version.
    #[error("this version is not spoken")]
    Version,
    /// `DeviceId` is missing, too long, or has what no identifier has.
    #[error("the device has no valid identifier")]
    DeviceId,
    /// `DeviceType` is missing or has what none has.
    #[error("the device has no valid type")]
    DeviceType,
}

impl RequestLine {
    fn of(command: Command) -> Self {
        Self {
            command,
            device_id: String::new(),
            device_type: String::new(),
            user: None,
            collection_id: None,
            item_id: None,
            save_in_sent: false,
            accept_multi_part: false,
            attachment_name: None,
            long_id: None,
            occurrence: None,
            protocol_version: None,
            policy_key: None,
            locale: None,
        }
    }
}

/// Reads the query, without the question mark.
///
/// # Errors
/// See [`RequestLineError`].
pub fn parse(query: &str) -> Result<RequestLine, RequestLineError> {
    if query.len() > QUERY_OCTETS_MAX {
        return Err(RequestLineError::TooLong);
    }
    let is_plain = query.split('&').any(|pair| {
        pair.split_once('=')
            .is_some_and(|(key, _)| key.eq_ignore_ascii_case("Cmd"))
    });
    if is_plain { plain(query) } else { octets(query) }
}

fn is_visible(text: &str, octets_max: usize) -> bool {
    !text.is_empty() && text.len() <= octets_max && text.bytes().all(|octet| octet.is_ascii_graphic())
}

/// Undoes percent-encoding; a plus is a plus, since addresses have it.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    Some(octets)
}

fn plain(query: &str) -> Result<RequestLine, RequestLineError> {
    let mut command = None;
    let mut line = RequestLine::of(Command::Sync);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or(RequestLineError::Malformed)?;
        let value = unescape(value).ok_or(RequestLineError::Malformed)?;
        let value = String::from_utf8(value).map_err(|_| RequestLineError::Malformed)?;
        match key.to_ascii_lowercase().as_str() {
            "cmd" => command = Some(Command::from_name(&value).ok_or(RequestLineError::Command)?),
            "user" => line.user = Some(value),
            "deviceid" => line.device_id = value,
            "devicetype" => line.device_type = value,
            "collectionid" => line.collection_id = Some(value),
            "itemid" => line.item_id = Some(value),
            "saveinsent" => line.save_in_sent = value == "T",
            "attachmentname" => line.attachment_name = Some(value),
            "longid" => line.long_id = Some(value),
            "occurrence" => line.occurrence = Some(value),
            // Devices add what servers of their makers know.
            _ => {}
        }
    }
    line.command = command.ok_or(RequestLineError::Command)?;
    if !is_visible(&line.device_id, DEVICE_ID_OCTETS_MAX) {
        return Err(RequestLineError::DeviceId);
    }
    if !is_visible(&line.device_type, DEVICE_ID_OCTETS_MAX) {
        return Err(RequestLineError::DeviceType);
    }
    Ok(line)
}

/// Cuts fields off their octets.
struct Fields<'q>(&'q [u8]);

impl<'q> Fields<'q> {
    fn octet(&mut self) -> Result<u8, RequestLineError> {
        let (octet, rest) = self.0.split_first().ok_or(RequestLineError::Malformed)?;
        self.0 = rest;
        Ok(*octet)
    }

    /// As many octets as the first says.
    fn field(&mut self) -> Result<&'q [u8], RequestLineError> {
        let length = usize::from(self.octet()?);
        let (field, rest) = self.0.split_at_checked(length).ok_or(RequestLineError::Malformed)?;
        self.0 = rest;
        Ok(field)
    }
}

fn text(field: &[u8]) -> Result<String, RequestLineError> {
    String::from_utf8(field.to_vec()).map_err(|_| RequestLineError::Malformed)
}

fn octets(query: &str) -> Result<RequestLine, RequestLineError> {
    let query = unescape(query).ok_or(RequestLineError::Malformed)?;
    let end = query
        .iter()
        .rposition(|octet| *octet != b'=')
        .map_or(0, |last| last + 1);
    let unpadded = query.get(..end).ok_or(RequestLineError::Malformed)?;
    let octets = STANDARD_NO_PAD
        .decode(unpadded)
        .map_err(|_| RequestLineError::Malformed)?;
    let mut fields = Fields(&octets);
    let version = ProtocolVersion::from_number(fields.octet()?).ok_or(RequestLineError::Version)?;
    let command = Command::from_number(fields.octet()?).ok_or(RequestLineError::Command)?;
    let mut line = RequestLine::of(command);
    line.protocol_version = Some(version);
    line.locale = Some(u16::from_le_bytes([fields.octet()?, fields.octet()?]));
    line.device_id = match fields.field()? {
        octets if octets.iter().all(u8::is_ascii_graphic) => text(octets)?,
        octets => octets.iter().map(|octet| format!("{octet:02X}")).collect(),
    };
    if !is_visible(&line.device_id, DEVICE_ID_OCTETS_MAX) {
        return Err(RequestLineError::DeviceId);
    }
    line.policy_key = match fields.field()? {
        [] => None,
        key => Some(u32::from_le_bytes(
            key.try_into().map_err(|_| RequestLineError::Malformed)?,
        )),
    };
    line.device_type = text(fields.field()?)?;
    if !line.device_type.is_empty() && !is_visible(&line.device_type, DEVICE_ID_OCTETS_MAX) {
        return Err(RequestLineError::DeviceType);
    }
    while !fields.0.is_empty() {
        let tag = fields.octet()?;
        let value = fields.field()?;
        match tag {
            0 => line.attachment_name = Some(text(value)?),
            1 => line.collection_id = Some(text(value)?),
            3 => line.item_id = Some(text(value)?),
            4 => line.long_id = Some(text(value)?),
            6 => line.occurrence = Some(text(value)?),
            7 => {
                let bits = value.first().copied().ok_or(RequestLineError::Malformed)?;
                line.save_in_sent = bits & 0x01 != 0;
                line.accept_multi_part = bits & 0x02 != 0;
            }
            8 => line.user = Some(text(value)?),
            // Reserved: parents and names of folders, of versions that are gone.
            _ => {}
        }
    }
    Ok(line)
}

impl RequestLine {
    /// Writes the base64 form, as a client sends it; `None` if a field is longer than 255 octets, or there is no version.
    #[must_use]
    pub fn base64(&self) -> Option<String> {
        fn field(octets: &mut Vec<u8>, value: &[u8]) -> Option<()> {
            octets.push(u8::try_from(value.len()).ok()?);
            octets.extend_from_slice(value);
            Some(())
        }
        let mut octets = vec![self.protocol_version?.number(), self.command.number()];
        octets.extend(self.locale.unwrap_or_default().to_le_bytes());
        field(&mut octets, self.device_id.as_bytes())?;
        match self.policy_key {
            Some(key) => field(&mut octets, &key.to_le_bytes())?,
            None => field(&mut octets, &[])?,
        }
        field(&mut octets, self.device_type.as_bytes())?;
        for (tag, value) in [
            (0, &self.attachment_name),
            (1, &self.collection_id),
            (3, &self.item_id),
            (4, &self.long_id),
            (6, &self.occurrence),
            (8, &self.user),
        ] {
            if let Some(value) = value {
                octets.push(tag);
                field(&mut octets, value.as_bytes())?;
            }
        }
        if self.save_in_sent || self.accept_multi_part {
            octets.extend([
                7,
                1,
                u8::from(self.save_in_sent) | u8::from(self.accept_multi_part) << 1,
            ]);
        }
        Some(base64::engine::general_purpose::STANDARD.encode(octets))
    }
}

#[cfg(test)]
#[path = "request_line_test.rs"]
mod tests;
