//! A program that outlives its node, so that a node's restart or upgrade is none of its own: the next start finds it by
//! the process id that it left in a file.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// How it is known.
#[derive(Debug)]
enum Known {
    /// Started by us.
    Own(Child),
    /// Found running.
    Found(u32),
}

/// A process of which there is one for each mark.
#[derive(Debug)]
pub(crate) struct Process {
    /// The file name of its program.
    program: &'static str,
    /// An argument that no other process of the program has.
    mark: PathBuf,
    id_file: PathBuf,
    known: Option<Known>,
}

impl Process {
    /// The one that runs `program` with `mark` among its arguments, if there is one. Its id stands in `id_file`; when that
    /// is lost, all processes are looked at.
    pub(crate) fn find(program: &'static str, mark: PathBuf, id_file: PathBuf) -> Self {
        let mut process = Self {
            program,
            mark,
            id_file,
            known: None,
        };
        process.known = process.noted().or_else(|| process.unnoted()).map(Known::Found);
        process
    }
    /// Starts it, with what it says going to `said`.
    pub(crate) fn start(&mut self, mut command: Command, said: &Path) -> io::Result<()> {
        let said = std::fs::File::create(said)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said)
            // Ctrl-C in the node's terminal is for the node alone.
            .process_group(0)
            .spawn()?;
        let id = child.id();
        self.known = Some(Known::Own(child));
        std::fs::write(&self.id_file, id.to_string())
    }
    /// Whether it runs.
    pub(crate) fn is_running(&mut self) -> bool {
        match &mut self.known {
            Some(Known::Own(child)) => matches!(child.try_wait(), Ok(None)),
            Some(Known::Found(id)) => {
                let id = *id;
                self.is_ours(id)
            }
            None => false,
        }
    }
    /// How it ended, where that is known.
    pub(crate) fn exit(&mut self) -> Option<std::process::ExitStatus> {
        match &mut self.known {
            Some(Known::Own(child)) => child.try_wait().ok().flatten(),
            _ => None,
        }
    }
    /// Ends it.
    pub(crate) fn stop(&mut self) {
        match self.known.take() {
            Some(Known::Own(mut child)) => {
                // It has ended already when this fails.
                let _ = child.kill();
                let _ = child.wait();
            }
            Some(Known::Found(id)) if self.is_ours(id) => {
                let _ = Command::new("kill").args(["-KILL", &id.to_string()]).status();
            }
            _ => {}
        }
        let _ = std::fs::remove_file(&self.id_file);
    }
    /// Its id.
    pub(crate) fn id(&self) -> Option<u32> {
        match &self.known {
            Some(Known::Own(child)) => Some(child.id()),
            Some(Known::Found(id)) => Some(*id),
            None => None,
        }
    }

    /// The process that the file speaks of.
    fn noted(&self) -> Option<u32> {
        let id = std::fs::read_to_string(&self.id_file).ok()?.trim().parse().ok()?;
        self.is_ours(id).then_some(id)
    }
    /// One that the file does not speak of: it was started, and the file not written.
    fn unnoted(&self) -> Option<u32> {
        let ids = std::fs::read_dir("/proc").ok()?;
        let ids = ids.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let id = ids.into_iter().find(|id| self.has_mark(&arguments(*id)))?;
        // Without it, it is looked for again.
        let _ = std::fs::write(&self.id_file, id.to_string());
        Some(id)
    }
    /// Whether the process with this id is the one: ids are used again.
    fn is_ours(&self, id: u32) -> bool {
        // Looked at once: they may come to be seen between two looks.
        let arguments = arguments(id);
        if arguments.is_empty() {
            // In the first moments of a program its arguments are not to be seen, and its file is; one that has ended has neither.
            return std::fs::read_link(format!("/proc/{id}/exe")).is_ok();
        }
        self.has_mark(&arguments)
    }
    fn has_mark(&self, arguments: &[u8]) -> bool {
        let mut all = arguments.split(|&octet| octet == 0).map(OsStr::from_bytes);
        // A script is the second argument, behind its interpreter.
        let runs_it = all
            .by_ref()
            .take(2)
            .any(|argument| Path::new(argument).file_name() == Some(self.program.as_ref()));
        runs_it && all.any(|argument| argument == self.mark.as_os_str())
    }
}

fn arguments(id: u32) -> Vec<u8> {
    std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default()
}
