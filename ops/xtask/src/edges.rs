//! The directions of dependency: which crate may use which.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::Finding;

/// Layers that a crate of the first may depend on, besides its own.
const ALLOWED: &[(&str, &[&str])] = &[
    ("protocols", &[]),
    ("storage", &[]),
    ("cluster", &[]),
    ("node", &["protocols", "storage", "cluster"]),
    ("ops", &["node"]),
    ("chaos", &["protocols", "storage", "cluster", "node", "ops"]),
];

/// Edges that leave the layers' order, each with its reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("node/server", "ops/cli"), // one binary serves and manages
];

/// The crate that all but `protocols` may use, since it uses nothing of ours.
const TELEMETRY: &str = "ops/telemetry";

/// Third-party crates that one crate alone may name.
const CONFINED: &[(&str, &str)] = &[
    ("actix", "cluster/actor"),
    ("actix-rt", "cluster/actor"),
    ("fjall", "storage/embedded"),
    ("libc", "storage/foundationdb"),
];

/// Third-party crates that make a protocol crate impure.
const IMPURE: &[&str] = &[
    "tokio",
    "futures-util",
    "tracing",
    "rand",
    "ring",
    "parking_lot",
    "rustls",
    "tokio-rustls",
];

pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let packages = packages(root)?;
    for (folder, dependencies) in &packages {
        for dependency in dependencies {
            if let Some(rule) = broken(folder, dependency, &packages) {
                findings.push(Finding {
                    place: format!("{folder}/Cargo.toml"),
                    rule,
                });
            }
        }
    }
    Ok(findings)
}

/// One edge of a manifest: the dependency's name, its folder when it is ours, and whether only tests use it.
struct Dependency {
    name: String,
    folder: Option<String>,
    tests_only: bool,
}

fn broken(folder: &str, dependency: &Dependency, packages: &[(String, Vec<Dependency>)]) -> Option<String> {
    let layer = layer_of(folder);
    let name = &dependency.name;
    let Some(target) = &dependency.folder else {
        if let Some((_, home)) = CONFINED
            .iter()
            .find(|(confined, home)| confined == name && *home != folder)
        {
            return Some(format!("`{name}` is used in {home} only"));
        }
        let impure = layer == "protocols" && !dependency.tests_only && IMPURE.contains(&name.as_str());
        return impure.then(|| format!("a protocol crate is pure and does without `{name}`"));
    };
    debug_assert!(packages.iter().any(|(known, _)| known == target));
    if target == TELEMETRY {
        return (layer == "protocols").then(|| "a protocol crate measures nothing".to_owned());
    }
    if folder == TELEMETRY {
        return Some("ops/telemetry uses nothing of ours".to_owned());
    }
    let to = layer_of(target);
    let allowed = ALLOWED
        .iter()
        .find(|(from, _)| *from == layer)
        .is_some_and(|(_, allowed)| allowed.contains(&to));
    if to == layer || allowed || EXCEPTIONS.contains(&(folder, target.as_str())) {
        return None;
    }
    Some(format!("{layer} must not depend on {to} ({target})"))
}

fn layer_of(folder: &str) -> &str {
    folder.split('/').next().unwrap_or(folder)
}

/// Every member as (folder, dependencies), from cargo's own reading of the manifests.
fn packages(root: &Path) -> Result<Vec<(String, Vec<Dependency>)>> {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(program)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("run cargo metadata")?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("read cargo metadata")?;
    let mut packages = Vec::new();
    for package in metadata["packages"]
        .as_array()
        .context("find packages in cargo metadata")?
    {
        let manifest = package["manifest_path"].as_str().context("find a package's manifest")?;
        let folder = folder_in(root, Path::new(manifest).parent().context("find a package's folder")?);
        let dependencies = package["dependencies"]
            .as_array()
            .context("find a package's dependencies")?;
        packages.push((
            folder,
            dependencies.iter().map(|dependency| read(root, dependency)).collect(),
        ));
    }
    Ok(packages)
}

fn read(root: &Path, dependency: &Value) -> Dependency {
    Dependency {
        name: dependency["name"].as_str().unwrap_or_default().to_owned(),
        folder: dependency["path"].as_str().map(|path| folder_in(root, Path::new(path))),
        tests_only: dependency["kind"].as_str() == Some("dev"),
    }
}

fn folder_in(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Dependency, broken};

    fn edge(from: &str, to: &str) -> Option<String> {
        let ours = to.contains('/');
        let dependency = Dependency {
            name: to.to_owned(),
            folder: ours.then(|| to.to_owned()),
            tests_only: false,
        };
        let known = if ours {
            vec![(to.to_owned(), Vec::new())]
        } else {
            Vec::new()
        };
        broken(from, &dependency, &known)
    }

    #[test]
    fn directions() {
        for (from, to) in [
            ("node/mailbox", "storage/kv"),
            ("node/mailbox", "ops/telemetry"),
            ("storage/embedded", "ops/telemetry"),
            ("storage/embedded", "storage/kv"),
            ("node/server", "ops/cli"),
            ("chaos/load", "node/server"),
            ("cluster/actor", "actix"),
        ] {
            assert_eq!(edge(from, to), None, "{from} -> {to}");
        }
        for (from, to) in [
            ("storage/kv", "protocols/types"),
            ("protocols/imap", "storage/kv"),
            ("protocols/imap", "ops/telemetry"),
            ("protocols/imap", "tokio"),
            ("cluster/router", "node/mailbox"),
            ("node/mailbox", "ops/cli"),
            ("node/mailbox", "chaos/load"),
            ("ops/telemetry", "protocols/types"),
            ("node/mailbox", "actix"),
        ] {
            assert!(edge(from, to).is_some(), "{from} -> {to}");
        }
    }
}
