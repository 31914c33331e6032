//! Retries: an `Llm` around an `Llm` that tries again what may pass, and waits as long as the provider asks.

use super::{Llm, LlmError, Reply, Request};
use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// A provider that asks for more patience than this is taken to be down.
const RETRY_AFTER_MS_MAX: u64 = 120_000;

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
}

impl Retrying {
    pub fn new(inner: Arc<dyn Llm>) -> Retrying {
        Retrying::with_policy(inner, RetryPolicy::default())
    }

    pub fn with_policy(inner: Arc<dyn Llm>, policy: RetryPolicy) -> Retrying {
        Retrying { inner, policy }
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

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            (|| self.inner.complete(request))
                .retry(self.backoff())
                .when(is_worth_a_retry)
                .adjust(|error, wait| wait.map(|wait| longer_wait(error, wait)))
                .await
        })
    }
}

fn is_worth_a_retry(error: &LlmError) -> bool {
    match error {
        LlmError::Transient { retry_after_ms, .. } => retry_after_ms.unwrap_or(0) <= RETRY_AFTER_MS_MAX,
        LlmError::Permanent { .. } | LlmError::DeadlineReached { .. } => false,
    }
}

/// Never sooner than the provider asks, and never sooner than the backoff.
fn longer_wait(error: &LlmError, wait: Duration) -> Duration {
    match error {
        LlmError::Transient { retry_after_ms: Some(wait_ms), .. } => {
            wait.max(Duration::from_millis(*wait_ms))
        }
        _ => wait,
    }
}
