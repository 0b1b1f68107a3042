//! Argon2id and SCRAM keys, computed on a bounded pool so that no arbiter waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use hongyan_directory::{Credential, ScramKeys};
use hongyan_env::Env;
use hongyan_sasl::{Secret, StoredKeys};
use hongyan_telemetry::{Gauge, gauge};
use tokio::sync::Semaphore;

use crate::{AccessError, AccessOptions};

/// The pool: so many hashes at a time, so many waiting.
pub(crate) struct Hashing {
    env: Env,
    threads: Semaphore,
    waiting: AtomicUsize,
    waiting_max: usize,
    argon2: Argon2<'static>,
    scram_iterations: u32,
    waiting_gauge: Gauge,
}

/// What one new credential is made with.
#[derive(Clone)]
pub(crate) struct Salts {
    pub(crate) argon2: [u8; 16],
    pub(crate) scram: Vec<u8>,
    pub(crate) scram_iterations: u32,
}

impl Hashing {
    pub(crate) fn new(options: &AccessOptions, env: Env) -> Self {
        let params = Params::new(options.argon2_memory_kib.max(8), options.argon2_passes.max(1), 1, None);
        Self {
            env,
            threads: Semaphore::new(options.hashing_threads_max.max(1)),
            waiting: AtomicUsize::new(0),
            waiting_max: options.hashing_waiting_max,
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params.unwrap_or_default()),
            scram_iterations: options.scram_iterations.max(hongyan_sasl::ITERATIONS_MIN),
            waiting_gauge: gauge(
                "hongyan_access_hashing_waiting",
                "Sign-ins waiting for or computing a hash.",
            ),
        }
    }

    pub(crate) fn scram_iterations(&self) -> u32 {
        self.scram_iterations
    }

    /// What a new credential is made with.
    pub(crate) fn salts(&self, env: &Env) -> Salts {
        let mut argon2 = [0; 16];
        let mut scram = vec![0; 16];
        env.fill_random(&mut argon2);
        env.fill_random(&mut scram);
        Salts {
            argon2,
            scram,
            scram_iterations: self.scram_iterations,
        }
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AccessError> {
        let _place = Place::take(self)?;
        let _thread = self.threads.acquire().await.map_err(|_| AccessError::Overloaded)?;
        let done = self.env.run_blocking(work).await;
        done.map_err(|_| AccessError::Overloaded)
    }

    /// Hashes a prepared password both ways.
    pub(crate) async fn credential(
        self: &Arc<Self>,
        password: Secret,
        salts: Salts,
        set_millis: i64,
    ) -> Result<Credential, AccessError> {
        let this = Arc::clone(self);
        let made = self.run(move || {
            let hash = this
                .argon2
                .hash_password_with_salt(password.reveal().as_bytes(), &salts.argon2);
            let scram = StoredKeys::derive(password.reveal(), &salts.scram, salts.scram_iterations);
            hash.map(|hash| Credential {
                password_hash: hash.to_string(),
                scram: ScramKeys {
                    salt: scram.salt,
                    iterations: scram.iterations,
                    stored_key: scram.stored_key,
                    server_key: scram.server_key,
                },
                set_millis,
            })
        });
        made.await?
            .map_err(|error| AccessError::BadPassword(format!("the password cannot be hashed: {error}")))
    }

    /// The SCRAM keys of a prepared password.
    pub(crate) async fn scram(
        &self,
        password: Secret,
        salt: Vec<u8>,
        iterations: u32,
    ) -> Result<StoredKeys, AccessError> {
        self.run(move || StoredKeys::derive(password.reveal(), &salt, iterations))
            .await
    }

    /// Whether `password` (prepared) is the one hashed; with the parameters and salt of the hash.
    pub(crate) async fn matches(self: &Arc<Self>, password: Secret, hash: String) -> Result<bool, AccessError> {
        let this = Arc::clone(self);
        self.run(move || {
            PasswordHash::new(&hash)
                .is_ok_and(|hash| this.argon2.verify_password(password.reveal().as_bytes(), &hash).is_ok())
        })
        .await
    }
}

/// A place among those that wait.
pub(crate) struct Place<'h>(&'h Hashing);

impl<'h> Place<'h> {
    pub(crate) fn take(hashing: &'h Hashing) -> Result<Self, AccessError> {
        let place = Self(hashing);
        hashing.waiting_gauge.inc();
        if hashing.waiting.fetch_add(1, Ordering::Relaxed) >= hashing.waiting_max {
            return Err(AccessError::Overloaded);
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        self.0.waiting_gauge.dec();
    }
}
