//! A stretch of a blob that the account has: a mail, a part of one decoded, an upload.

use bytes::Bytes;
use hongyan_blob::{BlobAddress, BlobError, BlobReader};
use hongyan_mailbox::{MailboxId, read_email};
use hongyan_message::{Structure, TransferDecoder};

use super::upload_record;
use crate::account::Account;
use crate::error::Outcome;
use crate::ids::{BlobId, BlobSource};
use crate::jmap::Jmap;

/// Octets read at a time.
const STEP_OCTETS: usize = 64 * 1024;
/// Parts of larger uploads are not looked for.
const PARSED_OCTETS_MAX: u64 = 32 * 1024 * 1024;

/// Octets on their way out.
pub(crate) struct Stretch {
    reader: BlobReader,
    at: u64,
    end: u64,
    decoder: Option<TransferDecoder>,
    /// Octets that come out.
    pub(super) octets: u64,
}

impl Stretch {
    /// The next octets; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        loop {
            if self.at >= self.end {
                let Some(mut decoder) = self.decoder.take() else {
                    return Ok(None);
                };
                let mut rest = Vec::new();
                decoder.finish(&mut rest);
                return Ok((!rest.is_empty()).then(|| rest.into()));
            }
            let length = usize::try_from(self.end - self.at).map_or(STEP_OCTETS, |rest| rest.min(STEP_OCTETS));
            let piece = self.reader.read(self.at, length).await?;
            self.at += piece.len() as u64;
            let piece = match &mut self.decoder {
                None => piece,
                Some(decoder) => {
                    let mut decoded = Vec::with_capacity(piece.len());
                    decoder.push(&piece, &mut decoded);
                    decoded.into()
                }
            };
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }
}

/// Opens a blob; `None` when the account has none of that id.
pub(crate) async fn open(jmap: &Jmap, account: &Account, blob: &BlobId) -> Outcome<Option<Stretch>> {
    let mailbox = account.mailbox;
    let Some((address, structure)) = find(jmap, account, blob).await? else {
        return Ok(None);
    };
    let reader = match jmap.services.blobs.open_blob(mailbox.tenant.0, &address).await {
        Ok(reader) => reader,
        Err(BlobError::Missing) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let octets = reader.octets();
    let Some(path) = &blob.part else {
        return Ok(Some(Stretch {
            reader,
            at: 0,
            end: octets,
            decoder: None,
            octets,
        }));
    };
    let structure = match structure {
        Some(structure) => structure,
        None => match parse_upload(jmap, mailbox, &address).await? {
            Some(structure) => structure,
            None => return Ok(None),
        },
    };
    Ok(structure.section(&path.0).map(|part| Stretch {
        at: part.body_offset(),
        end: part.body_offset().saturating_add(part.body_octets).min(octets),
        decoder: Some(TransferDecoder::new(&part.encoding)),
        octets: part.decoded_octets,
        reader,
    }))
}

/// Where the bytes are, and of a mail what is known of them.
async fn find(jmap: &Jmap, account: &Account, blob: &BlobId) -> Outcome<Option<(BlobAddress, Option<Structure>)>> {
    let (database, mailbox) = (&jmap.services.database, account.mailbox);
    Ok(match blob.whole {
        // A mail that was deleted is there for a while, but not for this.
        BlobSource::Email(email) if jmap.snapshot(account).await?.places(email).is_empty() => None,
        BlobSource::Email(email) => read_email(database, mailbox, email)
            .await?
            .map(|email| (email.blob, Some(email.structure))),
        BlobSource::Upload(address) => upload_record::octets(database, mailbox, &address)
            .await?
            .map(|_| (address, None)),
    })
}

async fn parse_upload(jmap: &Jmap, mailbox: MailboxId, address: &BlobAddress) -> Outcome<Option<Structure>> {
    let mut reader = jmap.services.blobs.open_blob(mailbox.tenant.0, address).await?;
    if reader.octets() > PARSED_OCTETS_MAX {
        return Ok(None);
    }
    let mut scanner = hongyan_message::Scanner::new(hongyan_message::Limits::default());
    while let Some(piece) = reader.next_chunk().await? {
        scanner.push(&piece);
    }
    Ok(Some(scanner.finish()))
}
