//! Waits for a cluster at the start, and tells apart the ways in which it does not come.

use std::time::Duration;

use crate::cluster_file::ClusterFile;
use crate::error::OpenError;
use crate::handle::{DatabaseHandle, Pending, Version};
use crate::network;
use crate::options::FoundationOptions;
use crate::sys::Code;

/// Bits of a protocol version that adjacent builds may differ in.
const MINOR_BITS: u64 = 0xFFFF;
/// Flags in the highest bits.
const FLAG_BITS: u64 = 0xF000_0000_0000_0000;

/// Returns when the cluster has handed out a read version.
pub(crate) async fn wait_until_serving(
    database: &DatabaseHandle,
    cluster: &ClusterFile,
    options: &FoundationOptions,
) -> Result<(), OpenError> {
    let seconds = options.open_within.as_secs();
    let servers = match within(options.open_within, read_version(database)).await {
        Some(Ok(())) => return Ok(()),
        Some(Err(code)) if !is_timeout(code) => {
            return Err(OpenError::Refused(network::text(database.interface(), code)));
        }
        // What answered meanwhile answers at once.
        _ => within(Duration::from_secs(2), database.server_protocol()).await,
    };
    let coordinators = cluster.places();
    let Some(Ok(servers)) = servers else {
        return Err(OpenError::Unreachable {
            coordinators,
            seconds,
            path: options.cluster_file.clone(),
        });
    };
    let library = network::version(database.interface());
    match protocol_of(&library) {
        Some(client) if !compatible(client, servers.0) => Err(OpenError::Incompatible {
            servers: protocol_name(servers.0),
            client: protocol_name(client),
            library: library.split(',').next().unwrap_or_default().to_owned(),
        }),
        _ => Err(OpenError::NotServing { coordinators, seconds }),
    }
}

/// Asks again while the library gives up asking before we do.
async fn read_version(database: &DatabaseHandle) -> Result<(), Code> {
    loop {
        let transaction = database.transaction()?;
        let version: Pending<Version> = transaction.read_version();
        match version.await {
            Ok(_) => return Ok(()),
            Err(code) if is_timeout(code) => {}
            Err(code) => transaction.on_error(code).await?,
        }
    }
}

fn is_timeout(code: Code) -> bool {
    code == 1031
}

async fn within<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(time, future).await.ok()
}

/// The protocol in a library's version text: the third field, in hexadecimal.
fn protocol_of(library: &str) -> Option<u64> {
    u64::from_str_radix(library.split(',').nth(2)?.trim(), 16).ok()
}

fn compatible(client: u64, servers: u64) -> bool {
    (client ^ servers) & !(MINOR_BITS | FLAG_BITS) == 0
}

/// A protocol version as people know it: `7.3`.
#[must_use]
pub fn protocol_name(protocol: u64) -> String {
    format!("{}.{}", (protocol >> 28) & 0xF, (protocol >> 24) & 0xF)
}

#[cfg(test)]
mod tests {
    use super::{compatible, protocol_name, protocol_of};

    #[test]
    fn protocols_are_compared_by_release_line() {
        let client = protocol_of("7.3.79,0123abcd,fdb00b073000000").unwrap();
        assert_eq!(protocol_name(client), "7.3");
        assert!(compatible(client, 0x1FDB_00B0_7300_0000));
        assert!(compatible(client, 0x0FDB_00B0_7300_0001));
        assert!(!compatible(client, 0x0FDB_00B0_7401_0000));
        assert!(!compatible(client, 0x0FDB_00B0_7100_0000));
        assert_eq!(protocol_of("7.3.79"), None);
    }
}
