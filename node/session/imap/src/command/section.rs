//! Sections of a message (RFC 9051 §6.4.5.1, RFC 3516): found in the stored structure, streamed from the blob.

use bytes::Bytes;
use hongyan_blob::{BlobAddress, BlobReader, BlobStore};
use hongyan_imap::command::fetch::{Partial, Section, SectionForm, SectionText};
use hongyan_imap::{Code, Status};
use hongyan_kv::Transaction;
use hongyan_mailbox::Email;
use hongyan_mailbox::search::Source;
use hongyan_message::{Content, Encoding, Part, Structure, TransferDecoder};

use crate::session::Session;
use crate::stop::Stop;

/// Messages up to this size are read at once.
pub(crate) const WHOLE_OCTETS_MAX: u64 = 256 * 1_024;
/// Octets read at a time of larger ones.
const STEP_OCTETS: usize = 64 * 1_024;
/// Of a longer header, HEADER.FIELDS sees the beginning only.
const HEADER_OCTETS_MAX: u64 = 1_024 * 1_024;

/// A message's bytes, as far as they are needed.
pub(crate) enum Body {
    /// Not needed.
    None,
    /// All of them.
    Whole(Bytes),
    /// Read when needed.
    Reader(Box<BlobReader>),
}

/// A stretch of a message.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    offset: u64,
    octets: u64,
}

/// What a section names.
enum Found<'a> {
    Nothing,
    Stretch(Stretch),
    Fields {
        header: Stretch,
        names: &'a [String],
        not: bool,
    },
}

impl Body {
    /// Opens the bytes of `email`.
    pub(crate) async fn of(session: &Session, tenant: u64, email: &Email) -> Result<Self, Stop> {
        let services = &session.services;
        Self::whole_or_reader(services.blobs.open_blob(tenant, &email.blob).await?).await
    }

    /// Opens the bytes at `address`, reading with `transaction`.
    pub(crate) async fn open_in(
        blobs: &BlobStore,
        transaction: &mut Transaction,
        tenant: u64,
        address: &BlobAddress,
    ) -> Result<Self, Stop> {
        Self::whole_or_reader(blobs.open_blob_in(transaction, tenant, address).await?).await
    }

    async fn whole_or_reader(mut reader: BlobReader) -> Result<Self, Stop> {
        let octets = reader.octets();
        match usize::try_from(octets) {
            Ok(length) if octets <= WHOLE_OCTETS_MAX => Ok(Self::Whole(reader.read(0, length).await?)),
            _ => Ok(Self::Reader(Box::new(reader))),
        }
    }

    /// How many octets there are; none when they are not needed.
    pub(crate) fn octets(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::Whole(bytes) => octets_of(bytes),
            Self::Reader(reader) => reader.octets(),
        }
    }

    /// Up to `length` octets from `offset`; empty at the end.
    pub(crate) async fn read(&mut self, offset: u64, length: usize) -> Result<Bytes, Stop> {
        match self {
            Self::None => Ok(Bytes::new()),
            Self::Whole(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let end = start.saturating_add(length).min(bytes.len());
                Ok(bytes.slice(start..end))
            }
            Self::Reader(reader) => Ok(reader.read(offset, length).await?),
        }
    }
}

impl Source for Body {
    type Error = Stop;
    fn read(&mut self, offset: u64, length: usize) -> impl Future<Output = Result<Bytes, Stop>> + Send {
        Self::read(self, offset, length)
    }
}

/// Whether `section` is the message as it is: nothing of its structure is needed to tell it.
pub(crate) fn is_whole_message(section: &Section) -> bool {
    matches!(section.form, SectionForm::Body | SectionForm::Rfc822)
        && section.part.is_empty()
        && section.text == SectionText::All
}

/// Refuses what cannot be decoded, before anything is written.
pub(crate) fn check_decodable(structure: &Structure, section: &Section) -> Result<(), Stop> {
    let binary = matches!(section.form, SectionForm::Binary | SectionForm::BinarySize);
    let part = structure.section(&section.part);
    match part.map(|part| &part.encoding) {
        Some(Encoding::Other(_)) if binary && !section.part.is_empty() => {
            Err(Status::no_with(Code::UnknownCte, "The transfer encoding is unknown").into())
        }
        _ => Ok(()),
    }
}

impl Session {
    /// Writes one section with its name.
    pub(crate) async fn tell_section(
        &mut self,
        structure: &Structure,
        body: &mut Body,
        section: &Section,
    ) -> Result<(), Stop> {
        self.imap.output().fetch_section_name(section);
        match section.form {
            SectionForm::BinarySize => {
                let octets = structure.section(&section.part).map_or(0, |part| {
                    if section.part.is_empty() {
                        structure.octets
                    } else {
                        part.decoded_octets
                    }
                });
                self.imap.output().number(octets);
                Ok(())
            }
            SectionForm::Binary => self.tell_binary(structure, body, section).await,
            _ => match find(structure, section) {
                Found::Nothing => {
                    self.imap.output().nstring(None);
                    Ok(())
                }
                Found::Stretch(stretch) => self.tell_stretch(body, section, stretch).await,
                Found::Fields { header, names, not } => {
                    let length = usize::try_from(header.octets.min(HEADER_OCTETS_MAX)).unwrap_or(0);
                    let header = body.read(header.offset, length).await.map_err(|_| Stop::Gone)?;
                    let fields = choose_fields(&header, names, not);
                    let all = Stretch {
                        offset: 0,
                        octets: octets_of(&fields),
                    };
                    let cut = all.cut(section.partial);
                    self.imap.output().literal_head(cut.octets);
                    self.imap.output().raw(cut.of(&fields));
                    Ok(())
                }
            },
        }
    }

    /// Writes a section that is the whole message, with its name.
    pub(crate) async fn tell_whole(&mut self, body: &mut Body, section: &Section) -> Result<(), Stop> {
        self.imap.output().fetch_section_name(section);
        let stretch = Stretch {
            offset: 0,
            octets: body.octets(),
        };
        self.tell_stretch(body, section, stretch).await
    }

    async fn tell_stretch(&mut self, body: &mut Body, section: &Section, stretch: Stretch) -> Result<(), Stop> {
        let stretch = stretch.cut(section.partial);
        self.imap.output().literal_head(stretch.octets);
        self.stream(body, stretch).await
    }

    /// Writes exactly the octets of `stretch`. A failure on the way leaves a broken literal: the connection ends.
    async fn stream(&mut self, body: &mut Body, stretch: Stretch) -> Result<(), Stop> {
        let end = stretch.offset.saturating_add(stretch.octets);
        let mut at = stretch.offset;
        while at < end {
            let length = usize::try_from(end - at).unwrap_or(STEP_OCTETS).min(STEP_OCTETS);
            let piece = body.read(at, length).await.map_err(|_| Stop::Gone)?;
            if piece.is_empty() {
                return Err(Stop::Gone);
            }
            self.imap.output().raw(&piece);
            at = at.saturating_add(octets_of(&piece));
            self.flush_if_full().await?;
        }
        Ok(())
    }

    async fn tell_binary(&mut self, structure: &Structure, body: &mut Body, section: &Section) -> Result<(), Stop> {
        let Some(part) = structure.section(&section.part) else {
            self.imap.output().nstring(None);
            return Ok(());
        };
        let raw = part_body(part);
        let plain = section.part.is_empty() || part.content != Content::Leaf;
        let all = Stretch {
            offset: 0,
            octets: match (section.part.is_empty(), plain) {
                (true, _) => structure.octets,
                (false, true) => raw.octets,
                (false, false) => part.decoded_octets,
            },
        };
        let cut = all.cut(section.partial);
        self.imap.output().literal8_head(cut.octets);
        if plain {
            let start = if section.part.is_empty() { 0 } else { raw.offset };
            let stretch = Stretch {
                offset: start.saturating_add(cut.offset),
                octets: cut.octets,
            };
            return self.stream(body, stretch).await;
        }
        self.stream_decoded(body, part, cut).await
    }

    async fn stream_decoded(&mut self, body: &mut Body, part: &Part, cut: Stretch) -> Result<(), Stop> {
        let raw = part_body(part);
        let mut decoder = TransferDecoder::new(&part.encoding);
        let (mut decoded, mut seen, mut left) = (Vec::new(), 0_u64, cut.octets);
        let (mut at, end) = (raw.offset, raw.offset.saturating_add(raw.octets));
        while left > 0 {
            decoded.clear();
            if at < end {
                let length = usize::try_from(end - at).unwrap_or(STEP_OCTETS).min(STEP_OCTETS);
                let piece = body.read(at, length).await.map_err(|_| Stop::Gone)?;
                at = at.saturating_add(octets_of(&piece));
                if piece.is_empty() {
                    return Err(Stop::Gone);
                }
                decoder.push(&piece, &mut decoded);
            } else {
                decoder.finish(&mut decoded);
                if decoded.is_empty() {
                    return Err(Stop::Gone);
                }
            }
            let skip = cut.offset.saturating_sub(seen).min(octets_of(&decoded));
            let wanted = Stretch {
                offset: skip,
                octets: left.min(octets_of(&decoded) - skip),
            };
            self.imap.output().raw(wanted.of(&decoded));
            left -= wanted.octets;
            seen = seen.saturating_add(octets_of(&decoded));
            self.flush_if_full().await?;
        }
        Ok(())
    }
}

impl Stretch {
    /// What is left of the stretch when only some octets are asked for (RFC 9051 §6.4.5, `<offset.octets>`).
    fn cut(self, partial: Option<Partial>) -> Self {
        let Some(partial) = partial else {
            return self;
        };
        let skipped = partial.offset.min(self.octets);
        Self {
            offset: self.offset.saturating_add(skipped),
            octets: (self.octets - skipped).min(partial.octets),
        }
    }

    fn of(self, bytes: &[u8]) -> &[u8] {
        let start = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let length = usize::try_from(self.octets).unwrap_or(usize::MAX);
        bytes
            .get(start..)
            .and_then(|rest| rest.get(..length))
            .unwrap_or_default()
    }
}

fn octets_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn part_body(part: &Part) -> Stretch {
    Stretch {
        offset: part.body_offset(),
        octets: part.body_octets,
    }
}

fn part_header(part: &Part) -> Stretch {
    Stretch {
        offset: part.header_offset,
        octets: part.header_octets,
    }
}

fn find<'a>(structure: &Structure, section: &'a Section) -> Found<'a> {
    let whole = section.part.is_empty();
    let Some(part) = structure.section(&section.part) else {
        return Found::Nothing;
    };
    match &section.text {
        SectionText::All if whole => {
            return Found::Stretch(Stretch {
                offset: 0,
                octets: structure.octets,
            });
        }
        SectionText::All => return Found::Stretch(part_body(part)),
        SectionText::Mime => return Found::Stretch(part_header(part)),
        _ => {}
    }
    // HEADER and TEXT behind part numbers are of the message inside that part.
    let message = match &part.content {
        _ if whole => &structure.root,
        Content::Message(embedded) => &embedded.root,
        _ => return Found::Nothing,
    };
    match &section.text {
        SectionText::Header => Found::Stretch(part_header(message)),
        SectionText::HeaderFields { not, names } => Found::Fields {
            header: part_header(message),
            names,
            not: *not,
        },
        _ => Found::Stretch(Stretch {
            // Up to the end of what holds it, as it was sent.
            offset: message.body_offset(),
            octets: if whole {
                structure.octets.saturating_sub(message.header_octets)
            } else {
                part.body_octets.saturating_sub(message.header_octets)
            },
        }),
    }
}

/// The fields named, or all others, as they stand in `header`, and the blank line.
fn choose_fields(header: &[u8], names: &[String], not: bool) -> Vec<u8> {
    let mut chosen = Vec::new();
    let mut taking = false;
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii_end();
        if text.is_empty() {
            break;
        }
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let colon = text.iter().position(|byte| *byte == b':');
            let name = text
                .get(..colon.unwrap_or(text.len()))
                .unwrap_or_default()
                .trim_ascii_end();
            let named = names.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name));
            taking = colon.is_some() && named != not;
        }
        if taking {
            chosen.extend_from_slice(line);
        }
    }
    // RFC 9051 §6.4.5.1: the blank line is always there.
    chosen.extend_from_slice(b"\r\n");
    chosen
}

#[cfg(test)]
mod tests {
    use super::choose_fields;

    #[test]
    fn fields_are_chosen() {
        let header = b"From: a\r\nTo: b,\r\n c\r\nrubbish\r\nSubject : d\r\n\r\n";
        let names = ["TO".to_owned(), "subject".to_owned()];
        assert_eq!(
            choose_fields(header, &names, false),
            b"To: b,\r\n c\r\nSubject : d\r\n\r\n"
        );
        assert_eq!(choose_fields(header, &names, true), b"From: a\r\n\r\n");
        assert_eq!(choose_fields(b"", &names, false), b"\r\n");
    }
}
