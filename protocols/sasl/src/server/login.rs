//! LOGIN (draft-murchison-sasl-login §2): name and password, each asked for. An initial response is the name.

use super::{Failure, Step};
use crate::Secret;

/// The draft's challenges; clients do not look at them, but some logs do.
pub(super) const ASK_NAME: &[u8] = b"Username:";
const ASK_PASSWORD: &[u8] = b"Password:";

#[derive(Debug, Default)]
pub(super) struct Login {
    authcid: Option<String>,
}

impl Login {
    pub(super) fn step(&mut self, response: &[u8]) -> Step {
        let Ok(text) = std::str::from_utf8(response) else {
            return Step::Fail(Failure::Malformed);
        };
        if text.is_empty() || text.contains('\0') {
            return Step::Fail(Failure::Malformed);
        }
        match self.authcid.take() {
            None => {
                self.authcid = Some(text.to_owned());
                Step::Challenge(ASK_PASSWORD.to_vec())
            }
            Some(authcid) => Step::CheckPassword {
                authzid: None,
                authcid,
                password: Secret::new(text),
            },
        }
    }
}
