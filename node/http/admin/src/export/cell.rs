//! Fields of an item as cells of a table.

use hongyan_types::Timestamp;
use serde_json::Value;

/// The name of a column.
pub(super) fn head(column: &str) -> String {
    let name = column.strip_suffix("_millis").unwrap_or(column);
    name.replace(['.', '_'], " ")
}

/// A row of an item.
pub(super) fn row(item: &Value, columns: &[&str], zone: &str) -> Vec<String> {
    let cell = |column: &&str| {
        let value = column.split('.').fold(item, |value, name| &value[name]);
        match value.as_i64().filter(|_| column.ends_with("_millis")) {
            Some(millis) => hongyan_statistics::moment(Timestamp { millis }, zone),
            None => text(value),
        }
    };
    columns.iter().map(cell).collect()
}

fn text(value: &Value) -> String {
    let of = |map: &serde_json::Map<String, Value>, name: &str| map.get(name).map(text).unwrap_or_default();
    match value {
        Value::Null | Value::Bool(false) => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join("; "),
        Value::Object(map) if map.contains_key("address") => format!("{} ({})", of(map, "address"), of(map, "state")),
        Value::Object(map) if map.contains_key("field") => {
            format!("{}: {} -> {}", of(map, "field"), of(map, "before"), of(map, "after"))
        }
        Value::Object(map) if map.contains_key("subject") => format!("{} ({})", of(map, "subject"), of(map, "from")),
        Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_items_become_cells() {
        let item = serde_json::json!({
            "at_millis": 0, "kind": "sent", "deleted": false, "read": true, "n": 3,
            "recipients": [{"address": "a@b", "state": "queued"}, {"address": "c@d", "state": "delivered"}],
            "fields": [{"field": "name", "before": null, "after": "x"}], "last": {"peer": "::1"},
        });
        let columns = [
            "at_millis",
            "kind",
            "deleted",
            "read",
            "n",
            "recipients",
            "fields",
            "last.peer",
            "none",
        ];
        let expect = [
            "1970-01-01 00:00:00 +00:00",
            "sent",
            "",
            "yes",
            "3",
            "a@b (queued); c@d (delivered)",
            "name:  -> x",
            "::1",
            "",
        ];
        assert_eq!(row(&item, &columns, "UTC"), expect);
        assert_eq!(
            (head("last.at_millis"), head("sign_ins")),
            ("last at".to_owned(), "sign ins".to_owned())
        );
    }
}
