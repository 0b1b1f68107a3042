use std::time::Duration;

use hongyan_sasl::Secret;

use super::*;
use crate::fixture::{ANNA, Fixture, PEER, cheap};

struct World(Fixture);

impl std::ops::Deref for World {
    type Target = Fixture;
    fn deref(&self) -> &Fixture {
        &self.0
    }
}

impl World {
    async fn new() -> Self {
        let options = AccessOptions {
            login_log_repeat_secs: 600,
            ..cheap()
        };
        Self(Fixture::new(options, "pass").await)
    }
    async fn sign_in(&self, name: &str, password: &str) {
        let password = Secret::new(password);
        let _ = self.access.verify_password(Protocol::Imap, name, &password, PEER).await;
        self.access.write_logins().await;
        self.clock.advance(Duration::from_secs(1));
    }
    async fn list(&self, filter: LoginFilter) -> Vec<(String, String)> {
        let page = self
            .access
            .logins(LoginsOf::Account(self.anna), &filter, None, 100)
            .await
            .unwrap();
        assert_eq!(page.next, None);
        page.entries
            .into_iter()
            .map(|entry| (entry.name, entry.result))
            .collect()
    }
    async fn of_tenant(&self, before: Option<LoginPlace>, limit: usize) -> LoginPage {
        let filter = LoginFilter::default();
        let of = LoginsOf::Tenant(self.tenant);
        self.access.logins(of, &filter, before, limit).await.unwrap()
    }
    fn days(&self, days: u64) {
        self.clock.advance(Duration::from_secs(days * 86_400));
    }
}

fn said(name: &str, result: &str) -> (String, String) {
    (name.to_owned(), result.to_owned())
}

#[tokio::test]
async fn log_1_sign_ins_are_kept_with_name_and_result() {
    let world = World::new().await;
    world.sign_in(ANNA, "pass").await;
    world.sign_in("ANNA@example.test", "wrong").await;
    world.sign_in("nobody@example.test", "wrong").await;
    let all = world.list(LoginFilter::default()).await;
    let wrong = said("ANNA@example.test", "bad-credentials");
    assert_eq!(all, [wrong.clone(), said(ANNA, "ok")]);
    let failed = LoginFilter {
        failed: true,
        ..LoginFilter::default()
    };
    assert_eq!(world.list(failed).await, [wrong]);
    let page = world.of_tenant(None, 1).await;
    let entry = &page.entries[0];
    assert_eq!(
        (entry.account, entry.peer, entry.way),
        (world.anna, PEER, Way::Password)
    );
    assert_eq!(world.of_tenant(page.next, 9).await.entries.len(), 1);
    let later = LoginFilter {
        from: Some(Timestamp {
            millis: entry.at.millis + 1,
        }),
        ..LoginFilter::default()
    };
    assert_eq!(world.list(later).await, []);
    let earlier = LoginFilter {
        until: Some(entry.at),
        ..LoginFilter::default()
    };
    assert_eq!(world.list(earlier).await, [said(ANNA, "ok")]);
}

#[tokio::test]
async fn log_1_a_client_that_comes_back_all_the_time_is_written_once_in_a_while() {
    let world = World::new().await;
    for _ in 0..5 {
        world.sign_in(ANNA, "pass").await;
    }
    assert_eq!(world.list(LoginFilter::default()).await.len(), 1);
    world.clock.advance(Duration::from_secs(600));
    world.sign_in(ANNA, "pass").await;
    assert_eq!(world.list(LoginFilter::default()).await.len(), 2);
    for _ in 0..3 {
        world.sign_in(ANNA, "wrong").await;
    }
    assert_eq!(world.list(LoginFilter::default()).await.len(), 5, "each failure");
}

#[tokio::test]
async fn log_1_what_is_old_is_swept() {
    let world = World::new().await;
    world.sign_in(ANNA, "wrong").await;
    world.days(100);
    world.sign_in(ANNA, "wrong").await;
    world.days(81);
    let now = world.access.now();
    let until = Timestamp {
        millis: now.millis - 180 * 86_400_000,
    };
    world.access.sweep_logins(world.tenant, until).await.unwrap();
    assert_eq!(world.list(LoginFilter::default()).await.len(), 1);
    assert_eq!(world.of_tenant(None, 9).await.entries.len(), 1);
}

#[test]
fn golden_bytes() {
    let entry = LoginEntry {
        at: Timestamp { millis: 1_000 },
        tenant: TenantId(3),
        account: AccountId(7),
        name: "a@b".to_owned(),
        protocol: Protocol::Imap,
        way: Way::AppPassword,
        peer: PEER,
        client: "X".to_owned(),
        result: "ok".to_owned(),
        unusual: false,
    };
    let stored = encode(&entry);
    let shown: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        shown,
        "0100018803076361406264696d61706c6170702d70617373776f7264693139322e302e322e316158626f6b"
    );
    let place = LoginPlace {
        millis: 1_000,
        random: 5,
    };
    assert_eq!(decode(place, &stored), Ok(entry));
}
