//! CSV (RFC 4180), UTF-8 with a byte order mark; what is read may also be GB 18030, and separated by semicolons or tabs.

use super::{Sheet, SheetError, SheetLimits};

/// What begins a formula in a spreadsheet.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
const MARK: &str = "\u{feff}";

pub(super) fn read(octets: &[u8], limits: SheetLimits) -> Result<Sheet, SheetError> {
    let text = match std::str::from_utf8(octets) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let (text, _, broken) = encoding_rs::GB18030.decode(octets);
            if broken {
                return Err(SheetError::Unreadable("it is neither UTF-8 nor GB 18030".to_owned()));
            }
            text.into_owned()
        }
    };
    let text = text.strip_prefix(MARK).unwrap_or(&text);
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(text))
        .from_reader(text.as_bytes());
    let mut sheet = Sheet::default();
    let (mut line, mut counted) = (1, 0);
    for record in reader.records() {
        let record = record.map_err(|error| SheetError::Unreadable(error.to_string()))?;
        // The reader stands before the line breaks that come before a record.
        let begin = record
            .position()
            .map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
        let breaks = text
            .bytes()
            .skip(begin)
            .take_while(|octet| matches!(octet, b'\r' | b'\n'))
            .count();
        let passed = text.as_bytes().get(counted..begin + breaks).unwrap_or_default();
        line += u32::try_from(passed.iter().filter(|octet| **octet == b'\n').count()).unwrap_or(0);
        counted = begin + breaks;
        let cells = record.iter().map(|cell| plain(cell).to_owned());
        sheet.take(line, cells.collect(), limits)?;
    }
    if sheet.head.is_empty() {
        return Err(SheetError::NoHead);
    }
    Ok(sheet)
}

/// The separator that the first line has most of.
fn delimiter(text: &str) -> u8 {
    let head = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |separator: u8| head.bytes().filter(|octet| *octet == separator).count();
    let others = [b';', b'\t'];
    others
        .into_iter()
        .find(|other| count(*other) > count(b','))
        .unwrap_or(b',')
}

/// A cell without what [`write`] protects it with.
fn plain(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(FORMULA) => rest,
        _ => cell,
    }
}

pub(super) fn write(sheet: &Sheet) -> Result<Vec<u8>, SheetError> {
    let rows = sheet.rows.iter().map(|(_, cells)| cells);
    let lines = lines(std::iter::once(&sheet.head).chain(rows))?;
    Ok([MARK.as_bytes(), &lines].concat())
}

/// Lines alone, to go on with what [`write`] has begun.
pub(super) fn lines<'r>(rows: impl Iterator<Item = &'r Vec<String>>) -> Result<Vec<u8>, SheetError> {
    let mut octets = Vec::new();
    let mut writer = ::csv::WriterBuilder::new()
        .flexible(true)
        .terminator(::csv::Terminator::CRLF)
        .from_writer(&mut octets);
    for cells in rows {
        let cells = cells.iter().map(|cell| protected(cell));
        writer
            .write_record(cells)
            .map_err(|error| SheetError::Unreadable(error.to_string()))?;
    }
    writer
        .flush()
        .map_err(|error| SheetError::Unreadable(error.to_string()))?;
    drop(writer);
    Ok(octets)
}

/// A cell that no spreadsheet takes for a formula.
fn protected(cell: &str) -> String {
    if cell.starts_with(FORMULA) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}
