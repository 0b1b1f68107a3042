//! HTTP over the admin socket.

use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::Context as Poll;

use anyhow::{Context, Result, anyhow, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Frame};
use hyper::header::HeaderValue;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

/// Octets of a file that are sent at a time.
const PIECE_OCTETS: usize = 64 * 1_024;
/// Items asked for at a time.
const PAGE_ITEMS: usize = 500;

/// A file, piece by piece.
struct Pieces(std::fs::File);

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;
    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Poll<'_>,
    ) -> std::task::Poll<Option<std::io::Result<Frame<Bytes>>>> {
        let mut piece = vec![0; PIECE_OCTETS];
        std::task::Poll::Ready(match self.0.read(&mut piece) {
            Ok(0) => None,
            Ok(octets) => {
                piece.truncate(octets);
                Some(Ok(Frame::data(Bytes::from(piece))))
            }
            Err(error) => Some(Err(error)),
        })
    }
}

/// A node's admin API.
pub(crate) struct Client {
    socket: PathBuf,
}

/// What the server says instead of an answer.
fn refusal(status: hyper::StatusCode, body: &[u8]) -> anyhow::Error {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let detail = value["detail"].as_str().map(str::to_owned);
    anyhow!(detail.unwrap_or_else(|| { format!("the server answered {status}: {}", String::from_utf8_lossy(body)) }))
}

impl Client {
    pub(crate) fn new(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await
    }
    /// One object, changed by `change` unless someone else changes it in between.
    pub(crate) async fn patch_unchanged(&self, path: &str, change: Value) -> Result<Value> {
        let (_, etag) = self.exchange(Method::GET, path, None, None).await?;
        let (value, _) = self
            .exchange(Method::PATCH, path, Some(change), etag.as_deref())
            .await?;
        Ok(value)
    }
    /// One object, set to what `change` makes of it unless someone else changes it in between.
    pub(crate) async fn put_unchanged(&self, path: &str, change: impl FnOnce(Value) -> Result<Value>) -> Result<Value> {
        let (present, etag) = self.exchange(Method::GET, path, None, None).await?;
        let (value, _) = self
            .exchange(Method::PUT, path, Some(change(present)?), etag.as_deref())
            .await?;
        Ok(value)
    }
    pub(crate) async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }
    pub(crate) async fn put(&self, path: &str, body: Value) -> Result<Value> {
        self.call(Method::PUT, path, Some(body)).await
    }
    pub(crate) async fn patch(&self, path: &str, body: Value) -> Result<Value> {
        self.call(Method::PATCH, path, Some(body)).await
    }
    pub(crate) async fn delete(&self, path: &str) -> Result<Value> {
        self.call(Method::DELETE, path, None).await
    }
    /// Sends a file.
    pub(crate) async fn upload(&self, path: &str, kind: &str, octets: Vec<u8>) -> Result<Value> {
        self.file(Method::POST, path, kind, octets).await
    }
    /// Sends a file that stands for what is there.
    pub(crate) async fn replace(&self, path: &str, kind: &str, octets: Vec<u8>) -> Result<Value> {
        self.file(Method::PUT, path, kind, octets).await
    }
    /// Sends a file as it is read, however long it is.
    pub(crate) async fn upload_file(&self, path: &str, kind: &str, file: &Path) -> Result<Value> {
        let file = std::fs::File::open(file).with_context(|| format!("open {}", file.display()))?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("content-type", kind);
        let (octets, _) = self.send(request.body(Pieces(file))?).await?;
        Ok(serde_json::from_slice(&octets).unwrap_or_default())
    }
    async fn file(&self, method: Method, path: &str, kind: &str, octets: Vec<u8>) -> Result<Value> {
        let request = Request::builder().method(method).uri(path).header("content-type", kind);
        let (octets, _) = self.send(request.body(Full::new(Bytes::from(octets)))?).await?;
        Ok(serde_json::from_slice(&octets).unwrap_or_default())
    }
    /// Gets a file.
    pub(crate) async fn download(&self, path: &str) -> Result<Bytes> {
        let request = Request::builder().method(Method::GET).uri(path);
        Ok(self.send(request.body(Full::new(Bytes::new()))?).await?.0)
    }

    /// Writes a file as it comes; how long it is. Half a file is removed.
    pub(crate) async fn download_to(&self, path: &str, file: &Path) -> Result<u64> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut open = options
            .open(file)
            .with_context(|| format!("create {}", file.display()))?;
        let written = self.pour(path, &mut open).await;
        if written.is_err() {
            drop(open);
            std::fs::remove_file(file).ok();
        }
        written
    }

    async fn pour(&self, path: &str, file: &mut std::fs::File) -> Result<u64> {
        let request = Request::builder()
            .method(Method::GET)
            .uri(path)
            .header("host", "localhost");
        let stream = self.connect().await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let exchange = async {
            let response = sender.send_request(request.body(Full::new(Bytes::new()))?).await?;
            let status = response.status();
            let mut body = response.into_body();
            if !status.is_success() {
                return Err(refusal(status, &body.collect().await?.to_bytes()));
            }
            let mut written = 0;
            while let Some(frame) = body.frame().await {
                if let Ok(piece) = frame?.into_data() {
                    file.write_all(&piece)?;
                    written += piece.len() as u64;
                }
            }
            file.sync_all()?;
            Ok(written)
        };
        tokio::select! {
            biased;
            outcome = exchange => outcome,
            ended = connection => {
                ended?;
                bail!("the server closed the connection")
            }
        }
    }

    /// Asks for a file; what comes back may be a task that makes it.
    pub(crate) async fn ask_for_file(&self, path: &str, body: Value) -> Result<Bytes> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("content-type", "application/json");
        let body = Full::new(Bytes::from(body.to_string()));
        Ok(self.send(request.body(body)?).await?.0)
    }

    /// All items of a list, page after page. `query` is empty or ends with `&`.
    pub(crate) async fn list(&self, path: &str, query: &str) -> Result<Value> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.get(&format!("{path}?{query}limit={PAGE_ITEMS}{after}")).await?;
            if let Some(more) = page["items"].as_array() {
                items.extend(more.iter().cloned());
            }
            for node in page["silent"].as_array().into_iter().flatten() {
                eprintln!("node {node} does not answer: what it has is missing");
            }
            match page["next"].as_str() {
                Some(next) => after = format!("&after={}", encode(next)),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        Ok(self.exchange(method, path, body, None).await?.0)
    }

    /// Asks, and answers the body and the entity tag.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        if_match: Option<&str>,
    ) -> Result<(Value, Option<String>)> {
        let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json");
        if let Some(etag) = if_match {
            request = request.header("if-match", etag);
        }
        let (octets, etag) = self.send(request.body(Full::new(body))?).await?;
        Ok((serde_json::from_slice(&octets).unwrap_or_default(), etag))
    }

    /// What comes back, and its entity tag; what the server refuses is an error in its words.
    async fn connect(&self) -> Result<UnixStream> {
        UnixStream::connect(&self.socket).await.with_context(|| {
            let socket = self.socket.display();
            format!("reach the server at {socket}: is it running, and is this its data folder (--data)?")
        })
    }

    async fn send<B>(&self, mut request: Request<B>) -> Result<(Bytes, Option<String>)>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let stream = self.connect().await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let host = HeaderValue::from_static("localhost");
        request.headers_mut().insert("host", host);
        let exchange = async {
            let response = sender.send_request(request).await?;
            let status = response.status();
            let etag = response.headers().get("etag").and_then(|etag| etag.to_str().ok());
            let etag = etag.map(str::to_owned);
            let bytes = response.into_body().collect().await?.to_bytes();
            anyhow::Ok((status, etag, bytes))
        };
        let (status, etag, bytes) = tokio::select! {
            outcome = exchange => outcome?,
            ended = connection => {
                ended?;
                bail!("the server closed the connection")
            }
        };
        if status.is_success() {
            return Ok((bytes, etag));
        }
        Err(refusal(status, &bytes))
    }
}

/// A path segment or query value (RFC 3986 §2.1).
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn what_is_special_in_a_path_is_encoded() {
        assert_eq!(encode("anna+x@bücher.test"), "anna%2Bx@b%C3%BCcher.test");
        assert_eq!(encode("a/b?c d"), "a%2Fb%3Fc%20d");
    }
}
