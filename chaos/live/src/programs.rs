//! The programs of a run, and what is missing of them.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::plan::{Door, Network, Plan};

/// Where packages put programs that are not on everybody's search path.
const FOLDERS: [&str; 5] = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin", "/sbin"];

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The server.
    pub hongyan: PathBuf,
    /// The server that nodes are when a run begins, until they are upgraded: an earlier release. None: the same.
    pub before: Option<PathBuf>,
    /// The shipped configuration of HAProxy.
    pub haproxy_config: PathBuf,
}

/// Something that a plan needs and this machine does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// What.
    pub what: &'static str,
    /// Why, or where it was looked for.
    pub why: String,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}

impl Programs {
    /// The server beside this program unless named; the configuration in the repository unless named.
    #[must_use]
    pub fn find(hongyan: Option<&Path>, haproxy_config: Option<&Path>) -> Self {
        let beside = || {
            let here = std::env::current_exe().unwrap_or_default();
            // A test is <target>/<profile>/deps/<name>.
            let folders = here.ancestors().skip(1).take(2).map(|folder| folder.join("hongyan"));
            folders.into_iter().find(|file| file.is_file())
        };
        let named = || std::env::var_os("HONGYAN_BIN").map(PathBuf::from);
        let shipped = || {
            let ways = ["ops/deploy/haproxy.cfg", "../../ops/deploy/haproxy.cfg"];
            ways.into_iter().map(PathBuf::from).find(|file| file.is_file())
        };
        Self {
            hongyan: hongyan
                .map(Path::to_owned)
                .or_else(named)
                .or_else(beside)
                .unwrap_or_else(|| "hongyan".into()),
            before: None,
            haproxy_config: haproxy_config
                .map(Path::to_owned)
                .or_else(shipped)
                .unwrap_or_else(|| "ops/deploy/haproxy.cfg".into()),
        }
    }

    /// What `plan` needs and is not here.
    #[must_use]
    pub fn lacks(&self, plan: &Plan) -> Vec<Lack> {
        let mut lacks = Vec::new();
        let mut need = |what: &'static str, why: Option<String>| {
            if let Some(why) = why {
                lacks.push(Lack { what, why });
            }
        };
        need("hongyan", missing_file(&self.hongyan));
        need("hongyan before", self.before.as_deref().and_then(missing_file));
        if plan.foundation > 0 {
            need("foundationdb", missing("fdbserver").or_else(|| missing("fdbcli")));
            let library = hongyan_foundationdb::check_library(None);
            need("foundationdb", library.err().map(|error| error.to_string()));
        }
        if plan.door == Door::Haproxy {
            need("haproxy", missing("haproxy"));
            need("haproxy", missing_file(&self.haproxy_config));
        }
        let is_root = rustix::process::geteuid().is_root();
        if plan.network == Network::Namespaces {
            need("network namespaces", (!is_root).then(|| "this needs root".to_owned()));
            need("network namespaces", missing("ip"));
        }
        if plan.fills_disks() {
            need("full disks", (!is_root).then(|| "this needs root".to_owned()));
        }
        lacks
    }
}

fn missing_file(path: &Path) -> Option<String> {
    (!path.is_file()).then(|| format!("there is no {}", path.display()))
}

fn missing(program: &str) -> Option<String> {
    find(program).is_none().then(|| format!("{program} not found"))
}

/// A program of this machine.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(FOLDERS.iter().map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}
