//! LDAP: both sides, filters and names.

use hongyan_ldap_wire::client::{Response, SearchRequest, search};
use hongyan_ldap_wire::server::{Command, Options, Reply, Session};
use hongyan_ldap_wire::{Answer, Filter, Limits, Name, escape};
use hongyan_types::Instant;

/// The server's session: whatever comes, it is served, refused or ended, and what it says is LDAP.
pub fn ldap(bytes: &[u8]) {
    let now = Instant { micros: 0 };
    let options = Options {
        tls: true,
        start_tls: false,
        clear_passwords: false,
        limits: Limits::default(),
    };
    let mut session = Session::new(options, now);
    let mut said = Vec::new();
    for piece in bytes.chunks(7) {
        session.receive(now, piece);
        while let Some((id, command)) = session.poll_command(now) {
            let reply = match command {
                Command::Bind { .. } | Command::Plain(_) => Reply::SignedIn {
                    authorization: "u:a".to_owned(),
                },
                _ => Reply::Done(Answer::success()),
            };
            session.reply(now, id, reply);
            session.poll_output(&mut said);
        }
        session.poll_output(&mut said);
    }
    let mut rest = said.as_slice();
    while !rest.is_empty() {
        let whole = hongyan_ldap_wire::frame(rest)
            .expect("a message")
            .expect("a whole head");
        let (message, after) = rest.split_at(whole);
        Response::read(message).expect("an answer is read back");
        rest = after;
    }
}

/// What a server sends to our client.
pub fn ldap_client(bytes: &[u8]) {
    let _ = hongyan_ldap_wire::frame(bytes);
    let _ = Response::read(bytes);
}

/// Filters and names as they are written: what is sent of a filter is read back the same.
pub fn ldap_text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = Name::read(&text);
    let name = format!("cn={}", escape(&text));
    let read = Name::read(&name).expect("an escaped value makes a name");
    assert_eq!(read.level(0), Some(("cn", &*text)));
    let Ok(filter) = Filter::read(&text) else { return };
    let request = SearchRequest {
        base: "",
        filter: &filter,
        attributes: &[],
        page: 1,
        cookie: b"",
        within_secs: 1,
    };
    let now = Instant { micros: 0 };
    let mut session = Session::new(
        Options {
            tls: true,
            start_tls: false,
            clear_passwords: false,
            limits: Limits {
                filter_parts_max: usize::MAX,
                filter_depth_max: usize::MAX,
                ..Limits::default()
            },
        },
        now,
    );
    session.receive(now, &hongyan_ldap_wire::client::bind(1, "a", "b"));
    let (id, _) = session.poll_command(now).expect("a bind");
    session.reply(
        now,
        id,
        Reply::SignedIn {
            authorization: "u:a".to_owned(),
        },
    );
    session.receive(now, &search(2, &request));
    match session.poll_command(now) {
        Some((_, Command::Search(search))) => assert_eq!(search.filter, filter),
        other => panic!("{other:?}"),
    }
}
