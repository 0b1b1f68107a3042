//! Everything that happens in a run, line by line with its virtual time, and a hash of it all: two runs of one seed are
//! equal when their hashes are.

use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// The log of a run. Clones share it.
#[derive(Clone)]
pub(crate) struct Log(Arc<Mutex<Inner>>);

struct Inner {
    start: tokio::time::Instant,
    lines: Vec<String>,
    keeps_lines: bool,
    hasher: DefaultHasher,
    count: u64,
    errors: Vec<String>,
}

impl Log {
    /// An empty log that begins now, in the runtime of the simulation; keeps the lines, or only their hash.
    #[expect(clippy::disallowed_methods, reason = "tokio's time, which simulation pauses")]
    pub(crate) fn new(keeps_lines: bool) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            start: tokio::time::Instant::now(),
            lines: Vec::new(),
            keeps_lines,
            hasher: DefaultHasher::new(),
            count: 0,
            errors: Vec::new(),
        })))
    }
    /// Adds a line.
    pub(crate) fn line(&self, what: fmt::Arguments<'_>) {
        let mut inner = self.0.lock();
        let line = format!("{:>12} {what}", inner.start.elapsed().as_micros());
        line.hash(&mut inner.hasher);
        inner.count += 1;
        if inner.keeps_lines {
            inner.lines.push(line);
        }
    }
    /// Virtual time since the beginning, in microseconds.
    pub(crate) fn now_micros(&self) -> u64 {
        u64::try_from(self.0.lock().start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
    /// Number of lines and hash over them.
    pub(crate) fn digest(&self) -> (u64, u64) {
        let inner = self.0.lock();
        (inner.count, inner.hasher.finish())
    }
    /// The lines, if they were kept.
    pub(crate) fn take_lines(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().lines)
    }
    /// What the nodes logged as errors: things that a person must look at.
    pub(crate) fn take_errors(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().errors)
    }
}

/// Puts what the nodes log into the log of the run.
pub(crate) struct Tracing(pub(crate) Log);

impl Subscriber for Tracing {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= Level::INFO && metadata.target().starts_with("hongyan")
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        let level = *event.metadata().level();
        self.0
            .line(format_args!("{level} {}{}", event.metadata().target(), text.0));
        if level == Level::ERROR {
            self.0.0.lock().errors.push(text.0);
        }
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}
