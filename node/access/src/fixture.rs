//! One organisation with one member, on two nodes over one store: what most tests of sign-in begin with.

use std::net::{IpAddr, Ipv4Addr};

use hongyan_directory::{Directory, DirectoryOptions, NewAccount, NewTenant, TotpKey, totp_place};
use hongyan_env::{Env, ManualClock};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, Address, Domain, TenantId};

use crate::{Access, AccessOptions};

pub(crate) const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
pub(crate) const ANNA: &str = "anna@example.test";

pub(crate) struct Fixture {
    pub(crate) access: Access,
    /// Another node over the same store.
    pub(crate) other: Access,
    pub(crate) directory: Directory,
    pub(crate) tenant: TenantId,
    pub(crate) anna: AccountId,
    pub(crate) clock: ManualClock,
}

/// Hashes that cost next to nothing.
pub(crate) fn cheap() -> AccessOptions {
    AccessOptions {
        argon2_memory_kib: 8,
        argon2_passes: 1,
        scram_iterations: 4096,
        ..AccessOptions::default()
    }
}

fn options_of_directory() -> DirectoryOptions {
    DirectoryOptions {
        forget_person: vec![crate::forget_person],
        ..DirectoryOptions::default()
    }
}

impl Fixture {
    pub(crate) async fn new(options: AccessOptions, password: &str) -> Self {
        let (env, clock) = Env::manual(1);
        let store = MemoryStore::default();
        let database = Database::new(store.clone());
        let directory = Directory::new(database.clone(), env.clone(), options_of_directory());
        directory.sealer().make_key();
        let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        let domain = Domain::try_from("example.test").unwrap();
        directory.create_domain(tenant, &domain).await.unwrap();
        let access = Access::open(directory.clone(), &database, env.clone(), options.clone())
            .await
            .unwrap();
        let database = Database::new(store);
        let second = Directory::new(database.clone(), env.clone(), options_of_directory());
        for key in directory.sealer().keys() {
            second.sealer().add(key);
        }
        let other = Access::open(second, &database, env, options).await.unwrap();
        let credential = access.hash_password(&Secret::new(password)).await.unwrap();
        let new = NewAccount {
            credential: Some(credential),
            ..NewAccount::at(Address::try_from(ANNA).unwrap())
        };
        let anna = directory.create_account(&new).await.unwrap().id;
        Self {
            access,
            other,
            directory,
            tenant,
            anna,
            clock,
        }
    }

    /// What Anna's authenticator app knows.
    pub(crate) fn totp_secret(&self, key: &TotpKey) -> Vec<u8> {
        let secret = self.directory.sealer().reveal(&totp_place(self.anna), &key.secret);
        secret.unwrap().to_vec()
    }
}
