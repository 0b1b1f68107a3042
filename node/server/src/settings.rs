//! The configuration as each part wants it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hongyan_access::AccessOptions;
use hongyan_actor::EntityOptions;
use hongyan_config::Config;
use hongyan_delivery::RecallRules;
use hongyan_directory::DirectoryOptions;
use hongyan_embedded::EmbeddedOptions;
use hongyan_env::Env;
use hongyan_http_activesync::ActiveSyncSettings;
use hongyan_http_front::FrontSettings;
use hongyan_http_jmap::JmapSettings;
use hongyan_listener::ListenerSettings;
use hongyan_mailbox::MailboxOptions;
use hongyan_queue::RetrySchedule;
use hongyan_relay::{RelayHost, RelaySettings, RelayTls};
use hongyan_sasl::Secret;
use hongyan_session_ldap::LdapServerSettings;
use hongyan_types::Domain;

use crate::{acme, ldap, migration, offer, single_sign_on, webhook};

/// Submission's port (RFC 6409), where relay hosts listen.
const RELAY_PORT_DEFAULT: u16 = 587;
/// Submission with TLS from the start (RFC 8314).
const RELAY_PORT_TLS: u16 = 465;

pub(crate) fn data(config: &Config) -> PathBuf {
    PathBuf::from(&config.node.data)
}

/// Whether everything that is text in the file can be read as what it means.
pub(crate) fn check(config: &Config) -> Result<()> {
    host_name(config)?;
    directory(config)?;
    listener(config)?;
    relay(config)?;
    offer::offer(config)?;
    acme::settings(config)?;
    webhook::options(config)?;
    migration::options(config)?;
    single_sign_on::fetching(config)?;
    ldap::fetching(config)?;
    let listen = &config.listen;
    for (setting, texts) in [
        ("smtp", &listen.smtp),
        ("lmtp", &listen.lmtp),
        ("submission", &listen.submission),
        ("submissions", &listen.submissions),
        ("imap", &listen.imap),
        ("imaps", &listen.imaps),
        ("pop3", &listen.pop3),
        ("pop3s", &listen.pop3s),
        ("ldap", &listen.ldap),
        ("ldaps", &listen.ldaps),
        ("https", &listen.https),
        ("web", &listen.web),
        ("http", &listen.http),
    ] {
        addresses(setting, texts)?;
    }
    Ok(())
}

pub(crate) fn host_name(config: &Config) -> Result<Domain> {
    let name = config.node.host_name.as_str();
    Domain::try_from(name).with_context(|| format!("setting node.host_name: {name}"))
}

pub(crate) fn addresses(setting: &str, texts: &[String]) -> Result<Vec<SocketAddr>> {
    let parse = |text: &String| {
        text.parse()
            .with_context(|| format!("setting listen.{setting}: {text:?} is no address:port, such as 0.0.0.0:25"))
    };
    texts.iter().map(parse).collect()
}

/// The directories that clients ask over LDAP.
pub(crate) fn ldap_server(config: &Config, clear_passwords_on_loopback: bool) -> LdapServerSettings {
    let section = &config.ldap_server;
    LdapServerSettings {
        limits: hongyan_ldap_wire::Limits {
            message_octets_max: section.message_octets_max,
            filter_depth_max: section.filter_depth_max,
            filter_parts_max: section.filter_parts_max,
            operations_max: section.operations_max,
            bind_failures_max: section.bind_failures_max,
            anonymous_timeout: Duration::from_secs(section.anonymous_secs_max),
            idle_timeout: Duration::from_secs(section.idle_secs_max),
        },
        entries_max: section.entries_max,
        search_within: Duration::from_secs(section.search_secs_max),
        clear_passwords_on_loopback,
        clear_passwords: config.tls.allow_plaintext_passwords,
    }
}

pub(crate) fn storage(config: &Config, env: &Env) -> EmbeddedOptions {
    let env = env.clone();
    EmbeddedOptions {
        clock: Arc::new(move || env.now_micros()),
        cache_octets: config.storage.cache_octets,
        free_octets_min: config.storage.free_octets_min,
        ..EmbeddedOptions::default()
    }
}

#[cfg(feature = "foundationdb")]
pub(crate) fn foundationdb(config: &Config, env: &Env) -> hongyan_foundationdb::FoundationOptions {
    let (section, env) = (&config.storage, env.clone());
    let named = |text: &String| (!text.is_empty()).then(|| text.clone());
    hongyan_foundationdb::FoundationOptions {
        clock: Arc::new(move || env.now_micros()),
        library: named(&section.client_library).map(PathBuf::from),
        cluster_file: PathBuf::from(&section.cluster_file),
        key_space: section.key_space.clone(),
        data_center: named(&section.data_center),
        machine: named(&section.machine),
        open_within: Duration::from_secs(section.open_secs_max),
        transaction_timeout: Duration::from_millis(section.transaction_millis_max),
        trace_folder: named(&section.trace_folder).map(PathBuf::from),
        ..hongyan_foundationdb::FoundationOptions::default()
    }
}

pub(crate) fn directory(config: &Config) -> Result<DirectoryOptions> {
    let section = &config.directory;
    let default_domain = match section.default_domain.as_str() {
        "" => None,
        name => Some(Domain::try_from(name).with_context(|| format!("setting directory.default_domain: {name}"))?),
    };
    let trial_parent = match section.trial_parent.as_str() {
        "" => None,
        name => Some(Domain::try_from(name).with_context(|| format!("setting directory.trial_parent: {name}"))?),
    };
    Ok(DirectoryOptions {
        trial_parent,
        aliases_per_account_max: section.aliases_per_account_max,
        accounts_per_tenant_max: section.accounts_per_tenant_max,
        domains_per_tenant_max: section.domains_per_tenant_max,
        groups_per_tenant_max: section.groups_per_tenant_max,
        index_members_max: section.index_members_max,
        index_ahead_members_max: section.index_ahead_members_max,
        links_per_tenant_max: section.links_per_tenant_max,
        request_document_octets_max: section.request_document_octets_max,
        purge_ended: (section.purge_ended_days > 0).then(|| days(section.purge_ended_days)),
        mx_elsewhere: days(section.mx_elsewhere_days),
        mx_elsewhere_purge: days(section.mx_elsewhere_purge_days),
        app_passwords_per_account_max: config.access.app_passwords_per_account_max as u64,
        sessions_per_account_max: u64::from(config.access.sessions_per_account_max),
        message_octets_max: config.limits.message_octets_max,
        recipients_per_message_max: config.limits.recipients_per_message_max,
        folder_shares_max: config.limits.folder_shares_max,
        shared_with_groups_max: config.limits.shared_with_groups_max,
        share_notices_max: config.limits.share_notifications_max,
        share_notices_kept: days(config.limits.share_notification_days),
        share_notified_members_max: config.limits.share_notified_members_max,
        group_members_max: section.group_members_max,
        group_expansion_max: section.group_expansion_max,
        own_hosts: crate::offer::offer(config)?.own_hosts(),
        recycle_deleted: days(section.recycle_deleted_days),
        recycle_unbound: days(section.recycle_unbound_days),
        recycle_reclaimed: days(section.recycle_reclaimed_days),
        log_days: section.log_days,
        default_domain,
        forget_person: vec![
            hongyan_access::forget_person,
            hongyan_delivery::forget_person,
            hongyan_http_jmap::forget_person,
        ],
        ..DirectoryOptions::default()
    })
}

fn days(count: u64) -> Duration {
    Duration::from_secs(count * 24 * 3600)
}

pub(crate) fn access(config: &Config, limit_loopback: bool) -> AccessOptions {
    let section = &config.access;
    AccessOptions {
        argon2_memory_kib: section.argon2_memory_kib,
        argon2_passes: section.argon2_passes,
        scram_iterations: section.scram_iterations,
        hashing_threads_max: section.hashing_threads_max,
        hashing_waiting_max: section.hashing_waiting_max,
        remembered_secs: section.remembered_secs,
        account_failures_max: section.account_failures_max,
        address_failures_max: section.address_failures_max,
        failure_window_secs: section.failure_window_secs,
        lockout_secs: section.lockout_secs,
        sessions_per_account_max: section.sessions_per_account_max,
        app_passwords_per_account_max: section.app_passwords_per_account_max,
        app_password_use_secs: section.app_password_use_secs,
        totp_drift_secs: section.totp_drift_secs,
        code_failures_max: section.code_failures_max,
        code_failure_window_secs: section.code_failure_window_secs,
        web_session_secs_max: section.web_session_secs_max,
        web_idle_secs: section.web_idle_secs,
        web_sessions_per_account_max: section.web_sessions_per_account_max,
        approval_secs: section.approval_secs,
        approvals_per_hour_max: section.approvals_per_hour_max,
        sent_code_secs: section.sent_code_secs,
        sent_codes_per_day_max: usize::try_from(section.sent_codes_per_day_max).unwrap_or(usize::MAX),
        guest_codes_per_address_max: section.guest_codes_per_address_max,
        trusted_device_days: section.trusted_device_days,
        web_origin: crate::offer::web_origin(config),
        passkeys_per_account_max: section.passkeys_per_account_max,
        passkey_challenge_secs: section.passkey_challenge_secs,
        oauth_access_secs: section.oauth_access_secs,
        oauth_grant_idle_secs: section.oauth_grant_idle_secs,
        oauth_grants_per_account_max: section.oauth_grants_per_account_max,
        trusted_devices_max: section.trusted_devices_max,
        fresh_proof_secs: section.fresh_proof_secs,
        login_log_repeat_secs: section.login_log_repeat_secs,
        password_characters_min: section.password_characters_min,
        password_characters_max: section.password_characters_max,
        password_mixed: section.password_mixed,
        limit_loopback,
        ..AccessOptions::default()
    }
}

pub(crate) fn mailboxes(config: &Config) -> MailboxOptions {
    MailboxOptions {
        purged_kept: deleted_mail_kept(config),
        ..MailboxOptions::default()
    }
}

pub(crate) fn deleted_mail_kept(config: &Config) -> Duration {
    Duration::from_secs(config.limits.deleted_mail_days.saturating_mul(86_400))
}

pub(crate) fn mailbox_entities(config: &Config) -> EntityOptions {
    EntityOptions {
        intake_requests_max: config.limits.intake_requests_max,
        idle: Duration::from_secs(config.limits.mailbox_idle_secs),
        memory_octets_max: config.limits.mailbox_memory_octets_max,
        ..EntityOptions::default()
    }
}

pub(crate) fn task_entities(config: &Config) -> EntityOptions {
    EntityOptions {
        intake_requests_max: config.limits.intake_requests_max,
        ..EntityOptions::default()
    }
}

pub(crate) fn queue_entities(config: &Config) -> EntityOptions {
    EntityOptions {
        intake_requests_max: config.limits.intake_requests_max,
        ..EntityOptions::default()
    }
}

pub(crate) fn schedule(config: &Config) -> RetrySchedule {
    RetrySchedule {
        expire_secs: config.queue.expiry_secs,
        ..RetrySchedule::default()
    }
}

pub(crate) fn listener(config: &Config) -> Result<ListenerSettings> {
    let parse = |text: &String| {
        text.parse()
            .with_context(|| format!("setting listen.proxy_networks: {text}"))
    };
    Ok(ListenerSettings {
        handshake_timeout: Duration::from_secs(config.limits.handshake_secs_max),
        proxy_networks: config.listen.proxy_networks.iter().map(parse).collect::<Result<_>>()?,
        ..ListenerSettings::default()
    })
}

pub(crate) fn relay(config: &Config) -> Result<RelaySettings> {
    let relay_host = match config.queue.relay_host.as_str() {
        "" if !config.queue.relay_user.is_empty() => bail!("setting queue.relay_user needs queue.relay_host"),
        "" => None,
        text => Some(relay_host(config, text)?),
    };
    Ok(RelaySettings {
        relay_host,
        ..RelaySettings::new(config.node.host_name.clone())
    })
}

fn relay_host(config: &Config, text: &str) -> Result<RelayHost> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().context("setting queue.relay_host: port")?)
        }
        _ => (text, RELAY_PORT_DEFAULT),
    };
    let credentials = match (
        config.queue.relay_user.as_str(),
        config.queue.relay_password_file.as_str(),
    ) {
        ("", "") => None,
        ("", _) | (_, "") => bail!("settings queue.relay_user and queue.relay_password_file belong together"),
        (user, file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("read {file}"))?;
            let password = text.lines().next().unwrap_or_default();
            Some((user.to_owned(), Secret::new(password)))
        }
    };
    let tls = match (port, &credentials) {
        (RELAY_PORT_TLS, _) => RelayTls::Implicit,
        (_, Some(_)) => RelayTls::Required,
        (_, None) => RelayTls::Opportunistic,
    };
    Ok(RelayHost {
        host: host.trim_matches(['[', ']']).to_owned(),
        port,
        tls,
        credentials,
    })
}

pub(crate) fn front(config: &Config, clear_passwords_on_loopback: bool) -> FrontSettings {
    let section = &config.http;
    FrontSettings {
        header_octets_max: section.header_octets_max,
        idle: Duration::from_secs(section.idle_secs_max),
        streams_max: section.streams_max,
        compressed_octets_min: section.compressed_octets_min,
        clear_passwords: config.tls.allow_plaintext_passwords,
        clear_passwords_on_loopback,
        ..FrontSettings::default()
    }
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours.saturating_mul(3_600))
}

/// What may be taken back, and for how long (TRK-5).
pub(crate) fn recall(config: &Config) -> RecallRules {
    RecallRules {
        standard: hours(config.limits.recall_standard_hours),
        advanced: hours(config.limits.recall_advanced_hours),
        takes_read: config.limits.recall_read_mail,
        scheduled: config.limits.scheduled_full_tracking,
    }
}

pub(crate) fn active_sync(config: &Config) -> ActiveSyncSettings {
    let section = &config.active_sync;
    ActiveSyncSettings {
        request_octets_max: section.request_octets_max,
        response_octets_max: section.response_octets_max,
        body_octets_max: section.body_octets_max,
        devices_max: section.devices_max,
        requests_max: section.requests_max,
        window_max: section.window_max,
        collections_max: section.collections_max,
        commands_max: section.commands_max,
        results_max: section.results_max,
        found_max: section.found_max,
        wait_min: Duration::from_secs(section.wait_secs_min),
        wait_max: Duration::from_secs(section.wait_secs_max),
        absence_characters_max: ActiveSyncSettings::default().absence_characters_max,
        ask_timeout: ActiveSyncSettings::default().ask_timeout,
    }
}

pub(crate) fn jmap(config: &Config) -> JmapSettings {
    let section = &config.http;
    let mut settings = JmapSettings {
        response_octets_max: section.jmap_response_octets_max,
        event_streams_max: section.jmap_event_streams_max,
        snapshot_messages_max: section.jmap_kept_messages_max,
        deleted_kept: deleted_mail_kept(config),
        begun_reply_kept: Duration::from_secs(config.limits.begun_reply_minutes.saturating_mul(60)),
        recall_standard: hours(config.limits.recall_standard_hours),
        recall_advanced: hours(config.limits.recall_advanced_hours),
        recall_takes_read: config.limits.recall_read_mail,
        scheduled_full_tracking: config.limits.scheduled_full_tracking,
        // The sender's own limit holds.
        recipients_max: u64::MAX,
        ..JmapSettings::default()
    };
    settings.core.upload_octets_max = config.limits.message_octets_max;
    settings.core.uploads_max = section.jmap_uploads_max;
    settings.core.request_octets_max = section.jmap_request_octets_max;
    settings.core.requests_max = section.jmap_requests_max;
    settings.core.calls_max = section.jmap_calls_max;
    settings.core.get_objects_max = section.jmap_get_objects_max;
    settings
}
