//! Our client against our server, and against servers that misbehave; any bytes against either.

use hongyan_sasl::{Credentials, Mechanism, Secret};
use hongyan_smtp::client::{self, Envelope, Event, Failure, SendError};
use hongyan_smtp::server::{self, Command, Mode, challenge};
use hongyan_smtp::{Body, Enhanced, ForwardPath, Mail, Mailbox, Rcpt, Reply};
use hongyan_types::Instant;
use proptest::prelude::*;

const NOW: Instant = Instant { micros: 0 };

fn server_options(mode: Mode) -> server::Options {
    server::Options {
        mode,
        host_name: "mx.test".to_owned(),
        tls: true,
        starttls: false,
        mechanisms_tls: vec![Mechanism::ScramSha256, Mechanism::Login],
        mechanisms_clear: vec![],
        limits: Default::default(),
    }
}

fn client_session(lmtp: bool) -> client::Session {
    let options = client::Options {
        lmtp,
        name: "client.test".to_owned(),
        limits: Default::default(),
    };
    client::Session::new(options, NOW)
}

fn envelope(recipients: &[&str], body: Body) -> Envelope {
    Envelope {
        mail: Mail {
            reverse_path: Mailbox::parse("a@b.test"),
            size: Some(10),
            body,
            ..Mail::default()
        },
        recipients: recipients
            .iter()
            .map(|to| Rcpt::to(Mailbox::parse(to).unwrap()))
            .collect(),
    }
}

/// Both ends of one connection in memory.
struct Pair {
    client: client::Session,
    server: server::Session,
    sasl: Option<hongyan_sasl::Server>,
    recipients: Vec<ForwardPath>,
    message: Vec<u8>,
    received: Vec<Vec<u8>>,
}

impl Pair {
    fn new(mode: Mode) -> Self {
        Self {
            client: client_session(mode == Mode::Lmtp),
            server: server::Session::new(server_options(mode), NOW),
            sasl: None,
            recipients: vec![],
            message: vec![],
            received: vec![],
        }
    }

    /// Lets bytes flow until both are quiet; gives the client's events.
    fn settle(&mut self) -> Vec<Event> {
        let mut events = vec![];
        loop {
            let mut wire = Vec::new();
            let sent = self.client.poll_output(&mut wire);
            self.server.receive(NOW, &wire);
            while let Some((id, command)) = self.server.poll_command() {
                let wants = command.wants_reply();
                let replies = self.answer(command);
                if wants {
                    self.server.reply_each(NOW, id, replies);
                }
            }
            let mut wire = Vec::new();
            let answered = self.server.poll_output(&mut wire);
            self.client.receive(NOW, &wire);
            while let Some(event) = self.client.poll_event() {
                events.push(event);
            }
            if !sent && !answered {
                return events;
            }
        }
    }

    fn answer(&mut self, command: Command) -> Vec<Reply> {
        vec![match command {
            Command::Connect => Reply::bare(220, "mx.test"),
            Command::Auth(auth) => {
                let mut sasl = hongyan_sasl::Server::start(auth.mechanism, Default::default());
                let step = match auth.initial {
                    Some(initial) => sasl.step(&initial),
                    None => sasl.first(),
                };
                self.sasl_reply(sasl, step)
            }
            Command::AuthResponse(response) => {
                let mut sasl = self.sasl.take().unwrap();
                let step = sasl.step(&response);
                self.sasl_reply(sasl, step)
            }
            Command::Rcpt(rcpt) if rcpt.path.to_string().starts_with("nobody") => {
                Reply::fixed(550, Enhanced(5, 1, 1), "No such user")
            }
            Command::Rcpt(rcpt) => {
                self.recipients.push(rcpt.path);
                Reply::ok("")
            }
            Command::MessageStart => Reply::go_ahead(),
            Command::Chunk(bytes) => {
                self.message.extend_from_slice(&bytes);
                return vec![];
            }
            Command::MessageEnd => {
                self.received.push(std::mem::take(&mut self.message));
                let recipients = std::mem::take(&mut self.recipients);
                return recipients.iter().map(|to| Reply::ok(format!("for {to}"))).collect();
            }
            _ => Reply::ok(""),
        }]
    }

    fn sasl_reply(&mut self, mut sasl: hongyan_sasl::Server, step: hongyan_sasl::Step) -> Reply {
        use hongyan_sasl::Step;
        let step = match step {
            Step::NeedCredentials { .. } => {
                sasl.keys(vec![hongyan_sasl::StoredKeys::derive("pencil", b"some salt", 4096)])
            }
            other => other,
        };
        self.sasl = Some(sasl);
        match step {
            Step::Challenge(data) => challenge(&data),
            Step::Done { .. } => Reply::ok("").with_code(235),
            Step::CheckPassword { password, .. } if password.reveal() == "pencil" => Reply::ok("").with_code(235),
            _ => Reply::fixed(535, Enhanced(5, 7, 8), "No"),
        }
    }
}

trait WithCode {
    fn with_code(self, code: u16) -> Reply;
}

impl WithCode for Reply {
    fn with_code(mut self, code: u16) -> Reply {
        self.code = code;
        self
    }
}

fn kinds(events: &[Event]) -> String {
    let kind = |event: &Event| match event {
        Event::Sender(reply) => format!("sender {}", reply.code),
        Event::Recipient { index, reply } => format!("recipient {index} {}", reply.code),
        Event::Outcome { index, reply } => format!("outcome {index:?} {}", reply.code),
        Event::MessageRefused(reply) => format!("refused {}", reply.code),
        Event::Ready(_) => "ready".to_owned(),
        other => format!("{other:?}"),
    };
    events.iter().map(kind).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_message_arrives_as_it_left() {
    let mut pair = Pair::new(Mode::Smtp);
    assert_eq!(kinds(&pair.settle()), "ready");
    let message = b"Subject: x\r\n\r\n.\r\n..\r\nlast line";
    for body in [Body::EightBit, Body::Binary] {
        pair.client
            .send(NOW, &envelope(&["c@mx.test", "nobody@mx.test"], body))
            .unwrap();
        assert_eq!(
            kinds(&pair.settle()),
            "sender 250, recipient 0 250, recipient 1 550, SendMessage"
        );
        pair.client.data(NOW, &message[..14]);
        pair.settle();
        pair.client.data(NOW, &message[14..]);
        pair.client.finish(NOW);
        assert_eq!(kinds(&pair.settle()), "outcome None 250, Done");
    }
    assert_eq!(pair.received[0], [&message[..], b"\r\n"].concat());
    assert_eq!(pair.received[1], message);
    pair.client
        .send(NOW, &envelope(&["nobody@mx.test"], Body::EightBit))
        .unwrap();
    assert_eq!(kinds(&pair.settle()), "sender 250, recipient 0 550, Done");
    pair.client
        .send(NOW, &envelope(&["nobody@mx.test"], Body::Binary))
        .unwrap();
    assert_eq!(kinds(&pair.settle()), "sender 250, recipient 0 550, Done");
    assert!(pair.client.is_idle());
}

#[test]
fn lmtp_answers_for_each_recipient() {
    let mut pair = Pair::new(Mode::Lmtp);
    pair.settle();
    for body in [Body::EightBit, Body::Binary] {
        pair.client
            .send(NOW, &envelope(&["a@mx.test", "nobody@mx.test", "b@mx.test"], body))
            .unwrap();
        pair.settle();
        pair.client.data(NOW, b"x\r\n");
        pair.client.finish(NOW);
        assert_eq!(kinds(&pair.settle()), "outcome Some(0) 250, outcome Some(2) 250, Done");
    }
}

#[test]
fn signing_in() {
    for (mechanism, password, expect) in [
        (Mechanism::ScramSha256, "pencil", "Authenticated"),
        (Mechanism::Login, "pencil", "Authenticated"),
        (Mechanism::ScramSha256, "wrong", "AuthenticationRefused"),
    ] {
        let mut pair = Pair::new(Mode::Submission);
        pair.settle();
        let credentials = Credentials {
            authzid: None,
            authcid: "user".to_owned(),
            password: Secret::new(password),
        };
        let client = hongyan_sasl::Client::start(mechanism, credentials, None, [1; 18]).unwrap();
        pair.client.authenticate(NOW, client);
        let events = kinds(&pair.settle());
        assert!(events.starts_with(expect), "{mechanism}: {events}");
    }
}

#[test]
fn a_server_without_extensions() {
    let mut client = client_session(false);
    let mut wire = Vec::new();
    let mut turn = |client: &mut client::Session, reply: &str, expect: &str| {
        client.receive(NOW, reply.as_bytes());
        wire.clear();
        client.poll_output(&mut wire);
        assert_eq!(std::str::from_utf8(&wire).unwrap(), expect, "after {reply:?}");
    };
    turn(&mut client, "220 old\r\n", "EHLO client.test\r\n");
    turn(&mut client, "502 what\r\n", "HELO client.test\r\n");
    turn(&mut client, "250 hi\r\n", "");
    assert_eq!(
        client.send(NOW, &envelope(&["用@mx.test"], Body::EightBit)),
        Err(SendError::NeedsSmtpUtf8)
    );
    assert_eq!(
        client.send(NOW, &envelope(&["c@mx.test"], Body::Binary)),
        Err(SendError::NeedsBinary)
    );
    client
        .send(NOW, &envelope(&["c@mx.test", "d@mx.test"], Body::EightBit))
        .unwrap();
    turn(&mut client, "", "MAIL FROM:<a@b.test>\r\n");
    turn(&mut client, "250 ok\r\n", "RCPT TO:<c@mx.test>\r\n");
    turn(&mut client, "250 ok\r\n", "RCPT TO:<d@mx.test>\r\n");
    turn(&mut client, "450 later\r\n", "DATA\r\n");
    turn(&mut client, "354 go\r\n", "");
    client.data(NOW, b"x\n");
    client.finish(NOW);
    turn(&mut client, "", "x\r\n.\r\n");
    turn(&mut client, "250 ok\r\n", "");
    let mut events = vec![];
    while let Some(event) = client.poll_event() {
        events.push(event);
    }
    assert_eq!(
        kinds(&events),
        "ready, sender 250, recipient 0 250, recipient 1 450, SendMessage, outcome None 250, Done"
    );
}

#[test]
fn servers_that_misbehave() {
    let check = |wire: &str, expect: fn(&Failure) -> bool| {
        let mut client = client_session(false);
        client.receive(NOW, wire.as_bytes());
        let mut last = None;
        while let Some(event) = client.poll_event() {
            last = Some(event);
        }
        assert!(
            matches!(&last, Some(Event::Failed(failure)) if expect(failure)),
            "{wire:?}: {last:?}"
        );
    };
    check("hello\r\n", |failure| matches!(failure, Failure::Reply(_)));
    check("220 x\n", |failure| matches!(failure, Failure::Reply(_)));
    check("421 busy\r\n", |failure| matches!(failure, Failure::Goodbye(_)));
    check("220 x\r\n250 y\r\n250 z\r\n", |failure| *failure == Failure::Unexpected);
    check(&"220-x\r\n".repeat(300), |failure| matches!(failure, Failure::Reply(_)));
    check(&"x".repeat(10_000), |_| true);
}

#[test]
fn a_reply_behind_starttls_is_not_believed() {
    let mut client = client_session(false);
    client.receive(NOW, b"220 x\r\n");
    client.receive(NOW, b"250-x\r\n250 STARTTLS\r\n");
    client.start_tls(NOW);
    client.receive(NOW, b"220 go\r\n250 injected\r\n");
    let mut events = vec![];
    while let Some(event) = client.poll_event() {
        events.push(event);
    }
    assert_eq!(events.last(), Some(&Event::Failed(Failure::Unexpected)));
}

#[test]
fn time_runs_out_on_both_sides() {
    let late = Instant { micros: 301_000_000 };
    let mut client = client_session(false);
    client.handle_timeout(NOW);
    assert_eq!(client.poll_event(), None);
    client.handle_timeout(late);
    assert_eq!(client.poll_event(), Some(Event::Failed(Failure::Timeout)));
    let mut pair = Pair::new(Mode::Smtp);
    pair.settle();
    // Bytes that never make a line keep nothing alive.
    pair.server.receive(Instant { micros: 300_000_000 }, b"NOO");
    pair.server.handle_timeout(late);
    assert!(pair.server.is_closing());
}

fn commands(pieces: &[&[u8]], mode: Mode) -> (Vec<String>, Vec<u8>) {
    let mut options = server_options(mode);
    options.limits.command_line_octets_max = 200;
    options.limits.auth_line_octets_max = 300;
    options.limits.message_octets_max = 400;
    options.limits.recipients_max = 3;
    let mut session = server::Session::new(options, NOW);
    let mut seen: Vec<String> = vec![];
    let mut data = String::new();
    for piece in pieces {
        session.receive(NOW, piece);
        while let Some((id, command)) = session.poll_command() {
            if let Command::Chunk(bytes) = &command {
                data.push_str(&bytes.escape_ascii().to_string());
                continue;
            }
            match &command {
                // How much of a spoiled message was seen depends on the pieces, and does not count.
                Command::MessageAbort | Command::Reset => data.clear(),
                _ if !data.is_empty() => seen.push(std::mem::take(&mut data)),
                _ => {}
            }
            seen.push(format!("{command:?}"));
            let code = match command {
                Command::Connect => 220,
                Command::MessageStart => 354,
                Command::Auth(_) => 334,
                Command::AuthResponse(_) => 235,
                _ => 250,
            };
            session.reply(NOW, id, Reply::bare(code, "x"));
        }
    }
    let mut out = vec![];
    session.poll_output(&mut out);
    (seen, out)
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "EHLO x\r\n",
        "LHLO x\r\n",
        "MAIL FROM:<a@b>\r\n",
        "MAIL FROM:<> BODY=BINARYMIME\r\n",
        "RCPT TO:<a@b>\r\n",
        "DATA\r\n",
        ".\r\n",
        "..\r\n",
        "BDAT 5\r\nabcde",
        "BDAT 7 LAST\r\nab\r\ncde",
        "BDAT 3 LAST\r\n\r\na",
        "RSET\r\n",
        "NOOP\r\n",
        "AUTH LOGIN\r\n",
        "*\r\n",
        "QUJD\r\n",
        "text\r\n",
        "\r\n",
        "a\rb",
        "\n",
        "\r",
        ".",
        "VRFY x\r\n",
        "QUIT\r\n",
    ]);
    prop_oneof![
        8 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..30),
        1 => (150..500_usize).prop_map(|length| [vec![b'x'; length], b"\r\n".to_vec()].concat()),
    ]
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        lines in prop::collection::vec(line(), 1..30),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        lmtp in any::<bool>(),
    ) {
        let mode = if lmtp { Mode::Lmtp } else { Mode::Smtp };
        let hello: &[u8] = if lmtp { b"LHLO x\r\n" } else { b"EHLO x\r\n" };
        let wire = [hello, b"MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n", &lines.concat()].concat();
        let whole = commands(&[&wire], mode);
        let single: Vec<_> = wire.chunks(1).collect();
        prop_assert_eq!(&commands(&single, mode), &whole);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(wire.len())).collect();
        cuts.sort_unstable();
        let mut pieces = vec![];
        let mut from = 0;
        for cut in cuts {
            pieces.push(&wire[from..cut]);
            from = cut;
        }
        pieces.push(&wire[from..]);
        prop_assert_eq!(&commands(&pieces, mode), &whole);
    }

    #[test]
    fn any_bytes_from_a_server(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in any::<prop::sample::Index>()) {
        let mut client = client_session(false);
        client.receive(NOW, b"220 x\r\n250-x\r\n250 PIPELINING\r\n");
        let _ = client.send(NOW, &envelope(&["a@b"], Body::EightBit));
        let at = cut.index(bytes.len() + 1);
        client.receive(NOW, &bytes[..at]);
        client.receive(NOW, &bytes[at..]);
        while client.poll_event().is_some() {}
    }

    #[test]
    fn any_message_crosses(message in prop::collection::vec(prop::sample::select(b".\r\nab".to_vec()), 0..60), cut in any::<prop::sample::Index>()) {
        // What leaves is the message with every line end made CRLF; it is what arrives.
        let text = String::from_utf8(message.clone()).unwrap().replace("\r\n", "\n").replace('\r', "\n");
        let mut expect = text.replace('\n', "\r\n");
        if !expect.is_empty() && !expect.ends_with("\r\n") {
            expect.push_str("\r\n");
        }
        let mut pair = Pair::new(Mode::Smtp);
        pair.settle();
        pair.client.send(NOW, &envelope(&["c@mx.test"], Body::EightBit)).unwrap();
        pair.settle();
        let at = cut.index(message.len() + 1);
        pair.client.data(NOW, &message[..at]);
        pair.settle();
        pair.client.data(NOW, &message[at..]);
        pair.client.finish(NOW);
        pair.settle();
        prop_assert_eq!(&pair.received, &[expect.into_bytes()]);
    }
}
