//! Tables as people send and get them: CSV and XLSX.

mod csv;
mod xlsx;

/// A table: a head, and rows below it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sheet {
    /// Names of the columns.
    pub head: Vec<String>,
    /// Each with its line in the file, from 1.
    pub rows: Vec<(u32, Vec<String>)>,
}

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetFormat {
    /// Comma-separated values (RFC 4180).
    Csv,
    /// Office Open XML.
    Xlsx,
}

/// Limits of what is read.
#[derive(Debug, Clone, Copy)]
pub struct SheetLimits {
    /// Rows below the head.
    pub rows_max: usize,
    /// Columns.
    pub columns_max: usize,
    /// Characters of one cell.
    pub cell_characters_max: usize,
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// It is no file of that form.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// There is no head.
    #[error("the file has no line with the names of the columns")]
    NoHead,
    /// It is too large.
    #[error("{what} is {max} and the file has more")]
    TooLarge {
        /// The setting.
        what: &'static str,
        /// Its value.
        max: u64,
    },
}

impl Sheet {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or holds more than the limits allow.
    pub fn read(format: SheetFormat, octets: &[u8], limits: SheetLimits) -> Result<Self, SheetError> {
        match format {
            SheetFormat::Csv => csv::read(octets, limits),
            SheetFormat::Xlsx => xlsx::read(octets, limits),
        }
    }
    /// Writes a file.
    ///
    /// # Errors
    /// When the library cannot.
    pub fn write(&self, format: SheetFormat) -> Result<Vec<u8>, SheetError> {
        match format {
            SheetFormat::Csv => csv::write(self),
            SheetFormat::Xlsx => xlsx::write(self),
        }
    }

    /// The rows alone as CSV, to go on with a file that was begun with [`Self::write`].
    ///
    /// # Errors
    /// When the library cannot.
    pub fn more_lines(rows: &[Vec<String>]) -> Result<Vec<u8>, SheetError> {
        csv::lines(rows.iter())
    }

    /// Takes a line in: the first is the head; empty ones are left out.
    fn take(&mut self, line: u32, cells: Vec<String>, limits: SheetLimits) -> Result<(), SheetError> {
        let mut cells: Vec<String> = cells.into_iter().map(|cell| cell.trim().to_owned()).collect();
        while cells.last().is_some_and(String::is_empty) {
            cells.pop();
        }
        if cells.is_empty() {
            return Ok(());
        }
        let too_large = |what, max: usize| SheetError::TooLarge { what, max: max as u64 };
        if cells.len() > limits.columns_max {
            return Err(too_large("sheet_columns_max", limits.columns_max));
        }
        if cells
            .iter()
            .any(|cell| cell.chars().count() > limits.cell_characters_max)
        {
            return Err(too_large("sheet_cell_characters_max", limits.cell_characters_max));
        }
        if self.head.is_empty() {
            self.head = cells;
            return Ok(());
        }
        if self.rows.len() >= limits.rows_max {
            return Err(too_large("sheet_rows_max", limits.rows_max));
        }
        self.rows.push((line, cells));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SheetLimits = SheetLimits {
        rows_max: 3,
        columns_max: 3,
        cell_characters_max: 10,
    };

    fn rows(sheet: &Sheet) -> Vec<(u32, String)> {
        let rows = sheet.rows.iter();
        rows.map(|(line, cells)| (*line, cells.join("|"))).collect()
    }

    #[test]
    fn mem_9_csv_is_read_as_people_write_it() {
        let text = "\u{feff}name,address\r\n\"Wang, Fang\",wf@a.test\r\n\r\n,b@a.test,\r\n";
        let sheet = Sheet::read(SheetFormat::Csv, text.as_bytes(), LIMITS).unwrap();
        assert_eq!(sheet.head, ["name", "address"]);
        assert_eq!(
            rows(&sheet),
            [(2, "Wang, Fang|wf@a.test".to_owned()), (4, "|b@a.test".to_owned())]
        );
        // As a spreadsheet in China saves it.
        let (gbk, ..) = encoding_rs::GBK.encode("姓名;地址\n张三;zs@a.test\n");
        let sheet = Sheet::read(SheetFormat::Csv, &gbk, LIMITS).unwrap();
        assert_eq!(
            (sheet.head[0].as_str(), rows(&sheet)),
            ("姓名", vec![(2, "张三|zs@a.test".to_owned())])
        );
    }

    #[test]
    fn stat_exported_cells_are_no_formulas() {
        let sheet = Sheet {
            head: vec!["name".to_owned()],
            rows: vec![(2, vec!["=1+1".to_owned()]), (3, vec!["+491".to_owned()])],
        };
        let text = String::from_utf8(sheet.write(SheetFormat::Csv).unwrap()).unwrap();
        assert_eq!(text, "\u{feff}name\r\n'=1+1\r\n'+491\r\n");
        let back = Sheet::read(SheetFormat::Csv, text.as_bytes(), LIMITS).unwrap();
        assert_eq!(back, sheet, "what was exported is read back");
        let octets = sheet.write(SheetFormat::Xlsx).unwrap();
        assert_eq!(Sheet::read(SheetFormat::Xlsx, &octets, LIMITS).unwrap(), sheet);
    }

    #[test]
    fn what_is_too_large_or_no_sheet_is_refused_by_name() {
        let check = |text: &str, expect: &str| {
            let outcome = Sheet::read(SheetFormat::Csv, text.as_bytes(), LIMITS);
            assert_eq!(outcome.unwrap_err().to_string(), expect, "{text}");
        };
        check("a\n1\n2\n3\n4\n", "sheet_rows_max is 3 and the file has more");
        check("a,b,c,d\n", "sheet_columns_max is 3 and the file has more");
        check(
            "a\n12345678901\n",
            "sheet_cell_characters_max is 10 and the file has more",
        );
        check("\n\n", "the file has no line with the names of the columns");
        let broken = Sheet::read(SheetFormat::Xlsx, b"PK\x03\x04 not a workbook", LIMITS);
        assert!(matches!(broken, Err(SheetError::Unreadable(_))), "{broken:?}");
    }
}
