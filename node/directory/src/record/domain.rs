//! One domain, at ("dir", "domain", domain). Those that are another's other names, on the move or on their way out are
//! also at ("dir", "special-domain", tenant, domain), empty.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, Domain, TenantId, Timestamp};
use minicbor::{Decode, Encode};

use crate::record::read_domain;

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
    /// When its name servers proved whose it is; none when the operator said so.
    pub proven: Option<Timestamp>,
    /// The domain that it is another name of.
    pub alias_of: Option<Domain>,
    /// Its addresses are still going over to the domain that it is another name of.
    pub moving: bool,
    /// The domain whose addresses are coming over to this one.
    pub moving_from: Option<Domain>,
    /// When it goes, with all that is in it; until then it takes no mail and nobody sends with it.
    pub removal: Option<Timestamp>,
    /// What registers its host names with an authority, as administrators write it (DOM-13); often nothing.
    pub licence: String,
    /// When administrators are reminded of that.
    pub licence_reminder: Option<Timestamp>,
    /// When they were.
    pub licence_told: Option<Timestamp>,
    /// Whether it is one of the operator's, lent until the tenant has its own (DOM-1).
    pub trial: bool,
}

impl DomainRecord {
    pub(crate) fn new(domain: Domain, tenant: TenantId, created: Timestamp) -> Self {
        Self {
            domain,
            tenant,
            created,
            catch_all: None,
            proven: None,
            alias_of: None,
            moving: false,
            moving_from: None,
            removal: None,
            licence: String::new(),
            licence_reminder: None,
            licence_told: None,
            trial: false,
        }
    }
    /// Whether new addresses are made in it: it is no other name of a domain, and stays.
    pub(crate) fn is_home(&self) -> bool {
        self.alias_of.is_none() && self.removal.is_none()
    }
    /// Where its addresses are found as well, when they are not found in it.
    pub(crate) fn elsewhere(&self) -> Option<&Domain> {
        self.alias_of.as_ref().or(self.moving_from.as_ref())
    }
    /// Whether administrators are to be reminded of its licence now.
    #[must_use]
    pub fn wants_reminder(&self, now: Timestamp) -> bool {
        self.licence_told.is_none() && self.licence_reminder.is_some_and(|at| at <= now)
    }
    /// Whether senders need to know more of it than whose it is.
    pub(crate) fn is_special(&self) -> bool {
        self.elsewhere().is_some() || self.removal.is_some()
    }
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    tenant: u64,
    #[n(1)]
    created_millis: i64,
    #[n(2)]
    catch_all: Option<u64>,
    #[n(3)]
    proven_millis: Option<i64>,
    #[n(4)]
    alias_of: Option<String>,
    #[n(5)]
    moving: Option<bool>,
    #[n(6)]
    moving_from: Option<String>,
    #[n(7)]
    removal_millis: Option<i64>,
    #[n(8)]
    licence: Option<String>,
    #[n(9)]
    licence_reminder_millis: Option<i64>,
    #[n(10)]
    licence_told_millis: Option<i64>,
    #[n(11)]
    trial: Option<bool>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(domain: &DomainRecord) -> Bytes {
    let name = |domain: &Option<Domain>| domain.as_ref().map(|domain| domain.as_str().to_owned());
    let body = V1 {
        tenant: domain.tenant.0,
        created_millis: domain.created.millis,
        catch_all: domain.catch_all.map(|account| account.0),
        proven_millis: domain.proven.map(|at| at.millis),
        alias_of: name(&domain.alias_of),
        moving: Some(true).filter(|_| domain.moving),
        moving_from: name(&domain.moving_from),
        removal_millis: domain.removal.map(|at| at.millis),
        licence: Some(domain.licence.clone()).filter(|text| !text.is_empty()),
        licence_reminder_millis: domain.licence_reminder.map(|at| at.millis),
        licence_told_millis: domain.licence_told.map(|at| at.millis),
        trial: Some(true).filter(|_| domain.trial),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(domain: Domain, stored: &[u8]) -> Result<DomainRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    let moment = |millis| Timestamp { millis };
    Ok(DomainRecord {
        domain,
        tenant: TenantId(body.tenant),
        created: moment(body.created_millis),
        catch_all: body.catch_all.map(AccountId),
        proven: body.proven_millis.map(moment),
        alias_of: body.alias_of.as_deref().map(read_domain).transpose()?,
        moving: body.moving == Some(true),
        moving_from: body.moving_from.as_deref().map(read_domain).transpose()?,
        removal: body.removal_millis.map(moment),
        licence: body.licence.unwrap_or_default(),
        licence_reminder: body.licence_reminder_millis.map(moment),
        licence_told: body.licence_told_millis.map(moment),
        trial: body.trial == Some(true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let domain = Domain::try_from("example.test").unwrap();
        let record = DomainRecord {
            catch_all: Some(AccountId(7)),
            ..DomainRecord::new(domain.clone(), TenantId(3), Timestamp { millis: 1_000 })
        };
        let stored = encode(&record);
        assert_eq!(crate::record::hex(&stored), "01000183031903e807");
        assert_eq!(decode(domain.clone(), &stored), Ok(record.clone()));
        let grown = DomainRecord {
            proven: Some(Timestamp { millis: 2_000 }),
            alias_of: Some(Domain::try_from("a.test").unwrap()),
            moving: true,
            moving_from: Some(Domain::try_from("b.test").unwrap()),
            removal: Some(Timestamp { millis: 3_000 }),
            ..record
        };
        let stored = encode(&grown);
        assert_eq!(
            crate::record::hex(&stored),
            "01000188031903e8071907d066612e74657374f566622e74657374190bb8"
        );
        assert_eq!(decode(domain.clone(), &stored).as_ref(), Ok(&grown));
        let licensed = DomainRecord {
            licence: "ICP 1".to_owned(),
            licence_reminder: Some(Timestamp { millis: 4_000 }),
            ..grown
        };
        let stored = encode(&licensed);
        assert_eq!(
            crate::record::hex(&stored),
            "0100018a031903e8071907d066612e74657374f566622e74657374190bb86549435020 31190fa0".replace(' ', "")
        );
        assert_eq!(decode(domain.clone(), &stored).as_ref(), Ok(&licensed));
        let lent = DomainRecord {
            trial: true,
            ..licensed
        };
        let stored = encode(&lent);
        let hex = crate::record::hex(&stored);
        assert!(hex.starts_with("0100018c") && hex.ends_with("190fa0f6f5"), "{hex}");
        assert_eq!(decode(domain, &stored), Ok(lent));
    }
}
