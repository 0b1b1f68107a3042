use std::time::Duration;

use hongyan_env::{Env, ManualClock};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain, Timestamp};

use super::*;
use crate::{AccountChange, AccountState, DirectoryOptions, Error, Field, GrantRights, NewAccount, NewTenant, Sending};

struct Ground {
    directory: Directory,
    clock: ManualClock,
    anna: AccountRecord,
    ben: AccountRecord,
}

const DAY: i64 = 86_400_000;

impl Ground {
    async fn new() -> Self {
        let (env, clock) = Env::manual(1);
        let directory = Directory::new(Database::new(MemoryStore::default()), env, DirectoryOptions::default());
        let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        let domain = Domain::try_from("a.test").unwrap();
        directory.create_domain(tenant, &domain).await.unwrap();
        let mut made = Vec::new();
        for name in ["anna@a.test", "ben@a.test"] {
            let new = NewAccount::at(Address::try_from(name).unwrap());
            made.push(directory.create_account(&new).await.unwrap());
        }
        let ben = made.pop().unwrap();
        let anna = made.pop().unwrap();
        Self {
            directory,
            clock,
            anna,
            ben,
        }
    }
    fn new_grant(&self, days: i64) -> NewGrant {
        NewGrant {
            account: self.anna.id,
            to: Grantee::Account(self.ben.id),
            rights: GrantRights::FULL,
            until: Some(Timestamp {
                millis: self.directory.now().millis + days * DAY,
            }),
        }
    }
    fn request(&self) -> DelegationRequest {
        DelegationRequest {
            account: self.anna.id,
            by: self.ben.id,
            rights: GrantRights {
                send: Sending::OnBehalf,
                ..GrantRights::default()
            },
            days: 7,
            at: self.directory.now(),
        }
    }
    async fn is_open(&self) -> bool {
        let opening = self.directory.opening(&self.ben, self.anna.id).await.unwrap();
        opening.is_some()
    }
}

#[tokio::test]
async fn dlg_5_a_delegation_ends_by_itself_and_both_are_told_a_day_before() {
    let ground = Ground::new().await;
    let (directory, new) = (&ground.directory, ground.new_grant(7));
    directory.appoint(&ground.anna, &ground.ben, &new).await.unwrap();
    assert!(ground.is_open().await);
    assert_eq!(directory.tell_of_ends().await.unwrap(), 0);
    ground.clock.advance(Duration::from_secs(6 * 86_400 + 1));
    assert_eq!(directory.tell_of_ends().await.unwrap(), 1);
    assert_eq!(directory.tell_of_ends().await.unwrap(), 0, "once");
    ground.clock.advance(Duration::from_secs(86_400));
    assert!(!ground.is_open().await);
    assert_eq!(directory.tell_of_ends().await.unwrap(), 1, "that it is over");
    assert_eq!(directory.tell_of_ends().await.unwrap(), 0, "once");
    let mut transaction = directory.database().begin();
    let told = crate::ShareNotices::of(ground.ben.id)
        .all(&mut transaction)
        .await
        .unwrap();
    let shown = told.iter().map(|(_, notice)| match notice.opened {
        crate::Opened::Whole { before, after } => (before.read, after.read),
        crate::Opened::Folder { .. } => panic!("{notice:?}"),
    });
    assert_eq!(shown.collect::<Vec<_>>(), [(false, true), (true, false)]);
    let listed = directory.grants_to(&ground.ben).await.unwrap();
    assert_eq!(listed.len(), 1, "what is over is still to be seen");
    // Longer by now: the old end is told of no more.
    directory
        .appoint(&ground.anna, &ground.ben, &ground.new_grant(2))
        .await
        .unwrap();
    directory
        .appoint(&ground.anna, &ground.ben, &ground.new_grant(30))
        .await
        .unwrap();
    ground.clock.advance(Duration::from_secs(2 * 86_400));
    assert_eq!(directory.tell_of_ends().await.unwrap(), 0);
    directory.stop_delegation(ground.anna.id, ground.ben.id).await.unwrap();
    assert!(!ground.is_open().await);
    assert!(directory.grants_of(ground.anna.id).await.unwrap()[0].stopped);
}

#[tokio::test]
async fn dlg_3_who_asks_is_accepted_or_turned_down() {
    let ground = Ground::new().await;
    let (directory, request) = (&ground.directory, ground.request());
    directory.ask_to_act(&ground.anna, &ground.ben, &request).await.unwrap();
    directory.ask_to_act(&ground.anna, &ground.ben, &request).await.unwrap();
    assert_eq!(directory.requests_to(ground.anna.id).await.unwrap(), [request]);
    assert_eq!(directory.requests_by(ground.ben.id).await.unwrap(), [request]);
    assert!(!ground.is_open().await, "nothing is granted yet");
    directory
        .appoint(&ground.anna, &ground.ben, &ground.new_grant(7))
        .await
        .unwrap();
    assert!(directory.requests_by(ground.ben.id).await.unwrap().is_empty());
    directory.ask_to_act(&ground.anna, &ground.ben, &request).await.unwrap();
    directory
        .turn_down(ground.anna.id, ground.ben.id, Some(&ground.anna))
        .await
        .unwrap();
    assert!(directory.requests_to(ground.anna.id).await.unwrap().is_empty());
    assert!(directory.turn_down(ground.anna.id, ground.ben.id, None).await.is_err());
    let oneself = DelegationRequest {
        by: ground.anna.id,
        ..request
    };
    let refused = directory.ask_to_act(&ground.anna, &ground.anna, &oneself).await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn dlg_5_who_is_disabled_acts_for_nobody_and_nobody_for_them() {
    let ground = Ground::new().await;
    let directory = &ground.directory;
    directory
        .appoint(&ground.anna, &ground.ben, &ground.new_grant(7))
        .await
        .unwrap();
    let disabled = AccountChange {
        state: Field::Set(AccountState::Disabled),
        ..AccountChange::default()
    };
    directory.change_account(ground.anna.id, &disabled).await.unwrap();
    assert!(!ground.is_open().await);
    let refused = directory.appoint(&ground.anna, &ground.ben, &ground.new_grant(7)).await;
    assert!(matches!(refused, Err(Error::Refused(_))));
}

#[tokio::test]
async fn dlg_1_nobody_acts_for_who_loses_the_seat_or_without_secretaries_in_the_plan() {
    let ground = Ground::new().await;
    let directory = &ground.directory;
    let seat = |seat| AccountChange {
        seat: Field::Set(seat),
        ..AccountChange::default()
    };
    let advanced = seat(crate::Seat::Advanced);
    directory.change_account(ground.anna.id, &advanced).await.unwrap();
    directory
        .appoint(&ground.anna, &ground.ben, &ground.new_grant(7))
        .await
        .unwrap();
    let change = crate::PlanChange {
        without: Field::Set([crate::Feature::Secretary].into()),
        ..crate::PlanChange::default()
    };
    directory.create_plan("Basic", &change).await.unwrap();
    let assign = async |plan: Option<&str>| {
        let asked = crate::PlanAssignment {
            plan: plan.map(str::to_owned),
            confirmed: true,
            ..crate::PlanAssignment::default()
        };
        directory.assign_plan(ground.anna.tenant, &asked).await.unwrap();
    };
    assert!(ground.is_open().await);
    assign(Some("Basic")).await;
    assert!(!ground.is_open().await, "the plan has no secretaries");
    assign(None).await;
    assert!(ground.is_open().await);
    let standard = seat(crate::Seat::Standard);
    directory.change_account(ground.anna.id, &standard).await.unwrap();
    assert!(!ground.is_open().await, "the seat is gone");
    let grants = directory.grants_of(ground.anna.id).await.unwrap();
    assert!(grants[0].stopped, "it is still to be seen: {grants:?}");
}
