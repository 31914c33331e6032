//! The server as a program started it, and who asks it over real HTTP.

use crate::program::gated::wait;
use crate::program::place::{Place, Running};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::BufRead;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// No event that a test waits for takes so long.
const PATIENCE: Duration = Duration::from_secs(180);

/// A server, until it is dropped.
pub struct Served {
    running: RefCell<Running>,
    pub url: String,
    pub runtime: Runtime,
    client: reqwest::Client,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Served {
    /// Starts `optimize serve` on a free port.
    pub fn start(place: &Place, arguments: &[&str]) -> Served {
        Served::of(place.start(&[&["serve", "--port", "0"], arguments].concat()))
    }

    /// The server that a program prints the address of.
    pub fn of(mut running: Running) -> Served {
        let mut line = String::new();
        running.out.read_line(&mut line).expect("an address");
        assert!(line.starts_with("http://"), "{line:?}");
        // The client is never asked for TLS, and wants a provider of it all the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let client =
            reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        Served {
            running: RefCell::new(running),
            url: line.trim().trim_end_matches('/').to_owned(),
            runtime: runtime.expect("a runtime"),
            client: client.expect("a client"),
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub fn send(&self, request: RequestBuilder) -> Answer {
        self.runtime.block_on(async {
            let response = request.send().await.expect("an answer");
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Answer { status, headers, text: response.text().await.expect("a body") }
        })
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path))
    }

    /// The JSON under a path of the API.
    pub fn read(&self, path: &str) -> Value {
        let answer = self.get(&format!("/api/v1{path}"));
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, &format!("/api/v1{path}")).json(body))
    }

    /// Begins a run under a key.
    pub fn begin(&self, options: &Value, key: &str) -> Answer {
        let body = serde_json::json!({"options": options});
        self.send(self.request(Method::POST, "/api/v1/runs").header("Idempotency-Key", key).json(&body))
    }

    /// A stream that is open, from where it is to go on.
    pub fn stream(&self, path: &str, last: Option<&str>) -> Stream<'_> {
        let mut request = self.request(Method::GET, &format!("/api/v1{path}"));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = self.runtime.block_on(request.send()).expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Stream { served: self, response, rest: String::new(), last: last.map(str::to_owned) }
    }

    pub fn wait_for_state(&self, id: &str, state: &str) {
        wait(state, || (self.read(&format!("/runs/{id}"))["run"]["state"] == state).then_some(()));
    }

    /// Has the server end as Ctrl-C does, whoever still listens.
    pub fn interrupt(&self) {
        self.signal("-INT");
        assert_eq!(self.running.borrow_mut().end(), 0);
    }

    /// The server's own process.
    pub fn process(&self) -> u32 {
        self.running.borrow().child.id()
    }

    /// Sends it a signal.
    fn signal(&self, signal: &str) {
        let process = self.process().to_string();
        assert!(Command::new("kill").args([signal, &process]).status().expect("kill starts").success());
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks the status, and that a problem says what it is and how it is mended.
    pub fn is_problem(&self, status: u16, words: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(
            problem["detail"].as_str().is_some_and(|detail| detail.contains(words)),
            "{words}: {problem}"
        );
    }
}

/// Server-sent events.
pub struct Stream<'a> {
    served: &'a Served,
    response: Response,
    rest: String,
    /// The id of the last event.
    pub last: Option<String>,
}

impl Stream<'_> {
    /// The next event with its data; a test that waits for what never comes is ended instead of hanging.
    pub fn next(&mut self) -> (String, Value) {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE, "no event came for {PATIENCE:?}");
            while let Some(end) = self.rest.find("\n\n") {
                let block: String = self.rest.drain(..end + 2).collect();
                let field = |name: &str| {
                    let lines = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    lines.map(str::to_owned).next()
                };
                if let Some(id) = field("id") {
                    self.last = Some(id);
                }
                if let Some(data) = field("data") {
                    return (field("event").expect("a name"), serde_json::from_str(&data).expect("JSON"));
                }
            }
            let chunk = self.served.runtime.block_on(self.response.chunk()).expect("a whole stream");
            self.rest += std::str::from_utf8(&chunk.expect("no end")).expect("text");
        }
    }

    /// Reads changes until one of them is what is waited for; the ordinals of all episodes that came on the way.
    pub fn until(&mut self, mut is_it: impl FnMut(&Value) -> bool) -> BTreeSet<u64> {
        let mut ordinals = BTreeSet::new();
        loop {
            let (event, change) = self.next();
            assert_eq!(event, "change", "{change}");
            for episode in change["episodes"].as_array().into_iter().flatten() {
                assert!(
                    ordinals.insert(episode["ordinal"].as_u64().expect("a number")),
                    "it came twice: {episode}"
                );
            }
            if is_it(&change) {
                return ordinals;
            }
        }
    }

    pub fn until_state(&mut self, state: &str) -> BTreeSet<u64> {
        self.until(|change| change["run"]["state"] == state)
    }
}
