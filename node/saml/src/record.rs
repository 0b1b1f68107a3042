//! What is kept of single sign-on by SAML: ("saml", "provider", tenant), the organisation's provider. Links, sessions, and the names
//! of assertions that were taken are `node/openid`'s.

use bytes::Bytes;
use hongyan_kv::Tuple;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::TenantId;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::SignOutPlace;

const V1: Schema = Schema(1);

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct ProviderRecord {
    #[n(0)]
    pub(crate) entity_id: String,
    #[n(1)]
    pub(crate) sign_in_address: String,
    /// DER.
    #[n(2)]
    pub(crate) certificates: Vec<ByteVec>,
    #[n(3)]
    pub(crate) label: String,
    #[n(4)]
    pub(crate) mail_attribute: Option<String>,
    #[n(5)]
    pub(crate) name_attribute: Option<String>,
    #[n(6)]
    pub(crate) link_by_mail: bool,
    #[n(7)]
    pub(crate) create_members: bool,
    #[n(8)]
    pub(crate) vouches_second_factor: bool,
    #[n(9)]
    pub(crate) sign_out: Option<SignOutPlace>,
}

pub(crate) fn provider_key(tenant: TenantId) -> Bytes {
    Tuple::new().string("saml").string("provider").int(tenant.0).pack()
}

pub(crate) fn encode(record: &ProviderRecord) -> Bytes {
    record::encode(V1, record)
}

pub(crate) fn decode(stored: &[u8]) -> Result<ProviderRecord, RecordError> {
    record::decode(V1, stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let provider = ProviderRecord {
            entity_id: "e".to_owned(),
            sign_in_address: "s".to_owned(),
            certificates: vec![ByteVec::from(vec![1, 2])],
            label: "L".to_owned(),
            mail_attribute: Some("m".to_owned()),
            name_attribute: None,
            link_by_mail: true,
            create_members: false,
            vouches_second_factor: true,
            sign_out: None,
        };
        let hex: String = encode(&provider).iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(hex, "01000189616561738142010261 4c616df6f5f4f5".replace(' ', ""));
        assert_eq!(decode(&encode(&provider)), Ok(provider.clone()));
        let provider = ProviderRecord {
            sign_out: Some(SignOutPlace {
                location: "o".to_owned(),
                response_location: Some("r".to_owned()),
                by_post: false,
            }),
            ..provider
        };
        let hex: String = encode(&provider).iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(
            hex,
            "0100018a6165617381420102 614c616df6f5f4f5 83616f6172f4".replace(' ', "")
        );
        assert_eq!(decode(&encode(&provider)), Ok(provider));
    }
}
