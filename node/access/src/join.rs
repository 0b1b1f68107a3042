//! Who comes by an invitation: what it offers, what is wrong with what they typed, and letting them in (MEM-3, MEM-5, MEM-8).
//!
//! The one way in for the page and for the API. Whoever shows an invitation has not signed in: its text is the right to join.

use std::sync::Arc;

use hongyan_audit::{Author, AuthorKind};
use hongyan_directory::{
    AccountRecord, AccountState, Error, InvitationRecord, InvitationStanding, Joined, Joiner, RequestKey,
};
use hongyan_notice::{Recipient, Text};
use hongyan_sasl::Secret;
use hongyan_types::Address;

use crate::{Access, AccessError, PasswordOwner, PasswordRule};

/// What an invitation that was shown is for.
#[derive(Debug, Clone)]
pub struct JoinOffer {
    /// The invitation.
    pub invitation: InvitationRecord,
    /// The member who is there already and whom it lets in.
    pub account: Option<Arc<AccountRecord>>,
    /// The organisation's name.
    pub organisation: String,
}

/// What whoever joins says.
#[derive(Debug, Clone)]
pub struct JoinWish {
    /// The address wanted, or the part before the domain; not for one whose address is there already.
    pub address: Option<String>,
    /// Their name.
    pub display_name: String,
    /// Their phone; may be empty.
    pub mobile: String,
    /// Where they can be told outside; may be empty.
    pub private_address: String,
    /// The password that they choose.
    pub password: Secret,
}

/// Why an invitation lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinEnd {
    /// It was taken back, is not whole, or let its person in already.
    Unknown,
    /// Its time is over.
    Over,
    /// As many have joined by it as may.
    UsedUp,
    /// The organisation is suspended.
    Closed,
}

/// Why somebody has not joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The invitation lets nobody in.
    #[error("the invitation is over, or was taken back")]
    Ended(JoinEnd),
    /// The address wanted is none, or none that the invitation is for.
    #[error("{0}")]
    Address(String),
    /// Sign-in or the directory said no; a bad password, a taken address and a limit among it.
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl From<Error> for JoinError {
    fn from(error: Error) -> Self {
        Self::Access(error.into())
    }
}

impl JoinOffer {
    /// The address that `asked` means here.
    ///
    /// # Errors
    /// `Address` says what is wrong with it.
    pub fn address(&self, asked: Option<&str>) -> Result<Address, JoinError> {
        let asked = asked.map(str::trim).filter(|asked| !asked.is_empty());
        let domain = &self.invitation.domain;
        let whole = match (&self.account, asked) {
            (Some(account), None) => return Ok(account.address.clone()),
            (Some(_), Some(_)) => return Err(JoinError::Address("address: it is there already".to_owned())),
            (None, None) => return Err(JoinError::Address("address: say which you want".to_owned())),
            (None, Some(asked)) if asked.contains('@') => asked.to_owned(),
            (None, Some(asked)) => format!("{asked}@{domain}"),
        };
        let address = Address::try_from(whole.as_str());
        let address = address.map_err(|error| JoinError::Address(format!("{whole}: {error}")))?;
        match address.domain == *domain {
            true => Ok(address),
            false => Err(JoinError::Address(format!(
                "address: the invitation is for addresses of {domain}"
            ))),
        }
    }

    fn owner<'a>(&'a self, address: &'a Address, display_name: &'a str) -> PasswordOwner<'a> {
        let account = self.account.as_deref();
        PasswordOwner {
            address,
            aliases: account.map_or(&[], |account| account.aliases.as_slice()),
            display_name: match display_name.trim() {
                "" => account.map_or("", |account| account.display_name.as_str()),
                name => name,
            },
        }
    }
}

impl Access {
    /// What an invitation is for whose text is `text`.
    ///
    /// # Errors
    /// `Ended`; `Access` when the directory failed.
    pub async fn join_offer(&self, text: &str) -> Result<JoinOffer, JoinError> {
        let directory = &self.0.directory;
        let found = directory.invitation_found(self.invitation_hash(text)).await?;
        let (invitation, standing) = found.ok_or(JoinError::Ended(JoinEnd::Unknown))?;
        match standing {
            InvitationStanding::Open => {}
            InvitationStanding::Revoked => return Err(JoinError::Ended(JoinEnd::Unknown)),
            InvitationStanding::Over => return Err(JoinError::Ended(JoinEnd::Over)),
            InvitationStanding::UsedUp => return Err(JoinError::Ended(JoinEnd::UsedUp)),
            InvitationStanding::Closed => return Err(JoinError::Ended(JoinEnd::Closed)),
        }
        let account = match invitation.account {
            None => None,
            Some(id) => {
                let account = directory.account(id).await?;
                let waits = account.filter(|account| account.state == AccountState::Invited);
                Some(waits.ok_or(JoinError::Ended(JoinEnd::Unknown))?)
            }
        };
        let organisation = directory.tenant(invitation.tenant).await?.name.clone();
        Ok(JoinOffer {
            invitation,
            account,
            organisation,
        })
    }

    /// The rules that a password breaks which whoever joins has typed; none when it may be theirs.
    #[must_use]
    pub fn join_password_broken(&self, offer: &JoinOffer, wish: &JoinWish) -> Vec<PasswordRule> {
        // With no address yet, there is nothing of it that the password could have in it.
        let address = offer.address(wish.address.as_deref());
        let address = address.or_else(|_| offer.address(Some("-")));
        match address {
            Ok(address) => self.password_broken(&offer.owner(&address, &wish.display_name), &wish.password),
            Err(_) => Vec::new(),
        }
    }

    /// Lets somebody in, or has them wait for an administrator, who is told.
    ///
    /// # Errors
    /// `Address`; `Access` for a bad password, an address that is taken, a limit, too much to do; `Ended` when the last place
    /// went to somebody else meanwhile.
    pub async fn join_by_invitation(&self, offer: &JoinOffer, wish: &JoinWish) -> Result<Joined, JoinError> {
        let address = offer.address(wish.address.as_deref())?;
        self.check_password(&offer.owner(&address, &wish.display_name), &wish.password)?;
        let directory = &self.0.directory;
        let credential = match &offer.account {
            Some(account) => self.hash_password_of(account.id, &wish.password).await?,
            None => self.hash_password(&wish.password).await?,
        };
        let invitation = &offer.invitation;
        let name = wish.display_name.trim();
        let notice = invitation.review.then(|| {
            directory.notice(
                Recipient::Administrators(invitation.tenant),
                "application.waits",
                Text::new(
                    &format!("{address} wants to join"),
                    &format!("{name} wants to join as {address} and waits for an answer.\n"),
                ),
                Text::new(
                    &format!("{address} 申请加入"),
                    &format!("{name} 申请以 {address} 加入，等待审核。\n"),
                ),
            )
        });
        let joiner = Joiner {
            hash: invitation.hash,
            address: offer.account.is_none().then_some(address),
            display_name: name.to_owned(),
            mobile: wish.mobile.trim().to_owned(),
            private_address: wish.private_address.trim().to_owned(),
            credential,
            notice,
        };
        let author = Author {
            kind: AuthorKind::System,
            id: Some(u64::from(invitation.id.0)),
            name: format!("invitation {}", invitation.id),
            from: String::new(),
        };
        let joined = directory.acting(author, None::<RequestKey>).join(&joiner).await;
        match joined {
            Ok(Joined::Member(account)) => {
                self.account_changed(account.id).await?;
                tracing::info!(account = account.id.0, "joined by invitation");
                Ok(Joined::Member(account))
            }
            Ok(waits) => Ok(waits),
            Err(Error::NotFound { what: "invitation", .. }) => Err(JoinError::Ended(JoinEnd::UsedUp)),
            Err(error) => Err(error.into()),
        }
    }
}
