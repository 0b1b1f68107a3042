//! What the server's processes have used, out of `/proc`: processor time, memory and writes of given processes and all their
//! descendants. Children that have ended count through their parents, which waited for them.

use std::collections::HashMap;

/// Linux counts processor time in ticks of 10 ms for user space (`USER_HZ`).
const TICK_MILLIS: f64 = 10.0;

#[derive(Debug, Clone, Copy)]
struct Process {
    parent: u32,
    ticks: u64,
}

/// Processor time of `roots` and their descendants so far, in milliseconds; `None` without roots.
pub fn millis(roots: &[u32]) -> Option<f64> {
    if roots.is_empty() {
        return None;
    }
    let processes = all();
    let ticks: u64 = tree(&processes, roots)
        .iter()
        .filter_map(|pid| processes.get(pid))
        .map(|process| process.ticks)
        .sum();
    Some(ticks as f64 * TICK_MILLIS)
}

/// Memory of `roots` and their descendants in KiB: proportional, so shared pages count once; `None` without roots.
pub fn memory_kib(roots: &[u32]) -> Option<u64> {
    if roots.is_empty() {
        return None;
    }
    let processes = all();
    Some(tree(&processes, roots).into_iter().filter_map(pss_kib).sum())
}

/// Octets that `roots` and their descendants had the disk write so far. Processes that have ended are not counted.
pub fn written_octets(roots: &[u32]) -> u64 {
    let processes = all();
    tree(&processes, roots).into_iter().filter_map(process_written).sum()
}

fn process_written(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: "))?;
    line.trim().parse().ok()
}

fn pss_kib(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find(|line| line.starts_with("Pss:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn all() -> HashMap<u32, Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return HashMap::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|pid| Some((pid, read(pid)?)))
        .collect()
}

fn read(pid: u32) -> Option<Process> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything.
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    let parent = u32::try_from(number(1)?).ok()?;
    // utime, stime, cutime, cstime: fields 14 to 17 of proc(5).
    let ticks = (11..=14).filter_map(number).sum();
    Some(Process { parent, ticks })
}

fn tree(processes: &HashMap<u32, Process>, roots: &[u32]) -> Vec<u32> {
    let mut found: Vec<u32> = roots.to_vec();
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        let mut children: Vec<u32> = processes
            .iter()
            .filter(|(pid, process)| process.parent == parent && !found.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        children.sort_unstable();
        found.extend(children);
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_this_process() {
        let pid = std::process::id();
        assert!(millis(&[pid]).is_some());
        assert!(memory_kib(&[pid]).is_some_and(|kib| kib > 0));
        assert_eq!(millis(&[]), None);
        assert!(process_written(pid).is_some());
    }
}
