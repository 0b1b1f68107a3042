//! `hongyan init`: a commented configuration, keys, an administrator, and the DNS records to publish.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use anyhow::{Context, Result, anyhow};
use hongyan_config::{Config, template};
use hongyan_directory::{NewAccount, NewTenant, Welcome};
use hongyan_env::Env;
use hongyan_http_discovery::{Zone, records_to_publish, zone_file};
use hongyan_listener::{CertificateFiles, TlsConfig};
use hongyan_sasl::Secret;
use hongyan_types::{Address, Domain, LocalPart};

use crate::arguments::Init;
use crate::node::Base;
use crate::{certificate, offer, settings};

/// Letters and digits that are not mistaken for each other.
const PASSWORD_ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Characters of a made password: 116 bits.
const PASSWORD_CHARACTERS: usize = 20;

pub(crate) fn run(arguments: &Init) -> Result<()> {
    let (domain, host) = (&arguments.domain, &arguments.host_name);
    let local = LocalPart::try_from(arguments.administrator.as_str()).context("argument --administrator")?;
    let administrator = Address::new(local, domain.clone());
    let config = config(arguments, host)?;
    write_config(arguments, &config)?;
    let password = hongyan_actor::run(0, make_administrator(arguments, &config, &administrator)).inspect_err(|_| {
        // Without an administrator it is worth nothing, and it would be in the way of another try.
        let _ = std::fs::remove_file(&arguments.config);
    })?;
    if config.tls.certificate.is_empty() {
        certificate::own(&settings::data(&config), &[host.to_string()])?;
    }
    let (file, data) = (arguments.config.display(), &config.node.data);
    let records = zone_file(&records_to_publish(domain, &Zone::default(), &offer::offer(&config)?));
    let warning = match config.tls.certificate.as_str() {
        "" => {
            "\nThe certificate is self-signed: mail clients will warn. Put a real one into [tls] and send SIGHUP when it is renewed."
        }
        _ => "",
    };
    writeln!(
        std::io::stdout(),
        "\
Configuration: {file}
Data:          {data}
Administrator: {administrator}, password: {password}

Publish these records, and an address record of {host} with this machine's address; let the address
resolve back to {host}:

{records}
Start the server with: hongyan serve --config {file}{warning}"
    )
    .context("print the administrator's password: set another with `hongyan member password`")
}

fn config(arguments: &Init, host: &Domain) -> Result<Config> {
    let data = std::path::absolute(&arguments.data).context("find the data folder")?;
    let mut config = Config::default();
    config.node.host_name = host.to_string();
    config.node.data = data.display().to_string();
    if let (Some(certificate), Some(key)) = (&arguments.certificate, &arguments.key) {
        let files = CertificateFiles {
            certificate: certificate.clone(),
            key: key.clone(),
        };
        TlsConfig::from_files(vec![files]).context("load the certificate")?;
        config.tls.certificate = certificate.display().to_string();
        config.tls.key = key.display().to_string();
    }
    Ok(config)
}

/// Never over a file that is there.
fn write_config(arguments: &Init, config: &Config) -> Result<()> {
    let shown = arguments.config.display();
    if let Some(folder) = arguments.config.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o640)
        .open(&arguments.config)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => anyhow!("{shown} is there already: nothing is changed"),
            _ => anyhow::Error::new(error).context(format!("create {shown}")),
        })?;
    file.write_all(template(config).as_bytes())
        .with_context(|| format!("write {shown}"))
}

async fn make_administrator(arguments: &Init, config: &Config, administrator: &Address) -> Result<String> {
    let base = Base::open(config, settings::access(config, true)).await?;
    let name = arguments.tenant.clone().unwrap_or_else(|| arguments.domain.to_string());
    let new = NewTenant {
        welcome: Welcome::Standard,
        ..NewTenant::named(name)
    };
    let tenant = base.ground.directory.create_tenant(&new).await?;
    base.ground
        .directory
        .create_domain(tenant.id, &administrator.domain)
        .await?;
    let password = make_password(&base.ground.env);
    let credential = base
        .ground
        .access
        .hash_password(&Secret::new(password.as_str()))
        .await?;
    let new = NewAccount {
        display_name: "Administrator".to_owned(),
        credential: Some(credential),
        administrator: true,
        ..NewAccount::at(administrator.clone())
    };
    base.ground.directory.create_account(&new).await?;
    base.close();
    Ok(password)
}

fn make_password(env: &Env) -> String {
    let mut password = String::with_capacity(PASSWORD_CHARACTERS);
    while password.len() < PASSWORD_CHARACTERS {
        let mut byte = [0];
        env.fill_random(&mut byte);
        // Beyond the alphabet is drawn again, so that all characters are equally likely.
        if let Some(character) = PASSWORD_ALPHABET.get(usize::from(byte[0] & 63)) {
            password.push(char::from(*character));
        }
    }
    password
}
