//! Some rows of an imported file, at ("task", "input", task, index of the first).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use minicbor::{Decode, Encode};

/// A row: its line in the file, and its cells.
pub(crate) type Row = (u32, Vec<String>);

#[derive(Encode, Decode)]
struct RowV1 {
    #[n(0)]
    line: u32,
    #[n(1)]
    cells: Vec<String>,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    rows: Vec<RowV1>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(rows: &[Row]) -> Bytes {
    let rows = rows.iter().map(|(line, cells)| RowV1 {
        line: *line,
        cells: cells.clone(),
    });
    record::encode(Schema(1), &V1 { rows: rows.collect() })
}

pub(crate) fn decode(stored: &[u8]) -> Result<Vec<Row>, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(body.rows.into_iter().map(|row| (row.line, row.cells)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let rows = vec![(2, vec!["a".to_owned(), String::new()])];
        let stored = encode(&rows);
        assert_eq!(crate::record::hex(&stored), "0100018181820282616160");
        assert_eq!(decode(&stored), Ok(rows));
    }
}
