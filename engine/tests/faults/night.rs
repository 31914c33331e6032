//! A night: a whole run over HTTP against a provider that fails, with the real client, retries, the ledger and
//! its calls on disk.

use super::books::{Books, PRICES};
use super::fault::Weather;
use super::provider::{Model, Provider, seed_line};
use crate::trial::{Run, Trial, Watched};
use futures_util::future::BoxFuture;
use packwright::agent::builtin::{Builtin, Limits};
use packwright::budget::{Call, Role, RunCaps};
use packwright::episode::FailureClass;
use packwright::event::{Event, RunFinished, Verdict};
use packwright::llm::connect::{Connection, connect};
use packwright::llm::meter::{Ledger, Metered};
use packwright::llm::options::ModelOptions;
use packwright::llm::pricing::Price;
use packwright::llm::retry::{RetryPolicy, Retrying};
use packwright::llm::{Llm, LlmError, Reply, Request};
use packwright::optimize::{Ending, Patience};
use packwright::scenario::Suite;
use packwright::score::Profile;
use packwright::units::{Seed, Usd};
use packwright::workspace::{SuiteSource, load_suite};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// No turn of the offline model is longer, in either role.
const OUTPUT_TOKENS_MAX: [(Role, u32); 2] = [(Role::Agent, 2_000), (Role::Writer, 8_000)];
pub const PARALLEL: usize = 64;
/// As many retries as a real run has, without its waits.
const RETRIES: RetryPolicy = RetryPolicy { retries: 5, first_wait_ms: 1, wait_ms_max: 2 };

static SUITE: LazyLock<Arc<Suite>> =
    LazyLock::new(|| Arc::new(load_suite(&SuiteSource::Embedded).expect("the embedded suite").suite));

/// How a night goes.
#[derive(Clone, Copy, Debug)]
pub struct Night {
    pub seed: Seed,
    pub budget: u32,
    pub weather: Weather,
    pub caps: RunCaps,
}

/// What a night left, on our side and on the provider's.
pub struct Morning {
    pub night: Night,
    pub run: Run,
    pub calls: Vec<Call>,
    pub books: Arc<Books>,
}

impl Night {
    pub fn pass(&self, model: &Arc<Model>) -> Morning {
        let provider = Provider::start(model, self.weather);
        let run = Run::unbegun();
        let book = run.store.keep_calls().expect("a store that can be written");
        let ledger = Arc::new(Ledger::new(self.caps, &[], 0, Some(book.entries())));
        let asked = |role| -> Arc<dyn Llm> {
            let retrying = Retrying::with_policy(metered(role, &provider, &ledger), RETRIES);
            Arc::new(Seeded { inner: retrying })
        };
        let agent_model = asked(Role::Agent);
        let builtin = Builtin::new(agent_model.clone(), Limits::of(&Profile::default()));
        let trial = Trial {
            seed: self.seed,
            suite: SUITE.clone(),
            parallel: PARALLEL,
            agent: Arc::new(Watched::around(Arc::new(builtin))),
            agent_model,
            writer: asked(Role::Writer),
            ledger: ledger.clone(),
            caps: self.caps,
            patience: Patience { wait: Duration::from_millis(1), total: Duration::from_secs(2) },
            ..Trial::new(self.budget)
        };
        let run = trial.resume(run);
        drop((trial, book));
        let calls = run.store.calls().expect("readable calls");
        Morning { night: *self, run, calls, books: provider.close() }
    }
}

/// The real client of a provider, with every call accounted for.
pub fn metered(role: Role, provider: &Provider, ledger: &Arc<Ledger>) -> Arc<dyn Llm> {
    let name = format!("openai/{}", role.word()).parse().expect("a model's name");
    let limit = OUTPUT_TOKENS_MAX.iter().find(|(limited, _)| *limited == role).map(|(_, limit)| *limit);
    let options = ModelOptions { output_tokens_max: limit, ..ModelOptions::default() };
    let connection = Connection { options, ..Connection::to(name, Some(provider.base_url.clone())) };
    let price = PRICES.iter().find(|(priced, ..)| *priced == role).map(|(_, input, output)| {
        let per_million = |pico: u64| Usd::of_pico(pico).times(1_000_000);
        Price::per_million(per_million(*input), per_million(*output))
    });
    Arc::new(Metered::new(connect(&connection).expect("a client"), role, price, ledger.clone()))
}

/// Tells the model behind the provider the seed of the request, which no protocol has a place for.
struct Seeded {
    inner: Retrying,
}

impl Llm for Seeded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn output_tokens_max(&self, request: &Request) -> Option<u32> {
        self.inner.output_tokens_max(request)
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            // Whether somebody is there at all is asked without a seed that says anything.
            if request.system.is_empty() {
                return self.inner.complete(request).await;
            }
            let mut request = request.clone();
            request.system += &seed_line(request.seed);
            self.inner.complete(&request).await
        })
    }
}

impl Morning {
    pub fn finished(&self) -> &RunFinished {
        match &self.run.ending {
            Ending::Finished(finished) => finished,
            other => panic!("the run did not come to its end: {other:?}"),
        }
    }

    /// The episodes that could not be measured and were not cut by a limit, with the reasons.
    pub fn lost(&self) -> Vec<String> {
        let reason = |(ordinal, event): (u32, Event)| match event {
            Event::EpisodeUnmeasured(lost) if lost.class != FailureClass::Limit => Some(format!(
                "seed {}, event {ordinal}: {:?}: {}",
                self.night.seed.0, lost.class, lost.reason
            )),
            _ => None,
        };
        self.run.events().into_iter().filter_map(reason).collect()
    }

    /// Who won, and how surely.
    pub fn winner(&self) -> String {
        let finished = self.finished();
        let verdict = match &finished.verdict {
            Verdict::Better(_) => "better",
            Verdict::NotShownBetter(_) => "not shown better",
            Verdict::Worse(_) => "worse",
            Verdict::NotMeasured { .. } => "not measured",
        };
        format!("{} {verdict}", finished.finalist.as_ref().map_or("nobody", |id| id.short()))
    }
}
