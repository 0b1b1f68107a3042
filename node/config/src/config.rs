//! The file as a whole.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    Access, Acme, ActiveSync, Cluster, Directory, Geoip, Http, Ldap, LdapServer, Limits, Listen, Log, Migration, Node,
    Public, Queue, Registry, SectionDoc, SingleSignOn, Sms, Storage, Tls, Webhook,
};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("read configuration {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not TOML, an unknown setting, or a value of the wrong type.
    #[error("configuration {path}: {message}")]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Where and what, over several lines.
        message: String,
    },
    /// A value that cannot work.
    #[error("configuration {path}: setting {setting} {message}")]
    Value {
        /// Which file.
        path: PathBuf,
        /// Its name, `section.name`.
        setting: &'static str,
        /// What is wrong.
        message: String,
    },
}

/// Everything a node is told before it opens its store.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who this node is.
    pub node: Node,
    /// Where to listen.
    pub listen: Listen,
    /// What is told outside.
    pub public: Public,
    /// Certificates.
    pub tls: Tls,
    /// Certificates from an authority.
    pub acme: Acme,
    /// Limits of connections and messages.
    pub limits: Limits,
    /// Limits of HTTPS.
    pub http: Http,
    /// Sign-in.
    pub access: Access,
    /// Registries of domains.
    pub registry: Registry,
    /// Sign-in at providers of organisations.
    pub single_sign_on: SingleSignOn,
    /// LDAP directories of organisations.
    pub ldap: Ldap,
    /// LDAP for clients.
    pub ldap_server: LdapServer,
    /// Phones.
    pub active_sync: ActiveSync,
    /// Text messages to phones.
    pub sms: Sms,
    /// Places of addresses.
    pub geoip: Geoip,
    /// What tenants may have.
    pub directory: Directory,
    /// The store.
    pub storage: Storage,
    /// This node among others.
    pub cluster: Cluster,
    /// Mail that leaves.
    pub queue: Queue,
    /// Webhooks.
    pub webhook: Webhook,
    /// Mail from other systems.
    pub migration: Migration,
    /// Logs.
    pub log: Log,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// When it cannot be read or used.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    /// Reads and checks a text; `path` is for messages.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| ConfigError::Syntax {
            path: path.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        config.check(path)?;
        Ok(config)
    }

    fn check(&self, path: &Path) -> Result<(), ConfigError> {
        let refuse = |setting, message: &str| {
            Err(ConfigError::Value {
                path: path.to_owned(),
                setting,
                message: message.to_owned(),
            })
        };
        if self.node.host_name.trim().is_empty() {
            return refuse("node.host_name", "is empty");
        }
        if self.node.data.trim().is_empty() {
            return refuse("node.data", "is empty");
        }
        if self.tls.certificate.is_empty() != self.tls.key.is_empty() {
            return refuse("tls.key", "and tls.certificate belong together: set both or none");
        }
        if !self.acme.directory.is_empty() {
            if !self.acme.directory.starts_with("https://") {
                return refuse("acme.directory", "is no URL of https");
            }
            if !self.acme.agree_to_terms {
                return refuse("acme.agree_to_terms", "must be true: no authority works without");
            }
            if self.acme.challenge == "http-01" && self.listen.web.is_empty() {
                return refuse("acme.challenge", "is http-01, which needs listen.web");
            }
        }
        if !matches!(self.acme.challenge.as_str(), "tls-alpn-01" | "http-01") {
            return refuse("acme.challenge", "is neither tls-alpn-01 nor http-01");
        }
        if !matches!(self.public.mta_sts.as_str(), "none" | "testing" | "enforce") {
            return refuse("public.mta_sts", "is none of none, testing, enforce");
        }
        // RFC 8461 §3.2.
        if !(86_400..=31_557_600).contains(&self.public.mta_sts_secs) {
            return refuse("public.mta_sts_secs", "is not in 86400 to 31557600");
        }
        let directory = &self.directory;
        for (setting, days) in [
            ("directory.recycle_deleted_days", directory.recycle_deleted_days),
            ("directory.recycle_unbound_days", directory.recycle_unbound_days),
            ("directory.recycle_reclaimed_days", directory.recycle_reclaimed_days),
            ("directory.mx_elsewhere_days", directory.mx_elsewhere_days),
            ("directory.mx_elsewhere_purge_days", directory.mx_elsewhere_purge_days),
        ] {
            if !(1..=3650).contains(&days) {
                return refuse(setting, "is not in 1 to 3650");
            }
        }
        if directory.links_per_tenant_max > 500 {
            return refuse("directory.links_per_tenant_max", "is not in 0 to 500");
        }
        if !(65_536..=8 << 20).contains(&directory.request_document_octets_max) {
            return refuse("directory.request_document_octets_max", "is not in 65536 to 8388608");
        }
        if !(1..=1_440).contains(&self.limits.begun_reply_minutes) {
            return refuse("limits.begun_reply_minutes", "is not in 1 to 1440");
        }
        if self.limits.message_octets_max < 65_536 {
            return refuse("limits.message_octets_max", "is below 65536 (RFC 5321 §4.5.3.1.7)");
        }
        if self.access.scram_iterations < 4096 {
            return refuse("access.scram_iterations", "is below 4096 (RFC 7677 §4)");
        }
        let characters = self.access.password_characters_min..=self.access.password_characters_max;
        if *characters.start() < 6 {
            return refuse("access.password_characters_min", "is below 6");
        }
        if characters.is_empty() || *characters.end() > 256 {
            return refuse(
                "access.password_characters_max",
                "is below password_characters_min or above 256",
            );
        }
        let access = &self.access;
        for (setting, value, range) in [
            ("access.approval_secs", access.approval_secs, 30..=600),
            (
                "access.approvals_per_hour_max",
                u64::from(access.approvals_per_hour_max),
                1..=1_000,
            ),
            ("access.sent_code_secs", access.sent_code_secs, 60..=3_600),
            (
                "access.sent_codes_per_day_max",
                u64::from(access.sent_codes_per_day_max),
                1..=1_000,
            ),
            ("sms.answer_secs_max", self.sms.answer_secs_max, 1..=60),
        ]
        .into_iter()
        .chain(self.ldap_server.bounds())
        .chain(self.active_sync.bounds())
        {
            if !range.contains(&value) {
                return refuse(setting, &format!("is not in {} to {}", range.start(), range.end()));
            }
        }
        if !matches!(self.storage.backend.as_str(), "embedded" | "foundationdb") {
            return refuse("storage.backend", "is neither embedded nor foundationdb");
        }
        if !(1..=600).contains(&self.storage.open_secs_max) {
            return refuse("storage.open_secs_max", "is not in 1 to 600");
        }
        if !(100..=60_000).contains(&self.storage.transaction_millis_max) {
            return refuse("storage.transaction_millis_max", "is not in 100 to 60000");
        }
        if self.cluster.listen.is_empty() {
            return refuse("cluster.listen", "is empty: other nodes could not reach this one");
        }
        if self.cluster.foundationdb_memory_octets_max < 1 << 30 {
            return refuse("cluster.foundationdb_memory_octets_max", "is below 1073741824");
        }
        if !matches!(self.log.format.as_str(), "text" | "json") {
            return refuse("log.format", "is neither text nor json");
        }
        Ok(())
    }

    /// All sections, in the order of the file.
    #[must_use]
    pub fn document() -> Vec<SectionDoc> {
        vec![
            Node::document(),
            Listen::document(),
            Public::document(),
            Tls::document(),
            Acme::document(),
            Limits::document(),
            Http::document(),
            Access::document(),
            Geoip::document(),
            Directory::document(),
            Storage::document(),
            Cluster::document(),
            Queue::document(),
            Registry::document(),
            SingleSignOn::document(),
            Ldap::document(),
            LdapServer::document(),
            ActiveSync::document(),
            Sms::document(),
            Webhook::document(),
            Migration::document(),
            Log::document(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let error = Config::parse(Path::new("x.toml"), text).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }

    #[test]
    fn nothing_set_is_the_default() {
        assert_eq!(Config::parse(Path::new("x.toml"), "").unwrap(), Config::default());
    }

    #[test]
    fn what_is_set_counts_and_the_rest_is_default() {
        let text = "[node]\nhost_name = \"mx.example.test\"\n[listen]\nsmtp = [\"127.0.0.1:2525\"]\n";
        let config = Config::parse(Path::new("x.toml"), text).unwrap();
        assert_eq!(config.node.host_name, "mx.example.test");
        assert_eq!(config.listen.smtp, ["127.0.0.1:2525"]);
        assert_eq!(config.listen.imap, Listen::default().imap);
    }

    #[test]
    fn mistakes_are_named() {
        check("[node]\nhostname = \"x\"", "unknown field `hostname`");
        check("[nodes]\n", "unknown field `nodes`");
        check("[node]\nhost_name = \"\"", "node.host_name");
        check(
            "[directory]\nrecycle_unbound_days = 0",
            "directory.recycle_unbound_days",
        );
        for (setting, value) in [("mx_elsewhere_days", 0), ("mx_elsewhere_purge_days", 3_651)] {
            check(
                &format!("[directory]\n{setting} = {value}"),
                &format!("directory.{setting}"),
            );
        }
        check("[tls]\ncertificate = \"/x\"", "tls.key");
        check("[ldap_server]\nentries_max = 0", "ldap_server.entries_max");
        check("[ldap_server]\nidle_secs_max = 86401", "is not in 1 to 86400");
        check("[active_sync]\ndevices_max = 0", "active_sync.devices_max");
        check(
            "[active_sync]\nwait_secs_min = 61\nwait_secs_max = 60",
            "is not in 1 to 60",
        );
        check(
            "[access]\npassword_characters_min = 5",
            "access.password_characters_min",
        );
        check(
            "[access]\npassword_characters_max = 7",
            "access.password_characters_max",
        );
        for (setting, value) in [
            ("approval_secs", 29),
            ("approvals_per_hour_max", 0),
            ("sent_code_secs", 3_601),
            ("sent_codes_per_day_max", 0),
        ] {
            check(&format!("[access]\n{setting} = {value}"), &format!("access.{setting}"));
        }
        check("[sms]\nanswer_secs_max = 61", "sms.answer_secs_max");
        check("[log]\nformat = \"xml\"", "log.format");
        check("[storage]\nbackend = \"fdb\"", "storage.backend");
        check("[storage]\nopen_secs_max = 0", "storage.open_secs_max");
        check(
            "[storage]\ntransaction_millis_max = 1",
            "storage.transaction_millis_max",
        );
        check("[cluster]\nlisten = []", "cluster.listen");
        check(
            "[cluster]\nfoundationdb_memory_octets_max = 1",
            "cluster.foundationdb_memory_octets_max",
        );
        let acme = |rest: &str| format!("[acme]\ndirectory = \"https://ca.test/\"\n{rest}");
        check("[acme]\ndirectory = \"http://ca.test\"", "acme.directory");
        check(&acme(""), "acme.agree_to_terms");
        check(&acme("agree_to_terms = true\nchallenge = \"http-01\""), "listen.web");
        check("[acme]\nchallenge = \"dns-01\"", "acme.challenge");
        check("[public]\nmta_sts = \"on\"", "public.mta_sts");
        check("[public]\nmta_sts_secs = 3600", "public.mta_sts_secs");
        check(
            "[directory]\nlinks_per_tenant_max = 501",
            "directory.links_per_tenant_max",
        );
        check("[limits]\nbegun_reply_minutes = 0", "limits.begun_reply_minutes");
        check("[limits]\nconnections_max = \"many\"", "invalid type");
    }
}
