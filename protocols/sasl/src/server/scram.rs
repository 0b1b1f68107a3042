//! SCRAM-SHA-256 and -PLUS, the server's side (RFC 5802 §5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Failure, ServerContext, Step};
use crate::crypto::Hash;
use crate::scram::{Attributes, ClientFirst, Gs2, auth_message};
use crate::{BindingKind, StoredKeys};

#[derive(Debug)]
pub(super) struct Scram {
    context: ServerContext,
    plus: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    First,
    AwaitKeys(Exchange),
    Final {
        exchange: Exchange,
        keys: Vec<StoredKeys>,
        server_first: String,
    },
    Acknowledge(Exchange, usize),
    Over,
}

#[derive(Debug)]
struct Exchange {
    authzid: Option<String>,
    authcid: String,
    client_first_bare: String,
    nonce: String,
    /// What `c=` must decode to.
    binding: Vec<u8>,
}

impl Scram {
    pub(super) fn new(context: ServerContext, plus: bool) -> Self {
        Self {
            context,
            plus,
            state: State::First,
        }
    }

    pub(super) fn step(&mut self, response: &[u8]) -> Step {
        match std::mem::replace(&mut self.state, State::Over) {
            State::First => self.client_first(response).unwrap_or_else(Step::Fail),
            State::Final {
                exchange,
                keys,
                server_first,
            } => self
                .client_final(response, exchange, &keys, &server_first)
                .unwrap_or_else(Step::Fail),
            // The protocols have no room for data with success, so the client acknowledges the signature (RFC 4954 §4).
            State::Acknowledge(exchange, key) if response.is_empty() => Step::Done {
                authzid: exchange.authzid,
                authcid: exchange.authcid,
                key,
            },
            State::Acknowledge(..) | State::AwaitKeys(_) | State::Over => Step::Fail(Failure::Malformed),
        }
    }

    pub(super) fn keys(&mut self, keys: Vec<StoredKeys>) -> Step {
        let State::AwaitKeys(exchange) = std::mem::replace(&mut self.state, State::Over) else {
            return Step::Fail(Failure::Malformed);
        };
        let Some(offered) = keys.first() else {
            return Step::Fail(Failure::BadProof);
        };
        let server_first = format!(
            "r={},s={},i={}",
            exchange.nonce,
            STANDARD.encode(&offered.salt),
            offered.iterations
        );
        self.state = State::Final {
            exchange,
            keys,
            server_first: server_first.clone(),
        };
        Step::Challenge(server_first.into_bytes())
    }

    fn client_first(&mut self, response: &[u8]) -> Result<Step, Failure> {
        let text = std::str::from_utf8(response).map_err(|_| Failure::Malformed)?;
        let first = ClientFirst::parse(text).ok_or(Failure::Malformed)?;
        let mut binding = first.header.as_bytes().to_vec();
        match (&first.gs2, self.plus) {
            (Gs2::Unsupported, false) => {}
            // RFC 5802 §6: we did advertise -PLUS, so somebody in the middle removed it.
            (Gs2::ThinksServerCannot, false) if self.context.bindings.is_empty() => {}
            (Gs2::Bound(Some(kind)), true) => {
                binding.extend_from_slice(self.binding(*kind).ok_or(Failure::ChannelBinding)?);
            }
            _ => return Err(Failure::ChannelBinding),
        }
        let authcid = first.authcid.clone();
        self.state = State::AwaitKeys(Exchange {
            authzid: first.authzid,
            authcid: first.authcid,
            client_first_bare: first.bare.to_owned(),
            nonce: format!("{}{}", first.nonce, STANDARD.encode(self.context.random)),
            binding,
        });
        Ok(Step::NeedCredentials { authcid })
    }

    fn binding(&self, kind: BindingKind) -> Option<&[u8]> {
        let binding = self.context.bindings.iter().find(|binding| binding.kind == kind)?;
        Some(&binding.data)
    }

    fn client_final(
        &mut self,
        response: &[u8],
        exchange: Exchange,
        keys: &[StoredKeys],
        server_first: &str,
    ) -> Result<Step, Failure> {
        let text = std::str::from_utf8(response).map_err(|_| Failure::Malformed)?;
        // The proof is the last attribute; base64 has no comma, so it follows the last `,p=`.
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(Failure::Malformed)?;
        let mut attributes = Attributes(without_proof);
        let binding = attributes.expect('c').ok_or(Failure::Malformed)?;
        let nonce = attributes.expect('r').ok_or(Failure::Malformed)?;
        let binding = STANDARD.decode(binding).map_err(|_| Failure::Malformed)?;
        let proof = STANDARD.decode(proof).map_err(|_| Failure::Malformed)?;
        let proof = Hash::try_from(proof.as_slice()).map_err(|_| Failure::Malformed)?;
        if nonce != exchange.nonce {
            return Err(Failure::Malformed);
        }
        if binding != exchange.binding {
            return Err(Failure::ChannelBinding);
        }
        let message = auth_message(&exchange.client_first_bare, server_first, without_proof);
        // All are tried, so that the time does not tell which one it was.
        let accepting = keys.iter().map(|keys| keys.accepts(&proof, &message));
        let found = accepting
            .enumerate()
            .fold(None, |found: Option<usize>, (key, accepts)| {
                found.or(accepts.then_some(key))
            });
        let (key, keys) = found
            .and_then(|key| Some((key, keys.get(key)?)))
            .ok_or(Failure::BadProof)?;
        let signature = format!("v={}", STANDARD.encode(keys.signature(&message)));
        self.state = State::Acknowledge(exchange, key);
        Ok(Step::Challenge(signature.into_bytes()))
    }
}
