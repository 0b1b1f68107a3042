//! What came of a run: for people as Markdown, for machines as JSON, and in one line.

mod away;
mod markdown;

use std::collections::BTreeMap;

use hongyan_invariant::{Event, Operation, Outcome, check_all};
use serde::Serialize;

use crate::fault::Strike;
use crate::record::{Book, Failure, Trouble};
use crate::world::{Touch, World};
use away::{Spans, Witness};

/// Samples of failures that a report shows.
const SAMPLES_MAX: usize = 12;

/// Whether the promises were kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// They were.
    Good,
    /// They were not.
    Bad,
}

/// What came of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What the plan shows.
    pub about: String,
    /// Nodes.
    pub nodes: usize,
    /// FoundationDB processes.
    pub foundation: usize,
    /// Seconds that clients worked.
    pub seconds: f64,
    /// Changes that were acknowledged, by kind.
    pub acknowledged: BTreeMap<&'static str, u64>,
    /// Changes that nobody knows of whether they happened.
    pub unknown: u64,
    /// Mails that were acknowledged and are not there.
    pub lost: usize,
    /// Mails that are there more often than they were put in.
    pub doubled: usize,
    /// All broken promises, in words.
    pub violations: Vec<String>,
    /// Connections made.
    pub connections: u64,
    /// Commands answered well, by name.
    pub commands: BTreeMap<String, u64>,
    /// Connections that ended to nodes that nothing happened to.
    pub dropped: usize,
    /// Commands that failed on connections to nodes that nothing happened to.
    pub failed: usize,
    /// Commands that failed on any connection, and connections that could not be made but to a node that was away.
    pub failed_anywhere: usize,
    /// Some of the failures.
    pub samples: Vec<String>,
    /// The longest time that each mailbox was away, as clients of nodes saw it that nothing happened to.
    pub away_per_mailbox: Spans,
    /// The same as all clients saw it.
    pub away_per_mailbox_anywhere: Spans,
    /// The longest time that each client waited.
    pub away_per_client: Spans,
    /// The longest time that any mailbox was away, for each kill, pause and so on.
    pub away_per_fault: Spans,
    /// What went wrong.
    pub faults: Vec<FaultReport>,
    /// What else did not go as it should.
    pub failures: Vec<String>,
    /// Why the verdict is bad.
    pub reasons: Vec<String>,
    /// Whether the promises were kept.
    pub verdict: Verdict,
}

/// One thing that went wrong.
#[derive(Debug, Clone, Serialize)]
pub struct FaultReport {
    /// What.
    pub kind: String,
    /// To whom.
    pub whom: String,
    /// At which second.
    pub at: f64,
    /// How long it was until all was well.
    pub seconds: f64,
    /// How long mailboxes were away that were, as clients of other nodes saw it.
    pub away: Spans,
    /// Commands that failed meanwhile on connections to other nodes.
    pub failed: usize,
    /// More.
    pub note: String,
}

impl Report {
    pub(crate) fn new(world: &World, strikes: &[Strike], failures: Vec<String>) -> Self {
        world.recorder().with(|book| make(world, book, strikes, failures))
    }
    /// Whether all promises were kept.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.verdict == Verdict::Good
    }
    /// The verdict in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let acknowledged: u64 = self.acknowledged.values().sum();
        let verdict = match self.verdict {
            Verdict::Good => "GOOD",
            Verdict::Bad => "BAD",
        };
        let mut line = format!(
            "VERDICT {verdict}: {acknowledged} changes acknowledged, {} lost, {} doubled, {} promises broken; mailboxes away \
             {} at most; {} connections dropped, {} commands failed on untouched nodes",
            self.lost,
            self.doubled,
            self.violations.len(),
            away::seconds(self.away_per_mailbox.max),
            self.dropped,
            self.failed,
        );
        if !self.reasons.is_empty() {
            line.push_str(" (");
            line.push_str(&self.reasons.join("; "));
            line.push(')');
        }
        line
    }
    /// For people.
    #[must_use]
    pub fn markdown(&self) -> String {
        markdown::write(self)
    }
}

fn make(world: &World, book: &Book, strikes: &[Strike], mut failures: Vec<String>) -> Report {
    let witness = Witness {
        touches: &world.touches(),
        away: &book.away,
    };
    let violations = check_all(&book.history);
    let count = |promise: &str| {
        violations
            .iter()
            .filter(|violation| violation.promise == promise)
            .count()
    };
    let untouched = |troubles: &[Trouble]| -> Vec<Trouble> {
        let is_untouched = |trouble: &&Trouble| !witness.is_touched(trouble.node, trouble.from, trouble.to);
        troubles.iter().filter(is_untouched).cloned().collect()
    };
    let (failed, dropped) = (untouched(&book.failed), untouched(&book.dropped));
    // Whoever knocks at a node that is known to be away has asked it nothing yet; behind a load balancer nobody may notice.
    let is_knock = |trouble: &&Trouble| {
        trouble.what == "connect"
            && trouble.node.is_some()
            && witness.is_touched(trouble.node, trouble.from, trouble.to)
    };
    let anywhere: Vec<Trouble> = book
        .failed
        .iter()
        .filter(|trouble| !is_knock(trouble))
        .cloned()
        .collect();
    failures.extend(strikes.iter().filter_map(|strike| {
        let failure = strike.failure.as_ref()?;
        Some(format!("{:?} of {}: {failure}", strike.kind, strike.whom))
    }));
    let mut faults: Vec<FaultReport> = strikes
        .iter()
        .map(|strike| fault(world, &witness, &failed, strike))
        .collect();
    faults.sort_by(|a, b| a.at.total_cmp(&b.at));
    let (acknowledged, unknown) = acknowledged(book);
    let end = world.env().now_micros();
    let mut report = Report {
        about: world.plan().about.clone(),
        nodes: world.nodes(),
        foundation: world.plan().foundation,
        seconds: away::in_seconds(end - world.began()),
        acknowledged,
        unknown,
        lost: count("no acknowledged mail lost"),
        doubled: count("no mail doubled"),
        violations: violations.iter().map(ToString::to_string).collect(),
        connections: book.connections,
        commands: book.commands.clone(),
        dropped: dropped.len(),
        failed: failed.len(),
        failed_anywhere: anywhere.len(),
        samples: samples(world, &dropped, &failed, &anywhere),
        away_per_mailbox: witness.per_mailbox(0, u64::MAX, true),
        away_per_mailbox_anywhere: witness.per_mailbox(0, u64::MAX, false),
        away_per_client: witness.per_client(),
        away_per_fault: Spans::of(faults.iter().map(|fault| fault.away.max).collect()),
        faults,
        failures,
        reasons: Vec::new(),
        verdict: Verdict::Good,
    };
    report.reasons = reasons(world, &report);
    if !report.reasons.is_empty() {
        report.verdict = Verdict::Bad;
    }
    report
}

fn fault(world: &World, witness: &Witness<'_>, failed: &[Trouble], strike: &Strike) -> FaultReport {
    let during = |trouble: &&Trouble| trouble.from <= strike.to && trouble.to >= strike.from;
    FaultReport {
        kind: format!("{:?}", strike.kind),
        whom: strike.whom.clone(),
        at: away::in_seconds(strike.from.saturating_sub(world.began())),
        seconds: away::in_seconds(strike.to - strike.from),
        away: witness.per_mailbox(strike.from, strike.to, true),
        failed: failed.iter().filter(during).count(),
        note: strike.note.clone(),
    }
}

/// Acknowledged changes by kind, and how many are of unknown fate.
fn acknowledged(book: &Book) -> (BTreeMap<&'static str, u64>, u64) {
    let mut open = BTreeMap::new();
    let mut acknowledged = BTreeMap::new();
    let mut unknown = 0;
    for event in &book.history.events {
        match event {
            Event::Call { call, operation, .. } => {
                let kind = match operation {
                    Operation::Deliver { .. } => "deliveries",
                    Operation::Submit { .. } => "submissions",
                    Operation::Append { .. } => "appends",
                    Operation::Copy { .. } => "copies",
                    Operation::Move { .. } => "moves",
                    Operation::Expunge { .. } => "expunges",
                    Operation::Flag { .. } => "flag changes",
                    Operation::CreateFolder { .. }
                    | Operation::RenameFolder { .. }
                    | Operation::DeleteFolder { .. } => "folder changes",
                    Operation::EmptyMaildrop { .. } => "emptied maildrops",
                    Operation::Look { .. }
                    | Operation::Resync { .. }
                    | Operation::ReadMaildrop { .. }
                    | Operation::Audit { .. } => continue,
                };
                open.insert(*call, kind);
            }
            Event::Return { call, outcome } => {
                let Some(kind) = open.remove(call) else { continue };
                match outcome {
                    Outcome::Done(_) => *acknowledged.entry(kind).or_default() += 1,
                    Outcome::Unknown => unknown += 1,
                    Outcome::Refused => {}
                }
            }
            _ => {}
        }
    }
    (acknowledged, unknown)
}

fn samples(world: &World, dropped: &[Trouble], failed: &[Trouble], anywhere: &[Trouble]) -> Vec<String> {
    let mut samples = Vec::new();
    for (title, troubles) in [("dropped", dropped), ("failed", failed), ("failed anywhere", anywhere)] {
        for trouble in troubles.iter().take(SAMPLES_MAX) {
            let node = trouble.node.map_or("?".to_owned(), |node| (node + 1).to_string());
            let why = match &trouble.failure {
                Failure::Closed => "closed",
                Failure::Silent => "silent",
                Failure::Moved => "moved",
                Failure::Refused(text) => text,
            };
            samples.push(format!(
                "{title}: {:.1} s to {:.1} s, client {}, node {node}, {}: {why}",
                away::in_seconds(trouble.from.saturating_sub(world.began())),
                away::in_seconds(trouble.to.saturating_sub(world.began())),
                trouble.client.0,
                trouble.what,
            ));
        }
    }
    samples
}

fn reasons(world: &World, report: &Report) -> Vec<String> {
    let expect = &world.plan().expect;
    let mut reasons = Vec::new();
    if !report.violations.is_empty() {
        reasons.push(format!("{} promises broken", report.violations.len()));
    }
    if report.acknowledged.values().sum::<u64>() == 0 {
        reasons.push("nothing was acknowledged".to_owned());
    }
    if report.dropped > 0 && !expect.everybody_suffers {
        reasons.push(format!("{} connections dropped", report.dropped));
    }
    if let Some(max) = expect.unavailable_millis_max
        && report.away_per_mailbox.max > max
    {
        reasons.push(format!(
            "a mailbox was away for {}, {} are allowed",
            away::seconds(report.away_per_mailbox.max),
            away::seconds(max)
        ));
    }
    for (what, count, max) in [
        ("commands failed", report.failed, expect.failed_max),
        (
            "commands failed anywhere",
            report.failed_anywhere,
            expect.failed_anywhere_max,
        ),
    ] {
        if let Some(max) = max
            && count > max
        {
            reasons.push(format!("{count} {what}, {max} are allowed"));
        }
    }
    reasons.extend(report.failures.iter().cloned());
    reasons
}

/// Whether anything happened to a node in a span.
fn is_touched(touches: &[Touch], node: usize, from: u64, to: u64) -> bool {
    touches
        .iter()
        .any(|touch| touch.node == node && touch.from <= to && touch.to.is_none_or(|end| end >= from))
}
