use std::collections::VecDeque;
use std::sync::Arc;

use hongyan_directory::{Directory, DirectoryOptions, NewTag, NewTenant};
use hongyan_env::{BoxFuture, Env, ManualClock};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use parking_lot::Mutex;

use super::*;
use crate::{Door, Letter, NewWebhook, WebhookChange, WebhookOptions, signature};

/// Receivers that answer what they are told to, and remember what they got.
#[derive(Default)]
struct Probe {
    answers: Mutex<VecDeque<Result<u16, String>>>,
    got: Mutex<Vec<Letter>>,
}

impl Door for Probe {
    fn post(&self, letter: Letter) -> BoxFuture<'_, Result<u16, String>> {
        self.got.lock().push(letter);
        let answer = self.answers.lock().pop_front().unwrap_or(Ok(204));
        Box::pin(std::future::ready(answer))
    }
    fn check(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
}

struct Fixture {
    clock: ManualClock,
    directory: Directory,
    probe: Arc<Probe>,
    runner: Runner,
    tenant: TenantId,
}

impl Fixture {
    async fn new() -> Self {
        let (env, clock) = Env::manual(1);
        let database = Database::new(MemoryStore::default());
        let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
        directory.sealer().make_key();
        let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        let probe = Arc::new(Probe::default());
        let runner = Runner {
            webhooks: Webhooks::new(directory.clone(), probe.clone(), WebhookOptions::default()),
            router: Router::new(env, hongyan_actor::Arbiters::start(1)),
            new_mail: NewMail::new(database),
        };
        Self {
            clock,
            directory,
            probe,
            runner,
            tenant,
        }
    }
    async fn webhook(&self, events: &[&str]) -> (WebhookId, String) {
        let new = NewWebhook {
            tenant: self.tenant,
            name: "Portal".to_owned(),
            url: "https://portal.test/in".to_owned(),
            events: events.iter().map(|event| (*event).to_owned()).collect(),
        };
        let (webhook, secret) = self.runner.webhooks.create(&new).await.unwrap();
        (webhook.id, secret.reveal().to_owned())
    }
    async fn tag(&self, name: &str) {
        let new = NewTag {
            name: name.to_owned(),
            departments: Vec::new(),
        };
        self.directory.create_tag(self.tenant, &new).await.unwrap();
    }
    async fn record(&self, id: WebhookId) -> WebhookRecord {
        self.runner.webhooks.show(self.tenant, id).await.unwrap()
    }
    /// One look at one webhook.
    async fn look(&self, id: WebhookId) -> Option<bool> {
        let record = self.record(id).await;
        if !self.runner.is_due(&record) {
            return None;
        }
        self.runner.serve_once(record).await.unwrap()
    }
    fn answers(&self, answers: impl IntoIterator<Item = Result<u16, String>>) {
        self.probe.answers.lock().extend(answers);
    }
    fn bodies(&self) -> Vec<Value> {
        let got = self.probe.got.lock();
        got.iter()
            .map(|letter| serde_json::from_str(&letter.body).unwrap())
            .collect()
    }
}

fn on_actors<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    hongyan_actor::run(0, async { test().await });
}

#[test]
fn api_3_what_changes_is_posted_signed_and_in_order() {
    on_actors(|| async {
        let fixture = Fixture::new().await;
        let (id, secret) = fixture.webhook(&["tag"]).await;
        // Its own making is no tag.
        assert_eq!(fixture.look(id).await, None);
        fixture.tag("One").await;
        fixture.tag("Two").await;
        assert_eq!(fixture.look(id).await, Some(true));
        assert_eq!(fixture.look(id).await, None);
        let bodies = fixture.bodies();
        let names = |body: &Value| {
            let events = body["events"].as_array().unwrap().iter();
            events
                .map(|event| event["subjects"][0]["id"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&bodies[0]), ["1", "2"]);
        assert_eq!(
            (&bodies[0]["id"], &bodies[0]["organisation"]),
            (&json!(format!("{id}-1")), &json!("Acme"))
        );
        let letter = fixture.probe.got.lock()[0].clone();
        let field = |name: &str| letter.fields.iter().find(|field| field.0 == name).unwrap().1.clone();
        let at_secs: i64 = field("hongyan-timestamp").parse().unwrap();
        assert_eq!(
            field("hongyan-signature"),
            format!("v1={}", signature(&secret, at_secs, &letter.body))
        );
        assert_eq!(field("hongyan-delivery"), format!("{id}-1"));
    });
}

#[test]
fn api_3_what_was_not_taken_is_posted_again_the_same_with_growing_pauses() {
    on_actors(|| async {
        let fixture = Fixture::new().await;
        let (id, _) = fixture.webhook(&["tag"]).await;
        fixture.tag("One").await;
        fixture.answers([Ok(500), Err("no answer".to_owned()), Ok(302), Ok(200)]);
        assert_eq!(fixture.look(id).await, Some(false));
        // What comes meanwhile waits behind it.
        fixture.tag("Two").await;
        let mut pauses = Vec::new();
        for _ in 0..3 {
            assert_eq!(fixture.look(id).await, None, "not before its time");
            let record = fixture.record(id).await;
            let pause = record.next.millis - fixture.runner.webhooks.now().millis;
            pauses.push(pause / 1_000);
            fixture.clock.advance(Duration::from_millis(pause.unsigned_abs()));
            fixture.look(id).await;
        }
        assert_eq!(pauses, [10, 20, 40]);
        assert_eq!(fixture.record(id).await.failing_since, None);
        assert_eq!(fixture.look(id).await, Some(true));
        let bodies = fixture.bodies();
        assert!(bodies[..4].iter().all(|body| *body == bodies[0]), "always the same");
        assert_eq!(bodies[4]["id"], format!("{id}-2"));
        let deliveries = fixture
            .runner
            .webhooks
            .deliveries(fixture.tenant, id, None, 9)
            .await
            .unwrap();
        let attempts: Vec<_> = deliveries[1].attempts.iter().map(|attempt| attempt.status).collect();
        assert_eq!(attempts, [Some(500), None, Some(302), Some(200)]);
        let again = fixture.runner.webhooks.redeliver(fixture.tenant, id, 1).await.unwrap();
        assert_eq!(again.attempts.len(), 5);
    });
}

#[test]
fn api_3_who_takes_nothing_for_a_day_is_switched_off_and_the_administrators_are_told() {
    on_actors(|| async {
        let fixture = Fixture::new().await;
        let (id, _) = fixture.webhook(&["tag"]).await;
        fixture.tag("One").await;
        fixture.answers((0..100).map(|_| Ok(503)));
        let mut posts = 0;
        while fixture.record(id).await.state == WebhookState::On {
            posts += usize::from(fixture.look(id).await.is_some());
            fixture.clock.advance(Duration::from_secs(60));
        }
        assert!((15..40).contains(&posts), "{posts}");
        let record = fixture.record(id).await;
        assert_eq!(record.state, WebhookState::Failed);
        let told = fixture
            .directory
            .transact(async |change| Ok(hongyan_notice::told(change, fixture.tenant, None, 9).await?));
        let told = told.await.unwrap();
        let kinds: Vec<_> = told.iter().map(|told| told.notice.kind.as_str()).collect();
        assert_eq!(kinds, ["webhook.off"]);
        let passed = fixture.runner.webhooks.now().millis - record.failing_since.unwrap().millis;
        assert!((24..27).contains(&(passed / 3_600_000)), "{passed}");
        assert_eq!(fixture.look(id).await, None);
        // What happened while it was off is not made up for; what was pending is.
        fixture.probe.answers.lock().clear();
        fixture.tag("Two").await;
        let on = WebhookChange {
            on: Some(true),
            ..WebhookChange::default()
        };
        fixture.runner.webhooks.change(fixture.tenant, id, &on).await.unwrap();
        assert_eq!(fixture.look(id).await, Some(true));
        assert_eq!(fixture.look(id).await, None);
        assert_eq!(fixture.record(id).await.last, 1);
    });
}

#[test]
fn api_3_a_test_says_that_it_is_one_and_a_removed_webhook_leaves_nothing() {
    on_actors(|| async {
        let fixture = Fixture::new().await;
        let (id, _) = fixture.webhook(&["member", MAIL]).await;
        fixture.answers([Ok(404)]);
        let tested = fixture.runner.webhooks.test(fixture.tenant, id).await.unwrap();
        assert_eq!((tested.is_taken(), tested.attempts[0].status), (false, Some(404)));
        assert_eq!(fixture.bodies()[0]["events"][0]["event"], "test");
        let all = fixture.runner.all().await.unwrap();
        assert_eq!(wanting(&all)[&fixture.tenant], [id]);
        fixture.runner.new_mail.want(wanting(&all));
        for at in [4, 5] {
            fixture.runner.new_mail.came(fixture.tenant, AccountId(77), at);
        }
        fixture.runner.new_mail.write().await;
        assert_eq!(fixture.runner.notes(id).await.unwrap(), [(AccountId(77), 5)]);
        // Nobody has that account: the note goes, and nothing is posted.
        assert_eq!(fixture.look(id).await, None);
        assert_eq!(fixture.runner.notes(id).await.unwrap(), []);
        let other = fixture
            .directory
            .create_tenant(&NewTenant::named("Other"))
            .await
            .unwrap()
            .id;
        assert!(fixture.runner.webhooks.show(other, id).await.is_err());
        fixture.runner.webhooks.delete(fixture.tenant, id).await.unwrap();
        assert!(
            fixture
                .runner
                .webhooks
                .deliveries(fixture.tenant, id, None, 9)
                .await
                .is_err()
        );
        assert!(fixture.runner.all().await.unwrap().is_empty());
    });
}

#[test]
fn api_3_nothing_is_read_where_nothing_has_changed() {
    hongyan_actor::run(0, async {
        let world = Fixture::new().await;
        world.webhook(&["member"]).await;
        let seen = async || Seen {
            version: world.directory.version(),
            at_micros: world.directory.env().now_micros(),
            webhooks: world.runner.all().await.unwrap(),
        };
        let quiet = seen().await;
        assert!(world.runner.needs_look(None));
        assert!(!world.runner.needs_look(Some(&quiet)));
        world.tag("New").await;
        assert!(world.runner.needs_look(Some(&quiet)), "the feed went on");
        let later = seen().await;
        assert!(!world.runner.needs_look(Some(&later)));
        world.clock.advance(Duration::from_secs(10));
        assert!(world.runner.needs_look(Some(&later)), "once in a while all the same");
        // New mail is in no feed.
        world.webhook(&[MAIL]).await;
        assert!(world.runner.needs_look(Some(&seen().await)));
    });
}
