//! A sign-in that waits to be confirmed is pushed to the places of the account's devices (AUTH-18): only that one waits; what it is
//! shows where somebody is signed in.

use std::sync::Arc;

use futures_util::future::join_all;
use hongyan_access::Doorbell;
use hongyan_directory::AccountRecord;
use hongyan_env::{BoxFuture, Env};
use hongyan_kv::Database;
use hongyan_mailbox::MailboxId;
use serde_json::json;

use super::door::{Letter, PushDoor};
use super::subscription_record::Subscriptions;

/// The type by which a subscription names it.
const TYPE: &str = "SignInApproval";

/// Pushes to devices.
pub struct PushBell {
    env: Env,
    database: Database,
    push: Arc<dyn PushDoor>,
}

impl PushBell {
    /// Over the same places, and by the same door, as new states are told.
    #[must_use]
    pub fn new(env: Env, database: Database, push: Arc<dyn PushDoor>) -> Self {
        Self { env, database, push }
    }

    async fn push(&self, account: &AccountRecord) -> Result<(), hongyan_kv::Error> {
        let mailbox = MailboxId {
            tenant: account.tenant,
            account: account.id,
        };
        // What has come to its end is removed by whoever tells of new mail.
        let all = Subscriptions::of(mailbox);
        let all = all.all(&mut self.database.begin(), self.env.wall_millis()).await?;
        let body = json!({ "@type": TYPE, "account": account.address.to_string() });
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let wanted = all.into_iter().map(|(_, subscription)| subscription);
        let wanted = wanted.filter(|subscription| subscription.is_verified && subscription.wants(TYPE));
        let posts = wanted.map(|subscription| {
            self.push.post(Letter {
                url: subscription.url,
                keys: subscription.keys,
                body: body.clone(),
            })
        });
        for posted in join_all(posts).await {
            if let Err(error) = posted {
                tracing::info!(event = "push_failed", account = account.id.0, %error);
            }
        }
        Ok(())
    }
}

impl Doorbell for PushBell {
    fn ring(&self, account: Arc<AccountRecord>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Err(error) = self.push(&account).await {
                tracing::warn!(event = "push_look_failed", %error);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use hongyan_directory::{Directory, DirectoryOptions, NewAccount, NewTenant};
    use hongyan_memory::MemoryStore;
    use hongyan_types::{Address, Domain};
    use parking_lot::Mutex;

    use super::super::door::PushError;
    use super::super::subscription_record::SubscriptionRecord;
    use super::*;

    /// Keeps what is posted.
    #[derive(Default)]
    struct Probe(Mutex<Vec<(String, String)>>);

    impl PushDoor for Probe {
        fn post(&self, letter: Letter) -> BoxFuture<'_, Result<(), PushError>> {
            let body = String::from_utf8(letter.body).unwrap();
            self.0.lock().push((letter.url, body));
            Box::pin(std::future::ready(Ok(())))
        }
        fn public_key(&self) -> BoxFuture<'_, Option<String>> {
            Box::pin(std::future::ready(None))
        }
    }

    #[tokio::test]
    async fn auth_18_devices_that_want_it_are_pushed_to() {
        let (env, _) = Env::manual(1);
        let database = Database::new(MemoryStore::default());
        let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
        let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        let domain = Domain::try_from("d.test").unwrap();
        directory.create_domain(tenant, &domain).await.unwrap();
        let anna = NewAccount::at(Address::try_from("anna@d.test").unwrap());
        let anna = directory.create_account(&anna).await.unwrap();
        let places = Subscriptions::of(MailboxId {
            tenant,
            account: anna.id,
        });
        let mut transaction = database.begin();
        for (number, (url, is_verified, types)) in [
            ("https://p.test/all", true, None),
            ("https://p.test/this", true, Some(TYPE)),
            ("https://p.test/mail", true, Some("Email")),
            ("https://p.test/new", false, None),
        ]
        .into_iter()
        .enumerate()
        {
            let record = SubscriptionRecord {
                device: "d".to_owned(),
                url: url.to_owned(),
                keys: None,
                code: "c".to_owned(),
                is_verified,
                expires_millis: i64::MAX,
                types: types.map(|kind| vec![kind.to_owned()]),
                failures: 0,
            };
            let number = u64::try_from(number).unwrap() + 1;
            places
                .ledger
                .put(&mut transaction, number, record.encode())
                .await
                .unwrap();
        }
        transaction.commit().await.unwrap();
        let probe = Arc::new(Probe::default());
        let bell = PushBell::new(env, database, Arc::clone(&probe) as Arc<dyn PushDoor>);
        bell.ring(Arc::new(anna)).await;
        let posted = probe.0.lock();
        let urls: Vec<&str> = posted.iter().map(|(url, _)| url.as_str()).collect();
        assert_eq!(urls, ["https://p.test/all", "https://p.test/this"]);
        assert_eq!(posted[0].1, r#"{"@type":"SignInApproval","account":"anna@d.test"}"#);
    }
}
