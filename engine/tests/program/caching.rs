//! What providers can keep of the prompts of a run of 200 episodes: recording servers in front of the offline
//! model, each with the rules of its provider's cache, and the bill that each writes against the run's ledger.
//!
//! A token is four bytes. What a provider forgets after some minutes is not modelled: a run asks all the time.

use super::conversations::Conversations;
use super::fake::{Asked, Fake};
use super::place::Place;
use axum::response::{IntoResponse, Response};
use packwright::endpoint::chat;
use packwright::episode::{AssistantTurn, Message, ToolRequest, ToolResult};
use packwright::llm::{Finish, Reply, Request, ToolSchema};
use packwright::units::{Seed, Usd, sha256_hex};
use packwright::value::parse;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

const BYTES_PER_TOKEN: usize = 4;
/// Neither provider keeps less.
const TOKENS_MIN: u64 = 1_024;
/// Anthropic refuses more marks in a request.
const MARKS_MAX: usize = 4;
/// OpenAI keeps prefixes in steps of so many tokens.
const STEP: u64 = 128;

/// In dollars per million tokens, which are as many trillionths of a dollar per token in millions.
#[derive(Clone, Copy)]
struct Prices {
    input: f64,
    output: f64,
    cache_read: f64,
    cache_write: f64,
}

/// The input of one request, or of many.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    requests: u64,
    /// All of it.
    input: u64,
    /// In a prefix that the provider may keep.
    cacheable: u64,
    /// Taken from what an earlier request left.
    read: u64,
    written: u64,
    output: u64,
}

impl Counted {
    fn plus(self, other: Counted) -> Counted {
        Counted {
            requests: self.requests + other.requests,
            input: self.input + other.input,
            cacheable: self.cacheable + other.cacheable,
            read: self.read + other.read,
            written: self.written + other.written,
            output: self.output + other.output,
        }
    }

    fn bill(self, prices: Prices) -> Usd {
        let parts = [
            (self.input - self.read - self.written, prices.input),
            (self.read, prices.cache_read),
            (self.written, prices.cache_write),
            (self.output, prices.output),
        ];
        let pico = |(tokens, price): (u64, f64)| tokens * (price * 1e6).round() as u64;
        Usd::of_pico(parts.map(pico).iter().sum())
    }
}

/// A provider's cache, and what its requests came to by role.
#[derive(Default)]
struct Provider {
    conversations: Conversations,
    /// Hashes of the prefixes that are kept.
    kept: Mutex<BTreeSet<String>>,
    counted: Mutex<BTreeMap<&'static str, Counted>>,
}

impl Provider {
    fn note(&self, role: &'static str, counted: Counted) {
        let mut all = self.counted.lock().expect("no test fails while it looks");
        let sum = all.entry(role).or_default();
        *sum = sum.plus(Counted { requests: 1, ..counted });
    }

    /// Looks up prefixes, the longest first, and keeps them all. Returns the length of the one that was found.
    fn look_up(&self, text: &str, ends: impl DoubleEndedIterator<Item = usize>) -> usize {
        let mut kept = self.kept.lock().expect("no test fails while it looks");
        let mut found = 0;
        for end in ends.rev() {
            let is_new = kept.insert(sha256_hex(&text.as_bytes()[..end]));
            found = if is_new { found } else { found.max(end) };
        }
        found
    }
}

fn tokens(bytes: usize) -> u64 {
    (bytes / BYTES_PER_TOKEN) as u64
}

fn output_tokens(reply: &Reply) -> u64 {
    let calls = reply.turn.tool_calls.iter().map(|call| call.tool.len() + call.arguments.len());
    tokens(reply.turn.text.len() + calls.sum::<usize>()).max(1)
}

/// The whole conversation in the order in which Anthropic reads it, and the ends of the marked prefixes.
fn marked(body: &Value) -> (String, Vec<usize>) {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut blocks = list(&body["tools"]);
    blocks.extend(list(&body["system"]));
    for message in list(&body["messages"]) {
        blocks.push(message["role"].clone());
        blocks.extend(list(&message["content"]));
    }
    let (mut text, mut ends) = (String::new(), Vec::new());
    for mut block in blocks {
        let mark = block.as_object_mut().and_then(|block| block.remove("cache_control"));
        text += &block.to_string();
        if mark.is_some() {
            ends.push(text.len());
        }
    }
    (text, ends)
}

/// Anthropic keeps what is marked, and reads the longest marked prefix that it has.
fn anthropic(provider: &Provider, asked: &Asked) -> Response {
    let (text, mut ends) = marked(&asked.body);
    assert!(ends.len() <= MARKS_MAX, "{} marks", ends.len());
    ends.retain(|end| tokens(*end) >= TOKENS_MIN);
    let read = tokens(provider.look_up(&text, ends.iter().copied()));
    let (input, cacheable) = (tokens(text.len()), ends.last().map_or(0, |end| tokens(*end)));
    let request = anthropic_request(&asked.body);
    let role = if request.tools.is_empty() { "writer" } else { "agent" };
    let reply = provider.conversations.reply(request);
    let (written, output) = (cacheable - read, output_tokens(&reply));
    provider.note(role, Counted { input, cacheable, read, written, output, ..Counted::default() });
    let said = (!reply.turn.text.is_empty()).then(|| json!({"type": "text", "text": reply.turn.text}));
    let calls = reply.turn.tool_calls.iter().map(|call| {
        let input: Value = serde_json::from_str(&call.arguments).expect("JSON");
        json!({"type": "tool_use", "id": call.id, "name": call.tool, "input": input})
    });
    let reason = match reply.finish {
        Finish::Stop => "end_turn",
        Finish::ToolCalls => "tool_use",
        Finish::Length => "max_tokens",
        Finish::Refused => "refusal",
    };
    let usage = json!({"input_tokens": input - cacheable, "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written, "output_tokens": output});
    let content: Vec<Value> = said.into_iter().chain(calls).collect();
    axum::Json(json!({"model": "m-1", "content": content, "stop_reason": reason, "usage": usage}))
        .into_response()
}

fn anthropic_request(body: &Value) -> Request {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let value = |value: &Value| parse(value.to_string().as_bytes()).expect("JSON");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (mut messages, mut names) = (Vec::new(), BTreeMap::new());
    for message in list(&body["messages"]) {
        let mut turn = AssistantTurn::default();
        for block in list(&message["content"]) {
            match (block["type"].as_str(), message["role"].as_str()) {
                (Some("text"), Some("user")) => messages.push(Message::User(text(&block["text"]))),
                (Some("text"), _) => turn.text += &text(&block["text"]),
                (Some("tool_use"), _) => {
                    let (id, tool) = (text(&block["id"]), text(&block["name"]));
                    names.insert(id.clone(), tool.clone());
                    turn.tool_calls.push(ToolRequest { id, tool, arguments: block["input"].to_string() });
                }
                (Some("tool_result"), _) => {
                    let id = text(&block["tool_use_id"]);
                    let tool = names.get(&id).cloned().unwrap_or_default();
                    let is_error = block["is_error"] == true;
                    messages.push(Message::ToolResult(ToolResult {
                        id,
                        tool,
                        content: text(&block["content"]),
                        is_error,
                    }));
                }
                other => panic!("{other:?}"),
            }
        }
        if message["role"] == "assistant" {
            messages.push(Message::Assistant(turn));
        }
    }
    let tool = |tool: &Value| ToolSchema {
        name: text(&tool["name"]),
        description: text(&tool["description"]),
        parameters: value(&tool["input_schema"]),
    };
    Request {
        system: list(&body["system"]).iter().map(|block| text(&block["text"])).collect(),
        messages,
        tools: list(&body["tools"]).iter().map(tool).collect(),
        output_tokens_max: None,
        seed: Seed(0),
        attempt_ms_max: None,
        failed_attempts: Default::default(),
    }
}

/// OpenAI keeps every prefix, in steps, and tells nobody of writing.
fn openai(provider: &Provider, asked: &Asked) -> Response {
    let text = format!("{}{}", asked.body["tools"], asked.body["messages"]);
    let input = tokens(text.len());
    let ends = (TOKENS_MIN / STEP..=input / STEP).map(|steps| (steps * STEP) as usize * BYTES_PER_TOKEN);
    let ends: Vec<usize> = ends.collect();
    let cacheable = ends.last().map_or(0, |end| tokens(*end));
    let read = tokens(provider.look_up(&text, ends.into_iter()));
    let request =
        chat::request(&parse(asked.body.to_string().as_bytes()).expect("JSON")).expect("a conversation");
    let role = if request.tools.is_empty() { "writer" } else { "agent" };
    let reply = provider.conversations.reply(request);
    let output = output_tokens(&reply);
    provider.note(role, Counted { input, cacheable, read, output, ..Counted::default() });
    let mut answer: Value = serde_json::from_str(&chat::completion("m-1", &reply).dumps()).expect("JSON");
    answer["usage"] = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
        "prompt_tokens_details": {"cached_tokens": read}});
    axum::Json(answer).into_response()
}

/// What came of a run.
struct Night {
    all: Counted,
    by_role: BTreeMap<&'static str, Counted>,
}

/// Runs 200 episodes against a provider, and checks that the run's ledger is the provider's bill to the last digit.
fn night(model: &str, answer: fn(&Provider, &Asked) -> Response, prices: Prices) -> Night {
    let (place, provider) = (Place::new(), Arc::new(Provider::default()));
    let asked = provider.clone();
    let server = Fake::start(move |request| answer(&asked, request));
    let Prices { input, output, cache_read, cache_write } = prices;
    let price =
        json!({"input": input, "output": output, "cache_read": cache_read, "cache_write": cache_write});
    std::fs::write(place.path("prices.json"), json!({"models": {model: price}}).to_string()).expect("a file");
    std::fs::write(place.path("AGENTS.md"), super::WEAK).expect("a file");
    let run = place.optimize(&[
        "--model",
        model,
        "--base-url",
        &server.url(),
        "--prices",
        "prices.json",
        "--budget",
        "200",
        "--seed",
        "7",
        "--start",
        "AGENTS.md",
        // So that conversations have the same numbers, and draws, every time.
        "--parallel",
        "1",
    ]);
    assert!([0, 4].contains(&run.code), "{run:?}");
    let by_role = provider.counted.lock().expect("no test fails while it looks").clone();
    let all = by_role.values().fold(Counted::default(), |sum, counted| sum.plus(*counted));

    let report: Value = serde_json::from_str(&place.optimize(&["report", "--json"]).out).expect("JSON");
    let rows = report["spending"].as_array().expect("rows");
    let sum = |of: &dyn Fn(&Value) -> u64| rows.iter().map(of).sum::<u64>();
    let usage = |name: &'static str| sum(&|row| row["usage"][name].as_u64().unwrap_or(0));
    let usd = sum(&|row| row["usd"].as_str().expect("dollars").parse::<Usd>().expect("dollars").pico());
    assert_eq!(Usd::of_pico(usd), all.bill(prices), "{rows:?}");
    let counts = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"].map(usage);
    assert_eq!(counts, [all.input, all.output, all.read, all.written]);
    assert!(run.out.contains(&format!("{} in ({} cached)", all.input, all.read)), "{}", run.out);
    Night { all, by_role }
}

/// Prints what a night came to, and returns which percentage of all input may be kept, and which of the agent's was taken
/// from the cache: what writers are asked is never asked again.
fn told(model: &str, night: &Night, prices: Prices) -> (f64, f64) {
    let percent = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
    let shares = |of: &Counted| (percent(of.cacheable, of.input), percent(of.read, of.input));
    let rows = night.by_role.iter().map(|(role, counted)| (*role, *counted)).chain([("all", night.all)]);
    for (role, counted) in rows {
        let (cacheable, read) = shares(&counted);
        println!(
            "{model}, {role}: {} requests, {} input tokens; in a cacheable prefix {cacheable:.1} %, served from an earlier \
             request's prefix {read:.1} %; written {:.1} %; ${:.2}, without a cache ${:.2}",
            counted.requests,
            counted.input,
            percent(counted.written, counted.input),
            counted.bill(prices).as_dollars(),
            Counted { read: 0, written: 0, ..counted }.bill(prices).as_dollars(),
        );
    }
    (shares(&night.all).0, shares(&night.by_role["agent"]).1)
}

#[test]
fn most_input_of_a_run_is_in_prefixes_that_anthropic_keeps() {
    let prices = Prices { input: 3.0, output: 15.0, cache_read: 0.3, cache_write: 3.75 };
    let night = night("anthropic/m", anthropic, prices);
    let (cacheable, read) = told("anthropic/m", &night, prices);
    assert!(cacheable >= 80.0 && read >= 80.0, "{cacheable:.1} %, {read:.1} %");
}

#[test]
fn most_input_of_a_run_repeats_prefixes_that_openai_keeps() {
    let prices = Prices { input: 1.25, output: 10.0, cache_read: 0.125, cache_write: 1.25 };
    let night = night("openai/m", openai, prices);
    let (cacheable, read) = told("openai/m", &night, prices);
    assert!(cacheable >= 80.0 && read >= 83.0, "{cacheable:.1} %, {read:.1} %");
}
