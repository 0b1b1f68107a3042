//! The settings described: the reference page and the commented file that `hongyan init` writes.

use std::fmt::Write;

use serde::Serialize;

use crate::Config;

/// One section.
#[derive(Debug, Clone)]
pub struct SectionDoc {
    /// Name of its TOML table.
    pub table: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Its settings.
    pub settings: Vec<SettingDoc>,
}

/// One setting.
#[derive(Debug, Clone)]
pub struct SettingDoc {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub text: &'static str,
    /// Its default, as TOML.
    pub default: String,
    /// Its unit, or nothing.
    pub unit: &'static str,
    /// What it may be.
    pub range: &'static str,
    /// When a changed value counts.
    pub reload: &'static str,
}

/// A value as TOML.
pub(crate) fn value(value: &impl Serialize) -> String {
    toml::Value::try_from(value)
        .map(|value| value.to_string())
        .unwrap_or_default()
}

fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The reference page, `ops/docs/config.md`.
#[must_use]
pub fn markdown() -> String {
    let mut page = String::from(
        "# Configuration\n\nMade from `node/config` by its tests; do not edit. The file is TOML; what it does not set has its default. \
         All settings are of the level *system*: they hold for the node. Everything else (organisations, domains, members ...) is in \
         the store and managed with `hongyan organisation|domain|member|department|tag|role|alias|group|session`.\n",
    );
    for section in Config::document() {
        let _ = write!(page, "\n## [{}]\n\n{}\n\n", section.table, joined(section.about));
        page.push_str(
            "| setting | default | unit | range | a change counts after |\n| --- | --- | --- | --- | --- |\n",
        );
        for setting in &section.settings {
            let _ = writeln!(
                page,
                "| `{}` | `{}` | {} | {} | {} |",
                setting.name, setting.default, setting.unit, setting.range, setting.reload
            );
        }
        page.push('\n');
        for setting in &section.settings {
            let _ = writeln!(page, "- `{}`: {}", setting.name, joined(setting.text));
        }
    }
    page
}

/// A commented file with the settings of `config`; those that have their default are commented out.
#[must_use]
pub fn template(config: &Config) -> String {
    let mut file = String::from("# Configuration of Hongyan. What is commented out shows the default.\n");
    let tables = toml::Table::try_from(config).unwrap_or_default();
    for section in Config::document() {
        let _ = write!(file, "\n# {}\n[{}]\n", joined(section.about), section.table);
        for setting in &section.settings {
            let present = tables
                .get(section.table)
                .and_then(|table| table.get(setting.name))
                .map_or_else(|| setting.default.clone(), ToString::to_string);
            let unit = if setting.unit.is_empty() {
                String::new()
            } else {
                format!(" In {}.", setting.unit)
            };
            let _ = writeln!(file, "# {}{unit}", joined(setting.text));
            let mark = if present == setting.default { "# " } else { "" };
            let _ = writeln!(file, "{mark}{} = {present}", setting.name);
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_reference_page_is_up_to_date() {
        // Tests run in their crate's folder; where they were built may be another clone's, with a shared target folder.
        let path = Path::new("../../ops/docs/config.md");
        let page = markdown();
        if std::env::var_os("HONGYAN_WRITE_DOCS").is_some() {
            std::fs::write(path, &page).unwrap();
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(
            found, page,
            "run this test with HONGYAN_WRITE_DOCS=1 and commit ops/docs/config.md"
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut config = Config::default();
        config.node.host_name = "mx.example.test".to_owned();
        config.listen.http = vec!["127.0.0.1:9000".to_owned()];
        config.limits.connections_max = 7;
        let text = template(&config);
        assert_eq!(Config::parse(Path::new("x.toml"), &text).unwrap(), config);
        assert!(text.contains("\nhost_name = \"mx.example.test\"\n"), "{text}");
        assert!(text.contains("\n# arbiters = 0\n"), "{text}");
    }
}
