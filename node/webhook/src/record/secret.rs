//! What a webhook's deliveries are signed with, at ("webhook", "secret", webhook): how it is kept, and the octets.

use bytes::Bytes;
use hongyan_kv::record::{RecordError, Schema, decode as read, encode as write};
use hongyan_seal::{Holder, Kept, Place, SealError, Sealer};
use minicbor::{Decode, Encode};

use crate::{WebhookId, key};

#[derive(Encode, Decode)]
struct V1 {
    /// How the octets are kept.
    #[n(0)]
    form: Form,
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    octets: Vec<u8>,
}

/// How a secret is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
enum Form {
    /// As it is; earlier builds did so.
    #[n(0)]
    Plain,
    /// Sealed for [`place`].
    #[n(1)]
    Sealed,
}

/// The secrets of webhooks, for sealing them again.
pub const WEBHOOK_SECRETS: Holder = Holder {
    kind: "webhook",
    range: || key::secrets().range(),
    again,
};

/// What the secret of a webhook is sealed for.
pub(crate) fn place(webhook: WebhookId) -> Place {
    Place::new("webhook", webhook.0)
}

fn again(sealer: &Sealer, at: &[u8], stored: &[u8]) -> Result<Option<Bytes>, SealError> {
    let webhook = key::secrets().reader(at).and_then(|mut key| key.int());
    let (Ok(webhook), Ok(secret)) = (webhook, decode(stored)) else {
        return Ok(None);
    };
    let again = sealer.again(&place(WebhookId(webhook)), &secret)?;
    Ok(again.as_ref().map(encode))
}

const SCHEMA: Schema = Schema(1);

pub(crate) fn encode(secret: &Kept) -> Bytes {
    let (form, octets) = match secret.clone() {
        Kept::Clear(octets) => (Form::Plain, octets),
        Kept::Sealed(octets) => (Form::Sealed, octets),
    };
    write(SCHEMA, &V1 { form, octets })
}

pub(crate) fn decode(stored: &[u8]) -> Result<Kept, RecordError> {
    let V1 { form, octets } = read(SCHEMA, stored)?;
    Ok(match form {
        Form::Plain => Kept::Clear(octets),
        Form::Sealed => Kept::Sealed(octets),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let (clear, sealed) = (Kept::Clear(b"ab".to_vec()), Kept::Sealed(b"ab".to_vec()));
        let golden: [(&Kept, &[u8]); 2] = [
            (&clear, b"\x01\x00\x01\x82\x00\x42ab"),
            (&sealed, b"\x01\x00\x01\x82\x01\x42ab"),
        ];
        for (secret, golden) in golden {
            assert_eq!(&encode(secret)[..], golden);
            assert_eq!(decode(golden).as_ref(), Ok(secret));
        }
    }

    #[test]
    fn what_is_in_clear_is_sealed_for_its_webhook() {
        let sealer = Sealer::with_new_key(hongyan_env::Env::manual(1).0);
        let at = key::secret(WebhookId(5));
        let sealed = again(&sealer, &at, &encode(&Kept::Clear(b"ab".to_vec())))
            .unwrap()
            .unwrap();
        assert_eq!(again(&sealer, &at, &sealed), Ok(None));
        let opened = sealer.reveal(&place(WebhookId(5)), &decode(&sealed).unwrap()).unwrap();
        assert_eq!(opened.as_slice(), b"ab");
    }
}
