//! `hongyan cluster init` and `hongyan cluster join`, which make a machine a node before it serves.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use hongyan_config::{Config, template};
use hongyan_env::Env;

use super::folder::{ClusterFolder, Storage};
use crate::arguments::{ClusterInit, ClusterJoin, Machine};
use crate::serve;

/// How long the token of `init` lasts.
const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

/// `hongyan cluster init`.
pub(crate) fn run_init(arguments: &ClusterInit) -> Result<()> {
    let config = configuration(&arguments.machine, arguments.cluster_file.as_deref())?;
    if !arguments.with_foundationdb && config.storage.backend != "foundationdb" {
        bail!(
            "the nodes of a cluster share a store: let --with-foundationdb look after one, or write to [storage] in {}: \
             backend = \"foundationdb\" and cluster_file",
            arguments.machine.config.display()
        );
    }
    let token = hongyan_actor::run(0, init(config, arguments.with_foundationdb))?;
    let shown = arguments.machine.config.display();
    let start = next(
        arguments.serve,
        &format!("Start it with: hongyan serve --config {shown}"),
    );
    say(&format!(
        "\
This machine is the first node of a new cluster.{start}
Within the hour, on the second machine, while this node runs:

  hongyan cluster join {token} --host-name NAME --serve

`hongyan cluster invite` prints a further token for each further machine."
    ))?;
    if arguments.serve {
        return serve_anew(&arguments.machine.config);
    }
    Ok(())
}

async fn init(mut config: Config, with_foundationdb: bool) -> Result<String> {
    // Looked at before anything is made.
    ClusterFolder::of(&config).prepare(&config)?;
    let storage = if with_foundationdb {
        keep_foundationdb(&mut config).await?;
        Storage::Kept
    } else {
        Storage::Configured
    };
    let tokens = super::found(&config, storage, 1, TOKEN_LIFETIME).await?;
    tokens.into_iter().next().context("make a join token")
}

#[cfg(feature = "foundationdb")]
async fn keep_foundationdb(config: &mut Config) -> Result<()> {
    super::Tended::create(config, &Env::real()).await?;
    let file = super::kept_folder(config).join("fdb.cluster");
    "foundationdb".clone_into(&mut config.storage.backend);
    config.storage.cluster_file = file.display().to_string();
    Ok(())
}

#[cfg(not(feature = "foundationdb"))]
async fn keep_foundationdb(_: &mut Config) -> Result<()> {
    bail!("this binary was built without FoundationDB")
}

/// `hongyan cluster join`.
pub(crate) fn run_join(arguments: &ClusterJoin) -> Result<()> {
    let config = configuration(&arguments.machine, None)?;
    let facts = hongyan_actor::run(0, super::join(&config, &arguments.token))?;
    let shown = arguments.machine.config.display();
    say(&format!(
        "This machine is node {} of the cluster {}.{}",
        facts.node,
        facts.cluster,
        next(
            arguments.serve,
            &format!("Start it with: hongyan serve --config {shown}")
        )
    ))?;
    if arguments.serve {
        return serve_anew(&arguments.machine.config);
    }
    Ok(())
}

/// Becomes `hongyan serve`, as a new program: FoundationDB's client starts once a process.
fn serve_anew(config: &Path) -> Result<()> {
    let program = std::env::current_exe().context("find this program")?;
    let error = Command::new(program).args(["serve", "--config"]).arg(config).exec();
    Err(error).context("start `hongyan serve`")
}

/// The machine's configuration, written if there is none.
fn configuration(machine: &Machine, cluster_file: Option<&Path>) -> Result<Config> {
    let path = &machine.config;
    if path.exists() {
        if cluster_file.is_some() {
            bail!(
                "there is a configuration {}: its [storage] names the cluster file",
                path.display()
            );
        }
    } else {
        let Some(host) = &machine.host_name else {
            bail!(
                "there is no configuration {}: --host-name lets one be written",
                path.display()
            );
        };
        let mut config = Config::default();
        config.node.host_name = host.to_string();
        let data = std::path::absolute(&machine.data).context("find the data folder")?;
        config.node.data = data.display().to_string();
        if let Some(file) = cluster_file {
            "foundationdb".clone_into(&mut config.storage.backend);
            let file = std::path::absolute(file).context("find the cluster file")?;
            config.storage.cluster_file = file.display().to_string();
        }
        write(path, &config)?;
    }
    serve::load(path)
}

fn write(path: &Path, config: &Config) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |error: std::io::Error| anyhow!(error).context(format!("write {}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o640)
        .open(path)
        .map_err(failed)?;
    file.write_all(template(config).as_bytes()).map_err(failed)
}

fn next(serves: bool, how: &str) -> String {
    if serves { String::new() } else { format!("\n{how}") }
}

fn say(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").context("print the result")
}
