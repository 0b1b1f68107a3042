//! What is kept of clients, grants and what leads to them. Keys, each a tuple:
//!
//! ("acc", "oauth-client", id)                       a client
//! ("acc", "oauth-grant", account, id)               a grant
//! ("acc", "oauth-spent", account, id, generation)   the hash of a refresh token that was used
//! ("acc", "oauth-code", hash)                       a code, under its keyed hash
//! ("acc", "oauth-device", hash)                     a device that waits, under the keyed hash of its code
//! ("acc", "oauth-user-code", hash)                  the same device's key, under the keyed hash of what people type
//! ("acc", "oauth-signing", id)                      a key that identity is vouched for with
//! ("acc", "oauth-end", millis, kind, ..)            empty: when it can be swept

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_kv::{Transaction, Tuple};
use minicbor::{Decode, Encode};

use super::{GrantKey, acc};

const V1: Schema = Schema(1);

pub(super) type Hash = [u8; 32];

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct ClientRecord {
    #[n(0)]
    pub(super) name: String,
    #[n(1)]
    pub(super) redirects: Vec<String>,
    #[n(2)]
    pub(super) scope: String,
    #[n(3)]
    pub(super) created_millis: i64,
    /// Whose members alone it is for.
    #[n(4)]
    pub(super) tenant: Option<u64>,
    /// The hash of what it proves itself with.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub(super) secret: Option<Hash>,
    /// Where people may be sent to when they have signed out.
    #[n(6)]
    pub(super) signed_out: Option<Vec<String>>,
}

/// How a member had signed in who let a client in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct SignInRecord {
    /// When they last proved who they are.
    #[n(0)]
    pub(super) proved_millis: i64,
    /// Whether by a second factor too.
    #[n(1)]
    pub(super) by_two: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct GrantRecord {
    #[n(0)]
    pub(super) tenant: u64,
    #[n(1)]
    pub(super) client: String,
    #[n(2)]
    pub(super) client_name: String,
    #[n(3)]
    pub(super) scope: String,
    /// The password under which it was given.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub(super) credential: [u8; 16],
    #[n(5)]
    pub(super) created_millis: i64,
    #[n(6)]
    pub(super) used_millis: i64,
    #[n(7)]
    pub(super) end_millis: i64,
    #[n(8)]
    pub(super) peer: String,
    /// How many refresh tokens it had.
    #[n(9)]
    pub(super) generation: u32,
    /// The one it has.
    #[cbor(n(10), with = "minicbor::bytes")]
    pub(super) refresh: Hash,
    /// The oldest first.
    #[n(11)]
    pub(super) access: Vec<AccessTokenRecord>,
    #[n(12)]
    pub(super) sign_in: Option<SignInRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct AccessTokenRecord {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(super) hash: Hash,
    #[n(1)]
    pub(super) end_millis: i64,
    #[n(2)]
    pub(super) scope: String,
}

/// Who has let a client in, and under which password.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Giver {
    #[n(0)]
    pub(super) tenant: u64,
    #[n(1)]
    pub(super) account: u64,
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(super) credential: [u8; 16],
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct CodeRecord {
    #[n(0)]
    pub(super) client: String,
    #[n(1)]
    pub(super) redirect: String,
    #[n(2)]
    pub(super) scope: String,
    /// BASE64URL(SHA256(verifier)) (RFC 7636 §4.2).
    #[n(3)]
    pub(super) challenge: String,
    #[n(4)]
    pub(super) giver: Giver,
    #[n(5)]
    pub(super) end_millis: i64,
    /// The grant that came of it.
    #[n(6)]
    pub(super) grant: Option<u64>,
    /// What the client will know the answer by.
    #[n(7)]
    pub(super) nonce: Option<String>,
    #[n(8)]
    pub(super) sign_in: Option<SignInRecord>,
}

/// A key that identity is vouched for with.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct SigningRecord {
    /// PKCS #8, sealed.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(super) sealed: Vec<u8>,
    /// An uncompressed point of P-256.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(super) public: Vec<u8>,
    /// Since when it signs.
    #[n(2)]
    pub(super) from_millis: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct DeviceRecord {
    #[n(0)]
    pub(super) client: String,
    #[n(1)]
    pub(super) scope: String,
    #[n(2)]
    pub(super) end_millis: i64,
    #[n(3)]
    pub(super) asked_millis: i64,
    #[n(4)]
    pub(super) giver: Option<Giver>,
    #[n(5)]
    pub(super) denied: bool,
    #[cbor(n(6), with = "minicbor::bytes")]
    pub(super) user_code: Hash,
    /// Where the device is.
    #[n(7)]
    pub(super) peer: String,
}

pub(super) fn clients() -> Tuple {
    acc("oauth-client")
}
pub(super) fn client_key(id: &str) -> Bytes {
    clients().string(id).pack()
}
pub(super) fn signing() -> Tuple {
    acc("oauth-signing")
}
pub(super) fn signing_key(id: u64) -> Bytes {
    signing().int(id).pack()
}
pub(super) fn grants(account: u64) -> Tuple {
    acc("oauth-grant").int(account)
}
pub(super) fn grant_key(grant: GrantKey) -> Bytes {
    grants(grant.account.0).int(grant.id).pack()
}
pub(super) fn spent(grant: GrantKey) -> Tuple {
    acc("oauth-spent").int(grant.account.0).int(grant.id)
}
pub(super) fn spent_key(grant: GrantKey, generation: u32) -> Bytes {
    spent(grant).int(u64::from(generation)).pack()
}
pub(super) fn code_key(hash: &Hash) -> Bytes {
    acc("oauth-code").bytes(hash).pack()
}
pub(super) fn device_key(hash: &Hash) -> Bytes {
    acc("oauth-device").bytes(hash).pack()
}
pub(super) fn user_code_key(hash: &Hash) -> Bytes {
    acc("oauth-user-code").bytes(hash).pack()
}
pub(super) fn ends() -> Tuple {
    acc("oauth-end")
}

fn end_at(millis: i64) -> Tuple {
    ends().int(u64::try_from(millis).unwrap_or(0))
}
pub(super) fn grant_end_key(grant: GrantKey, millis: i64) -> Bytes {
    let end = end_at(millis).string("grant");
    end.int(grant.account.0).int(grant.id).pack()
}
pub(super) fn code_end_key(hash: &Hash, millis: i64) -> Bytes {
    end_at(millis).string("code").bytes(hash).pack()
}
pub(super) fn device_end_key(hash: &Hash, millis: i64) -> Bytes {
    end_at(millis).string("device").bytes(hash).pack()
}

pub(super) fn encode(stored: &impl Encode<()>) -> Bytes {
    record::encode(V1, stored)
}
pub(super) fn decode<T: for<'b> Decode<'b, ()>>(stored: &[u8]) -> Result<T, RecordError> {
    record::decode(V1, stored)
}

/// Writes a grant that is new or was used; `before` is its end till now.
pub(super) fn write_grant(transaction: &mut Transaction, key: GrantKey, grant: &GrantRecord, before: Option<i64>) {
    if let Some(before) = before.filter(|before| *before != grant.end_millis) {
        transaction.clear(&grant_end_key(key, before));
    }
    transaction.set(grant_end_key(key, grant.end_millis), Vec::new());
    transaction.set(grant_key(key), encode(grant));
}

/// Removes a grant with all that belongs to it.
pub(super) fn clear_grant(transaction: &mut Transaction, key: GrantKey, grant: &GrantRecord) {
    transaction.clear(&grant_key(key));
    transaction.clear(&grant_end_key(key, grant.end_millis));
    transaction.clear_range(spent(key).range());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn check<T>(value: &T, expect: &str)
    where
        T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + std::fmt::Debug,
    {
        let stored = encode(value);
        assert_eq!(hex(&stored), expect.replace(' ', ""));
        assert_eq!(&decode::<T>(&stored).unwrap(), value);
    }

    #[test]
    fn golden_bytes() {
        let client = ClientRecord {
            name: "C".to_owned(),
            redirects: vec!["r".to_owned()],
            scope: "s".to_owned(),
            created_millis: 1,
            tenant: None,
            secret: None,
            signed_out: None,
        };
        check(&client, "010001 846143 816172 6173 01");
        let application = ClientRecord {
            tenant: Some(3),
            secret: Some([0xBB; 32]),
            signed_out: Some(vec!["o".to_owned()]),
            ..client
        };
        let secret = "bb".repeat(32);
        let expect = format!("010001 876143 816172 6173 01 03 5820{secret} 81616f");
        check(&application, &expect);
        let signing = SigningRecord {
            sealed: vec![1],
            public: vec![4],
            from_millis: 5,
        };
        check(&signing, "010001 83 4101 4104 05");
        let hash = "bb".repeat(32);
        let grant = GrantRecord {
            tenant: 3,
            client: "c".to_owned(),
            client_name: "C".to_owned(),
            scope: "s".to_owned(),
            credential: [0xAA; 16],
            created_millis: 1,
            used_millis: 2,
            end_millis: 3,
            peer: "p".to_owned(),
            generation: 4,
            refresh: [0xBB; 32],
            access: vec![AccessTokenRecord {
                hash: [0xBB; 32],
                end_millis: 5,
                scope: "s".to_owned(),
            }],
            sign_in: None,
        };
        let credential = "aa".repeat(16);
        let expect =
            format!("010001 8c 03 6163 6143 6173 50{credential} 01 02 03 6170 04 5820{hash} 81835820{hash}056173");
        check(&grant, &expect);
        let signed_in = GrantRecord {
            sign_in: Some(SignInRecord {
                proved_millis: 6,
                by_two: true,
            }),
            ..grant
        };
        let expect = format!(
            "010001 8d 03 6163 6143 6173 50{credential} 01 02 03 6170 04 5820{hash} 81835820{hash}056173 8206f5"
        );
        check(&signed_in, &expect);
        let giver = Giver {
            tenant: 3,
            account: 7,
            credential: [0xAA; 16],
        };
        let code = CodeRecord {
            client: "c".to_owned(),
            redirect: "r".to_owned(),
            scope: "s".to_owned(),
            challenge: "h".to_owned(),
            giver: giver.clone(),
            end_millis: 5,
            grant: Some(9),
            nonce: None,
            sign_in: None,
        };
        check(
            &code,
            &format!("010001 87 6163 6172 6173 6168 83030750{credential} 05 09"),
        );
        let asked = CodeRecord {
            nonce: Some("n".to_owned()),
            ..code
        };
        check(
            &asked,
            &format!("010001 88 6163 6172 6173 6168 83030750{credential} 05 09 616e"),
        );
        let device = DeviceRecord {
            client: "c".to_owned(),
            scope: "s".to_owned(),
            end_millis: 1,
            asked_millis: 2,
            giver: Some(giver),
            denied: false,
            user_code: [0xBB; 32],
            peer: "p".to_owned(),
        };
        check(
            &device,
            &format!("010001 88 6163 6173 01 02 83030750{credential} f4 5820{hash} 6170"),
        );
    }
}
