//! LOGIN (RFC 9051 §6.2.3), and what all ways of signing in end in.

use hongyan_access::{AccessError, Identity, Protocol};
use hongyan_directory::Limit;
use hongyan_imap::command::login::Login;
use hongyan_imap::{Code, CommandId, Reply, Status};
use hongyan_sasl::Secret;

use crate::account::Account;
use crate::session::{Outcome, Session};
use crate::stop::Stop;

impl Session {
    pub(crate) async fn login(&mut self, id: CommandId, login: Login) -> Result<Outcome, Stop> {
        let peer = self.connection.peer().ip();
        let password = Secret::new(login.password);
        let verified = self
            .services
            .access
            .verify_password(Protocol::Imap, &login.user, &password, peer)
            .await;
        self.signed_in(id, "login", verified).await
    }

    /// Ends LOGIN and AUTHENTICATE.
    pub(crate) async fn signed_in(
        &mut self,
        id: CommandId,
        command: &'static str,
        verified: Result<Identity, AccessError>,
    ) -> Result<Outcome, Stop> {
        let identity = verified.map_err(|error| refusal(&error))?;
        let permit = self
            .services
            .access
            .open_session(&identity, self.connection.peer())
            .await
            .map_err(|error| refusal(&error))?;
        if let Some(name) = self.client.take() {
            permit.set_client(&name);
        }
        let limits = self.services.directory.limits_of(&identity.account).await;
        let limits = limits.map_err(|error| {
            tracing::warn!(event = "imap_directory_failed", %error);
            Stop::Refused(Status::no_with(Code::Unavailable, "Sign-in is not possible now"))
        })?;
        let octets = limits.of(Limit::MessageOctetsMax);
        if octets.value() != self.imap.settings().limits.append_octets_max {
            self.imap.set_append_limit(octets.value(), octets.label());
        }
        self.account = Some(Account::new(&identity, permit));
        self.imap.reply(id, Reply::LoggedIn("Logged in".to_owned()));
        self.finished(command, "ok");
        Ok(Outcome::Pending)
    }
}

fn refusal(error: &AccessError) -> Stop {
    let code = match error {
        AccessError::BadCredentials => Code::AuthenticationFailed,
        AccessError::Suspended
        | AccessError::ProtocolClosed(_)
        | AccessError::AddressNotAllowed
        | AccessError::SecondFactorRequired
        | AccessError::NotForProtocol(_)
        | AccessError::NotInScope(_)
        | AccessError::AppPasswordRequired => Code::AuthorizationFailed,
        AccessError::Expired => Code::Expired,
        AccessError::TooManySessions { .. } | AccessError::LockedOut { .. } => Code::Limit,
        _ => Code::Unavailable,
    };
    Stop::Refused(Status::no_with(code, error.text()))
}
