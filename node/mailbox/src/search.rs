//! Looking for text in a mail's header and body, streamed: memory does not grow with the mail. For every protocol that
//! searches.

use bytes::Bytes;
use hongyan_blob::{BlobError, BlobReader};
use hongyan_message::{Part, TextReader, header};

use crate::Email;

/// Octets read at a time.
const STEP_OCTETS: usize = 32 * 1_024;
/// Of a longer header, the beginning is looked at.
const HEADER_OCTETS_MAX: u64 = 1_024 * 1_024;

/// Where text is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a header field of that name; an empty text asks whether the field is there.
    Field(String),
    /// In the text of the body.
    Body,
    /// In header or body.
    Everywhere,
}

/// Something to look for.
#[derive(Debug, Clone)]
pub struct Needle {
    /// Where.
    pub place: Place,
    /// What, folded by [`fold`].
    pub text: String,
}

/// Text as it is compared: without case.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Where a mail's bytes come from.
pub trait Source: Send {
    /// Why they cannot be read.
    type Error;
    /// Up to `length` octets from `offset`; empty at the end.
    fn read(&mut self, offset: u64, length: usize) -> impl Future<Output = Result<Bytes, Self::Error>> + Send;
}

impl Source for BlobReader {
    type Error = BlobError;
    fn read(&mut self, offset: u64, length: usize) -> impl Future<Output = Result<Bytes, BlobError>> + Send {
        Self::read(self, offset, length)
    }
}

/// Says of each needle whether it is there.
///
/// # Errors
/// Those of the source.
pub async fn look<S: Source>(body: &mut S, email: &Email, needles: &[Needle]) -> Result<Vec<bool>, S::Error> {
    let mut found = vec![false; needles.len()];
    if needles.iter().any(|needle| needle.place != Place::Body) {
        look_in_header(body, &email.structure.root, needles, &mut found).await?;
    }
    if !needles.iter().any(|needle| !matches!(needle.place, Place::Field(_))) {
        return Ok(found);
    }
    let mut parts = Vec::new();
    email.structure.root.walk(&mut |part| parts.push(part));
    for part in parts {
        if open_needles(needles, &found).next().is_none() {
            break;
        }
        look_in_part(body, part, needles, &mut found).await?;
    }
    Ok(found)
}

/// Needles of the body that are not found yet.
fn open_needles<'a>(needles: &'a [Needle], found: &'a [bool]) -> impl Iterator<Item = (usize, &'a Needle)> {
    needles
        .iter()
        .enumerate()
        .filter(|(at, needle)| !matches!(needle.place, Place::Field(_)) && found.get(*at) == Some(&false))
}

async fn look_in_header<S: Source>(
    body: &mut S,
    root: &Part,
    needles: &[Needle],
    found: &mut [bool],
) -> Result<(), S::Error> {
    let length = usize::try_from(root.header_octets.min(HEADER_OCTETS_MAX)).unwrap_or(0);
    let header = body.read(root.header_offset, length).await?;
    for field in header::fields(&header) {
        let is_meant = |place: &Place| match place {
            Place::Field(name) => field.is(name),
            Place::Body => false,
            Place::Everywhere => true,
        };
        let open = needles.iter().zip(found.iter_mut());
        let mut open = open
            .filter(|(needle, found)| !**found && is_meant(&needle.place))
            .peekable();
        // Most fields nobody asks for: what they say is not decoded.
        if open.peek().is_none() {
            continue;
        }
        let text = fold(&field.text());
        for (needle, found) in open {
            *found = text.contains(&needle.text);
        }
    }
    Ok(())
}

async fn look_in_part<S: Source>(
    body: &mut S,
    part: &Part,
    needles: &[Needle],
    found: &mut [bool],
) -> Result<(), S::Error> {
    let Some(mut reader) = TextReader::new(part) else {
        return Ok(());
    };
    let overlap = needles.iter().map(|needle| needle.text.len()).max().unwrap_or(0);
    let mut window = String::new();
    let mut text = String::new();
    let (mut at, end) = (part.body_offset(), part.body_offset().saturating_add(part.body_octets));
    loop {
        text.clear();
        let length = usize::try_from(end - at).unwrap_or(STEP_OCTETS).min(STEP_OCTETS);
        let piece = body.read(at, length).await?;
        at = at.saturating_add(u64::try_from(piece.len()).unwrap_or(0));
        let is_last = piece.is_empty() || at >= end;
        reader.push(&piece, &mut text);
        if is_last {
            reader.finish(&mut text);
        }
        window.push_str(&fold(&text));
        let here: Vec<usize> = open_needles(needles, found)
            .filter(|(_, needle)| window.contains(&needle.text))
            .map(|(at, _)| at)
            .collect();
        for at in here {
            if let Some(found) = found.get_mut(at) {
                *found = true;
            }
        }
        if is_last || open_needles(needles, found).next().is_none() {
            return Ok(());
        }
        // What a needle may have begun in is kept.
        let mut cut = window.len().saturating_sub(overlap);
        while !window.is_char_boundary(cut) {
            cut -= 1;
        }
        window.drain(..cut);
    }
}
