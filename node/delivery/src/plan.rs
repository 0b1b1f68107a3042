//! Who gets a copy: recipients become mailboxes and remote addresses, each once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hongyan_directory::{AccountRecord, GroupTargets, Poster};
use hongyan_mailbox::MailboxId;
use hongyan_types::Address;

use crate::report::Status;
use crate::{DeliveryEnvelope, Refusal, Target};

/// One mailbox of the plan.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    pub(crate) mailbox: MailboxId,
    pub(crate) account: Arc<AccountRecord>,
    /// The first recipient that led here.
    pub(crate) recipient: usize,
}

impl Stop {
    pub(crate) fn of(account: &Arc<AccountRecord>, recipient: usize) -> Self {
        Self {
            mailbox: MailboxId {
                tenant: account.tenant,
                account: account.id,
            },
            account: Arc::clone(account),
            recipient,
        }
    }
}

/// What one recipient amounts to.
#[derive(Debug, Default)]
pub(crate) struct Share {
    /// Indexes of [`Plan::stops`].
    pub(crate) stops: Vec<usize>,
    /// Addresses elsewhere that no recipient before it has.
    pub(crate) remote: Vec<Address>,
    /// Whether it has addresses elsewhere at all.
    pub(crate) leaves: bool,
    /// Whether it has had the message before.
    pub(crate) returned: bool,
    /// Why nobody of it gets the message.
    pub(crate) refused: Option<Refusal>,
    /// Whether it is a group, whose members the sender does not get to know.
    pub(crate) group: bool,
}

/// All mailboxes, and which recipient is which.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) stops: Vec<Stop>,
    /// One for each recipient, in order.
    pub(crate) shares: Vec<Share>,
}

impl Plan {
    /// Who gets a message that comes in: groups to which its sender may not write are left out.
    pub(crate) fn new(envelope: &DeliveryEnvelope) -> Self {
        let poster = Poster {
            account: envelope.submitter.as_deref(),
            sender: envelope.sender.as_ref(),
        };
        Self::with(envelope, |group| group.takes_from(poster))
    }

    /// Who gets a message of which that was asked before.
    pub(crate) fn accepted(envelope: &DeliveryEnvelope) -> Self {
        Self::with(envelope, |_| true)
    }

    fn with(envelope: &DeliveryEnvelope, takes: impl Fn(&GroupTargets) -> bool) -> Self {
        let mut plan = Self::default();
        let mut known: HashMap<MailboxId, usize> = HashMap::new();
        let mut remote_known: HashSet<String> = HashSet::new();
        for (index, recipient) in envelope.recipients.iter().enumerate() {
            let mut share = Share::default();
            match &recipient.target {
                Target::Account(target) => share.stops.push(plan.stop(&mut known, &target.account, index)),
                Target::Group(group) if !takes(group) => share.refused = Some(MAY_NOT_POST),
                Target::Group(group) => {
                    share.group = true;
                    share.stops.extend(
                        group
                            .accounts
                            .iter()
                            .map(|account| plan.stop(&mut known, account, index)),
                    );
                    share.remote.extend(group.remote.iter().cloned());
                }
                Target::Remote => share.remote.push(recipient.address.clone()),
                Target::Returned => share.returned = true,
            }
            // The same address twice, by name and through a group, is one copy.
            share.leaves = !share.remote.is_empty();
            share.remote.retain(|address| remote_known.insert(address.key()));
            plan.shares.push(share);
        }
        plan
    }

    fn stop(&mut self, known: &mut HashMap<MailboxId, usize>, account: &Arc<AccountRecord>, recipient: usize) -> usize {
        let stop = Stop::of(account, recipient);
        *known.entry(stop.mailbox).or_insert_with(|| {
            self.stops.push(stop);
            self.stops.len() - 1
        })
    }
}

const MAY_NOT_POST: Refusal = Refusal::new(Status(5, 7, 2), "You may not write to this list");
