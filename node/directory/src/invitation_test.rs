use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;

use super::*;
use crate::{AccountState, DirectoryOptions, Field, NewTenant, ScramKeys, TenantChange, TenantState};

async fn directory() -> (Directory, TenantId, hongyan_env::ManualClock) {
    let (env, clock) = Env::manual(1);
    let database = Database::new(MemoryStore::default());
    let directory = Directory::new(database, env, DirectoryOptions::default());
    let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let domain = Domain::try_from("a.test").unwrap();
    directory.create_domain(tenant, &domain).await.unwrap();
    (directory, tenant, clock)
}

fn credential() -> Credential {
    Credential {
        password_hash: "h".to_owned(),
        scram: ScramKeys {
            salt: vec![1],
            iterations: 2,
            stored_key: [3; 32],
            server_key: [4; 32],
        },
        set_millis: 5,
    }
}

fn address(text: &str) -> Address {
    Address::try_from(text).unwrap()
}

fn invitation(directory: &Directory, mark: u8) -> NewInvitation {
    NewInvitation {
        label: "All".to_owned(),
        hash: TokenHash([mark; 32]),
        expires: Timestamp {
            millis: directory.now().millis + 1_000,
        },
        domain: Domain::try_from("a.test").unwrap(),
        department: None,
        review: false,
        uses_max: None,
        account: None,
        notice: None,
    }
}

fn joiner(mark: u8, wanted: &str) -> Joiner {
    Joiner {
        hash: TokenHash([mark; 32]),
        address: Some(address(wanted)),
        display_name: "New".to_owned(),
        mobile: String::new(),
        private_address: "new@far.test".to_owned(),
        credential: credential(),
        notice: None,
    }
}

#[tokio::test]
async fn mem_5_the_limit_of_members_counts_when_somebody_joins() {
    let (directory, tenant, _) = directory().await;
    let new = NewInvitation {
        uses_max: Some(3),
        ..invitation(&directory, 1)
    };
    directory.create_invitation(tenant, &new).await.unwrap();
    let limit = TenantChange {
        accounts_max: crate::Field::Set(Some(1)),
        ..TenantChange::default()
    };
    directory.change_tenant(tenant, &limit).await.unwrap();
    assert!(matches!(
        directory.join(&joiner(1, "a@a.test")).await,
        Ok(Joined::Member(_))
    ));
    let refused = directory.join(&joiner(1, "b@a.test")).await.unwrap_err();
    let level = crate::LimitLevel::Organisation;
    let expect = Error::LimitAt {
        setting: "accounts_per_tenant_max",
        max: 1,
        used: 1,
        level,
    };
    assert_eq!(refused, expect);
    assert_eq!(
        directory.invitations(tenant, None, 1).await.unwrap()[0].used,
        1,
        "what is refused is no use"
    );
    let elsewhere = directory.join(&joiner(1, "b@b.test")).await.unwrap_err();
    assert!(matches!(elsewhere, Error::Invalid(_)));
}

#[tokio::test]
async fn mem_5_what_is_over_used_up_or_taken_back_lets_nobody_in() {
    let (directory, tenant, clock) = directory().await;
    let once = NewInvitation {
        uses_max: Some(1),
        ..invitation(&directory, 1)
    };
    directory.create_invitation(tenant, &once).await.unwrap();
    directory.join(&joiner(1, "a@a.test")).await.unwrap();
    let standing = async |mark: u8| {
        let found = directory.invitation_found(TokenHash([mark; 32])).await.unwrap();
        let refused = directory.join(&joiner(mark, "x@a.test")).await;
        assert!(matches!(refused, Err(Error::NotFound { .. })), "{mark}");
        found.map(|(_, standing)| standing)
    };
    assert_eq!(standing(1).await, Some(InvitationStanding::UsedUp));
    let made = directory
        .create_invitation(tenant, &invitation(&directory, 2))
        .await
        .unwrap();
    directory.revoke_invitation(tenant, made.id).await.unwrap();
    assert_eq!(standing(2).await, None, "taken back");
    let again = directory.revoke_invitation(tenant, made.id).await;
    assert!(matches!(again, Err(Error::NotFound { .. })));
    let listed = directory.invitations(tenant, None, 10).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|one| one.standing(directory.now())).collect();
    assert_eq!(listed, [InvitationStanding::UsedUp, InvitationStanding::Revoked]);
    directory
        .create_invitation(tenant, &invitation(&directory, 3))
        .await
        .unwrap();
    let found = directory.invitation_found(TokenHash([3; 32])).await.unwrap();
    assert_eq!(found.unwrap().1, InvitationStanding::Open);
    let state = TenantChange {
        state: Field::Set(TenantState::Suspended),
        ..TenantChange::default()
    };
    directory.change_tenant(tenant, &state).await.unwrap();
    assert_eq!(standing(3).await, Some(InvitationStanding::Closed));
    clock.advance(std::time::Duration::from_secs(2));
    assert_eq!(standing(9).await, None, "made up");
}

#[tokio::test]
async fn mem_3_who_is_there_already_sets_a_password_and_is_in() {
    let (directory, tenant, _) = directory().await;
    let invited = NewAccount {
        state: AccountState::Invited,
        ..NewAccount::at(address("a@a.test"))
    };
    let account = directory.create_account(&invited).await.unwrap();
    let new = |mark| NewInvitation {
        account: Some(account.id),
        uses_max: Some(1),
        ..invitation(&directory, mark)
    };
    directory.create_invitation(tenant, &new(1)).await.unwrap();
    directory.create_invitation(tenant, &new(2)).await.unwrap();
    let coming = |mark| Joiner {
        address: None,
        ..joiner(mark, "a@a.test")
    };
    assert!(
        directory.join(&coming(1)).await.is_err(),
        "the later one takes its place"
    );
    directory.join(&coming(2)).await.unwrap();
    let after = directory.login_of(account.id).await.unwrap().unwrap();
    assert_eq!(after.account.state, AccountState::Active);
    assert!(after.credential.is_some());
    assert!(directory.invitations(tenant, None, 1).await.unwrap().is_empty());
    assert!(matches!(
        directory.create_invitation(tenant, &new(3)).await,
        Err(Error::Refused(_))
    ));
}

#[tokio::test]
async fn mem_8_who_waits_is_accepted_with_another_address_or_turned_away() {
    let (directory, tenant, _) = directory().await;
    let review = NewInvitation {
        review: true,
        ..invitation(&directory, 1)
    };
    directory.create_invitation(tenant, &review).await.unwrap();
    let mut waiting = Vec::new();
    for name in ["a@a.test", "a@a.test", "c@a.test"] {
        match directory.join(&joiner(1, name)).await.unwrap() {
            Joined::Waits(application) => waiting.push(application),
            Joined::Member(_) => panic!("nobody has looked at it"),
        }
    }
    assert_eq!(directory.applications(tenant, None, 10).await.unwrap().len(), 3);
    let first = directory
        .accept_application(&waiting[0], &waiting[0].address, Vec::new())
        .await
        .unwrap();
    assert_eq!(first.profile.private_address, "new@far.test");
    let taken = directory
        .accept_application(&waiting[1], &waiting[1].address, Vec::new())
        .await
        .unwrap_err();
    assert!(matches!(taken, Error::Exists { .. }), "the approver is told: {taken}");
    assert!(directory.is_taken(&waiting[1].address).await.unwrap());
    let second = directory
        .accept_application(&waiting[1], &address("a2@a.test"), Vec::new())
        .await
        .unwrap();
    assert!(
        directory
            .login_of(second.id)
            .await
            .unwrap()
            .unwrap()
            .credential
            .is_some()
    );
    directory
        .refuse_application(&waiting[2], "we do not know you")
        .await
        .unwrap();
    assert!(directory.applications(tenant, None, 10).await.unwrap().is_empty());
    assert!(directory.refuse_application(&waiting[2], "again").await.is_err());
}

#[tokio::test]
async fn mem_6_more_members_are_invited_than_there_are_invitations_for_others() {
    let (directory, tenant, clock) = directory().await;
    let mut invited = Vec::new();
    for n in 0..3 {
        let new = NewAccount {
            state: AccountState::Invited,
            ..NewAccount::at(address(&format!("m{n}@a.test")))
        };
        invited.push(directory.create_account(&new).await.unwrap().id);
    }
    let open = |mark: u16| NewInvitation {
        hash: TokenHash(*blake3::hash(&mark.to_le_bytes()).as_bytes()),
        ..invitation(&directory, 0)
    };
    for part in 0..10 {
        let new = (part * 100..(part + 1) * 100).map(open).collect();
        directory.create_invitations(tenant, new).await.unwrap();
    }
    let refused = directory.create_invitation(tenant, &open(1_000)).await.unwrap_err();
    assert!(
        matches!(
            refused,
            Error::Limit {
                setting: "invitations_per_tenant_max",
                ..
            }
        ),
        "{refused}"
    );
    let personal = invited.iter().zip(2_000..).map(|(id, mark)| NewInvitation {
        account: Some(*id),
        uses_max: Some(1),
        ..open(mark)
    });
    let made = directory.create_invitations(tenant, personal.collect()).await.unwrap();
    assert_eq!(made.len(), 3, "members who wait are no part of that number");
    let first = directory.invitations(tenant, None, 1).await.unwrap()[0].clone();
    let next = directory.invitations(tenant, Some(first.id), 2).await.unwrap();
    assert_eq!(next.len(), 2);
    assert!(first.id < next[0].id && next[0].id < next[1].id);
    // One that was taken back makes room.
    directory.revoke_invitation(tenant, first.id).await.unwrap();
    directory.create_invitation(tenant, &open(1_001)).await.unwrap();
    let gone = directory.invitation(tenant, first.id).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })));
    clock.advance(std::time::Duration::from_secs(2));
    directory.create_invitation(tenant, &open(1_002)).await.unwrap();
    let left = directory.invitations(tenant, None, 2_000).await.unwrap();
    assert_eq!(left.len(), 4, "what is over goes when there is no room");
}
