//! How a receiver knows that a delivery is ours, and fresh.

use ring::hmac;

/// HMAC-SHA-256 (RFC 2104) over the time in seconds, a dot and the body, in hexadecimal. The key is the secret's text as it was
/// shown.
#[must_use]
pub fn signature(secret: &str, at_secs: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(at_secs.to_string().as_bytes());
    context.update(b".");
    context.update(body.as_bytes());
    let tag = context.sign();
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::signature;

    #[test]
    fn api_3_the_signature_is_what_receivers_compute() {
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test
        let expect = "35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91";
        assert_eq!(signature("whsec_test", 1_700_000_000, "{}"), expect);
    }
}
