//! Who does something that lasts, such as listening: asked again and again whether they still may.

use std::net::IpAddr;

use hongyan_sasl::Secret;

use super::Actor;
use crate::{Access, Identity};

/// What an actor proved themselves with, so that it can be looked at anew.
#[derive(Clone)]
pub struct Standing {
    access: Access,
    peer: IpAddr,
    proof: Proof,
}

#[derive(Clone)]
enum Proof {
    Token(Secret),
    Session(Box<Identity>),
}

impl Standing {
    /// Of a program that shows a token.
    #[must_use]
    pub fn of_token(access: Access, text: &str, peer: IpAddr) -> Self {
        Self {
            access,
            peer,
            proof: Proof::Token(Secret::new(text)),
        }
    }
    /// Of someone who signed in. That their session runs is seen to elsewhere.
    #[must_use]
    pub fn of_session(access: Access, identity: &Identity, peer: IpAddr) -> Self {
        Self {
            access,
            peer,
            proof: Proof::Session(Box::new(identity.clone())),
        }
    }
    /// The actor with what it may do now; nobody, when it is not let in any more.
    pub async fn actor(&self) -> Option<Actor> {
        match &self.proof {
            Proof::Token(text) => self.access.token_actor(text.reveal(), self.peer).await.ok(),
            Proof::Session(identity) => self.access.member_actor(identity, self.peer).await.ok(),
        }
    }
}
