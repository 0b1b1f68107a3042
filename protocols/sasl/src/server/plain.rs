//! PLAIN (RFC 4616): `[authzid] NUL authcid NUL passwd`.

use super::{Failure, Step};
use crate::Secret;

pub(super) fn step(response: &[u8]) -> Step {
    parse(response).unwrap_or(Step::Fail(Failure::Malformed))
}

fn parse(response: &[u8]) -> Option<Step> {
    let text = std::str::from_utf8(response).ok()?;
    let mut parts = text.split('\0');
    let (authzid, authcid, password) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || authcid.is_empty() || password.is_empty() {
        return None;
    }
    Some(Step::CheckPassword {
        authzid: Some(authzid).filter(|id| !id.is_empty()).map(str::to_owned),
        authcid: authcid.to_owned(),
        password: Secret::new(password),
    })
}
