//! The client's side of an IMAP session: it counts tags, and messages by sequence number, and keeps all it was told.

use hongyan_conformance::imap::{Value, parse};
use hongyan_invariant::{Look, MessageRef, MessageSeen, Wire};

use crate::answer::Answer;
use crate::look::{ALL_ITEMS, ITEMS, Rows};

/// The folder that is selected.
#[derive(Debug)]
struct Selected {
    validity: u32,
    uid_next: u32,
    highest_modseq: Option<u64>,
    /// By sequence number; none for a message that was not looked at yet.
    messages: Vec<Option<MessageRef>>,
}

/// A session.
#[derive(Debug)]
pub struct Session {
    tag: u32,
    answer: Answer,
    selected: Option<Selected>,
}

/// A command that begins.
#[derive(Debug)]
pub struct Begun {
    /// What goes over the wire.
    pub line: String,
    /// For the history.
    pub seen: Wire,
}

/// What a response was.
#[derive(Debug)]
pub enum Taken {
    /// Something untagged; for the history, if it belongs there.
    Untagged(Option<Wire>),
    /// `+`: the server waits for the client.
    GoOn,
    /// The end of the command, and that for the history.
    Completed(Answer, Wire),
    /// The server goes, and says why.
    Goodbye(Goodbye),
}

/// Why a server ends a connection (BYE).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goodbye {
    /// It goes, for reasons of its own.
    Leaves,
    /// Somebody has deleted the selected folder (RFC 2180 §3.2).
    FolderGone,
}

impl Goodbye {
    /// What a response says, when it is one.
    #[must_use]
    pub fn of(response: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(response.strip_prefix(b"* BYE")?).into_owned();
        Some(if text.contains("folder was deleted") {
            Self::FolderGone
        } else {
            Self::Leaves
        })
    }
}

/// What SELECT opened.
#[derive(Debug)]
pub struct Opened {
    /// For the history.
    pub seen: Wire,
}

/// A response that makes no sense, or leaves out what it owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strange(pub String);

impl Default for Session {
    fn default() -> Self {
        Self {
            tag: 0,
            answer: Answer::new(),
            selected: None,
        }
    }
}

impl Session {
    /// The next command.
    pub fn begin(&mut self, command: &str) -> Begun {
        self.tag += 1;
        self.answer = Answer::new();
        let (name, by_uid) = verb(command);
        Begun {
            line: format!("{} {command}\r\n", self.tag()),
            seen: Wire::Command {
                tag: self.tag(),
                name: name.to_owned(),
                by_uid,
            },
        }
    }
    fn tag(&self) -> String {
        format!("t{}", self.tag)
    }
    /// Takes in one response, its literals in place.
    ///
    /// # Errors
    /// When it is none.
    pub fn take(&mut self, response: &[u8]) -> Result<Taken, Strange> {
        let text = || String::from_utf8_lossy(response).trim_end().to_owned();
        if response.starts_with(b"+") {
            return Ok(Taken::GoOn);
        }
        let tag = self.tag();
        if let Some(rest) = response.strip_prefix(format!("{tag} ").as_bytes()) {
            let mut answer = std::mem::replace(&mut self.answer, Answer::new());
            answer.complete(String::from_utf8_lossy(rest).trim_end().to_owned());
            return Ok(Taken::Completed(answer, Wire::Completed { tag }));
        }
        if let Some(goodbye) = Goodbye::of(response) {
            return Ok(Taken::Goodbye(goodbye));
        }
        let rest = response.strip_prefix(b"* ").ok_or_else(|| Strange(text()))?;
        if [&b"OK "[..], b"NO ", b"BAD "].iter().any(|word| rest.starts_with(word)) {
            self.answer
                .said
                .push(String::from_utf8_lossy(rest).trim_end().to_owned());
            return Ok(Taken::Untagged(None));
        }
        let values = parse(rest).map_err(|_| Strange(text()))?;
        let mut seen = None;
        if let [Value::Atom(number), Value::Atom(word), ..] = values.as_slice()
            && let Ok(number) = number.parse::<u32>()
        {
            seen = self.counted(number, word);
        }
        self.answer.data.push(values);
        Ok(Taken::Untagged(seen))
    }
    /// Follows what changes sequence numbers.
    fn counted(&mut self, number: u32, word: &str) -> Option<Wire> {
        let selected = self.selected.as_mut()?;
        match word {
            "EXISTS" => {
                selected.messages.resize(number as usize, None);
                Some(Wire::Exists(number))
            }
            "EXPUNGE" => {
                if (1..=selected.messages.len()).contains(&(number as usize)) {
                    selected.messages.remove(number as usize - 1);
                }
                Some(Wire::Expunge(number))
            }
            "FETCH" => Some(Wire::Fetch(number)),
            _ => None,
        }
    }
    /// A SELECT begins. What is said while it is answered is of the new folder and told whole.
    pub fn close(&mut self) {
        self.selected = None;
    }
    /// SELECT was answered well.
    ///
    /// # Errors
    /// When the answer leaves out what it owes (RFC 9051 §6.3.2).
    pub fn open(&mut self, answer: &Answer) -> Result<Opened, Strange> {
        let exists = answer.data.iter().rev().find_map(|values| match values.as_slice() {
            [Value::Atom(count), Value::Atom(word)] if word == "EXISTS" => count.parse::<u32>().ok(),
            _ => None,
        });
        let (Some(exists), Some(validity), Some(uid_next)) =
            (exists, answer.number("UIDVALIDITY"), answer.number("UIDNEXT"))
        else {
            return Err(Strange("SELECT leaves out what it owes".to_owned()));
        };
        self.selected = Some(Selected {
            validity,
            uid_next,
            highest_modseq: answer.number("HIGHESTMODSEQ"),
            messages: vec![None; exists as usize],
        });
        Ok(Opened {
            seen: Wire::Selected { exists },
        })
    }
    /// Messages of the folder that is selected; none when there is no such folder.
    #[must_use]
    pub fn count(&self) -> Option<usize> {
        self.selected.as_ref().map(|selected| selected.messages.len())
    }
    /// Messages that have been looked at.
    #[must_use]
    pub fn known(&self) -> Vec<MessageRef> {
        let messages = self.selected.iter().flat_map(|selected| &selected.messages);
        messages.copied().flatten().collect()
    }
    /// The command that shows all of a folder with so many messages; `whole` reads each mail to its last octet.
    #[must_use]
    pub fn look(count: usize, whole: bool) -> String {
        format!("FETCH 1:{count} {}", if whole { ALL_ITEMS } else { ITEMS })
    }
    /// What the rows of all messages tell; none when some are missing: they were expunged meanwhile and cannot be read any
    /// more (RFC 2180 §4.1).
    pub fn looked(&mut self, rows: Rows) -> Option<Look> {
        let selected = self.selected.as_mut()?;
        let count = rows.0.len();
        for (row, known) in rows.0.iter().zip(&mut selected.messages) {
            if let Some(row) = row {
                *known = row.mail.map(|mail| MessageRef { uid: row.uid, mail });
            }
        }
        let messages: Vec<MessageSeen> = rows.0.into_iter().flatten().collect();
        if messages.len() < count {
            return None;
        }
        let after_last = messages.last().map_or(0, |message| message.uid + 1);
        Some(Look {
            validity: selected.validity,
            uid_next: Some(selected.uid_next.max(after_last)),
            highest_modseq: selected.highest_modseq,
            messages,
        })
    }
    /// The size of the literal that a line ends with.
    #[must_use]
    pub fn literal_octets(line: &[u8]) -> Option<usize> {
        let line = line.strip_suffix(b"}\r\n")?;
        let at = line.iter().rposition(|octet| *octet == b'{')?;
        std::str::from_utf8(line.get(at + 1..)?).ok()?.parse().ok()
    }
}

/// The name of a command without UID, and whether that stood before it.
fn verb(command: &str) -> (&str, bool) {
    let first = command.lines().next().unwrap_or_default();
    let by_uid = first.strip_prefix("UID ");
    let name = by_uid.unwrap_or(first).split(' ').next().unwrap_or_default();
    (name, by_uid.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(session: &mut Session, response: &str) -> Taken {
        session.take(response.as_bytes()).unwrap()
    }

    #[test]
    fn sequence_numbers_are_followed() {
        let mut session = Session::default();
        session.begin("SELECT INBOX (CONDSTORE)");
        for line in [
            "* 2 EXISTS\r\n",
            "* OK [UIDVALIDITY 7] x\r\n",
            "* OK [UIDNEXT 12] x\r\n",
        ] {
            assert!(matches!(seen(&mut session, line), Taken::Untagged(None)));
        }
        let Taken::Completed(answer, _) = seen(&mut session, "t1 OK [READ-WRITE] done\r\n") else {
            panic!("the command ends");
        };
        assert!(answer.is_ok());
        session.open(&answer).unwrap();
        session.begin(&Session::look(2, false));
        let fetched = |number: u32, uid: u32| {
            format!(
                "* {number} FETCH (UID {uid} FLAGS () MODSEQ (3) RFC822.SIZE 9 BODY[HEADER.FIELDS (X-Mail)] \"X-Mail: {uid}\")\r\n"
            )
        };
        assert!(matches!(
            seen(&mut session, &fetched(1, 10)),
            Taken::Untagged(Some(Wire::Fetch(1)))
        ));
        seen(&mut session, &fetched(2, 11));
        let Taken::Completed(answer, _) = seen(&mut session, "t2 OK done\r\n") else {
            panic!("the command ends");
        };
        let mut rows = Rows::new(2);
        rows.take(&answer.data, false);
        let look = session.looked(rows).unwrap();
        assert_eq!((look.validity, look.uid_next, look.messages.len()), (7, Some(12), 2));
        assert!(matches!(
            seen(&mut session, "* 1 EXPUNGE\r\n"),
            Taken::Untagged(Some(Wire::Expunge(1)))
        ));
        let known: Vec<u32> = session.known().iter().map(|message| message.uid).collect();
        assert_eq!(known, [11]);
    }

    #[test]
    fn what_is_no_response_is_strange() {
        let mut session = Session::default();
        session.begin("NOOP");
        assert!(session.take(b"nonsense\r\n").is_err());
        let goodbyes = [
            ("* BYE over\r\n", Goodbye::Leaves),
            ("* BYE The selected folder was deleted\r\n", Goodbye::FolderGone),
        ];
        for (response, why) in goodbyes {
            assert!(matches!(seen(&mut session, response), Taken::Goodbye(said) if said == why));
        }
        assert!(matches!(seen(&mut session, "+ idling\r\n"), Taken::GoOn));
        assert_eq!(Session::literal_octets(b"* 1 FETCH (BODY[] {12}\r\n"), Some(12));
        assert_eq!(verb("UID STORE 1 x"), ("STORE", true));
        assert_eq!(verb("APPEND INBOX {3+}\r\nabc"), ("APPEND", false));
    }
}
