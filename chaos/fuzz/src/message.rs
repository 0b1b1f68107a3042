//! Mail: structure, header fields, text.

use hongyan_message::{Limits, Part, Scanner, Structure, TextReader};

/// The scanner: pieces give what the whole gives, and every part lies inside the message.
pub fn message(bytes: &[u8]) {
    let whole = hongyan_message::parse(bytes);
    let mut scanner = Scanner::new(Limits::default());
    bytes
        .chunks(usize::from(bytes.first().copied().unwrap_or(0)) % 61 + 1)
        .for_each(|piece| scanner.push(piece));
    assert_eq!(scanner.finish(), whole, "cutting the message changes its structure");
    inside(&whole, bytes);
}

fn inside(structure: &Structure, bytes: &[u8]) {
    let mut text = String::new();
    let mut stack: Vec<&Part> = vec![&structure.root];
    while let Some(part) = stack.pop() {
        let (from, octets) = (part.body_offset(), part.body_octets);
        let end = from.checked_add(octets).expect("a part ends somewhere");
        assert!(end <= bytes.len() as u64, "a part lies inside its message");
        if let (Some(mut reader), Ok(from), Ok(end)) =
            (TextReader::new(part), usize::try_from(from), usize::try_from(end))
        {
            reader.push(&bytes[from..end], &mut text);
            reader.finish(&mut text);
            text.clear();
        }
        stack.extend(part.children());
    }
}

/// Mails out of a file: pieces give what the whole gives, and what begins ends.
pub fn mbox(bytes: &[u8]) {
    use hongyan_message::mbox::{Event, Splitter};
    let run = |piece: usize| {
        let (mut splitter, mut events) = (Splitter::mbox(), Vec::new());
        for part in bytes.chunks(piece) {
            splitter.push(part, &mut events);
        }
        splitter.finish(&mut events);
        let (mut mails, mut open) = (Vec::new(), 0);
        for event in events {
            match event {
                Event::Begin { received } => {
                    open += 1;
                    mails.push((received, Vec::new()));
                }
                Event::Data(octets) => {
                    let mail = mails.last_mut().expect("a mail has begun");
                    mail.1.extend_from_slice(&octets);
                }
                Event::End => open -= 1,
            }
            assert!(open == 0 || open == 1);
        }
        assert_eq!(open, 0);
        mails
    };
    let piece = usize::from(bytes.first().copied().unwrap_or(0)) % 61 + 1;
    assert_eq!(
        run(bytes.len().max(1)),
        run(piece),
        "cutting the file changes its mails"
    );
}

/// Addresses: what is read and written again is read the same.
pub fn addresses(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(address) = hongyan_types::Address::try_from(&*text) {
        let again = hongyan_types::Address::try_from(&*address.to_string()).expect("an address is read back");
        assert_eq!(again, address);
        assert_eq!(again.key(), address.key());
    }
    if let Some(mailbox) = hongyan_smtp::Mailbox::parse(&text) {
        let again = hongyan_smtp::Mailbox::parse(&mailbox.to_string()).expect("a mailbox is read back");
        assert_eq!(again, mailbox);
    }
    let _ = hongyan_message::address::parse_list(&text);
}

/// Receipts: what is read and written again is read the same.
pub fn receipts(bytes: &[u8]) {
    if let Some(receipt) = hongyan_message::Receipt::read(bytes) {
        let again = hongyan_message::Receipt::read(receipt.write().as_bytes());
        assert_eq!(again, Some(receipt));
    }
}

/// Encoded words, dates, mailbox names.
pub fn words(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = hongyan_message::words::decode(&text);
    let _ = hongyan_message::date::parse(&text);
    let _ = hongyan_message::subject::base(&text);
    if let Some(name) = hongyan_imap::decode_utf7(&text) {
        assert_eq!(
            hongyan_imap::decode_utf7(&hongyan_imap::encode_utf7(&name)).as_deref(),
            Some(&*name)
        );
    }
}
