//! Our account with the authority: made once, kept in the store, the same on all nodes.

use instant_acme::{Account, AccountCredentials, NewAccount};

use crate::acme::Inner;
use crate::order::AcmeError;
use crate::record::AccountRecord;

impl Inner {
    /// The account; made when there is none.
    pub(crate) async fn account(&self) -> Result<Account, AcmeError> {
        let directory = &self.settings.directory;
        let builder = || Account::builder_with_http(Box::new(self.web.clone()));
        if let Some(known) = self.store.account(directory).await? {
            let credentials: AccountCredentials =
                serde_json::from_str(&known.credentials).map_err(AcmeError::Account)?;
            return Ok(builder().from_credentials(credentials).await?);
        }
        let contacts: Vec<_> = self
            .settings
            .contacts
            .iter()
            .map(|contact| format!("mailto:{contact}"))
            .collect();
        let contacts: Vec<_> = contacts.iter().map(String::as_str).collect();
        let new = NewAccount {
            contact: &contacts,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let (account, credentials) = builder().create(&new, directory.clone(), None).await?;
        let credentials = serde_json::to_string(&credentials).map_err(AcmeError::Account)?;
        self.store.set_account(directory, AccountRecord { credentials }).await?;
        tracing::info!(
            directory,
            account = account.id(),
            "account with the certificate authority made"
        );
        Ok(account)
    }
}
