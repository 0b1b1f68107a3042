//! Recorded frames of every version that was ever spoken. What stands here is what other releases send.

use bytes::{Bytes, BytesMut};

use super::*;
use crate::NodeId;

fn check(frame: &Frame, hex: &str) {
    let mut written = BytesMut::new();
    frame.write(&mut written);
    let shown: String = written.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(shown, hex.replace(' ', ""), "{frame:?}");
    let mut parser = Parser::default();
    for byte in &written[..written.len() - 1] {
        parser.buffer().put_u8(*byte);
        assert_eq!(parser.next_frame(), Ok(None));
    }
    parser.buffer().put_u8(written[written.len() - 1]);
    assert_eq!(parser.next_frame().as_ref(), Ok(&Some(frame.clone())));
    assert_eq!(parser.next_frame(), Ok(None));
}

#[test]
fn version_1() {
    let payload = Bytes::from_static(b"abc");
    check(
        &Frame::Hello(Hello {
            versions: VersionRange { min: 1, max: 1 },
            cluster: "c1".parse().unwrap(),
            node: NodeId(3),
            incarnation: 9,
        }),
        "00000021 01 0000000000000000 0001 0001 0000000000000003 0000000000000009 0002 6331",
    );
    check(
        &Frame::Reject(Reject {
            reason: RejectReason::Cluster,
            text: "no".into(),
        }),
        "0000000e 02 0000000000000000 02 0002 6e6f",
    );
    check(
        &Frame::Call {
            stream: 5,
            service: ServiceId(2),
            within_micros: 1_000_000,
            total: 7,
            payload: payload.clone(),
        },
        "00000019 03 0000000000000005 02 00000000000f4240 00000007 616263",
    );
    check(
        &Frame::Reply {
            stream: 5,
            total: 3,
            payload: payload.clone(),
        },
        "00000010 04 0000000000000005 00000003 616263",
    );
    for (reason, code) in [
        (RefuseReason::NoService, "01"),
        (RefuseReason::Overloaded, "02"),
        (RefuseReason::TooLarge, "03"),
        (RefuseReason::Failed, "04"),
    ] {
        check(
            &Frame::Refuse { stream: 5, reason },
            &format!("0000000a 05 0000000000000005 {code}"),
        );
    }
    check(
        &Frame::Part {
            stream: 5,
            payload: payload.clone(),
        },
        "0000000c 06 0000000000000005 616263",
    );
    check(
        &Frame::Open {
            stream: 6,
            service: ServiceId(3),
            payload: payload.clone(),
        },
        "0000000d 07 0000000000000006 03 616263",
    );
    check(
        &Frame::Data { stream: 6, payload },
        "0000000c 08 0000000000000006 616263",
    );
    check(
        &Frame::Credit {
            stream: 6,
            octets: 65_536,
        },
        "0000000d 09 0000000000000006 00010000",
    );
    check(&Frame::End { stream: 6 }, "00000009 0a 0000000000000006");
    check(&Frame::Reset { stream: 6 }, "00000009 0b 0000000000000006");
    check(&Frame::Ping(1), "00000011 0c 0000000000000000 0000000000000001");
    check(&Frame::Pong(1), "00000011 0d 0000000000000000 0000000000000001");
}

#[test]
fn what_a_later_version_appends_to_hello_is_skipped() {
    let bytes = b"\0\0\0\x25\x01\0\0\0\0\0\0\0\0\0\x01\0\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x09\0\x02c1more";
    let mut parser = Parser::default();
    parser.buffer().extend_from_slice(bytes);
    let Ok(Some(Frame::Hello(hello))) = parser.next_frame() else {
        panic!("no hello");
    };
    assert_eq!((hello.versions.max, hello.node), (2, NodeId(3)));
    assert_eq!(hello.versions.agree(VersionRange { min: 1, max: 1 }), Some(1));
    assert_eq!(hello.versions.agree(VersionRange { min: 2, max: 3 }), Some(2));
    assert_eq!(hello.versions.agree(VersionRange { min: 3, max: 4 }), None);
}

#[test]
fn what_is_no_frame_is_refused() {
    let check = |bytes: &[u8], error: FrameError| {
        let mut parser = Parser::default();
        parser.buffer().extend_from_slice(bytes);
        assert_eq!(parser.next_frame(), Err(error));
    };
    check(b"GET ", FrameError::TooLong(u32::from_be_bytes(*b"GET ")));
    check(&[0, 0, 0, 3, 12, 0, 0], FrameError::TooShort(3));
    check(&[0, 0, 0, 9, 99, 0, 0, 0, 0, 0, 0, 0, 0], FrameError::UnknownKind(99));
    check(&[0, 0, 0, 9, 12, 0, 0, 0, 0, 0, 0, 0, 0], FrameError::Malformed(12));
    // A total below what is already there.
    check(
        &[0, 0, 0, 14, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        FrameError::Malformed(4),
    );
}
