//! One organisation with one domain and nobody in it, over the memory store: what a test of people begins with.

use hongyan_access::{Access, AccessOptions};
use hongyan_directory::{Directory, DirectoryOptions, NewTenant};
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Domain, TenantId};

/// An organisation, and what knows it.
pub struct Organisation {
    /// The memory store.
    pub database: Database,
    /// The organisation and its domain.
    pub directory: Directory,
    /// Sign-in, with the cheapest hashes there are.
    pub access: Access,
    /// The organisation.
    pub tenant: TenantId,
}

impl Organisation {
    /// Makes one with `domain`.
    ///
    /// # Panics
    /// When anything fails, as everything here.
    pub async fn new(env: &Env, domain: &str) -> Self {
        let database = Database::new(MemoryStore::default());
        Self::with(env, database, domain, AccessOptions::default()).await
    }

    /// The same in a store, with limits of sign-in.
    ///
    /// # Panics
    /// When anything fails.
    pub async fn with(env: &Env, database: Database, domain: &str, limits: AccessOptions) -> Self {
        Self::with_directory(env, database, domain, limits, DirectoryOptions::default()).await
    }

    /// The same with options of the directory.
    ///
    /// # Panics
    /// When anything fails.
    pub async fn with_directory(
        env: &Env,
        database: Database,
        domain: &str,
        limits: AccessOptions,
        options: DirectoryOptions,
    ) -> Self {
        let directory = Directory::new(database.clone(), env.clone(), options);
        directory.sealer().make_key();
        let made = directory.create_tenant(&NewTenant::named("Acme")).await;
        let tenant = made.expect("make a tenant").id;
        let domain = Domain::try_from(domain).expect("a domain");
        directory.create_domain(tenant, &domain).await.expect("make a domain");
        let options = AccessOptions {
            argon2_memory_kib: 8,
            argon2_passes: 1,
            scram_iterations: 4096,
            ..limits
        };
        let access = Access::open(directory.clone(), &database, env.clone(), options).await;
        Self {
            database,
            directory,
            access: access.expect("open sign-in"),
            tenant,
        }
    }
}
