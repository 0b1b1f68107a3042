//! Passwords proved at the directory, by a bind (RFC 4511 §4.2).

use hongyan_access::{AccessError, OutsidePassword, OutsidePasswords};
use hongyan_directory::Error;
use hongyan_env::BoxFuture;
use hongyan_ldap_wire::escape;
use hongyan_types::Address;

use crate::{Ldap, LdapError, LdapSettings, link};

/// Whom a password is tried for.
struct Tried {
    settings: LdapSettings,
    /// The distinguished name.
    name: String,
    /// Whether somebody is known by it; otherwise it is tried for the time that it takes.
    is_known: bool,
}

impl OutsidePasswords for Ldap {
    fn proves(&self, asked: OutsidePassword) -> BoxFuture<'static, Result<bool, AccessError>> {
        let this = self.clone();
        Box::pin(async move {
            match this.prove(&asked).await {
                Ok(proved) => Ok(proved),
                Err(LdapError::Directory(error)) => Err(error.into()),
                Err(LdapError::Access(error)) => Err(error),
                Err(LdapError::Overloaded) => Err(AccessError::Overloaded),
                Err(error) => {
                    tracing::warn!(event = "ldap_bind_failed", %error);
                    Err(AccessError::OutsideSilent)
                }
            }
        })
    }
}

impl Ldap {
    async fn prove(&self, asked: &OutsidePassword) -> Result<bool, LdapError> {
        let Some(tried) = self.tried(asked).await? else {
            return Ok(false);
        };
        // Nobody waits here: whoever attacks one organisation's directory holds up no other's members for long.
        let _binding = self.0.binding.try_acquire().map_err(|_| LdapError::Overloaded)?;
        let work = async {
            let mut connection = self.connect(&tried.settings).await?;
            let proved = connection.proves(&tried.name, &asked.password).await?;
            connection.close().await;
            Ok(proved)
        };
        let proved = self.in_time(self.0.options.bind_within, work).await?;
        Ok(proved && tried.is_known)
    }

    /// Whom to try it for; nobody where the organisation of the name does not prove passwords at its directory.
    async fn tried(&self, asked: &OutsidePassword) -> Result<Option<Tried>, LdapError> {
        let tenant = match (&asked.account, Address::try_from(asked.name.trim())) {
            (Some(account), _) => account.tenant,
            (None, Ok(address)) => match self.0.directory.domain(&address.domain).await {
                Ok(domain) => domain.tenant,
                Err(Error::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            },
            (None, Err(_)) => return Ok(None),
        };
        let settings = self.settings(tenant).await?.filter(|settings| settings.bind_sign_in);
        let Some(settings) = settings else {
            return Ok(None);
        };
        let mut known = None;
        if let Some(account) = &asked.account
            && link::is_ours(&account.profile.external_id)
        {
            let link = self.link(account.id).await?;
            known = link.map(|link| link.name).filter(|name| !name.is_empty());
        }
        Ok(Some(Tried {
            is_known: known.is_some(),
            name: known.unwrap_or_else(|| format!("cn={},{}", escape(&asked.name), settings.base)),
            settings,
        }))
    }
}
