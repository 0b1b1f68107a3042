use proptest::prelude::*;

use super::*;

fn line(command: Command) -> RequestLine {
    RequestLine {
        device_id: "v140Device".to_owned(),
        device_type: "SmartPhone".to_owned(),
        ..RequestLine::of(command)
    }
}

#[test]
fn acc_4_plain_queries_are_read() {
    assert_eq!(
        parse("Cmd=Sync&User=fakename%40example.com&DeviceId=v140Device&DeviceType=SmartPhone"),
        Ok(RequestLine {
            user: Some("fakename@example.com".to_owned()),
            ..line(Command::Sync)
        })
    );
    assert_eq!(
        parse(
            "User=a+b&cmd=SmartReply&DeviceId=v140Device&DeviceType=SmartPhone&CollectionId=5&ItemId=5%3a2&SaveInSent=T&X=y"
        ),
        Ok(RequestLine {
            user: Some("a+b".to_owned()),
            collection_id: Some("5".to_owned()),
            item_id: Some("5:2".to_owned()),
            save_in_sent: true,
            ..line(Command::SmartReply)
        })
    );
    for (query, error) in [
        ("Cmd=sync&DeviceId=a&DeviceType=b", RequestLineError::Command),
        ("Cmd=&DeviceId=a&DeviceType=b", RequestLineError::Command),
        ("Cmd=Sync&DeviceType=b", RequestLineError::DeviceId),
        ("Cmd=Sync&DeviceId=a%20b&DeviceType=b", RequestLineError::DeviceId),
        ("Cmd=Sync&DeviceId=a", RequestLineError::DeviceType),
        ("Cmd=Sync&DeviceId=%4&DeviceType=b", RequestLineError::Malformed),
        ("Cmd=Sync&DeviceId=%ff&DeviceType=b", RequestLineError::Malformed),
        ("Cmd=Sync&DeviceId", RequestLineError::Malformed),
    ] {
        assert_eq!(parse(query), Err(error), "{query}");
    }
    let long = "a".repeat(DEVICE_ID_OCTETS_MAX);
    assert!(parse(&format!("Cmd=Sync&DeviceId={long}&DeviceType=b")).is_ok());
    assert_eq!(
        parse(&format!("Cmd=Sync&DeviceId={long}a&DeviceType=b")),
        Err(RequestLineError::DeviceId)
    );
    assert_eq!(parse(&"a".repeat(QUERY_OCTETS_MAX + 1)), Err(RequestLineError::TooLong));
}

#[test]
fn acc_4_base64_queries_are_read() {
    // 14.1, Ping, English (0x0409), the device's octets, no policy key, its type, options.
    let octets = b"\x8d\x12\x09\x04\x04Abc1\x00\x02WP\x07\x01\x02\x08\x01a";
    let query = base64::engine::general_purpose::STANDARD.encode(octets);
    let read = parse(&query).unwrap();
    assert_eq!(
        read,
        RequestLine {
            device_id: "Abc1".to_owned(),
            device_type: "WP".to_owned(),
            user: Some("a".to_owned()),
            accept_multi_part: true,
            protocol_version: Some(ProtocolVersion::V14_1),
            locale: Some(0x0409),
            ..RequestLine::of(Command::Ping)
        }
    );
    // Without padding, and as some send it in a query.
    assert_eq!(parse(query.trim_end_matches('=')).as_ref(), Ok(&read));
    assert_eq!(
        parse(&query.replace('=', "%3D").replace('/', "%2f")).as_ref(),
        Ok(&read)
    );
    // A device whose identifier is no text, with a policy key.
    let binary = STANDARD_NO_PAD.encode(b"\xa1\x00\x04\x08\x02\x00\xff\x04\x01\x00\x00\x80\x00");
    let read = parse(&binary).unwrap();
    assert_eq!(read.device_id, "00FF");
    assert_eq!(read.policy_key, Some(0x8000_0001));
    assert_eq!(read.locale, Some(0x0804));
    for (octets, error) in [
        (&b""[..], RequestLineError::Malformed),
        (b"\x79\x00\x00\x00\x01a\x00\x00", RequestLineError::Version),
        (b"\x8d\x05\x00\x00\x01a\x00\x00", RequestLineError::Command),
        (b"\x8d\x00\x00\x00\x00\x00\x00", RequestLineError::DeviceId),
        (b"\x8d\x00\x00\x00\x01a\x02xy\x00", RequestLineError::Malformed),
        (b"\x8d\x00\x00\x00\x01a\x00\x01\x00", RequestLineError::DeviceType),
        (b"\x8d\x00\x00\x00\x01a\x00", RequestLineError::Malformed),
        (b"\x8d\x00\x00\x00\x01a\x00\x00\x07\x00", RequestLineError::Malformed),
        (b"\x8d\x00\x00\x00\x01a\x00\x00\x03\x05a", RequestLineError::Malformed),
    ] {
        assert_eq!(
            parse(&STANDARD_NO_PAD.encode(octets)),
            Err(error),
            "{}",
            octets.escape_ascii()
        );
    }
    assert_eq!(parse("?!"), Err(RequestLineError::Malformed));
}

#[test]
fn commands_there_and_back() {
    for command in Command::ALL {
        assert_eq!(Command::from_name(command.name()), Some(*command));
        assert_eq!(Command::from_number(command.number()), Some(*command));
    }
    assert_eq!(Command::from_number(5), None);
}

proptest! {
    #[test]
    fn queries_never_panic(query in ".{0,80}", octets in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = parse(&query);
        let _ = parse(&format!("Cmd={query}&DeviceId=%{query}"));
        let _ = parse(&STANDARD_NO_PAD.encode(octets));
    }

    #[test]
    fn what_is_written_is_read_back(
        number in 9_u8..24,
        id in "[!-~]{1,64}",
        kind in "[!-~]{0,64}",
        user in proptest::option::of(".{0,40}"),
        item_id in proptest::option::of(".{0,40}"),
        policy_key in proptest::option::of(any::<u32>()),
        locale in any::<u16>(),
        options in any::<(bool, bool)>(),
    ) {
        let line = RequestLine {
            device_id: id,
            device_type: kind,
            user,
            item_id,
            policy_key,
            locale: Some(locale),
            save_in_sent: options.0,
            accept_multi_part: options.1,
            protocol_version: Some(ProtocolVersion::V16_1),
            ..RequestLine::of(Command::from_number(number).unwrap())
        };
        prop_assert_eq!(parse(&line.base64().unwrap()), Ok(line));
    }
}
