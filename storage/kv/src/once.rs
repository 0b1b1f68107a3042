//! Work that is done once, whatever its commits answered.
//!
//! A mark, written in the same transaction as the work, tells whether the work was done. Every attempt reads the mark
//! before and writes it: of two attempts that are under way at once, even one whose commit was given up and arrives
//! late, only one can commit. So a repeat after `CommitUnknown` ends with a definite answer. Marks are swept by the
//! period they were made in.

use bytes::Bytes;

use crate::{AsStorageError, Database, Error, Result, Transaction, Tuple};

/// Where the marks of one kind of work lie: a tuple nothing else is under.
#[derive(Debug, Clone)]
pub struct Marks(Tuple);

/// Names one piece of work.
#[derive(Debug, Clone)]
pub struct Mark(Bytes);

impl Marks {
    /// The marks under `space`.
    #[must_use]
    pub fn new(space: Tuple) -> Self {
        Self(space)
    }
    /// The mark of the work `id`. `period` counts hours, days or the like, and stays the same for all attempts: it says
    /// with which others the mark is swept.
    #[must_use]
    pub fn mark(&self, period: u64, id: &[u8]) -> Mark {
        Mark(self.0.clone().int(period).bytes(id).pack())
    }
    /// Forgets the marks of all periods before `period`: what they name must not be asked for again.
    ///
    /// # Errors
    /// The store's.
    pub async fn sweep(&self, database: &Database, period: u64) -> Result<()> {
        let mut range = self.0.range();
        range.end = self.0.clone().int(period).pack();
        let sweep = async |transaction: &mut Transaction| {
            transaction.clear_range(range.clone());
            Ok(())
        };
        loop {
            match database.run(sweep).await {
                // Safe to repeat.
                Err(Error::CommitUnknown) => {}
                result => return result,
            }
        }
    }
}

impl Database {
    /// Runs `body` like [`Database::run`], but at most one of all its attempts takes effect, those of earlier calls with
    /// this mark included. Returns the reply that the effective attempt's body returned, which is kept with the mark (at
    /// most [`crate::VALUE_OCTETS_MAX`]).
    ///
    /// # Errors
    /// The last error of the body or of the store. `CommitUnknown` only when [`Self::ATTEMPTS_MAX`] attempts did not
    /// settle it; asking again with the same mark is always safe.
    pub async fn run_once<E, F>(&self, mark: &Mark, mut body: F) -> Result<Bytes, E>
    where
        E: From<Error> + AsStorageError,
        F: AsyncFnMut(&mut Transaction) -> Result<Bytes, E>,
    {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let mut transaction = self.begin();
            let outcome = match transaction.get(&mark.0).await {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => body(&mut transaction).await,
                Err(error) => Err(error.into()),
            };
            let error = match outcome {
                Ok(reply) => {
                    transaction.set(mark.0.clone(), reply.clone());
                    match transaction.commit().await {
                        Ok(_) => return Ok(reply),
                        Err(error) => error.into(),
                    }
                }
                Err(error) => error,
            };
            let again = |error: &Error| error.is_retryable() || *error == Error::CommitUnknown;
            if !error.as_storage_error().is_some_and(again) || attempt >= Self::ATTEMPTS_MAX {
                return Err(error);
            }
            tokio::task::yield_now().await;
        }
    }
}
