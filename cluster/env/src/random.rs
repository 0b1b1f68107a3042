//! Random bytes: the operating system's, or a seeded stream that repeats.

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use ring::rand::{SecureRandom, SystemRandom};

pub(crate) enum Random {
    System(SystemRandom),
    Seeded(Box<Mutex<StdRng>>),
}

impl Random {
    pub(crate) fn system() -> Self {
        Self::System(SystemRandom::new())
    }
    pub(crate) fn seeded(seed: u64) -> Self {
        Self::Seeded(Box::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }
    pub(crate) fn fill(&self, bytes: &mut [u8]) {
        match self {
            // A machine without randomness cannot make keys, so it must not go on.
            Self::System(system) => system.fill(bytes).expect("the operating system gives random bytes"),
            Self::Seeded(seeded) => seeded.lock().fill_bytes(bytes),
        }
    }
}
