//! Backups through FoundationDB's own programs, which are told apart here by what they are asked: scripts in the configured
//! folder stand for them, and write down their arguments. What the real ones answer is read in the crate's own tests.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hongyan_env::Env;
use hongyan_foundationdb_keeper::{BackupAgent, Backups, KeeperError, Programs};

/// Puts a script into the folder of programs.
fn install(folder: &Path, name: &str, does: &str) {
    let path = folder.join(name);
    let arguments = folder.join(format!("{name}.arguments"));
    let text = format!("#!/bin/sh\necho \"$@\" >> {}\n{does}\n", arguments.display());
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn asked(folder: &Path, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(format!("{name}.arguments"))).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A script that is being written while another test starts a process cannot be run (ETXTBSY).
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

struct Machine {
    _alone: MutexGuard<'static, ()>,
    _kept: tempfile::TempDir,
    programs: std::path::PathBuf,
    folder: std::path::PathBuf,
}

impl Machine {
    fn new() -> Self {
        let kept = tempfile::tempdir().unwrap();
        let (programs, folder) = (kept.path().join("programs"), kept.path().join("foundationdb"));
        std::fs::create_dir_all(&programs).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        Self {
            _alone: ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner),
            _kept: kept,
            programs,
            folder,
        }
    }
    fn programs(&self) -> Programs {
        Programs {
            folder: Some(self.programs.clone()),
        }
    }
    fn backups(&self) -> Backups {
        Backups::new(Env::real(), self.programs(), &self.folder)
    }
    fn cluster_file(&self) -> String {
        self.folder.join("fdb.cluster").display().to_string()
    }
}

#[tokio::test]
async fn a_backup_is_begun_told_and_ended_by_the_installed_programs() {
    let machine = Machine::new();
    let status =
        r#"case "$1" in status) echo '{"Status":{"Name":"Running","Running":true},"Restorable":false}';; esac"#;
    install(&machine.programs, "fdbbackup", status);
    install(&machine.programs, "backup_agent", "exec sleep 600");
    let backups = machine.backups();
    backups.start(&"/srv/backup".parse().unwrap()).await.unwrap();
    let told = backups.status().await.unwrap();
    assert!(told.running && !told.restorable);
    backups.stop().await.unwrap();
    let file = machine.cluster_file();
    assert_eq!(
        asked(&machine.programs, "fdbbackup"),
        [
            format!("start -t hongyan -d file:///srv/backup -z -C {file}"),
            format!("status -t hongyan --json -C {file}"),
            format!("discontinue -t hongyan -C {file}"),
        ]
    );
    let refusing = "echo 'ERROR: A backup was already running on tag `hongyan' >&2; exit 1";
    install(&machine.programs, "fdbbackup", &refusing.replace('`', ""));
    let refused = backups.start(&"/srv/backup".parse().unwrap()).await.unwrap_err();
    assert!(refused.to_string().contains("already running"), "{refused}");
}

#[tokio::test]
async fn what_is_not_installed_is_named_with_its_package() {
    let machine = Machine::new();
    for program in [
        hongyan_foundationdb_keeper::Program::Backup,
        hongyan_foundationdb_keeper::Program::BackupAgent,
    ] {
        if program.find().is_ok() {
            eprintln!(
                "SKIPPED what_is_not_installed_is_named_with_its_package: FoundationDB's backup programs are installed"
            );
            return;
        }
    }
    let refused = machine
        .backups()
        .start(&"/srv/backup".parse().unwrap())
        .await
        .unwrap_err();
    assert!(matches!(refused, KeeperError::Program(_)));
    let text = refused.to_string();
    assert!(
        text.contains("backup_agent is not installed") && text.contains("foundationdb-clients"),
        "{text}"
    );
    assert!(machine.backups().expect_installed().is_err());
    let mut agent = BackupAgent::find(machine.programs(), &machine.folder);
    assert!(matches!(agent.ensure(), Err(KeeperError::Program(_))));
}

#[test]
fn an_agent_outlives_its_keeper_and_there_is_one() {
    let machine = Machine::new();
    // Its arguments stay to be seen: that is how the next keeper knows it. It stands still without another process, which would
    // for a moment be seen with the same arguments.
    install(&machine.programs, "backup_agent", "while :; do kill -STOP $$; done");
    let find = || BackupAgent::find(machine.programs(), &machine.folder);
    let id = || std::fs::read_to_string(machine.folder.join("backup_agent.pid")).ok();
    let mut first = find();
    assert!(first.ensure().unwrap());
    assert!(!first.ensure().unwrap());
    let begun = id();
    assert!(begun.is_some());
    // It is known by its arguments, which are not to be seen in its first moments.
    let arguments = format!("/proc/{}/cmdline", begun.as_deref().unwrap());
    let shows = || std::fs::read(&arguments).is_ok_and(|shown| !shown.is_empty());
    while !shows() {
        std::thread::yield_now();
    }
    drop(first);
    let mut second = find();
    assert!(!second.ensure().unwrap(), "it is found");
    assert_eq!(id(), begun);
    std::fs::remove_file(machine.folder.join("backup_agent.pid")).unwrap();
    let mut second = find();
    assert!(!second.ensure().unwrap(), "it is found without its file");
    assert_eq!(id(), begun);
    second.stop();
    assert_eq!(id(), None);
    // It has been told to end, and does so in its own time.
    while shows() {
        std::thread::yield_now();
    }
    let mut third = find();
    assert!(third.ensure().unwrap(), "none runs any more");
    third.stop();
}
