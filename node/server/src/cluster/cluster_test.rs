//! Members in one process, over one store in memory and real sockets: joining, leaving, and who is refused.

use std::path::Path;
use std::time::Duration;

use hongyan_config::Config;
use hongyan_env::{Env, HeldPort};
use hongyan_identity::{Identity, IdentityFile, JoinToken, NodeKey};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_metadata::NodeState;
use hongyan_transport::codec;
use tokio::io::AsyncWriteExt;

use super::cluster_node::{ClusterNode, Joined};
use super::folder::Storage;
use super::found::found_after;
use super::words::{About, AboutV1};

const LIFETIME: Duration = Duration::from_secs(3600);

/// A port that stays this test's.
fn port() -> u16 {
    let held = HeldPort::any().unwrap();
    let port = held.port();
    // A test is a process, or a thread of one: what it holds may be held as long as the process lives.
    std::mem::forget(held);
    port
}

/// The configuration of a machine whose data lies in `folder`.
fn config(folder: &Path) -> Config {
    let mut config = Config::default();
    config.node.data = folder.display().to_string();
    config.cluster.listen = vec![format!("127.0.0.1:{}", port())];
    config.cluster.join_listen = vec![format!("127.0.0.1:{}", port())];
    config.cluster.partitions = 16;
    "foundationdb".clone_into(&mut config.storage.backend);
    // A new node is told what it says, and nobody opens it.
    let file = folder.with_extension("fdb.cluster");
    std::fs::write(&file, "test:test@127.0.0.1:1\n").unwrap();
    config.storage.cluster_file = file.display().to_string();
    config
}

async fn start(config: &Config, data: &Database) -> ClusterNode {
    let (env, mut config) = (Env::real(), config.clone());
    let joined = Joined::find(&mut config, &env).unwrap().unwrap();
    ClusterNode::start(env, &config, joined, data.clone()).await.unwrap()
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let env = Env::real();
    for _ in 0..6000 {
        if holds() {
            return;
        }
        env.sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}");
}

fn owned(node: &ClusterNode) -> usize {
    node.member().ownership().serving()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// A founder and a second node with their folders, both up.
struct Pair {
    _folder: tempfile::TempDir,
    data: Database,
    configs: [Config; 2],
    nodes: [ClusterNode; 2],
    tokens: Vec<String>,
}

async fn pair(tokens: usize) -> Pair {
    let folder = tempfile::tempdir().unwrap();
    let configs = ["one", "two"].map(|name| config(&folder.path().join(name)));
    let data = Database::new(MemoryStore::default());
    let found = found_after(Env::real(), &configs[0], Storage::Configured, 7, (tokens + 1, LIFETIME));
    let mut tokens = found.await.unwrap();
    let one = start(&configs[0], &data).await;
    one.arrived().await;
    super::join(&configs[1], &tokens.remove(0)).await.unwrap();
    let two = start(&configs[1], &data).await;
    two.arrived().await;
    Pair {
        _folder: folder,
        data,
        configs,
        nodes: [one, two],
        tokens,
    }
}

#[tokio::test]
async fn nodes_join_by_token_share_the_partitions_and_drain_before_they_end() {
    let Pair {
        nodes: [one, two],
        data,
        configs,
        _folder: folder,
        ..
    } = pair(0).await;
    until("both own some", || {
        owned(&one) > 0 && owned(&two) > 0 && owned(&one) + owned(&two) == 16
    })
    .await;
    let map = one.member().metadata().map();
    assert!(
        map.partitions.iter().all(|slot| slot.epoch > 7),
        "epochs go on after the store's"
    );
    two.drain().await;
    until("the first one has it all", || owned(&one) == 16).await;
    assert_eq!(two.member().metadata().map().nodes[&2].state, NodeState::Draining);
    two.stop().await;
    let two = start(&configs[1], &data).await;
    until("what was drained and restarted serves again", || {
        owned(&two) > 0 && owned(&one) + owned(&two) == 16
    })
    .await;
    for node in [&one, &two] {
        node.stop().await;
    }
    drop(folder);
}

#[tokio::test]
async fn a_token_is_good_once_and_for_a_release_that_can_speak() {
    let pair = pair(1).await;
    let env = Env::real();
    let about = About::V1(AboutV1 {
        name: "old".to_owned(),
        address: "127.0.0.1:1".to_owned(),
        data_center: String::new(),
        rack: String::new(),
        weight: 100,
        release: "0.0.1".to_owned(),
        protocol_oldest: 0,
        protocol_newest: 0,
    });
    let about = codec::encode(&about).unwrap().to_vec();
    let token: JoinToken = pair.tokens[0].parse().unwrap();
    let refused = hongyan_identity::join(&env, &token, about.clone()).await.err().unwrap();
    assert!(
        refused.to_string().contains("release 0.0.1 speaks versions 0 to 0"),
        "{refused}"
    );
    let refused = hongyan_identity::join(&env, &token, b"gibberish".to_vec())
        .await
        .err()
        .unwrap();
    assert!(refused.to_string().contains("does not understand"), "{refused}");

    let folder = tempfile::tempdir().unwrap();
    let third = config(&folder.path().join("three"));
    let facts = super::join(&third, &pair.tokens[0]).await.unwrap();
    assert_eq!((facts.node, facts.partitions), (3, 16));
    let fourth = config(&folder.path().join("four"));
    let refused = super::join(&fourth, &pair.tokens[0]).await.unwrap_err();
    assert!(
        format!("{refused:#}").contains("token is unknown, used or expired"),
        "{refused:#}"
    );
    let again = super::join(&third, &pair.tokens[0]).await.unwrap_err();
    assert!(
        format!("{again:#}").contains("this is node 3 of the cluster"),
        "{again:#}"
    );
    for node in &pair.nodes {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_copy_of_a_running_node_is_refused_and_an_old_backup_too() {
    let Pair {
        data,
        configs,
        nodes: [one, two],
        _folder: folder,
        ..
    } = pair(0).await;
    let copied = config(&folder.path().join("copied"));
    copy(Path::new(&configs[1].node.data), Path::new(&copied.node.data));
    let clone = start(&copied, &data).await;
    let refused = clone.refused().await.to_string();
    assert!(refused.contains("two processes use it"), "{refused}");
    assert!(two.member().ownership().has_lease(), "the node itself goes on");
    clone.stop().await;

    let backup = folder.path().join("backup");
    two.stop().await;
    copy(Path::new(&configs[1].node.data), &backup);
    for _ in 0..2 {
        let two = start(&configs[1], &data).await;
        two.arrived().await;
        two.stop().await;
    }
    std::fs::remove_dir_all(&configs[1].node.data).unwrap();
    copy(&backup, Path::new(&configs[1].node.data));
    let old = start(&configs[1], &data).await;
    let refused = old.refused().await.to_string();
    assert!(refused.contains("a copy or an old backup"), "{refused}");
    for node in [&one, &old] {
        node.stop().await;
    }
}

#[tokio::test]
async fn what_belongs_to_another_node_or_cluster_is_not_taken_for_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (
        config(&folder.path().join("ours")),
        config(&folder.path().join("theirs")),
    );
    for config in [&ours, &theirs] {
        let found = found_after(Env::real(), config, Storage::Configured, 1, (1, LIFETIME));
        found.await.unwrap();
    }
    let env = Env::real();
    let file = |config: &Config, name: &str| Path::new(&config.node.data).join("cluster").join(name);
    let find = |config: &Config| Joined::find(&mut config.clone(), &env);

    std::fs::copy(file(&theirs, "identity.pem"), file(&ours, "identity.pem")).unwrap();
    let refused = find(&ours).err().unwrap().to_string();
    assert!(
        refused.contains("and this folder belongs to node 1 of the cluster"),
        "{refused}"
    );

    std::fs::copy(file(&theirs, "member.toml"), file(&ours, "member.toml")).unwrap();
    let joined = find(&ours).unwrap().unwrap();
    let data = Database::new(MemoryStore::default());
    let refused = ClusterNode::start(env.clone(), &ours, joined, data)
        .await
        .err()
        .unwrap();
    assert!(
        refused.to_string().contains("is that of another cluster"),
        "{refused:#}"
    );

    std::fs::remove_file(file(&theirs, "identity.pem")).unwrap();
    let refused = find(&theirs).err().unwrap().to_string();
    assert!(refused.contains("is missing"), "{refused}");

    let alone = config(&folder.path().join("alone"));
    std::fs::create_dir_all(Path::new(&alone.node.data).join("store")).unwrap();
    let found = found_after(env, &alone, Storage::Configured, 1, (1, LIFETIME));
    let refused = found.await.unwrap_err().to_string();
    assert!(refused.contains("holds the mail of a node alone"), "{refused}");
}

#[tokio::test]
async fn three_nodes_restart_one_after_the_other() {
    let Pair {
        nodes: [one, two],
        data,
        configs,
        tokens,
        _folder: folder,
    } = pair(1).await;
    let third = config(&folder.path().join("three"));
    super::join(&third, &tokens[0]).await.unwrap();
    let three = start(&third, &data).await;
    three.arrived().await;
    let configs = [configs[0].clone(), configs[1].clone(), third];
    let mut nodes = [one, two, three];
    let all_serve = |nodes: &[ClusterNode; 3]| {
        nodes.iter().all(|node| owned(node) > 0) && nodes.iter().map(owned).sum::<usize>() == 16
    };
    until("all three own some", || all_serve(&nodes)).await;
    for index in 0..3 {
        nodes[index].drain().await;
        nodes[index].stop().await;
        nodes[index] = start(&configs[index], &data).await;
        until("what was drained and restarted serves again", || all_serve(&nodes)).await;
    }
    for node in &nodes {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_token_is_good_also_when_the_node_that_made_it_is_gone() {
    let Pair {
        data,
        configs: [first, second],
        nodes: [one, two],
        tokens,
        _folder: folder,
    } = pair(1).await;
    let third = config(&folder.path().join("three"));
    super::join(&third, &tokens[0]).await.unwrap();
    let three = start(&third, &data).await;
    until("all vote", || one.member().metadata().members().voters.len() == 3).await;
    let doors: Vec<std::net::SocketAddr> = [&first, &second, &third]
        .map(|config| config.cluster.join_listen[0].parse().unwrap())
        .to_vec();
    let control = one.control(None).unwrap();
    let mut token = control.invite(LIFETIME).await.unwrap().token;
    for _ in 0..600 {
        if token.parse::<JoinToken>().unwrap().addresses == doors {
            break;
        }
        Env::real().sleep(Duration::from_millis(100)).await;
        token = control.invite(LIFETIME).await.unwrap().token;
    }
    assert_eq!(token.parse::<JoinToken>().unwrap().addresses, doors);
    one.stop().await;
    let fourth = config(&folder.path().join("four"));
    let facts = super::join(&fourth, &token).await.unwrap();
    assert_eq!(facts.node, 4);
    for node in [&two, &three] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_node_with_the_folder_of_another_cluster_ends_and_says_so() {
    let Pair {
        data,
        configs,
        nodes: [one, two],
        _folder: folder,
        ..
    } = pair(0).await;
    for node in [&one, &two] {
        node.stop().await;
    }
    drop((one, two));
    // The first machine has become that of a new cluster; the second one was forgotten.
    let mut anew = config(&folder.path().join("anew"));
    anew.cluster.listen.clone_from(&configs[0].cluster.listen);
    let found = found_after(Env::real(), &anew, Storage::Configured, 1, (1, LIFETIME));
    found.await.unwrap();
    let anew = start(&anew, &data).await;
    let forgotten = start(&configs[1], &data).await;
    let refused = forgotten.refused().await.to_string();
    assert!(refused.contains("are of another cluster"), "{refused}");
    assert!(anew.member().ownership().has_lease(), "the new cluster goes on");
    for node in [&anew, &forgotten] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_certificate_that_has_ended_is_named_before_anybody_is_asked() {
    let Pair {
        data,
        configs,
        nodes: [one, two],
        _folder: folder,
        ..
    } = pair(0).await;
    two.stop().await;
    let env = Env::real();
    let file = IdentityFile(Path::new(&configs[1].node.data).join("cluster/identity.pem"));
    let identity = file.load().unwrap().unwrap();
    let (cluster, node) = identity.node().unwrap();
    let authority = super::authority::from_map(&one.member().metadata().map().authority).unwrap();
    let key = NodeKey::generate().unwrap();
    let certificate_pem = authority
        .sign(&env, &key.request().unwrap(), (&cluster, node), Duration::ZERO)
        .unwrap();
    file.store(&Identity {
        certificate_pem,
        key_pem: key.to_pem(),
        ..identity
    })
    .unwrap();
    env.sleep(Duration::from_secs(2)).await;
    let joined = Joined::find(&mut configs[1].clone(), &env).unwrap().unwrap();
    let refused = ClusterNode::start(env, &configs[1], joined, data).await.err().unwrap();
    let text = refused.downcast_ref::<super::Refused>().unwrap().to_string();
    assert!(
        text.contains("its certificate ended 0 days ago by this machine's clock"),
        "{text}"
    );
    assert!(text.contains("`hongyan cluster leave 2`"), "{text}");
    assert!(one.member().ownership().has_lease());
    one.stop().await;
    drop(folder);
}

#[tokio::test]
async fn a_door_that_is_not_the_clusters_is_told_from_one_that_is_shut() {
    let pair = pair(1).await;
    let env = Env::real();
    let theirs = config(&pair._folder.path().join("theirs"));
    let tokens = found_after(env.clone(), &theirs, Storage::Configured, 1, (1, LIFETIME))
        .await
        .unwrap();
    let new = config(&pair._folder.path().join("new"));
    let failure = async |token: &JoinToken| format!("{:#}", super::join(&new, &token.to_string()).await.unwrap_err());

    let mut shut: JoinToken = pair.tokens[0].parse().unwrap();
    let own = shut.addresses.clone();
    shut.addresses = vec![HeldPort::any().unwrap().address()];
    let said = failure(&shut).await;
    assert!(said.contains("no member of the cluster answers: 127.0.0.1:"), "{said}");

    // Something listens there, which is no door.
    let other = env.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    shut.addresses = vec![other.local_address().unwrap()];
    let greets = async {
        let (mut stream, _) = other.accept().await.unwrap();
        let _ = stream.write_all(b"220 mail.example ESMTP\r\n").await;
        let _ = stream.shutdown().await;
    };
    let (said, ()) = tokio::join!(failure(&shut), greets);
    assert!(said.contains("no door of a cluster"), "{said}");

    // A token of another cluster that names this one's door.
    let mut foreign: JoinToken = tokens[0].parse().unwrap();
    foreign.addresses = own;
    let said = failure(&foreign).await;
    assert!(
        said.contains("who answers there is not the cluster of this token"),
        "{said}"
    );
    for node in &pair.nodes {
        node.stop().await;
    }
}
