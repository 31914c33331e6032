//! Whether the models answer: one short question to each, one attempt, and no waiting for what may pass.

use super::advice::advice;
use super::row::{Fault, Found, Row};
use super::sheet::Spent;
use crate::keys::Keys;
use crate::models::ModelSettings;
use crate::role::Role;
use packwright::episode::{FailureClass, Message};
use packwright::llm::connect::{Connection, connect, served_models};
use packwright::llm::{Llm, LlmError, Reply, Request};
use packwright::propose::OUTPUT_TOKENS_MAX;
use packwright::units::Seed;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Some models think before they speak, and some refuse a smaller limit.
const ANSWER_TOKENS_MAX: u32 = 256;

/// The row of the agent's model.
pub const AGENT: &str = "agent model";

/// A model to be asked.
pub struct Examinee<'a> {
    /// The name of its row.
    pub name: &'static str,
    pub role: &'a Role,
    /// A model that writes policies is asked with the output limit that it will be asked with then, since
    /// servers refuse a limit that they do not have. The answer is short all the same.
    writes: bool,
}

/// What became of the question.
pub struct Examined {
    /// None where there was no reply.
    pub llm: Option<Arc<dyn Llm>>,
    /// Whether a server answered anything at all.
    pub is_reached: bool,
    pub spent: Spent,
}

/// The agent's model, unless an evaluator has its own, and those of the writers that are others, each once.
pub fn examinees(settings: &ModelSettings) -> Vec<Examinee<'_>> {
    let of_agent = |role| Examinee { name: AGENT, role, writes: settings.writers.contains(role) };
    let mut examinees: Vec<Examinee<'_>> = settings.agent.iter().map(of_agent).collect();
    for role in &settings.writers {
        let is_same = |other: &Role| other == role || other.is_offline() && role.is_offline();
        if !examinees.iter().any(|other| is_same(other.role)) {
            examinees.push(Examinee { name: "writer model", role, writes: true });
        }
    }
    examinees
}

/// Asks a model.
pub async fn model(examinee: &Examinee<'_>, keys: &Keys, wait: Duration) -> Found<Examined> {
    let Examinee { name, role, .. } = examinee;
    let Ok(connection) = role.connection(keys) else { return (Row::needs(name, "keys"), None) };
    let llm = match connect(&connection) {
        Ok(llm) => llm,
        Err(problem) => {
            let fix = "correct the model's name or its parameters; `optimize --help` explains them";
            return (Row::failed(name, Fault::Setup, format!("{role}: {problem}"), fix), None);
        }
    };
    if role.is_offline() {
        let row = Row::skipped(name, "offline: it is inside this program, and nobody is asked");
        return (row, Some(Examined { llm: Some(llm), is_reached: false, spent: Spent::default() }));
    }
    let asked = Instant::now();
    match llm.complete(&question(examinee.writes, wait)).await {
        Ok(reply) => {
            let row = Row::passed(name, finding(examinee, &reply, asked.elapsed()));
            let spent = Spent { replies: 1, usage: reply.usage };
            (row, Some(Examined { llm: Some(llm), is_reached: true, spent }))
        }
        Err(error) => {
            let is_reached = error.class() != FailureClass::Transient;
            let row = refused(examinee, &connection, &error, wait).await;
            (row, Some(Examined { llm: None, is_reached, spent: Spent::default() }))
        }
    }
}

fn question(writes: bool, wait: Duration) -> Request {
    Request {
        system: String::new(),
        messages: vec![Message::User("Are you there? Answer with one word.".into())],
        tools: [].into(),
        output_tokens_max: Some(if writes { OUTPUT_TOKENS_MAX } else { ANSWER_TOKENS_MAX }),
        seed: Seed(0),
        attempt_ms_max: Some(wait.as_millis() as u64),
        failed_attempts: Default::default(),
    }
}

fn finding(examinee: &Examinee<'_>, reply: &Reply, took: Duration) -> String {
    let resolved = match &reply.resolved_model {
        Some(model) if *model != examinee.role.model => format!(", as {model}"),
        _ => String::new(),
    };
    format!("{} answers in {} ms{resolved}", examinee.role, took.as_millis())
}

async fn refused(examinee: &Examinee<'_>, connection: &Connection, error: &LlmError, wait: Duration) -> Row {
    let finding = match error {
        LlmError::DeadlineReached { .. } => {
            format!("{}: no answer within {} s", examinee.role, wait.as_secs())
        }
        other => other.to_string(),
    };
    let fault = match error.class() {
        FailureClass::Transient => Fault::Infrastructure,
        // Nothing limits the questions of the doctor; a limit would be the user's.
        FailureClass::Request | FailureClass::Setup | FailureClass::Limit => Fault::Setup,
    };
    let advice = advice(error, connection);
    // A server that knows better names says them for nothing.
    let served = if advice.is_about_the_name { served_models(connection).await.ok() } else { None };
    Row::failed(examinee.name, fault, finding, advice.with_names(served.unwrap_or_default(), connection))
}
