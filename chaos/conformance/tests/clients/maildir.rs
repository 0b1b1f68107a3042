//! Maildirs that programs fill or send from.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::MESSAGES;
use crate::place::Place;

/// Makes an empty Maildir at `name` in the home folder.
pub fn make(place: &Place, name: &str) -> Result<()> {
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(place.path(name).join(part))?;
    }
    Ok(())
}

/// Makes a Maildir that holds all messages, with the line ends of files.
pub fn fill(place: &Place, name: &str) -> Result<()> {
    make(place, name)?;
    for number in 0..MESSAGES {
        let mut mail = place.mail(number);
        mail.retain(|octet| *octet != b'\r');
        fs::write(place.path(name).join(format!("new/{number}.1.host")), mail)?;
    }
    Ok(())
}

/// Checks that a Maildir holds all messages.
pub fn check(place: &Place, name: &str) -> Result<()> {
    let mut got = files(&place.path(name).join("cur"))?;
    got.extend(files(&place.path(name).join("new"))?);
    place.check(&got).with_context(|| format!("Maildir {name}"))
}

/// What the files of a folder hold.
pub fn files(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        found.push(fs::read(entry?.path())?);
    }
    Ok(found)
}
