//! Identities of an account, in the ledger at ("jmap", tenant, account, 1). Each address that is sent as from the account has
//! one that the directory made: it comes and goes with the right to send so. A person may make more.
//!
//! From one's own account it is sent as its addresses, as the groups that one represents and for the mailboxes that one acts
//! for (GRP-6, DLG-1); from an account that is open to one, as its addresses (SBX).

use bytes::Bytes;
use hongyan_directory::{OrganisationPage, SenderRights};
use hongyan_kv::record::{self, Schema};
use hongyan_kv::{Error, Transaction, Tuple};
use hongyan_ledger::Ledger;
use hongyan_mailbox::MailboxId;
use hongyan_types::Address;
use minicbor::{Decode, Encode};

use crate::account::Account;

const V1: Schema = Schema(1);
const IDENTITIES: u8 = 1;

/// A name, if there is one, and an address.
pub(crate) type NamedAddress = (Option<String>, String);

/// An identity.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct IdentityRecord {
    #[n(0)]
    pub(crate) name: String,
    #[n(1)]
    pub(crate) email: String,
    #[n(2)]
    pub(crate) reply_to: Option<Vec<NamedAddress>>,
    #[n(3)]
    pub(crate) bcc: Option<Vec<NamedAddress>>,
    #[n(4)]
    pub(crate) text_signature: String,
    #[n(5)]
    pub(crate) html_signature: String,
    /// It goes with the address.
    #[n(6)]
    pub(crate) is_given: bool,
    /// Whether a person named it; otherwise its name is the directory's, and follows it (ORG-8, ORG-9).
    #[n(7)]
    pub(crate) is_named: Option<bool>,
}

impl IdentityRecord {
    pub(crate) fn encode(&self) -> Bytes {
        record::encode(V1, self)
    }
    pub(crate) fn decode(stored: &[u8]) -> Result<Self, Error> {
        Ok(record::decode(V1, stored)?)
    }
}

fn space(mailbox: MailboxId) -> Tuple {
    let (tenant, id) = (mailbox.tenant.0, mailbox.account.0);
    Tuple::new().string("jmap").int(tenant).int(id).int(IDENTITIES)
}

/// Forgets the names and signatures that the person of an account gave; what the directory gives is made anew.
pub(crate) fn forget(transaction: &mut Transaction, mailbox: MailboxId) {
    transaction.clear_range(space(mailbox).range());
}

/// The identities of an account.
pub(crate) struct Identities {
    pub(crate) ledger: Ledger,
}

impl Identities {
    pub(crate) fn of(account: &Account) -> Self {
        Self {
            ledger: Ledger::new(space(account.mailbox)),
        }
    }
    /// All of them, after those of addresses that came were made and those of addresses that went were removed.
    pub(crate) async fn all(
        &self,
        transaction: &mut Transaction,
        senders: &Senders<'_>,
    ) -> Result<Vec<(u64, IdentityRecord)>, Error> {
        let mut all = Vec::new();
        let given = senders.given();
        for (number, stored) in self.ledger.all(transaction).await? {
            let mut identity = IdentityRecord::decode(&stored)?;
            if !senders.has(&identity.email) {
                self.ledger.remove(transaction, number).await?;
                continue;
            }
            if identity.is_given
                && identity.is_named != Some(true)
                && let Some((name, _)) = given.iter().find(|(_, address)| address.to_string() == identity.email)
                && *name != identity.name
            {
                identity.name.clone_from(name);
                self.ledger.put(transaction, number, identity.encode()).await?;
            }
            all.push((number, identity));
        }
        for (name, address) in given {
            let email = address.to_string();
            let is_known = |(_, known): &(u64, IdentityRecord)| known.is_given && known.email == email;
            if all.iter().any(is_known) {
                continue;
            }
            let identity = IdentityRecord {
                name,
                email,
                reply_to: None,
                bcc: None,
                text_signature: String::new(),
                html_signature: String::new(),
                is_given: true,
                is_named: None,
            };
            let number = self.ledger.create(transaction, identity.encode()).await?;
            all.push((number, identity));
        }
        Ok(all)
    }
}

/// As whom it is sent from an account.
pub(crate) struct Senders<'a> {
    pub(crate) account: &'a Account,
    pub(crate) rights: SenderRights,
    /// How names are shown.
    pub(crate) page: OrganisationPage,
    /// What the account's owner wants to be called, where they may choose.
    pub(crate) own_name: Option<String>,
}

impl Senders<'_> {
    pub(crate) fn has(&self, email: &str) -> bool {
        Address::try_from(email).is_ok_and(|address| self.account.sends_as(&self.rights, &address))
    }
    /// The name that the directory gives with one of the addresses.
    pub(crate) fn name_at(&self, email: &str) -> Option<String> {
        let address = Address::try_from(email).ok()?;
        // With a detail (`user+detail@`) it is still the account's own.
        let (key, base) = (address.key(), address.split_detail('+').0.key());
        let given = self.given();
        let found = given.iter().find(|(_, own)| own.key() == key);
        let found = found.or_else(|| given.iter().find(|(_, own)| own.key() == base));
        found.map(|(name, _)| name.clone())
    }
    /// The addresses, each with a name for people; after each the same in the names that its domain also goes by.
    pub(crate) fn given(&self) -> Vec<(String, Address)> {
        let record = &*self.account.record;
        let name = self.own_name.clone().unwrap_or_else(|| self.page.name_of(record));
        let mut given: Vec<_> = record.addresses().map(|address| (name.clone(), address)).collect();
        if self.account.is_own() {
            let groups = self.rights.groups().iter();
            given.extend(groups.map(|group| (group.display_name.clone(), &group.address)));
            for opening in self.rights.openings() {
                let name = self.page.name_of(&opening.account);
                given.extend(opening.account.addresses().map(|address| (name.clone(), address)));
            }
        }
        let mut all = Vec::new();
        for (name, address) in given {
            all.push((name.clone(), address.clone()));
            all.extend(self.rights.other_names(address).map(|other| (name.clone(), other)));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let identity = IdentityRecord {
            name: "A".to_owned(),
            email: "a@b.test".to_owned(),
            reply_to: None,
            bcc: Some(vec![(None, "c@d.test".to_owned())]),
            text_signature: "t".to_owned(),
            html_signature: "h".to_owned(),
            is_given: true,
            is_named: None,
        };
        let golden = b"\x01\x00\x01\x87\x61A\x68a@b.test\xf6\x81\x82\xf6\x68c@d.test\x61t\x61h\xf5";
        assert_eq!(&identity.encode()[..], golden);
        assert_eq!(IdentityRecord::decode(golden).as_ref(), Ok(&identity));
        let named = IdentityRecord {
            is_named: Some(true),
            ..identity
        };
        let golden = b"\x01\x00\x01\x88\x61A\x68a@b.test\xf6\x81\x82\xf6\x68c@d.test\x61t\x61h\xf5\xf5";
        assert_eq!(&named.encode()[..], golden);
        assert_eq!(IdentityRecord::decode(golden), Ok(named));
    }
}
