//! The statuses that every command knows ([MS-ASCMD] §2.2.2), and what is said of a request that is none.

/// An enum of statuses with their numbers; whatever else is said is one that every command knows, or nobody.
macro_rules! statuses {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
            /// One that every command knows.
            Common($crate::Status),
        }

        impl $name {
            /// Its number on the wire.
            #[must_use]
            pub fn number(self) -> u16 {
                match self {
                    $(Self::$variant => $number,)*
                    Self::Common(status) => status.number(),
                }
            }

            /// Of a number on the wire; `None` for one that nobody knows.
            #[must_use]
            pub fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    other => $crate::Status::from_number(other).map(Self::Common),
                }
            }
        }
    };
}
pub(crate) use statuses;

macro_rules! common {
    ($($(#[$doc:meta])* $variant:ident = $number:literal,)*) => {
        /// A status that every command knows ([MS-ASCMD] §2.2.2).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Status {
            $($(#[$doc])* $variant,)*
        }

        impl Status {
            /// Its number on the wire.
            #[must_use]
            pub fn number(self) -> u16 {
                match self { $(Self::$variant => $number,)* }
            }

            /// Of a number on the wire; `None` for one that is not common.
            #[must_use]
            pub fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

common! {
    /// The body does not belong to the command.
    InvalidContent = 101,
    /// The body is no WBXML.
    InvalidWbxml = 102,
    /// An element is missing, too many, or has the wrong value.
    InvalidXml = 103,
    /// A date is none.
    InvalidDateTime = 104,
    /// Identifiers that do not go together.
    InvalidCombinationOfIds = 105,
    /// An identifier that names nothing.
    InvalidIds = 106,
    /// The mail is none.
    InvalidMime = 107,
    /// The device does not say which it is.
    DeviceIdMissingOrInvalid = 108,
    /// The device does not say of what kind it is.
    DeviceTypeMissingOrInvalid = 109,
    /// It failed here; asking again does not help.
    ServerError = 110,
    /// It failed here; asking again may help.
    ServerErrorRetryLater = 111,
    /// The directory refuses.
    ActiveDirectoryAccessDenied = 112,
    /// The mailbox is full.
    MailboxQuotaExceeded = 113,
    /// The mailbox cannot be reached.
    MailboxServerOffline = 114,
    /// No more may be sent for now.
    SendQuotaExceeded = 115,
    /// A recipient is nobody.
    MessageRecipientUnresolved = 116,
    /// Nobody may answer to this.
    MessageReplyNotAllowed = 117,
    /// It was sent already.
    MessagePreviouslySent = 118,
    /// Nobody is to have it.
    MessageHasNoRecipient = 119,
    /// It could not be sent.
    MailSubmissionFailed = 120,
    /// The answer could not be made.
    MessageReplyFailed = 121,
    /// An attachment is too large.
    AttachmentIsTooLarge = 122,
    /// The member has no mailbox.
    UserHasNoMailbox = 123,
    /// Nobody is no member.
    UserCannotBeAnonymous = 124,
    /// The member is not known.
    UserPrincipalCouldNotBeFound = 125,
    /// The member may not use ActiveSync.
    UserDisabledForSync = 126,
    /// The device is not let in.
    DeviceIsBlockedForThisUser = 129,
    /// The member may not do this.
    AccessDenied = 130,
    /// The member's account is closed.
    AccountDisabled = 131,
    /// Where the device was is not known: all begins anew.
    SyncStateNotFound = 132,
    /// Another request of the device is under way.
    SyncStateLocked = 133,
    /// Where the device was cannot be read.
    SyncStateCorrupt = 134,
    /// That has begun already.
    SyncStateAlreadyExists = 135,
    /// Where the device was, was written by another version.
    SyncStateVersionInvalid = 136,
    /// There is no such command.
    CommandNotSupported = 137,
    /// The version does not know this.
    VersionNotSupported = 138,
    /// The device cannot keep the policy.
    DeviceNotFullyProvisionable = 139,
    /// The device is to wipe itself: it asks for the policy.
    RemoteWipeRequested = 140,
    /// An old device, which knows no policy.
    LegacyDeviceOnStrictPolicy = 141,
    /// The device has no policy yet: it asks for one.
    DeviceNotProvisioned = 142,
    /// The policy has changed: the device asks for it.
    PolicyRefresh = 143,
    /// The policy's key is not the device's: it asks for one.
    InvalidPolicyKey = 144,
    /// Devices that others manage are not let in.
    ExternallyManagedDevicesNotAllowed = 145,
    /// A calendar that cannot recur.
    NoRecurrenceInCalendar = 146,
    /// An item of another class.
    UnexpectedItemClass = 147,
    /// A remote server speaks no TLS.
    RemoteServerHasNoSsl = 148,
    /// What the request leaves out was never said.
    InvalidStoredRequest = 149,
    /// There is no such item.
    ItemNotFound = 150,
    /// More folders than a device may have.
    TooManyFolders = 151,
    /// There are no folders.
    NoFoldersFound = 152,
    /// Items got lost as they were moved.
    ItemsLostAfterMove = 153,
    /// It could not be moved.
    FailureInMoveOperation = 154,
    /// A conversation moves for good or not at all.
    MoveCommandDisallowedForNonPersistentMoveAction = 155,
    /// It cannot be moved there.
    MoveCommandInvalidDestinationFolder = 156,
    /// Availability of too many is asked for.
    AvailabilityTooManyRecipients = 160,
    /// Availability of too large a list is asked for.
    AvailabilityDlLimitReached = 161,
    /// Availability is not known for now.
    AvailabilityTransientFailure = 162,
    /// Availability is not known.
    AvailabilityFailure = 163,
    /// Only HTML can be had of a part of a body.
    BodyPartPreferenceTypeNotSupported = 164,
    /// The device says first what it is.
    DeviceInformationRequired = 165,
    /// There is no such account.
    InvalidAccountId = 166,
    /// This account may not send.
    AccountSendDisabled = 167,
    /// There is no rights management.
    IrmFeatureDisabled = 168,
    /// There is no picture.
    NoPicture = 173,
    /// The picture is larger than asked for.
    PictureTooLarge = 174,
    /// There are as many pictures as were asked for.
    PictureLimitReached = 175,
    /// The conversation is too large for parts of its bodies.
    BodyPartConversationTooLarge = 176,
    /// The member has as many devices as may be.
    MaximumDevicesReached = 177,
    /// A body in MIME and in a field.
    InvalidMimeBodyCombination = 178,
    /// Forwarding with what does not go together.
    InvalidSmartForwardParameters = 179,
    /// A recipient's address is none.
    InvalidRecipients = 183,
}

/// Why a body is no request of its command: the answer bears the status, the log the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct CommandError {
    /// What the command answers.
    pub status: u16,
    /// What is wrong.
    pub text: &'static str,
}

impl CommandError {
    pub(crate) const fn new(status: u16, text: &'static str) -> Self {
        Self { status, text }
    }

    /// An element is missing or has the wrong value: 103.
    pub(crate) const fn invalid(text: &'static str) -> Self {
        Self::new(103, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    statuses! {
        /// Some.
        Some {
            /// All is well.
            Success = 1,
        }
    }

    #[test]
    fn numbers_there_and_back() {
        for number in 0..=300 {
            match Some::from_number(number) {
                Option::Some(status) => assert_eq!(status.number(), number),
                None => assert_eq!(Status::from_number(number), None),
            }
        }
        assert_eq!(Some::from_number(1), Option::Some(Some::Success));
        assert_eq!(Some::Common(Status::PolicyRefresh).number(), 143);
        assert_eq!(Some::from_number(2), None);
    }
}
