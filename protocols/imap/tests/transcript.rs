//! Each file in `transcript/` is a conversation: `C:` the client sends, `S:` the server says, `>` the command handed
//! out, `=` the state the session is put into. Every command is answered OK; messages are accepted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;

use hongyan_imap::{Command, Reply, Session, Settings, State, Status};
use hongyan_types::Instant;
use proptest::prelude::*;

fn answer(session: &mut Session, id: hongyan_imap::CommandId, command: &Command) {
    match command {
        Command::Append(_) | Command::Replace(_) | Command::AppendNext(_) => session.reply(id, Reply::Continue),
        Command::AppendData(_) | Command::AppendMessageEnd | Command::AppendAborted | Command::Idle => {}
        Command::Logout => session.logout(),
        _ => session.reply(id, Reply::Done(Status::ok("done"))),
    }
}

/// Runs the session on `pieces`; what was handed out (data joined) and what was said.
fn run(state: State, pieces: &[&[u8]]) -> (Vec<String>, Vec<u8>) {
    let now = Instant::default();
    let mut session = Session::new(Arc::new(Settings::default()), now);
    session.enter(state);
    let (mut commands, mut said) = (Vec::new(), Vec::new());
    let mut data: Vec<u8> = Vec::new();
    for piece in pieces {
        session.receive(now, piece);
        while let Some((id, command)) = session.poll_command() {
            if let Command::AppendData(chunk) = &command {
                data.extend_from_slice(chunk);
            } else {
                if !data.is_empty() {
                    commands.push(format!(
                        "AppendData({:?})",
                        bytes::Bytes::from(std::mem::take(&mut data))
                    ));
                }
                commands.push(format!("{command:?}"));
            }
            answer(&mut session, id, &command);
        }
        session.poll_output(&mut said);
    }
    (commands, said)
}

struct Transcript {
    state: State,
    sent: Vec<u8>,
    commands: Vec<String>,
    said: String,
}

fn read(text: &str) -> Transcript {
    let mut transcript = Transcript {
        state: State::NotAuthenticated,
        sent: Vec::new(),
        commands: Vec::new(),
        said: String::new(),
    };
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(octets) = line.strip_prefix("C: ~") {
            let octets = octets.parse().unwrap();
            transcript.sent.extend(std::iter::repeat_n(b'x', octets));
        } else if let Some(line) = line.strip_prefix("C: ") {
            transcript.sent.extend_from_slice(line.as_bytes());
            transcript.sent.extend_from_slice(b"\r\n");
        } else if let Some(line) = line.strip_prefix("S: ") {
            transcript.said.push_str(line);
            transcript.said.push_str("\r\n");
        } else if let Some(line) = line.strip_prefix("> ") {
            transcript.commands.push(line.to_owned());
        } else if let Some(state) = line.strip_prefix("= ") {
            transcript.state = match state {
                "authenticated" => State::Authenticated,
                "selected" => State::Selected,
                other => panic!("unknown state {other}"),
            };
        }
    }
    transcript
}

fn all() -> Vec<(String, Transcript)> {
    let mut files: Vec<_> = std::fs::read_dir("tests/transcript")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            (
                path.display().to_string(),
                read(&std::fs::read_to_string(&path).unwrap()),
            )
        })
        .collect()
}

#[test]
fn transcripts() {
    for (name, transcript) in all() {
        let (commands, said) = run(transcript.state, &[&transcript.sent]);
        assert_eq!(commands, transcript.commands, "{name}");
        assert_eq!(String::from_utf8(said).unwrap(), transcript.said, "{name}");
    }
}

#[test]
fn one_octet_at_a_time() {
    for (name, transcript) in all() {
        let pieces: Vec<&[u8]> = transcript.sent.chunks(1).collect();
        let (commands, said) = run(transcript.state, &pieces);
        assert_eq!(commands, transcript.commands, "{name}");
        assert_eq!(String::from_utf8(said).unwrap(), transcript.said, "{name}");
    }
}

fn pieces<'a>(octets: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (octets.len() + 1)).collect();
    cuts.sort_unstable();
    let mut pieces = Vec::new();
    let mut rest = octets;
    let mut at = 0;
    for cut in cuts {
        let (piece, tail) = rest.split_at(cut - at);
        pieces.push(piece);
        rest = tail;
        at = cut;
    }
    pieces.push(rest);
    pieces
}

/// Text that often looks like IMAP.
fn likely_input() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("a1 ".to_owned()),
        Just("FETCH 1:* (FLAGS BODY[1.".to_owned()),
        Just("APPEND INBOX {5+}\r\nhello".to_owned()),
        Just("UID STORE 1 FLAGS (".to_owned()),
        Just("SEARCH OR NOT (ALL) ".to_owned()),
        Just("IDLE\r\nDONE".to_owned()),
        Just("{3+}\r\n".to_owned()),
        Just("{70000+}\r\n".to_owned()),
        Just("~{2}\r\n".to_owned()),
        Just("\r\n".to_owned()),
        Just(" \"".to_owned()),
        Just("LIST (SUBSCRIBED) \"\" (% &-) RETURN (STATUS (SIZE))".to_owned()),
        "[ -~]{0,12}",
    ];
    (
        proptest::collection::vec(piece, 0..24),
        proptest::collection::vec(any::<u8>(), 0..8),
    )
        .prop_map(|(text, noise)| {
            let mut octets = text.concat().into_bytes();
            octets.extend_from_slice(&noise);
            octets
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn cuts_change_nothing(
        input in likely_input(),
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
        selected in any::<bool>(),
    ) {
        let state = if selected { State::Selected } else { State::NotAuthenticated };
        let whole = run(state, &[&input]);
        prop_assert_eq!(run(state, &pieces(&input, &cuts)), whole);
    }

    #[test]
    fn transcripts_cut_anywhere(cuts in proptest::collection::vec(any::<usize>(), 0..12)) {
        for (_, transcript) in all() {
            let (commands, _) = run(transcript.state, &pieces(&transcript.sent, &cuts));
            prop_assert_eq!(commands, transcript.commands);
        }
    }
}
