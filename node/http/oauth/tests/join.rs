//! The page behind an invitation as a browser sees it.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use axum::{Extension, Router};
use hongyan_access::{Access, AccessOptions, Guest};
use hongyan_directory::{
    AccountState, Directory, DirectoryOptions, Field, InvitationRecord, NewAccount, NewInvitation, NewTenant,
    TenantChange,
};
use hongyan_env::{Env, ManualClock};
use hongyan_http_oauth::{OauthParts, routes};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_profile::{Profiles, SignInLayout, SignInPage};
use hongyan_types::{Address, Domain, TenantId, Timestamp};
use http_body_util::BodyExt;
use tower::ServiceExt;

const DAY: Duration = Duration::from_secs(86_400);
const GOOD: &str = "Tr0ut-under-Ice";

struct World {
    routes: Router,
    access: Access,
    directory: Directory,
    tenant: TenantId,
    clock: ManualClock,
}

struct Page {
    status: u16,
    html: String,
}

impl Page {
    fn shows(&self, status: u16, all: &[&str]) -> &Self {
        assert_eq!(self.status, status, "{}", self.html);
        for expect in all {
            assert!(self.html.contains(expect), "{expect}: {}", self.html);
        }
        self
    }
    fn hides(&self, none: &[&str]) {
        for unwanted in none {
            assert!(!self.html.contains(unwanted), "{unwanted}: {}", self.html);
        }
    }
}

impl World {
    async fn new() -> Self {
        let (env, clock) = Env::manual(1);
        let database = Database::new(MemoryStore::default());
        let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
        let named = NewTenant::named("Acme & Co");
        let tenant = directory.create_tenant(&named).await.unwrap().id;
        let domain = Domain::try_from("example.test").unwrap();
        directory.create_domain(tenant, &domain).await.unwrap();
        let options = AccessOptions {
            argon2_memory_kib: 8,
            argon2_passes: 1,
            scram_iterations: 4096,
            ..AccessOptions::default()
        };
        let access = Access::open(directory.clone(), &database, env, options).await.unwrap();
        let routes = routes(OauthParts {
            access: access.clone(),
            directory: directory.clone(),
            single_sign_on: None,
            saml: None,
            issuer: "https://mail.example.test".to_owned(),
        });
        Self {
            routes,
            access,
            directory,
            tenant,
            clock,
        }
    }

    /// An invitation and the path that its link leads to.
    async fn invite(&self, change: impl FnOnce(&mut NewInvitation)) -> (InvitationRecord, String) {
        let text = self.access.new_invitation_text();
        let mut new = NewInvitation {
            label: "Spring".to_owned(),
            hash: text.hash,
            expires: Timestamp {
                millis: self.directory.now().millis + 7 * 86_400_000,
            },
            domain: Domain::try_from("example.test").unwrap(),
            department: None,
            review: false,
            uses_max: None,
            account: None,
            notice: None,
        };
        change(&mut new);
        let made = self.directory.create_invitation(self.tenant, &new).await.unwrap();
        (made, format!("/join/{}", text.text.reveal()))
    }

    async fn send(&self, request: Request<Body>) -> Page {
        let guest = Guest {
            peer: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            client: "Browser".to_owned(),
            token: None,
            device: None,
        };
        let response = self.routes.clone().layer(Extension(guest)).oneshot(request).await;
        let response = response.unwrap();
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        let status = response.status().as_u16();
        let octets = response.into_body().collect().await.unwrap().to_bytes();
        Page {
            status,
            html: String::from_utf8(octets.to_vec()).unwrap(),
        }
    }

    async fn get(&self, path: &str, language: &str) -> Page {
        let request = Request::get(path).header("accept-language", language);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, fields: &str) -> Page {
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(fields.to_owned())).unwrap()).await
    }
}

#[tokio::test]
async fn mem_5_whoever_has_the_link_joins_on_its_page() {
    let world = World::new().await;
    let (_, path) = world.invite(|_| {}).await;
    let page = world.get(&path, "en").await;
    let form = [
        "Join Acme &amp; Co",
        "@example.test",
        "new-password",
        "at least 8 characters",
    ];
    page.shows(200, &form).hides(&["Acme & Co", "administrator looks"]);
    world.get(&path, "zh-CN").await.shows(200, &["加入Acme", "邮箱地址"]);
    // What is wrong stands beside its field, and what was typed stays.
    let weak = world
        .post(&path, "name=Anna+M%C3%BCller&address=anna&password=anna")
        .await;
    weak.shows(400, &["does not meet", "value=\"Anna Müller\"", "value=\"anna\""]);
    weak.shows(
        400,
        &[
            "data-rule=\"too-short\" class=\"no\"",
            "data-rule=\"of-account\" class=\"no\"",
        ],
    )
    .hides(&["data-rule=\"space\" class=\"no\"", "value=\"Tr0ut"]);
    let nameless = format!("address=anna&password={GOOD}");
    world.post(&path, &nameless).await.shows(400, &["Tell us your name"]);
    let elsewhere = format!("name=Anna&address=anna%40other.test&password={GOOD}");
    world
        .post(&path, &elsewhere)
        .await
        .shows(409, &["cannot be an address here"]);
    let good = format!("name=Anna&address=anna&mobile=&password={GOOD}");
    world
        .post(&path, &good)
        .await
        .shows(201, &["anna@example.test is yours now", "href=\"/\""]);
    let account = world.directory.accounts(world.tenant, None, 10).await.unwrap();
    assert_eq!(account[0].display_name, "Anna");
    world
        .post(&path, &good)
        .await
        .shows(409, &["This address is taken", "value=\"anna\""]);
}

#[tokio::test]
async fn mem_8_who_is_looked_at_first_is_told_so() {
    let world = World::new().await;
    let (_, path) = world.invite(|new| new.review = true).await;
    world
        .get(&path, "en")
        .await
        .shows(200, &["An administrator looks at your request", "Send request"]);
    let asked = format!("name=Anna&address=anna&password={GOOD}");
    let page = world.post(&path, &asked).await;
    page.shows(
        202,
        &[
            "You have asked Acme &amp; Co for anna@example.test",
            "Whoever has invited you",
        ],
    );
    let reached = format!("name=Bo&address=bo&private_address=bo%40home.test&password={GOOD}");
    world
        .post(&path, &reached)
        .await
        .shows(202, &["comes to your private mail address"]);
}

#[tokio::test]
async fn mem_3_whose_mailbox_is_there_chooses_a_password_only() {
    let world = World::new().await;
    let address = Address::try_from("cai@example.test").unwrap();
    let waiting = NewAccount {
        display_name: "Cai".to_owned(),
        state: AccountState::Invited,
        ..NewAccount::at(address)
    };
    let cai = world.directory.create_account(&waiting).await.unwrap();
    let (_, path) = world
        .invite(|new| {
            new.account = Some(cai.id);
            new.uses_max = Some(1);
        })
        .await;
    let page = world.get(&path, "en").await;
    page.shows(
        200,
        &["Your mailbox is ready", "value=\"cai@example.test\"", "value=\"Cai\""],
    )
    .hides(&["name=\"address\"", "name=\"mobile\""]);
    let set = format!("name=Cai&password={GOOD}");
    world
        .post(&path, &set)
        .await
        .shows(201, &["cai@example.test is yours now"]);
    world.get(&path, "en").await.shows(404, &["used already"]);
}

#[tokio::test]
async fn mem_5_the_page_says_why_an_invitation_is_no_longer_good() {
    let world = World::new().await;
    let (_, once) = world.invite(|new| new.uses_max = Some(1)).await;
    let join = |name: &str| format!("name={name}&address={name}&password={GOOD}");
    world.post(&once, &join("dora")).await.shows(201, &[]);
    world.get(&once, "en").await.shows(410, &["As many people have joined"]);
    world
        .post(&once, &join("emil"))
        .await
        .shows(410, &["As many people have joined"]);
    let (revoked, path) = world.invite(|_| {}).await;
    world
        .directory
        .revoke_invitation(world.tenant, revoked.id)
        .await
        .unwrap();
    world.get(&path, "en").await.shows(404, &["taken back"]);
    world.get("/join/hyi_made-up", "zh").await.shows(404, &["撤回"]);
    let (_, full) = world.invite(|_| {}).await;
    let limit = TenantChange {
        accounts_max: Field::Set(Some(1)),
        ..TenantChange::default()
    };
    world.directory.change_tenant(world.tenant, &limit).await.unwrap();
    let refused = world.post(&full, &join("fritz")).await;
    refused.shows(400, &["no room for another member", "value=\"fritz\""]);
    world.clock.advance(7 * DAY);
    world.get(&full, "en").await.shows(410, &["Its time is over"]);
}

#[tokio::test]
async fn lgn_4_the_page_looks_as_the_organisation_whose_invitation_it_is() {
    let world = World::new().await;
    let (_, path) = world.invite(|new| new.uses_max = Some(1)).await;
    let plain = world.get(&path, "en").await;
    plain.shows(200, &["<div class=\"k\">Hongyan</div>"]);
    let own = SignInPage {
        title: "Acme mail".to_owned(),
        title_zh_cn: "甲公司邮箱".to_owned(),
        colour: Some("#0a5c36".to_owned()),
        layout: SignInLayout::Right,
    };
    let profiles = Profiles::new(&world.directory);
    profiles.set_sign_in_page(world.tenant, None, &own).await.unwrap();
    let own = [
        "<div class=\"k\">Acme mail</div>",
        "body{background:#0a5c36}",
        "<body class=\"right\">",
    ];
    world.get(&path, "en").await.shows(200, &own);
    world.get(&path, "zh").await.shows(200, &["甲公司邮箱"]);
    let wrong = "name=Anna&address=anna&password=short";
    world.post(&path, wrong).await.shows(400, &own);
    let right = format!("name=Anna&address=anna&password={GOOD}");
    world.post(&path, &right).await.shows(201, &own);
    // Whose it was is not said once it is used; at the organisation's own host its look stays.
    world.get(&path, "en").await.shows(410, &["Hongyan</div>"]);
    let request = Request::get(&path).header("accept-language", "en");
    let request = request.header(header::HOST, "mail.example.test");
    let used = world.send(request.body(Body::empty()).unwrap()).await;
    used.shows(410, &own);
}
