//! Evaluators outside of this program: whoever can say what a pack does in a scenario, with a protocol of one JSON
//! request and one JSON reply per episode (docs/evaluators.md). So any other benchmark can be optimized.
//!
//! What an evaluator fails at is never a score: no reply, a broken one and a late one are episodes that were not
//! measured.

mod folder;
mod http;
pub(crate) mod process;
mod pulse;
mod reply;
mod report;
mod request;
pub(crate) mod spec;
mod words;

use crate::agent::builtin::Limits;
use crate::agent::{Agent, Task};
use crate::budget::{Bound, Charge, Role};
use crate::episode::{Episode, FailureClass, Outcome, Usage};
use crate::llm::Llm;
use crate::llm::meter::{Ledger, Unmade};
use crate::llm::secrets::Secrets;
use crate::units::Usd;
use folder::TestFolder;
use futures_util::future::BoxFuture;
use http::Server;
use process::{OUTPUT_BYTES_MAX, Program, Ran, Trouble};
use pulse::{Health, Pulse};
use reply::Reply;
use request::Request;
use secrecy::SecretString;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use spec::Evaluator;

/// How much longer than it was told an evaluator may take before it is ended.
pub const GRACE: Duration = Duration::from_secs(10);

/// What an evaluator is asked with.
#[derive(Clone, Debug)]
pub struct Settings {
    pub evaluator: Evaluator,
    /// What the evaluator is told of time and model calls; of time, it is held to it.
    pub limits: Limits,
    pub grace: Duration,
    /// Where its program is run, or where its words name files.
    pub folder: PathBuf,
    /// Variables of the environment that its program does not get: those with keys.
    pub withheld: Vec<OsString>,
    /// Variables that it gets all the same.
    pub given: Vec<(String, SecretString)>,
}

/// An agent that asks an evaluator.
pub struct External {
    settings: Settings,
    /// As the user wrote it.
    name: String,
    /// None where the evaluator is a program.
    server: Option<Server>,
    ledger: Arc<Ledger>,
    dearest: Mutex<Dearest>,
    health: Arc<Health>,
    secrets: Secrets,
}

/// Why an episode was not measured.
pub(super) struct Failure {
    problem: String,
    class: FailureClass,
    /// The evaluator never began, so nothing was spent.
    is_free: bool,
}

/// The most that an episode took until now: what the next one is expected to take at most.
#[derive(Clone, Copy, Default)]
struct Dearest {
    tokens: Option<u64>,
    usd: Option<Usd>,
}

impl External {
    /// Prepares the evaluator; nothing is asked yet. What episodes take goes through the ledger.
    pub fn new(settings: Settings, ledger: Arc<Ledger>) -> Result<External, String> {
        let server = match &settings.evaluator {
            Evaluator::Http(url) => Some(Server::new(spec::url(url)?)?),
            Evaluator::Command(line) | Evaluator::Tests(line) => {
                let words = spec::words(line)?;
                let program = words.first().map(String::as_str).unwrap_or_default();
                if process::found(program, &settings.folder).is_none() {
                    return Err(format!(
                        "the evaluator's program {program:?} is not there, or cannot be run"
                    ));
                }
                None
            }
        };
        let name = settings.evaluator.to_string();
        let secrets = Secrets::of(settings.given.iter().map(|(_, value)| value));
        let (dearest, health) = (Mutex::default(), Arc::default());
        Ok(External { settings, name, server, ledger, dearest, health, secrets })
    }

    /// What stands in the place of the agent's model when a run asks if that answers at all: the evaluator has its
    /// own, and only it can be asked if it is there.
    pub fn pulse(self: &Arc<Self>) -> Arc<dyn Llm> {
        Arc::new(Pulse::of(self.clone()))
    }

    async fn evaluate(&self, task: &Task) -> Episode {
        let asked = async {
            let heard = self.ask(task).await;
            let charge = charge(&heard);
            (heard, charge)
        };
        let heard = match self.ledger.account(Role::Agent, &self.name, self.bound(), asked).await {
            Ok(heard) => heard,
            Err(Unmade::Full(limit)) => return Episode::errored(limit.to_string(), FailureClass::Limit),
            Err(Unmade::NotKept(problem)) => {
                let reason =
                    format!("the evaluator was not asked, since that could not be accounted for: {problem}");
                return Episode::errored(reason, FailureClass::Setup);
            }
        };
        let episode = match heard {
            Ok(reply) => {
                self.note_cost(&reply);
                reply.episode
            }
            Err(failure) => {
                let reason = format!("{}: {}", self.name, failure.problem);
                Episode::errored(self.secrets.hide(&reason).into_owned(), failure.class)
            }
        };
        self.health.note(&episode.outcome);
        episode
    }

    async fn ask(&self, task: &Task) -> Result<Reply, Failure> {
        let setup = |problem: String| Failure { problem, class: FailureClass::Setup, is_free: true };
        let request = Request::of(task, &self.settings.limits).line().map_err(setup)?;
        let limit = Duration::from_millis(self.settings.limits.episode_ms_max) + self.settings.grace;
        match &self.settings.evaluator {
            Evaluator::Http(_) => {
                let server = self.server.as_ref().ok_or_else(|| setup("it has no address".into()))?;
                let body = server.ask(request, limit).await.map_err(|refusal| Failure {
                    problem: refusal.problem,
                    class: refusal.class,
                    is_free: refusal.is_unread,
                })?;
                understood(&body, "", task)
            }
            Evaluator::Command(line) => {
                let program = self.program(line).map_err(setup)?;
                let ran =
                    program.run(request.as_bytes(), limit).await.map_err(|trouble| failed(trouble, limit))?;
                ended_well(&ran)?;
                understood(&ran.stdout, &ran.stderr, task)
            }
            Evaluator::Tests(line) => {
                let folder = TestFolder::new(&task.pack, &request)
                    .map_err(|error| setup(format!("its folder cannot be made: {error}")))?;
                let program = folder.program(self.program(line).map_err(setup)?);
                let ran = program.run(b"", limit).await.map_err(|trouble| failed(trouble, limit))?;
                let episode = folder.result(&ran, &task.scenario.rubric)?;
                Ok(Reply { episode, usd: None })
            }
        }
    }

    fn program(&self, line: &str) -> Result<Program, String> {
        let Settings { folder, withheld, given, .. } = &self.settings;
        let (folder, withheld, given) = (folder.clone(), withheld.clone(), given.clone());
        Ok(Program { words: spec::words(line)?, folder, withheld, given })
    }

    /// What the next episode is reserved at. Nobody knows what the first one takes.
    fn bound(&self) -> Bound {
        let dearest = *self.dearest.lock().unwrap_or_else(PoisonError::into_inner);
        Bound { tokens: dearest.tokens, usd: dearest.usd, is_priced: dearest.usd.is_some() }
    }

    fn note_cost(&self, reply: &Reply) {
        let usage = reply.episode.usage;
        let tokens = usage.input_tokens.map(|input| input.saturating_add(usage.output_tokens.unwrap_or(0)));
        let mut dearest = self.dearest.lock().unwrap_or_else(PoisonError::into_inner);
        dearest.tokens = dearest.tokens.max(tokens);
        dearest.usd = dearest.usd.max(reply.usd);
    }
}

impl Agent for External {
    fn attempt<'a>(&'a self, task: &'a Task) -> BoxFuture<'a, Episode> {
        Box::pin(self.evaluate(task))
    }
}

impl Failure {
    /// A failure of a program, with the end of what it said.
    fn after(problem: String, stderr: &str, class: FailureClass) -> Failure {
        let said = if stderr.is_empty() { String::new() } else { format!("; it said: {stderr}") };
        Failure { problem: problem + &said, class, is_free: false }
    }
}

/// What an episode is charged. What nobody counted is not nothing.
fn charge(heard: &Result<Reply, Failure>) -> Charge {
    match heard {
        Ok(Reply { episode, usd: None }) if episode.usage == Usage::default() => Charge::Uncounted,
        Ok(Reply { episode, usd }) => Charge::Counted { usage: episode.usage, usd: *usd },
        Err(failure) if failure.is_free => Charge::Free,
        Err(_) => Charge::Uncounted,
    }
}

fn understood(bytes: &[u8], stderr: &str, task: &Task) -> Result<Reply, Failure> {
    let reply = reply::read(bytes, &task.scenario);
    reply.map_err(|unreadable| Failure::after(unreadable.problem, stderr, unreadable.class))
}

/// A reply of a program that says it failed is none.
fn ended_well(ran: &Ran) -> Result<(), Failure> {
    if ran.status.success() {
        return Ok(());
    }
    let problem = match (ran.status.signal(), ran.status.code()) {
        (Some(signal), _) => format!("it was ended by signal {signal}"),
        (None, code) => format!("it ended with exit code {}", code.unwrap_or(-1)),
    };
    Err(Failure::after(problem, &ran.stderr, FailureClass::Transient))
}

fn failed(trouble: Trouble, limit: Duration) -> Failure {
    match trouble {
        Trouble::NotStarted(error) => {
            let problem = format!("it cannot be started: {error}");
            Failure { problem, class: FailureClass::Setup, is_free: true }
        }
        Trouble::OutOfTime { stderr } => {
            let problem = format!("it did not end within {} s, and was ended", limit.as_secs_f64());
            Failure::after(problem, &stderr, FailureClass::Transient)
        }
        Trouble::TooMuch => {
            let problem = format!("it wrote more than {} MB, and was ended", OUTPUT_BYTES_MAX >> 20);
            Failure::after(problem, "", FailureClass::Request)
        }
        Trouble::Lost(error) => Failure::after(format!("it was lost: {error}"), "", FailureClass::Transient),
    }
}

/// Whether an outcome says that the evaluator works.
fn works(outcome: &Outcome) -> bool {
    outcome.is_scored()
}
