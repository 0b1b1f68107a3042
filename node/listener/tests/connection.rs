//! A connection over a real socket: TLS with its bindings, compression, and clients that never read.

use std::sync::Arc;
use std::time::Duration;

use hongyan_env::{Env, SimulatedHost, SimulatedNetwork, Stream, ZoneDns};
use hongyan_listener::{Connection, TlsConfig, TlsVersion, UpgradeError, self_signed};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[derive(Debug)]
struct AnyCertificate(rustls::crypto::WebPkiSupportedAlgorithms);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0)
    }
    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.supported_schemes()
    }
}

fn connector(version: &'static rustls::SupportedProtocolVersion) -> tokio_rustls::TlsConnector {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = AnyCertificate(provider.signature_verification_algorithms);
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Arc::new(config).into()
}

fn certificates(names: &[&str]) -> TlsConfig {
    let pem: Vec<_> = names
        .iter()
        .map(|name| self_signed(&[(*name).to_owned()]).unwrap())
        .collect();
    TlsConfig::from_pem(&pem).unwrap()
}

async fn pair(env: &Env, tls: Option<TlsConfig>) -> (Stream, Connection) {
    let listener = env.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let client = env.connect(listener.local_address().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    (client, Connection::new(env.clone(), server, tls).unwrap())
}

async fn receive_text(connection: &mut Connection) -> String {
    let mut text = Vec::new();
    connection.receive(|bytes| text.extend_from_slice(bytes)).await.unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn tls_upgrade_gives_both_channel_bindings() {
    let env = Env::real();
    let (client, mut server) = pair(&env, Some(certificates(&["first.test", "mail.test"]))).await;
    assert!(server.can_start_tls());
    let client = tokio::spawn(async move {
        let name = ServerName::try_from("mail.test").unwrap();
        let mut client = connector(&rustls::version::TLS13).connect(name, client).await.unwrap();
        client.write_all(b"hello").await.unwrap();
        let session = client.get_ref().1;
        let exporter = session
            .export_keying_material([0_u8; 32], b"EXPORTER-Channel-Binding", Some(&[]))
            .unwrap();
        let certificate = session.peer_certificates().unwrap()[0].clone();
        (exporter, certificate, client)
    });
    server.start_tls().await.unwrap();
    assert_eq!(receive_text(&mut server).await, "hello");
    let (exporter, certificate, mut client) = client.await.unwrap();
    let info = server.tls().unwrap();
    assert_eq!(info.version, TlsVersion::Tls13);
    assert_eq!(info.server_name.as_deref(), Some("mail.test"));
    assert_eq!(info.exporter, Some(exporter));
    let hash = ring::digest::digest(&ring::digest::SHA256, &certificate);
    assert_eq!(info.server_end_point.as_deref(), Some(hash.as_ref()));
    assert!(!server.can_start_tls());
    assert!(matches!(server.start_tls().await, Err(UpgradeError::NotPossible)));
    server.send(b"bye").await.unwrap();
    server.close().await.unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "bye");
}

#[tokio::test]
async fn tls_1_2_has_no_exporter_binding() {
    let env = Env::real();
    let (client, mut server) = pair(&env, Some(certificates(&["mail.test"]))).await;
    let client = tokio::spawn(async move {
        let name = ServerName::try_from("mail.test").unwrap();
        connector(&rustls::version::TLS12).connect(name, client).await.unwrap()
    });
    server.start_tls().await.unwrap();
    let info = server.tls().unwrap();
    assert_eq!((info.version, info.exporter), (TlsVersion::Tls12, None));
    assert!(info.server_end_point.is_some());
    // A client that goes without close_notify has gone in order.
    drop(client.await.unwrap());
    assert_eq!(server.receive(|_| {}).await.unwrap(), 0);
}

#[tokio::test]
async fn plain_text_instead_of_a_handshake_ends_the_connection() {
    let env = Env::real();
    let (mut client, mut server) = pair(&env, Some(certificates(&["mail.test"]))).await;
    client
        .write_all(b"MAIL FROM:<injected@example.test>\r\n")
        .await
        .unwrap();
    assert!(matches!(server.start_tls().await, Err(UpgradeError::Failed(_))));
    assert!(server.send(b"220 ok\r\n").await.is_err());
}

#[tokio::test]
async fn what_was_said_last_arrives_although_the_client_goes_on_talking() {
    let env = Env::simulated(SimulatedHost {
        network: SimulatedNetwork::new(1),
        address: [127, 0, 0, 1].into(),
        seed: 1,
        clock_rate_ppm: 0,
        wall_ahead_millis: 0,
        dns: Arc::new(ZoneDns::default()),
    });
    let (mut client, mut server) = pair(&env, None).await;
    server.send(b"* BYE\r\n").await.unwrap();
    let talk = async {
        client.write_all(b"a NOOP\r\n").await.unwrap();
        client.write_all(b"b NOOP\r\n").await.unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).await.unwrap();
        drop(client);
        text
    };
    let close = async {
        server.close().await.unwrap();
        drop(server);
    };
    let ((), text) = tokio::join!(close, talk);
    assert_eq!(text, "* BYE\r\n");
}

#[tokio::test]
async fn compression_carries_both_directions() {
    let env = Env::real();
    let (mut client, mut server) = pair(&env, None).await;
    let mut out = flate2::Compress::new(flate2::Compression::fast(), false);
    let mut compress = |text: &[u8]| {
        let mut bytes = Vec::with_capacity(text.len() + 100);
        out.compress_vec(text, &mut bytes, flate2::FlushCompress::Sync).unwrap();
        bytes
    };
    let early = compress(b"a NOOP\r\n");
    server.start_deflate(&early).unwrap();
    assert_eq!(receive_text(&mut server).await, "a NOOP\r\n");
    client.write_all(&compress(b"b NOOP\r\n")).await.unwrap();
    assert_eq!(receive_text(&mut server).await, "b NOOP\r\n");
    server.send(b"b OK\r\n").await.unwrap();
    server.send(b"* BYE\r\n").await.unwrap();
    server.close().await.unwrap();
    let mut compressed = Vec::new();
    client.read_to_end(&mut compressed).await.unwrap();
    let mut text = Vec::with_capacity(100);
    flate2::Decompress::new(false)
        .decompress_vec(&compressed, &mut text, flate2::FlushDecompress::Sync)
        .unwrap();
    assert_eq!(text, b"b OK\r\n* BYE\r\n");
}

#[tokio::test]
async fn a_client_that_never_reads_is_given_up() {
    let (env, clock) = Env::manual(1);
    let (client, mut server) = pair(&env, None).await;
    let sending = tokio::spawn(async move {
        let block = vec![b'x'; 1 << 20];
        loop {
            if let Err(error) = server.send(&block).await {
                return error.kind();
            }
        }
    });
    // The clock moves only when the kernel's buffers are long full; each step is shorter than the time limit.
    while !sending.is_finished() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        clock.advance(Duration::from_secs(10));
    }
    assert_eq!(sending.await.unwrap(), std::io::ErrorKind::TimedOut);
    drop(client);
}

#[test]
fn changed_certificate_files_are_served_after_a_reload() {
    let dir = tempfile::tempdir().unwrap();
    let files = hongyan_listener::CertificateFiles {
        certificate: dir.path().join("cert.pem"),
        key: dir.path().join("key.pem"),
    };
    let write = |name: &str| {
        let pem = self_signed(&[name.to_owned()]).unwrap();
        std::fs::write(&files.certificate, pem.certificate).unwrap();
        std::fs::write(&files.key, pem.key).unwrap();
    };
    write("one.test");
    let tls = TlsConfig::from_files(vec![files.clone()]).unwrap();
    assert!(!tls.reload_if_changed().unwrap());
    std::fs::write(&files.certificate, "no certificate").unwrap();
    let later = std::fs::metadata(&files.key).unwrap().modified().unwrap() + Duration::from_secs(5);
    std::fs::File::options()
        .append(true)
        .open(&files.certificate)
        .unwrap()
        .set_modified(later)
        .unwrap();
    assert!(tls.reload_if_changed().is_err());
    assert!(!tls.reload_if_changed().unwrap(), "a bad file is reported once");
    write("two.test");
    tls.reload().unwrap();
}
