//! An IMAP client, and enough of a reader for what comes back.

use anyhow::{Context, Result, bail, ensure};

use crate::node::PASSWORD;
use crate::wire::Wire;

/// A value of IMAP's response grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// NIL.
    Nil,
    /// An atom or number, as written; `BODY[]<0>` is one too.
    Atom(String),
    /// A quoted string or a literal.
    Text(Vec<u8>),
    /// A parenthesised list.
    List(Vec<Value>),
}

impl Value {
    /// The elements of a list; none for everything else.
    #[must_use]
    pub fn list(&self) -> &[Self] {
        match self {
            Self::List(list) => list,
            _ => &[],
        }
    }
    /// Atom or text as text; `None` for NIL and lists.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Atom(atom) => Some(atom.clone()),
            Self::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
            Self::Nil | Self::List(_) => None,
        }
    }
    /// Octets of a text.
    #[must_use]
    pub fn octets(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
    /// The value that follows the atom `name` in a list of pairs.
    #[must_use]
    pub fn item(&self, name: &str) -> Option<&Self> {
        let list = self.list();
        let at = list
            .iter()
            .position(|value| matches!(value, Self::Atom(atom) if atom.eq_ignore_ascii_case(name)))?;
        list.get(at + 1)
    }
    /// The text that follows the text `name` in a list of pairs of texts.
    #[must_use]
    pub fn item_text(&self, name: &str) -> Option<String> {
        let mut pairs = self.list().chunks_exact(2);
        let pair = pairs.find(|pair| pair[0].text().is_some_and(|text| text.eq_ignore_ascii_case(name)))?;
        pair[1].text()
    }
}

/// A connection.
pub struct Imap {
    /// The socket.
    pub wire: Wire,
    tag: u32,
}

impl Imap {
    /// Connects and reads the greeting.
    ///
    /// # Errors
    /// When there is none.
    pub fn connect(port: u16) -> Result<Self> {
        let mut wire = Wire::connect(port)?;
        let greeting = wire.line()?;
        ensure!(greeting.starts_with(b"* OK"), "greeting: {greeting:?}");
        Ok(Self { wire, tag: 0 })
    }
    /// Connects and signs in.
    ///
    /// # Errors
    /// When the node refuses.
    pub fn login(port: u16, user: &str) -> Result<Self> {
        let mut imap = Self::connect(port)?;
        imap.ok(&format!("LOGIN {user} {PASSWORD}"))?;
        Ok(imap)
    }
    /// Sends a command, which must succeed; its untagged answers.
    ///
    /// # Errors
    /// When it does not.
    pub fn ok(&mut self, command: &str) -> Result<Vec<Vec<Value>>> {
        let (status, answers) = self.command(command.as_bytes())?;
        ensure!(status.starts_with("OK"), "{command}: {status}");
        Ok(answers)
    }
    /// Sends a command; the text after its tag, and the untagged answers.
    ///
    /// # Errors
    /// When none comes.
    pub fn command(&mut self, command: &[u8]) -> Result<(String, Vec<Vec<Value>>)> {
        let tag = self.send(command)?;
        self.finish(&tag)
    }
    /// Sends a command without waiting; its tag.
    ///
    /// # Errors
    /// When the node does not take it.
    pub fn send(&mut self, command: &[u8]) -> Result<String> {
        self.tag += 1;
        let tag = format!("t{}", self.tag);
        self.wire.write(&[tag.as_bytes(), b" ", command, b"\r\n"].concat())?;
        Ok(tag)
    }
    /// Reads until the answer to `tag`.
    ///
    /// # Errors
    /// When none comes.
    pub fn finish(&mut self, tag: &str) -> Result<(String, Vec<Vec<Value>>)> {
        let mut answers = Vec::new();
        loop {
            let line = self.answer()?;
            if let Some(rest) = line.strip_prefix(b"* ") {
                // Status texts are free text, which need not follow the grammar of values.
                let text = String::from_utf8_lossy(rest.get(..4).unwrap_or_default()).to_ascii_uppercase();
                if ["OK ", "NO ", "BAD", "BYE"].iter().any(|word| text.starts_with(word)) {
                    answers.push(vec![Value::Atom(String::from_utf8_lossy(rest).trim_end().to_owned())]);
                } else {
                    answers.push(parse(rest).with_context(|| String::from_utf8_lossy(rest).into_owned())?);
                }
            } else if let Some(rest) = line.strip_prefix(format!("{tag} ").as_bytes()) {
                return Ok((String::from_utf8_lossy(rest).trim_end().to_owned(), answers));
            } else if line.starts_with(b"+") {
                bail!("unexpected continuation");
            } else {
                bail!("not an answer: {}", String::from_utf8_lossy(&line));
            }
        }
    }
    /// One answer with its literals in place.
    fn answer(&mut self) -> Result<Vec<u8>> {
        let mut answer = self.wire.line()?;
        while let Some(octets) = literal_octets(&answer) {
            answer.extend(self.wire.exactly(octets)?);
            answer.extend(self.wire.line()?);
        }
        Ok(answer)
    }
    /// Appends `mail` with a non-synchronising literal.
    ///
    /// # Errors
    /// When it is refused.
    pub fn append(&mut self, folder: &str, mail: &[u8]) -> Result<String> {
        // RFC 9051 §4.3: NUL may be sent in a literal8 only.
        let binary = if mail.contains(&0) { "~" } else { "" };
        let mut command = format!("APPEND {folder} {binary}{{{}+}}\r\n", mail.len()).into_bytes();
        command.extend_from_slice(mail);
        let (status, _) = self.command(&command)?;
        ensure!(status.starts_with("OK"), "{status}");
        Ok(status)
    }
    /// Selects `folder`; the number of its messages.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn select(&mut self, folder: &str) -> Result<u32> {
        let answers = self.ok(&format!("SELECT {folder}"))?;
        let exists = answers.iter().find_map(|answer| match answer.as_slice() {
            [Value::Atom(count), Value::Atom(word)] if word == "EXISTS" => count.parse().ok(),
            _ => None,
        });
        exists.context("find EXISTS")
    }
    /// Fetches `items` of `set` (message sequence numbers): the item list of each message, in order.
    ///
    /// # Errors
    /// When it fails.
    pub fn fetch(&mut self, set: &str, items: &str) -> Result<Vec<Value>> {
        let answers = self.ok(&format!("FETCH {set} {items}"))?;
        Ok(answers
            .into_iter()
            .filter_map(|answer| match <[Value; 3]>::try_from(answer) {
                Ok([_, Value::Atom(word), items]) if word == "FETCH" => Some(items),
                _ => None,
            })
            .collect())
    }
    /// All messages of the selected folder, whole.
    ///
    /// # Errors
    /// When it fails.
    pub fn bodies(&mut self, set: &str) -> Result<Vec<Vec<u8>>> {
        let items = self.fetch(set, "(BODY.PEEK[])")?;
        items
            .iter()
            .map(|items| {
                Ok(items
                    .item("BODY[]")
                    .and_then(Value::octets)
                    .context("find BODY[]")?
                    .to_vec())
            })
            .collect()
    }
}

/// The size of the literal that a line ends with.
fn literal_octets(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"}\r\n")?;
    let at = line.iter().rposition(|octet| *octet == b'{')?;
    let digits = std::str::from_utf8(line.get(at + 1..)?).ok()?;
    digits.parse().ok()
}

/// Reads the values of one answer.
///
/// # Errors
/// When it is not of the grammar.
pub fn parse(answer: &[u8]) -> Result<Vec<Value>> {
    let mut reader = Reader { bytes: answer, at: 0 };
    let values = reader.values()?;
    ensure!(reader.peek().is_none(), "something follows the answer");
    Ok(values)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
    /// Values up to a closing parenthesis or the end of the line.
    fn values(&mut self) -> Result<Vec<Value>> {
        let mut values = Vec::new();
        loop {
            match self.peek() {
                None | Some(b')') => return Ok(values),
                Some(b' ') => self.at += 1,
                Some(b'\r') if self.bytes.get(self.at..) == Some(b"\r\n") => {
                    self.at += 2;
                    return Ok(values);
                }
                Some(_) => values.push(self.value()?),
            }
        }
    }
    fn value(&mut self) -> Result<Value> {
        match self.peek() {
            Some(b'(') => {
                self.at += 1;
                let values = self.values()?;
                ensure!(self.peek() == Some(b')'), "list does not end");
                self.at += 1;
                Ok(Value::List(values))
            }
            Some(b'"') => self.quoted(),
            Some(b'{') | Some(b'~') => self.literal(),
            _ => Ok(self.atom()),
        }
    }
    fn quoted(&mut self) -> Result<Value> {
        self.at += 1;
        let mut text = Vec::new();
        loop {
            let octet = self.peek().context("quoted string does not end")?;
            self.at += 1;
            match octet {
                b'"' => return Ok(Value::Text(text)),
                b'\\' => {
                    text.push(self.peek().context("quoted string does not end")?);
                    self.at += 1;
                }
                b'\r' | b'\n' => bail!("line end in a quoted string"),
                _ => text.push(octet),
            }
        }
    }
    fn literal(&mut self) -> Result<Value> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let line = rest
            .iter()
            .position(|octet| *octet == b'\n')
            .context("literal without its line")?
            + 1;
        let octets = literal_octets(rest.get(..line).unwrap_or_default()).context("literal without its size")?;
        let text = rest.get(line..line + octets).context("literal is cut")?.to_vec();
        self.at += line + octets;
        Ok(Value::Text(text))
    }
    fn atom(&mut self) -> Value {
        let start = self.at;
        let mut brackets = 0_i32;
        while let Some(octet) = self.peek() {
            match octet {
                b'[' => brackets += 1,
                b']' => brackets -= 1,
                b' ' | b'(' | b')' | b'\r' | b'"' if brackets <= 0 => break,
                _ => {}
            }
            self.at += 1;
        }
        if self.at == start {
            self.at += 1;
        }
        let text = String::from_utf8_lossy(self.bytes.get(start..self.at).unwrap_or_default()).into_owned();
        if text.eq_ignore_ascii_case("NIL") {
            Value::Nil
        } else {
            Value::Atom(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let answer = b"3 FETCH (UID 7 BODY[HEADER.FIELDS (SUBJECT)] {4}\r\na\r\n\" X \"q\\\"\" NIL (a (b) ()))\r\n";
        let [_, _, items] = <[Value; 3]>::try_from(parse(answer).unwrap()).unwrap();
        assert_eq!(items.item("uid").unwrap().text().unwrap(), "7");
        assert_eq!(
            items.item("BODY[HEADER.FIELDS (SUBJECT)]").unwrap().octets().unwrap(),
            b"a\r\n\""
        );
        assert_eq!(items.item("X").unwrap().octets().unwrap(), b"q\"");
        assert_eq!(items.list().len(), 8);
        assert!(parse(b"(a\r\n").is_err());
        assert!(parse(b"a) b\r\n").is_err());
    }
}
