//! Retries: an `Llm` around an `Llm` that tries again what may pass, and waits as long as the provider asks.

use super::{Finish, Llm, LlmError, Reply, Request};
use crate::episode::AssistantTurn;
use crate::value::parse;
use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// However long a provider asks us to wait, it is asked again after this time.
const WAIT_MS_MAX: u64 = 120_000;
/// A provider that asks for more patience than this is down: all our waits together are not as long.
const PATIENCE_MS_MAX: u64 = 600_000;
/// The part of a wait that may be added to it at random, so that episodes which were refused together do not
/// come back together.
const JITTER: f64 = 0.25;

/// A model that has never answered is more likely named or placed wrongly than in trouble, and somebody waits to
/// be told.
const UNKNOWN_ATTEMPTS_MAX: usize = 3;

/// How often and how patiently to try again.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// Attempts after the first.
    pub retries: usize,
    /// The wait before the second attempt; it doubles from there, with jitter on top.
    pub first_wait_ms: u64,
    pub wait_ms_max: u64,
}

impl Default for RetryPolicy {
    fn default() -> RetryPolicy {
        RetryPolicy { retries: 5, first_wait_ms: 1_000, wait_ms_max: 60_000 }
    }
}

/// A model that is asked again when asking again may help.
pub struct Retrying {
    inner: Arc<dyn Llm>,
    policy: RetryPolicy,
    has_answered: AtomicBool,
}

impl Retrying {
    pub fn new(inner: Arc<dyn Llm>) -> Retrying {
        Retrying::with_policy(inner, RetryPolicy::default())
    }

    pub fn with_policy(inner: Arc<dyn Llm>, policy: RetryPolicy) -> Retrying {
        Retrying { inner, policy, has_answered: AtomicBool::new(false) }
    }

    fn has_answered(&self) -> bool {
        self.has_answered.load(Ordering::Relaxed)
    }

    /// Asks until there is a reply, or asking again is of no use. Time counts from `start`.
    async fn ask(&self, request: &Request, start: Instant) -> Result<Reply, LlmError> {
        let failed = AtomicUsize::new(0);
        let attempt = || async move {
            let waited = start.elapsed();
            let mut reply = self.inner.complete(request).await?;
            self.has_answered.store(true, Ordering::Relaxed);
            reply.waited_ms += milliseconds(waited);
            Ok(reply)
        };
        attempt
            .retry(self.backoff())
            .when(|error| {
                let failed = failed.fetch_add(1, Ordering::Relaxed) + 1;
                is_worth_a_retry(error) && (self.has_answered() || failed < UNKNOWN_ATTEMPTS_MAX)
            })
            .adjust(|error, wait| wait.map(|wait| longer_wait(error, wait)))
            .notify(|_, _| request.failed_attempts.raise())
            .await
            .or_else(|error| withheld(error, start.elapsed()))
    }

    fn backoff(&self) -> impl BackoffBuilder {
        ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(self.policy.first_wait_ms))
            .with_max_delay(Duration::from_millis(self.policy.wait_ms_max))
            .with_max_times(self.policy.retries)
            .with_jitter()
    }
}

impl Llm for Retrying {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn output_tokens_max(&self, request: &Request) -> Option<u32> {
        self.inner.output_tokens_max(request)
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            let start = Instant::now();
            let first = self.ask(request, start).await?;
            if is_readable(&first) {
                return Ok(first);
            }
            request.failed_attempts.raise();
            let asked_again = start.elapsed();
            self.ask(request, start).await.or_else(|_| {
                let waited_ms = first.waited_ms + milliseconds(start.elapsed() - asked_again);
                Ok(Reply { waited_ms, ..first })
            })
        })
    }
}

/// A model that writes what its provider cannot read again and again has answered: a policy that makes it do so
/// must not be measured by its other episodes alone.
fn withheld(error: LlmError, took: Duration) -> Result<Reply, LlmError> {
    match error {
        LlmError::Garbled { usage, .. } => Ok(Reply {
            turn: AssistantTurn::default(),
            finish: Finish::Refused,
            usage: *usage,
            resolved_model: None,
            waited_ms: milliseconds(took),
            recalled_ms: None,
        }),
        error => Err(error),
    }
}

/// Whether the arguments of a complete turn's calls are JSON. Where they are not, some server mostly lost a part of
/// them, and the agent would run what nobody wrote. A model that writes such calls twice means them: then they are
/// the agent's to deal with, as they are for every other client of the model.
fn is_readable(reply: &Reply) -> bool {
    let mut arguments = reply.turn.tool_calls.iter().map(|call| call.arguments.trim());
    let is_complete = matches!(reply.finish, Finish::Stop | Finish::ToolCalls);
    !is_complete || arguments.all(|text| text.is_empty() || parse(text.as_bytes()).is_ok())
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn is_worth_a_retry(error: &LlmError) -> bool {
    match error {
        LlmError::Transient { retry_after_ms, .. } => retry_after_ms.unwrap_or(0) <= PATIENCE_MS_MAX,
        LlmError::Lost { .. } | LlmError::Garbled { .. } => true,
        LlmError::RequestRefused { .. }
        | LlmError::ContextOverflow { .. }
        | LlmError::SetupRefused { .. }
        | LlmError::DeadlineReached { .. }
        | LlmError::CapReached { .. } => false,
    }
}

/// Never sooner than the provider asks, within reason, and never sooner than the backoff.
fn longer_wait(error: &LlmError, wait: Duration) -> Duration {
    match error {
        LlmError::Transient { retry_after_ms: Some(wait_ms), .. } => {
            let asked = Duration::from_millis((*wait_ms).min(WAIT_MS_MAX));
            wait.max(asked.mul_f64(1.0 + JITTER * rand::random::<f64>()))
        }
        _ => wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::episode::Usage;
    use crate::llm::scripted::Scripted;
    use crate::units::Seed;

    fn request() -> Request {
        Request {
            system: String::new(),
            messages: Vec::new(),
            tools: [].into(),
            output_tokens_max: None,
            seed: Seed(1),
            attempt_ms_max: None,
            failed_attempts: Default::default(),
        }
    }

    #[tokio::test]
    async fn a_reply_says_how_long_its_failed_attempts_took() {
        let (model, problem) = ("a/b".to_owned(), "overloaded".to_owned());
        let busy = LlmError::Transient { model, problem, retry_after_ms: Some(5) };
        let inner = Arc::new(Scripted::in_turn([Err(busy), Ok(Reply::says("Done."))]));
        let policy = RetryPolicy { retries: 1, first_wait_ms: 1, wait_ms_max: 2 };
        let request = request();
        let reply = Retrying::with_policy(inner, policy).complete(&request).await.unwrap();
        assert_eq!(reply.turn.text, "Done.");
        assert!(reply.waited_ms >= 5, "{}", reply.waited_ms);
        assert_eq!(request.failed_attempts.count(), 1);
    }

    #[tokio::test]
    async fn what_no_attempt_could_read_was_withheld() {
        let usage = Usage { input_tokens: Some(9), ..Usage::default() };
        let garbled =
            || LlmError::Garbled { model: "a/b".into(), problem: "bad call".into(), usage: Box::new(usage) };
        let inner = Arc::new(Scripted::in_turn([Err(garbled()), Err(garbled()), Ok(Reply::says("Late."))]));
        let policy = RetryPolicy { retries: 1, first_wait_ms: 1, wait_ms_max: 2 };
        let reply = Retrying::with_policy(inner, policy).complete(&request()).await.unwrap();
        assert_eq!((reply.finish, reply.turn.text.as_str(), reply.usage), (Finish::Refused, "", usage));
        assert!(reply.waited_ms >= 1);
    }

    #[tokio::test]
    async fn a_call_that_nobody_can_read_is_asked_for_once_more() {
        let policy = RetryPolicy { retries: 0, first_wait_ms: 1, wait_ms_max: 2 };
        let check = async |answers: &[&str], finish: Finish, expected: &str, asked: usize| {
            let reply = |arguments: &&str| Reply { finish, ..Reply::calls("", &[("exec", arguments)]) };
            let inner = Arc::new(Scripted::in_turn(answers.iter().map(reply).map(Ok)));
            let reply = Retrying::with_policy(inner.clone(), policy).complete(&request()).await.unwrap();
            assert_eq!(reply.turn.tool_calls[0].arguments, expected, "{answers:?}");
            assert_eq!(inner.requests().len(), asked, "{answers:?}");
        };
        let (cut, whole) = (r#"{"command": "ls"#, r#"{"command": "ls"}"#);
        check(&[whole, cut], Finish::ToolCalls, whole, 1).await;
        check(&["", cut], Finish::ToolCalls, "", 1).await;
        check(&[cut, whole], Finish::ToolCalls, whole, 2).await;
        check(&[cut, "{", whole], Finish::Stop, "{", 2).await;
        // Cut by the limit, as it would be again; and what there is stays when there is no second answer.
        check(&[cut, whole], Finish::Length, cut, 1).await;
        check(&[cut], Finish::ToolCalls, cut, 2).await;
    }

    #[tokio::test]
    async fn a_model_that_never_answered_is_given_up_sooner() {
        let lost = || {
            let (model, problem) = ("a/b".to_owned(), "nobody is there".to_owned());
            Err(LlmError::Transient { model, problem, retry_after_ms: None })
        };
        let request = request();
        let policy = RetryPolicy { retries: 5, first_wait_ms: 1, wait_ms_max: 1 };
        let inner = Arc::new(Scripted::in_turn([
            lost(),
            lost(),
            lost(),
            Ok(Reply::says("Here.")),
            lost(),
            lost(),
            lost(),
            lost(),
            Ok(Reply::says("Again.")),
        ]));
        let model = Retrying::with_policy(inner, policy);
        assert!(model.complete(&request).await.is_err());
        assert_eq!(model.complete(&request).await.unwrap().turn.text, "Here.");
        assert_eq!(model.complete(&request).await.unwrap().turn.text, "Again.");
    }

    #[test]
    fn a_wait_is_at_least_what_the_provider_asks_and_never_the_same() {
        let wait = |retry_after_ms, backoff_ms| {
            let (model, problem) = ("a/b".to_owned(), "overloaded".to_owned());
            let error = LlmError::Transient { model, problem, retry_after_ms };
            longer_wait(&error, Duration::from_millis(backoff_ms)).as_millis()
        };
        let waits: std::collections::BTreeSet<u128> = (0..100).map(|_| wait(Some(60_000), 1_000)).collect();
        assert!(waits.len() > 50, "{waits:?}");
        assert!(waits.iter().all(|wait| (60_000..=75_000).contains(wait)), "{waits:?}");
        assert!((120_000..=150_000).contains(&wait(Some(500_000), 1_000)));
        assert_eq!((wait(None, 1_000), wait(Some(10), 1_000)), (1_000, 1_000));
    }
}
