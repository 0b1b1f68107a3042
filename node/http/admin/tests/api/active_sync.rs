//! Phones over ActiveSync as members and administrators look after them (ACC-4).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hongyan_access::Protocol;
use hongyan_activesync::command::provision::{POLICY_TYPE, PolicyRequest, ProvisionRequest, ProvisionResponse};
use hongyan_activesync::command::settings::DeviceInformation;
use hongyan_activesync::{WbxmlLimits, wbxml};
use hongyan_actor::Arbiters;
use hongyan_blob::{BlobOptions, BlobStore, Sources};
use hongyan_delivery::{Delivery, DeliveryParts, DeliverySettings};
use hongyan_directory::SignInPolicy;
use hongyan_env::Env;
use hongyan_http_activesync::{ActiveSyncServices, ActiveSyncSettings, routes};
use hongyan_http_front::{Front, FrontParts, FrontSettings};
use hongyan_listener::{ConnectionLimits, Listener, ListenerParts, ListenerSettings, TlsMode};
use hongyan_types::{Address, Domain};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::call;
use crate::sign_in::{World, world};

const HERS: &str = "/api/members/anna@d.test/active-sync-devices";
const MINE: &str = "/api/members/me/active-sync-devices";

/// Where phones come in.
struct Entry {
    env: Env,
    listener: Listener,
}

impl Entry {
    async fn open(world: &World) -> Self {
        let state = &world.state;
        let env = Env::real();
        let (clock, random) = (env.clone(), env.clone());
        let sources = Sources {
            wall_millis: Arc::new(move || clock.wall_millis()),
            random: Arc::new(move |bytes: &mut [u8]| random.fill_random(bytes)),
        };
        let database = state.directory.database().clone();
        let blobs = BlobStore::open(database.clone(), BlobOptions::default(), sources)
            .await
            .unwrap();
        let delivery = Delivery::new(DeliveryParts {
            env: env.clone(),
            mailboxes: Arc::new(state.router.clone()),
            router: state.router.clone(),
            directory: state.directory.clone(),
            database: database.clone(),
            blobs: blobs.clone(),
            settings: DeliverySettings::new(Domain::try_from("mx.d.test").unwrap()),
        });
        let services = ActiveSyncServices {
            env: env.clone(),
            database,
            blobs,
            router: state.router.clone(),
            directory: state.directory.clone(),
            delivery,
        };
        let front = Front::new(FrontParts {
            env: env.clone(),
            access: state.access.clone(),
            routes: routes(services, ActiveSyncSettings::default()),
            settings: FrontSettings {
                clear_passwords: true,
                ..FrontSettings::default()
            },
        });
        let parts = ListenerParts {
            env: env.clone(),
            arbiters: Arbiters::start(1),
            address: ([127, 0, 0, 1], 0).into(),
            tls: TlsMode::Never,
            service: Arc::new(front),
            limits: ConnectionLimits::new(10, 10),
            settings: ListenerSettings::default(),
        };
        let listener = Listener::start(parts).await.unwrap();
        Self { env, listener }
    }

    /// A phone of Anna's asks for the policy.
    async fn phone_comes(&self) -> ProvisionResponse {
        let request = ProvisionRequest {
            device_information: Some(DeviceInformation {
                model: Some("Model 1".to_owned()),
                ..DeviceInformation::default()
            }),
            policy: Some(PolicyRequest {
                policy_type: POLICY_TYPE.to_owned(),
                policy_key: None,
                status: None,
            }),
            remote_wipe: None,
            account_only_remote_wipe: None,
        };
        let body = wbxml::encode(&request.write());
        let head = format!(
            "POST /Microsoft-Server-ActiveSync?Cmd=Provision&User=anna&DeviceId=phone1&DeviceType=Test HTTP/1.1\r\n\
             Host: localhost\r\nAuthorization: Basic {}\r\nMS-ASProtocolVersion: 16.1\r\nUser-Agent: Test/1\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n",
            STANDARD.encode("anna@d.test:Correct-horse7"),
            body.len(),
        );
        let mut stream = self.env.connect(self.listener.local_address()).await.unwrap();
        stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|octets| octets == b"\r\n\r\n").unwrap() + 4;
        let (head, body) = answer.split_at(end);
        assert!(head.starts_with(b"HTTP/1.1 200 "), "{}", answer.escape_ascii());
        let tree = wbxml::decode(body, &WbxmlLimits::default()).unwrap();
        ProvisionResponse::read(&tree).unwrap()
    }
}

async fn devices(api: &axum::Router, path: &str) -> Vec<Value> {
    let (status, found) = call(api, "GET", path, Value::Null).await;
    assert_eq!(status, 200, "{found}");
    found["items"].as_array().unwrap().clone()
}

#[test]
fn acc_4_phones_are_listed_wiped_and_forgotten_by_whom_they_concern() {
    hongyan_actor::run(0, async {
        let world = world().await;
        let entry = Entry::open(&world).await;
        let anna = Address::try_from("anna@d.test").unwrap();
        let tenant = world.state.directory.account_at(&anna).await.unwrap().tenant;
        let policy = SignInPolicy {
            opened: [Protocol::ActiveSync].into(),
            ..SignInPolicy::default()
        };
        world
            .state
            .directory
            .set_sign_in_policy(tenant, &policy, None)
            .await
            .unwrap();
        assert_eq!(devices(&world.anna, MINE).await, Vec::<Value>::new());
        entry.phone_comes().await;
        let boss = world.signed_in("boss@d.test").await;
        for (api, path) in [(&world.anna, MINE), (&world.operator, HERS), (&boss, HERS)] {
            let found = devices(api, path).await;
            let shown = |name: &str| found[0][name].as_str().unwrap().to_owned();
            assert_eq!(found.len(), 1);
            let expect = ["phone1", "Test", "Test/1", "Model 1", "16.1", "none"];
            assert_eq!(
                ["id", "kind", "user_agent", "model", "version", "wipe"].map(shown),
                expect
            );
            assert!(found[0]["first_seen_millis"].as_i64() <= found[0]["last_seen_millis"].as_i64());
        }
        let wipe = format!("{HERS}/phone1/wipe");
        let asked = call(&boss, "PUT", &wipe, Value::Null).await;
        assert_eq!((asked.0, &asked.1["wipe"]), (200, &json!("asked")));
        assert!(entry.phone_comes().await.account_only_remote_wipe);
        assert_eq!(devices(&world.anna, MINE).await[0]["wipe"], "told");
        let kept = call(&world.anna, "DELETE", &format!("{MINE}/phone1/wipe"), Value::Null).await;
        assert_eq!((kept.0, &kept.1["wipe"]), (200, &json!("none")));
        assert!(!entry.phone_comes().await.account_only_remote_wipe);
        let one = format!("{MINE}/phone1");
        assert_eq!(call(&world.anna, "DELETE", &one, Value::Null).await.0, 204);
        assert_eq!(devices(&world.anna, MINE).await, Vec::<Value>::new());
        for (method, path) in [
            ("DELETE", one.clone()),
            ("PUT", format!("{one}/wipe")),
            ("DELETE", format!("{one}/wipe")),
        ] {
            let gone = call(&world.anna, method, &path, Value::Null).await;
            assert_eq!((gone.0, &gone.1["type"]), (404, &json!("not-found")), "{method} {path}");
        }
        let log = call(&world.operator, "GET", "/api/audit?action=member.", Value::Null)
            .await
            .1;
        let actions = log["items"].as_array().unwrap().iter().take(3);
        let actions: Vec<_> = actions.map(|item| item["action"].as_str().unwrap()).collect();
        let expect = ["member.remove-active-sync-device", "member.wipe-active-sync-device"];
        assert_eq!(actions, [expect[0], expect[1], expect[1]]);
    });
}

#[test]
fn acc_4_nobody_else_sees_or_touches_a_members_phones() {
    hongyan_actor::run(0, async {
        let world = world().await;
        let new = json!({"name": "Other"});
        assert_eq!(call(&world.operator, "POST", "/api/organisations", new).await.0, 201);
        let new = json!({"domain": "o.test", "organisation": "Other"});
        assert_eq!(call(&world.operator, "POST", "/api/domains", new).await.0, 201);
        let new = json!({"address": "eve@o.test", "password": "Correct-horse7", "administrator": true});
        assert_eq!(call(&world.operator, "POST", "/api/members", new).await.0, 201);
        let eve = world.signed_in("eve@o.test").await;
        let one = format!("{HERS}/phone1");
        let wipe = format!("{one}/wipe");
        for (method, path) in [("GET", HERS), ("DELETE", &one), ("PUT", &wipe), ("DELETE", &wipe)] {
            // A colleague may not; another organisation's administrator does not even hear that there is such a member.
            for (api, status) in [(&world.ben, 403), (&eve, 404)] {
                assert_eq!(call(api, method, path, Value::Null).await.0, status, "{method} {path}");
            }
        }
        assert_eq!(call(&world.operator, "GET", MINE, Value::Null).await.0, 400);
        let nobody = "/api/members/nobody@d.test/active-sync-devices";
        assert_eq!(call(&world.operator, "GET", nobody, Value::Null).await.0, 404);
    });
}
