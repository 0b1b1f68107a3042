//! The keys that seal secrets: in a file of the data folder, and among the nodes of a cluster in what they agree upon.
//!
//! The file `secrets.key` has one key a line. A node alone makes it at its first start. A member takes what the cluster has, gives
//! it what only its own file has, and writes it all down; only when nobody has a key, it makes one. Whatever happens to the
//! file, the node starts: what does not open then is told, and can be set anew. The node that has the first shard of the queue
//! seals again what was sealed with an earlier key, or in clear by an earlier build.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use hongyan_access::SIGNING_SECRETS;
use hongyan_acme::{ACCOUNT_SECRETS, CERTIFICATE_SECRETS, OWN_CERTIFICATE_SECRETS};
use hongyan_actor::EntityKey;
use hongyan_cluster::{Member, SecretKeys};
use hongyan_directory::FACTOR_SECRETS;
use hongyan_env::{BoxFuture, Env};
use hongyan_http_admin::SecretKeeper;
use hongyan_http_jmap::PUSH_SECRETS;
use hongyan_kv::Database;
use hongyan_ldap::BIND_SECRETS;
use hongyan_migration::MIGRATION_SECRETS;
use hongyan_openid::PROVIDER_SECRETS;
use hongyan_queue::QueueId;
use hongyan_router::Router;
use hongyan_saml::KEY_SECRETS;
use hongyan_seal::{Holder, KeyId, Looked, SealKey, Sealer, look, seal_again};
use hongyan_telemetry::Health;
use hongyan_webhook::WEBHOOK_SECRETS;
use parking_lot::Mutex;

use crate::cluster::ClusterNode;

/// The name of the file.
const FILE: &str = "secrets.key";
const HEAD: &str = "\
# The keys that seal what Hongyan keeps secret in its store, one a line. Without them a backup of the store does not give the
# secrets back: keep a copy of this file, apart from the backups. Written by the server; not for editing.
";
/// All kinds of records that hold secrets.
const HOLDERS: [Holder; 11] = [
    FACTOR_SECRETS,
    ACCOUNT_SECRETS,
    CERTIFICATE_SECRETS,
    OWN_CERTIFICATE_SECRETS,
    PROVIDER_SECRETS,
    WEBHOOK_SECRETS,
    PUSH_SECRETS,
    BIND_SECRETS,
    MIGRATION_SECRETS,
    SIGNING_SECRETS,
    KEY_SECRETS,
];
/// So long after it was made a key of a cluster begins to seal: by then every node has it.
const BEGIN_DELAY_MILLIS: i64 = 10_000;
/// How long the cluster may take to agree.
const PROPOSE_WITHIN: Duration = Duration::from_secs(10);
/// Pause after it did not.
const RETRY_PAUSE: Duration = Duration::from_secs(2);
/// Time between two looks whether there is a new key.
const LOOK_PERIOD: Duration = Duration::from_secs(60);
/// The same, while something does not open.
const LOST_PERIOD: Duration = Duration::from_secs(3_600);

/// The file of the keys.
struct KeyFile {
    path: PathBuf,
    /// One writes at a time.
    writing: Mutex<()>,
}

impl KeyFile {
    fn of(data: &Path) -> Self {
        Self {
            path: data.join(FILE),
            writing: Mutex::new(()),
        }
    }

    /// The keys in it; none when there is no file.
    fn read(&self) -> Result<Vec<SealKey>> {
        let shown = self.path.display();
        let text = match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            text => text.with_context(|| format!("read {shown}"))?,
        };
        let lines = text.lines().enumerate();
        let keys = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        keys.map(|(at, line)| {
            line.parse().map_err(|error| {
                anyhow!(
                    "{shown}, line {}: {error}; put a copy of the file back, or remove it: then secrets that are sealed have to be \
                     set anew",
                    at + 1
                )
            })
        })
        .collect()
    }

    /// Adds `keys` to those that it has, and gives them to `sealer` once they are on the disk.
    fn add(&self, sealer: &Sealer, keys: &[SealKey]) -> Result<()> {
        let _writing = self.writing.lock();
        let mut all = sealer.keys();
        let known = all.len();
        for key in keys {
            if all.iter().all(|known| known.id != key.id) {
                all.push(key.clone());
            }
        }
        if all.len() == known {
            return Ok(());
        }
        self.write(&all)
            .with_context(|| format!("write {}", self.path.display()))?;
        for key in all {
            sealer.add(key);
        }
        Ok(())
    }

    fn write(&self, keys: &[SealKey]) -> std::io::Result<()> {
        let beside = self.path.with_extension("new");
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(HEAD.as_bytes())?;
        for key in keys {
            writeln!(file, "{}", key.to_text().as_str())?;
        }
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::File::open(folder)?.sync_all()
    }
}

/// Gives `sealer` the keys of the file; a node alone makes one when there is none.
pub(crate) fn load(data: &Path, env: &Env, sealer: &Sealer, is_member: bool) -> Result<()> {
    let file = KeyFile::of(data);
    for key in file.read()? {
        sealer.add(key);
    }
    if sealer.current().is_none() && !is_member {
        file.add(sealer, &[SealKey::generate(env, env.wall_millis())])?;
    }
    Ok(())
}

/// The keys of a running node; clones share them.
#[derive(Clone)]
pub(crate) struct Secrets(Arc<Inner>);

struct Inner {
    env: Env,
    database: Database,
    sealer: Sealer,
    file: KeyFile,
    member: Option<Member>,
}

impl Secrets {
    /// The keys that [`load`] found, and those of the cluster from now on.
    pub(crate) fn start(
        data: &Path,
        env: &Env,
        database: &Database,
        sealer: &Sealer,
        cluster: Option<&ClusterNode>,
    ) -> Self {
        let secrets = Self(Arc::new(Inner {
            env: env.clone(),
            database: database.clone(),
            sealer: sealer.clone(),
            file: KeyFile::of(data),
            member: cluster.map(|cluster| cluster.member().clone()),
        }));
        if let Some(cluster) = cluster {
            tokio::spawn(secrets.clone().follow(cluster.member().clone()));
            tokio::spawn(secrets.clone().begin(cluster.clone()));
        }
        secrets
    }

    /// Waits until there is a key.
    pub(crate) async fn settled(&self) {
        let mut count = self.0.sealer.watch();
        // It ends with the sealer, which is ours.
        let _ = count.wait_for(|count| *count > 0).await;
    }

    /// Takes the keys that the cluster has, and gives it those that it has not, for ever.
    async fn follow(self, member: Member) {
        let inner = &self.0;
        let mut maps = member.metadata().watch();
        loop {
            let map = Arc::clone(&maps.borrow_and_update());
            let agreed = SecretKeys::of(&map);
            if let Err(error) = inner.file.add(&inner.sealer, &agreed) {
                tracing::error!(
                    event = "secret_keys_not_written",
                    error = format!("{error:#}"),
                    "the keys for secrets are not on the disk"
                );
                inner.env.sleep(RETRY_PAUSE).await;
                continue;
            }
            let ours = inner.sealer.keys();
            let missing = ours.iter().filter(|key| agreed.iter().all(|known| known.id != key.id));
            let mut is_shared = true;
            for key in missing.filter(|_| map.is_founded()) {
                is_shared &= self.propose(&member, key).await.is_ok();
            }
            if is_shared {
                if maps.changed().await.is_err() {
                    return;
                }
            } else {
                inner.env.sleep(RETRY_PAUSE).await;
            }
        }
    }

    /// Makes the first key of a cluster that has none.
    async fn begin(self, cluster: ClusterNode) {
        cluster.arrived().await;
        let inner = &self.0;
        while inner.sealer.current().is_none() {
            // What has arrived knows what was agreed before.
            let key = SealKey::generate(&inner.env, inner.env.wall_millis());
            if SecretKeys::of(&cluster.member().metadata().map()).is_empty() {
                let _ = self.propose(cluster.member(), &key).await;
            }
            inner.env.sleep(RETRY_PAUSE).await;
        }
    }

    async fn propose(&self, member: &Member, key: &SealKey) -> Result<(), String> {
        let add = SecretKeys::add(key);
        let agreed = member.metadata().propose(add, PROPOSE_WITHIN).await;
        agreed.map(|_| ()).map_err(|error| error.to_string())
    }

    /// Seals again what is not sealed with the present key, for ever, while this node is the one to.
    pub(crate) async fn tend(self, router: Router, health: Health) {
        let place = QueueId { shard: 0 }.entity_id();
        loop {
            let mut pause = LOOK_PERIOD;
            if router.is_here(&place) {
                match seal_again(&self.0.database, &self.0.sealer, &HOLDERS).await {
                    Ok(looked) => {
                        if looked.unreadable > 0 {
                            pause = LOST_PERIOD;
                        }
                        told(&looked, &health);
                    }
                    Err(error) => tracing::warn!(%error, "secrets could not be sealed again; it is tried again"),
                }
            } else {
                health.note("secrets", None);
            }
            self.0.env.sleep(pause).await;
        }
    }
}

fn told(looked: &Looked, health: &Health) {
    if looked.sealed > 0 {
        tracing::info!(
            event = "secrets_sealed",
            records = looked.sealed,
            "secrets sealed with the present key"
        );
    }
    let reason = looked.reason.as_ref().map(ToString::to_string);
    let text = reason.map(|reason| format!("{} records do not open: {reason}", looked.unreadable));
    if let Some(text) = &text {
        tracing::error!(event = "secrets_unreadable", records = looked.unreadable, "{text}");
    }
    health.note("secrets", text);
}

impl SecretKeeper for Secrets {
    fn rotate(&self) -> BoxFuture<'_, Result<KeyId, String>> {
        Box::pin(async move {
            let inner = &self.0;
            let now = inner.env.wall_millis();
            let delay = if inner.member.is_some() { BEGIN_DELAY_MILLIS } else { 0 };
            // After all others, whatever the clocks of the nodes say.
            let newest = inner.sealer.keys().last().map_or(i64::MIN, |key| key.from_millis);
            let from_millis = now.saturating_add(delay).max(newest.saturating_add(1));
            let key = SealKey::generate(&inner.env, from_millis);
            if let Some(member) = &inner.member {
                self.propose(member, &key).await?;
            }
            let added = inner.file.add(&inner.sealer, std::slice::from_ref(&key));
            added.map_err(|error| format!("{error:#}"))?;
            Ok(key.id)
        })
    }
    fn look(&self) -> BoxFuture<'_, Result<Looked, String>> {
        Box::pin(async move {
            let looked = look(&self.0.database, &self.0.sealer, &HOLDERS).await;
            looked.map_err(|error| error.to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use hongyan_kv::Tuple;
    use hongyan_memory::MemoryStore;
    use hongyan_seal::{Kept, Place, SealError};

    use super::*;

    fn place() -> Place {
        Place::new("test", 1)
    }

    #[test]
    fn a_node_alone_makes_its_key_once_and_for_its_user_only() {
        let folder = tempfile::tempdir().unwrap();
        let (env, _) = Env::manual(1);
        let first = Sealer::new(env.clone());
        load(folder.path(), &env, &first, false).unwrap();
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let kept = first.keep(&place(), b"secret").unwrap();
        let again = Sealer::new(env.clone());
        load(folder.path(), &env, &again, false).unwrap();
        assert_eq!(again.keys(), first.keys());
        assert_eq!(again.reveal(&place(), &kept).unwrap().as_slice(), b"secret");
    }

    #[test]
    fn a_member_waits_for_the_keys_of_its_cluster() {
        let folder = tempfile::tempdir().unwrap();
        let (env, _) = Env::manual(1);
        let sealer = Sealer::new(env.clone());
        load(folder.path(), &env, &sealer, true).unwrap();
        assert_eq!(sealer.current(), None);
        let file = KeyFile::of(folder.path());
        let keys = [SealKey::generate(&env, 1), SealKey::generate(&env, 2)];
        file.add(&sealer, &keys[..1]).unwrap();
        file.add(&sealer, &keys).unwrap();
        let after = Sealer::new(env.clone());
        load(folder.path(), &env, &after, true).unwrap();
        assert_eq!(after.keys(), keys);
    }

    #[test]
    fn a_lost_file_leaves_a_node_that_starts_and_says_what_does_not_open() {
        let folder = tempfile::tempdir().unwrap();
        let (env, _) = Env::manual(1);
        let before = Sealer::new(env.clone());
        load(folder.path(), &env, &before, false).unwrap();
        let kept = before.keep(&place(), b"secret").unwrap();
        fs::remove_file(folder.path().join(FILE)).unwrap();
        let after = Sealer::new(env.clone());
        load(folder.path(), &env, &after, false).unwrap();
        let lost = before.current().unwrap();
        assert_eq!(after.reveal(&place(), &kept), Err(SealError::UnknownKey(lost)));
    }

    #[test]
    fn a_damaged_file_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let (env, _) = Env::manual(1);
        fs::write(folder.path().join(FILE), "# keys\n\nrubbish\n").unwrap();
        let error = load(folder.path(), &env, &Sealer::new(env.clone()), false).unwrap_err();
        assert!(
            error.to_string().contains("secrets.key, line 3: this is no key"),
            "{error}"
        );
        assert_eq!(
            fs::read_to_string(folder.path().join(FILE)).unwrap(),
            "# keys\n\nrubbish\n"
        );
    }

    #[tokio::test]
    async fn a_new_key_seals_again_what_was_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let (env, clock) = Env::manual(1);
        let database = Database::new(MemoryStore::default());
        let sealer = Sealer::new(env.clone());
        load(folder.path(), &env, &sealer, false).unwrap();
        let push = Tuple::new().string("jmap-vapid").pack();
        let mut transaction = database.begin();
        // PKCS #8 begins so; what follows is of no concern here.
        transaction.set(push.clone(), vec![0x30, 1, 2, 3]);
        transaction.commit().await.unwrap();
        let secrets = Secrets::start(folder.path(), &env, &database, &sealer, None);
        let mut seen = Vec::new();
        for _ in 0..2 {
            let done = seal_again(&database, &sealer, &HOLDERS).await.unwrap();
            assert_eq!((done.sealed, done.unreadable), (1, 0));
            seen.push(database.begin().get(&push).await.unwrap().unwrap());
            let key = secrets.rotate().await.unwrap();
            clock.advance(Duration::from_secs(1));
            assert_eq!(sealer.current(), Some(key));
        }
        assert_ne!(seen[0], seen[1]);
        let kept = Kept::Sealed(seen[1].to_vec());
        let opened = sealer.reveal(&Place::named("web push", b""), &kept).unwrap();
        assert_eq!(opened.as_slice(), [0x30, 1, 2, 3]);
        assert_eq!(secrets.look().await.unwrap().unreadable, 0);
        let from_file = KeyFile::of(folder.path()).read().unwrap();
        assert_eq!(from_file.len(), sealer.keys().len());
    }
}
