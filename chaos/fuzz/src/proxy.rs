//! What a load balancer says first.

use futures_util::FutureExt;
use hongyan_listener::read_proxy_header;

/// Bytes of a load balancer: never a panic, and what is read of one piece is read of it with more behind it.
pub fn proxy(bytes: &[u8]) {
    let mut rest = bytes;
    // All is there at once, so reading never waits.
    let Some(Ok(addresses)) = read_proxy_header(&mut rest).now_or_never() else {
        return;
    };
    let header = &bytes[..bytes.len() - rest.len()];
    let longer = [header, b"EHLO"].concat();
    let mut rest = &longer[..];
    let again = read_proxy_header(&mut rest).now_or_never();
    assert!(matches!(again, Some(Ok(again)) if again == addresses));
    assert_eq!(rest, b"EHLO");
}
