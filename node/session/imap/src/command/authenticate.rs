//! AUTHENTICATE (RFC 9051 §6.2.2): the SASL machine asks, `node/access` answers.

use hongyan_access::{AccessError, Protocol, ScramAttempt};
use hongyan_imap::command::authenticate::Authenticate;
use hongyan_imap::{Code, CommandId, Reply, Status};
use hongyan_sasl::{BindingKind, ChannelBinding, Failure, Mechanism, Server, ServerContext, Step};

use crate::session::{Outcome, Session};
use crate::stop::Stop;

/// A SASL exchange under way.
pub(crate) struct Exchange {
    server: Server,
    /// For whom SCRAM keys were handed out.
    attempt: Option<ScramAttempt>,
    /// Why the token was not taken that the client is being told of.
    refused: Option<AccessError>,
}

impl Session {
    pub(crate) async fn authenticate(&mut self, id: CommandId, command: Authenticate) -> Result<Outcome, Stop> {
        let mechanism = Mechanism::from_name(command.mechanism.as_bytes())
            .ok_or_else(|| Status::no_with(Code::Cannot, "Mechanism is not available"))?;
        let mut random = [0; 18];
        self.services.env.fill_random(&mut random);
        let context = ServerContext {
            bindings: self.bindings(),
            random,
        };
        let mut server = Server::start(mechanism, context);
        let step = match command.initial {
            Some(initial) => server.step(&initial),
            None => server.first(),
        };
        self.exchange = Some(Box::new(Exchange {
            server,
            attempt: None,
            refused: None,
        }));
        self.exchange_step(id, step).await
    }

    pub(crate) async fn authenticate_response(
        &mut self,
        id: CommandId,
        response: Option<Vec<u8>>,
    ) -> Result<Outcome, Stop> {
        let (Some(response), Some(exchange)) = (response, self.exchange.as_deref_mut()) else {
            self.exchange = None;
            // RFC 9051 §6.2.2: a cancelled exchange is BAD.
            return Err(Status::bad("Authentication cancelled").into());
        };
        let step = exchange.server.step(&response);
        self.exchange_step(id, step).await
    }

    async fn exchange_step(&mut self, id: CommandId, mut step: Step) -> Result<Outcome, Stop> {
        let peer = self.connection.peer().ip();
        let access = self.services.access.clone();
        loop {
            match step {
                Step::Challenge(challenge) => {
                    self.imap.reply(id, Reply::Challenge(challenge));
                    return Ok(Outcome::Pending);
                }
                Step::NeedCredentials { authcid } => {
                    let keys = access.scram_keys(&authcid, peer).await;
                    let (Some(exchange), Ok((keys, attempt))) = (self.exchange.as_deref_mut(), keys) else {
                        self.exchange = None;
                        return Err(failed());
                    };
                    exchange.attempt = Some(attempt);
                    step = exchange.server.keys(keys);
                }
                Step::CheckPassword {
                    authzid,
                    authcid,
                    password,
                } => {
                    self.exchange = None;
                    check_authzid(authzid.as_deref(), &authcid)?;
                    let verified = access.verify_password(Protocol::Imap, &authcid, &password, peer).await;
                    return self.signed_in(id, "authenticate", verified).await;
                }
                Step::CheckToken(shown) => {
                    let verified = access
                        .verify_token(Protocol::Imap, shown.token.reveal(), shown.user.as_deref(), peer)
                        .await;
                    match (verified, self.exchange.as_deref_mut()) {
                        // The client is told in the mechanism's own words first.
                        (Err(error), Some(exchange)) if !error.is_temporary() => {
                            exchange.refused = Some(error);
                            step = exchange.server.refuse_token();
                        }
                        (verified, _) => {
                            self.exchange = None;
                            return self.signed_in(id, "authenticate", verified).await;
                        }
                    }
                }
                Step::Done { authzid, authcid, key } => {
                    let attempt = self.exchange.take().and_then(|exchange| exchange.attempt);
                    check_authzid(authzid.as_deref(), &authcid)?;
                    let attempt = attempt.ok_or_else(failed)?;
                    let verified = access.finish_scram(Protocol::Imap, attempt, peer, Some(key)).await;
                    return self.signed_in(id, "authenticate", verified).await;
                }
                Step::Fail(failure) => {
                    let exchange = self.exchange.take();
                    let (attempt, refused) = exchange.map_or((None, None), |it| (it.attempt, it.refused));
                    if let Some(error) = refused {
                        return self.signed_in(id, "authenticate", Err(error)).await;
                    }
                    if let (Some(attempt), Failure::BadProof) = (attempt, failure) {
                        let refused = access.finish_scram(Protocol::Imap, attempt, peer, None).await;
                        return self.signed_in(id, "authenticate", refused).await;
                    }
                    return Err(match failure {
                        Failure::Malformed => Status::bad("Malformed authentication data").into(),
                        _ => failed(),
                    });
                }
            }
        }
    }

    fn bindings(&self) -> Vec<ChannelBinding> {
        let Some(tls) = self.connection.tls() else {
            return Vec::new();
        };
        let exporter = tls.exporter.map(|data| ChannelBinding {
            kind: BindingKind::TlsExporter,
            data: data.to_vec(),
        });
        let end_point = tls.server_end_point.as_ref().map(|data| ChannelBinding {
            kind: BindingKind::TlsServerEndPoint,
            data: data.to_vec(),
        });
        exporter.into_iter().chain(end_point).collect()
    }
}

fn failed() -> Stop {
    Stop::Refused(Status::no_with(Code::AuthenticationFailed, "Authentication failed"))
}

/// Nobody may act as somebody else here.
fn check_authzid(authzid: Option<&str>, authcid: &str) -> Result<(), Stop> {
    match authzid {
        Some(authzid) if !authzid.is_empty() && !authzid.eq_ignore_ascii_case(authcid) => {
            Err(Status::no_with(Code::AuthorizationFailed, "Acting as another account is not allowed").into())
        }
        _ => Ok(()),
    }
}
