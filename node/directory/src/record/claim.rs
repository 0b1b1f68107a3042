//! A domain that a tenant says is its own, at ("dir", "claim", domain, tenant) until that is proven; ("dir", "tenant-claim",
//! tenant, domain) finds it.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{Domain, TenantId, Timestamp};
use minicbor::{Decode, Encode};

/// A domain whose owner is not known yet (DOM-4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRecord {
    /// Its name, as A-labels.
    pub domain: Domain,
    /// Who says that it is theirs.
    pub tenant: TenantId,
    /// Since when.
    pub created: Timestamp,
    /// What the domain's name servers have to say.
    pub token: String,
    /// From when on it is not looked for any more by itself.
    pub expires: Timestamp,
    /// Another tenant has it: it was proven anew, and goes over then.
    pub takes_over: Option<Timestamp>,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    created_millis: i64,
    #[n(1)]
    token: String,
    #[n(2)]
    expires_millis: i64,
    #[n(3)]
    takes_over_millis: Option<i64>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(claim: &ClaimRecord) -> Bytes {
    let body = V1 {
        created_millis: claim.created.millis,
        token: claim.token.clone(),
        expires_millis: claim.expires.millis,
        takes_over_millis: claim.takes_over.map(|at| at.millis),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(domain: Domain, tenant: TenantId, stored: &[u8]) -> Result<ClaimRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    let moment = |millis| Timestamp { millis };
    Ok(ClaimRecord {
        domain,
        tenant,
        created: moment(body.created_millis),
        token: body.token,
        expires: moment(body.expires_millis),
        takes_over: body.takes_over_millis.map(moment),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let domain = Domain::try_from("example.test").unwrap();
        let claim = ClaimRecord {
            domain: domain.clone(),
            tenant: TenantId(3),
            created: Timestamp { millis: 1_000 },
            token: "t".to_owned(),
            expires: Timestamp { millis: 2_000 },
            takes_over: Some(Timestamp { millis: 3_000 }),
        };
        let stored = encode(&claim);
        assert_eq!(crate::record::hex(&stored), "010001841903e861741907d0190bb8");
        assert_eq!(decode(domain, TenantId(3), &stored), Ok(claim));
    }
}
