//! Answers for people: tables and fields.

use std::io::Write;

use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

/// What a thing is known by: printed before its other fields, in this order.
const LEADING: [&str; 7] = ["name", "address", "display_name", "id", "kind", "state", "step"];

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Tables and fields.
    Text,
    /// JSON as the API gave it.
    Json,
}

/// Prints a list with these columns.
pub(crate) fn list(style: Style, items: &Value, columns: &[&str]) {
    say(&match style {
        Style::Json => json(items),
        Style::Text => table(items, columns),
    });
}

/// Prints one thing, field by field.
pub(crate) fn item(style: Style, item: &Value) {
    say(&match style {
        Style::Json => json(item),
        Style::Text => fields(item, ""),
    });
}

/// Says that something was done.
pub(crate) fn done(style: Style, text: &str) {
    say(&match style {
        Style::Json => json(&serde_json::json!({ "done": text })),
        Style::Text => format!("{text}\n"),
    });
}

/// Prints what was written for people elsewhere.
pub(crate) fn text(text: &str) {
    say(text);
}

/// A reader who has seen enough, such as `head`, is no failure.
fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn json(value: &Value) -> String {
    format!("{value:#}\n")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(map) => match map.get("address") {
            Some(address) => cell(address),
            None => parts(map),
        },
        Value::Number(_) => value.to_string(),
    }
}

/// What there is of a thing, in one line: what is missing or nought is left out.
fn parts(map: &serde_json::Map<String, Value>) -> String {
    let is_there = |value: &Value| !value.is_null() && value.as_i64() != Some(0) && value.as_bool() != Some(false);
    let there = map.iter().filter(|(_, value)| is_there(value));
    let parts: Vec<String> = there
        .map(|(name, value)| format!("{}: {}", name.replace('_', " "), cell(value)))
        .collect();
    if parts.is_empty() {
        "-".to_owned()
    } else {
        parts.join(", ")
    }
}

/// A list with these columns, as people read it.
pub(crate) fn table(items: &Value, columns: &[&str]) -> String {
    let none = Vec::new();
    let items = items.as_array().unwrap_or(&none);
    let head = |name: &&str| name.strip_suffix("_millis").unwrap_or(name).replace('_', " ");
    let mut rows = vec![columns.iter().map(head).collect::<Vec<_>>()];
    for item in items {
        rows.push(
            columns
                .iter()
                .map(|name| cell(&readable(name, &item[*name]).1))
                .collect(),
        );
    }
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| rows.iter().map(|row| row[column].width()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in rows {
        // Chinese, Japanese and Korean characters take two columns of a terminal each.
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let padding = width.saturating_sub(cell.width());
            format!("{cell}{:padding$}", "")
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A field of a moment, `<name>_millis`, as people read it; anything else as it is.
fn readable(name: &str, value: &Value) -> (String, Value) {
    let moment = name.strip_suffix("_millis").zip(value.as_i64());
    let moment = moment.and_then(|(name, millis)| Some((name, jiff::Timestamp::from_millisecond(millis).ok()?)));
    match moment {
        Some((name, moment)) => (name.replace('_', " "), Value::String(format!("{moment:.0}"))),
        None if value.is_null() => (name.trim_end_matches("_millis").replace('_', " "), Value::Null),
        None => (name.replace('_', " "), value.clone()),
    }
}

/// A moment as people read it.
pub(crate) fn moment(millis: &Value) -> String {
    cell(&readable("_millis", millis).1)
}

/// Whether a value has fields of its own and so takes several lines.
fn holds_fields(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(items) => items.iter().any(Value::is_object),
        _ => false,
    }
}

fn fields(item: &Value, indent: &str) -> String {
    let Some(map) = item.as_object() else {
        return format!("{indent}{}\n", cell(item));
    };
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    entries.sort_by_key(|(name, value)| {
        let leading = LEADING.iter().position(|leading| leading == name);
        (holds_fields(value), leading.unwrap_or(LEADING.len()))
    });
    let mut text = String::new();
    for (name, value) in entries {
        let (name, value) = readable(name, value);
        match &value {
            Value::Object(_) => text.push_str(&format!("{indent}{name}:\n{}", fields(&value, &format!("{indent}  ")))),
            Value::Array(items) if holds_fields(&value) => {
                text.push_str(&format!("{indent}{name}:\n"));
                // A dash begins each, so that one is told from the next.
                for item in items {
                    let inner = format!("{indent}    ");
                    let item = fields(item, &inner);
                    let rest = item.strip_prefix(&inner).unwrap_or(&item);
                    text.push_str(&format!("{indent}  - {rest}"));
                }
            }
            _ => text.push_str(&format!("{indent}{name}: {}\n", cell(&value))),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_line_up() {
        let items = json!([{"name": "Acme", "accounts": 12}, {"name": "B", "accounts": null}]);
        assert_eq!(
            table(&items, &["name", "accounts"]),
            "name  accounts\nAcme  12\nB     -\n"
        );
    }

    #[test]
    fn counts_in_a_table_are_words() {
        let items =
            json!([{"id": 1, "counts": {"all": 3, "not_started": 1, "failed": 0}}, {"id": 2, "counts": {"all": 0}}]);
        assert_eq!(
            table(&items, &["id", "counts"]),
            "id  counts\n1   all: 3, not started: 1\n2   -\n"
        );
    }

    #[test]
    fn tables_with_chinese_names_line_up() {
        let items = json!([{"name": "张伟", "state": "active"}, {"name": "Anna", "state": "invited"}]);
        assert_eq!(
            table(&items, &["name", "state"]),
            "name  state\n张伟  active\nAnna  invited\n"
        );
    }

    #[test]
    fn fields_begin_with_what_a_thing_is_known_by() {
        let item = json!({"accounts": 2, "id": 7, "account_settings": {"imap": true}, "name": "Acme"});
        assert_eq!(
            fields(&item, ""),
            "name: Acme\nid: 7\naccounts: 2\naccount settings:\n  imap: yes\n"
        );
    }

    #[test]
    fn moments_in_tables_are_readable() {
        let items = json!([{"id": "1", "since_millis": 1_795_242_002_078_i64}]);
        assert_eq!(
            table(&items, &["id", "since_millis"]),
            "id  since\n1   2026-11-21T06:20:02Z\n"
        );
    }

    #[test]
    fn fields_nest() {
        let item = json!({"address": "a@b", "settings": {"imap": true}});
        assert_eq!(fields(&item, ""), "address: a@b\nsettings:\n  imap: yes\n");
    }

    #[test]
    fn things_in_a_list_are_told_apart() {
        let item = json!({"guide": [{"done": true, "step": "add-domain"}, {"done": false, "step": "start-to-use"}]});
        assert_eq!(
            fields(&item, ""),
            "guide:\n  - step: add-domain\n    done: yes\n  - step: start-to-use\n    done: no\n"
        );
        assert_eq!(
            fields(&json!({"whole": item}), "").lines().nth(2),
            Some("    - step: add-domain")
        );
    }

    #[test]
    fn moments_are_readable() {
        let item = json!({"next_attempt_millis": 1_795_242_002_078_i64, "attempts": 3});
        assert_eq!(fields(&item, ""), "attempts: 3\nnext attempt: 2026-11-21T06:20:02Z\n");
        assert_eq!(fields(&json!({"until_millis": null}), ""), "until: -\n");
    }
}
