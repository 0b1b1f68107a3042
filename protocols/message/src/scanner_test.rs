use super::*;
use proptest::prelude::*;

/// Renders the tree: `kind/subtype header_offset+header_octets body_octets/lines`, children in brackets.
fn render(part: &Part) -> String {
    let mut out = format!(
        "{}/{} {}+{} {}/{}",
        part.media.kind, part.media.subtype, part.header_offset, part.header_octets, part.body_octets, part.body_lines
    );
    if !part.children().is_empty() {
        let children: Vec<String> = part.children().iter().map(render).collect();
        out.push_str(&format!(" [{}]", children.join(", ")));
    }
    out
}

fn check(message: &str, expect: &str) {
    let structure = parse(message.as_bytes());
    assert_eq!(render(&structure.root), expect, "{message:?}");
    assert_eq!(by_bytes(message.as_bytes()), structure, "{message:?} by bytes");
}

fn by_bytes(message: &[u8]) -> Structure {
    let mut scanner = Scanner::new(Limits::default());
    for byte in message {
        scanner.push(&[*byte]);
    }
    scanner.finish()
}

#[test]
fn reads_simple_messages() {
    check("", "text/plain 0+0 0/0");
    check("\r\n", "text/plain 0+2 0/0");
    check("A: b\r\n", "text/plain 0+6 0/0");
    check("A: b\r\n\r\nhello\r\nworld", "text/plain 0+8 12/2");
    check("A: b\n\nhello\n", "text/plain 0+6 6/1");
    check("no header at all\r\n", "text/plain 0+0 18/1");
    check("A: b\r\nbody without blank line\r\n", "text/plain 0+6 25/1");
    check("Content-Type: text/html\r\n x: y\r\n\r\n", "text/html 0+34 0/0");
}

#[test]
fn reads_multiparts() {
    check(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\n\r\none\r\n--b \t\r\nContent-Type: a/b\r\n\r\n\r\n--b--\r\nepi\r\n",
        "multipart/mixed 0+45 59/10 [text/plain 55+2 3/1, a/b 69+21 0/0]",
    );
    // Boundary prefixes and suffixes are text.
    check(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--bb\n--b-\n--b--x\n --b\nx--b\n--b--\n",
        "multipart/mixed 0+43 38/8 [text/plain 47+1 26/5]",
    );
    // Two delimiters in a row make no empty part.
    check(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n\nx\n--b--",
        "multipart/mixed 0+43 16/5 [text/plain 51+1 1/1]",
    );
    // Not closed.
    check(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx",
        "multipart/mixed 0+43 6/3 [text/plain 47+1 1/1]",
    );
    // The part ends inside of its header.
    check(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: a/b\n--b--\n",
        "multipart/mixed 0+43 28/3 [a/b 47+18 0/0]",
    );
}

#[test]
fn reads_nested_multiparts() {
    check(
        "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\nx\n--o\n\ny\n--o--\n",
        "multipart/mixed 0+43 73/10 [multipart/alternative 47+49 6/3 [text/plain 100+1 1/1], text/plain 107+1 1/1]",
    );
    // The same boundary inside: the outer one has begun, so it wins until the inner one begins.
    check(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ny\n--b--\n",
        "multipart/mixed 0+43 60/7 [text/plain 47+43 0/0, text/plain 94+1 1/1]",
    );
}

#[test]
fn a_multipart_without_parts_is_text() {
    check("Content-Type: multipart/mixed\n\nx\n", "text/plain 0+31 2/1");
    check(
        "Content-Type: multipart/mixed; boundary=b\n\nx\n",
        "text/plain 0+43 2/1",
    );
    check(
        "Content-Type: multipart/mixed; boundary=b\n\nx\n--b--\ny\n--b\n",
        "text/plain 0+43 14/4",
    );
}

#[test]
fn reads_messages_in_messages() {
    let message = "Content-Type: message/rfc822\r\n\r\nSubject: in\r\nFrom: a@b\r\n\r\nbody\r\n";
    check(message, "message/rfc822 0+32 32/4 [text/plain 32+26 6/1]");
    let structure = parse(message.as_bytes());
    let Content::Message(embedded) = &structure.root.content else {
        panic!("no message");
    };
    assert_eq!(embedded.envelope.subject.as_deref(), Some("in"));
    assert_eq!(structure.section(&[1]).unwrap(), &structure.root);
    check(
        "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\ny\n--b\nContent-Type: text/plain\n\nz\n--b--\n",
        "multipart/digest 0+44 57/10 [message/rfc822 48+1 13/3 [text/plain 49+12 1/1], text/plain 67+26 1/1]",
    );
    check(
        "Content-Type: message/rfc822\n\n",
        "message/rfc822 0+30 0/0 [text/plain 30+0 0/0]",
    );
    check(
        "Content-Type: message/rfc822\nno field\n",
        "message/rfc822 0+29 9/1 [text/plain 29+0 9/1]",
    );
}

#[test]
fn sections_are_numbered_as_imap_does() {
    let text = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\ntwo.one\n--c--\n--b--\n";
    let structure = parse(text.as_bytes());
    let body = |numbers: &[u32]| {
        structure.section(numbers).map(|part| {
            let start = usize::try_from(part.body_offset()).unwrap();
            text[start..start + usize::try_from(part.body_octets).unwrap()].to_owned()
        })
    };
    assert_eq!(body(&[1]).as_deref(), Some("one"));
    assert_eq!(body(&[2, 1]).as_deref(), Some("two.one"));
    assert_eq!(body(&[2, 2]), None);
    assert_eq!(body(&[3]), None);
    assert_eq!(body(&[0]), None);
    assert_eq!(body(&[1, 1]), None);
    assert_eq!(structure.part_count(), 5);
    let plain = parse(b"A: b\n\nx");
    assert!(plain.section(&[1]).is_some());
    assert!(plain.section(&[1, 1]).is_none());
}

#[test]
fn reads_the_envelope() {
    let structure = parse(
        "Date: Fri, 21 Nov 1997 09:55:06 -0600\r\nSubject: =?utf-8?q?J?=\r\n folded\r\nsubject: second\r\n\
         From: Anna <a@x.test>\r\nTo: g: b@y.test;\r\nMessage-ID: <1@x>\r\nIn-Reply-To: <0@x>\r\n\
         References: <a@x>\r\n\t<b@x>\r\n\r\nHello,\r\n\r\n  world\r\n"
            .as_bytes(),
    );
    let envelope = &structure.envelope;
    assert_eq!(envelope.subject.as_deref(), Some("=?utf-8?q?J?= folded"));
    assert_eq!(envelope.from, envelope.sender_or_from());
    assert_eq!(envelope.to.len(), 3);
    assert_eq!(envelope.message_id.as_deref(), Some("<1@x>"));
    assert_eq!(structure.references, ["a@x", "b@x"]);
    assert_eq!(structure.sent.unwrap().timestamp.secs(), 880_127_706);
    assert_eq!(structure.preview, "Hello, world");
    assert!(!structure.truncated);
}

#[test]
fn the_preview_is_of_the_text_part() {
    let structure = parse(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\nContent-Disposition: attachment\n\nno\n--b\nContent-Type: text/html\n\n<p>html</p>\n--b\n\n \n--b\n\nplain\n--b--\n"
            .as_bytes(),
    );
    assert_eq!(structure.preview, "plain");
}

#[test]
fn nested_parts_without_end_are_bounded() {
    let mut message = String::new();
    for n in 0..10_000 {
        message.push_str(&format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"));
    }
    let structure = parse(message.as_bytes());
    assert!(structure.truncated);
    assert_eq!(structure.part_count(), Limits::default().depth_max);
    let mut message = String::new();
    for _ in 0..10_000 {
        message.push_str("Content-Type: message/rfc822\n\n");
    }
    assert_eq!(parse(message.as_bytes()).part_count(), Limits::default().depth_max);
}

#[test]
fn parts_in_a_row_are_bounded() {
    let mut message = "Content-Type: multipart/mixed; boundary=b\n\n".to_owned();
    message.push_str(&"--b\n\nx\n".repeat(10_000));
    message.push_str("--b--\n");
    let structure = parse(message.as_bytes());
    assert!(structure.truncated);
    assert_eq!(structure.part_count(), Limits::default().parts_max + 1);
    let rest = structure.root.children().last().unwrap();
    assert!(rest.media.is("application", "octet-stream"));
    assert_eq!(rest.body_offset() + rest.body_octets, message.len() as u64);
}

#[test]
fn header_bombs_are_bounded() {
    let mut message = "To: ".to_owned();
    message.push_str(&"someone@example.test, ".repeat(50_000));
    message.push_str("\nSubject: ");
    message.push_str(&"x".repeat(1_000_000));
    message.push_str("\n\nbody\n");
    let structure = parse(message.as_bytes());
    assert!(structure.truncated);
    assert!(structure.envelope.to.len() < 3_000);
    assert_eq!(structure.root.body_octets, 5);
    let many = "X-Field: y\n".repeat(100_000);
    assert_eq!(parse(format!("{many}\nb").as_bytes()).root.body_octets, 1);
    assert_eq!(parse(&vec![b'x'; 1_000_000]).root.body_octets, 1_000_000);
    assert_eq!(
        parse(&[b"A:".as_slice(), &vec![b'x'; 1_000_000]].concat())
            .root
            .body_octets,
        0
    );
}

#[test]
fn decoded_sizes_are_those_of_the_decoder() {
    let message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=3Db \r\nc=\r\n\r\n--b--\r\n";
    for structure in [parse(message), by_bytes(message)] {
        let sizes: Vec<u64> = structure.root.children().iter().map(|p| p.decoded_octets).collect();
        assert_eq!(sizes, [5, 6]);
        for part in structure.root.children() {
            let start = part.body_offset() as usize;
            let body = &message[start..start + part.body_octets as usize];
            assert_eq!(
                crate::transfer::decode(&part.encoding, body).len() as u64,
                part.decoded_octets
            );
        }
    }
}

/// Messages made of the pieces that matter to the scanner.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("Content-Type: multipart/mixed; boundary=b\n"),
        Just("Content-Type: multipart/digest;\r\n boundary=\"bb\"\r\n"),
        Just("Content-Type: message/rfc822\n"),
        Just("Content-Type: text/html\n"),
        Just("Content-Transfer-Encoding: base64\n"),
        Just("Content-Transfer-Encoding: quoted-printable\r\n"),
        Just("Subject: x\n"),
        Just("To: a@b, c:d@e;\n"),
        Just("\n"),
        Just("\r\n"),
        Just("\r"),
        Just("\0"),
        Just("--"),
        Just("-"),
        Just("--b\n"),
        Just("--b--\n"),
        Just("--b \r\n"),
        Just("--bb\r\n"),
        Just("--bb--"),
        Just("text =3D= \n"),
        Just("QUJD\n"),
        Just(" fold\n"),
        Just("é"),
    ];
    let start = prop_oneof![
        Just(""),
        Just("Content-Type: multipart/mixed; boundary=b\n\n--b\n"),
        Just(
            "Content-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
        )
    ];
    (start, prop::collection::vec(piece, 0..40))
        .prop_map(|(start, pieces)| (start.to_owned() + &pieces.concat()).into_bytes())
}

fn check_places(part: &Part, outer: std::ops::Range<u64>, message: &[u8]) {
    let end = part.body_offset() + part.body_octets;
    assert!(part.header_offset >= outer.start && end <= outer.end, "{part:?}");
    let mut from = part.body_offset();
    for child in part.children() {
        check_places(child, from..end, message);
        from = child.body_offset() + child.body_octets;
    }
    if part.children().is_empty() {
        let body = &message[part.body_offset() as usize..end as usize];
        assert_eq!(
            crate::transfer::decode(&part.encoding, body).len() as u64,
            part.decoded_octets,
            "{part:?}"
        );
        let lines = body.split_inclusive(|b| *b == b'\n').count() as u64;
        assert_eq!(part.body_lines, lines, "{part:?}");
    }
}

proptest! {
    #[test]
    fn pieces_give_the_same(message in hostile(), cuts in prop::collection::vec(1usize..30, 1..20)) {
        let whole = parse(&message);
        let mut scanner = Scanner::new(Limits::default());
        let mut rest = message.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break; }
            let (piece, tail) = rest.split_at((*cut).min(rest.len()));
            scanner.push(piece);
            rest = tail;
        }
        prop_assert_eq!(&scanner.finish(), &whole);
        prop_assert_eq!(&by_bytes(&message), &whole);
        check_places(&whole.root, 0..message.len() as u64, &message);
    }

    #[test]
    fn any_bytes_never_panic(message in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(by_bytes(&message), parse(&message));
    }
}
