//! Server sessions: the same bytes give the same commands however they are cut, and no bytes panic.

use std::sync::Arc;

use hongyan_types::Instant;

/// Length of the pieces that `bytes` are cut into the second time: its first byte says.
fn piece_octets(bytes: &[u8]) -> usize {
    usize::from(bytes.first().copied().unwrap_or(0)) % 7 + 1
}

/// An IMAP server session, signed in or not.
pub fn imap(bytes: &[u8]) {
    let whole = imap_run(&[bytes]);
    let pieces: Vec<&[u8]> = bytes.chunks(piece_octets(bytes)).collect();
    assert_eq!(whole, imap_run(&pieces), "cutting the input changes the output");
}

fn imap_run(pieces: &[&[u8]]) -> Vec<u8> {
    use hongyan_imap::{Command, Reply, Session, Settings, State, Status};
    let now = Instant::default();
    let mut session = Session::new(Arc::new(Settings::default()), now);
    session.enter(State::Selected);
    let mut output = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() && !session.is_closed() {
            let take = rest.len().min(4096);
            session.receive(now, &rest[..take]);
            rest = &rest[take..];
            while let Some((id, command)) = session.poll_command() {
                match command {
                    Command::Append(_) | Command::Replace(_) | Command::AppendNext(_) => {
                        session.reply(id, Reply::Continue);
                    }
                    Command::AppendData(_) | Command::AppendMessageEnd | Command::AppendAborted | Command::Idle => {}
                    Command::Logout => session.logout(),
                    _ => session.reply(id, Reply::Done(Status::ok("done"))),
                }
                session.poll_output(&mut output);
            }
        }
    }
    session.poll_output(&mut output);
    output
}

/// An IMAP client: what a server says is bounded, and the same however it is cut; what it means is read or not.
pub fn imap_client(bytes: &[u8]) {
    use hongyan_imap::{Client, ClientEvent, ClientLimits, ServerData};
    let run = |piece: usize| {
        let mut client = Client::with_limits(ClientLimits {
            response_octets_max: 1_000,
            literal_held_octets_max: 50,
        });
        let mut events: Vec<ClientEvent> = Vec::new();
        for part in bytes.chunks(piece) {
            client.receive(part);
            while let Some(event) = client.poll_event() {
                if let ClientEvent::Untagged(response) = &event {
                    let _ = ServerData::parse(response);
                }
                match (events.last_mut(), event) {
                    (Some(ClientEvent::Data(all)), ClientEvent::Data(more)) => all.extend_from_slice(&more),
                    (_, event) => events.push(event),
                }
            }
        }
        events
    };
    assert_eq!(
        run(bytes.len().max(1)),
        run(piece_octets(bytes)),
        "cutting the input changes what is heard"
    );
}

/// An SMTP server session that takes everything.
pub fn smtp(bytes: &[u8]) {
    let whole = smtp_run(&[bytes]);
    let pieces: Vec<&[u8]> = bytes.chunks(piece_octets(bytes)).collect();
    assert_eq!(whole, smtp_run(&pieces), "cutting the input changes the output");
}

fn smtp_run(pieces: &[&[u8]]) -> Vec<u8> {
    use hongyan_smtp::server::{Command, Mode, Options, Session};
    use hongyan_smtp::{Limits, Reply};
    let options = Options {
        mode: Mode::Smtp,
        host_name: "mx.test".to_owned(),
        tls: false,
        starttls: false,
        mechanisms_tls: Vec::new(),
        mechanisms_clear: vec![hongyan_sasl::Mechanism::Plain, hongyan_sasl::Mechanism::Login],
        limits: Limits::default(),
    };
    let now = Instant::default();
    let mut session = Session::new(options, now);
    let mut output = Vec::new();
    let mut answer = |session: &mut Session| {
        while let Some((id, command)) = session.poll_command() {
            match command {
                Command::MessageStart => session.reply(now, id, Reply::go_ahead()),
                Command::Auth(_) | Command::AuthResponse(_) => session.reply(now, id, Reply::ok("signed in")),
                command if command.wants_reply() => session.reply(now, id, Reply::ok("ok")),
                _ => {}
            }
        }
        session.poll_output(&mut output);
    };
    answer(&mut session);
    for piece in pieces {
        session.receive(now, piece);
        answer(&mut session);
    }
    output
}

/// A POP3 server session that refuses everything.
pub fn pop3(bytes: &[u8]) {
    let whole = pop3_run(&[bytes]);
    let pieces: Vec<&[u8]> = bytes.chunks(piece_octets(bytes)).collect();
    assert_eq!(whole, pop3_run(&pieces), "cutting the input changes the output");
}

fn pop3_run(pieces: &[&[u8]]) -> Vec<u8> {
    use hongyan_pop3::server::{Command, Options, Session};
    use hongyan_pop3::{Limits, Reply};
    let options = Options {
        host: "mx.test".to_owned(),
        tls: false,
        stls: false,
        clear_passwords: true,
        mechanisms: vec![hongyan_sasl::Mechanism::Plain],
        limits: Limits::default(),
    };
    let now = Instant::default();
    let mut session = Session::new(options, now);
    let mut output = Vec::new();
    for piece in pieces {
        session.receive(now, piece);
        while let Some((id, command)) = session.poll_command(now) {
            if command != Command::StartTls {
                session.reply(now, id, Reply::error("no"));
            }
        }
        session.poll_output(&mut output);
    }
    session.poll_output(&mut output);
    output
}
