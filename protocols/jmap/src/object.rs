//! The kinds of records (RFC 8621): their properties, filters and text. What a property's value is, is computed while it
//! is written, and only if it was asked for.

mod body_part;
mod email;
mod email_query;
mod header;
mod identity;
mod mailbox;
mod new_email;
mod snippet;
mod state_change;
mod thread;

pub use body_part::{Bodies, BodyPart, BodyPartProperty, BodyPartView, PartPath, Sources, bodies};
pub use email::{BodyValue, EmailFacts, EmailGet, EmailProperties, EmailProperty, EmailView};
pub use email_query::{EmailCondition, EmailQuery, EmailQueryChanges, EmailSort, email_sorts};
pub use header::{EmailAddress, HeaderForm, HeaderProperty};
pub use identity::{Identity, IdentityProperty, IdentityView};
pub use mailbox::{
    Mailbox, MailboxCondition, MailboxProperty, MailboxQuery, MailboxQueryChanges, MailboxRights, MailboxRole,
    MailboxView,
};
pub use new_email::{Defaults, NewEmail};
pub use snippet::{SearchSnippet, SearchSnippetGet};
pub use state_change::StateChange;
pub use thread::Thread;

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
