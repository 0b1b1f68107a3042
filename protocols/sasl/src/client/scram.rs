//! SCRAM-SHA-256 and -PLUS, the client's side (RFC 5802 §5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{ClientError, Credentials};
use crate::ChannelBinding;
use crate::crypto::{Hash, equal};
use crate::scram::{Attributes, ITERATIONS_MIN, auth_message, client_proof, encode_name, salted_password};

/// Beyond this a server only wants to burn our time.
const ITERATIONS_MAX: u32 = 1_000_000;

#[derive(Debug)]
pub(super) struct Scram {
    binding: Option<ChannelBinding>,
    nonce: String,
    header: String,
    bare: String,
    state: State,
}

#[derive(Debug)]
enum State {
    Start,
    First,
    Final(Hash),
    Proven,
}

impl Scram {
    pub(super) fn new(binding: Option<ChannelBinding>, random: [u8; 18]) -> Self {
        Self {
            binding,
            nonce: STANDARD.encode(random),
            header: String::new(),
            bare: String::new(),
            state: State::Start,
        }
    }

    pub(super) fn first(&mut self, credentials: &Credentials) -> Vec<u8> {
        let flag = match &self.binding {
            Some(binding) => format!("p={}", binding.kind.name()),
            None => "n".to_owned(),
        };
        let authzid = match &credentials.authzid {
            Some(authzid) => format!("a={}", encode_name(authzid)),
            None => String::new(),
        };
        self.header = format!("{flag},{authzid},");
        self.bare = format!("n={},r={}", encode_name(&credentials.authcid), self.nonce);
        self.state = State::First;
        format!("{}{}", self.header, self.bare).into_bytes()
    }

    pub(super) fn respond(&mut self, challenge: &[u8], credentials: &Credentials) -> Result<Vec<u8>, ClientError> {
        let text = std::str::from_utf8(challenge).map_err(|_| ClientError::Malformed)?;
        match std::mem::replace(&mut self.state, State::Start) {
            State::Start => Ok(self.first(credentials)),
            State::First => self.server_first(text, credentials),
            State::Final(signature) => {
                let claimed = Attributes(text).expect('v').ok_or(ClientError::ServerUnproven)?;
                let claimed = STANDARD.decode(claimed).map_err(|_| ClientError::Malformed)?;
                if !equal(&claimed, &signature) {
                    return Err(ClientError::ServerUnproven);
                }
                self.state = State::Proven;
                Ok(Vec::new())
            }
            State::Proven => Err(ClientError::Malformed),
        }
    }

    pub(super) fn server_proven(&self) -> bool {
        matches!(self.state, State::Proven)
    }

    fn server_first(&mut self, text: &str, credentials: &Credentials) -> Result<Vec<u8>, ClientError> {
        let mut attributes = Attributes(text);
        let nonce = attributes.expect('r').ok_or(ClientError::Malformed)?;
        let salt = attributes.expect('s').ok_or(ClientError::Malformed)?;
        let iterations = attributes.expect('i').ok_or(ClientError::Malformed)?;
        let salt = STANDARD.decode(salt).map_err(|_| ClientError::Malformed)?;
        let iterations = iterations.parse::<u32>().map_err(|_| ClientError::Malformed)?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(ClientError::Malformed);
        }
        // RFC 7677 §4: fewer than 4096 rounds would make guessing cheap for whoever plays the server.
        if !(ITERATIONS_MIN..=ITERATIONS_MAX).contains(&iterations) {
            return Err(ClientError::Iterations);
        }
        let mut binding = self.header.clone().into_bytes();
        if let Some(bound) = &self.binding {
            binding.extend_from_slice(&bound.data);
        }
        let without_proof = format!("c={},r={nonce}", STANDARD.encode(binding));
        let message = auth_message(&self.bare, text, &without_proof);
        let password = crate::prepare(credentials.password.reveal()).map_err(|_| ClientError::Malformed)?;
        let (proof, signature) = client_proof(&salted_password(&password, &salt, iterations), &message);
        self.state = State::Final(signature);
        Ok(format!("{without_proof},p={}", STANDARD.encode(proof)).into_bytes())
    }
}
