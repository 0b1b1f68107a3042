//! The report for people.

use std::fmt::Write;

use super::Report;
use super::away::{Spans, seconds};

pub(super) fn write(report: &Report) -> String {
    let mut page = format!(
        "# {}\n\n{}\n\n{} nodes, {} FoundationDB processes, {:.0} s.\n",
        report.about,
        report.line(),
        report.nodes,
        report.foundation,
        report.seconds
    );
    page.push_str("\n## What was promised\n\n| what | how many |\n| --- | --- |\n");
    for (kind, count) in &report.acknowledged {
        let _ = writeln!(page, "| {kind} acknowledged | {count} |");
    }
    for (what, count) in [
        ("of unknown fate", report.unknown.to_string()),
        ("lost", report.lost.to_string()),
        ("doubled", report.doubled.to_string()),
        ("connections made", report.connections.to_string()),
        ("connections dropped by untouched nodes", report.dropped.to_string()),
        ("commands answered", report.commands.values().sum::<u64>().to_string()),
        ("commands failed on untouched nodes", report.failed.to_string()),
        ("commands failed anywhere", report.failed_anywhere.to_string()),
    ] {
        let _ = writeln!(page, "| {what} | {count} |");
    }
    page.push_str(
        "\n## How long nobody answered\n\n| | how many | p50 | p99 | longest |\n| --- | --- | --- | --- | --- |\n",
    );
    for (what, spans) in [
        ("each mailbox, to clients of untouched nodes", &report.away_per_mailbox),
        ("each mailbox, to all clients", &report.away_per_mailbox_anywhere),
        ("each client", &report.away_per_client),
        ("each fault, its longest", &report.away_per_fault),
    ] {
        let _ = writeln!(page, "| {what} | {} |", cells(spans));
    }
    faults(report, &mut page);
    for (title, lines) in [
        ("Broken promises", &report.violations),
        ("What did not go as it should", &report.failures),
        ("Some failures", &report.samples),
    ] {
        if !lines.is_empty() {
            let _ = writeln!(page, "\n## {title}\n");
            for line in lines {
                let _ = writeln!(page, "- {line}");
            }
        }
    }
    page
}

fn faults(report: &Report, page: &mut String) {
    if report.faults.is_empty() {
        return;
    }
    page.push_str(
        "\n## What went wrong\n\n| at | what | whom | until well | mailboxes away | p50 | p99 | longest | failed | |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for fault in &report.faults {
        let _ = writeln!(
            page,
            "| {:.1} s | {} | {} | {:.1} s | {} | {} | {} |",
            fault.at,
            fault.kind,
            fault.whom,
            fault.seconds,
            cells(&fault.away),
            fault.failed,
            fault.note
        );
    }
}

fn cells(spans: &Spans) -> String {
    format!(
        "{} | {} | {} | {}",
        spans.count,
        seconds(spans.p50),
        seconds(spans.p99),
        seconds(spans.max)
    )
}
