//! Whole exchanges: our client against our server, and the published ones.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hongyan_sasl::{
    BindingKind, ChannelBinding, Client, ClientError, Credentials, Failure, Mechanism, Secret, Server, ServerContext,
    Step, StoredKeys,
};
use proptest::prelude::*;

fn credentials(password: &str) -> Credentials {
    Credentials {
        authzid: None,
        authcid: "user,=名".to_owned(),
        password: Secret::new(password),
    }
}

fn binding(data: &[u8]) -> ChannelBinding {
    ChannelBinding {
        kind: BindingKind::TlsExporter,
        data: data.to_vec(),
    }
}

fn context(bindings: Vec<ChannelBinding>) -> ServerContext {
    ServerContext {
        bindings,
        random: [7; 18],
    }
}

/// Runs both sides to the end; keys are those of "pencil".
fn run(mechanism: Mechanism, mut client: Client, context: ServerContext) -> (Step, Result<(), ClientError>) {
    let mut server = Server::start(mechanism, context);
    let mut step = match client.initial() {
        Some(initial) => server.step(&initial),
        None => server.first(),
    };
    loop {
        step = match step {
            Step::Challenge(challenge) => match client.respond(&challenge) {
                Ok(response) => server.step(&response),
                Err(error) => return (Step::Fail(Failure::Malformed), Err(error)),
            },
            Step::NeedCredentials { authcid } => {
                assert_eq!(authcid, "user,=名");
                let keys = |password| StoredKeys::derive(password, b"salt of sixteen.", 4096);
                server.keys(vec![keys("pen"), keys("pencil"), keys("brush")])
            }
            last => {
                assert_eq!(
                    server.step(b""),
                    Step::Fail(Failure::Malformed),
                    "an exchange ends once"
                );
                return (last, client.succeeded());
            }
        };
    }
}

fn done() -> Step {
    Step::Done {
        authzid: None,
        authcid: "user,=名".to_owned(),
        key: 1,
    }
}

#[test]
fn scram_without_any_keys_fails() {
    let mut server = Server::start(Mechanism::ScramSha256, context(Vec::new()));
    let step = server.step(b"n,,n=user,r=abc");
    assert!(matches!(step, Step::NeedCredentials { .. }), "{step:?}");
    assert_eq!(server.keys(Vec::new()), Step::Fail(Failure::BadProof));
}

#[test]
fn scram_of_rfc_7677() {
    let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let keys = StoredKeys::derive("pencil", &salt, 4096);
    assert_eq!(
        STANDARD.encode(keys.stored_key),
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
    );
    assert_eq!(
        STANDARD.encode(keys.server_key),
        "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    );
    assert!(keys.matches("pencil"));
    assert!(!keys.matches("pen"));
}

#[test]
fn scram_both_sides() {
    let start = |password| Client::start(Mechanism::ScramSha256, credentials(password), None, [1; 18]).unwrap();
    assert_eq!(
        run(Mechanism::ScramSha256, start("pencil"), context(vec![])),
        (done(), Ok(()))
    );
    assert_eq!(
        run(Mechanism::ScramSha256, start("wrong"), context(vec![])),
        (Step::Fail(Failure::BadProof), Err(ClientError::ServerUnproven))
    );
}

#[test]
fn scram_plus_needs_the_same_channel() {
    let start = |data: &[u8]| {
        Client::start(
            Mechanism::ScramSha256Plus,
            credentials("pencil"),
            Some(binding(data)),
            [1; 18],
        )
        .unwrap()
    };
    let check =
        |ours: &[u8], theirs: Vec<ChannelBinding>| run(Mechanism::ScramSha256Plus, start(ours), context(theirs)).0;
    assert_eq!(check(b"channel", vec![binding(b"channel")]), done());
    assert_eq!(
        check(b"channel", vec![binding(b"another")]),
        Step::Fail(Failure::ChannelBinding)
    );
    assert_eq!(check(b"channel", vec![]), Step::Fail(Failure::ChannelBinding));
}

#[test]
fn scram_notices_a_removed_plus() {
    let mut server = Server::start(Mechanism::ScramSha256, context(vec![binding(b"channel")]));
    assert_eq!(server.step(b"y,,n=user,r=abc"), Step::Fail(Failure::ChannelBinding));
    let mut server = Server::start(Mechanism::ScramSha256, context(vec![]));
    assert!(matches!(server.step(b"y,,n=user,r=abc"), Step::NeedCredentials { .. }));
    let mut server = Server::start(Mechanism::ScramSha256Plus, context(vec![binding(b"channel")]));
    assert_eq!(server.step(b"n,,n=user,r=abc"), Step::Fail(Failure::ChannelBinding));
}

#[test]
fn scram_refuses_bad_first_messages() {
    for bad in [
        "",
        "n",
        "n,,",
        "n,,n=,r=a",
        "n,,n=user",
        "n,,r=a,n=user",
        "x,,n=user,r=a",
        "n,,m=x,n=user,r=a",
        "n,user,n=user,r=a",
        "n,,n=us=er,r=a",
        "n,,n=user,r=",
        "n,,n=us\0er,r=a",
    ] {
        let mut server = Server::start(Mechanism::ScramSha256, context(vec![]));
        assert_eq!(server.step(bad.as_bytes()), Step::Fail(Failure::Malformed), "{bad:?}");
    }
}

#[test]
fn scram_client_refuses_cheap_iterations() {
    let mut client = Client::start(Mechanism::ScramSha256, credentials("pencil"), None, [1; 18]).unwrap();
    let _ = client.initial();
    let nonce = STANDARD.encode([1; 18]);
    let challenge = format!("r={nonce}more,s=c2FsdA==,i=1");
    assert_eq!(client.respond(challenge.as_bytes()), Err(ClientError::Iterations));
}

#[test]
fn plain_and_login_hand_the_password_over() {
    for mechanism in [Mechanism::Plain, Mechanism::Login] {
        let client = Client::start(mechanism, credentials("pen\u{e9}"), None, [1; 18]).unwrap();
        let expect = Step::CheckPassword {
            authzid: None,
            authcid: "user,=名".to_owned(),
            password: Secret::new("pen\u{e9}"),
        };
        assert_eq!(run(mechanism, client, context(vec![])), (expect, Ok(())));
    }
    for bad in [
        &b""[..],
        b"a",
        b"\0\0",
        b"\0user\0",
        b"\0\0pass",
        b"a\0b\0c\0d",
        b"\0\xff\0x",
    ] {
        let mut server = Server::start(Mechanism::Plain, context(vec![]));
        assert_eq!(server.step(bad), Step::Fail(Failure::Malformed), "{bad:?}");
    }
    let mut server = Server::start(Mechanism::Plain, context(vec![]));
    assert!(matches!(
        server.step(b"boss\0user\0pass"),
        Step::CheckPassword { authzid: Some(id), .. } if id == "boss"
    ));
}

#[test]
fn secrets_do_not_print() {
    assert_eq!(format!("{:?}", Secret::new("pencil")), "Secret(..)");
    assert!(!format!("{:?}", StoredKeys::derive("pencil", b"salt", 1)).contains("key"));
}

proptest! {
    #[test]
    fn any_bytes_are_answered(
        which in 0..6_usize,
        responses in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 1..5),
    ) {
        let mut server = Server::start(Mechanism::ALL[which], context(vec![binding(b"x")]));
        for response in responses {
            if let Step::NeedCredentials { .. } = server.step(&response) {
                server.keys(vec![StoredKeys::derive("pencil", b"salt", 1)]);
            }
        }
    }

    #[test]
    fn names_survive_both_ways(name in "[^\0]{1,20}") {
        let mut client = Client::start(
            Mechanism::ScramSha256,
            Credentials { authzid: Some(name.clone()), authcid: name.clone(), password: Secret::new("x") },
            None,
            [1; 18],
        ).unwrap();
        let mut server = Server::start(Mechanism::ScramSha256, context(vec![]));
        prop_assert_eq!(server.step(&client.initial().unwrap()), Step::NeedCredentials { authcid: name });
    }
}
