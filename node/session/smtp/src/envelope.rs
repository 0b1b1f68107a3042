//! MAIL and RCPT: may this sender send, and does this recipient exist.

use std::sync::Arc;

use hongyan_delivery::{DeliveryRecipient, Target};
use hongyan_directory::{GroupTargets, Limit, Poster, Recipient, Resolution, Restrictions, SenderRights, Sending, Via};
use hongyan_smtp::server::Mode;
use hongyan_smtp::{Enhanced, ForwardPath, Mail, Mailbox, Rcpt, Reply};
use hongyan_types::{Address, Domain, LocalPart};

use crate::conversation::Conversation;

/// Sender and recipients of the transaction under way.
#[derive(Debug)]
pub(crate) struct Envelope {
    pub(crate) sender: Option<Address>,
    /// As whom the account that signed in may send.
    pub(crate) rights: Option<SenderRights>,
    /// What the operator has stopped of that account (ORG-16).
    pub(crate) restricted: Restrictions,
    pub(crate) mail: Mail,
    /// When it leaves, if not at once.
    pub(crate) not_before_millis: Option<i64>,
    pub(crate) recipients: Vec<DeliveryRecipient>,
}

impl Conversation {
    pub(crate) async fn mail(&mut self, mail: Mail) -> Reply {
        self.envelope = None;
        let sender = match &mail.reverse_path {
            None => None,
            Some(path) => match address(path) {
                Some(address) => Some(address),
                None => return BAD_SENDER,
            },
        };
        let rights = match &self.account {
            Some(account) => match self.service.services.directory.sender_rights(account).await {
                Ok(rights) => Some(rights),
                Err(error) => {
                    tracing::warn!(event = "smtp_directory_failed", %error);
                    return SENDER_UNCHECKED;
                }
            },
            None => None,
        };
        let restricted = match self.restrictions().await {
            Ok(restricted) if restricted.sending => return SENDING_STOPPED,
            Ok(restricted) => restricted,
            Err(reply) => return reply,
        };
        // The null sender is for reports about mail one has got, such as read receipts: clients may send those.
        if let (Some(rights), Some(sender)) = (&rights, &sender)
            && rights.sending(sender) == Sending::No
        {
            return FOREIGN_SENDER;
        }
        let not_before_millis = match self.held_until(&mail) {
            Ok(not_before_millis) => not_before_millis,
            Err(reply) => return reply,
        };
        self.envelope = Some(Envelope {
            sender,
            rights,
            restricted,
            mail,
            not_before_millis,
            recipients: Vec::new(),
        });
        Reply::fixed(250, Enhanced(2, 1, 0), "Sender ok")
    }

    pub(crate) async fn rcpt(&mut self, rcpt: Rcpt) -> Reply {
        let (outcome, reply) = match self.resolve(&rcpt).await {
            Ok((address, target)) => {
                if let Some(envelope) = &mut self.envelope {
                    envelope.recipients.push(DeliveryRecipient {
                        address,
                        target,
                        original: rcpt.orcpt.map(|orcpt| (orcpt.address_type, orcpt.address)),
                        notify: rcpt.notify,
                    });
                }
                ("accepted", Reply::fixed(250, Enhanced(2, 1, 5), "Recipient ok"))
            }
            Err(reply) if reply.is_temporary() => ("deferred", reply),
            Err(reply) => ("refused", reply),
        };
        let service = &self.service;
        service
            .metrics
            .recipients
            .with_label_values(&[service.settings.name(), outcome])
            .inc();
        reply
    }

    async fn resolve(&self, rcpt: &Rcpt) -> Result<(Address, Target), Reply> {
        let directory = &self.service.services.directory;
        let (address, resolution) = match &rcpt.path {
            // RFC 5321 §4.5.1: with no domain it is ours.
            ForwardPath::Postmaster => (
                self.postmaster().ok_or(NO_SUCH_USER)?,
                directory.resolve_postmaster().await,
            ),
            ForwardPath::Mailbox(mailbox) => {
                let address = address(mailbox).ok_or(BAD_RECIPIENT)?;
                let resolution = match directory.resolve(&address).await {
                    Ok(Resolution::NotLocal) if self.is_this_host(&address.domain) => {
                        self.resolve_at_host(&address).await
                    }
                    resolution => resolution,
                };
                (address, resolution)
            }
        };
        let resolution = resolution.map_err(|error| {
            tracing::warn!(event = "smtp_directory_failed", %error);
            DIRECTORY_FAILED
        })?;
        let target = match resolution {
            Resolution::Account(recipient) => {
                self.check_declared(&recipient).await?;
                Target::Account(recipient)
            }
            Resolution::Group(group) => self.group(group)?,
            Resolution::GroupTooLarge(_) => return Err(GROUP_TOO_LARGE),
            Resolution::GroupEmpty(_) => return Err(GROUP_EMPTY),
            Resolution::NotLocal if self.stays_inside() => return Err(OUTSIDE_STOPPED),
            Resolution::NotLocal if self.account.is_some() && !address.domain.is_literal() => Target::Remote,
            Resolution::NotLocal => return Err(RELAYING_DENIED),
            Resolution::NoSuchUser => return Err(NO_SUCH_USER),
            Resolution::Suspended => return Err(SUSPENDED),
        };
        Ok((address, target))
    }

    /// Refuses a message that says it is larger than the recipient takes; the octets that come are looked at on delivery.
    async fn check_declared(&self, recipient: &Recipient) -> Result<(), Reply> {
        let Some(size) = self.envelope.as_ref().and_then(|envelope| envelope.mail.size) else {
            return Ok(());
        };
        let limits = self.service.services.directory.limits_of(&recipient.account).await;
        let limits = limits.map_err(|error| {
            tracing::warn!(event = "smtp_directory_failed", %error);
            DIRECTORY_FAILED
        })?;
        match limits.of(Limit::MessageOctetsMax).excess(size) {
            Some(text) => Err(Reply::new(
                552,
                Enhanced(5, 2, 3),
                format!("Message is too large: {text}"),
            )),
            None => Ok(()),
        }
    }

    /// What the operator has stopped of whoever has signed in.
    async fn restrictions(&self) -> Result<Restrictions, Reply> {
        let Some(account) = &self.account else {
            return Ok(Restrictions::default());
        };
        let found = self.service.services.directory.restrictions_of(account).await;
        found.map_err(|error| {
            tracing::warn!(event = "smtp_directory_failed", %error);
            SENDER_UNCHECKED
        })
    }

    fn stays_inside(&self) -> bool {
        self.envelope
            .as_ref()
            .is_some_and(|envelope| envelope.restricted.sending_outside)
    }

    /// A group as the sender at hand may reach it. What comes back from its members is its owner's (RFC 5321 §3.9.2).
    fn group(&self, group: Arc<GroupTargets>) -> Result<Target, Reply> {
        let sender = self.envelope.as_ref().and_then(|envelope| envelope.sender.as_ref());
        if let (None, Some(owner)) = (sender, &group.owner) {
            return Ok(Target::Account(Recipient {
                account: Arc::clone(owner),
                detail: None,
                via: Via::Alias,
            }));
        }
        let poster = Poster {
            account: self.account.as_deref(),
            sender,
        };
        if !group.takes_from(poster) {
            return Err(MAY_NOT_POST);
        }
        if !group.remote.is_empty() && self.stays_inside() {
            return Err(OUTSIDE_STOPPED);
        }
        Ok(Target::Group(group))
    }

    /// Whether the domain names this node and no mail domain: its host name, or the address it was reached at.
    fn is_this_host(&self, domain: &Domain) -> bool {
        let here = self.connection.local().ip().to_canonical();
        *domain == self.service.settings.host_name
            || domain.literal_address().map(|address| address.to_canonical()) == Some(here)
    }

    /// RFC 5321 §4.5.1: the host's own postmaster; nobody else has an address there.
    async fn resolve_at_host(&self, address: &Address) -> hongyan_directory::Result<Resolution> {
        if address.local.as_str().eq_ignore_ascii_case("postmaster") {
            self.service.services.directory.resolve_postmaster().await
        } else {
            Ok(Resolution::NoSuchUser)
        }
    }

    fn postmaster(&self) -> Option<Address> {
        let domain = self.service.settings.host_name.clone();
        Some(Address::new(LocalPart::try_from("postmaster").ok()?, domain))
    }

    /// The modes in which recipients are answered for one by one.
    pub(crate) fn answers_each(&self) -> bool {
        self.service.settings.mode == Mode::Lmtp
    }
}

/// The envelope's mailbox as an address of ours: normalised, or nothing when it cannot be one.
fn address(mailbox: &Mailbox) -> Option<Address> {
    let local = LocalPart::from_unquoted(&mailbox.local_part).ok()?;
    let domain = Domain::try_from(mailbox.host.to_string().as_str()).ok()?;
    Some(Address::new(local, domain))
}

const BAD_SENDER: Reply = Reply::fixed(553, Enhanced(5, 1, 7), "Sender address is not valid");
const FOREIGN_SENDER: Reply = Reply::fixed(553, Enhanced(5, 7, 1), "You may send only as your own addresses");
const BAD_RECIPIENT: Reply = Reply::fixed(553, Enhanced(5, 1, 3), "Recipient address is not valid");
const NO_SUCH_USER: Reply = Reply::fixed(550, Enhanced(5, 1, 1), "No such user here");
const SUSPENDED: Reply = Reply::fixed(550, Enhanced(5, 2, 1), "Mailbox is not active");
const RELAYING_DENIED: Reply = Reply::fixed(550, Enhanced(5, 7, 1), "Relaying denied");
const SENDING_STOPPED: Reply = Reply::fixed(550, Enhanced(5, 7, 1), "The operator has stopped your sending");
const OUTSIDE_STOPPED: Reply = Reply::fixed(
    550,
    Enhanced(5, 7, 1),
    "The operator has stopped your sending to other systems",
);
const GROUP_EMPTY: Reply = Reply::fixed(550, Enhanced(5, 2, 4), "The list has no members");
const MAY_NOT_POST: Reply = Reply::fixed(550, Enhanced(5, 7, 2), "You may not write to this list");
const SENDER_UNCHECKED: Reply = Reply::fixed(451, Enhanced(4, 3, 0), "Sender cannot be checked now, try again");
const GROUP_TOO_LARGE: Reply = Reply::fixed(550, Enhanced(5, 2, 4), "The list has too many members");
const DIRECTORY_FAILED: Reply = Reply::fixed(451, Enhanced(4, 3, 0), "Recipient cannot be checked now, try again");
