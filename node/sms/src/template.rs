//! Texts with places for what a message is made of, such as `{number}`.

/// How what is put in is written, so that it stays what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    /// As it is.
    Plain,
    /// Within a URL, or a form (RFC 3986 §2.1).
    Percent,
    /// Within a string of JSON.
    Json,
}

impl Writing {
    /// How a body of that type is written.
    pub(crate) fn of(content_type: &str) -> Self {
        let kind = content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match kind.as_str() {
            "application/x-www-form-urlencoded" => Self::Percent,
            kind if kind.ends_with("json") => Self::Json,
            _ => Self::Plain,
        }
    }
    fn write(self, value: &str) -> String {
        match self {
            Self::Plain => value.to_owned(),
            Self::Percent => value
                .bytes()
                .map(|octet| match octet {
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        char::from(octet).to_string()
                    }
                    octet => format!("%{octet:02X}"),
                })
                .collect(),
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
        }
    }
}

/// Puts values in their places, in one pass: what is put in is not looked at again.
pub(crate) fn fill(template: &str, values: &[(&str, &str)], writing: Writing) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        let place = values.iter().find(|(name, _)| {
            let inner = from.strip_prefix('{').and_then(|inner| inner.strip_prefix(name));
            inner.is_some_and(|inner| inner.starts_with('}'))
        });
        match place {
            Some((name, value)) => {
                filled.push_str(&writing.write(value));
                rest = &from[name.len() + 2..];
            }
            None => {
                filled.push('{');
                rest = &from[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_stays_what_it_is() {
        let values = [("number", "+861"), ("text", "a \"b\" {code}\n验"), ("code", "042")];
        let json = r#"{"to":"{number}","text":"{text}","x":{"{other}":1}}"#;
        assert_eq!(
            fill(json, &values, Writing::Json),
            r#"{"to":"+861","text":"a \"b\" {code}\n验","x":{"{other}":1}}"#
        );
        assert_eq!(
            fill("to={number}&t={text}", &values, Writing::Percent),
            "to=%2B861&t=a%20%22b%22%20%7Bcode%7D%0A%E9%AA%8C"
        );
        assert_eq!(fill("{code}{", &values, Writing::Plain), "042{");
        assert_eq!(Writing::of("application/json; charset=utf-8"), Writing::Json);
        assert_eq!(Writing::of("application/x-www-form-urlencoded"), Writing::Percent);
        assert_eq!(Writing::of("text/plain"), Writing::Plain);
    }
}
