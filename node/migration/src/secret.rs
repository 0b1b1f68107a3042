//! Old passwords, sealed: kept until they are replaced or the migration ends, and nowhere else.

use bytes::Bytes;
use hongyan_kv::{KeyRange, Transaction};
use hongyan_sasl::Secret;
use hongyan_seal::{Holder, Kept, Place, SealError, Sealer};
use hongyan_types::AccountId;

use crate::{MigrationId, key};

/// The account that stands for the administrator of the source.
pub(crate) const ADMINISTRATOR: AccountId = AccountId(0);

/// The kind of record, for whoever seals again.
pub const MIGRATION_SECRETS: Holder = Holder {
    kind: "migration.password",
    range,
    again,
};

fn range() -> KeyRange {
    key::all_secrets().range()
}

fn again(sealer: &Sealer, key: &[u8], stored: &[u8]) -> Result<Option<Bytes>, SealError> {
    let kept = Kept::Sealed(stored.to_vec());
    let sealed = sealer.again(&Place::named(MIGRATION_SECRETS.kind, key), &kept)?;
    Ok(sealed.and_then(|kept| kept.to_fields().1).map(Bytes::from))
}

fn key_of(id: MigrationId, account: AccountId) -> Bytes {
    key::secrets(id).int(account.0).pack()
}

/// Seals a password for its place.
pub(crate) fn seal(sealer: &Sealer, id: MigrationId, account: AccountId, secret: &Secret) -> Result<Bytes, SealError> {
    let place = Place::named(MIGRATION_SECRETS.kind, &key_of(id, account));
    sealer.seal(&place, secret.reveal().as_bytes()).map(Bytes::from)
}

pub(crate) fn write(transaction: &mut Transaction, id: MigrationId, account: AccountId, sealed: Bytes) {
    transaction.set(key_of(id, account), sealed);
}

pub(crate) fn wipe(transaction: &mut Transaction, id: MigrationId, account: AccountId) {
    transaction.clear(&key_of(id, account));
}

pub(crate) fn wipe_all(transaction: &mut Transaction, id: MigrationId) {
    transaction.clear_range(key::secrets(id).range());
}

/// The password as it is sealed, if there is one.
pub(crate) async fn read(
    transaction: &mut Transaction,
    id: MigrationId,
    account: AccountId,
) -> hongyan_kv::Result<Option<Bytes>> {
    transaction.get(&key_of(id, account)).await
}

/// The password that was sealed.
pub(crate) fn open(sealer: &Sealer, id: MigrationId, account: AccountId, sealed: &[u8]) -> Result<Secret, SealError> {
    let place = Place::named(MIGRATION_SECRETS.kind, &key_of(id, account));
    let opened = sealer.open(&place, sealed)?;
    Ok(Secret::new(String::from_utf8_lossy(&opened).into_owned()))
}
