//! `hongyan dev`: a complete node on this machine with nothing to configure.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use hongyan_access::AccessOptions;
use hongyan_config::Config;
use hongyan_directory::{AccountSettings, Error, FetchRange, NewAccount, NewTenant, OrganisationPage};
use hongyan_sasl::Secret;
use hongyan_telemetry::{LogFormat, init_logs};
use hongyan_types::Address;

use crate::arguments::{self, Dev};
use crate::node::{Base, Node, NodeParts};
use crate::serve::SYSTEM_THREADS;
use crate::settings;

/// Name of the one tenant.
const TENANT: &str = "dev";
/// Accounts made in one transaction.
const ACCOUNTS_AT_A_TIME: usize = 500;

/// HTTPS above the base: at 443 it would meet the IMAP of a node three further.
pub(crate) const HTTPS: u16 = 444;

/// Ports above the base.
pub(crate) struct Ports(pub(crate) u16);

impl Ports {
    pub(crate) fn at(&self, usual: u16) -> u16 {
        self.0 + usual
    }
    fn listen(&self, usual: u16) -> Vec<String> {
        vec![format!("127.0.0.1:{}", self.at(usual))]
    }
}

pub(crate) fn run(arguments: &Dev) -> Result<()> {
    init_logs(LogFormat::Text, &arguments.log);
    let default = || match arguments.nodes {
        1 => arguments::dev_data(),
        _ => arguments::dev_data().with_file_name("hongyan-dev-nodes"),
    };
    let data = arguments.data.clone().unwrap_or_else(default);
    let data = std::path::absolute(&data).context("find the data folder")?;
    if arguments.nodes > 1 {
        return crate::dev_cluster::run(arguments, &data);
    }
    let config = config(arguments, &data);
    let access = AccessOptions {
        // Cheap on purpose: a test password that everyone knows.
        argon2_memory_kib: 4096,
        argon2_passes: 1,
        scram_iterations: 4096,
        ..settings::access(&config, false)
    };
    let parts = NodeParts {
        config,
        access,
        certificate_names: vec![
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
            arguments.domain.to_string(),
        ],
        clear_passwords_on_loopback: true,
    };
    if arguments.until_input_ends {
        end_with_input()?;
    }
    hongyan_actor::run(SYSTEM_THREADS, async {
        let node = Node::start(parts).await.map_err(name_the_way_out)?;
        let made = make_accounts(node.base(), arguments).await?;
        print_welcome(arguments, &data, made);
        node.serve().await
    })
}

/// Ends the process when standard input ends, as SIGKILL would: whoever held it is gone.
fn end_with_input() -> Result<()> {
    let watch = || {
        // Whatever comes, or an error, is not its end.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(1);
    };
    let thread = std::thread::Builder::new().name("parent".to_owned()).spawn(watch);
    thread.context("watch the process that started this one").map(|_| ())
}

/// Ports in use are no riddle: mostly another `hongyan dev` has them.
fn name_the_way_out(error: anyhow::Error) -> anyhow::Error {
    let cause = error.root_cause().downcast_ref::<std::io::Error>();
    if cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::AddrInUse) {
        return error
            .context("another program, perhaps another `hongyan dev`, has this port; --base-port chooses others");
    }
    error
}

pub(crate) fn config(arguments: &Dev, data: &Path) -> Config {
    let ports = Ports(arguments.base_port);
    let mut config = Config::default();
    config.node.host_name = "localhost".to_owned();
    config.node.data = data.display().to_string();
    config.node.shutdown_grace_secs = 3;
    config.listen.smtp = ports.listen(25);
    config.listen.lmtp = ports.listen(24);
    config.listen.submission = ports.listen(587);
    config.listen.submissions = ports.listen(465);
    config.listen.imap = ports.listen(143);
    config.listen.imaps = ports.listen(993);
    config.listen.pop3 = ports.listen(110);
    config.listen.pop3s = ports.listen(995);
    config.listen.ldap = ports.listen(389);
    config.listen.ldaps = ports.listen(636);
    config.listen.https = ports.listen(HTTPS);
    config.listen.http = ports.listen(80);
    config.cluster.listen = ports.listen(700);
    config.cluster.join_listen = ports.listen(701);
    config.cluster.drain_secs_max = 10;
    config.access.sessions_per_account_max = 100_000;
    // A provider or a directory that is tried may be on this machine.
    config.single_sign_on.networks = vec!["127.0.0.0/8".to_owned(), "::1".to_owned()];
    config.ldap.networks = config.single_sign_on.networks.clone();
    config.directory.default_domain = arguments.domain.to_string();
    config.storage.free_octets_min = 64 << 20;
    if let Some(file) = &arguments.fdb {
        "foundationdb".clone_into(&mut config.storage.backend);
        config.storage.cluster_file = file.display().to_string();
    }
    config
}

/// Makes what is missing of tenant, domain and accounts; what is there stays as it is. How many accounts it made.
async fn make_accounts(base: &Base, arguments: &Dev) -> Result<usize> {
    let directory = &base.ground.directory;
    let domain = &arguments.domain;
    let tenant = match directory.tenant_named(TENANT).await {
        Err(Error::NotFound { .. }) => {
            let tenant = directory.create_tenant(&tenant()).await?;
            directory.set_page(tenant.id, &page(), None).await?;
            tenant
        }
        found => found?,
    };
    match directory.domain(domain).await {
        Err(Error::NotFound { .. }) => {
            directory.create_domain(tenant.id, domain).await?;
        }
        found => {
            found?;
        }
    }
    let mut missing = Vec::new();
    for number in 1..=arguments.users {
        let address = Address::try_from(format!("user{number}@{domain}").as_str())?;
        match directory.account_at(&address).await {
            Err(Error::NotFound { .. }) => missing.push((number, address)),
            found => {
                found?;
            }
        }
    }
    if missing.is_empty() {
        return Ok(0);
    }
    // All have the same well-known password, so they share its hash: many accounts are made as quickly as one.
    let credential = base
        .ground
        .access
        .hash_password(&Secret::new(arguments.password.as_str()))
        .await
        .context("argument --password")?;
    let made = missing.into_iter().map(|(number, address)| NewAccount {
        display_name: format!("User {number}"),
        credential: Some(credential.clone()),
        administrator: number == 1,
        ..NewAccount::at(address)
    });
    let made: Vec<_> = made.collect();
    for some in made.chunks(ACCOUNTS_AT_A_TIME) {
        directory.create_accounts(some).await?;
    }
    Ok(made.len())
}

/// Test accounts see all their mail, by POP3 too.
fn tenant() -> NewTenant {
    NewTenant {
        account_settings: AccountSettings {
            pop_range: FetchRange::All,
            ..AccountSettings::default()
        },
        ..NewTenant::named(TENANT)
    }
}

/// And choose their sender names: programs that are tried out want to change identities.
fn page() -> OrganisationPage {
    OrganisationPage {
        own_sender_names: true,
        ..OrganisationPage::default()
    }
}

fn print_welcome(arguments: &Dev, data: &Path, made: usize) {
    let (domain, password, users) = (&arguments.domain, &arguments.password, arguments.users);
    let ports = Ports(arguments.base_port);
    let at = |usual| ports.at(usual);
    let user = format!("user1@{domain}");
    let accounts = match users {
        1 => user.clone(),
        _ => format!("{user} ... user{users}@{domain}"),
    };
    let others = if usize::try_from(users).is_ok_and(|users| made < users) {
        " (accounts of an earlier start keep theirs)"
    } else {
        ""
    };
    let text = format!(
        "\
Hongyan is ready; data in {data}

Accounts: {accounts}, password: {password}{others}

  SMTP {smtp}  LMTP {lmtp}  submission {submission} (STARTTLS), {submissions} (TLS)
  IMAP {imap} (STARTTLS), {imaps} (TLS)  POP3 {pop3} (STLS), {pop3s} (TLS)
  JMAP https://127.0.0.1:{https}/.well-known/jmap  LDAP {ldap} (StartTLS), {ldaps} (TLS)
  http://127.0.0.1:{http}/metrics /healthz /readyz

Thunderbird: account {user}, manual configuration:
  IMAP 127.0.0.1:{imaps} SSL/TLS, SMTP 127.0.0.1:{submissions} SSL/TLS, normal password; accept the certificate
mutt:
  mutt -e 'set folder=imaps://127.0.0.1:{imaps}/ spoolfile=+INBOX imap_user={user} imap_pass={password} from={user} smtp_url=smtps://{user}@127.0.0.1:{submissions}/ smtp_pass={password}'
mbsync (~/.mbsyncrc):
  IMAPAccount hongyan
  Host 127.0.0.1
  Port {imap}
  User {user}
  Pass {password}
  SSLType None
curl:
  curl --crlf smtp://127.0.0.1:{smtp} --mail-from a@example.org --mail-rcpt {user} -T message.eml
  curl -u {user}:{password} imap://127.0.0.1:{imap}/INBOX
  curl -k -u {user}:{password} https://127.0.0.1:{https}/.well-known/jmap

Manage it with: hongyan --data {data} member list
Ctrl-C ends it; the next start finds everything again.
",
        data = data.display(),
        smtp = at(25),
        lmtp = at(24),
        submission = at(587),
        submissions = at(465),
        imap = at(143),
        imaps = at(993),
        pop3 = at(110),
        pop3s = at(995),
        ldap = at(389),
        ldaps = at(636),
        https = at(HTTPS),
        http = at(80),
    );
    // Nobody may be reading; the node runs all the same.
    let _ = writeln!(std::io::stdout(), "{text}");
}
