//! One gateway process: started, asked, and ended by its process id. A gateway also ends by itself when this
//! program is gone, since its standard input closes then.

use crate::agent::openclaw::Installed;
use crate::agent::openclaw::config::{Plan, gateway_limit};
use crate::agent::openclaw::documents::Documents;
use crate::agent::openclaw::pin::Pin;
use crate::agent::prompt::PromptProfile;
use crate::value::{Value, parse};
use anyhow::{Context, bail};
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::time::Instant;

/// The first start of all compiles scripts for a minute.
const START_MAX: Duration = Duration::from_secs(150);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long after its own time limit a gateway may take to answer.
const GRACE: Duration = Duration::from_secs(8);
/// How much of a log an error shows, in characters.
const EXCERPT_CHARS: usize = 600;

/// A running gateway.
pub(super) struct Gateway {
    child: Child,
    number: u64,
    port: u16,
    token: String,
    client: reqwest::Client,
    workspace: PathBuf,
    folder: PathBuf,
    pin: Pin,
}

/// A request to a gateway.
pub(super) struct Post<'a> {
    pub session_key: &'a str,
    pub text: &'a str,
}

impl Gateway {
    /// Starts a gateway and waits until it answers.
    pub async fn start(
        installed: &Installed,
        plan: &Plan,
        prompt: &PromptProfile,
    ) -> anyhow::Result<Gateway> {
        let token = format!("{:032x}", rand::random::<u128>());
        let port = free_port()?;
        let environment =
            plan.write(installed, prompt, port, &token).context("write the gateway's folder")?;
        let client = client(gateway_limit(&plan.limits) + GRACE)?;
        let log = File::create(plan.log()).context("create the gateway's log")?;
        let child = Command::new(&installed.node)
            .arg(installed.package().join("dist").join("index.js"))
            .args(["gateway", "--allow-unconfigured", "--bind", "loopback", "--port", &port.to_string()])
            .env_clear()
            .envs(environment)
            .current_dir(&plan.folder)
            .stdin(Stdio::piped())
            .stderr(log.try_clone()?)
            .stdout(log)
            // Ctrl-C is for this program, which ends its gateways itself.
            .process_group(0)
            .spawn()
            .context("start node")?;
        let workspace = plan.workspace();
        let pin = Pin::new(&workspace, &installed.package());
        let folder = plan.folder.clone();
        let mut gateway = Gateway { child, number: plan.number, port, token, client, workspace, folder, pin };
        gateway.wait_until_ready(&plan.log()).await?;
        Ok(gateway)
    }

    async fn wait_until_ready(&mut self, log: &Path) -> anyhow::Result<()> {
        let start = Instant::now();
        // Anything else that listens is not this gateway.
        let ready = format!(":{} (PID {})", self.port, self.child.id());
        loop {
            let said = fs::read_to_string(log).unwrap_or_default();
            if let Some(status) = self.child.try_wait()? {
                bail!("the gateway ended at its start ({status}): {}", excerpt(&said));
            }
            if said.contains(&ready) {
                return Ok(());
            }
            if start.elapsed() > START_MAX {
                bail!("the gateway was not ready after {} s: {}", START_MAX.as_secs(), excerpt(&said));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn pin(&self) -> Pin {
        self.pin.clone()
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Resident memory; none where the system does not say.
    pub fn memory_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    }

    /// Fills the workspace with these files and nothing else.
    pub fn lay_out(&self, documents: &Documents) -> std::io::Result<()> {
        documents.lay_out(&self.workspace)
    }

    /// Asks the gateway, and returns the text of its answer.
    pub async fn post(&self, post: &Post<'_>) -> Result<String, String> {
        let message = Value::object([("role", "user".into()), ("content", post.text.into())]);
        let body = Value::object([
            ("model", "openclaw".into()),
            ("messages", Value::List(vec![message])),
            ("stream", false.into()),
        ]);
        let request = self
            .client
            .post(format!("http://127.0.0.1:{}/v1/chat/completions", self.port))
            .bearer_auth(&self.token)
            .header("content-type", "application/json")
            .header("x-openclaw-session-key", post.session_key)
            .body(body.compact());
        let response = request.send().await.map_err(|error| format!("{error:?}"))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| format!("{error:?}"))?;
        if !status.is_success() {
            return Err(format!("HTTP {status}: {}", excerpt(&String::from_utf8_lossy(&body))));
        }
        let document = parse(&body).map_err(|error| error.to_string())?;
        let choice = document.get("choices").and_then(Value::as_list).and_then(<[Value]>::first);
        let content = choice.and_then(|choice| choice.get("message")?.get("content")?.as_str());
        content
            .map(str::to_owned)
            .ok_or_else(|| format!("an answer without a text: {}", excerpt(&document.compact())))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn client(limit: Duration) -> anyhow::Result<reqwest::Client> {
    // Fails where one is installed already, which is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(limit).build().context("set up the HTTP client")
}

/// A port that nobody listened on a moment ago.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    Ok(listener.local_addr()?.port())
}

/// The end of a text, on one line.
fn excerpt(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let skipped = text.chars().count().saturating_sub(EXCERPT_CHARS);
    text.chars().skip(skipped).collect()
}
