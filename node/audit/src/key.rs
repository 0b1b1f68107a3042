//! The keys of the audit log. Layout, each a tuple:
//!
//! ("aud", chain, "head")             record/head.rs
//! ("aud", chain, "cut")              record/cut.rs
//! ("aud", chain, "entry", sequence)  record/entry.rs
//!
//! The chain is 0 for the installation, else the tenant.

use bytes::Bytes;
use hongyan_kv::tuple::Tuple;

use crate::Chain;

fn chain(chain: Chain) -> Tuple {
    Tuple::new().string("aud").int(chain.code())
}
pub(crate) fn head(of: Chain) -> Bytes {
    chain(of).string("head").pack()
}
pub(crate) fn cut(of: Chain) -> Bytes {
    chain(of).string("cut").pack()
}
pub(crate) fn entries(of: Chain) -> Tuple {
    chain(of).string("entry")
}
pub(crate) fn entry(of: Chain, sequence: u64) -> Bytes {
    entries(of).int(sequence).pack()
}
