//! The shortest of the shipped plans, on real processes.

use hongyan_conformance::corpus::crate_folder;
use hongyan_conformance::node::binary;
use hongyan_conformance::skip;
use hongyan_live::{Plan, Programs, run};

#[test]
fn a_short_run_keeps_all_promises() {
    let folder = crate_folder();
    let plan = Plan::load(&folder.join("../plans/short.toml")).unwrap();
    let programs = Programs::find(
        Some(&binary().unwrap()),
        Some(&folder.join("../../ops/deploy/haproxy.cfg")),
    );
    let lacks = programs.lacks(&plan);
    if !lacks.is_empty() {
        for lack in lacks {
            skip("chaos run", &lack.to_string());
        }
        return;
    }
    let report = run(&plan, &programs, None).unwrap();
    assert!(report.is_good(), "{}", report.markdown());
}
