//! What opens, and what does not.

use super::*;

fn place() -> Place {
    Place::new("totp", 7)
}

fn key(id: u64, from_millis: i64, octet: u8) -> SealKey {
    SealKey {
        id: KeyId(id),
        from_millis,
        secret: Zeroizing::new([octet; 32]),
    }
}

fn sealer(keys: Vec<SealKey>) -> Sealer {
    let (env, _) = Env::manual(1);
    let sealer = Sealer::new(env);
    for key in keys {
        assert!(sealer.add(key));
    }
    sealer
}

fn u8s(hex: &str) -> Vec<u8> {
    let octet = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(octet).collect()
}

#[test]
fn golden_bytes() {
    // Made with another implementation of AES-256-GCM, with a nonce of zeros.
    let golden = concat!(
        "01",
        "0000000000000102",
        "000000000000000000000000",
        "c2c86646c9c95f729dfb66bdc6409861faf970cb1f5d"
    );
    let golden = u8s(golden);
    let sealer = sealer(vec![key(0x0102, 0, 0xAA)]);
    assert_eq!(sealer.open(&place(), &golden).unwrap().as_slice(), b"secret");
}

#[test]
fn a_secret_opens_at_its_place_and_nowhere_else() {
    let sealer = sealer(vec![key(1, 0, 1)]);
    let sealed = sealer.seal(&place(), b"secret").unwrap();
    assert_eq!(sealed.len(), 1 + 8 + 12 + 6 + 16);
    assert_eq!(sealer.open(&place(), &sealed).unwrap().as_slice(), b"secret");
    assert_ne!(sealer.seal(&place(), b"secret").unwrap(), sealed, "each has its nonce");
    for other in [
        Place::new("totp", 8),
        Place::new("vapid", 7),
        Place::named("totp", b"7"),
    ] {
        assert_eq!(sealer.open(&other, &sealed), Err(SealError::Wrong(KeyId(1))));
    }
    for at in 9..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(sealer.open(&place(), &changed), Err(SealError::Wrong(KeyId(1))), "{at}");
    }
}

#[test]
fn what_is_no_sealed_secret_is_an_error_whatever_its_length() {
    let sealer = sealer(vec![key(1, 0, 1)]);
    let sealed = sealer.seal(&place(), b"").unwrap();
    for length in 0..sealed.len() {
        assert!(sealer.open(&place(), &sealed[..length]).is_err(), "{length}");
    }
    assert_eq!(sealer.open(&place(), b"\x02whatever"), Err(SealError::Form));
}

#[test]
fn a_missing_and_a_wrong_key_are_told_apart() {
    let sealed = sealer(vec![key(0xAB, 0, 1)]).seal(&place(), b"secret").unwrap();
    assert_eq!(sealer(vec![]).open(&place(), &sealed), Err(SealError::NoKey));
    let missing = sealer(vec![key(2, 0, 2)]).open(&place(), &sealed).unwrap_err();
    assert!(
        missing.to_string().contains("sealed with key 00000000000000ab"),
        "{missing}"
    );
    let wrong = sealer(vec![key(0xAB, 0, 2)]).open(&place(), &sealed).unwrap_err();
    assert_eq!(wrong, SealError::Wrong(KeyId(0xAB)));
    assert_eq!(sealer(vec![]).seal(&place(), b"secret"), Err(SealError::NoKey));
}

#[test]
fn the_newest_key_whose_time_has_come_seals_and_the_others_open() {
    let sealer = sealer(vec![key(1, 0, 1)]);
    let now = sealer.0.env.wall_millis();
    let kept = sealer.keep(&place(), b"secret").unwrap();
    assert!(sealer.add(key(2, now + 1_000, 2)));
    assert!(!sealer.add(key(2, 0, 3)), "a key is never replaced");
    assert_eq!(sealer.current(), Some(KeyId(1)), "others do not have the new one yet");
    assert!(sealer.add(key(3, now, 3)));
    assert_eq!(sealer.current(), Some(KeyId(3)));
    let again = sealer.again(&place(), &kept).unwrap().unwrap();
    assert_ne!(again, kept);
    assert_eq!(sealer.again(&place(), &again), Ok(None));
    for kept in [&kept, &again, &Kept::Clear(b"secret".to_vec())] {
        assert_eq!(sealer.reveal(&place(), kept).unwrap().as_slice(), b"secret");
    }
    assert!(matches!(
        sealer.again(&place(), &Kept::Clear(b"secret".to_vec())),
        Ok(Some(Kept::Sealed(_)))
    ));
    assert_eq!(sealer.keys().iter().map(|key| key.id.0).collect::<Vec<_>>(), [1, 3, 2]);
}

#[test]
fn a_kept_secret_never_prints() {
    assert_eq!(format!("{:?}", Kept::Clear(b"secret".to_vec())), "Kept(in clear)");
}
