//! The checks of this repository.
//!
//! `cargo xtask verify` is the gate: formatting, clippy and `tidy`; it never writes. `cargo xtask tidy` runs our own
//! rules alone. `cargo xtask fix` formats and applies what clippy can mend.

mod edges;
mod metrics;
mod papers;
mod source;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A broken rule: where, and what to do instead.
struct Finding {
    place: String,
    rule: String,
}

fn main() -> Result<()> {
    let root = root()?;
    match std::env::args().nth(1).as_deref() {
        Some("verify") => {
            cargo(&root, &["fmt", "--all", "--check"])?;
            tidy(&root)?;
            cargo(
                &root,
                &[
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--locked",
                    "--",
                    "-D",
                    "warnings",
                ],
            )
        }
        Some("tidy") => tidy(&root),
        Some("fix") => {
            cargo(
                &root,
                &["clippy", "--workspace", "--all-targets", "--fix", "--allow-dirty"],
            )?;
            cargo(&root, &["fmt", "--all"])
        }
        _ => bail!("usage: cargo xtask verify|tidy|fix"),
    }
}

/// The workspace's folder: two above this crate's.
fn root() -> Result<PathBuf> {
    // Asked when run, not when built: with a target folder shared by clones, the binary may come from another one.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").context("run as `cargo xtask`")?;
    Ok(Path::new(&here)
        .ancestors()
        .nth(2)
        .context("find the workspace's folder")?
        .to_owned())
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<()> {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .status()
        .context("run cargo")?;
    if !status.success() {
        bail!("cargo {} failed", arguments.join(" "));
    }
    Ok(())
}

fn tidy(root: &Path) -> Result<()> {
    let mut findings = edges::check(root)?;
    findings.extend(source::check(root)?);
    findings.extend(papers::check(root)?);
    findings.extend(metrics::check(root)?);
    for finding in &findings {
        eprintln!("{}: {}", finding.place, finding.rule);
    }
    if findings.is_empty() {
        eprintln!("tidy: every rule holds");
        Ok(())
    } else {
        bail!("tidy: {} rules are broken", findings.len())
    }
}
