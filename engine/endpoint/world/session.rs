//! One world behind the reference's control routes, and the record of what it was asked.

use super::Answer;
use super::route::Act;
use super::sessions::Setting;
use crate::endpoint::body::Body;
use crate::value::{Map, Value};
use crate::world::{Fault, TOOLS, World};
use axum::http::StatusCode;
use std::sync::Arc;

/// How many requests a record keeps, and how many bytes of requests and answers.
const REQUESTS_MAX: usize = 10_000;
const RECORD_BYTES_MAX: usize = 64 << 20;
/// How much of an answer the record's summary shows, in characters.
const SUMMARY_CHARS_MAX: usize = 200;
/// Stands for what no JSON text can hold.
const REPLACEMENT: char = '\u{fffd}';

/// A scenario by its name, and the world in which it plays.
pub struct Scene {
    pub scenario: String,
    pub world: World,
}

/// A scene that is being played.
pub struct Session {
    /// None for a session that plays only what it was opened with.
    setting: Option<Arc<Setting>>,
    scene: Scene,
    /// When each answered call came, in the world's time.
    call_times: Vec<String>,
    requests: Vec<Value>,
    failed_requests: usize,
    record_bytes: usize,
    /// A record that holds what JSON cannot say is not shown.
    unspeakable_calls: bool,
    unspeakable_requests: bool,
}

impl Session {
    pub(super) fn new(scene: Scene, setting: Option<Arc<Setting>>) -> Session {
        Session {
            setting,
            scene,
            call_times: Vec::new(),
            requests: Vec::new(),
            failed_requests: 0,
            record_bytes: 0,
            unspeakable_calls: false,
            unspeakable_requests: false,
        }
    }

    pub(super) fn world(&self) -> &World {
        &self.scene.world
    }

    /// Ends the session and gives back its world.
    pub fn into_world(self) -> World {
        self.scene.world
    }

    pub(super) fn act(&mut self, act: Act<'_>, body: &[u8]) -> Answer {
        match act {
            Act::Health => self.health(),
            Act::Tools => Answer::ok(Value::object([("tools", tools()), ("count", TOOLS_COUNT)])),
            Act::ToolCalls => self.tool_calls(),
            Act::AllRequests => self.all_requests(),
            Act::SetScenario(name) => self.set_scenario(name),
            Act::SetUserContext => self.set_user_context(body),
            Act::Call(tool) => self.call(tool, body),
        }
    }

    fn health(&self) -> Answer {
        Answer::ok(Value::object([
            ("status", "ok".into()),
            ("scenario", self.scene.scenario.as_str().into()),
            ("tools_available", TOOLS_COUNT),
            ("tool_names", tools()),
        ]))
    }

    fn set_scenario(&mut self, name: &str) -> Answer {
        let Some(setting) = self.setting.clone() else {
            return Answer::problem(StatusCode::CONFLICT, "this session plays one scenario only");
        };
        *self = Session::new(setting.scene(name), Some(setting));
        Answer::ok(Value::object([("scenario", name.into())]))
    }

    fn set_user_context(&mut self, body: &[u8]) -> Answer {
        let Body::Json(value) = Body::read(body) else {
            return Answer::problem(StatusCode::BAD_REQUEST, "the body is not JSON");
        };
        let Some(context) = dict(&value) else {
            return Answer::problem(StatusCode::BAD_REQUEST, "the body is not a JSON object");
        };
        let world = &mut self.scene.world;
        match world.set_user_context(context) {
            Ok(()) if unspeakable(&value) => nothing_in_json(),
            Ok(()) => {
                let context = Value::Map(world.user_context().clone());
                Answer::ok(Value::object([("user_context", context)]))
            }
            Err(fault) => Answer::problem(StatusCode::BAD_REQUEST, fault.to_string()),
        }
    }

    fn call(&mut self, tool: &str, body: &[u8]) -> Answer {
        if self.requests.len() >= REQUESTS_MAX || self.record_bytes > RECORD_BYTES_MAX {
            let detail = "the record of this session is full; set a scenario to begin a new one";
            return Answer::problem(StatusCode::TOO_MANY_REQUESTS, detail);
        }
        let body = Body::read(body);
        if tool == "read"
            && let Some(setting) = &self.setting
        {
            setting.renew_workspace(&mut self.scene.world);
        }
        let time = self.scene.world.now().iso().replace('Z', "+00:00");
        let (args, has_halves) = (body.arguments(), matches!(body, Body::WithHalves(_)));
        if has_halves
            && tool == "read"
            && args.get("path").is_some_and(|path| path.py_str().contains(REPLACEMENT))
        {
            // No file system has such a name, and the reference does not even record the call.
            return nothing_in_json();
        }
        let answer = match self.scene.world.call(tool, &args) {
            Ok(response) => self.answered(&time, &args, response, has_halves),
            Err(Fault::UnknownTool { .. }) => unknown_tool(tool),
            Err(fault @ Fault::Argument { .. }) => {
                Answer::problem(StatusCode::BAD_REQUEST, fault.to_string())
            }
            Err(fault @ Fault::Fixture { .. }) => {
                Answer::problem(StatusCode::INTERNAL_SERVER_ERROR, fault.to_string())
            }
        };
        if answer.status == StatusCode::OK || answer.status == StatusCode::NOT_FOUND {
            self.remember_request(&time, tool, body, has_halves, answer.status);
        }
        answer
    }

    /// The world has recorded the call; what JSON cannot say is in the record, but is not sent.
    fn answered(&mut self, time: &str, args: &Value, response: Value, has_halves: bool) -> Answer {
        self.call_times.push(time.to_owned());
        self.record_bytes += response.compact().len();
        self.unspeakable_calls |= has_halves || unspeakable(args) || unspeakable(&response);
        if unspeakable(&response) || (has_halves && response.compact().contains(REPLACEMENT)) {
            return nothing_in_json();
        }
        Answer::ok(response)
    }

    fn remember_request(&mut self, time: &str, tool: &str, body: Body, has_halves: bool, status: StatusCode) {
        let body = body.shown();
        self.unspeakable_requests |= has_halves || unspeakable(&body);
        self.record_bytes += body.compact().len();
        self.failed_requests += usize::from(!status.is_success());
        self.requests.push(Value::object([
            ("ts", time.into()),
            // The reference takes every `/tools/` out of the path.
            ("tool", format!("/tools/{tool}").replace("/tools/", "").into()),
            ("request_body", body),
            ("status_code", Value::Int(i64::from(status.as_u16()))),
            ("success", status.is_success().into()),
        ]));
    }

    fn tool_calls(&self) -> Answer {
        if self.unspeakable_calls {
            return nothing_in_json();
        }
        let calls = self.call_times.iter().zip(self.scene.world.calls()).map(|(time, call)| {
            let summary: String = call.response.py_str().chars().take(SUMMARY_CHARS_MAX).collect();
            Value::object([
                ("ts", time.as_str().into()),
                ("tool", call.tool.as_str().into()),
                ("args", call.args.clone()),
                ("response", call.response.clone()),
                ("result_summary", summary.into()),
            ])
        });
        Answer::ok(Value::object([("calls", Value::List(calls.collect()))]))
    }

    fn all_requests(&self) -> Answer {
        if self.unspeakable_requests {
            return nothing_in_json();
        }
        let count = |number: usize| Value::Int(number as i64);
        let summary = Value::object([
            ("total", count(self.requests.len())),
            ("success", count(self.requests.len() - self.failed_requests)),
            ("failed", count(self.failed_requests)),
        ]);
        Answer::ok(Value::object([("requests", Value::List(self.requests.clone())), ("summary", summary)]))
    }
}

const TOOLS_COUNT: Value = Value::Int(TOOLS.len() as i64);

fn tools() -> Value {
    Value::List(TOOLS.iter().map(|name| Value::from(*name)).collect())
}

fn unknown_tool(tool: &str) -> Answer {
    let detail = format!("Unknown tool: {tool}. Known tools: {}.", tools().py_repr());
    Answer::problem(StatusCode::NOT_FOUND, detail)
}

fn nothing_in_json() -> Answer {
    let detail = "an argument has no word in JSON: not a number, infinite, or half of a character";
    Answer::problem(StatusCode::INTERNAL_SERVER_ERROR, detail)
}

/// Whether a value holds a number for which JSON has no word.
fn unspeakable(value: &Value) -> bool {
    match value {
        Value::Float(number) => !number.is_finite(),
        Value::List(items) => items.iter().any(unspeakable),
        Value::Map(map) => map.values().any(unspeakable),
        _ => false,
    }
}

/// Python's `dict(value)`: also of a list of pairs, a pair being a list or a text of two characters.
fn dict(value: &Value) -> Option<Map> {
    if let Value::Map(map) = value {
        return Some(map.clone());
    }
    let pair = |item: &Value| match item {
        Value::List(pair) if pair.len() == 2 => Some((pair[0].as_str()?.to_owned(), pair[1].clone())),
        Value::Str(text) if text.chars().count() == 2 => {
            let mut letters = text.chars().map(String::from);
            Some((letters.next()?, letters.next()?.into()))
        }
        _ => None,
    };
    value.as_list()?.iter().map(pair).collect()
}
