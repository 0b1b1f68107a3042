use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use hongyan_directory::{AccountChange, Demand, Field, SecondFactorRule};
use hongyan_sasl::Secret;
use hongyan_types::AddressRanges;

use super::*;
use crate::fixture::{ANNA, Fixture, PEER, cheap};
use crate::{Identity, LoginFilter, LoginsOf, NewAppPassword, SessionPermit, Stage, Visit};

const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

async fn world() -> Fixture {
    Fixture::new(cheap(), "pass").await
}

fn ranges(entry: &str) -> AddressRanges {
    AddressRanges::read(&[entry]).unwrap().0
}

fn demand(of: Demand, world: &Fixture) -> SignInPolicy {
    SignInPolicy {
        second_factor: Some(SecondFactorRule {
            of,
            since: world.access.now(),
            grace_days: 7,
        }),
        ..SignInPolicy::default()
    }
}

impl Fixture {
    async fn set(&self, policy: &SignInPolicy) {
        let (directory, operator) = (&self.directory, Actor::socket());
        let set = self
            .access
            .set_sign_in_policy(directory, &operator, self.tenant, policy, None);
        set.await.unwrap();
    }
    async fn come(&self, protocol: Protocol, peer: IpAddr) -> Result<Identity, AccessError> {
        let password = Secret::new("pass");
        self.access.verify_password(protocol, ANNA, &password, peer).await
    }
    async fn stay(&self, protocol: Protocol, peer: IpAddr) -> SessionPermit {
        let identity = self.come(protocol, peer).await.unwrap();
        let peer = SocketAddr::new(peer, 4711);
        self.access.open_session(&identity, peer).await.unwrap()
    }
    async fn browse(&self, peer: IpAddr) -> Result<crate::Begun, AccessError> {
        let visit = Visit {
            peer,
            client: "",
            device: None,
        };
        self.access.web_sign_in(ANNA, &Secret::new("pass"), visit).await
    }
    async fn make_super(&self) {
        let change = AccountChange {
            role: Field::Set(Some(Role::Super)),
            ..AccountChange::default()
        };
        self.directory.change_account(self.anna, &change).await.unwrap();
    }
}

fn outcome<T>(result: Result<T, AccessError>) -> &'static str {
    result.as_ref().err().map_or("ok", AccessError::label)
}

#[tokio::test]
async fn lgn_1_a_closed_protocol_ends_its_sessions_and_takes_no_more() {
    let world = world().await;
    let pop3 = world.stay(Protocol::Pop3, PEER).await;
    let imap = world.stay(Protocol::Imap, PEER).await;
    world
        .set(&SignInPolicy {
            closed: BTreeSet::from([Protocol::Pop3, Protocol::Web]),
            ..SignInPolicy::default()
        })
        .await;
    assert_eq!(pop3.watch().revocation(), Some(Revocation::ProtocolClosed));
    assert_eq!(imap.watch().revocation(), None);
    assert_eq!(outcome(world.come(Protocol::Pop3, PEER).await), "protocol-closed");
    assert_eq!(outcome(world.come(Protocol::Imap, PEER).await), "ok");
    assert_eq!(outcome(world.browse(PEER).await), "protocol-closed");
    // Whoever has no password learns nothing of the rules.
    let wrong = Secret::new("wrong");
    let refused = world.access.verify_password(Protocol::Pop3, ANNA, &wrong, PEER).await;
    assert_eq!(outcome(refused), "bad-credentials");
    // The way to the console stays open to administrators.
    world.make_super().await;
    assert_eq!(outcome(world.browse(PEER).await), "ok");
    world.access.write_logins().await;
    let filter = LoginFilter {
        failed: true,
        ..LoginFilter::default()
    };
    let of = LoginsOf::Account(world.anna);
    let log = world.access.logins(of, &filter, None, 10).await.unwrap();
    let mut said: Vec<_> = log.entries.iter().map(|entry| entry.result.as_str()).collect();
    said.sort_unstable();
    assert_eq!(said, ["bad-credentials", "protocol-closed", "protocol-closed"]);
}

#[tokio::test]
async fn lgn_1_one_member_is_closed_apart_from_the_others() {
    let world = world().await;
    let imap = world.stay(Protocol::Imap, PEER).await;
    let rule = SignInRule {
        closed: BTreeSet::from([Protocol::Imap]),
        networks: ranges("192.0.2.0/24"),
        secure_login: false,
    };
    let set = world.access.set_sign_in_rule(&world.directory, world.anna, &rule);
    set.await.unwrap();
    assert_eq!(imap.watch().revocation(), Some(Revocation::ProtocolClosed));
    assert_eq!(outcome(world.come(Protocol::Imap, PEER).await), "protocol-closed");
    assert_eq!(outcome(world.come(Protocol::Pop3, PEER).await), "ok");
    assert_eq!(
        outcome(world.come(Protocol::Pop3, ELSEWHERE).await),
        "address-not-allowed"
    );
    let forced = SignInRule {
        secure_login: true,
        ..SignInRule::default()
    };
    let set = world.access.set_sign_in_rule(&world.directory, world.anna, &forced);
    set.await.unwrap();
    assert_eq!(outcome(world.come(Protocol::Imap, PEER).await), "app-password-required");
}

#[tokio::test]
async fn lgn_8_networks_hold_for_clients_web_and_running_sessions_on_all_nodes() {
    let world = world().await;
    let here = world.stay(Protocol::Imap, PEER).await;
    let there = world.stay(Protocol::Imap, ELSEWHERE).await;
    let token = world.browse(ELSEWHERE).await.unwrap().token;
    drop(world.other.look().await.unwrap());
    let policy = SignInPolicy {
        networks: ranges("192.0.2.0/24"),
        ..SignInPolicy::default()
    };
    world.set(&policy).await;
    assert_eq!(here.watch().revocation(), None);
    assert_eq!(there.watch().revocation(), Some(Revocation::NotFromThere));
    assert_eq!(
        outcome(world.come(Protocol::Imap, ELSEWHERE).await),
        "address-not-allowed"
    );
    assert_eq!(outcome(world.browse(ELSEWHERE).await), "address-not-allowed");
    drop(world.other.look().await.unwrap());
    for node in [&world.access, &world.other] {
        let used = node.web_session(token.reveal(), ELSEWHERE).await;
        assert_eq!(outcome(used), "address-not-allowed");
        assert_eq!(outcome(node.web_session(token.reveal(), PEER).await), "ok");
    }
    // LGN-9.
    world
        .set(&SignInPolicy {
            exempt_accounts: BTreeSet::from([world.anna]),
            ..policy.clone()
        })
        .await;
    assert_eq!(outcome(world.come(Protocol::Imap, ELSEWHERE).await), "ok");
    // Administrators' networks hold for the exempt, too, and for nobody else.
    let administrators = SignInPolicy {
        administrator_networks: ranges("192.0.2.1"),
        ..SignInPolicy::default()
    };
    world.set(&administrators).await;
    assert_eq!(outcome(world.come(Protocol::Imap, ELSEWHERE).await), "ok");
    world.make_super().await;
    assert_eq!(
        outcome(world.come(Protocol::Imap, ELSEWHERE).await),
        "address-not-allowed"
    );
    assert_eq!(outcome(world.come(Protocol::Imap, PEER).await), "ok");
}

#[tokio::test]
async fn lgn_8_an_administrator_does_not_lock_the_door_from_outside() {
    let world = world().await;
    world.make_super().await;
    let account = world.directory.account(world.anna).await.unwrap().unwrap();
    let actor = Actor::member(&account, Some(ELSEWHERE), None);
    let set = async |policy: SignInPolicy| {
        let set = world
            .access
            .set_sign_in_policy(&world.directory, &actor, world.tenant, &policy, None);
        outcome(set.await)
    };
    let policy = SignInPolicy {
        networks: ranges("192.0.2.0/24"),
        ..SignInPolicy::default()
    };
    assert_eq!(set(policy.clone()).await, "error");
    let administrators = SignInPolicy {
        administrator_networks: ranges("192.0.2.0/24"),
        exempt_accounts: BTreeSet::from([world.anna]),
        ..SignInPolicy::default()
    };
    assert_eq!(set(administrators).await, "error");
    let exempt = SignInPolicy {
        exempt_accounts: BTreeSet::from([world.anna]),
        ..policy
    };
    assert_eq!(set(exempt).await, "ok");
}

#[tokio::test]
async fn lgn_12_clients_of_all_members_need_app_passwords() {
    let world = world().await;
    world
        .set(&SignInPolicy {
            secure_login: true,
            ..SignInPolicy::default()
        })
        .await;
    assert_eq!(outcome(world.come(Protocol::Imap, PEER).await), "app-password-required");
    assert_eq!(outcome(world.browse(PEER).await), "ok");
}

#[tokio::test]
async fn auth_a_demanded_second_factor_is_set_up_in_time_or_nothing_else_opens() {
    let world = world().await;
    let new = NewAppPassword {
        name: "Phone".to_owned(),
        protocols: Protocol::CLIENTS.into(),
        read_only: false,
        days: None,
    };
    let made = world.access.add_app_password(&world.directory, world.anna, &new);
    let app = made.await.unwrap().password;
    let policy = demand(Demand::Everyone, &world);
    world.set(&demand(Demand::Administrators, &world)).await;
    let begun = world.browse(PEER).await.unwrap();
    assert_eq!(begun.session.set_up_until, None, "of others nothing is demanded");
    world.set(&policy).await;
    let running = world.stay(Protocol::Imap, PEER).await;
    let begun = world.browse(PEER).await.unwrap();
    assert_eq!(begun.session.stage, Stage::SignedIn);
    let due = begun.session.set_up_until.unwrap();
    assert_eq!(due.millis - world.access.now().millis, 7 * 86_400_000);
    world.clock.advance(Duration::from_secs(7 * 86_400));
    world.access.judge_all().await;
    assert_eq!(running.watch().revocation(), Some(Revocation::SecondFactorRequired));
    assert_eq!(
        outcome(world.come(Protocol::Imap, PEER).await),
        "second-factor-required"
    );
    let with_app = world.access.verify_password(Protocol::Imap, ANNA, &app, PEER).await;
    assert_eq!(outcome(with_app), "second-factor-required");
    // The web client opens as far as setting one up.
    let begun = world.browse(PEER).await.unwrap();
    let token = begun.token.reveal();
    assert_eq!(begun.session.stage, Stage::SetUpSecondFactor);
    assert_eq!(outcome(world.access.web_identity(token, PEER).await), "unfinished");
    world.access.web_begin_totp(token, 60, PEER).await.unwrap();
    let factors = world.directory.factors(world.anna).await.unwrap();
    let key = factors.pending_totp.clone().unwrap();
    let secret = world.totp_secret(&key);
    let totp = crate::totp::Totp {
        secret: &secret,
        period_secs: 60,
    };
    let code = format!("{:06}", totp.code(totp.step(world.access.now().millis)));
    world.access.web_confirm_totp(token, &code, PEER).await.unwrap();
    assert_eq!(outcome(world.access.web_identity(token, PEER).await), "ok");
    let with_app = world.access.verify_password(Protocol::Imap, ANNA, &app, PEER).await;
    assert_eq!(outcome(with_app), "ok");
}

#[tokio::test]
async fn lgn_a_list_has_at_most_500_entries() {
    let world = world().await;
    let entries: Vec<String> = (0..501).map(|at| format!("10.{}.{}.1", at / 250, at % 250)).collect();
    let policy = SignInPolicy {
        networks: AddressRanges::read(&entries).unwrap().0,
        ..SignInPolicy::default()
    };
    let set = world.directory.set_sign_in_policy(world.tenant, &policy, None).await;
    let limit = matches!(
        set,
        Err(Error::Limit {
            max: 500,
            used: 501,
            ..
        })
    );
    assert!(limit, "{set:?}");
}
