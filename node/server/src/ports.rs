//! Opens the ports: each service with the parts it needs.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use hongyan_access::Access;
use hongyan_acme::Acme;
use hongyan_actor::Arbiters;
use hongyan_blob::BlobStore;
use hongyan_config::Config;
use hongyan_delivery::Delivery;
use hongyan_directory::Directory;
use hongyan_env::Env;
use hongyan_http_activesync::ActiveSyncServices;
use hongyan_http_discovery::DiscoveryServices;
use hongyan_http_front::{ApiRates, Front, FrontParts, administered_within};
use hongyan_http_jmap::{JmapServices, PushBell, PushDoor, WebPush};
use hongyan_http_oauth::OauthParts;
use hongyan_http_scim::ScimParts;
use hongyan_kv::Database;
use hongyan_listener::{ConnectionLimits, Listener, ListenerParts, ListenerSettings, Service, TlsConfig, TlsMode};
use hongyan_openid::OpenId;
use hongyan_router::Router;
use hongyan_saml::Saml;
use hongyan_session_imap::{ImapService, ImapServices, ImapSettings, LoginWithoutTls};
use hongyan_session_ldap::LdapService;
use hongyan_session_pop3::{Pop3Service, Pop3Settings};
use hongyan_session_smtp::{SmtpService, SmtpServices, SmtpSettings};
use hongyan_smtp::server::Mode;

use crate::{offer, settings, web_port};

/// What services work with.
pub(crate) struct Ports<'n> {
    pub(crate) config: &'n Config,
    pub(crate) env: &'n Env,
    pub(crate) arbiters: &'n Arbiters,
    pub(crate) tls: &'n TlsConfig,
    pub(crate) database: &'n Database,
    pub(crate) blobs: &'n BlobStore,
    pub(crate) router: &'n Router,
    pub(crate) directory: &'n Directory,
    pub(crate) access: &'n Access,
    pub(crate) delivery: &'n Delivery,
    /// The admin API, for whoever is put in as its actor.
    pub(crate) admin: axum::Router,
    pub(crate) single_sign_on: &'n OpenId,
    pub(crate) saml: &'n Saml,
    pub(crate) acme: Option<&'n Acme>,
    /// Passwords without TLS are taken from this machine.
    pub(crate) clear_passwords_on_loopback: bool,
}

impl Ports<'_> {
    /// Opens all that the configuration names.
    pub(crate) async fn open(&self) -> Result<Vec<Listener>> {
        let mut open = Vec::new();
        self.open_smtp(&mut open).await?;
        self.open_imap(&mut open).await?;
        self.open_pop3(&mut open).await?;
        self.open_ldap(&mut open).await?;
        self.open_https(&mut open).await?;
        self.open_web(&mut open).await?;
        Ok(open)
    }

    async fn open_smtp(&self, open: &mut Vec<Listener>) -> Result<()> {
        let listen = &self.config.listen;
        let ports = [
            ("smtp", &listen.smtp, Mode::Smtp, self.upgrade()),
            ("lmtp", &listen.lmtp, Mode::Lmtp, TlsMode::Never),
            ("submission", &listen.submission, Mode::Submission, self.upgrade()),
            ("submissions", &listen.submissions, Mode::Submission, self.implicit()),
        ];
        for (name, texts, mode, tls) in ports {
            let mut settings = SmtpSettings::new(mode, settings::host_name(self.config)?);
            settings.limits.message_octets_max = self.config.limits.message_octets_max;
            settings.authentication_in_clear = self.clear_passwords();
            settings.authentication_with_smtp = self.config.listen.smtp_authentication;
            let services = SmtpServices {
                env: self.env.clone(),
                directory: self.directory.clone(),
                access: self.access.clone(),
                delivery: self.delivery.clone(),
            };
            let service = Arc::new(SmtpService::new(settings, services));
            self.start(open, name, texts, tls, &service, &self.limits()).await?;
        }
        Ok(())
    }

    async fn open_imap(&self, open: &mut Vec<Listener>) -> Result<()> {
        let mut settings = ImapSettings {
            login_without_tls: match (
                self.config.tls.allow_plaintext_passwords,
                self.clear_passwords_on_loopback,
            ) {
                (true, _) => LoginWithoutTls::Always,
                (false, true) => LoginWithoutTls::Loopback,
                (false, false) => LoginWithoutTls::Never,
            },
            ..ImapSettings::default()
        };
        settings.limits.append_octets_max = self.config.limits.message_octets_max;
        let services = ImapServices {
            env: self.env.clone(),
            database: self.database.clone(),
            blobs: self.blobs.clone(),
            router: self.router.clone(),
            access: self.access.clone(),
            directory: self.directory.clone(),
        };
        let service = Arc::new(ImapService::new(services, settings));
        let (listen, limits) = (&self.config.listen, self.limits());
        self.start(open, "imap", &listen.imap, self.upgrade(), &service, &limits)
            .await?;
        self.start(open, "imaps", &listen.imaps, self.implicit(), &service, &limits)
            .await
    }

    async fn open_pop3(&self, open: &mut Vec<Listener>) -> Result<()> {
        let parts = hongyan_session_pop3::Parts {
            env: self.env.clone(),
            database: self.database.clone(),
            blobs: self.blobs.clone(),
            router: self.router.clone(),
            access: self.access.clone(),
            host: self.config.node.host_name.clone(),
            settings: Pop3Settings {
                clear_passwords_on_loopback: self.clear_passwords_on_loopback,
                clear_passwords: self.config.tls.allow_plaintext_passwords,
                ..Pop3Settings::default()
            },
        };
        let service = Arc::new(Pop3Service::new(parts));
        let (listen, limits) = (&self.config.listen, self.limits());
        self.start(open, "pop3", &listen.pop3, self.upgrade(), &service, &limits)
            .await?;
        self.start(open, "pop3s", &listen.pop3s, self.implicit(), &service, &limits)
            .await
    }

    async fn open_ldap(&self, open: &mut Vec<Listener>) -> Result<()> {
        let parts = hongyan_session_ldap::Parts {
            env: self.env.clone(),
            directory: self.directory.clone(),
            access: self.access.clone(),
            settings: settings::ldap_server(self.config, self.clear_passwords_on_loopback),
        };
        let service = Arc::new(LdapService::new(parts));
        let (listen, limits) = (&self.config.listen, self.limits());
        self.start(open, "ldap", &listen.ldap, self.upgrade(), &service, &limits)
            .await?;
        self.start(open, "ldaps", &listen.ldaps, self.implicit(), &service, &limits)
            .await
    }

    async fn open_https(&self, open: &mut Vec<Listener>) -> Result<()> {
        let push: Arc<dyn PushDoor> = Arc::new(self.web_push()?);
        let bell = PushBell::new(self.env.clone(), self.database.clone(), Arc::clone(&push));
        self.access.set_doorbell(Arc::new(bell));
        let services = JmapServices {
            env: self.env.clone(),
            database: self.database.clone(),
            blobs: self.blobs.clone(),
            router: self.router.clone(),
            directory: self.directory.clone(),
            delivery: self.delivery.clone(),
            push,
        };
        let jmap = hongyan_http_jmap::routes(services, settings::jmap(self.config));
        self.arbiters.spawn(0, move || jmap.pushing);
        let active_sync = ActiveSyncServices {
            env: self.env.clone(),
            database: self.database.clone(),
            blobs: self.blobs.clone(),
            router: self.router.clone(),
            directory: self.directory.clone(),
            delivery: self.delivery.clone(),
        };
        let active_sync = hongyan_http_activesync::routes(active_sync, settings::active_sync(self.config));
        let rates = ApiRates {
            caller_per_minute_max: self.config.http.api_requests_per_minute_max,
            address_per_minute_max: self.config.http.api_address_requests_per_minute_max,
        };
        let admin = administered_within(self.admin.clone(), self.access.clone(), rates);
        let discovery = hongyan_http_discovery::routes(DiscoveryServices {
            env: self.env.clone(),
            directory: self.directory.clone(),
            offer: Arc::new(offer::offer(self.config)?),
            tls: self.tls.clone(),
        });
        let oauth = hongyan_http_oauth::routes(OauthParts {
            access: self.access.clone(),
            directory: self.directory.clone(),
            single_sign_on: Some(self.single_sign_on.clone()),
            saml: Some(self.saml.clone()),
            issuer: offer::web_origin(self.config),
        });
        let scim = hongyan_http_scim::routes(ScimParts {
            directory: self.directory.clone(),
            access: self.access.clone(),
            origin: offer::web_origin(self.config),
        });
        let front = Front::new(FrontParts {
            env: self.env.clone(),
            access: self.access.clone(),
            routes: jmap
                .router
                .merge(active_sync)
                .merge(admin)
                .merge(discovery)
                .merge(oauth)
                .merge(scim),
            settings: settings::front(self.config, self.clear_passwords_on_loopback),
        });
        let (listen, limits) = (&self.config.listen, self.limits());
        let tls = TlsMode::Implicit(self.tls.for_http());
        self.start(open, "https", &listen.https, tls, &Arc::new(front), &limits)
            .await
    }

    async fn open_web(&self, open: &mut Vec<Listener>) -> Result<()> {
        let front = Front::new(FrontParts {
            env: self.env.clone(),
            access: self.access.clone(),
            routes: web_port::routes(self.acme, &offer::offer(self.config)?),
            settings: settings::front(self.config, false),
        });
        let (listen, limits) = (&self.config.listen, self.limits());
        self.start(open, "web", &listen.web, TlsMode::Never, &Arc::new(front), &limits)
            .await
    }

    fn web_push(&self) -> Result<WebPush> {
        let contact = format!("mailto:postmaster@{}", self.config.node.host_name);
        let sealer = self.directory.sealer().clone();
        WebPush::new(self.env.clone(), self.database.clone(), sealer, contact).context("set up TLS for Web Push")
    }

    fn clear_passwords(&self) -> bool {
        self.clear_passwords_on_loopback || self.config.tls.allow_plaintext_passwords
    }

    fn upgrade(&self) -> TlsMode {
        TlsMode::Upgrade(self.tls.clone())
    }

    fn implicit(&self) -> TlsMode {
        TlsMode::Implicit(self.tls.clone())
    }

    fn limits(&self) -> ConnectionLimits {
        let limits = &self.config.limits;
        ConnectionLimits::new(limits.connections_max, limits.connections_per_address_max)
    }

    async fn start<S: Service>(
        &self,
        open: &mut Vec<Listener>,
        name: &str,
        texts: &[String],
        tls: TlsMode,
        service: &Arc<S>,
        limits: &ConnectionLimits,
    ) -> Result<()> {
        let addresses = settings::addresses(name, texts)?;
        for address in &addresses {
            let listener_settings: ListenerSettings = settings::listener(self.config)?;
            let started = Listener::start(ListenerParts {
                env: self.env.clone(),
                arbiters: self.arbiters.clone(),
                address: *address,
                tls: tls.clone(),
                service: Arc::clone(service),
                limits: limits.clone(),
                settings: listener_settings,
            });
            match started.await {
                Ok(listener) => {
                    tracing::info!(service = name, address = %listener.local_address(), "listening");
                    open.push(listener);
                }
                Err(error) if addresses.len() > 1 && is_no_ipv6(*address, &error) => {
                    tracing::warn!(service = name, %address, "no IPv6 on this machine");
                }
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    let needs = "ports below 1024 need root or CAP_NET_BIND_SERVICE";
                    return Err(error).with_context(|| format!("listen for {name} on {address} ({needs})"));
                }
                Err(error) => return Err(error).with_context(|| format!("listen for {name} on {address}")),
            }
        }
        Ok(())
    }
}

/// EAFNOSUPPORT of Linux.
const NO_SUCH_FAMILY: i32 = 97;

/// Whether this machine lacks IPv6.
fn is_no_ipv6(address: SocketAddr, error: &io::Error) -> bool {
    let lacks = error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(NO_SUCH_FAMILY);
    address.is_ipv6() && lacks
}
