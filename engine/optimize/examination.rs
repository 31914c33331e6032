//! Asking whether the infrastructure works when steps fail: a short question to the models whose steps
//! failed, again and again for a while, so that a night survives an hour without its provider.

use super::breaker::Breaker;
use super::journal::Journal;
use super::orders::{Attended, attend};
use super::{Engine, Heard};
use crate::episode::{FailureClass, Message};
use crate::llm::{Llm, LlmError, Request};
use crate::search::Search;
use crate::units::Seed;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// A model that takes longer for the short question does not answer.
const ANSWER_MAX: Duration = Duration::from_secs(120);
/// Some models think before they speak, and refuse a smaller limit.
const ANSWER_TOKENS_MAX: u32 = 256;
const WAIT_MAX: Duration = Duration::from_secs(300);

/// How long an outage is waited out.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Before the first question is asked again; later waits are longer.
    pub wait: Duration,
    /// All waits together between two successes.
    pub total: Duration,
}

/// What became of the question.
pub(super) enum Finding {
    /// The models answer, so the steps failed for themselves.
    Works,
    /// There was an outage, and it is over.
    Recovered,
    Down {
        reason: String,
    },
    Interrupted,
}

/// Asks the models whose steps failed, and waits while they do not answer.
pub(super) async fn examine(
    engine: &Engine,
    search: &Search,
    breaker: &mut Breaker,
    journal: &mut Journal<'_>,
) -> anyhow::Result<Finding> {
    let finding = look(engine, search, breaker, journal).await;
    engine.control.note_waiting(None);
    finding
}

async fn look(
    engine: &Engine,
    search: &Search,
    breaker: &mut Breaker,
    journal: &mut Journal<'_>,
) -> anyhow::Result<Finding> {
    let mut has_waited = false;
    let mut wait = engine.patience.wait;
    loop {
        let answer = match attend(engine, search, journal, ask(engine, breaker)).await? {
            Attended::Done(answer) => answer,
            Attended::OutOfTime => return Ok(Finding::Recovered),
            Attended::Interrupted => return Ok(Finding::Interrupted),
        };
        let error = match answer {
            Ok(()) if !has_waited => return Ok(Finding::Works),
            Ok(()) => return Ok(Finding::Recovered),
            // Nobody may be asked any more, so what is open is cut by the limit as well.
            Err(error) if error.class() == FailureClass::Limit => return Ok(Finding::Recovered),
            Err(error) => error,
        };
        let waited = breaker.waited();
        let is_over = waited >= engine.patience.total || !can_pass(&error) || !breaker.has_worked();
        if is_over {
            return Ok(Finding::Down { reason: reason(breaker, &error, waited) });
        }
        let problem = error.to_string();
        journal.hear(Heard::Waiting { problem: &problem, wait });
        engine.control.note_waiting(Some(problem));
        match attend(engine, search, journal, sleep(wait)).await? {
            Attended::Done(()) => {}
            // What is open is cut by the limit.
            Attended::OutOfTime => return Ok(Finding::Recovered),
            Attended::Interrupted => return Ok(Finding::Interrupted),
        }
        has_waited = true;
        breaker.note_wait(wait);
        wait = (wait * 2).min(WAIT_MAX);
    }
}

/// Whether the error may go away by itself.
fn can_pass(error: &LlmError) -> bool {
    error.class() == FailureClass::Transient
}

fn reason(breaker: &Breaker, error: &LlmError, waited: Duration) -> String {
    let after = match waited.as_secs() / 60 {
        0 => String::new(),
        minutes => format!(" for {minutes} min"),
    };
    match breaker.last_problem() {
        Some(problem) if problem != error.to_string() => {
            format!("the model does not answer{after} ({error}); before that: {problem}")
        }
        _ => format!("the model does not answer{after}: {error}"),
    }
}

async fn ask(engine: &Engine, breaker: &Breaker) -> Result<(), LlmError> {
    let (agent, writer) = breaker.suspects();
    if agent {
        answers(engine.agent_model.as_ref()).await?;
    }
    if writer {
        for writer in engine.writers.all() {
            answers(writer.as_ref()).await?;
        }
    }
    Ok(())
}

async fn answers(model: &dyn Llm) -> Result<(), LlmError> {
    let request = Request {
        system: String::new(),
        messages: vec![Message::User("Are you there? Answer with one word.".into())],
        tools: [].into(),
        output_tokens_max: Some(ANSWER_TOKENS_MAX),
        // A new sample each time, so that no kept reply answers for the model.
        seed: Seed(rand::random()),
        attempt_ms_max: None,
        failed_attempts: Default::default(),
    };
    match timeout(ANSWER_MAX, model.complete(&request)).await {
        Ok(answer) => answer.map(|_| ()),
        Err(_) => Err(LlmError::Lost {
            model: model.name().to_owned(),
            problem: format!("no answer within {} s", ANSWER_MAX.as_secs()),
            usage: Box::default(),
        }),
    }
}
