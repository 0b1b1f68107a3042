//! Parse of usual commands, and FETCH 1:* (UID FLAGS) of 100,000 messages.

#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hongyan_imap::{Output, Reply, Session, Settings, State, Status};
use hongyan_types::{Instant, SystemFlags};

fn parse(criterion: &mut Criterion) {
    let commands: &[&[u8]] = &[
        b"a UID FETCH 1:* (UID FLAGS)\r\n",
        b"a UID FETCH 1:100 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM TO SUBJECT)])\r\n",
        b"a UID STORE 5 +FLAGS.SILENT (\\Seen)\r\n",
        b"a SEARCH UNSEEN SINCE 1-Feb-1994 NOT FROM \"Smith\"\r\n",
        b"a NOOP\r\n",
    ];
    let now = Instant::default();
    let mut session = Session::new(Arc::new(Settings::default()), now);
    session.enter(State::Selected);
    let mut said = Vec::new();
    criterion.bench_function("five commands", |bencher| {
        bencher.iter(|| {
            for command in commands {
                session.receive(now, command);
                let (id, _) = session.poll_command().unwrap();
                session.reply(id, Reply::Done(Status::ok("Done")));
            }
            said.clear();
            session.poll_output(&mut said);
        });
    });
}

fn fetch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write");
    group.throughput(Throughput::Elements(100_000));
    let mut said = Vec::with_capacity(1 << 17);
    group.bench_function("fetch uid flags of 100,000", |bencher| {
        let mut out = Output::default();
        bencher.iter(|| {
            for number in 1..=100_000u32 {
                out.fetch_begin(number);
                out.fetch_uid(number + 7);
                out.fetch_flags(SystemFlags::from_bits(1), []);
                out.fetch_end();
                if out.waiting().len() > 65_536 {
                    said.clear();
                    out.take(&mut said);
                }
            }
        });
    });
    group.finish();
}

criterion_group!(benches, parse, fetch);
criterion_main!(benches);
