//! All of a node but what ties it to this machine: entities, delivery, relay, ports, in the order they start and end.
//!
//! The binary builds it over the store on disk, simulation over a store in memory and a network of its own. Everything
//! gets what it needs by constructor, here.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hongyan_access::Access;
use hongyan_acme::Acme;
use hongyan_actor::{Arbiters, EntityKey};
use hongyan_blob::{BlobOptions, BlobStore, Sources};
use hongyan_cluster::Member;
use hongyan_config::Config;
use hongyan_delivery::{Delivery, DeliveryParts, DeliverySettings, Notifier, RecallError};
use hongyan_directory::Directory;
use hongyan_env::Env;
use hongyan_http_admin::{AdminState, ClusterControl, RecallDoor, Recalling, SecretKeeper};
use hongyan_http_discovery::{Checker, Registries, Watch, WatchOptions};
use hongyan_kv::{CommitVersion, Database};
use hongyan_ldap::Ldap;
use hongyan_listener::{Listener, TlsConfig};
use hongyan_mailbox::{MailboxEntity, MailboxOptions, MailboxServices};
use hongyan_migration::Migrations;
use hongyan_openid::OpenId;
use hongyan_queue::{Holders, QueueEntity, QueueId, QueueServices};
use hongyan_relay::{RelayServices, Runner};
use hongyan_router::{Router, RouterOptions};
use hongyan_saml::Saml;
use hongyan_statistics::{Counts, Kind, StatisticsOptions};
use hongyan_upkeep::{Lists, MailServices, TaskEntity, TaskServices, Tasks, UpkeepOptions};
use hongyan_webhook::Webhooks;
use tokio::sync::oneshot;

use crate::acme;
use crate::entities::Entities;
use crate::following::Following;
use crate::holders::{holders, wake_queues};
use crate::ldap;
use crate::ports::Ports;
use crate::registry;
use crate::retention::Retention;
use crate::single_sign_on;
use crate::webhook::{self, Telling};
use crate::{migration, offer, settings};

/// Time for entities to write down what makes their next start quick.
const PASSIVATE_GRACE: Duration = Duration::from_secs(5);
/// Time between two looks at what can be removed from the blob store.
/// Time between two looks for mail of the system's own.
const NOTICE_PERIOD: Duration = Duration::from_secs(1);
const COLLECT_PERIOD: Duration = Duration::from_secs(60);
/// Time between two looks at what plans end and whose room changes.
const PLAN_PERIOD: Duration = Duration::from_secs(60);
/// How often an ending node looks whether its sessions are gone.
const STOP_POLL: Duration = Duration::from_millis(5);

/// What a node stands on.
#[derive(Clone)]
pub struct Ground {
    /// Clock, randomness, sockets.
    pub env: Env,
    /// The store.
    pub database: Database,
    /// Who is who.
    pub directory: Directory,
    /// Sign-in.
    pub access: Access,
}

/// What an assembly is made of.
pub struct AssemblyParts {
    /// Configuration, checked.
    pub config: Config,
    /// What it stands on.
    pub ground: Ground,
    /// Where it runs.
    pub arbiters: Arbiters,
    /// Its part in a cluster; none for a node that is alone.
    pub cluster: Option<Member>,
    /// Certificates.
    pub tls: TlsConfig,
    /// How mailboxes are kept.
    pub mailboxes: MailboxOptions,
    /// How blobs are kept.
    pub blobs: BlobOptions,
    /// Passwords without TLS are taken from this machine.
    pub clear_passwords_on_loopback: bool,
}

/// The running parts of a node.
pub struct Assembly {
    config: Config,
    ground: Ground,
    arbiters: Arbiters,
    tls: TlsConfig,
    clear_passwords_on_loopback: bool,
    blobs: BlobStore,
    router: Router,
    delivery: Delivery,
    tasks: Tasks,
    migrations: Migrations,
    webhooks: Webhooks,
    single_sign_on: OpenId,
    saml: Saml,
    ldap: Ldap,
    counts: Counts,
    publishing: Checker,
    entities: Entities,
    listeners: Vec<Listener>,
    following: Following,
    control: Option<Arc<dyn ClusterControl>>,
    secrets: Option<Arc<dyn SecretKeeper>>,
    acme: Acme,
}

impl Assembly {
    /// Starts everything but the ports, which follow with [`Self::open_ports`].
    ///
    /// # Errors
    /// When the store cannot be read or a setting is wrong.
    pub async fn start(parts: AssemblyParts) -> Result<Self> {
        let AssemblyParts {
            config,
            ground,
            arbiters,
            cluster,
            ..
        } = parts;
        let router = match &cluster {
            Some(member) => {
                let cluster = member.cluster(RouterOptions::default());
                Router::clustered(ground.env.clone(), arbiters.clone(), cluster)
            }
            None => Router::new(ground.env.clone(), arbiters.clone()),
        };
        let database = ground.database.clone();
        // What a session is told of it finds.
        router
            .hints()
            .when_heard(move |hint| database.heard(CommitVersion(hint.commit_version)));
        let blobs = open_blobs(&ground, parts.blobs).await?;
        let holders = holders(&ground.env, cluster.as_ref());
        let lists = Lists::default();
        let ldap = ldap::open(&config, &ground)?;
        let (migrations, moving) = migration::start(&config, &ground, &arbiters, &router, &blobs)?;
        let entities = Entities {
            migrations: moving,
            mailboxes: router.serve_everywhere::<MailboxEntity>(
                MailboxServices {
                    database: ground.database.clone(),
                    blobs: blobs.clone(),
                    env: ground.env.clone(),
                    hints: router.hints(),
                    sums: Some(hongyan_http_jmap::begin_sum),
                    options: parts.mailboxes,
                },
                settings::mailbox_entities(&config),
            ),
            queues: router.serve_everywhere::<QueueEntity>(
                QueueServices {
                    database: ground.database.clone(),
                    blobs: blobs.clone(),
                    env: ground.env.clone(),
                    hints: router.hints(),
                    schedule: settings::schedule(&config),
                    holders: Arc::clone(&holders),
                },
                settings::queue_entities(&config),
            ),
            tasks: router.serve_everywhere::<TaskEntity>(
                TaskServices {
                    env: ground.env.clone(),
                    directory: ground.directory.clone(),
                    ldap: Some(ldap.clone()),
                    lists: lists.clone(),
                    mail: Some(MailServices {
                        database: ground.database.clone(),
                        blobs: blobs.clone(),
                        router: router.clone(),
                    }),
                },
                settings::task_entities(&config),
            ),
        };
        if let Some(member) = &cluster {
            member.set_host(Arc::new(entities.clone()));
            wake_queues(&arbiters, &ground.env, router.hints(), member);
        }
        let following = Following::start(&ground, &arbiters, cluster.as_ref());
        let single_sign_on = single_sign_on::open(&config, &ground)?;
        let saml = single_sign_on::open_saml(&config, &ground, &single_sign_on);
        let counts = start_counts(&ground, &arbiters);
        let hooks = webhook::start(&config, &ground, &arbiters, &router)?;
        let delivery = Delivery::new(DeliveryParts {
            env: ground.env.clone(),
            mailboxes: Arc::new(Telling {
                env: ground.env.clone(),
                router: router.clone(),
                new_mail: hooks.new_mail.clone(),
                counts: counts.clone(),
            }),
            router: router.clone(),
            directory: ground.directory.clone(),
            database: ground.database.clone(),
            blobs: blobs.clone(),
            settings: DeliverySettings::new(settings::host_name(&config)?),
        });
        start_relay(&config, &ground, &arbiters, (&router, holders), &blobs, &delivery)?;
        start_collector(&ground.env, &arbiters, &router, &blobs);
        start_notifier(&arbiters, &router, &delivery);
        let acme = acme::start(&config, &ground, &arbiters, &router, &parts.tls)?;
        let tasks = start_tasks(&ground, &arbiters, &router, &ldap)
            .with_lists(lists)
            .with_mail(MailServices {
                database: ground.database.clone(),
                blobs: blobs.clone(),
                router: router.clone(),
            });
        start_retention(&ground, &arbiters, &router, (&counts, &tasks));
        let publishing = Checker {
            offer: Arc::new(offer::offer(&config)?),
            dns: ground.env.dns(),
        };
        let registries = registry::open(&config, &ground)?;
        start_domain_watch(&ground, &arbiters, &router, &publishing, registries);
        Ok(Self {
            config,
            ground,
            arbiters,
            tls: parts.tls,
            clear_passwords_on_loopback: parts.clear_passwords_on_loopback,
            blobs,
            router,
            delivery,
            tasks,
            migrations,
            webhooks: hooks.webhooks,
            single_sign_on,
            saml,
            ldap,
            counts,
            publishing,
            entities,
            listeners: Vec::new(),
            following,
            control: None,
            secrets: None,
            acme,
        })
    }
    /// Opens all ports that the configuration names.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub async fn open_ports(&mut self) -> Result<()> {
        let ports = Ports {
            config: &self.config,
            env: &self.ground.env,
            arbiters: &self.arbiters,
            tls: &self.tls,
            database: &self.ground.database,
            blobs: &self.blobs,
            router: &self.router,
            directory: &self.ground.directory,
            access: &self.ground.access,
            delivery: &self.delivery,
            admin: self.admin(),
            single_sign_on: &self.single_sign_on,
            saml: &self.saml,
            acme: Some(&self.acme).filter(|acme| acme.orders()),
            clear_passwords_on_loopback: self.clear_passwords_on_loopback,
        };
        self.listeners = ports.open().await?;
        Ok(())
    }
    /// From now on the admin API manages the cluster too.
    pub fn set_control(&mut self, control: Arc<dyn ClusterControl>) {
        self.control = Some(control);
    }
    /// From now on the admin API shows the keys for secrets too, and makes new ones.
    pub fn set_secrets(&mut self, secrets: Arc<dyn SecretKeeper>) {
        self.secrets = Some(secrets);
    }
    /// The admin API, for whoever is put in as its actor.
    pub fn admin(&self) -> axum::Router {
        hongyan_http_admin::router(AdminState {
            directory: self.ground.directory.clone(),
            access: self.ground.access.clone(),
            router: self.router.clone(),
            tasks: self.tasks.clone(),
            migrations: self.migrations.clone(),
            webhooks: self.webhooks.clone(),
            single_sign_on: Some(self.single_sign_on.clone()),
            saml: Some(self.saml.clone()),
            ldap: Some(self.ldap.clone()),
            counts: self.counts.clone(),
            certificates: Some(self.acme.clone()),
            deleted_mail_kept: settings::deleted_mail_kept(&self.config),
            recalls: self.recalls(),
            publishing: Some(self.publishing.clone()),
            cluster: self.control.clone(),
            secrets: self.secrets.clone(),
        })
    }
    /// Recalls run on an arbiter: they ask mailboxes.
    fn recalls(&self) -> Recalling {
        let rules = settings::recall(&self.config);
        let (arbiters, delivery) = (self.arbiters.clone(), self.delivery.clone());
        let door: RecallDoor = Arc::new(move |sender, number| {
            let (answer, answered) = oneshot::channel();
            let delivery = delivery.clone();
            arbiters.spawn(sender.id.0, move || async move {
                // Whoever asked may have left.
                drop(answer.send(delivery.recall(&sender, number, rules).await));
            });
            Box::pin(async { answered.await.unwrap_or(Err(RecallError::Unavailable)) })
        });
        Recalling {
            door: Some(door),
            tracks_scheduled: rules.scheduled,
        }
    }
    /// The configuration it was started with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }
    /// What it stands on.
    #[must_use]
    pub fn ground(&self) -> &Ground {
        &self.ground
    }
    /// Where it runs.
    #[must_use]
    pub fn arbiters(&self) -> &Arbiters {
        &self.arbiters
    }
    /// The way to its entities.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.router
    }
    /// Long work.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }
    /// What orders certificates, if anything does.
    #[must_use]
    pub fn acme(&self) -> Option<&Acme> {
        Some(&self.acme).filter(|acme| acme.orders())
    }
    /// The certificates.
    #[must_use]
    pub fn tls(&self) -> &TlsConfig {
        &self.tls
    }
    /// Stops accepting, lets sessions end at their next safe point, flushes.
    pub async fn stop(&mut self) {
        self.listeners.clear();
        let env = &self.ground.env;
        self.arbiters.shutdown().request();
        let grace = Duration::from_secs(self.config.node.shutdown_grace_secs);
        let gone = async {
            while self.arbiters.session_count() > 0 {
                env.sleep(STOP_POLL).await;
            }
        };
        let _ = env.timeout(grace, gone).await;
        self.counts.write_mail().await;
        self.counts.write().await;
        self.entities.passivate_all(PASSIVATE_GRACE).await;
        self.arbiters.stop(env, Duration::ZERO).await;
        self.following.stop();
    }
}

async fn open_blobs(ground: &Ground, options: BlobOptions) -> Result<BlobStore> {
    let (clock, random) = (ground.env.clone(), ground.env.clone());
    let sources = Sources {
        wall_millis: Arc::new(move || clock.wall_millis()),
        random: Arc::new(move |bytes| random.fill_random(bytes)),
    };
    BlobStore::open(ground.database.clone(), options, sources)
        .await
        .context("open the blob store")
}

fn start_relay(
    config: &Config,
    ground: &Ground,
    arbiters: &Arbiters,
    (router, holders): (&Router, Arc<dyn Holders>),
    blobs: &BlobStore,
    delivery: &Delivery,
) -> Result<()> {
    let services = RelayServices {
        env: ground.env.clone(),
        router: router.clone(),
        holders,
        blobs: blobs.clone(),
        reporter: Arc::new(delivery.clone()),
        local: Arc::new(delivery.clone()),
    };
    Runner::start(arbiters, services, settings::relay(config)?).context("start outbound delivery")
}

/// Counts what members do, and adds it to the store for ever.
fn start_counts(ground: &Ground, arbiters: &Arbiters) -> Counts {
    let (directory, database) = (ground.directory.clone(), ground.database.clone());
    let counts = Counts::new(directory, database, StatisticsOptions::default());
    let (hears, writes) = (counts.clone(), counts.clone());
    ground
        .access
        .count_sign_ins(move |tenant, account| hears.count(tenant, account, Kind::SignIn));
    arbiters.spawn(0, move || writes.run());
    counts
}

/// Removes for ever what logs have kept long enough; among many nodes one does.
fn start_retention(ground: &Ground, arbiters: &Arbiters, router: &Router, (counts, tasks): (&Counts, &Tasks)) {
    let retention = Retention {
        env: ground.env.clone(),
        directory: ground.directory.clone(),
        access: ground.access.clone(),
        counts: counts.clone(),
        tasks: tasks.clone(),
    };
    let (router, place) = (router.clone(), QueueId { shard: 0 }.entity_id());
    arbiters.spawn(0, move || retention.run(move || router.is_here(&place)));
}

/// Sees for ever that long work goes on where its partition is, and that the recycle bin is emptied.
fn start_tasks(ground: &Ground, arbiters: &Arbiters, router: &Router, ldap: &Ldap) -> Tasks {
    let (env, directory) = (ground.env.clone(), ground.directory.clone());
    let tasks = Tasks::new(env.clone(), directory, router.clone(), UpkeepOptions::default());
    let period = tasks.options().purge_period;
    let (bin, way, clock) = (ground.directory.clone(), router.clone(), env.clone());
    arbiters.spawn(0, move || hongyan_upkeep::purge(clock, way, bin, period));
    let period = tasks.options().shares_period;
    let (shares, way, clock) = (ground.directory.clone(), router.clone(), env.clone());
    arbiters.spawn(0, move || hongyan_upkeep::end_lost_shares(clock, way, shares, period));
    let (plans, way, clock) = (ground.directory.clone(), router.clone(), env.clone());
    let (place, known) = (QueueId { shard: 0 }.entity_id(), router.clone());
    arbiters.spawn(0, move || {
        hongyan_upkeep::plans(clock, way, plans, PLAN_PERIOD, move || known.is_here(&place))
    });
    let period = tasks.options().delegation_period;
    let (granted, clock) = (ground.directory.clone(), env.clone());
    arbiters.spawn(0, move || {
        hongyan_upkeep::tell_of_delegation_ends(clock, granted, period)
    });
    let (known, clock) = (router.clone(), env.clone());
    let (ldap, due) = (ldap.clone(), tasks.clone());
    arbiters.spawn(0, move || {
        hongyan_upkeep::sync_directories(clock, ldap, due, move || {
            known.is_here(&QueueId { shard: 0 }.entity_id())
        })
    });
    let (router, looked) = (router.clone(), tasks.clone());
    arbiters.spawn(0, move || hongyan_upkeep::run(env, router, looked));
    tasks
}

/// Looks after the domains of all organisations, for ever; among many nodes one does.
fn start_domain_watch(
    ground: &Ground,
    arbiters: &Arbiters,
    router: &Router,
    checker: &Checker,
    registries: Option<Registries>,
) {
    let watch = Watch {
        env: ground.env.clone(),
        directory: ground.directory.clone(),
        checker: checker.clone(),
        registries,
        options: WatchOptions::default(),
    };
    let (router, place) = (router.clone(), QueueId { shard: 0 }.entity_id());
    arbiters.spawn(0, move || watch.run(move || router.is_here(&place)));
}

/// Sends the system's own mail, for ever; among many nodes one does.
fn start_notifier(arbiters: &Arbiters, router: &Router, delivery: &Delivery) {
    let (router, notifier) = (router.clone(), Notifier::new(delivery.clone()));
    let place = QueueId { shard: 0 }.entity_id();
    arbiters.spawn(0, move || notifier.run(NOTICE_PERIOD, move || router.is_here(&place)));
}

/// Removes unreferenced blobs, for ever; among many nodes one does.
fn start_collector(env: &Env, arbiters: &Arbiters, router: &Router, blobs: &BlobStore) {
    let (env, router, blobs) = (env.clone(), router.clone(), blobs.clone());
    // Whoever has the first shard of the queue. For a moment there may be two, or none, which does no harm.
    let place = QueueId { shard: 0 }.entity_id();
    arbiters.spawn(0, move || async move {
        loop {
            if !router.is_here(&place) {
                env.sleep(COLLECT_PERIOD).await;
                continue;
            }
            match blobs.collect_step().await {
                Ok(step) if step.more => tokio::task::yield_now().await,
                Ok(_) => env.sleep(COLLECT_PERIOD).await,
                Err(error) => {
                    tracing::warn!(%error, "blob collection failed; it is tried again");
                    env.sleep(COLLECT_PERIOD).await;
                }
            }
        }
    });
}
