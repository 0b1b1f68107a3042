//! Requests to the operator.

use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain};

use super::*;
use crate::{DirectoryOptions, NewAccount, NewTenant};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n........";

struct World {
    directory: Directory,
    database: Database,
    clock: hongyan_env::ManualClock,
    acme: TenantId,
}

/// Two organisations, so that none is verified by being alone.
async fn world() -> World {
    let (env, clock) = Env::manual(1);
    let database = Database::new(MemoryStore::default());
    let options = DirectoryOptions {
        accounts_per_tenant_max: 2,
        ..DirectoryOptions::default()
    };
    let directory = Directory::new(database.clone(), env, options);
    let acme = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    directory.create_tenant(&NewTenant::named("Other")).await.unwrap();
    let name = Domain::try_from("a.test").unwrap();
    directory.create_domain(acme, &name).await.unwrap();
    World {
        directory,
        database,
        clock,
        acme,
    }
}

impl World {
    fn wish(&self, wanted: Wanted) -> NewOperatorRequest {
        NewOperatorRequest {
            tenant: self.acme,
            wanted,
            by: "boss@a.test".to_owned(),
            text: "please".to_owned(),
        }
    }
    async fn ask(&self, wanted: Wanted, file: &[u8]) -> Result<OperatorRequest> {
        self.directory.ask_operator(&self.wish(wanted), file).await
    }
    async fn told(&self) -> Vec<String> {
        let mut transaction = self.database.begin();
        let due = hongyan_notice::due(&mut transaction, self.directory.now(), 100).await;
        due.unwrap().into_iter().map(|due| due.notice.kind).collect()
    }
    fn yes(&self, limit: Option<u64>) -> Answer {
        Answer::Approve {
            limit,
            until: Timestamp {
                millis: self.directory.now().millis + 1_000_000,
            },
            reason: String::new(),
        }
    }
    async fn member(&self, text: &str) -> Result<()> {
        let address = Address::try_from(text).unwrap();
        self.directory
            .create_account(&NewAccount::at(address))
            .await
            .map(|_| ())
    }
}

#[tokio::test]
async fn org_4_verification_is_asked_for_and_org_5_more_members_after_it() {
    let w = world().await;
    let early = w.ask(Wanted::MemberLimit(5), PNG).await;
    assert!(matches!(early, Err(Error::Refused(_))), "{early:?}");
    // A file of several transactions.
    let mut long = b"%PDF-1.7".to_vec();
    long.resize(2_000_000, 7);
    let asked = w.ask(Wanted::Verification, &long).await.unwrap();
    assert_eq!(
        (asked.id, asked.state),
        (OperatorRequestId(1), OperatorRequestState::Waiting)
    );
    let (document, file) = w.directory.operator_document(asked.id, 0).await.unwrap();
    assert_eq!((document.kind, file == long), (DocumentKind::Pdf, true));
    let again = w.ask(Wanted::Verification, PNG).await;
    assert!(matches!(again, Err(Error::Refused(_))), "{again:?}");
    let more = w.directory.add_operator_document(asked.id, PNG).await.unwrap();
    assert_eq!(more.documents.len(), 2);
    let silent = Answer::Refuse { reason: " ".to_owned() };
    let silent = w.directory.answer_request(asked.id, &silent).await;
    assert!(matches!(silent, Err(Error::Invalid(_))), "{silent:?}");
    w.directory.answer_request(asked.id, &w.yes(None)).await.unwrap();
    let acme = w.directory.tenant(w.acme).await.unwrap();
    assert!(w.directory.is_verified(&acme).await.unwrap());
    let twice = w.directory.answer_request(asked.id, &w.yes(None)).await;
    assert!(matches!(twice, Err(Error::Refused(_))), "{twice:?}");
    assert_eq!(w.told().await, ["request.approved"]);

    let not_more = w.ask(Wanted::MemberLimit(2), PNG).await;
    assert!(matches!(not_more, Err(Error::Invalid(_))), "{not_more:?}");
    let no_letter = w.ask(Wanted::MemberLimit(5), b"%PDF-1.7").await;
    assert!(matches!(no_letter, Err(Error::Invalid(_))), "{no_letter:?}");
    let asked = w.ask(Wanted::MemberLimit(5), PNG).await.unwrap();
    w.directory.answer_request(asked.id, &w.yes(Some(3))).await.unwrap();
    let acme = w.directory.tenant(w.acme).await.unwrap();
    assert_eq!(acme.accounts_max, Some(3));
    let all = w.directory.operator_requests(None, None, None, 10).await.unwrap();
    assert_eq!(all.len(), 2);
    let next = w
        .directory
        .operator_requests(None, None, Some(OperatorRequestId(1)), 1)
        .await
        .unwrap();
    assert_eq!((next.len(), next[0].granted), (1, Some(3)));
    let waiting = w
        .directory
        .operator_requests(Some(w.acme), Some(OperatorRequestState::Waiting), None, 10)
        .await
        .unwrap();
    assert!(waiting.is_empty(), "{waiting:?}");
}

#[tokio::test]
async fn org_5_a_limit_below_the_present_number_removes_nobody_and_stops_more() {
    let w = world().await;
    w.member("a@a.test").await.unwrap();
    w.member("b@a.test").await.unwrap();
    let lower = crate::TenantChange {
        accounts_max: crate::Field::Set(Some(1)),
        ..crate::TenantChange::default()
    };
    w.directory.change_tenant(w.acme, &lower).await.unwrap();
    assert_eq!(w.directory.tenant(w.acme).await.unwrap().counts.accounts, 2);
    let refused = w.member("c@a.test").await;
    assert!(
        matches!(refused, Err(Error::LimitAt { max: 1, used: 2, .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn org_5_a_document_too_long_is_refused_and_nothing_is_left_of_an_organisation_that_goes() {
    let w = world().await;
    let long = vec![b'x'; (5 << 20) + 1];
    let refused = w.ask(Wanted::Verification, &long).await;
    assert!(matches!(refused, Err(Error::Limit { .. })), "{refused:?}");
    let other = w.directory.tenant_named("Other").await.unwrap().id;
    let new = NewOperatorRequest {
        tenant: other,
        ..w.wish(Wanted::Verification)
    };
    let asked = w.directory.ask_operator(&new, PNG).await.unwrap();
    w.directory.delete_tenant(other).await.unwrap();
    let gone = w.directory.operator_request(asked.id).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
    let gone = w.directory.operator_document(asked.id, 0).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
}

#[tokio::test]
async fn org_4_who_asks_takes_it_back_and_asks_anew() {
    let w = world().await;
    let asked = w.ask(Wanted::Verification, PNG).await.unwrap();
    let back = w.directory.withdraw_request(asked.id).await.unwrap();
    assert_eq!(back.state, OperatorRequestState::Withdrawn);
    let twice = w.directory.withdraw_request(asked.id).await;
    assert!(matches!(twice, Err(Error::Refused(_))), "{twice:?}");
    let answer = w.directory.answer_request(asked.id, &w.yes(None)).await;
    assert!(matches!(answer, Err(Error::Refused(_))), "{answer:?}");
    let more = w.directory.add_operator_document(asked.id, PNG).await;
    assert!(matches!(more, Err(Error::Refused(_))), "{more:?}");
    assert!(w.told().await.is_empty(), "who takes it back need not be told");
    let anew = w.ask(Wanted::Verification, PNG).await.unwrap();
    w.directory.answer_request(anew.id, &w.yes(None)).await.unwrap();
    let late = w.directory.withdraw_request(anew.id).await;
    assert!(matches!(late, Err(Error::Refused(_))), "{late:?}");
}

#[tokio::test]
async fn org_4_administrators_are_told_before_a_verification_ends_and_when_it_has() {
    let w = world().await;
    let day = std::time::Duration::from_secs(24 * 3600);
    let verified = async |days: i64| {
        let asked = w.ask(Wanted::Verification, PNG).await.unwrap();
        let millis = w.directory.now().millis + days * 24 * 3600 * 1000;
        let yes = Answer::Approve {
            limit: None,
            until: Timestamp { millis },
            reason: String::new(),
        };
        w.directory.answer_request(asked.id, &yes).await.unwrap();
    };
    // How many mails of each kind there are once that many more days are over.
    let after = async |days: u32| {
        w.clock.advance(day * days);
        for tenant in w.directory.ending_verifications(None, 10).await.unwrap() {
            w.directory.look_at_verification(tenant).await.unwrap();
            w.directory.look_at_verification(tenant).await.unwrap();
        }
        let told = w.told().await;
        let count = |kind| told.iter().filter(|told| *told == kind).count();
        (count("verification.ending"), count("verification.ended"))
    };
    verified(40).await;
    assert_eq!(after(9).await, (0, 0));
    assert_eq!(after(1).await, (1, 0), "30 days before");
    assert_eq!(after(24).await, (2, 0), "a week before");
    // Given anew in time, it is told anew when that ends.
    verified(60).await;
    assert_eq!(after(20).await, (2, 0));
    assert_eq!(after(10).await, (3, 0));
    assert_eq!(after(31).await, (3, 1), "what was missed is not told any more");
    assert!(w.directory.ending_verifications(None, 10).await.unwrap().is_empty());
    assert_eq!(after(10).await, (3, 1));
}
