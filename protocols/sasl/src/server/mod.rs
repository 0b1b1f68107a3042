//! The server's side of an exchange. It holds no passwords and knows no accounts: it asks its caller, who answers with
//! [`Server::keys`] or decides for itself on [`Step::CheckPassword`].

mod login;
mod plain;
mod scram;

use crate::{Bearer, ChannelBinding, Mechanism, Secret, StoredKeys, bearer};

/// What the connection contributes to an exchange.
#[derive(Debug, Clone, Default)]
pub struct ServerContext {
    /// Bindings of the TLS connection; empty without TLS. SCRAM-SHA-256-PLUS is advertised exactly when there is one.
    pub bindings: Vec<ChannelBinding>,
    /// Fresh random octets for this exchange: the server's part of the nonce.
    pub random: [u8; 18],
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send these octets (base64 on the wire) and hand the answer to [`Server::step`].
    Challenge(Vec<u8>),
    /// Look up the SCRAM keys of this user and hand them to [`Server::keys`]. For an unknown user hand in keys derived
    /// from a server secret and the name: the exchange then fails at the proof, like a wrong password.
    NeedCredentials {
        /// Who signs in.
        authcid: String,
    },
    /// Verify this password; the exchange is over whatever the verdict.
    CheckPassword {
        /// As whom to act, when not as oneself.
        authzid: Option<String>,
        /// Who signs in.
        authcid: String,
        /// The password as sent; prepare it before hashing.
        password: Secret,
    },
    /// Verify this token. A token that is taken ends the exchange; one that is not goes to [`Server::refuse_token`].
    CheckToken(Bearer),
    /// The user has proved to be `authcid`.
    Done {
        /// As whom to act, when not as oneself.
        authzid: Option<String>,
        /// Who signed in.
        authcid: String,
        /// With which of the keys that were handed to [`Server::keys`], counted from 0.
        key: usize,
    },
    /// The exchange has failed.
    Fail(Failure),
}

/// Why an exchange failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Not what the mechanism's grammar or order allows.
    #[error("malformed authentication data")]
    Malformed,
    /// The client bound to another channel, or to none where it must.
    #[error("channel binding does not match")]
    ChannelBinding,
    /// The client has heard that its token is not taken.
    #[error("the token is not taken")]
    BadToken,
    /// The proof does not match the keys: wrong password or unknown user.
    #[error("authentication failed")]
    BadProof,
}

/// One exchange.
#[derive(Debug)]
pub struct Server {
    machine: Machine,
}

#[derive(Debug)]
enum Machine {
    Plain,
    Login(login::Login),
    Scram(Box<scram::Scram>),
    Bearer {
        is_xoauth2: bool,
    },
    /// The client is to acknowledge that its token is not taken.
    Refused,
    Over,
}

impl Server {
    /// Begins an exchange. Call [`Server::step`] when the client sent an initial response, else [`Server::first`].
    #[must_use]
    pub fn start(mechanism: Mechanism, context: ServerContext) -> Self {
        let machine = match mechanism {
            Mechanism::Plain => Machine::Plain,
            Mechanism::Login => Machine::Login(login::Login::default()),
            Mechanism::ScramSha256 => Machine::Scram(Box::new(scram::Scram::new(context, false))),
            Mechanism::ScramSha256Plus => Machine::Scram(Box::new(scram::Scram::new(context, true))),
            Mechanism::OauthBearer => Machine::Bearer { is_xoauth2: false },
            Mechanism::Xoauth2 => Machine::Bearer { is_xoauth2: true },
        };
        Self { machine }
    }

    /// The first challenge when there was no initial response: empty but for LOGIN, which asks for the name.
    #[must_use]
    pub fn first(&self) -> Step {
        match &self.machine {
            Machine::Login(_) => Step::Challenge(login::ASK_NAME.to_vec()),
            _ => Step::Challenge(Vec::new()),
        }
    }

    /// Takes the client's (decoded) response.
    pub fn step(&mut self, response: &[u8]) -> Step {
        let step = match &mut self.machine {
            Machine::Plain => plain::step(response),
            Machine::Login(login) => login.step(response),
            Machine::Scram(scram) => scram.step(response),
            Machine::Bearer { is_xoauth2 } => {
                let read = match is_xoauth2 {
                    true => bearer::read_xoauth2(response),
                    false => bearer::read_oauthbearer(response),
                };
                read.map_or(Step::Fail(Failure::Malformed), Step::CheckToken)
            }
            // RFC 7628 §3.2.3: whatever it says.
            Machine::Refused => Step::Fail(Failure::BadToken),
            Machine::Over => Step::Fail(Failure::Malformed),
        };
        self.settle(step)
    }

    /// Answers [`Step::CheckToken`] when the token is not taken: the client is told, acknowledges it, and the exchange fails.
    pub fn refuse_token(&mut self) -> Step {
        let step = match &self.machine {
            Machine::Bearer { is_xoauth2: true } => Step::Challenge(bearer::NOT_TAKEN_XOAUTH2.to_vec()),
            Machine::Bearer { is_xoauth2: false } => Step::Challenge(bearer::NOT_TAKEN.to_vec()),
            _ => return self.settle(Step::Fail(Failure::Malformed)),
        };
        self.machine = Machine::Refused;
        step
    }

    /// Answers [`Step::NeedCredentials`] with the keys of every password that may be the user's: the proof tells which one it
    /// is. The client hears the first one's salt and rounds, so keys made with others cannot match.
    pub fn keys(&mut self, keys: Vec<StoredKeys>) -> Step {
        let step = match &mut self.machine {
            Machine::Scram(scram) => scram.keys(keys),
            _ => Step::Fail(Failure::Malformed),
        };
        self.settle(step)
    }

    fn settle(&mut self, step: Step) -> Step {
        if matches!(step, Step::CheckPassword { .. } | Step::Done { .. } | Step::Fail(_)) {
            self.machine = Machine::Over;
        }
        step
    }
}
