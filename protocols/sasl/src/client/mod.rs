//! The client's side: used by the relay host's credentials and by every test of the server.

mod scram;

use crate::{Bearer, ChannelBinding, Mechanism, Secret, bearer};

/// Who signs in, and how.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// As whom to act, when not as oneself.
    pub authzid: Option<String>,
    /// Who signs in.
    pub authcid: String,
    /// With what.
    pub password: Secret,
}

/// Why the client gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The server's data does not fit the mechanism.
    #[error("the server's challenge is malformed")]
    Malformed,
    /// The server does not know the password either: somebody plays the server.
    #[error("the server could not prove itself")]
    ServerUnproven,
    /// The server asks for so few iterations that the password would be exposed, or for absurdly many.
    #[error("the server's iteration count is out of range")]
    Iterations,
    /// -PLUS was asked for without a TLS channel to bind to.
    #[error("no channel to bind to")]
    NoBinding,
}

/// One exchange.
#[derive(Debug)]
pub struct Client {
    mechanism: Mechanism,
    credentials: Credentials,
    login_asked: u8,
    scram: Option<scram::Scram>,
}

impl Client {
    /// Begins an exchange. `random` is the client's part of the nonce; `binding` is used by -PLUS only.
    ///
    /// # Errors
    /// [`ClientError::NoBinding`] when -PLUS has nothing to bind to.
    pub fn start(
        mechanism: Mechanism,
        credentials: Credentials,
        binding: Option<ChannelBinding>,
        random: [u8; 18],
    ) -> Result<Self, ClientError> {
        let scram = match mechanism {
            Mechanism::ScramSha256 => Some(scram::Scram::new(None, random)),
            Mechanism::ScramSha256Plus => Some(scram::Scram::new(Some(binding.ok_or(ClientError::NoBinding)?), random)),
            Mechanism::Plain | Mechanism::Login | Mechanism::OauthBearer | Mechanism::Xoauth2 => None,
        };
        Ok(Self {
            mechanism,
            credentials,
            login_asked: 0,
            scram,
        })
    }

    /// The mechanism.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The initial response, for mechanisms where the client speaks first.
    pub fn initial(&mut self) -> Option<Vec<u8>> {
        match (self.mechanism, &mut self.scram) {
            (Mechanism::Plain, _) => Some(self.plain()),
            (Mechanism::OauthBearer, _) => Some(bearer::write_oauthbearer(&self.bearer())),
            (Mechanism::Xoauth2, _) => Some(bearer::write_xoauth2(&self.bearer())),
            (_, Some(scram)) => Some(scram.first(&self.credentials)),
            _ => None,
        }
    }

    /// Answers a (decoded) challenge.
    ///
    /// # Errors
    /// See [`ClientError`]; the exchange is then to be cancelled with `*`.
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ClientError> {
        match (self.mechanism, &mut self.scram) {
            (Mechanism::Plain, _) => Ok(self.plain()),
            (Mechanism::OauthBearer | Mechanism::Xoauth2, _) => match challenge {
                // Asked to begin.
                b"" => self.initial().ok_or(ClientError::Malformed),
                // RFC 7628 §3.2.3: the refusal is acknowledged.
                _ => Ok(vec![1]),
            },
            (_, Some(scram)) => scram.respond(challenge, &self.credentials),
            _ => {
                self.login_asked = self.login_asked.saturating_add(1);
                match self.login_asked {
                    1 => Ok(self.credentials.authcid.clone().into_bytes()),
                    2 => Ok(self.credentials.password.reveal().as_bytes().to_vec()),
                    _ => Err(ClientError::Malformed),
                }
            }
        }
    }

    /// To be asked when the server reports success: SCRAM servers must have proved themselves by then.
    ///
    /// # Errors
    /// [`ClientError::ServerUnproven`].
    pub fn succeeded(&self) -> Result<(), ClientError> {
        match &self.scram {
            Some(scram) if !scram.server_proven() => Err(ClientError::ServerUnproven),
            _ => Ok(()),
        }
    }

    /// The token stands in the password's place.
    fn bearer(&self) -> Bearer {
        Bearer {
            user: Some(self.credentials.authcid.clone()).filter(|user| !user.is_empty()),
            token: self.credentials.password.clone(),
        }
    }

    fn plain(&self) -> Vec<u8> {
        let authzid = self.credentials.authzid.as_deref().unwrap_or_default();
        let (authcid, password) = (&self.credentials.authcid, self.credentials.password.reveal());
        format!("{authzid}\0{authcid}\0{password}").into_bytes()
    }
}
