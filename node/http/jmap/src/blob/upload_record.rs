//! What an account has brought: key ("jmap", tenant, account, 0, blob address). It keeps the blob until it is used or
//! too old. Whoever knows the content of somebody else's blob gets nothing by it: only what stands here is found.

use bytes::Bytes;
use hongyan_blob::{BlobAddress, BlobStore, NewBlob, Owner};
use hongyan_kv::record::{self, Schema};
use hongyan_kv::tuple::Tuple;
use hongyan_kv::{Database, Error, RangeQuery, ReadMode};
use hongyan_mailbox::MailboxId;
use minicbor::{Decode, Encode};

use crate::error::Outcome;

const V1: Schema = Schema(1);
const UPLOAD: u8 = 0;
/// How often a transaction is tried.
const ATTEMPTS_MAX: usize = 10;
/// Old uploads that go with a new one.
const SWEPT: usize = 100;

#[derive(Debug, Encode, Decode)]
struct UploadV1 {
    #[n(0)]
    millis: i64,
    #[n(1)]
    octets: u64,
}

fn all(mailbox: MailboxId) -> Tuple {
    let prefix = Tuple::new().string("jmap").int(mailbox.tenant.0).int(mailbox.account.0);
    prefix.int(UPLOAD)
}

fn key(mailbox: MailboxId, address: &BlobAddress) -> Bytes {
    all(mailbox).bytes(&address.0).pack()
}

/// Keeps a blob for the account, and lets go of what it brought before `oldest_millis`.
pub(super) async fn keep(
    database: &Database,
    blobs: &BlobStore,
    mailbox: MailboxId,
    blob: &NewBlob,
    (now_millis, oldest_millis): (i64, i64),
) -> Outcome<()> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match try_keep(database, blobs, mailbox, blob, (now_millis, oldest_millis)).await {
            Err(error) if attempt < ATTEMPTS_MAX && is_retryable(&error) => {}
            result => return result,
        }
    }
}

/// Keeping the same blob twice is keeping it once.
fn is_retryable(error: &crate::error::Failure) -> bool {
    use crate::error::Failure;
    use hongyan_kv::AsStorageError;
    match error {
        Failure::Storage(error) => error.is_retryable() || *error == Error::CommitUnknown,
        Failure::Blob(error) => error.as_storage_error().is_some_and(Error::is_retryable),
        _ => false,
    }
}

async fn try_keep(
    database: &Database,
    blobs: &BlobStore,
    mailbox: MailboxId,
    blob: &NewBlob,
    (now_millis, oldest_millis): (i64, i64),
) -> Outcome<()> {
    let mut transaction = database.begin();
    let address = blob.address();
    let upload_key = key(mailbox, &address);
    let query = RangeQuery {
        range: all(mailbox).range(),
        limit: SWEPT,
        reverse: false,
        mode: ReadMode::Snapshot,
    };
    for pair in transaction.get_range_all(query).await? {
        let stored: UploadV1 = record::decode(V1, &pair.value).map_err(Error::from)?;
        let found = all(mailbox)
            .reader(&pair.key)
            .ok()
            .and_then(|mut reader| reader.bytes().ok());
        let found: Option<[u8; 32]> = found.and_then(|bytes| bytes.try_into().ok());
        if let Some(found) = found.filter(|found| stored.millis < oldest_millis && *found != address.0) {
            let owner = Owner(pair.key.clone());
            blobs.detach(&mut transaction, mailbox.tenant.0, &BlobAddress(found), &owner);
            transaction.clear(&pair.key);
        }
    }
    blob.attach(&mut transaction, &Owner(upload_key.clone())).await?;
    let stored = UploadV1 {
        millis: now_millis,
        octets: blob.octets(),
    };
    transaction.set(upload_key, record::encode(V1, &stored));
    transaction.commit().await?;
    Ok(())
}

/// The octets of an upload of the account, if it has brought that.
pub(crate) async fn octets(database: &Database, mailbox: MailboxId, address: &BlobAddress) -> Outcome<Option<u64>> {
    let stored = database.begin().get_snapshot(&key(mailbox, address)).await?;
    let Some(stored) = stored else { return Ok(None) };
    let upload: UploadV1 = record::decode(V1, &stored).map_err(Error::from)?;
    Ok(Some(upload.octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let stored = record::encode(
            V1,
            &UploadV1 {
                millis: 1_767_225_600_000,
                octets: 300,
            },
        );
        let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "010001821b0000019b76daa80019012c");
    }
}
