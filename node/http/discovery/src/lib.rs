//! What clients, other servers and name servers are told about where mail is found.
//!
//! An [`Offer`] says which services there are and under which names and ports they are reached from outside;
//! everything told is made from it, so that no two answers differ. Nothing here knows whether an account exists.
//! Wired by `node/server` behind `node/http/front`; the admin API shows the records.

mod autoconfig;
mod autodiscover;
mod check;
mod cms;
mod mobileconfig;
mod offer;
mod records;
mod registry;
mod routes;
mod sts;
mod watch;
mod xml;

pub use autodiscover::AutodiscoverRequest;
pub use check::{Checker, Found, Looked, RecordState};
pub use offer::{Door, Offer, RegionalHost, Service, StsMode, StsPolicy};
pub use records::{
    Dkim, Need, Ownership, Purpose, RECORD_SECS, Record, SpfEnd, Value, Zone, records_to_publish, zone_file,
};
pub use registry::{Registries, RegistryError, RegistryOptions};
pub use routes::{DiscoveryServices, routes};
pub use watch::{Claimed, Watch, WatchOptions, check_claim, check_domain, ownership_of, zone_of};
pub use xml::XmlError;
