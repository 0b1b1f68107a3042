//! What a load costs the server's disk: octets that its processes had written, and how much its folder grew.

use crate::cpu;
use anyhow::{Context, Result};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Octets of a block as `stat` counts them, whatever the file system's own are.
const BLOCK_OCTETS: u64 = 512;

/// The disk at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Disk {
    written: u64,
    kept: u64,
}

impl Disk {
    /// What `roots` and their descendants have written so far, and what `folder` takes now.
    pub fn look(roots: &[u32], folder: &Path) -> Result<Self> {
        Ok(Self {
            written: cpu::written_octets(roots),
            kept: folder_octets(folder)?,
        })
    }

    /// Octets written, and octets kept, since `before` for each of `octets`.
    pub fn since(self, before: Self, octets: u64) -> (f64, f64) {
        let each = |octets_more: f64| octets_more / octets.max(1) as f64;
        let written = self.written.saturating_sub(before.written) as f64;
        (each(written), each(self.kept as f64 - before.kept as f64))
    }
}

/// Octets allocated to the files below `folder`; a file that goes away meanwhile counts nothing.
fn folder_octets(folder: &Path) -> Result<u64> {
    let mut octets = 0;
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let entry = entry.context("read the server's folder")?;
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => octets += metadata.blocks() * BLOCK_OCTETS,
                Err(_) => {}
            }
        }
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_for_each_octet() {
        let before = Disk { written: 100, kept: 50 };
        let after = Disk {
            written: 400,
            kept: 150,
        };
        assert_eq!(after.since(before, 200), (1.5, 0.5));
    }
}
