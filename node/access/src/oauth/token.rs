//! The texts of tokens. Those of a grant name it, so that one look into the store finds it; what proves them are 32 random
//! octets, kept as a keyed hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, TenantId, Timestamp};

use super::record::Hash;
use super::{GrantKey, Scope};
use crate::Access;
use crate::web;

/// What an access token begins with: programs that look for leaked secrets know it by that.
const ACCESS: &str = "hya_";
const REFRESH: &str = "hyr_";
const RANDOM_OCTETS: usize = 32;

/// What a token is good for, for whoever is entitled to know (RFC 7662).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenView {
    /// Whether it is one that is refreshed with.
    pub is_refresh: bool,
    /// Whose organisation.
    pub tenant: TenantId,
    /// Whose it is.
    pub account: AccountId,
    /// What clients know them by.
    pub subject: String,
    /// Their address.
    pub username: String,
    /// The client.
    pub client: String,
    /// What for.
    pub scope: Scope,
    /// When it ends.
    pub end: Timestamp,
}

/// Whether a text may be an access token.
#[must_use]
pub fn is_access_token(text: &str) -> bool {
    text.starts_with(ACCESS)
}

pub(super) fn millis(secs: u64) -> i64 {
    i64::try_from(secs).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000)
}

/// What is kept of a text.
pub(super) fn hash(access: &Access, kind: &str, text: &str) -> Hash {
    web::hash(access, &format!("oauth {kind}"), text)
}

/// A text that names nothing, and what is kept of it.
pub(super) fn plain(access: &Access, kind: &str) -> (Secret, Hash) {
    let text = format!("hyc_{}", URL_SAFE_NO_PAD.encode(random(access)));
    let hash = hash(access, kind, &text);
    (Secret::new(text), hash)
}

pub(super) fn random(access: &Access) -> [u8; RANDOM_OCTETS] {
    let mut random = [0; RANDOM_OCTETS];
    access.0.env.fill_random(&mut random);
    random
}

/// An access token of a grant.
pub(super) fn access_text(grant: GrantKey, random: &[u8; RANDOM_OCTETS]) -> Secret {
    let octets = [&name(grant)[..], random].concat();
    Secret::new(format!("{ACCESS}{}", URL_SAFE_NO_PAD.encode(octets)))
}

/// The refresh token of that generation.
pub(super) fn refresh_text(grant: GrantKey, generation: u32, random: &[u8; RANDOM_OCTETS]) -> Secret {
    let octets = [&name(grant)[..], &generation.to_be_bytes(), random].concat();
    Secret::new(format!("{REFRESH}{}", URL_SAFE_NO_PAD.encode(octets)))
}

fn name(grant: GrantKey) -> [u8; 16] {
    let mut name = [0; 16];
    let (account, id) = name.split_at_mut(8);
    account.copy_from_slice(&grant.account.0.to_be_bytes());
    id.copy_from_slice(&grant.id.to_be_bytes());
    name
}

/// What a text names; whether it proves that is another question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Access(GrantKey),
    Refresh(GrantKey, u32),
}

impl Named {
    pub(super) fn grant(self) -> GrantKey {
        match self {
            Self::Access(grant) | Self::Refresh(grant, _) => grant,
        }
    }
}

pub(super) fn read(text: &str) -> Option<Named> {
    let (is_refresh, rest) = match text.strip_prefix(ACCESS) {
        Some(rest) => (false, rest),
        None => (true, text.strip_prefix(REFRESH)?),
    };
    let octets = URL_SAFE_NO_PAD.decode(rest).ok()?;
    let (account, rest) = octets.split_first_chunk::<8>()?;
    let (id, rest) = rest.split_first_chunk::<8>()?;
    let grant = GrantKey {
        account: AccountId(u64::from_be_bytes(*account)),
        id: u64::from_be_bytes(*id),
    };
    if !is_refresh {
        return (rest.len() == RANDOM_OCTETS).then_some(Named::Access(grant));
    }
    let (generation, rest) = rest.split_first_chunk::<4>()?;
    let named = Named::Refresh(grant, u32::from_be_bytes(*generation));
    (rest.len() == RANDOM_OCTETS).then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_name_their_grant() {
        let grant = GrantKey {
            account: AccountId(7),
            id: u64::MAX,
        };
        let access = access_text(grant, &[9; 32]);
        assert_eq!(read(access.reveal()), Some(Named::Access(grant)));
        let refresh = refresh_text(grant, 3, &[9; 32]);
        assert_eq!(read(refresh.reveal()), Some(Named::Refresh(grant, 3)));
        assert!(is_access_token(access.reveal()) && !is_access_token(refresh.reveal()));
        let cut = &access.reveal()[..access.reveal().len() - 2];
        let crossed = refresh.reveal().replace(REFRESH, ACCESS);
        for wrong in ["", "hya_", "hya_!", "hyr_AAAA", "hyw_x", cut, &crossed] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
