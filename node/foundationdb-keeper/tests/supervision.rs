//! A server that cannot start is tried again and again, says why, and runs when it can. Without FoundationDB's server it says
//! that it was skipped.

use std::net::TcpListener;
use std::time::Duration;

use hongyan_env::Env;
use hongyan_foundationdb::ClusterFile;
use hongyan_foundationdb_keeper::{Keeper, KeeperOptions, Machine, Program, Programs, ServerState};
use tokio::sync::watch;

#[tokio::test]
#[allow(
    clippy::disallowed_methods,
    reason = "holds a port, so that the server cannot have it"
)]
async fn why_a_server_does_not_run_is_told_until_it_does() {
    if let Err(error) = Program::Server.find() {
        eprintln!("SKIPPED why_a_server_does_not_run_is_told_until_it_does: {error}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    let options = KeeperOptions {
        folder: folder.path().to_owned(),
        programs: Programs::default(),
        machine: Machine {
            name: "machine".to_owned(),
            address,
            data_center: None,
        },
        memory_octets_max: 2 << 30,
    };
    let cluster: ClusterFile = format!("hongyan:x@{address}").parse().unwrap();
    let mut keeper = Keeper::join(Env::real(), &options, &cluster).await.unwrap();
    let (told, mut state) = watch::channel(ServerState::Running);
    let story = async {
        let ended = state.wait_for(|state| matches!(state, ServerState::Ended { times: 2, .. }));
        let text = ended.await.unwrap().to_string();
        let reason = format!("another program listens on {address}: stop it, or set cluster.foundationdb_port");
        assert!(text.contains(&reason) && text.contains("2 in a row"), "{text}");
        drop(holder);
        state.wait_for(|state| *state == ServerState::Running).await.unwrap();
    };
    tokio::select! {
        () = keeper.supervise(&told) => unreachable!("it supervises for ever"),
        result = tokio::time::timeout(Duration::from_secs(300), story) => result.unwrap(),
    }
    keeper.stop();
}
