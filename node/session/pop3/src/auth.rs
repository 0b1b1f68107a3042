//! AUTH (RFC 5034): a SASL exchange, a step at a time.

use hongyan_access::{AccessError, Protocol};
use hongyan_pop3::{Auth, Reply, ResponseCode};
use hongyan_sasl::{BindingKind, ChannelBinding, Server, ServerContext, Step};

use crate::session::Session;

impl Session {
    /// Begins an exchange.
    pub(crate) async fn auth(&mut self, auth: Auth) -> Reply {
        let mut random = [0; 18];
        self.parts().env.fill_random(&mut random);
        let context = ServerContext {
            bindings: self.bindings(),
            random,
        };
        let mut server = Server::start(auth.mechanism, context);
        let step = match &auth.initial {
            Some(initial) => server.step(initial),
            None => server.first(),
        };
        self.exchange = Some(server);
        self.refused = None;
        self.auth_step(step).await
    }

    /// Goes on with it.
    pub(crate) async fn auth_response(&mut self, response: &[u8]) -> Reply {
        match self.exchange.as_mut().map(|server| server.step(response)) {
            Some(step) => self.auth_step(step).await,
            None => Reply::error("no exchange is under way"),
        }
    }

    async fn auth_step(&mut self, mut step: Step) -> Reply {
        let peer = self.connection().peer().ip();
        let verified = loop {
            step = match step {
                Step::Challenge(data) => return Reply::Challenge(data),
                Step::NeedCredentials { authcid } => {
                    let keys = self.parts().access.scram_keys(&authcid, peer).await;
                    match (keys, &mut self.exchange) {
                        (Ok((keys, attempt)), Some(server)) => {
                            self.scram = Some(attempt);
                            server.keys(keys)
                        }
                        (Err(error), _) => break Err(error),
                        (Ok(_), None) => break Err(AccessError::BadCredentials),
                    }
                }
                Step::CheckPassword {
                    authzid,
                    authcid,
                    password,
                } => {
                    if acts_as_another(authzid.as_deref(), &authcid) {
                        break Err(AccessError::BadCredentials);
                    }
                    let access = &self.parts().access;
                    break access.verify_password(Protocol::Pop3, &authcid, &password, peer).await;
                }
                Step::CheckToken(shown) => {
                    let (user, token) = (shown.user.as_deref(), shown.token.reveal());
                    let access = &self.parts().access;
                    let verified = access.verify_token(Protocol::Pop3, token, user, peer).await;
                    match (verified, &mut self.exchange) {
                        // The client is told in the mechanism's own words first.
                        (Err(error), Some(server)) if !error.is_temporary() => {
                            let told = server.refuse_token();
                            self.refused = Some(error);
                            told
                        }
                        (verified, _) => break verified,
                    }
                }
                Step::Done { authzid, authcid, key } => {
                    let proved = Some(key).filter(|_| !acts_as_another(authzid.as_deref(), &authcid));
                    let Some(attempt) = self.scram.take() else {
                        break Err(AccessError::BadCredentials);
                    };
                    let access = &self.parts().access;
                    break access.finish_scram(Protocol::Pop3, attempt, peer, proved).await;
                }
                Step::Fail(failure) if self.refused.is_some() => {
                    tracing::debug!(%failure, "the client has heard that its token is not taken");
                    break Err(self.refused.take().unwrap_or(AccessError::BadCredentials));
                }
                Step::Fail(failure) => match self.scram.take() {
                    // A wrong proof counts as a wrong password does.
                    Some(attempt) => {
                        let access = &self.parts().access;
                        break access.finish_scram(Protocol::Pop3, attempt, peer, None).await;
                    }
                    None => {
                        self.exchange = None;
                        return Reply::Err(Some(ResponseCode::Auth), failure.to_string());
                    }
                },
            };
        };
        self.exchange = None;
        self.scram = None;
        self.refused = None;
        self.admit(verified).await
    }

    fn bindings(&self) -> Vec<ChannelBinding> {
        let Some(tls) = self.connection().tls() else {
            return Vec::new();
        };
        let exporter = tls.exporter.map(|data| (BindingKind::TlsExporter, data.to_vec()));
        let end_point = tls.server_end_point.as_deref();
        let end_point = end_point.map(|data| (BindingKind::TlsServerEndPoint, data.to_vec()));
        let bindings = exporter.into_iter().chain(end_point);
        bindings.map(|(kind, data)| ChannelBinding { kind, data }).collect()
    }
}

/// Nobody may act as another account through POP3.
fn acts_as_another(authzid: Option<&str>, authcid: &str) -> bool {
    authzid.is_some_and(|authzid| !authzid.is_empty() && authzid != authcid)
}
