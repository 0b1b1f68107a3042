//! Secrets that we make and people type: app passwords, recovery codes. Random in a bounded alphabet, shown in groups, kept
//! as keyed hashes.

use hongyan_env::Env;
use hongyan_sasl::Secret;
use hongyan_types::AccountId;

/// Characters that are not mistaken for others: 32 of them, 5 bits each.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A secret of `groups` groups of `group` characters.
pub(crate) fn make(env: &Env, groups: usize, group: usize) -> Secret {
    let mut random = vec![0; groups * group];
    env.fill_random(&mut random);
    let mut shown = String::with_capacity(random.len() + groups);
    for (at, octet) in random.iter().enumerate() {
        if at > 0 && at % group == 0 {
            shown.push('-');
        }
        // 256 is a multiple of 32: each character is as likely as the others.
        shown.push(char::from(ALPHABET[usize::from(octet % 32)]));
    }
    Secret::new(shown)
}

/// What is hashed of a secret as typed: groups, spaces and case do not matter.
fn plain(typed: &str) -> Secret {
    let kept = typed.chars().filter(|c| !matches!(c, '-' | ' '));
    Secret::new(kept.map(|c| c.to_ascii_lowercase()).collect::<String>())
}

/// What is kept of a secret: of no use without the installation's secret, for this use and this account only.
pub(crate) fn hash(secret: &[u8; 32], kind: &str, account: AccountId, typed: &str) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(secret);
    hasher.update(kind.as_bytes());
    hasher.update(&[0]);
    hasher.update(&account.0.to_le_bytes());
    hasher.update(plain(typed).reveal().as_bytes());
    hasher.finalize()
}
