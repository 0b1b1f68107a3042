//! Our samples, and real mail where it is at hand, read in odd pieces and with damage: the same structure however it is
//! cut, sizes that add up, no panic in any reader.

use hongyan_message::{
    Content, Limits, Part, Scanner, Structure, address, date, header, message_id, parse, subject, text,
};
use std::path::PathBuf;

/// A source of numbers that repeats (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

fn mails(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let corpus = std::env::var_os("HONGYAN_CORPUS")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from("../../../shared/corpus")))
        .filter(|folder| folder.is_dir());
    if corpus.is_none() {
        eprintln!("{name}: real mail skipped, no folder of it; samples only");
    }
    let mut found = Vec::new();
    for folder in [Some(PathBuf::from("tests/sample")), corpus].into_iter().flatten() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "eml") {
                found.push((path.clone(), std::fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn in_pieces(message: &[u8], numbers: &mut Numbers) -> Structure {
    let mut scanner = Scanner::new(Limits::default());
    let mut rest = message;
    while !rest.is_empty() {
        let most = if numbers.below(4) == 0 { 3 } else { 700 };
        let (piece, tail) = rest.split_at((numbers.below(most) + 1).min(rest.len()));
        scanner.push(piece);
        rest = tail;
    }
    scanner.finish()
}

fn read_all(part: &Part, message: &[u8]) {
    let header_start = usize::try_from(part.header_offset).unwrap();
    let body_start = usize::try_from(part.body_offset()).unwrap();
    let body_end = body_start + usize::try_from(part.body_octets).unwrap();
    for field in header::fields(&message[header_start..body_start]) {
        let value = field.text();
        let _ = address::parse_list(&value);
        let _ = date::parse(&value);
        let _ = message_id::list(&value);
        let _ = subject::base(&value);
    }
    let body = &message[body_start..body_end];
    let _ = text::of_part(part, body);
    if part.content == Content::Leaf {
        let decoded = hongyan_message::transfer::decode(&part.encoding, body);
        assert_eq!(decoded.len() as u64, part.decoded_octets);
    }
    assert!(
        part.children()
            .iter()
            .all(|child| child.header_offset >= part.body_offset())
    );
    for child in part.children() {
        read_all(child, message);
    }
}

#[test]
fn pieces_do_not_matter() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for (path, message) in mails("pieces_do_not_matter") {
        let whole = parse(&message);
        assert_eq!(in_pieces(&message, &mut numbers), whole, "{}", path.display());
        read_all(&whole.root, &message);
        assert_eq!(whole.octets, message.len() as u64);
    }
}

#[test]
fn damage_is_survived() {
    let mut numbers = Numbers(0x0dd0_15ea_5e11_f00d);
    for (path, mut message) in mails("damage_is_survived") {
        if message.is_empty() || message.len() > 100_000 {
            continue;
        }
        for _ in 0..8 {
            let at = numbers.below(message.len());
            match numbers.below(5) {
                0 => message[at] = u8::try_from(numbers.below(256)).unwrap(),
                1 => message.truncate(at + 1),
                2 => message.insert(at, b'\n'),
                3 => {
                    let end = (at + numbers.below(200)).min(message.len());
                    let copy = message[at..end].to_vec();
                    message.splice(at..at, copy);
                }
                _ => {
                    message.remove(at);
                    message.push(b'\r');
                }
            }
        }
        let whole = parse(&message);
        assert_eq!(in_pieces(&message, &mut numbers), whole, "{}", path.display());
        read_all(&whole.root, &message);
    }
}
