use proptest::prelude::*;

use super::*;

fn check(tuple: Tuple, expect: &[u8]) {
    assert_eq!(tuple.as_bytes(), expect);
}

#[test]
fn encodes_as_foundationdb_documents() {
    check(Tuple::new().null(), b"\x00");
    check(Tuple::new().bytes(b"foo\x00bar"), b"\x01foo\x00\xffbar\x00");
    check(Tuple::new().string("F\u{d4}O\0bar"), b"\x02F\xc3\x94O\x00\xffbar\x00");
    check(Tuple::new().int(0), b"\x14");
    check(Tuple::new().int(1), b"\x15\x01");
    check(Tuple::new().int(-1), b"\x13\xfe");
    check(Tuple::new().int(-5_551_212), b"\x11\xab\x4b\x93");
    check(Tuple::new().int(i64::MIN), b"\x0c\x7f\xff\xff\xff\xff\xff\xff\xff");
    check(Tuple::new().int(u64::MAX), b"\x1c\xff\xff\xff\xff\xff\xff\xff\xff");
    check(Tuple::new().bool(false).bool(true), b"\x26\x27");
    check(Tuple::new().string("mbx").int(300), b"\x02mbx\x00\x16\x01\x2c");
}

#[test]
fn a_range_holds_continuations_only() {
    let prefix = Tuple::new().string("a");
    let range = prefix.range();
    assert!(!range.contains(prefix.as_bytes()));
    assert!(range.contains(prefix.clone().null().as_bytes()));
    assert!(range.contains(prefix.clone().int(7).as_bytes()));
    assert!(!range.contains(Tuple::new().string("a\0b").as_bytes()));
    assert!(!range.contains(Tuple::new().string("b").as_bytes()));
}

#[test]
fn a_reader_takes_typed_elements_behind_a_prefix() {
    let prefix = Tuple::new().string("mbx").int(5);
    let key = prefix.clone().int(u64::MAX).bytes(b"\x00").bool(true).pack();
    let mut reader = prefix.reader(&key).unwrap();
    assert_eq!(reader.int::<u64>(), Ok(u64::MAX));
    assert_eq!(reader.string(), Err(TupleError::Type(1)));
    assert_eq!(reader.bytes(), Ok(vec![0]));
    assert_eq!(reader.bool(), Ok(true));
    assert_eq!(reader.clone().int::<u8>(), Err(TupleError::Truncated));
    reader.end().unwrap();
    assert_eq!(Tuple::new().int(6).reader(&key).unwrap_err(), TupleError::Prefix);
    assert_eq!(Reader::new(b"\x16\x01\x00").int::<u8>(), Err(TupleError::Range));
}

fn element() -> impl Strategy<Value = Element> {
    prop_oneof![
        Just(Element::Null),
        prop::collection::vec(any::<u8>(), 0..5).prop_map(|v| Element::Bytes(v.into())),
        prop::collection::vec(prop_oneof![Just(0u8), Just(255u8), any::<u8>()], 0..5)
            .prop_map(|v| Element::Bytes(v.into())),
        "[\0a-c\u{e9}]{0,4}".prop_map(Element::String),
        any::<i64>().prop_map(|n| Element::Int(n.into())),
        (-70000i64..70000).prop_map(|n| Element::Int(n.into())),
        any::<u64>().prop_map(|n| Element::Int(n.into())),
        any::<bool>().prop_map(Element::Bool),
    ]
}

fn pack(elements: &[Element]) -> Bytes {
    let mut tuple = Tuple::new();
    for element in elements {
        tuple = match element {
            Element::Null => tuple.null(),
            Element::Bytes(value) => tuple.bytes(value),
            Element::String(value) => tuple.string(value),
            Element::Int(value) => match i64::try_from(*value) {
                Ok(value) => tuple.int(value),
                Err(_) => tuple.int(u64::try_from(*value).unwrap()),
            },
            Element::Bool(value) => tuple.bool(*value),
        };
    }
    tuple.pack()
}

proptest! {
    #[test]
    fn unpack_inverts_pack_and_keeps_the_order(
        a in prop::collection::vec(element(), 0..5),
        b in prop::collection::vec(element(), 0..5),
    ) {
        prop_assert_eq!(unpack(&pack(&a)).unwrap(), a.clone());
        prop_assert_eq!(pack(&a).cmp(&pack(&b)), a.cmp(&b));
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = unpack(&bytes);
    }
}
