//! The kinds of records (RFC 8621): their properties, filters and text. What a property's value is, is computed while it
//! is written, and only if it was asked for.

mod begun_reply;
mod blob;
mod body_part;
mod deleted_email;
mod email;
mod email_query;
mod header;
mod identity;
mod mailbox;
mod mdn;
mod new_email;
mod principal;
mod push_subscription;
mod quota;
mod share_notification;
mod snippet;
mod state_change;
mod submission;
mod thread;
mod vacation;

pub use begun_reply::{BegunReply, BegunReplyGet};
pub use blob::{BlobGet, BlobInfo, BlobLookup, BlobUpload, DataSourceObject, UploadObject, UploadedBlob};
pub use body_part::{Bodies, BodyPart, BodyPartProperty, BodyPartView, PartPath, Sources, bodies};
pub use deleted_email::{DeletedEmail, DeletedEmailGet, DeletedEmailRestore};
pub use email::{BodyValue, EmailFacts, EmailGet, EmailParse, EmailProperties, EmailProperty, EmailView};
pub use email_query::{EmailCleanUp, EmailCondition, EmailQuery, EmailQueryChanges, EmailSort, email_sorts};
pub use header::{EmailAddress, HeaderForm, HeaderProperty};
pub use identity::{Identity, IdentityProperty, NewIdentity};
pub use mailbox::{
    Mailbox, MailboxCondition, MailboxProperty, MailboxQuery, MailboxQueryChanges, MailboxRights, MailboxRole,
    MailboxView,
};
pub use mdn::{Mdn, MdnDisposition, MdnParse, MdnSend, NewMdn, SentMdn};
pub use new_email::{Defaults, NewEmail};
pub use principal::{Principal, PrincipalCondition, PrincipalProperty, PrincipalType};
pub use push_subscription::{
    NewPushSubscription, PushKeysText, PushSubscription, PushSubscriptionProperty, PushVerification,
};
pub use quota::{Quota, QuotaCondition, QuotaProperty, QuotaResource};
pub use share_notification::{ShareEntity, ShareNotification, ShareNotificationCondition, ShareNotificationProperty};
pub use snippet::{SearchSnippet, SearchSnippetGet};
pub use state_change::StateChange;
pub use submission::{
    DeliveryStatus, EmailSubmission, EmailSubmissionCondition, EmailSubmissionProperty, EmailSubmissionRecall,
    EmailSubmissionSet, Envelope, EnvelopeAddress, NewEmailSubmission, UndoStatus,
};
pub use thread::Thread;
pub use vacation::{VacationProperty, VacationResponse};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::MethodError;

/// Properties of a kind of record that a client asked for, in its order, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Properties<P>(Vec<P>);

impl<P: Property> Properties<P> {
    /// Those named by `names`, or the usual ones; the id comes always.
    ///
    /// # Errors
    /// `invalidArguments` for a name that is none.
    pub fn read(names: Option<&[String]>) -> Result<Self, MethodError> {
        let Some(names) = names else {
            return Ok(Self(P::usual().to_vec()));
        };
        let mut properties: Vec<P> = P::always().to_vec();
        for name in names {
            let property = P::parse(name).ok_or_else(|| MethodError::arguments(format!("no property {name}")))?;
            if !properties.contains(&property) {
                properties.push(property);
            }
        }
        Ok(Self(properties))
    }
    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = &P> {
        self.0.iter()
    }
    /// Whether `property` was asked for.
    #[must_use]
    pub fn has(&self, property: &P) -> bool {
        self.0.contains(property)
    }
}

/// A property of a kind of record.
pub trait Property: Clone + PartialEq + Sized + 'static {
    /// Those that come always.
    fn always() -> &'static [Self];
    /// Those that come when nothing is asked for.
    fn usual() -> &'static [Self];
    /// The property of that name.
    fn parse(name: &str) -> Option<Self>;
}

/// A kind of record whose properties are written one by one.
pub trait Record {
    /// Its properties.
    type Property: Property;
    /// Writes one property.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<M: SerializeMap>(&self, property: &Self::Property, map: &mut M) -> Result<(), M::Error>;
}

/// A record as a client asked for it.
#[derive(Debug)]
pub struct View<'p, R: Record> {
    /// The record.
    pub record: R,
    /// What was asked for.
    pub properties: &'p Properties<R::Property>,
}

impl<R: Record> Serialize for View<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for property in self.properties.iter() {
            self.record.write(property, &mut map)?;
        }
        map.end()
    }
}

macro_rules! plain_properties {
    ($(#[doc = $about:literal])* $name:ident { $($(#[doc = $text:literal])* $variant:ident = $word:literal,)* }) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[doc = $text])* $variant,)*
        }
        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
            /// Its name in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
        impl crate::object::Property for $name {
            fn always() -> &'static [Self] {
                &[Self::Id]
            }
            fn usual() -> &'static [Self] {
                Self::ALL
            }
            fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|property| property.as_str() == name)
            }
        }
    };
}
pub(crate) use plain_properties;
