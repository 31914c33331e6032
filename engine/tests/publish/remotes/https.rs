//! A remote over HTTPS: git's own `http-backend` behind TLS with a certificate of our own, which takes a token.

use super::wire::Wire;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

pub const TOKEN: &str = "t0ken-that-may-write";

pub struct Https {
    pub wire: Wire,
    /// The certificate of the authority that made the server's.
    pub authority: PathBuf,
    #[expect(dead_code, reason = "the server lives as long as its threads")]
    runtime: Runtime,
}

impl Https {
    /// Serves the repositories in a folder.
    pub fn new(folder: &Path) -> Https {
        let (authority, acceptor) = certificates(folder);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener =
            runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(answer).with_state(Arc::new(folder.to_owned()));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Https { wire: Wire::new(port, Some(acceptor)), authority, runtime }
    }

    pub fn address(&self, repository: &str) -> String {
        format!("https://localhost:{}/{repository}", self.wire.port)
    }
}

fn certificates(folder: &Path) -> (PathBuf, TlsAcceptor) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let file = folder.join("authority.pem");
    std::fs::write(&file, issuer.pem()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![server.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    (file, TlsAcceptor::from(Arc::new(config)))
}

async fn answer(
    State(folder): State<Arc<PathBuf>>,
    method: Method,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let wanted = format!("Basic {}", BASE64_STANDARD.encode(format!("x-access-token:{TOKEN}")));
    if headers.get(header::AUTHORIZATION).is_none_or(|given| given.as_bytes() != wanted.as_bytes()) {
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"packs\"")])
            .into_response();
    }
    let run = move || backend(&folder, &method, &uri, query.as_deref().unwrap_or(""), &headers, &body);
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// Asks git's own program, as a web server does by CGI.
fn backend(
    folder: &Path,
    method: &Method,
    uri: &Uri,
    query: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    let text = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let mut child = Command::new("git")
        .args(["-c", "http.receivepack=true", "-c", "safe.directory=*", "http-backend"])
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_USER", "x-access-token")
        .env("REQUEST_METHOD", method.as_str())
        .env("PATH_INFO", uri.path())
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", text("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", text("content-encoding"))
        .env("GIT_PROTOCOL", text("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("git http-backend");
    let mut stdin = child.stdin.take().unwrap();
    let sent = body.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&sent);
    });
    let output = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(output.len());
    let (mut status, mut builder) = (200, Response::builder());
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        match line.split_once(": ") {
            Some(("Status", code)) => status = code.split(' ').next().unwrap().parse().unwrap(),
            Some((name, value)) => builder = builder.header(name, value),
            None => {}
        }
    }
    let content = output.get(end + 4..).unwrap_or_default().to_vec();
    builder.status(status).body(content.into()).unwrap()
}
