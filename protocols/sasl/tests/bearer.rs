//! Exchanges with tokens, from both sides.

use hongyan_sasl::{Bearer, Client, Credentials, Failure, Mechanism, Secret, Server, ServerContext, Step};

fn client(mechanism: Mechanism) -> Client {
    let credentials = Credentials {
        authzid: None,
        authcid: "anna@example.test".to_owned(),
        password: Secret::new("hya_token"),
    };
    Client::start(mechanism, credentials, None, [0; 18]).unwrap()
}

fn shown() -> Step {
    Step::CheckToken(Bearer {
        user: Some("anna@example.test".to_owned()),
        token: Secret::new("hya_token"),
    })
}

#[test]
fn a_token_is_shown_at_once_or_when_asked_for() {
    for mechanism in [Mechanism::OauthBearer, Mechanism::Xoauth2] {
        let mut server = Server::start(mechanism, ServerContext::default());
        let first = client(mechanism).initial().unwrap();
        assert_eq!(server.step(&first), shown());
        let mut server = Server::start(mechanism, ServerContext::default());
        let Step::Challenge(asked) = server.first() else {
            panic!("asks")
        };
        let answer = client(mechanism).respond(&asked).unwrap();
        assert_eq!(server.step(&answer), shown());
    }
}

#[test]
fn a_refusal_is_told_and_acknowledged() {
    for mechanism in [Mechanism::OauthBearer, Mechanism::Xoauth2] {
        let mut client = client(mechanism);
        let mut server = Server::start(mechanism, ServerContext::default());
        assert_eq!(server.step(&client.initial().unwrap()), shown());
        let Step::Challenge(told) = server.refuse_token() else {
            panic!("tells")
        };
        assert!(told.starts_with(b"{\"status\":"));
        let answer = client.respond(&told).unwrap();
        assert_eq!(server.step(&answer), Step::Fail(Failure::BadToken));
        assert_eq!(server.step(&answer), Step::Fail(Failure::Malformed));
    }
}

#[test]
fn nothing_else_is_refused_that_way() {
    let mut server = Server::start(Mechanism::Plain, ServerContext::default());
    assert_eq!(server.refuse_token(), Step::Fail(Failure::Malformed));
    let mut server = Server::start(Mechanism::OauthBearer, ServerContext::default());
    assert_eq!(server.step(b"n,,"), Step::Fail(Failure::Malformed));
}
