//! Which account an identity at a provider is linked with (AUTH-14).

use hongyan_access::permission::Actor;
use hongyan_audit::{Chain, Event};
use hongyan_directory::{AccountKind, AccountRecord, Change, Directory, Error, NewAccount};
use hongyan_kv::{RangeQuery, ReadMode, Transaction};
use hongyan_types::{AccountId, Address, TenantId, Timestamp};

use crate::identity::Identity;
use crate::record::{self, LinkRecord, NameHash, identity_hash};
use crate::{Admission, OpenId, OpenIdError};

/// Longest name that is taken over from a provider.
const NAME_CHARACTERS_MAX: usize = 128;

/// An identity at a provider that signs in to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedIdentity {
    /// Names it among the account's.
    pub id: String,
    /// The provider.
    pub issuer: String,
    /// Who it is there.
    pub subject: String,
    /// Its mail address there, where the provider said one.
    pub mail: String,
    /// Since when.
    pub created: Timestamp,
}

fn name_of(hash: &NameHash) -> String {
    hash.iter().take(8).map(|octet| format!("{octet:02x}")).collect()
}

/// What became of a wish to link.
enum Outcome {
    Linked,
    Taken,
    TooMany,
}

impl Identity {
    pub(crate) fn hash(&self) -> NameHash {
        identity_hash(&self.issuer, &self.subject)
    }
    /// How people know it.
    fn shown(&self) -> String {
        let name = self.person.email.as_deref().unwrap_or(&self.subject);
        name.chars().filter(|c| !c.is_control()).take(320).collect()
    }
}

impl OpenId {
    async fn link_record(&self, tenant: TenantId, identity: &NameHash) -> Result<Option<LinkRecord>, OpenIdError> {
        let key = record::link_key(tenant, identity);
        let read = async move |transaction: &mut Transaction| {
            let stored = transaction.get_snapshot(&key).await?;
            let record = stored.map(|stored| record::decode::<LinkRecord>(&stored)).transpose()?;
            Ok::<_, hongyan_kv::Error>(record)
        };
        Ok(self.0.database.run(read).await?)
    }

    /// The account of whoever the provider names: linked before, linked now by the address, or made now.
    pub(crate) async fn account_of(
        &self,
        tenant: TenantId,
        admission: Admission,
        identity: &Identity,
    ) -> Result<AccountId, OpenIdError> {
        let hash = identity.hash();
        if let Some(link) = self.link_record(tenant, &hash).await? {
            let account = AccountId(link.account);
            // A link of an account that is gone for good is none.
            let owner = self.0.directory.account(account).await?;
            if owner.is_some_and(|owner| owner.tenant == tenant) {
                return Ok(account);
            }
        }
        let nobody = || OpenIdError::Nobody(identity.shown());
        let address = identity
            .person
            .verified_mail()
            .and_then(|mail| Address::try_from(mail).ok());
        let address = address.ok_or_else(nobody)?;
        let found = match self.0.directory.account_at(&address).await {
            Ok(account) => Some(account),
            Err(Error::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let account = match found {
            Some(account) if account.tenant == tenant && admission.link_by_mail => account,
            None if admission.create_members => self.create(tenant, identity, &address).await?,
            _ => return Err(nobody()),
        };
        if account.kind != AccountKind::Member {
            return Err(nobody());
        }
        let directory = self
            .0
            .directory
            .acting(Actor::member(&account, None, None).author(), None);
        self.link(&directory, &account, identity).await?;
        Ok(account.id)
    }

    /// Makes an account for somebody who comes for the first time.
    async fn create(
        &self,
        tenant: TenantId,
        identity: &Identity,
        address: &Address,
    ) -> Result<std::sync::Arc<AccountRecord>, OpenIdError> {
        let nobody = || OpenIdError::Nobody(identity.shown());
        match self.0.directory.domain(&address.domain).await {
            Ok(domain) if domain.tenant == tenant => {}
            Ok(_) | Err(Error::NotFound { .. }) => return Err(nobody()),
            Err(error) => return Err(error.into()),
        }
        let name = identity.person.name.as_deref().unwrap_or_default();
        let name = name.chars().filter(|c| !c.is_control()).take(NAME_CHARACTERS_MAX);
        let new = NewAccount {
            display_name: name.collect::<String>().trim().to_owned(),
            ..NewAccount::at(address.clone())
        };
        match self.0.directory.create_account(&new).await {
            // Made meanwhile, by the same person in another window.
            Ok(_) | Err(Error::Exists { .. }) => Ok(self.0.directory.account_at(address).await?),
            Err(error) => Err(error.into()),
        }
    }

    /// Links an identity with an account.
    pub(crate) async fn link(
        &self,
        directory: &Directory,
        account: &AccountRecord,
        identity: &Identity,
    ) -> Result<(), OpenIdError> {
        let (id, tenant, hash) = (account.id, account.tenant, identity.hash());
        let address = account.address.to_string();
        let max = self.0.options.links_per_account_max;
        let link = LinkRecord {
            account: id.0,
            issuer: identity.issuer.clone(),
            subject: identity.subject.clone(),
            mail: identity.shown(),
            created_millis: self.0.env.wall_millis(),
        };
        // Whoever it was linked with and is gone for good stands in nobody's way.
        let present = self
            .link_record(tenant, &hash)
            .await?
            .map(|link| AccountId(link.account));
        let gone = match present {
            Some(owner) if owner != id && directory.account(owner).await?.is_none() => Some(owner),
            _ => None,
        };
        let set = async move |change: &mut Change| {
            let key = record::link_key(tenant, &hash);
            if let Some(stored) = change.get(&key).await? {
                let present: LinkRecord = record::decode(&stored).map_err(hongyan_kv::Error::from)?;
                if present.account == id.0 {
                    return Ok(Outcome::Linked);
                }
                let owner = AccountId(present.account);
                if gone != Some(owner) {
                    return Ok(Outcome::Taken);
                }
                change.clear(&record::link_of_key(owner, &hash));
            }
            let query = RangeQuery::all(record::links_of(id).range());
            if change.get_range_all(query).await?.len() >= max {
                return Ok(Outcome::TooMany);
            }
            change.set(key, record::encode(&link));
            change.set(record::link_of_key(id, &hash), record::encode(&link));
            let event = Event::new("member.link-identity", &address)
                .id(id.0)
                .with("issuer", &link.issuer)
                .with("subject", &link.subject);
            change.record(Chain::Tenant(tenant), event);
            Ok(Outcome::Linked)
        };
        match directory.announce(set).await?.0 {
            Outcome::Linked => Ok(()),
            Outcome::Taken => Err(OpenIdError::Taken),
            Outcome::TooMany => {
                let text = format!("an account is linked with {max} outside identities at most");
                Err(Error::Refused(text).into())
            }
        }
    }

    /// The identities that sign in to an account.
    ///
    /// # Errors
    /// `Access`: the store's.
    pub async fn links(&self, account: AccountId) -> Result<Vec<LinkedIdentity>, OpenIdError> {
        let read = async move |transaction: &mut Transaction| {
            let query = RangeQuery {
                mode: ReadMode::Snapshot,
                ..RangeQuery::all(record::links_of(account).range())
            };
            let mut links = Vec::new();
            for pair in transaction.get_range_all(query).await? {
                links.push(record::decode::<LinkRecord>(&pair.value)?);
            }
            Ok::<_, hongyan_kv::Error>(links)
        };
        let links = self.0.database.run(read).await?;
        let view = |link: LinkRecord| LinkedIdentity {
            id: name_of(&identity_hash(&link.issuer, &link.subject)),
            issuer: link.issuer,
            subject: link.subject,
            mail: link.mail,
            created: Timestamp {
                millis: link.created_millis,
            },
        };
        Ok(links.into_iter().map(view).collect())
    }

    /// Unlinks an identity. Sessions that run stay.
    ///
    /// # Errors
    /// `Access`: `NotFound`, the store's.
    pub async fn unlink(&self, directory: &Directory, account: &AccountRecord, id: &str) -> Result<(), OpenIdError> {
        let missing = || Error::NotFound {
            what: "outside identity",
            name: id.to_owned(),
        };
        let links = self.links(account.id).await?;
        let link = links.into_iter().find(|link| link.id == id).ok_or_else(missing)?;
        let hash = identity_hash(&link.issuer, &link.subject);
        let (owner, tenant, address) = (account.id, account.tenant, account.address.to_string());
        let clear = async move |change: &mut Change| {
            change.clear(&record::link_key(tenant, &hash));
            change.clear(&record::link_of_key(owner, &hash));
            let event = Event::new("member.unlink-identity", &address)
                .id(owner.0)
                .with("issuer", &link.issuer)
                .with("subject", &link.subject);
            change.record(Chain::Tenant(tenant), event);
            Ok(())
        };
        directory.announce(clear).await?;
        Ok(())
    }
}
