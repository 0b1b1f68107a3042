//! What JMAP keeps of an account's person: gone when the mailbox is given to another (MEM-13).

use hongyan_kv::Transaction;
use hongyan_mailbox::MailboxId;
use hongyan_types::{AccountId, TenantId};

use crate::{identity, push};

/// Forgets the person's names and signatures, and where their clients are told of news. A [`hongyan_directory::ForgetPerson`].
pub fn forget_person(transaction: &mut Transaction, tenant: TenantId, account: AccountId) {
    let mailbox = MailboxId { tenant, account };
    identity::forget(transaction, mailbox);
    push::forget(transaction, mailbox);
}
