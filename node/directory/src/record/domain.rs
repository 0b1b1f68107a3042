//! One domain, at ("dir", "domain", domain).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, Domain, TenantId, Timestamp};
use minicbor::{Decode, Encode};

/// A domain that a tenant owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainRecord {
    /// Its name, as A-labels.
    pub domain: Domain,
    /// Whose it is.
    pub tenant: TenantId,
    /// When it was added.
    pub created: Timestamp,
    /// Who gets mail for addresses that nobody has.
    pub catch_all: Option<AccountId>,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    tenant: u64,
    #[n(1)]
    created_millis: i64,
    #[n(2)]
    catch_all: Option<u64>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(domain: &DomainRecord) -> Bytes {
    let body = V1 {
        tenant: domain.tenant.0,
        created_millis: domain.created.millis,
        catch_all: domain.catch_all.map(|account| account.0),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(domain: Domain, stored: &[u8]) -> Result<DomainRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(DomainRecord {
        domain,
        tenant: TenantId(body.tenant),
        created: Timestamp {
            millis: body.created_millis,
        },
        catch_all: body.catch_all.map(AccountId),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let domain = Domain::try_from("example.test").unwrap();
        let record = DomainRecord {
            domain: domain.clone(),
            tenant: TenantId(3),
            created: Timestamp { millis: 1_000 },
            catch_all: Some(AccountId(7)),
        };
        let stored = encode(&record);
        assert_eq!(crate::record::hex(&stored), "01000183031903e807");
        assert_eq!(decode(domain, &stored), Ok(record));
    }
}
