//! Bind (RFC 4511 §4.2): a password, or an app password, through the one door of all sign-ins.

use hongyan_access::{AccessError, Identity, Protocol, SessionPermit};
use hongyan_ldap_wire::server::Reply;
use hongyan_ldap_wire::{Answer, ResultCode};
use hongyan_sasl::{Mechanism, Secret, Server, ServerContext, Step};

use crate::session::Session;
use crate::tree;

impl Session {
    /// A simple bind.
    pub(crate) async fn bind(&mut self, name: &str, password: &Secret) -> Reply {
        // Whoever was there makes room first: one connection is one session.
        self.set_member(None);
        let Some(name) = tree::login_name(name) else {
            let text = "the name is an address, or a name such as uid=anna,ou=people,dc=example,dc=org";
            return Reply::Done(Answer::new(ResultCode::INVALID_DN_SYNTAX, text));
        };
        let opened = self.verify(&name, password).await;
        self.admit(opened)
    }

    /// SASL PLAIN (RFC 4616), which is one message.
    pub(crate) async fn plain(&mut self, message: &[u8]) -> Reply {
        self.set_member(None);
        let context = ServerContext {
            bindings: Vec::new(),
            random: [0; 18],
        };
        let step = Server::start(Mechanism::Plain, context).step(message);
        let Step::CheckPassword {
            authzid,
            authcid,
            password,
        } = step
        else {
            return Reply::Done(Answer::new(ResultCode::PROTOCOL_ERROR, "it is no message of PLAIN"));
        };
        let name = tree::login_name(&authcid).unwrap_or(authcid);
        let other = authzid.filter(|authzid| !authzid.is_empty() && !is_oneself(authzid, &name));
        let opened = match other {
            // Nobody may act as another account here.
            Some(_) => Err(AccessError::BadCredentials),
            None => self.verify(&name, &password).await,
        };
        self.admit(opened)
    }

    async fn verify(&self, name: &str, password: &Secret) -> Result<(Identity, SessionPermit), AccessError> {
        let (access, peer) = (&self.parts().access, self.connection().peer());
        let identity = access
            .verify_password(Protocol::Ldap, name, password, peer.ip())
            .await?;
        let permit = access.open_session(&identity, peer).await?;
        Ok((identity, permit))
    }

    fn admit(&mut self, opened: Result<(Identity, SessionPermit), AccessError>) -> Reply {
        let (outcome, reply) = match opened {
            Ok(member) => {
                let authorization = format!("dn:{}", tree::name_of(&member.0.account.address));
                self.set_member(Some(member));
                ("ok", Reply::SignedIn { authorization })
            }
            Err(error) => {
                let outcome = if error.is_temporary() { "unavailable" } else { "refused" };
                (outcome, Reply::Done(refusal(&error)))
            }
        };
        self.metrics().binds.with_label_values(&[outcome]).inc();
        reply
    }
}

/// RFC 4513 §5.2.1.8: `u:` and a name, or `dn:` and a distinguished name.
fn is_oneself(authzid: &str, name: &str) -> bool {
    let said = match authzid.split_once(':') {
        Some(("u", user)) => Some(user.to_owned()),
        Some(("dn", text)) => tree::login_name(text),
        _ => Some(authzid.to_owned()),
    };
    said.is_some_and(|said| said.eq_ignore_ascii_case(name))
}

/// Which code says what: 49 where another password may do, 53 where none does.
fn refusal(error: &AccessError) -> Answer {
    let code = match error {
        AccessError::Directory(cause) if cause.is_temporary() => {
            tracing::warn!(%cause, "sign-in failed for now");
            ResultCode::UNAVAILABLE
        }
        AccessError::Directory(cause) => {
            tracing::error!(%cause, "sign-in failed");
            ResultCode::UNAVAILABLE
        }
        AccessError::OutsideSilent | AccessError::Sealed(_) => ResultCode::UNAVAILABLE,
        error if error.is_temporary() => ResultCode::BUSY,
        AccessError::BadCredentials
        | AccessError::AppPasswordRequired
        | AccessError::NotForProtocol(_)
        | AccessError::Expired => ResultCode::INVALID_CREDENTIALS,
        _ => ResultCode::UNWILLING_TO_PERFORM,
    };
    Answer::new(code, error.text())
}
