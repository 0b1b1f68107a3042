//! Phones, recovery mailboxes, forgotten passwords and terms, as their owners and strangers meet them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hongyan_directory::{NewAccount, SmsScope, TermsVersion};
use hongyan_env::BoxFuture;
use hongyan_notice::{Notice, Recipient};
use hongyan_sasl::Secret;
use hongyan_types::{Address, Timestamp};
use parking_lot::Mutex;

use super::*;
use crate::fixture::{ANNA, Fixture, PEER, cheap};
use crate::{
    AccessOptions, Begun, LoginFilter, LoginsOf, Recovery, RecoveryWay, SecondProof, TextError, TextGateway,
    TextMessage, Visit, Way, WebProof,
};

const PASSWORD: &str = "Correct-horse7";
const NEW: &str = "Battery-staple8";
const PHONE: &str = "+8613800138000";

/// A gateway that remembers what it took, or takes nothing.
#[derive(Default)]
struct Gateway {
    taken: Mutex<Vec<TextMessage>>,
    fails: Mutex<bool>,
}

impl TextGateway for Gateway {
    fn send(&self, message: TextMessage) -> BoxFuture<'_, Result<(), TextError>> {
        Box::pin(async move {
            if *self.fails.lock() {
                return Err(TextError("it is down".to_owned()));
            }
            self.taken.lock().push(message);
            Ok(())
        })
    }
}

struct World {
    node: Fixture,
    gateway: Arc<Gateway>,
}

impl World {
    async fn with(options: AccessOptions) -> Self {
        let node = Fixture::new(options, PASSWORD).await;
        let gateway = Arc::new(Gateway::default());
        node.access
            .set_text_gateway(Arc::clone(&gateway) as Arc<dyn TextGateway>);
        Self { node, gateway }
    }
    async fn new() -> Self {
        Self::with(cheap()).await
    }
    fn fails(&self, fails: bool) {
        *self.gateway.fails.lock() = fails;
    }
    fn last_text(&self) -> String {
        let taken = self.gateway.taken.lock();
        taken.last().unwrap().code.reveal().to_owned()
    }
    fn texts(&self) -> usize {
        self.gateway.taken.lock().len()
    }
    async fn begin(&self, password: &str) -> Result<Begun, AccessError> {
        let password = Secret::new(password);
        self.node.access.web_sign_in(ANNA, &password, visit()).await
    }
    async fn sign_in(&self) -> Secret {
        self.begin(PASSWORD).await.unwrap().token
    }
    async fn stage(&self, token: &Secret) -> Stage {
        let session = self.node.access.web_session(token.reveal(), PEER).await;
        session.unwrap().stage
    }
    async fn bind(&self, token: &Secret, number: &str) -> Result<(), AccessError> {
        let access = &self.node.access;
        access.web_offer_phone(token.reveal(), number, PEER).await.unwrap();
        access.web_confirm_phone(token.reveal(), &self.last_text(), PEER).await
    }
    async fn signed_in_with_phone(&self) -> Secret {
        let token = self.sign_in().await;
        self.bind(&token, "138 0013 8000").await.unwrap();
        token
    }
    async fn text(&self, token: &Secret) -> String {
        self.node.access.web_send_text(token.reveal(), PEER).await.unwrap();
        self.last_text()
    }
    async fn protect(
        &self,
        token: &Secret,
        scopes: &[SmsScope],
        code: Option<&str>,
    ) -> Result<Vec<Secret>, AccessError> {
        let scopes: BTreeSet<SmsScope> = scopes.iter().copied().collect();
        let access = &self.node.access;
        access.web_protect_by_text(token.reveal(), scopes, code, PEER).await
    }
    async fn reach(&self, token: &Secret) -> Reach {
        self.node.access.web_reach(token.reveal(), PEER).await.unwrap()
    }
    async fn letters(&self) -> Vec<Notice> {
        let database = &self.node.access.0.database;
        let late = Timestamp { millis: i64::MAX };
        let due = hongyan_notice::due(&mut database.begin(), late, 100).await.unwrap();
        due.into_iter().map(|due| due.notice).collect()
    }
    async fn letters_of(&self, kind: &str) -> usize {
        let letters = self.letters().await;
        letters.iter().filter(|letter| letter.kind == kind).count()
    }
    /// The code that is mailed now: earlier mails have gone.
    async fn mailed(&self) -> String {
        let database = &self.node.access.0.database;
        let mut transaction = database.begin();
        let late = Timestamp { millis: i64::MAX };
        let due = hongyan_notice::due(&mut transaction, late, 100).await.unwrap();
        let of_codes: Vec<_> = due.iter().filter(|due| due.notice.kind == "account.code").collect();
        let [letter] = of_codes[..] else {
            panic!("{} mails", of_codes.len())
        };
        let lines = letter.notice.english.body.lines();
        let code = lines.into_iter().find(|line| line.starts_with("    ")).unwrap().trim();
        assert!(letter.notice.chinese.body.contains(code));
        hongyan_notice::done(&mut transaction, letter);
        transaction.commit().await.unwrap();
        code.to_owned()
    }
    async fn bind_mailbox(&self, token: &Secret) {
        let access = &self.node.access;
        let mailbox = "anna@elsewhere.test";
        access.web_offer_mailbox(token.reveal(), mailbox, PEER).await.unwrap();
        let code = self.mailed().await;
        access.web_confirm_mailbox(token.reveal(), &code, PEER).await.unwrap();
    }
    async fn recover(&self, login: &str, way: RecoveryWay, code: &str, password: &str) -> Result<(), AccessError> {
        let password = Secret::new(password);
        let asked = Recovery {
            login,
            way,
            code,
            password: &password,
        };
        self.node.access.recover_password(asked, PEER, "Browser").await
    }
    /// A code for a forgotten password.
    async fn ask(&self, way: RecoveryWay) -> String {
        self.node.access.send_recovery(ANNA, way).await.unwrap();
        match way {
            RecoveryWay::Phone => self.last_text(),
            _ => self.mailed().await,
        }
    }
    async fn logged(&self, way: Way) -> BTreeSet<String> {
        let access = &self.node.access;
        access.write_logins().await;
        let of = LoginsOf::Account(self.node.anna);
        let page = access.logins(of, &LoginFilter::default(), None, 50).await.unwrap();
        let entries = page.entries.into_iter().filter(|entry| entry.way == way);
        entries.map(|entry| entry.result).collect()
    }
    fn secs(&self, secs: u64) {
        self.node.clock.advance(Duration::from_secs(secs));
    }
}

fn visit() -> Visit<'static> {
    Visit {
        peer: PEER,
        client: "Browser",
        device: None,
    }
}

fn other(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

fn refusal(error: AccessError) -> String {
    match error {
        AccessError::Directory(Error::Refused(text)) => text,
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn auth_13_a_phone_is_bound_and_changed_with_a_code_sent_to_it() {
    let world = World::new().await;
    let access = &world.node.access;
    let token = world.sign_in().await;
    let short = access.web_offer_phone(token.reveal(), "12345", PEER).await;
    assert!(matches!(short, Err(AccessError::Directory(Error::Invalid(_)))));
    let foreign = "+44 20 7946 0000";
    access.web_offer_phone(token.reveal(), foreign, PEER).await.unwrap();
    let code = world.last_text();
    let wrong = access.web_confirm_phone(token.reveal(), &other(&code), PEER).await;
    assert!(matches!(wrong, Err(AccessError::WrongCode)));
    assert_eq!(world.reach(&token).await.phone, None);
    access.web_confirm_phone(token.reveal(), &code, PEER).await.unwrap();
    assert_eq!(world.reach(&token).await.phone.as_deref(), Some("+442079460000"));
    let again = access.web_confirm_phone(token.reveal(), &code, PEER).await;
    assert!(matches!(again, Err(AccessError::WrongCode)), "a code is taken once");
    world.bind(&token, "13800138000").await.unwrap();
    assert_eq!(world.reach(&token).await.phone.as_deref(), Some(PHONE));
    let before = world.node.directory.accounts_of_phone("+442079460000").await;
    assert!(before.unwrap().is_empty());
    // A code is good for ten minutes, and no longer.
    access.web_offer_phone(token.reveal(), foreign, PEER).await.unwrap();
    let code = world.last_text();
    world.secs(600);
    let holder = Holder::account(world.node.anna);
    let late = access.check_sent_code(&holder, Purpose::Phone, &code, true).await;
    assert!(matches!(late, Err(AccessError::WrongCode)), "sent_code_secs");
}

#[tokio::test]
async fn auth_13_a_number_that_is_bound_is_refused_without_saying_to_whom() {
    let world = World::new().await;
    let access = &world.node.access;
    world.signed_in_with_phone().await;
    let credential = access.hash_password(&Secret::new(PASSWORD)).await.unwrap();
    let ben = NewAccount {
        credential: Some(credential),
        ..NewAccount::at(Address::try_from("ben@example.test").unwrap())
    };
    let ben = world.node.directory.create_account(&ben).await.unwrap().id;
    let password = Secret::new(PASSWORD);
    let begun = access.web_sign_in("ben@example.test", &password, visit()).await;
    let token = begun.unwrap().token;
    let refused = refusal(world.bind(&token, PHONE).await.unwrap_err());
    assert_eq!(refused, "this phone number is bound already in your organisation");
    // An administrator unbinds it (MEM-13): then it is free.
    let directory = &world.node.directory;
    access.unbind_reach(directory, world.node.anna).await.unwrap();
    world.bind(&token, PHONE).await.unwrap();
    let found = directory.accounts_of_phone(PHONE).await.unwrap();
    assert_eq!(found.iter().map(|account| account.id).collect::<Vec<_>>(), [ben]);
}

#[tokio::test]
async fn auth_a_reset_by_an_administrator_is_told_everywhere() {
    let world = World::new().await;
    let (access, directory, anna) = (&world.node.access, &world.node.directory, world.node.anna);
    let token = world.signed_in_with_phone().await;
    world.bind_mailbox(&token).await;
    let code = world.text(&token).await;
    world.protect(&token, &[SmsScope::SignIn], Some(&code)).await.unwrap();
    access.reset_second_factor(directory, anna).await.unwrap();
    assert_eq!(world.stage(&world.sign_in().await).await, Stage::SignedIn);
    access.unbind_reach(directory, anna).await.unwrap();
    let reach = world.reach(&world.sign_in().await).await;
    assert_eq!((reach.phone, reach.recovery_mailbox), (None, None));
    // Each to the own mailbox and to the one outside, where that was known.
    assert_eq!(world.letters_of("account.sign-in-reset").await, 4);
}

#[tokio::test]
async fn auth_22_the_second_factor_is_a_code_by_sms() {
    let world = World::new().await;
    let access = &world.node.access;
    let token = world.sign_in().await;
    let unbound = world.protect(&token, &[SmsScope::SignIn], None).await;
    assert_eq!(refusal(unbound.unwrap_err()), "bind a phone first");
    world.bind(&token, PHONE).await.unwrap();
    let missing = world.protect(&token, &[SmsScope::SignIn], None).await;
    assert!(matches!(missing, Err(AccessError::TextCodeNeeded)));
    let code = world.text(&token).await;
    let codes = world.protect(&token, &SmsScope::ALL, Some(&code)).await.unwrap();
    assert_eq!(codes.len(), 10, "for the day the phone is lost");
    assert_eq!(world.stage(&token).await, Stage::SignedIn, "this session has shown it");

    let second = world.sign_in().await;
    assert_eq!(world.stage(&second).await, Stage::SecondFactor);
    let code = world.text(&second).await;
    let show = async |code: &str| {
        let proof = SecondProof::Text(code.to_owned());
        access.web_second_factor(second.reveal(), &proof, None, PEER).await
    };
    assert!(matches!(show(&other(&code)).await, Err(AccessError::WrongCode)));
    assert_eq!(show(&code).await.unwrap().session.stage, Stage::SignedIn);
    // Shown at sign-in, it is good for what it protects, for a time.
    let change = async || {
        let (old, new) = (Secret::new(PASSWORD), Secret::new(NEW));
        access.web_change_password(second.reveal(), &old, &new, PEER).await
    };
    world.secs(3_600);
    assert!(matches!(change().await, Err(AccessError::TextCodeNeeded)));
    let proof = WebProof::Second(SecondProof::Text(world.text(&second).await));
    access.web_prove(second.reveal(), &proof, PEER).await.unwrap();
    change().await.unwrap();
    assert_eq!(world.letters_of("account.password-changed").await, 1, "AUTH-28");
}

#[tokio::test]
async fn auth_22_each_scope_is_chosen_alone() {
    let world = World::new().await;
    let token = world.signed_in_with_phone().await;
    let code = world.text(&token).await;
    let chosen = [SmsScope::Forwarding, SmsScope::AppPasswords];
    let codes = world.protect(&token, &chosen, Some(&code)).await.unwrap();
    assert!(codes.is_empty(), "signing in needs no second factor");
    let second = world.sign_in().await;
    assert_eq!(world.stage(&second).await, Stage::SignedIn);
    let access = &world.node.access;
    let identity = access.web_identity(second.reveal(), PEER).await.unwrap();
    for scope in SmsScope::ALL {
        let checked = access.check_protected_of(&identity, scope).await;
        assert_eq!(checked.is_err(), chosen.contains(&scope), "{}", scope.label());
    }
}

#[tokio::test]
async fn auth_22_the_eleventh_message_of_the_day_is_refused_with_the_time() {
    let world = World::new().await;
    let access = &world.node.access;
    let token = world.signed_in_with_phone().await;
    let first = access.now().millis;
    world.secs(1);
    for _ in 0..9 {
        world.text(&token).await;
    }
    let Err(AccessError::CodesUsedUp { max, again }) = access.web_send_text(token.reveal(), PEER).await else {
        panic!("the eleventh was sent")
    };
    assert_eq!((max, again.millis), (10, first + 86_400_000));
    assert_eq!(world.texts(), 10, "sent_codes_per_day_max");
    world.secs(86_398);
    assert!(access.web_send_text(token.reveal(), PEER).await.is_err());
    world.secs(1);
    access.web_send_text(token.reveal(), PEER).await.unwrap();
}

#[tokio::test]
async fn auth_23_switching_it_off_needs_a_code_or_another_factor_while_the_gateway_fails() {
    let world = World::new().await;
    let access = &world.node.access;
    let token = world.signed_in_with_phone().await;
    let code = world.text(&token).await;
    let recovery = world.protect(&token, &[SmsScope::SignIn], Some(&code)).await.unwrap();
    let second = world.sign_in().await;
    world.fails(true);
    let failed = access.web_send_text(second.reveal(), PEER).await;
    assert!(matches!(failed, Err(AccessError::TextGatewayFailed)));
    let proof = SecondProof::RecoveryCode(recovery[0].reveal().to_owned());
    let shown = access.web_second_factor(second.reveal(), &proof, None, PEER).await;
    assert_eq!(shown.unwrap().session.stage, Stage::SignedIn);
    world.fails(false);
    world.text(&second).await;
    let needed = world.protect(&second, &[], None).await;
    assert!(matches!(needed, Err(AccessError::TextCodeNeeded)), "the gateway works");
    let bound = access.web_remove_phone(second.reveal(), PEER).await;
    assert!(matches!(bound, Err(AccessError::TextCodeNeeded)));
    world.fails(true);
    assert!(access.web_send_text(second.reveal(), PEER).await.is_err());
    world.protect(&second, &[], None).await.unwrap();
    assert_eq!(world.stage(&world.sign_in().await).await, Stage::SignedIn);
    // On and off with codes, while it works.
    world.fails(false);
    for scopes in [&[SmsScope::SignIn][..], &[]] {
        let code = world.text(&second).await;
        world.protect(&second, scopes, Some(&code)).await.unwrap();
    }
}

#[tokio::test]
async fn auth_22_without_a_gateway_what_needs_it_says_so() {
    let world = World::new().await;
    let node = &world.node.other;
    let token = world.sign_in().await;
    let token = token.reveal();
    assert!(!node.web_reach(token, PEER).await.unwrap().is_texting_offered);
    assert!(!node.recovery_ways().contains(&RecoveryWay::Phone));
    for refused in [
        node.web_offer_phone(token, PHONE, PEER).await,
        node.web_send_text(token, PEER).await,
        node.web_ask_phone(PHONE, PEER),
        node.ask_recovery(ANNA, RecoveryWay::Phone, PEER),
        node.web_sign_in_by_phone(PHONE, "000000", None, visit())
            .await
            .map(drop),
    ] {
        assert!(matches!(refused, Err(AccessError::NoTextGateway)));
    }
}

#[tokio::test]
async fn auth_5_a_code_sent_to_the_phone_signs_in() {
    let world = World::new().await;
    let access = &world.node.access;
    let token = world.signed_in_with_phone().await;
    access.text_sign_in("+442079460000").await.unwrap();
    assert_eq!(world.texts(), 1, "nobody has that phone");
    access.text_sign_in(PHONE).await.unwrap();
    let code = world.last_text();
    let begin = async |code: &str| access.web_sign_in_by_phone("13800138000", code, None, visit()).await;
    assert!(matches!(begin(&other(&code)).await, Err(AccessError::WrongCode)));
    let begun = begin(&code).await.unwrap();
    assert_eq!(
        (begun.session.account.id, begun.session.stage),
        (world.node.anna, Stage::SignedIn)
    );
    assert!(
        matches!(begin(&code).await, Err(AccessError::WrongCode)),
        "a code is taken once"
    );
    assert!(world.logged(Way::PhoneCode).await.contains("ok"));
    // Where the phone is the second factor, it alone signs nobody in.
    let code = world.text(&token).await;
    world.protect(&token, &[SmsScope::SignIn], Some(&code)).await.unwrap();
    let before = world.texts();
    access.text_sign_in(PHONE).await.unwrap();
    assert_eq!(world.texts(), before);
}

#[tokio::test]
async fn auth_6_whoever_has_accounts_in_several_organisations_chooses_one() {
    let world = World::new().await;
    let (access, directory) = (&world.node.access, &world.node.directory);
    world.signed_in_with_phone().await;
    let tenant = directory
        .create_tenant(&hongyan_directory::NewTenant::named("Other"))
        .await;
    let domain = hongyan_types::Domain::try_from("other.test").unwrap();
    directory.create_domain(tenant.unwrap().id, &domain).await.unwrap();
    let there = NewAccount::at(Address::try_from("anna@other.test").unwrap());
    let there = directory.create_account(&there).await.unwrap().id;
    let bind = FactorsChange::Phone(Some(PHONE.to_owned()));
    directory.change_factors(there, &bind).await.unwrap();
    access.text_sign_in(PHONE).await.unwrap();
    let code = world.last_text();
    let open = access.web_sign_in_by_phone(PHONE, &code, None, visit()).await;
    let Err(AccessError::ChooseAccount(accounts)) = open else {
        panic!("one was taken")
    };
    assert_eq!(accounts, [ANNA, "anna@other.test"]);
    let chosen = access
        .web_sign_in_by_phone(PHONE, &code, Some(&accounts[1]), visit())
        .await;
    assert_eq!(chosen.unwrap().session.account.id, there);
}

#[tokio::test]
async fn auth_5_strangers_use_up_half_of_the_messages_at_most() {
    let world = World::new().await;
    let access = &world.node.access;
    let token = world.signed_in_with_phone().await;
    let mut sent = 1;
    while access.text_sign_in(PHONE).await.is_ok() {
        sent += 1;
        assert!(sent <= 5);
    }
    assert_eq!(sent, 5);
    access.web_send_text(token.reveal(), PEER).await.unwrap();
}

#[tokio::test]
async fn auth_12_a_recovery_mailbox_is_one_outside_that_shows_a_code() {
    let world = World::new().await;
    let access = &world.node.access;
    let token = world.sign_in().await;
    let here = access.web_offer_mailbox(token.reveal(), "ben@example.test", PEER).await;
    assert!(matches!(here, Err(AccessError::Directory(Error::Invalid(_)))));
    world.bind_mailbox(&token).await;
    let mailbox = Address::try_from("anna@elsewhere.test").unwrap();
    assert_eq!(world.reach(&token).await.recovery_mailbox.as_ref(), Some(&mailbox));
    // Security notices go there too (AUTH-28).
    let (old, new) = (Secret::new(PASSWORD), Secret::new(NEW));
    let changed = access.web_change_password(token.reveal(), &old, &new, PEER).await;
    changed.unwrap();
    let letters = world.letters().await;
    let is_it = |letter: &Notice| matches!(&letter.to, Recipient::Outside { address, .. } if *address == mailbox);
    assert_eq!(
        (letters.len(), letters.iter().filter(|letter| is_it(letter)).count()),
        (2, 1)
    );
    access.web_remove_mailbox(token.reveal(), PEER).await.unwrap();
    assert_eq!(world.reach(&token).await.recovery_mailbox, None);
}

#[tokio::test]
async fn auth_11_a_forgotten_password_is_set_anew_with_a_code() {
    for way in [RecoveryWay::Mailbox, RecoveryWay::Phone] {
        let world = World::new().await;
        let token = world.signed_in_with_phone().await;
        world.bind_mailbox(&token).await;
        let code = world.ask(way).await;
        let wrong = world.recover(ANNA, way, &other(&code), NEW).await;
        assert!(matches!(wrong, Err(AccessError::WrongCode)));
        let weak = world.recover(ANNA, way, &code, "short").await;
        assert!(matches!(weak, Err(AccessError::BadPassword(_))), "the code stays good");
        world.recover(ANNA, way, &code, NEW).await.unwrap();
        let again = world.recover(ANNA, way, &code, NEW).await;
        assert!(matches!(again, Err(AccessError::WrongCode)), "a code is taken once");
        assert!(world.begin(PASSWORD).await.is_err());
        world.begin(NEW).await.unwrap();
        let over = world.node.access.web_session(token.reveal(), PEER).await;
        assert!(matches!(over, Err(AccessError::NotSignedIn)), "other sessions end");
        assert_eq!(world.letters_of("account.password-changed").await, 2);
        let results = world.logged(Way::Recovery).await;
        assert!(results.contains("ok") && results.contains("wrong-code"), "{results:?}");
    }
}

#[tokio::test]
async fn auth_11_a_recovery_code_sets_it_anew_too() {
    let world = World::new().await;
    let token = world.signed_in_with_phone().await;
    let code = world.text(&token).await;
    let codes = world.protect(&token, &[SmsScope::SignIn], Some(&code)).await.unwrap();
    let (way, code) = (RecoveryWay::RecoveryCode, codes[0].reveal());
    world.recover(ANNA, way, code, NEW).await.unwrap();
    assert!(world.recover(ANNA, way, code, PASSWORD).await.is_err(), "single-use");
    let begun = world.begin(NEW).await.unwrap();
    assert_eq!(begun.session.stage, Stage::SecondFactor, "the second factor stays");
}

#[tokio::test]
async fn auth_11_nobody_hears_whether_an_account_is_there() {
    let world = World::new().await;
    let access = &world.node.access;
    for login in [ANNA, "nobody@example.test", "not an address"] {
        access.ask_recovery(login, RecoveryWay::Mailbox, PEER).unwrap();
        access.send_recovery(login, RecoveryWay::Mailbox).await.unwrap();
        access.send_recovery(login, RecoveryWay::Phone).await.unwrap();
        for way in [RecoveryWay::Mailbox, RecoveryWay::Totp, RecoveryWay::RecoveryCode] {
            let wrong = world.recover(login, way, "123456", NEW).await;
            assert!(matches!(wrong, Err(AccessError::WrongCode)), "{login}");
        }
        let weak = world.recover(login, RecoveryWay::Totp, "123456", "short").await;
        assert!(matches!(weak, Err(AccessError::BadPassword(_))), "{login}");
    }
    assert!(world.letters().await.is_empty(), "there is nowhere to send it");
    assert_eq!(world.texts(), 0);
}

#[tokio::test]
async fn auth_11_guesses_and_questions_are_limited() {
    let options = AccessOptions {
        guest_codes_per_address_max: 3,
        account_failures_max: 6,
        ..cheap()
    };
    let world = World::with(options).await;
    let access = &world.node.access;
    world.bind_mailbox(&world.sign_in().await).await;
    for _ in 0..3 {
        access
            .ask_recovery("other@example.test", RecoveryWay::Mailbox, PEER)
            .unwrap();
    }
    let more = access.ask_recovery(ANNA, RecoveryWay::Mailbox, PEER);
    assert!(
        matches!(more, Err(AccessError::LockedOut { .. })),
        "guest_codes_per_address_max"
    );
    let code = world.ask(RecoveryWay::Mailbox).await;
    // Five wrong codes end it; the right one is good no more.
    for _ in 0..5 {
        let wrong = world.recover(ANNA, RecoveryWay::Mailbox, &other(&code), NEW).await;
        assert!(matches!(wrong, Err(AccessError::WrongCode)));
    }
    let late = world.recover(ANNA, RecoveryWay::Mailbox, &code, NEW).await;
    assert!(matches!(late, Err(AccessError::WrongCode)));
    let locked = world.recover(ANNA, RecoveryWay::Mailbox, &code, NEW).await;
    assert!(matches!(locked, Err(AccessError::LockedOut { .. })));
}

#[tokio::test]
async fn auth_11_what_the_phone_protects_needs_the_phone() {
    let world = World::new().await;
    let token = world.signed_in_with_phone().await;
    world.bind_mailbox(&token).await;
    let code = world.text(&token).await;
    let scopes = [SmsScope::RecoverPassword];
    world.protect(&token, &scopes, Some(&code)).await.unwrap();
    let mailed = world.ask(RecoveryWay::Mailbox).await;
    let by_mail = world.recover(ANNA, RecoveryWay::Mailbox, &mailed, NEW).await;
    assert!(matches!(by_mail, Err(AccessError::WrongCode)));
    let texted = world.ask(RecoveryWay::Phone).await;
    world.recover(ANNA, RecoveryWay::Phone, &texted, NEW).await.unwrap();
}

#[tokio::test]
async fn auth_29_terms_are_accepted_before_first_use_and_again_when_new() {
    let world = World::new().await;
    let (access, directory) = (&world.node.access, &world.node.directory);
    let token = world.sign_in().await;
    assert_eq!(world.stage(&token).await, Stage::SignedIn, "nothing is asked for");
    let own = Some(world.node.tenant);
    directory.set_terms(own, "Be kind.", "请友善。").await.unwrap();
    directory.set_terms(None, "Pay.", "").await.unwrap();
    assert_eq!(world.stage(&token).await, Stage::AcceptTerms, "running sessions too");
    let refused = access.web_identity(token.reveal(), PEER).await;
    assert!(matches!(refused, Err(AccessError::Unfinished(Stage::AcceptTerms))));
    let asked = access.web_terms(token.reveal(), PEER).await.unwrap();
    let whose: Vec<_> = asked.iter().map(|terms| (terms.version.of, terms.accepted)).collect();
    assert_eq!(whose, [(own, None), (None, None)]);
    let versions: Vec<_> = asked.iter().map(|terms| terms.version).collect();
    let stale = TermsVersion {
        version: versions[0].version + 1,
        ..versions[0]
    };
    let accept = async |versions: &[TermsVersion]| access.web_accept_terms(token.reveal(), versions, PEER).await;
    assert!(accept(&[stale]).await.is_err());
    assert_eq!(accept(&versions[..1]).await.unwrap().stage, Stage::AcceptTerms);
    assert_eq!(accept(&versions[1..]).await.unwrap().stage, Stage::SignedIn);
    let asked = access.web_terms(token.reveal(), PEER).await.unwrap();
    let now = access.now();
    assert!(
        asked.iter().all(|terms| terms.accepted == Some(now)),
        "version and time are kept"
    );
    // The same text is no new version; another is.
    directory.set_terms(own, "Be kind.", "请友善。").await.unwrap();
    assert_eq!(world.stage(&token).await, Stage::SignedIn);
    directory.set_terms(own, "Be kinder.", "").await.unwrap();
    assert_eq!(world.stage(&token).await, Stage::AcceptTerms);
    directory.set_terms(own, "", "").await.unwrap();
    assert_eq!(world.stage(&token).await, Stage::SignedIn, "withdrawn");
    let long = "x".repeat(40_001);
    assert!(directory.set_terms(own, &long, "").await.is_err(), "terms_octets_max");
}
