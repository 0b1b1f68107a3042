//! `/get` (RFC 8620 §5.1).

use serde::{Deserialize, Serialize};

use crate::Id;

/// Arguments of a `/get` that has no others.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Get {
    /// Which account.
    pub account_id: Id,
    /// Which records; all of them when absent.
    #[serde(default)]
    pub ids: Option<Vec<Id>>,
    /// Which properties; all of them when absent.
    #[serde(default)]
    pub properties: Option<Vec<String>>,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetReply<'a, T> {
    /// Which account.
    pub account_id: &'a Id,
    /// The state the records are of, or an earlier one.
    pub state: String,
    /// The records that are there.
    pub list: Vec<T>,
    /// Ids of which there is no record.
    pub not_found: Vec<Id>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::read;

    #[test]
    fn unknown_and_missing_arguments_are_refused() {
        let get: Get = read(r#"{"accountId":"a1","ids":null}"#).unwrap();
        assert!(get.ids.is_none() && get.properties.is_none());
        for wrong in [
            r#"{}"#,
            r#"{"accountId":1}"#,
            r#"{"accountId":"a","id":[]}"#,
            r#"{"accountId":"a","ids":["ü"]}"#,
        ] {
            assert!(read::<Get>(wrong).is_err(), "{wrong}");
        }
    }
}
