//! Every file in `transcript/` against the server session, the client's words at once and byte by byte.
//!
//! `C: text` is a line with CRLF, `C> text` raw with `\r \n \0 \\` escapes; words in a row arrive together. `S: text` is a line
//! expected back, `S. ` the end of the connection, `H: text` what the caller was told. `# option` lines set the scene.

use hongyan_sasl::{Mechanism, Server, ServerContext, Step};
use hongyan_smtp::server::{Command, Mode, Options, Session, challenge};
use hongyan_smtp::{Enhanced, ForwardPath, Reply};
use hongyan_types::Instant;

const NOW: Instant = Instant { micros: 0 };

/// A caller that decides by the names it sees.
#[derive(Default)]
struct Handler {
    told: Vec<String>,
    sasl: Option<Server>,
    recipients: Vec<String>,
    message: Vec<u8>,
}

impl Handler {
    fn answer(&mut self, command: Command) -> Vec<Reply> {
        match command {
            Command::Connect => vec![Reply::bare(220, "mx.test ESMTP")],
            Command::Hello(hello) => vec![Reply::bare(250, format!("mx.test greets {}", hello.name))],
            Command::StartTls => vec![Reply::fixed(220, Enhanced(2, 0, 0), "Go ahead")],
            Command::Auth(auth) => {
                let mut server = Server::start(auth.mechanism, ServerContext::default());
                let step = match auth.initial {
                    Some(initial) => server.step(&initial),
                    None => server.first(),
                };
                self.sasl = Some(server);
                vec![Self::sasl_reply(step)]
            }
            Command::AuthResponse(response) => {
                let step = self.sasl.as_mut().expect("an exchange").step(&response);
                vec![Self::sasl_reply(step)]
            }
            Command::Mail(mail) => {
                self.told.push(mail.to_string());
                self.recipients.clear();
                match mail.reverse_path {
                    Some(path) if path.local_part == "banned" => vec![Reply::fixed(550, Enhanced(5, 7, 1), "Banned")],
                    _ => vec![Reply::fixed(250, Enhanced(2, 1, 0), "Sender ok")],
                }
            }
            Command::Rcpt(rcpt) => {
                self.told.push(rcpt.to_string());
                match rcpt.path {
                    ForwardPath::Mailbox(to) if to.local_part == "nobody" => {
                        vec![Reply::fixed(550, Enhanced(5, 1, 1), "No such user")]
                    }
                    path => {
                        self.recipients.push(path.to_string());
                        vec![Reply::fixed(250, Enhanced(2, 1, 5), "Recipient ok")]
                    }
                }
            }
            Command::MessageStart if self.recipients.iter().any(|to| to.starts_with("full")) => {
                vec![Reply::fixed(452, Enhanced(4, 3, 1), "Disk full")]
            }
            Command::MessageStart => vec![Reply::go_ahead()],
            Command::Chunk(bytes) => {
                self.message.extend_from_slice(&bytes);
                vec![]
            }
            Command::MessageEnd => {
                let message = std::mem::take(&mut self.message);
                self.told.push(format!("message {}", message.escape_ascii()));
                let outcome = |to: &String| match to.starts_with("later") {
                    true => Reply::fixed(451, Enhanced(4, 2, 0), "Later"),
                    false => Reply::ok("Queued"),
                };
                std::mem::take(&mut self.recipients).iter().map(outcome).collect()
            }
            Command::MessageAbort => {
                self.message.clear();
                self.told.push("abort".to_owned());
                vec![]
            }
            Command::Reset => {
                self.recipients.clear();
                self.told.push("reset".to_owned());
                vec![]
            }
            Command::Verify(_) => vec![Reply::fixed(252, Enhanced(2, 5, 0), "Send and see")],
            Command::Expand(_) => vec![Reply::fixed(502, Enhanced(5, 5, 1), "No lists shown")],
            Command::Quit => {
                self.told.push("quit".to_owned());
                vec![]
            }
        }
    }

    fn sasl_reply(step: Step) -> Reply {
        match step {
            Step::Challenge(data) => challenge(&data),
            Step::CheckPassword { password, .. } if password.reveal() == "pass" => {
                Reply::fixed(235, Enhanced(2, 7, 0), "Welcome")
            }
            _ => Reply::fixed(535, Enhanced(5, 7, 8), "Authentication failed"),
        }
    }
}

struct Run {
    session: Session,
    handler: Handler,
    lmtp: bool,
}

impl Run {
    fn new(scene: &[String]) -> Self {
        let mut options = Options {
            mode: Mode::Smtp,
            host_name: "mx.test".to_owned(),
            tls: false,
            starttls: true,
            mechanisms_tls: vec![Mechanism::ScramSha256, Mechanism::Plain, Mechanism::Login],
            mechanisms_clear: vec![],
            limits: Default::default(),
        };
        options.limits.message_octets_max = 1000;
        options.limits.recipients_max = 3;
        options.limits.errors_max = 3;
        options.limits.command_line_octets_max = 512;
        for word in scene {
            match word.as_str() {
                "lmtp" => options.mode = Mode::Lmtp,
                "submission" => options.mode = Mode::Submission,
                "auth in clear" => options.mechanisms_clear = options.mechanisms_tls.clone(),
                "no tls" => options.starttls = false,
                other => panic!("unknown option {other}"),
            }
        }
        Self {
            lmtp: options.mode == Mode::Lmtp,
            session: Session::new(options, NOW),
            handler: Handler::default(),
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.session.receive(NOW, bytes);
        while let Some((id, command)) = self.session.poll_command() {
            let wants_reply = command.wants_reply();
            let handshake = command == Command::StartTls;
            let mut replies = self.handler.answer(command);
            if wants_reply {
                if !self.lmtp {
                    replies.truncate(1);
                }
                self.session.reply_each(NOW, id, replies);
            }
            if handshake && self.session.wants_handshake() {
                self.session.tls_established(NOW);
            }
        }
    }

    /// What the client sees and the caller was told since the last call.
    fn seen(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        self.session.poll_output(&mut out);
        let out = String::from_utf8(out).unwrap();
        assert!(out.is_empty() || out.ends_with("\r\n"));
        let mut seen: Vec<_> = out.split_terminator("\r\n").map(|line| format!("S: {line}")).collect();
        seen.extend(self.handler.told.drain(..).map(|told| format!("H: {told}")));
        if self.session.is_closing() {
            seen.push("S.".to_owned());
        }
        seen
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let text = text.replace("\\r", "\r").replace("\\n", "\n").replace("\\0", "\0");
    text.replace("\\\\", "\\").into_bytes()
}

/// The client's bytes and the lines expected back.
type Turn = (Vec<u8>, Vec<String>);

/// Splits a transcript into scene and (client's bytes, expected lines).
fn parse(text: &str) -> (Vec<String>, Vec<Turn>) {
    let mut scene = Vec::new();
    let mut turns: Vec<Turn> = vec![Default::default()];
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(word) = line.strip_prefix("# ") {
            scene.push(word.to_owned());
            continue;
        }
        let bytes = if let Some(text) = line.strip_prefix("C: ") {
            format!("{text}\r\n").into_bytes()
        } else if let Some(text) = line.strip_prefix("C> ") {
            unescape(text)
        } else {
            turns.last_mut().unwrap().1.push(line.to_owned());
            continue;
        };
        if !turns.last().unwrap().1.is_empty() {
            turns.push(Default::default());
        }
        turns.last_mut().unwrap().0.extend(bytes);
    }
    (scene, turns)
}

fn check(name: &str, text: &str, piece: usize) {
    let (scene, turns) = parse(text);
    let mut run = Run::new(&scene);
    for (client, expect) in turns {
        if client.is_empty() {
            run.feed(b"");
        }
        for bytes in client.chunks(piece) {
            run.feed(bytes);
        }
        let mut seen = run.seen();
        // What the caller is told and what the client sees are two columns: their order is not compared.
        let (mut expect, key) = (expect, |line: &String| line.starts_with('H'));
        expect.sort_by_key(key);
        seen.sort_by_key(key);
        assert_eq!(
            seen,
            expect,
            "{name} in pieces of {piece} after {:?}",
            client.escape_ascii().to_string()
        );
    }
}

#[test]
fn transcripts() {
    let mut seen = 0;
    for entry in std::fs::read_dir("tests/transcript").unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for piece in [usize::MAX, 1, 7] {
            // One write behind STARTTLS and many are different things, on purpose.
            if piece != usize::MAX && name.contains("at-once") {
                continue;
            }
            check(&name, &text, piece);
        }
        seen += 1;
    }
    assert!(seen >= 12, "{seen} transcripts");
}
