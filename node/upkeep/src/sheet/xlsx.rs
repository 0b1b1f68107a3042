//! XLSX: the first sheet of a workbook. Cells are written as text, so none is a formula.

use std::io::Cursor;

use calamine::{Data, DataRef, Reader, Xlsx, XlsxError};
use rust_xlsxwriter::{Format, Workbook, XlsxError as WriteError};

use super::{Sheet, SheetError, SheetLimits};

/// Octets that a workbook may unfold to for each of its own: more is made to break readers.
const UNFOLDED_OCTETS_MAX: u64 = 500 << 20;

pub(super) fn read(octets: &[u8], limits: SheetLimits) -> Result<Sheet, SheetError> {
    let unreadable = |error: XlsxError| SheetError::Unreadable(error.to_string());
    if unfolded(octets) > UNFOLDED_OCTETS_MAX {
        return Err(SheetError::TooLarge {
            what: "sheet_octets_max",
            max: UNFOLDED_OCTETS_MAX,
        });
    }
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(octets)).map_err(unreadable)?;
    let name = book.sheet_names().first().cloned().ok_or(SheetError::NoHead)?;
    let mut cells = book.worksheet_cells_reader(&name).map_err(unreadable)?;
    let mut sheet = Sheet::default();
    let (mut at, mut row): (u32, Vec<String>) = (0, Vec::new());
    while let Some(cell) = cells.next_cell().map_err(unreadable)? {
        let (line, column) = cell.get_position();
        if line != at {
            sheet.take(at.saturating_add(1), std::mem::take(&mut row), limits)?;
            at = line;
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if column >= limits.columns_max {
            continue;
        }
        row.resize(row.len().max(column + 1), String::new());
        if let Some(place) = row.get_mut(column) {
            *place = text(cell.get_value());
        }
    }
    sheet.take(at.saturating_add(1), row, limits)?;
    if sheet.head.is_empty() {
        return Err(SheetError::NoHead);
    }
    Ok(sheet)
}

/// What the archive's directory says its files unfold to.
fn unfolded(octets: &[u8]) -> u64 {
    // Each entry of the central directory begins with its mark; the size is at 24.
    let mut total = 0_u64;
    let mut rest = octets;
    while let Some(at) = rest.windows(4).position(|window| window == b"PK\x01\x02") {
        rest = rest.get(at..).unwrap_or_default();
        if let Some(size) = rest.get(24..28).and_then(|size| <[u8; 4]>::try_from(size).ok()) {
            total = total.saturating_add(u64::from(u32::from_le_bytes(size)));
        }
        rest = rest.get(4..).unwrap_or_default();
    }
    total
}

/// A cell as people see it: a number that is whole has no point.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        DataRef::SharedString(text) => (*text).to_owned(),
        other => Data::from(other.clone()).to_string(),
    }
}

pub(super) fn write(sheet: &Sheet) -> Result<Vec<u8>, SheetError> {
    let unwritable = |error: WriteError| SheetError::Unreadable(error.to_string());
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    let (bold, plain) = (Format::new().set_bold(), Format::new().set_num_format("@"));
    let rows = sheet.rows.iter().map(|(_, cells)| cells);
    for (row, cells) in std::iter::once(&sheet.head).chain(rows).enumerate() {
        let format = if row == 0 { &bold } else { &plain };
        for (column, cell) in cells.iter().enumerate() {
            let (row, column) = (u32::try_from(row), u16::try_from(column));
            let (Ok(row), Ok(column)) = (row, column) else { continue };
            page.write_string_with_format(row, column, cell, format)
                .map_err(unwritable)?;
        }
    }
    book.save_to_buffer().map_err(unwritable)
}
