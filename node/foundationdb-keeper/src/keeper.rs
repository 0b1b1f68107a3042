//! The keeper of one machine: makes or joins a cluster, keeps the server running, and moves the cluster towards the plan.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hongyan_env::Env;
use hongyan_foundationdb::{ClusterFile, ClusterFileError, Coordinator};
use hongyan_telemetry::{Counter, Gauge, counter, gauge};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::plan::{Machine, Step, plan};
use crate::program::{Program, ProgramError, Programs};
use crate::server::{Server, cluster_file};
use crate::status::{ClusterStatus, StatusError};
use crate::supervision::{PAUSE_MIN, Pauses, ServerState};
use crate::tool::Tool;

/// Time between two looks at the process.
const LOOK_PERIOD: Duration = Duration::from_millis(500);
/// For so long a machine may take no part before another coordinates in its place.
const LOST_AFTER: Duration = Duration::from_secs(60);
/// How often a new database is asked for before its server counts as broken.
const CREATE_ATTEMPTS_MAX: usize = 60;
/// How long each such question waits, in seconds.
const CREATE_SECS: u32 = 5;
/// Asks which of the servers that are to hold nothing still hold something.
const HOLDING: &str =
    r"getrangekeys \xff\xff/management/in_progress_exclusion/ \xff\xff/management/in_progress_exclusion0 1000";
/// Characters of a new cluster's id.
const ID_CHARACTERS: usize = 12;

/// What a keeper cannot do.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// A program is missing.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A program cannot be run, or its folder not be made.
    #[error("run {program}")]
    Run {
        /// Which one.
        program: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A program says no.
    #[error("{program}: {said}")]
    Refused {
        /// Which one.
        program: PathBuf,
        /// What it says.
        said: String,
    },
    /// The cluster file cannot be used.
    #[error("cluster file {path}: {reason}")]
    ClusterFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: ClusterFileError,
    },
    /// The cluster file cannot be written.
    #[error("write cluster file {path}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The status cannot be read.
    #[error(transparent)]
    Status(#[from] StatusError),
    /// This machine belongs to another cluster.
    #[error(
        "this machine's FoundationDB belongs to cluster {ours}, not to {theirs}: remove {path} to join with an empty one"
    )]
    OtherCluster {
        /// The id here.
        ours: String,
        /// The id to join.
        theirs: String,
        /// The file that says so.
        path: PathBuf,
    },
}

/// Settings of a keeper.
#[derive(Debug, Clone)]
pub struct KeeperOptions {
    /// Where the server keeps its files, and the cluster file.
    pub folder: PathBuf,
    /// Where FoundationDB's programs are.
    pub programs: Programs,
    /// This machine.
    pub machine: Machine,
    /// Memory that the server may take, in octets.
    pub memory_octets_max: u64,
}

/// Whether there was a database already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It was made now.
    New,
    /// It was there.
    Existing,
}

/// How far a server is from holding nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emptying {
    /// Its data is on its way, or it still has to decide with others.
    Moving,
    /// Without it nothing is lost and nothing stops.
    Done,
}

/// The keeper of this machine's server.
pub struct Keeper {
    env: Env,
    server: Server,
    tool: Tool,
    cluster_file: PathBuf,
    programs: Programs,
    /// Machines that take no part, each with when that was first seen.
    missing: Mutex<BTreeMap<SocketAddr, u64>>,
    restarts: Counter,
    running: Gauge,
    available: Gauge,
    healthy: Gauge,
}

impl Keeper {
    /// The first machine: starts a server and makes an empty database on it. Where there is one already it is used, so
    /// this is safe to repeat.
    ///
    /// # Errors
    /// When FoundationDB is not installed, or does not start or answer.
    pub async fn create(env: Env, options: &KeeperOptions) -> Result<(Self, Made), KeeperError> {
        let path = cluster_file(&options.folder);
        if !path.exists() {
            let file = ClusterFile {
                // Unlike the id it stays, and tells clusters apart.
                description: format!("hongyan_{}", new_id(&env)),
                id: new_id(&env),
                coordinators: vec![Coordinator::from(options.machine.address)],
            };
            write(&path, &file)?;
        }
        let mut keeper = Self::open(env, options)?;
        let made = keeper.create_database().await?;
        Ok((keeper, made))
    }
    /// A further machine: starts a server that joins the cluster of `file`. Safe to repeat.
    ///
    /// # Errors
    /// As [`Self::create`], and when this machine belongs to another cluster.
    pub async fn join(env: Env, options: &KeeperOptions, file: &ClusterFile) -> Result<Self, KeeperError> {
        let path = cluster_file(&options.folder);
        if path.exists() {
            let ours = load(&path)?;
            // The id changes with the coordinators; the description does not.
            if ours.description != file.description {
                return Err(KeeperError::OtherCluster {
                    ours: ours.description,
                    theirs: file.description.clone(),
                    path,
                });
            }
        }
        write(&path, file)?;
        Self::open(env, options)
    }
    /// A machine that has been part of a cluster: starts its server again, or finds it running.
    ///
    /// # Errors
    /// When there is no cluster file, or the server does not start.
    pub fn open(env: Env, options: &KeeperOptions) -> Result<Self, KeeperError> {
        let mut keeper = Self::attach(env, options)?;
        if !keeper.server.ensure()? {
            tracing::info!(id = keeper.server.id(), "fdbserver found running");
        }
        keeper.running.set(1);
        Ok(keeper)
    }
    /// A further keeper of the same server, which somebody else starts.
    ///
    /// # Errors
    /// When there is no cluster file.
    pub fn attach(env: Env, options: &KeeperOptions) -> Result<Self, KeeperError> {
        let cluster_file = cluster_file(&options.folder);
        load(&cluster_file)?;
        Ok(Self {
            tool: Tool::new(env.clone(), options.programs.clone(), &cluster_file),
            env,
            server: Server::new(options),
            cluster_file,
            programs: options.programs.clone(),
            missing: Mutex::default(),
            restarts: counter(
                "hongyan_foundationdb_restarts_total",
                "Starts of this machine's fdbserver after it had ended.",
            ),
            running: gauge("hongyan_foundationdb_running", "Whether this machine's fdbserver runs."),
            available: gauge(
                "hongyan_foundationdb_available",
                "Whether the cluster serves transactions.",
            ),
            healthy: gauge("hongyan_foundationdb_healthy", "Whether all data has its copies."),
        })
    }

    async fn create_database(&mut self) -> Result<Made, KeeperError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let error = match self.tool.cli_within(CREATE_SECS, "configure new single ssd").await {
                Ok(_) => return Ok(Made::New),
                Err(KeeperError::Refused { said, .. }) if said.contains("already exists") => {
                    return Ok(Made::Existing);
                }
                Err(error) => error,
            };
            if !self.server.is_running() {
                let program = self.programs.find(Program::Server)?;
                let said = self.server.why();
                return Err(KeeperError::Refused { program, said });
            }
            if attempt >= CREATE_ATTEMPTS_MAX {
                return Err(error);
            }
            self.env.sleep(PAUSE_MIN).await;
        }
    }

    /// Where the cluster is: what stores on this machine open.
    #[must_use]
    pub fn cluster_file(&self) -> &Path {
        &self.cluster_file
    }
    /// What the cluster file says now: what a machine needs to join.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn cluster(&self) -> Result<ClusterFile, KeeperError> {
        load(&self.cluster_file)
    }
    /// The process id of the server, for those who look from outside.
    #[must_use]
    pub fn server_id(&self) -> Option<u32> {
        self.server.id()
    }
    /// How the cluster is.
    ///
    /// # Errors
    /// When `fdbcli` cannot be asked. A cluster that does not answer is a status, not an error.
    pub async fn status(&self) -> Result<ClusterStatus, KeeperError> {
        let text = self.tool.cli("status json").await?;
        let status = ClusterStatus::parse(&text)?;
        self.available.set(i64::from(status.available));
        self.healthy.set(i64::from(status.healthy));
        Ok(status)
    }
    /// Moves the cluster towards what `machines` want; one machine of the cluster at a time should ask for it. Returns
    /// the steps that were taken.
    ///
    /// # Errors
    /// When a step is refused; those before it stay.
    pub async fn reconcile(&self, machines: &[Machine]) -> Result<Vec<Step>, KeeperError> {
        let status = self.status().await?;
        let steps = plan(&status, machines, &self.lost(&status, machines));
        for step in &steps {
            let command = match step {
                Step::Redundancy(mode) => format!("configure {}", mode.name()),
                Step::Coordinators(places) => {
                    let places: Vec<_> = places.iter().map(SocketAddr::to_string).collect();
                    format!("coordinators {}", places.join(" "))
                }
            };
            tracing::info!(command, "FoundationDB is changed");
            self.tool.cli(&command).await?;
        }
        Ok(steps)
    }
    /// Those of the machines that have taken no part for longer than a restart lasts.
    fn lost(&self, status: &ClusterStatus, machines: &[Machine]) -> Vec<SocketAddr> {
        let now = self.env.now_micros();
        let mut missing = self.missing.lock();
        let away = machines.iter().map(|machine| machine.address);
        let away: Vec<_> = away.filter(|address| !status.servers.contains(address)).collect();
        missing.retain(|address, _| away.contains(address));
        let is_lost = |address: &SocketAddr| {
            let since = *missing.entry(*address).or_insert(now);
            u128::from(now.saturating_sub(since)) >= LOST_AFTER.as_micros()
        };
        away.into_iter().filter(is_lost).collect()
    }
    /// Moves the data of the server at `address` to the others, one that is dead for good included: begins with the first
    /// call, and says with each how far it is. [`Self::reconcile`] lets others coordinate in its place.
    ///
    /// # Errors
    /// When the cluster refuses, for want of space on the others, say.
    pub async fn empty(&self, address: SocketAddr) -> Result<Emptying, KeeperError> {
        let status = self.status().await?;
        if !status.available {
            return Ok(Emptying::Moving);
        }
        if !status.excluded.contains(&address) {
            tracing::info!(%address, "FoundationDB's server is to hold nothing");
            self.tool.cli(&format!("exclude no_wait {address}")).await?;
            return Ok(Emptying::Moving);
        }
        let holding = self.tool.cli(HOLDING).await?;
        let done = !names(&holding, address) && !status.coordinators.contains(&address);
        Ok(if done { Emptying::Done } else { Emptying::Moving })
    }
    /// Lets the server at `address` hold data again.
    ///
    /// # Errors
    /// When the cluster refuses.
    pub async fn refill(&self, address: SocketAddr) -> Result<(), KeeperError> {
        tracing::info!(%address, "FoundationDB's server may hold data again");
        self.tool.cli(&format!("include {address}")).await.map(|_| ())
    }
    /// Starts the server whenever it has ended, for ever, and tells how it is.
    pub async fn supervise(&mut self, told: &watch::Sender<ServerState>) {
        let mut pauses = Pauses::default();
        let mut began = self.env.now_micros();
        loop {
            if self.server.is_running() {
                told.send_if_modified(|state| std::mem::replace(state, ServerState::Running) != ServerState::Running);
                self.running.set(1);
                self.env.sleep(LOOK_PERIOD).await;
                continue;
            }
            self.running.set(0);
            let ran = Duration::from_micros(self.env.now_micros().saturating_sub(began));
            let (times, pause) = pauses.ended(ran);
            let why = self.server.why();
            tracing::warn!(%why, times, again_in = ?pause, "fdbserver has ended");
            told.send_replace(ServerState::Ended { why, times, pause });
            self.env.sleep(pause).await;
            began = self.env.now_micros();
            match self.server.ensure() {
                Ok(_) => self.restarts.inc(),
                Err(error) => {
                    let why = in_full(&error);
                    tracing::error!(%why, "fdbserver does not start");
                    told.send_replace(ServerState::Ended { why, times, pause });
                }
            }
            // One that ends at once has not been seen to run.
            self.env.sleep(LOOK_PERIOD).await;
        }
    }
    /// Ends the server. Without it the server goes on, and the next keeper finds it.
    pub fn stop(mut self) {
        self.halt();
    }
    /// The same, for a keeper that may supervise again later.
    pub fn halt(&mut self) {
        self.server.stop();
        self.running.set(0);
    }
}

/// Whether the answer to [`HOLDING`] names the server.
fn names(said: &str, address: SocketAddr) -> bool {
    let key = format!("/{address}'");
    said.lines().any(|line| line.trim().ends_with(&key))
}

/// An error with its cause: of a program that cannot be run the cause is what helps.
fn in_full(error: &KeeperError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn load(path: &Path) -> Result<ClusterFile, KeeperError> {
    ClusterFile::load(path).map_err(|reason| KeeperError::ClusterFile {
        path: path.to_owned(),
        reason,
    })
}

fn write(path: &Path, file: &ClusterFile) -> Result<(), KeeperError> {
    let failed = |source| KeeperError::Write {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, format!("{file}\n")).map_err(failed)
}

fn new_id(env: &Env) -> String {
    const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz012345";
    let mut random = [0; ID_CHARACTERS];
    env.fill_random(&mut random);
    random
        .iter()
        .filter_map(|octet| ALPHABET.get(usize::from(octet & 31)))
        .map(|&letter| char::from(letter))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn who_still_holds_something_is_read() {
        let said = "\nRange limited to 1000 keys\n`\\xff\\xff/management/in_progress_exclusion/127.0.0.1:47101'\n\n";
        assert!(names(said, "127.0.0.1:47101".parse().unwrap()));
        for other in ["127.0.0.1:4710", "27.0.0.1:47101"] {
            assert!(!names(said, other.parse().unwrap()), "{other}");
        }
    }
}
