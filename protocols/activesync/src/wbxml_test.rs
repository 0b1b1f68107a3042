use proptest::prelude::*;

use super::*;
use crate::page::{self, air_sync, air_sync_base, email, email2, folder_hierarchy};

fn both_ways(element: &Element, octets: &[u8]) {
    assert_eq!(encode(element), octets, "{}", encode(element).escape_ascii());
    assert_eq!(decode(octets, &WbxmlLimits::default()).as_ref(), Ok(element));
}

#[test]
fn acc_4_bodies_are_written_and_read_as_the_documents_say() {
    both_ways(
        &Element::new(folder_hierarchy::FOLDER_SYNC).text(folder_hierarchy::SYNC_KEY, "0"),
        b"\x03\x01\x6a\x00\x00\x07\x56\x52\x030\x00\x01\x01",
    );
    // Pages are switched and switched back; empty elements have no content; mails are octets.
    both_ways(
        &Element::new(air_sync::SYNC)
            .with(
                Element::new(air_sync::APPLICATION_DATA)
                    .text(email::SUBJECT, "\u{5f20}")
                    .with(Element::new(air_sync_base::BODY).opaque(air_sync_base::DATA, b"a\0b".to_vec()))
                    .opaque(email2::CONVERSATION_ID, vec![0; 130]),
            )
            .flag(air_sync::MORE_AVAILABLE),
        &[
            &b"\x03\x01\x6a\x00\x45\x5d\x00\x02\x54\x03\xe5\xbc\xa0\x00\x01\x00\x11\x4a\x4b\xc3\x03a\0b\x01\x01\x00\x16\x49\xc3\x81\x02"
                [..],
            &[0; 130],
            b"\x01\x01\x00\x00\x14\x01",
        ]
        .concat(),
    );
    both_ways(&Element::new(air_sync::SYNC), b"\x03\x01\x6a\x00\x05");
}

#[test]
fn other_ways_to_write_the_same_are_read() {
    let simple = Element::new(air_sync::SYNC).text(air_sync::SYNC_KEY, "a\u{e9}b");
    for octets in [
        // Text in pieces, with a character by its number.
        &b"\x03\x01\x6a\x00\x45\x4b\x03a\x00\x02\x81\x69\x03b\x00\x01\x01"[..],
        // The type of the document and a text in the table of strings.
        b"\x03\x00\x00\x6a\x07x\x00a\xc3\xa9b\x00\x45\x4b\x83\x02\x01\x01",
        // An older version, and a page that is switched to itself.
        b"\x01\x01\x6a\x00\x00\x00\x45\x4b\x03a\xc3\xa9b\x00\x01\x01",
    ] {
        assert_eq!(decode(octets, &WbxmlLimits::default()).as_ref(), Ok(&simple));
    }
    // A table whose last text does not end.
    let endless = b"\x03\x00\x00\x6a\x06x\x00a\xc3\xa9b\x45\x4b\x83\x02\x01\x01";
    assert_eq!(decode(endless, &WbxmlLimits::default()), Err(WbxmlError::Text));
    // What XML cannot say is left out.
    let control = b"\x03\x01\x6a\x00\x45\x4b\x03a\x0b\xc3\xa9b\x00\x01\x01";
    assert_eq!(decode(control, &WbxmlLimits::default()).as_ref(), Ok(&simple));
    // Content that is announced and does not come.
    let empty = decode(b"\x03\x01\x6a\x00\x45\x01", &WbxmlLimits::default());
    assert_eq!(empty, Ok(Element::new(air_sync::SYNC)));
}

#[test]
fn what_is_wrong_is_told() {
    for (octets, error) in [
        (&b""[..], WbxmlError::TooShort),
        (b"\x03\x01\x6a\x00", WbxmlError::TooShort),
        (b"\x04\x01\x6a\x00\x05", WbxmlError::Version),
        (b"<?xml", WbxmlError::Version),
        (b"\x03\x01\x04\x00\x05", WbxmlError::Charset),
        (b"\x03\x01\xff\xff\xff\xff\x7f\x00\x05", WbxmlError::Number),
        (b"\x03\x01\x6a\x05\x05", WbxmlError::TooShort),
        (b"\x03\x01\x6a\x00\x45\x4b\x031", WbxmlError::TooShort),
        (b"\x03\x01\x6a\x00\x45\x4b\x03\xff\x00\x01\x01", WbxmlError::Text),
        (b"\x03\x01\x6a\x00\x45\x4b\x02\x00\x01\x01", WbxmlError::Text),
        (b"\x03\x01\x6a\x00\x45\x4b\x83\x00\x01\x01", WbxmlError::Text),
        (b"\x03\x01\x6a\x00\x45\x4b\xc3\x09x\x01\x01", WbxmlError::TooShort),
        (b"\x03\x01\x6a\x00\x05\x05", WbxmlError::TrailingOctets),
        (b"\x03\x01\x6a\x00\x01", WbxmlError::UnknownToken(0x01)),
        (b"\x03\x01\x6a\x00\x03x\x00", WbxmlError::UnknownToken(0x03)),
        (b"\x03\x01\x6a\x00\x45\x43\x01", WbxmlError::UnknownToken(0x43)),
        (b"\x03\x01\x6a\x00\x45\x04\x01", WbxmlError::UnknownToken(0x04)),
        (b"\x03\x01\x6a\x00\xc5\x01", WbxmlError::UnknownToken(0xc5)),
        (
            b"\x03\x01\x6a\x00\x45\x3f\x01",
            WbxmlError::UnknownTag { page: 0, token: 0x3f },
        ),
        (
            b"\x03\x01\x6a\x00\x00\x03\x45",
            WbxmlError::UnknownTag { page: 3, token: 0x05 },
        ),
    ] {
        assert_eq!(
            decode(octets, &WbxmlLimits::default()),
            Err(error),
            "{}",
            octets.escape_ascii()
        );
    }
}

#[test]
fn limits_are_kept() {
    let octets = b"\x03\x01\x6a\x00\x45\x5c\x4f\x0b\x01\x01\x01";
    let limits = WbxmlLimits {
        octets_max: 11,
        depth_max: 4,
        elements_max: 4,
    };
    assert!(decode(octets, &limits).is_ok());
    let octets_max = WbxmlLimits {
        octets_max: 10,
        ..limits
    };
    assert_eq!(decode(octets, &octets_max), Err(WbxmlError::TooManyOctets(10)));
    let depth_max = WbxmlLimits { depth_max: 3, ..limits };
    assert_eq!(decode(octets, &depth_max), Err(WbxmlError::TooDeep(3)));
    let elements_max = WbxmlLimits {
        elements_max: 3,
        ..limits
    };
    assert_eq!(decode(octets, &elements_max), Err(WbxmlError::TooManyElements(3)));
}

#[test]
fn octets_never_panic() {
    let whole =
        b"\x03\x01\x6a\x00\x45\x5d\x00\x02\x54\x03\xe5\xbc\xa0\x00\x01\x00\x11\x4a\x4b\xc3\x03a\0b\x01\x01\x01\x01";
    assert!(decode(whole, &WbxmlLimits::default()).is_ok());
    for end in 0..whole.len() {
        assert_eq!(
            decode(&whole[..end], &WbxmlLimits::default()),
            Err(WbxmlError::TooShort)
        );
    }
    for place in 0..whole.len() {
        for octet in 0..=255 {
            let mut wrong = whole.to_vec();
            wrong[place] = octet;
            let _ = decode(&wrong, &WbxmlLimits::default());
        }
    }
}

/// Any tree of known tags, as the decoder would make it: no two texts side by side.
fn tree() -> impl Strategy<Value = Element> {
    let tags: Vec<Tag> = page::all().collect();
    let tag = proptest::sample::select(tags);
    let leaf = (
        tag.clone(),
        "[^\\p{Cc}\u{fffe}\u{ffff}]{0,20}",
        proptest::collection::vec(any::<u8>(), 0..300),
        0..3,
    )
        .prop_map(|(tag, text, octets, kind)| Element {
            tag,
            content: match kind {
                0 => Vec::new(),
                1 => vec![Content::Text(text)],
                _ => vec![Content::Opaque(octets)],
            },
        });
    leaf.prop_recursive(6, 64, 8, move |inner| {
        (tag.clone(), proptest::collection::vec(inner, 0..8)).prop_map(|(tag, elements)| Element {
            tag,
            content: elements.into_iter().map(Content::Element).collect(),
        })
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(tree in tree()) {
        prop_assert_eq!(decode(&encode(&tree), &WbxmlLimits::default()), Ok(tree));
    }

    #[test]
    fn what_is_read_is_written_the_same(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let body = [&HEAD[..], &octets].concat();
        if let Ok(read) = decode(&body, &WbxmlLimits::default()) {
            prop_assert_eq!(decode(&encode(&read), &WbxmlLimits::default()), Ok(read));
        }
    }
}
