//! The server: runs of a folder in a browser and over HTTP, live, with what may be done to them. `docs/serve.md` says what
//! it answers.
//!
//! Reading is done here; whatever begins or changes a run is done by this same program as if somebody had typed it.
//! Nobody is answered who does not pass the guard.

mod act;
mod api;
mod catalog;
mod episodes;
mod guard;
mod leading;
mod options;
mod page;
mod problem;
mod program;
mod reports;
mod runs;
mod session;
mod start;
mod stream;
mod trace;
mod view;

use crate::endpoint::Access;
use anyhow::Context;
use axum::http::{HeaderMap, header};
use catalog::{Catalog, Listing};
use guard::Guard;
use problem::Problem;
use program::Program;
use reports::Reports;
use session::Sessions;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// How a server is to be.
pub struct ServeOptions {
    pub runs: PathBuf,
    /// This program, which begins and changes runs.
    pub program: PathBuf,
    pub host: IpAddr,
    /// 0 takes a free one.
    pub port: u16,
    pub access: Access,
    /// Further names under which browsers reach it, with or without a port.
    pub names: Vec<String>,
    /// Nothing is begun or changed.
    pub is_read_only: bool,
    /// Winners of runs that are begun here are pushed.
    pub may_push: bool,
    /// Options of every run that is begun here, as words of a command line.
    pub given: Vec<String>,
    pub requests_per_second: NonZeroU32,
    /// Variables that only the server is to know.
    pub secret_variables: Vec<String>,
}

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    served: Arc<Served>,
}

/// What all answers are made of.
struct Served {
    guard: Guard,
    catalog: Arc<Catalog>,
    traces: Arc<trace::Traces>,
    program: Program,
    starts: start::Starts,
    reports: Reports,
    streams: Arc<Semaphore>,
    may_push: bool,
    given: Vec<String>,
    folder: PathBuf,
}

impl Server {
    /// Binds to the address.
    pub async fn bind(options: ServeOptions) -> anyhow::Result<Server> {
        let address = SocketAddr::from((options.host, options.port));
        let listener = TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))?;
        let port = listener.local_addr()?.port();
        let epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let names = names(options.host, port, &options.names);
        let sessions = Sessions::new(port);
        let guard =
            Guard::new(names, options.access, sessions, options.is_read_only, options.requests_per_second);
        let served = Served {
            guard,
            catalog: Arc::new(Catalog::new(options.runs.clone(), epoch.as_micros() as u64)),
            traces: Arc::default(),
            program: Program::new(options.program, options.runs, options.secret_variables),
            starts: start::Starts::default(),
            reports: Reports::new().context("make a folder for reports among the temporary files")?,
            streams: Arc::new(Semaphore::new(stream::STREAMS_MAX)),
            may_push: options.may_push,
            given: options.given,
            folder: std::env::current_dir().context("find the current folder")?,
        };
        Ok(Server { listener, served: Arc::new(served) })
    }

    /// Where it answers.
    pub fn url(&self) -> anyhow::Result<String> {
        Ok(format!("http://{}/", self.listener.local_addr()?))
    }

    /// Answers until the future is dropped.
    pub async fn run(self) -> anyhow::Result<()> {
        let router = api::router(self.served).into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(self.listener, router).await.context("serve the runs")
    }
}

/// The names by which requests may call a server: its address, those of the machine itself, and those that were allowed.
fn names(host: IpAddr, port: u16, allowed: &[String]) -> Vec<String> {
    let mut hosts = vec![match host {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }];
    if host.is_loopback() || host.is_unspecified() {
        hosts.extend(["127.0.0.1", "localhost", "[::1]"].map(str::to_owned));
    }
    let mut names: Vec<String> = hosts.iter().map(|host| format!("{host}:{port}")).collect();
    if port == 80 {
        names.extend(hosts);
    }
    for name in allowed {
        let name = name.to_lowercase();
        let has_port = name.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if !has_port {
            names.push(format!("{name}:{port}"));
        }
        names.push(name);
    }
    names
}

impl Served {
    /// The folder of a run, or that there is none.
    fn folder(&self, id: &str) -> Result<PathBuf, Problem> {
        self.catalog.folder(id).ok_or_else(|| Problem::no_run(id))
    }

    async fn listing(&self) -> Result<Arc<Listing>, Problem> {
        let catalog = self.catalog.clone();
        Ok(blocking(move || catalog.listing()).await??)
    }

    async fn row(&self, id: &str) -> Result<view::RunRow, Problem> {
        let (catalog, folder) = (self.catalog.clone(), self.folder(id)?);
        blocking(move || catalog.row(&folder)).await
    }

    /// What is known of a run's episodes and candidates, as it is now.
    async fn trace(&self, id: &str) -> Result<Arc<Mutex<trace::Trace>>, Problem> {
        let (catalog, traces, folder) = (self.catalog.clone(), self.traces.clone(), self.folder(id)?);
        Ok(blocking(move || traces.of(&folder, catalog.epoch())).await??)
    }

    /// The words of a run that a page wants: what every run has, and its own options.
    fn words(&self, options: &options::RunOptions) -> Result<Vec<String>, Problem> {
        let own = options.words(&self.folder).map_err(|problems| {
            Problem::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, problems.join("; "))
                .fix("docs/serve.md says what a page may start; the command line may start everything")
        })?;
        Ok(self.given.iter().cloned().chain(own).collect())
    }
}

/// Does what waits for the disk where nobody else has to wait for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Problem::failed(&error.into()))
}

/// Whether who asks has this version already.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or_default();
    known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_answers_to_its_own_names_alone() {
        let check = |host: &str, port: u16, allowed: &[&str], name: &str, expected: bool| {
            let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
            let names = names(host.parse().unwrap(), port, &allowed);
            assert_eq!(names.iter().any(|known| known == name), expected, "{name} of {names:?}");
        };
        check("127.0.0.1", 8484, &[], "localhost:8484", true);
        check("127.0.0.1", 8484, &[], "localhost", false);
        check("127.0.0.1", 80, &[], "localhost", true);
        check("::1", 8484, &[], "[::1]:8484", true);
        check("10.0.0.7", 8484, &[], "10.0.0.7:8484", true);
        check("10.0.0.7", 8484, &[], "localhost:8484", false);
        check("0.0.0.0", 8484, &["Tower"], "tower:8484", true);
        check("0.0.0.0", 8484, &["tower.example"], "tower.example", true);
        check("0.0.0.0", 8484, &["tower:9000"], "tower:9000", true);
        check("0.0.0.0", 8484, &["tower:9000"], "tower:8484", false);
    }
}
