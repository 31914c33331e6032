//! A provider that fails: the offline model behind an HTTP server that loses, cuts, delays and garbles answers,
//! and keeps books of its own of what it charges.
//!
//! The server speaks HTTP by hand, since no library would misbehave like this.

use super::books::{Books, Receipt};
use super::fault::{Fault, Weather};
use packwright::budget::Role;
use packwright::endpoint::model::ModelServer;
use packwright::llm::offline::Offline;
use packwright::units::{Seed, sha256_hex};
use serde_json::Value;
use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// How a slow answer comes: in so many parts, with pauses between them.
const DRIPS: usize = 6;
const DRIP_PAUSE: Duration = Duration::from_millis(4);
/// What stands around the seed in the last line of a system prompt, as JSON has it.
const MARK: (&str, &str) = ("\\n<conversation ", ">");

/// The last line that a system prompt gets for the model behind a provider, so that its randomness does not
/// depend on what failed before.
pub fn seed_line(seed: Seed) -> String {
    // The endpoint reads seeds as signed numbers.
    format!("\n<conversation {}>", seed.0 >> 1)
}

/// The model behind all providers, and the runtime of their servers.
pub struct Model {
    runtime: Runtime,
    url: String,
    client: reqwest::Client,
    /// Answers by what was asked: asking again would give the same.
    answers: Mutex<HashMap<String, Arc<Value>>>,
}

/// A server that fails as the weather says.
pub struct Provider {
    pub base_url: String,
    pub books: Arc<Books>,
    model: Arc<Model>,
    listening: JoinHandle<()>,
    connections: TaskTracker,
}

struct Served {
    model: Arc<Model>,
    weather: Weather,
    books: Arc<Books>,
    attempts: Mutex<HashMap<String, u32>>,
}

impl Model {
    pub fn new() -> Arc<Model> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let server = runtime.block_on(ModelServer::bind(Arc::new(Offline::new()), 0, Seed(1)));
        let server = server.expect("a free port");
        let url = format!("{}/chat/completions", server.base_url().expect("an address"));
        runtime.spawn(server.run());
        // Fails where one is installed already, which is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Arc::new(Model { runtime, url, client, answers: Mutex::default() })
    }

    /// Forgets what no further run will ask.
    pub fn forget(&self) {
        self.answers.lock().expect("no test fails while it looks").clear();
    }

    async fn answer(&self, asked: &str, body: &str) -> Arc<Value> {
        let known = self.answers.lock().expect("no test fails while it looks").get(asked).cloned();
        if let Some(answer) = known {
            return answer;
        }
        let response = self.client.post(&self.url).body(with_seed(body)).send().await;
        let text = response.expect("the model's own server is sound").text().await.expect("a whole answer");
        let answer: Arc<Value> = Arc::new(serde_json::from_str(&text).expect("JSON"));
        assert!(answer["usage"].is_object(), "{text}");
        let mut answers = self.answers.lock().expect("no test fails while it looks");
        answers.insert(asked.to_owned(), answer.clone());
        answer
    }
}

/// The request with its seed where the model's endpoint reads it.
fn with_seed(body: &str) -> String {
    let found = body.find(MARK.0).and_then(|at| {
        let after = &body[at + MARK.0.len()..];
        let (seed, rest) = after.split_once(MARK.1)?;
        let rest = rest.strip_suffix('}')?;
        Some(format!("{}{rest},\"seed\":{seed}}}", &body[..at]))
    });
    found.unwrap_or_else(|| body.to_owned())
}

impl Provider {
    pub fn start(model: &Arc<Model>, weather: Weather) -> Provider {
        let listener = model.runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.expect("a free port");
        let base_url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let (model, books, connections) = (model.clone(), Arc::new(Books::default()), TaskTracker::new());
        let attempts = Mutex::default();
        let served = Arc::new(Served { model: model.clone(), weather, books: books.clone(), attempts });
        let tracker = connections.clone();
        let listening = model.runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = served.clone();
                // A client that goes away in the middle of an exchange is no fault of the test's.
                tracker.spawn(async move { drop(served.converse(stream).await) });
            }
        });
        Provider { base_url, books, model, listening, connections }
    }

    /// Waits until everything that was received is in the books. The clients must be gone.
    pub fn close(self) -> Arc<Books> {
        self.listening.abort();
        self.connections.close();
        self.model.runtime.block_on(self.connections.wait());
        self.books
    }
}

impl Served {
    /// Answers on a connection until one of both ends it.
    async fn converse(&self, stream: TcpStream) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some(body) = read_request(&mut stream).await? {
            let (receipt, response) = self.respond(&body).await;
            // Charged before the first byte leaves.
            self.books.enter(receipt);
            if !response.send(stream.get_mut()).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn respond(&self, body: &str) -> (Receipt, Response) {
        let asked = sha256_hex(body.as_bytes());
        let attempt = self.attempt(&asked);
        let answer = self.model.answer(&asked, body).await;
        let calls_tools = answer["choices"][0]["message"]["tool_calls"].is_array();
        let (fault, mut rng) = self.weather.fault(&asked, attempt, calls_tools);
        let receipt = Receipt::of(role(body), fault, &answer["usage"]);
        if let Some((status, header)) = fault.and_then(|fault| fault.refusal(&mut rng)) {
            let body = r#"{"error": {"message": "try again"}}"#.to_owned();
            return (receipt, Response { fault, status, header, body });
        }
        let body = match fault {
            Some(fault) => {
                let mut spoilt = (*answer).clone();
                fault.spoil(&mut spoilt, &mut rng);
                spoilt.to_string()
            }
            None => answer.to_string(),
        };
        (receipt, Response { fault, status: 200, header: "", body })
    }

    /// How often this was asked, this time included.
    fn attempt(&self, asked: &str) -> u32 {
        let mut attempts = self.attempts.lock().expect("no test fails while it looks");
        let attempt = attempts.entry(asked.to_owned()).or_insert(0);
        *attempt += 1;
        *attempt
    }
}

/// Whom a request is from. The client writes the model's name first, and here that is the role's.
fn role(body: &str) -> Role {
    let begin = |role: Role| format!("{{\"model\":\"{}\"", role.word());
    let asks = |role: &Role| body.starts_with(&begin(*role));
    [Role::Agent, Role::Writer].into_iter().find(asks).expect("a request of one of the test's models")
}

/// The body of the next request; none where the client is done.
async fn read_request(stream: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    String::from_utf8(body).map(Some).map_err(io::Error::other)
}

/// What goes back over the wire, and how it goes wrong.
struct Response {
    fault: Option<Fault>,
    status: u16,
    header: &'static str,
    body: String,
}

impl Response {
    /// Returns whether the connection can be used again.
    async fn send(&self, stream: &mut TcpStream) -> io::Result<bool> {
        let kept =
            if self.fault == Some(Fault::TruncatedJson) { self.body.len() / 2 } else { self.body.len() };
        let body = &self.body.as_bytes()[..kept];
        let (status, header) = (self.status, self.header);
        let head = format!(
            "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\n{header}content-length: {kept}\r\n\r\n"
        );
        let message = [head.as_bytes(), body].concat();
        let half = &message[..head.len() + kept / 2];
        match self.fault {
            Some(Fault::DroppedUnanswered) => Ok(false),
            Some(Fault::DroppedHalfWay) => stream.write_all(half).await.map(|()| false),
            Some(Fault::Stalled) => {
                stream.write_all(half).await?;
                // Until the client has had enough.
                stream.read_u8().await.map(|_| false)
            }
            Some(Fault::SlowDrip) => {
                for part in message.chunks(message.len().div_ceil(DRIPS)) {
                    stream.write_all(part).await?;
                    tokio::time::sleep(DRIP_PAUSE).await;
                }
                Ok(true)
            }
            _ => stream.write_all(&message).await.map(|()| true),
        }
    }
}
