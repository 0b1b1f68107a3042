//! What is wrong with one row of an imported file, at ("task", "problem", task, line).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use minicbor::{Decode, Encode};

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// In which column; empty for the row as a whole.
    pub field: String,
    /// What it is.
    pub reason: String,
}

impl Problem {
    pub(crate) fn new(field: &str, reason: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            reason: reason.into(),
        }
    }
}

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProblems {
    /// Its line in the file.
    pub line: u32,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

#[derive(Encode, Decode)]
struct ProblemV1 {
    #[n(0)]
    field: String,
    #[n(1)]
    reason: String,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    problems: Vec<ProblemV1>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(problems: &[Problem]) -> Bytes {
    let problems = problems.iter().map(|problem| ProblemV1 {
        field: problem.field.clone(),
        reason: problem.reason.clone(),
    });
    record::encode(
        Schema(1),
        &V1 {
            problems: problems.collect(),
        },
    )
}

pub(crate) fn decode(line: u32, stored: &[u8]) -> Result<RowProblems, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    let problems = body.problems.into_iter().map(|problem| Problem {
        field: problem.field,
        reason: problem.reason,
    });
    Ok(RowProblems {
        line,
        problems: problems.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let problems = vec![Problem {
            field: "a".to_owned(),
            reason: "b".to_owned(),
        }];
        let stored = encode(&problems);
        assert_eq!(crate::record::hex(&stored), "010001818182616161 62".replace(' ', ""));
        assert_eq!(decode(7, &stored), Ok(RowProblems { line: 7, problems }));
    }
}
