//! What a power cut can leave that the engine refuses to open: a last batch whose end reached the disk before its
//! middle did.
//!
//! Each batch is synced before the next is written, so only the last one of the newest journal can be torn, and it was
//! never acknowledged. It is cut off and kept in a file beside the journals; if that does not cure the journal, it is
//! put back, because then something acknowledged is damaged and a person has to look. Layout of entries: fjall 3,
//! `journal/entry.rs`.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Result, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
/// After the tag: item count, sequence number.
const START_OCTETS: i64 = 4 + 8;
/// After the tag: checksum, magic.
const END_OCTETS: i64 = 8 + 4;
/// After the tag: value type, compression, keyspace; then the lengths of key, value and stored value.
const ITEM_HEAD_OCTETS: usize = 1 + 1 + 8 + 2 + 4 + 4;

/// A batch cut off a journal.
pub(crate) struct Cut {
    journal: PathBuf,
    at: u64,
    batch: Vec<u8>,
}

impl Cut {
    /// Cuts the last batch off the newest journal in `folder`; none when there is no journal or no batch.
    pub(crate) fn last_batch(folder: &Path) -> Result<Option<Self>> {
        let Some(journal) = newest(folder)? else {
            return Ok(None);
        };
        let Some(at) = last_start(&journal)? else {
            return Ok(None);
        };
        let mut file = OpenOptions::new().read(true).write(true).open(&journal)?;
        file.seek(SeekFrom::Start(at))?;
        let mut batch = Vec::new();
        file.read_to_end(&mut batch)?;
        let octets = batch.iter().rposition(|&octet| octet != 0).map_or(0, |last| last + 1);
        batch.truncate(octets);
        let mut kept = File::create(journal.with_extension("torn"))?;
        kept.write_all(&batch)?;
        kept.sync_all()?;
        file.set_len(at)?;
        file.sync_all()?;
        Ok(Some(Self { journal, at, batch }))
    }
    /// Puts the batch back.
    pub(crate) fn restore(self) -> Result<()> {
        let mut file = OpenOptions::new().write(true).open(&self.journal)?;
        file.seek(SeekFrom::Start(self.at))?;
        file.write_all(&self.batch)?;
        file.sync_all()
    }
}

/// The journal with the highest number.
fn newest(folder: &Path) -> Result<Option<PathBuf>> {
    let mut newest = None;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_suffix(".jnl"));
        if let Some(number) = name.and_then(|name| name.parse::<u64>().ok()) {
            newest = newest.max(Some((number, path)));
        }
    }
    Ok(newest.map(|(_, path)| path))
}

/// Where the last batch of a journal begins; entries are followed as far as they can be read.
fn last_start(journal: &Path) -> Result<Option<u64>> {
    let mut reader = BufReader::new(File::open(journal)?);
    let octets = reader.get_ref().metadata()?.len();
    let mut at = 0;
    let mut last = None;
    while at < octets {
        let mut tag = [0];
        reader.read_exact(&mut tag)?;
        let rest = match tag[0] {
            START => {
                last = Some(at);
                START_OCTETS
            }
            ITEM => {
                let mut head = [0; ITEM_HEAD_OCTETS];
                if reader.read_exact(&mut head).is_err() {
                    break;
                }
                let [.., k0, k1, _, _, _, _, v0, v1, v2, v3] = head;
                let (key, value) = (u16::from_le_bytes([k0, k1]), u32::from_le_bytes([v0, v1, v2, v3]));
                i64::from(key) + i64::from(value)
            }
            END => END_OCTETS,
            _ => break,
        };
        reader.seek_relative(rest)?;
        at = reader.stream_position()?;
    }
    Ok(last)
}
