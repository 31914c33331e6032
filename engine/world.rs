//! The world of an episode: seven mock tools that answer from a scenario's fixtures and keep a record of
//! what the agent did, as ClawBench's mock server does.
//!
//! Each episode has a world of its own, made of folders in memory and a clock that only calls move, so that
//! hundreds can live side by side and a run can be repeated exactly. No answer comes from outside the two
//! folders, whatever path a call names.

mod arguments;
mod clock;
mod exec;
mod memory;
mod place;
mod read;
mod slack;
mod template;
mod web;

use crate::episode::ToolCall;
use crate::scenario::Folder;
use crate::value::{Map, Value};
use indexmap::IndexMap;
use place::Place;
use std::sync::Arc;

pub use crate::scenario::TOOLS;
pub use clock::Clock;
pub use template::{fill_templates, template_keys};

/// Where the workspace stands for an agent that names it absolutely.
pub const WORKSPACE_PATH: &str = "/workspace";
/// Where the fixtures stand; only symbolic links and `..` ever notice.
const FIXTURES_PATH: &str = "/fixtures/scenario";

/// The tools of one episode, and what they were asked so far.
pub struct World {
    fixtures: Arc<Folder>,
    fixtures_path: String,
    workspace: Folder,
    context: Map,
    clock: Clock,
    calls: Vec<ToolCall>,
}

/// Why a call has no answer. The reference answers such calls with an internal error and does not record them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("unknown tool {tool}; the tools are {}", TOOLS.join(", "))]
    UnknownTool { tool: String },
    #[error("cannot use argument {argument}: {problem}")]
    Argument { argument: String, problem: String },
    /// The scenario's data is broken, which no agent can help.
    #[error("cannot use fixture {file}: {problem}")]
    Fixture { file: String, problem: String },
}

impl World {
    /// Builds a world from a scenario's fixtures, the files that the agent finds in its workspace, and the
    /// values for `{{KEY}}` in the Markdown files that `read` serves.
    pub fn new(
        fixtures: Arc<Folder>,
        workspace: Folder,
        context: IndexMap<String, String>,
        clock: Clock,
    ) -> World {
        let mut context: Map = context.into_iter().map(|(key, value)| (key, Value::Str(value))).collect();
        // A blank name has no first name, and then the key stays unknown.
        let _ = template::add_first_name(&mut context);
        let fixtures_path = FIXTURES_PATH.to_owned();
        World { fixtures, fixtures_path, workspace, context, clock, calls: Vec::new() }
    }

    /// Names the absolute path at which the fixtures stand.
    pub fn with_fixtures_at(self, path: &str) -> World {
        World { fixtures_path: path.to_owned(), ..self }
    }

    /// Replaces the files of the workspace.
    pub fn set_workspace(&mut self, workspace: Folder) {
        self.workspace = workspace;
    }

    /// Replaces the values for `{{KEY}}`; they may be of any type here, but only texts can be filled in.
    pub fn set_user_context(&mut self, context: Map) -> Result<(), Fault> {
        self.context = context;
        template::add_first_name(&mut self.context)
    }

    /// The values for `{{KEY}}`, in their order.
    pub fn user_context(&self) -> &Map {
        &self.context
    }

    /// Answers a call as the mock server does and records it; a fault is not recorded.
    pub fn call(&mut self, tool: &str, args: &Value) -> Result<Value, Fault> {
        let response = self.answer(tool, args)?;
        self.calls.push(ToolCall { tool: tool.to_owned(), args: args.clone(), response: response.clone() });
        Ok(response)
    }

    /// The answered calls, in order.
    pub fn calls(&self) -> &[ToolCall] {
        &self.calls
    }

    /// Ends the world and keeps its record.
    pub fn into_calls(self) -> Vec<ToolCall> {
        self.calls
    }

    /// What the clock showed before the first call.
    pub fn start(&self) -> Clock {
        self.clock
    }

    /// What the clock shows now: a second passes with every answered call, so that ids tell calls apart.
    pub fn now(&self) -> Clock {
        self.clock.after_s(self.calls.len() as i64)
    }

    fn answer(&self, tool: &str, args: &Value) -> Result<Value, Fault> {
        if !TOOLS.contains(&tool) {
            return Err(Fault::UnknownTool { tool: tool.to_owned() });
        }
        let args = args.as_map().ok_or_else(|| Fault::argument("(all)", "not a JSON object"))?;
        match tool {
            "exec" => exec::answer(self, args),
            "memory_get" => Ok(memory::get(self, args)),
            "memory_search" => memory::search(self, args),
            "read" => read::answer(self, args),
            "slack" => slack::answer(self, args),
            "web_fetch" => web::fetch(self, args),
            _ => web::search(self, args),
        }
    }

    /// A fixture's JSON; an empty list where the file is missing or holds nothing.
    fn fixture(&self, file: &str) -> Result<&Value, Fault> {
        match self.fixtures.json(file) {
            None => Ok(&NOTHING),
            Some(Err(error)) => Err(Fault::fixture(file, &error.to_string())),
            Some(Ok(value)) if value.is_truthy() => Ok(value),
            Some(Ok(_)) => Ok(&NOTHING),
        }
    }

    /// A fixture that is a list of objects.
    fn records(&self, file: &str) -> Result<impl Iterator<Item = Result<&Map, Fault>>, Fault> {
        let items =
            self.fixture(file)?.as_list().ok_or_else(|| Fault::fixture(file, "not a list of objects"))?;
        let file = file.to_owned();
        Ok(items
            .iter()
            .map(move |item| item.as_map().ok_or_else(|| Fault::fixture(&file, "an entry is not an object"))))
    }

    fn workspace_place(&self) -> Place<'_> {
        Place { path: WORKSPACE_PATH, folder: &self.workspace }
    }

    fn fixtures_place(&self) -> Place<'_> {
        Place { path: &self.fixtures_path, folder: &self.fixtures }
    }
}

static NOTHING: Value = Value::List(Vec::new());

impl Fault {
    fn argument(argument: &str, problem: &str) -> Fault {
        Fault::Argument { argument: argument.to_owned(), problem: problem.to_owned() }
    }

    fn fixture(file: &str, problem: &str) -> Fault {
        Fault::Fixture { file: file.to_owned(), problem: problem.to_owned() }
    }
}
