//! AUTH: the exchange is `protocols/sasl`'s, the verdict `node/access`'s.

use hongyan_access::{AccessError, Identity, Protocol, ScramAttempt};
use hongyan_directory::{AccountRecord, Limit};
use hongyan_sasl::{BindingKind, ChannelBinding, Secret, Server, ServerContext, Step};
use hongyan_smtp::server::challenge;
use hongyan_smtp::{Auth, Enhanced, LimitNames, Reply};

use crate::conversation::Conversation;

/// An exchange under way.
pub(crate) struct SignIn {
    server: Server,
    /// Whose SCRAM keys were used, so that a failed proof counts against that name.
    attempt: Option<ScramAttempt>,
    /// Why the token was not taken that the client is being told of.
    refused: Option<AccessError>,
}

impl Conversation {
    pub(crate) async fn auth(&mut self, auth: Auth) -> Reply {
        let mut server = Server::start(auth.mechanism, self.context());
        let step = match auth.initial {
            Some(initial) => server.step(&initial),
            None => server.first(),
        };
        let exchange = SignIn {
            server,
            attempt: None,
            refused: None,
        };
        self.take_step(exchange, step).await
    }

    pub(crate) async fn auth_response(&mut self, response: &[u8]) -> Reply {
        let Some(mut exchange) = self.sign_in.take() else {
            return FAILED;
        };
        let step = exchange.server.step(response);
        self.take_step(exchange, step).await
    }

    async fn take_step(&mut self, mut exchange: SignIn, step: Step) -> Reply {
        let access = &self.service.services.access;
        let peer = self.connection.peer().ip();
        let verdict = match step {
            Step::Challenge(data) => {
                self.sign_in = Some(exchange);
                return challenge(&data);
            }
            Step::NeedCredentials { authcid } => match access.scram_keys(&authcid, peer).await {
                Ok((keys, attempt)) => {
                    exchange.attempt = Some(attempt);
                    return match exchange.server.keys(keys) {
                        Step::Challenge(data) => {
                            self.sign_in = Some(exchange);
                            challenge(&data)
                        }
                        _ => FAILED,
                    };
                }
                Err(error) => Err(error),
            },
            Step::CheckPassword {
                authzid,
                authcid,
                password,
            } => {
                if is_foreign(authzid.as_deref(), &authcid) {
                    return FOREIGN_IDENTITY;
                }
                self.check_password(&authcid, &password).await
            }
            Step::CheckToken(shown) => {
                let user = shown.user.as_deref();
                let verified = access.verify_token(Protocol::Submission, shown.token.reveal(), user, peer);
                match verified.await {
                    Err(error) if !error.is_temporary() => {
                        // The client is told in the mechanism's own words first.
                        return match exchange.server.refuse_token() {
                            Step::Challenge(data) => {
                                exchange.refused = Some(error);
                                self.sign_in = Some(exchange);
                                challenge(&data)
                            }
                            _ => FAILED,
                        };
                    }
                    verified => verified,
                }
            }
            Step::Done { authzid, authcid, key } => {
                if is_foreign(authzid.as_deref(), &authcid) {
                    return FOREIGN_IDENTITY;
                }
                let Some(attempt) = exchange.attempt else {
                    return FAILED;
                };
                access
                    .finish_scram(Protocol::Submission, attempt, peer, Some(key))
                    .await
            }
            Step::Fail(failure) => match exchange.attempt {
                _ if exchange.refused.is_some() => exchange.refused.map_or(Err(AccessError::BadCredentials), Err),
                Some(attempt) if failure == hongyan_sasl::Failure::BadProof => {
                    access.finish_scram(Protocol::Submission, attempt, peer, None).await
                }
                _ if failure == hongyan_sasl::Failure::ChannelBinding => return FAILED,
                _ => return MALFORMED,
            },
        };
        self.settle(verdict).await
    }

    async fn check_password(&self, name: &str, password: &Secret) -> Result<Identity, AccessError> {
        let peer = self.connection.peer().ip();
        let access = &self.service.services.access;
        access.verify_password(Protocol::Submission, name, password, peer).await
    }

    async fn settle(&mut self, verdict: Result<Identity, AccessError>) -> Reply {
        let access = &self.service.services.access;
        let place = match verdict {
            Ok(identity) => {
                let opened = access.open_session(&identity, self.connection.peer()).await;
                opened.map(|permit| (identity, permit))
            }
            Err(error) => Err(error),
        };
        match place {
            Ok((identity, permit)) => {
                permit.set_client(self.hello.as_ref().map_or("", |(name, _)| name));
                tracing::info!(event = "smtp_signed_in", account = identity.account.id.0, peer = %self.connection.peer().ip());
                if let Err(reply) = self.take_limits(&identity.account).await {
                    return reply;
                }
                self.account = Some(identity.account);
                self.permit = Some(permit);
                Reply::fixed(235, Enhanced(2, 7, 0), "Signed in")
            }
            Err(error) => {
                tracing::info!(event = "smtp_sign_in_failed", peer = %self.connection.peer().ip(), %error);
                match error {
                    AccessError::BadCredentials => FAILED,
                    // RFC 4954 §6: stronger than a password is asked for.
                    AccessError::AppPasswordRequired | AccessError::SecondFactorRequired => {
                        Reply::new(534, Enhanced(5, 7, 9), error.text())
                    }
                    error if error.is_temporary() => Reply::new(454, Enhanced(4, 7, 0), error.text()),
                    error => Reply::new(535, Enhanced(5, 7, 8), error.text()),
                }
            }
        }
    }

    /// From now on the limits of whoever has signed in hold (GEN-5).
    async fn take_limits(&mut self, account: &AccountRecord) -> Result<(), Reply> {
        let limits = self.service.services.directory.limits_of(account).await;
        let limits = limits.map_err(|error| {
            tracing::warn!(event = "smtp_directory_failed", %error);
            UNAVAILABLE
        })?;
        let octets = limits.of(Limit::MessageOctetsMax);
        let recipients = limits.of(Limit::RecipientsPerMessageMax);
        let names = LimitNames {
            message_octets: octets.label(),
            recipients: recipients.label(),
        };
        let recipients = u32::try_from(recipients.value()).unwrap_or(u32::MAX);
        self.session.set_message_limits(octets.value(), recipients, names);
        Ok(())
    }

    fn context(&self) -> ServerContext {
        let mut random = [0; 18];
        self.service.services.env.fill_random(&mut random);
        let mut bindings = Vec::new();
        if let Some(tls) = self.connection.tls() {
            let bind = |kind, data: &[u8]| ChannelBinding {
                kind,
                data: data.to_vec(),
            };
            bindings.extend(tls.exporter.map(|data| bind(BindingKind::TlsExporter, &data)));
            let end_point = tls.server_end_point.as_deref();
            bindings.extend(end_point.map(|data| bind(BindingKind::TlsServerEndPoint, data)));
        }
        ServerContext { bindings, random }
    }
}

/// Nobody acts as somebody else here; naming oneself is allowed.
fn is_foreign(authzid: Option<&str>, authcid: &str) -> bool {
    authzid.is_some_and(|authzid| !authzid.eq_ignore_ascii_case(authcid))
}

const FAILED: Reply = Reply::fixed(535, Enhanced(5, 7, 8), "Authentication failed");
const UNAVAILABLE: Reply = Reply::fixed(454, Enhanced(4, 7, 0), "Sign-in is not possible now, try again");
const MALFORMED: Reply = Reply::fixed(501, Enhanced(5, 5, 2), "Authentication data is malformed");
const FOREIGN_IDENTITY: Reply = Reply::fixed(535, Enhanced(5, 7, 8), "Acting as another user is not possible");
