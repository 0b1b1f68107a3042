//! The top level of the repository, and the paths that README.md and ARCHITECTURE.md name.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::Finding;

/// What may stand at the top, besides dot-files.
const TOP: &[&str] = &[
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "chaos",
    "clippy.toml",
    "cluster",
    "deny.toml",
    "node",
    "ops",
    "protocols",
    "rustfmt.toml",
    "storage",
    "target",
];

pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for entry in fs::read_dir(root).context("list the top level")? {
        let name = entry
            .context("list the top level")?
            .file_name()
            .to_string_lossy()
            .into_owned();
        if !name.starts_with('.') && !TOP.contains(&name.as_str()) {
            findings.push(Finding {
                place: name,
                rule: "has no place at the top level".to_owned(),
            });
        }
    }
    for paper in ["README.md", "ARCHITECTURE.md"] {
        let text = fs::read_to_string(root.join(paper)).with_context(|| format!("read {paper}"))?;
        for path in named_paths(&text) {
            if !root.join(&path).exists() {
                findings.push(Finding {
                    place: paper.to_owned(),
                    rule: format!("names {path}, which does not exist"),
                });
            }
        }
    }
    Ok(findings)
}

/// Words in back-ticks or link targets that start with one of our folders.
fn named_paths(text: &str) -> Vec<String> {
    let words = text.split(['`', '(', ')', ' ', '\n', ',']);
    words
        .map(|word| word.trim_start_matches("./").trim_end_matches(['.', ';', ':', '\'']))
        .filter(|word| {
            ["protocols/", "storage/", "cluster/", "node/", "ops/", "chaos/"]
                .iter()
                .any(|top| word.starts_with(top))
        })
        .filter(|word| !word.contains(['<', '{', '*']))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::named_paths;

    #[test]
    fn paths_are_found_in_code_and_links() {
        let text = "see `storage/kv` and [it](ops/docs/config.md), run ./ops/run.sh, not `storage` or `node/<x>`";
        assert_eq!(named_paths(text), ["storage/kv", "ops/docs/config.md", "ops/run.sh"]);
    }
}
