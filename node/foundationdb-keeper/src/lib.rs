//! Looks after the FoundationDB process beside a node, so that three equal machines are enough for a cluster.
//!
//! Owns the choice of redundancy and coordinators (`plan`, pure), the server's process and its restarts (`server`,
//! `supervision`), what is asked of `fdbcli` and `fdbbackup` (`tool`, `backup`), and the meaning of FoundationDB's own
//! status (`status`). It works with the installed package and brings none. Knows nothing of mail, nor of who calls: the
//! list of machines is an argument. An existing cluster that others look after needs none of this.

mod backup;
mod keeper;
mod plan;
mod process;
mod program;
mod server;
mod status;
mod supervision;
mod tool;

pub use backup::{BackupAgent, BackupStatus, Backups, Place, PlaceError};
pub use keeper::{Emptying, Keeper, KeeperError, KeeperOptions, Made};
pub use plan::{Machine, Redundancy, Step, coordinators_wanted, plan, redundancy_wanted};
pub use program::{Program, ProgramError, Programs};
pub use status::{ClusterStatus, StatusError};
pub use supervision::ServerState;
