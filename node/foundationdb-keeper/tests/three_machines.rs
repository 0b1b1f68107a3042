//! Three servers on the loopback interface as three machines: made, joined, grown to two copies, one lost and restarted;
//! at the end two leave, a dead one and one that runs.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use hongyan_env::{Env, HeldPort};
use hongyan_foundationdb::testing::has_library;
use hongyan_foundationdb::{ClusterFile, FoundationOptions, FoundationStore};
use hongyan_foundationdb_keeper::{
    Emptying, Keeper, KeeperError, KeeperOptions, Machine, Made, Program, Programs, Redundancy, ServerState, Step,
};

/// Looks, a second apart, that a change in the cluster may take.
const LOOKS_MAX: usize = 180;

fn options(folder: &Path, number: usize, port: &HeldPort) -> KeeperOptions {
    KeeperOptions {
        folder: folder.join(format!("machine{number}")),
        programs: Programs::default(),
        machine: Machine {
            name: format!("machine{number}"),
            address: port.address(),
            data_center: None,
        },
        memory_octets_max: 2 << 30,
    }
}

fn installed(what: &str) -> bool {
    for program in [Program::Server, Program::Cli] {
        if let Err(error) = program.find() {
            eprintln!("SKIPPED foundationdb: {} not found ({what})", error.name);
            return false;
        }
    }
    has_library(what)
}

/// Stops the servers, also when the test fails.
struct Machines(Vec<Keeper>);

impl Drop for Machines {
    fn drop(&mut self) {
        self.0.drain(..).for_each(Keeper::stop);
    }
}

async fn until(keeper: &Keeper, what: &str, holds: impl Fn(&hongyan_foundationdb_keeper::ClusterStatus) -> bool) {
    for _ in 0..LOOKS_MAX {
        if keeper.status().await.is_ok_and(|status| holds(&status)) {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("{what}: {:?}", keeper.status().await);
}

/// Lets the server at `leaving` go, as the node that leads does it.
async fn let_go(keeper: &Keeper, leaving: SocketAddr, staying: &[Machine]) {
    for _ in 0..LOOKS_MAX {
        let emptied = keeper.empty(leaving).await;
        let steps = keeper.reconcile(staying).await;
        let status = keeper.status().await.unwrap();
        if matches!(emptied, Ok(Emptying::Done)) && matches!(&steps, Ok(steps) if steps.is_empty()) && status.healthy {
            assert!(!status.coordinators.contains(&leaving) && !status.stored.contains_key(&leaving));
            assert_eq!(status.redundancy, Some(Redundancy::Single), "of {}", staying.len());
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("{leaving} is not emptied: {:?}", keeper.status().await);
}

#[tokio::test]
async fn three_machines_become_a_cluster_that_loses_one() {
    if !installed("three_machines_become_a_cluster_that_loses_one") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let env = Env::real();
    let ports = [(); 3].map(|()| HeldPort::any().unwrap());
    let all: Vec<_> = (0..3)
        .map(|number| options(folder.path(), number, &ports[number]))
        .collect();
    let members: Vec<_> = all.iter().map(|options| options.machine.clone()).collect();

    let (first, made) = Keeper::create(env.clone(), &all[0]).await.unwrap();
    let mut machines = Machines(vec![first]);
    assert_eq!(made, Made::New);
    until(&machines.0[0], "one serves", |status| status.available).await;
    assert_eq!(machines.0[0].reconcile(&members[..1]).await.unwrap(), []);
    let cluster = machines.0[0].cluster().unwrap();
    for options in &all[1..] {
        machines
            .0
            .push(Keeper::join(env.clone(), options, &cluster).await.unwrap());
    }
    until(&machines.0[0], "three take part", |status| status.servers.len() == 3).await;
    let steps = machines.0[0].reconcile(&members).await.unwrap();
    let mut places: Vec<_> = members.iter().map(|machine| machine.address).collect();
    places.sort();
    assert_eq!(
        steps,
        [Step::Coordinators(places), Step::Redundancy(Redundancy::Double)]
    );
    until(&machines.0[0], "two copies", |status| {
        status.redundancy == Some(Redundancy::Double) && status.coordinators.len() == 3 && status.healthy
    })
    .await;
    assert_eq!(
        machines.0[0].reconcile(&members).await.unwrap(),
        [],
        "all is as it should be"
    );

    // A store finds the cluster through any machine's file, and goes on when one is gone.
    let store = FoundationStore::open(FoundationOptions {
        cluster_file: machines.0[1].cluster_file().to_owned(),
        open_within: Duration::from_secs(60),
        transaction_timeout: Duration::from_secs(60),
        ..FoundationOptions::default()
    });
    let store = hongyan_kv::Database::new(store.await.unwrap());
    let put = async |value: &'static str| {
        let write = async move |tx: &mut hongyan_kv::Transaction| {
            tx.set("k", value);
            Ok::<_, hongyan_kv::Error>(())
        };
        let mut outcome = store.run(write).await;
        while outcome == Err(hongyan_kv::Error::CommitUnknown) {
            outcome = store.run(write).await;
        }
        outcome.unwrap();
    };
    put("before").await;
    let victim = machines.0[2].server_id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-KILL", &victim])
            .status()
            .unwrap()
            .success()
    );
    put("after").await;
    assert_eq!(store.begin().get(b"k").await.unwrap().as_deref(), Some(&b"after"[..]));

    // Its keeper starts it again.
    let mut third = machines.0.pop().unwrap();
    let back = async {
        let first = &machines.0[0];
        until(first, "three again", |status| {
            status.servers.len() == 3 && status.healthy
        })
        .await;
    };
    let (told, _) = tokio::sync::watch::channel(ServerState::Running);
    tokio::select! {
        () = third.supervise(&told) => unreachable!("it supervises for ever"),
        () = back => {}
    }
    assert_ne!(third.server_id().unwrap().to_string(), victim);

    // A keeper that goes leaves its server; the next one finds it.
    let id = third.server_id();
    drop(third);
    let third = Keeper::open(env.clone(), &all[2]).unwrap();
    assert_eq!(third.server_id(), id);
    machines.0.push(third);

    let other: ClusterFile = "other:x@127.0.0.1:1".parse().unwrap();
    let refused = Keeper::join(env, &all[2], &other).await.err();
    assert!(matches!(refused, Some(KeeperError::OtherCluster { .. })), "{refused:?}");

    // One dies for good, and one is given back.
    let first = machines.0.remove(0);
    for leaving in [2, 1] {
        if leaving == 2 {
            machines.0.pop().unwrap().stop();
        }
        let_go(&first, members[leaving].address, &members[..leaving]).await;
    }
    machines.0.pop().unwrap().stop();
    machines.0.push(first);
    assert_eq!(store.begin().get(b"k").await.unwrap().as_deref(), Some(&b"after"[..]));
    put("at last").await;
    // Who takes the address of one that left is given data again.
    machines.0[0].refill(members[1].address).await.unwrap();
    let status = machines.0[0].status().await.unwrap();
    assert_eq!(status.excluded, [members[2].address]);
}
