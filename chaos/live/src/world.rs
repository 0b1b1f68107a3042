//! What exists in a run: FoundationDB, nodes, HAProxy, and what has happened to them.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result};
use hongyan_access::{Access, AccessOptions};
use hongyan_directory::{Directory, DirectoryOptions, NewAccount, NewTenant};
use hongyan_embedded::{EmbeddedOptions, EmbeddedStore};
use hongyan_env::Env;
use hongyan_foundationdb::{FoundationOptions, FoundationStore};
use hongyan_invariant::{ClientId, MailboxName};
use hongyan_kv::Database;
use hongyan_sasl::Secret;
use hongyan_types::{Address, Domain};
use tokio_rustls::TlsConnector;

use crate::client::{Faces, Identity, Kind, PASSWORD, Way, take_any_certificate};
use crate::foundation::Foundation;
use crate::haproxy;
use crate::machine::{Host, Machine};
use crate::node::{self, DOMAIN, Node, NodeParts};
use crate::plan::{Door, Plan};
use crate::process::Process;
use crate::programs::Programs;
use crate::record::Recorder;

/// Accounts made in one transaction.
const ACCOUNTS_AT_A_TIME: usize = 500;

/// A time in which something happened to a node, so that its clients are not expected to be served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Touch {
    /// Counted from 0.
    pub(crate) node: usize,
    pub(crate) from: u64,
    /// None: it goes on.
    pub(crate) to: Option<u64>,
}

/// All of it. Clones share it.
#[derive(Clone)]
pub(crate) struct World(Rc<Inner>);

// In the order in which it ends.
struct Inner {
    plan: Plan,
    hongyan: PathBuf,
    env: Env,
    recorder: Recorder,
    tls: TlsConnector,
    faces: Faces,
    began: Cell<u64>,
    touches: RefCell<Vec<Touch>>,
    is_over: Cell<bool>,
    proxy: Option<(Host, RefCell<Process>)>,
    nodes: Vec<RefCell<Node>>,
    foundation: RefCell<Option<Foundation>>,
    machine: Machine,
    _folder: tempfile::TempDir,
}

impl World {
    /// Starts everything that `plan` names; accounts are there, and nodes are ready.
    pub(crate) async fn start(env: &Env, plan: &Plan, programs: &Programs, parent: Option<&Path>) -> Result<Self> {
        let mut folder = tempfile::Builder::new();
        folder.prefix("hongyan-chaos-");
        let folder = match parent {
            Some(parent) => folder.tempdir_in(parent),
            None => folder.tempdir(),
        };
        let folder = folder.context("make a folder")?;
        let mut machine = Machine::new(plan.network)?;
        let foundation = match plan.foundation {
            0 => None,
            count => Some(Foundation::start(env, &mut machine, &folder.path().join("fdb"), count).await?),
        };
        let cluster_file = foundation.as_ref().map(Foundation::cluster_file);
        let proxy = match plan.door {
            Door::Direct => None,
            Door::Haproxy => Some(machine.host("proxy")?),
        };
        let mut nodes = Vec::new();
        for number in 0..plan.nodes {
            let host = machine.host(&format!("node{}", number + 1))?;
            nodes.push(Node::new(NodeParts {
                number,
                folder: folder.path().join(&host.name),
                host,
                binary: programs.before.as_ref().unwrap_or(&programs.hongyan).clone(),
                is_earlier: programs.before.is_some(),
                cluster_file: cluster_file.clone(),
                proxy: proxy.clone(),
                is_member: plan.nodes > 1,
                has_small_disk: plan.fills_disks(),
            })?);
        }
        make_accounts(env, plan.accounts, cluster_file, nodes.first()).await?;
        start_nodes(env, &mut nodes).await?;
        if let Some(number) = plan.gather {
            gather(&nodes, number - 1).await.context("gather all on one node")?;
        }
        let proxy = match proxy {
            None => None,
            Some(host) => {
                let addresses: Vec<_> = nodes.iter().map(|node| node.host().address).collect();
                let process = haproxy::start(env, &host, &addresses, &programs.haproxy_config, folder.path()).await?;
                Some((host, RefCell::new(process)))
            }
        };
        let world = Self(Rc::new(Inner {
            plan: plan.clone(),
            hongyan: programs.hongyan.clone(),
            env: env.clone(),
            recorder: Recorder::new(env),
            tls: take_any_certificate()?,
            faces: Faces::default(),
            began: Cell::new(env.now_micros()),
            touches: RefCell::default(),
            is_over: Cell::new(false),
            proxy,
            nodes: nodes.into_iter().map(RefCell::new).collect(),
            foundation: RefCell::new(foundation),
            machine,
            _folder: folder,
        }));
        for number in 0..world.nodes() {
            world.learn_face(number);
        }
        Ok(world)
    }
    pub(crate) fn plan(&self) -> &Plan {
        &self.0.plan
    }
    /// The program that nodes are upgraded to.
    pub(crate) fn hongyan(&self) -> &Path {
        &self.0.hongyan
    }
    pub(crate) fn env(&self) -> &Env {
        &self.0.env
    }
    pub(crate) fn recorder(&self) -> &Recorder {
        &self.0.recorder
    }
    pub(crate) fn machine(&self) -> &Machine {
        &self.0.machine
    }
    /// When the clients began.
    pub(crate) fn began(&self) -> u64 {
        self.0.began.get()
    }
    /// Clients begin now.
    pub(crate) fn begin(&self) {
        self.0.began.set(self.0.env.now_micros());
    }
    pub(crate) fn end(&self) {
        self.0.is_over.set(true);
    }
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_over.get()
    }
    pub(crate) fn nodes(&self) -> usize {
        self.0.nodes.len()
    }
    pub(crate) fn host(&self, node: usize) -> Host {
        self.0.nodes[node].borrow().host().clone()
    }
    pub(crate) fn with_node<T>(&self, node: usize, act: impl FnOnce(&mut Node) -> T) -> T {
        act(&mut self.0.nodes[node].borrow_mut())
    }
    pub(crate) fn with_foundation<T>(&self, act: impl FnOnce(&mut Foundation) -> T) -> Option<T> {
        self.0.foundation.borrow_mut().as_mut().map(act)
    }
    /// What ended that nobody ended.
    pub(crate) fn check(&self) -> Vec<String> {
        let nodes = self.0.nodes.iter().map(|node| node.borrow_mut().check());
        let proxy = self.0.proxy.iter().map(|(_, process)| process.borrow_mut().check());
        let ended = nodes.chain(proxy).filter_map(Result::err);
        ended.map(|error| format!("{error:#}")).collect()
    }
    pub(crate) fn mailboxes(&self) -> Vec<MailboxName> {
        let name = |number| MailboxName(format!("user{number}@{DOMAIN}"));
        (1..=self.0.plan.accounts).map(name).collect()
    }
    pub(crate) fn identity(&self, client: u32, mailbox: Option<usize>) -> Identity {
        Identity {
            client: ClientId(client),
            mailbox,
            env: self.0.env.clone(),
            recorder: self.0.recorder.clone(),
            tls: self.0.tls.clone(),
            faces: self.0.faces.clone(),
        }
    }

    /// Waits until a node is ready.
    pub(crate) async fn ready(&self, node: usize) -> Result<()> {
        let check = || self.with_node(node, Node::check);
        node::ready(&self.0.env, &self.host(node), check).await?;
        self.learn_face(node);
        Ok(())
    }
    fn learn_face(&self, node: usize) {
        if let Some(certificate) = self.with_node(node, |node| node.certificate()) {
            self.0.faces.learn(certificate, node);
        }
    }
    /// Something happens to a node from now on.
    pub(crate) fn touch(&self, node: usize) {
        let from = self.0.env.now_micros();
        self.0.touches.borrow_mut().push(Touch { node, from, to: None });
    }
    /// It is over.
    pub(crate) fn untouch(&self, node: usize) {
        let now = self.0.env.now_micros();
        let mut touches = self.0.touches.borrow_mut();
        if let Some(touch) = touches
            .iter_mut()
            .rev()
            .find(|touch| touch.node == node && touch.to.is_none())
        {
            touch.to = Some(now);
        }
    }
    pub(crate) fn is_touched_now(&self, node: usize) -> bool {
        let touches = self.0.touches.borrow();
        touches.iter().any(|touch| touch.node == node && touch.to.is_none())
    }
    pub(crate) fn touches(&self) -> Vec<Touch> {
        self.0.touches.borrow().clone()
    }

    /// A way to a node itself.
    pub(crate) fn way_to(&self, node: usize, usual_port: u16) -> Way {
        Way {
            address: self.host(node).at(usual_port),
            node: Some(node),
        }
    }
    /// The way in for IMAP of a client that does not care for a node.
    pub(crate) fn imap_way(&self, turn: usize) -> Way {
        self.door(turn, 993)
    }
    /// The way in for mail.
    pub(crate) fn mail_way(&self, kind: Kind, turn: usize) -> Way {
        match kind {
            Kind::Smtp => self.door(turn, 25),
            Kind::Lmtp => self.way_to(turn % self.nodes(), 24),
        }
    }
    fn door(&self, turn: usize, usual_port: u16) -> Way {
        match &self.0.proxy {
            Some((host, _)) => Way {
                address: SocketAddr::new(host.address, crate::machine::port(usual_port)),
                node: None,
            },
            None => self.way_to(turn % self.nodes(), usual_port),
        }
    }
}

/// Makes one node, or a cluster of several, and waits until all are ready.
async fn start_nodes(env: &Env, nodes: &mut [Node]) -> Result<()> {
    let is_cluster = nodes.len() > 1;
    let mut token = String::new();
    for number in 0..nodes.len() {
        let node = &mut nodes[number];
        if is_cluster && number == 0 {
            token = node.init().await.context("make the cluster")?;
        } else if is_cluster {
            if number > 1 {
                token = nodes[0].invite().await.context("invite a node")?;
            }
            nodes[number].join(&token).await.context("join the cluster")?;
        }
        let node = &mut nodes[number];
        node.start()?;
        let host = node.host().clone();
        node::ready(env, &host, || node.check()).await?;
    }
    Ok(())
}

/// Lets one node own everything.
async fn gather(nodes: &[Node], owner: usize) -> Result<()> {
    let others = || (0..nodes.len()).filter(|number| *number != owner);
    for number in others() {
        nodes[number].manage(&["cluster", "drain"]).await?;
    }
    nodes[owner].manage(&["cluster", "rebalance", "--pause"]).await?;
    for number in others() {
        nodes[number].manage(&["cluster", "resume"]).await?;
    }
    Ok(())
}

/// Puts the accounts into the store before anybody serves them.
async fn make_accounts(env: &Env, count: usize, cluster_file: Option<PathBuf>, node: Option<&Node>) -> Result<()> {
    let (database, embedded) = match cluster_file {
        Some(cluster_file) => {
            let clock = env.clone();
            let options = FoundationOptions {
                clock: std::sync::Arc::new(move || clock.now_micros()),
                cluster_file,
                open_within: std::time::Duration::from_secs(60),
                ..FoundationOptions::default()
            };
            let store = FoundationStore::open(options).await.context("open FoundationDB")?;
            (Database::new(store), None)
        }
        None => {
            let folder = node.context("name the node")?.data().join("store");
            let store = EmbeddedStore::open(folder, EmbeddedOptions::default()).context("open the store")?;
            (Database::new(store.clone()), Some(store))
        }
    };
    let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
    let options = AccessOptions {
        // Cheap on purpose: a password that everyone knows.
        argon2_memory_kib: 1024,
        argon2_passes: 1,
        scram_iterations: 4096,
        ..AccessOptions::default()
    };
    let access = Access::open(directory.clone(), &database, env.clone(), options).await?;
    let credential = access.hash_password(&Secret::new(PASSWORD)).await?;
    let domain = Domain::try_from(DOMAIN).context("name the domain")?;
    let tenant = directory.create_tenant(&NewTenant::named("chaos")).await?;
    directory.create_domain(tenant.id, &domain).await?;
    let mut made = Vec::new();
    for number in 1..=count {
        let address = Address::try_from(format!("user{number}@{DOMAIN}").as_str())?;
        made.push(NewAccount {
            credential: Some(credential.clone()),
            ..NewAccount::at(address)
        });
    }
    for some in made.chunks(ACCOUNTS_AT_A_TIME) {
        directory.create_accounts(some).await?;
    }
    if let Some(store) = embedded {
        store.close();
    }
    Ok(())
}
