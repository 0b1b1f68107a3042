//! The certificate shown to clients: the operator's files, or a self-signed one kept in the data folder.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use hongyan_config::Config;
use hongyan_listener::{CertificateFiles, TlsConfig, self_signed};

/// Loads the certificate; makes one at the first start when none is set.
pub(crate) fn load(config: &Config, names: &[String]) -> Result<TlsConfig> {
    let files = if config.tls.certificate.is_empty() {
        own(Path::new(&config.node.data), names)?
    } else {
        CertificateFiles {
            certificate: config.tls.certificate.clone().into(),
            key: config.tls.key.clone().into(),
        }
    };
    let shown = files.certificate.display().to_string();
    TlsConfig::from_files(vec![files]).with_context(|| format!("load certificate {shown}"))
}

/// The self-signed certificate in the data folder, made when it is missing.
pub(crate) fn own(data: &Path, names: &[String]) -> Result<CertificateFiles> {
    let folder = data.join("tls");
    let files = CertificateFiles {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    };
    if files.certificate.exists() && files.key.exists() {
        return Ok(files);
    }
    let made = self_signed(names).context("make a self-signed certificate")?;
    fs::create_dir_all(&folder).context("create the certificate's folder")?;
    write_private(&files.key, &made.key)?;
    fs::write(&files.certificate, made.certificate).context("write the certificate")?;
    Ok(files)
}

/// Writes a file that only this user may read.
fn write_private(path: &Path, text: &str) -> Result<()> {
    let shown = path.display();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("create {shown}"))?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("write {shown}"))
}
