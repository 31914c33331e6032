//! Prompt profiles: every word that an agent adds to a policy, and the tools as the model is told of them.
//!
//! A profile is data. The embedded one follows the order of a ClawBench runtime's prompt in words of our own;
//! one that was captured from a real gateway can take its place.

use crate::llm::ToolSchema;
use crate::units::sha256_hex;
use crate::world::Clock;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

const EMBEDDED: &str = include_str!("profile.json");

/// The SHA-256 of the embedded profile, in hexadecimal.
pub fn embedded_hash() -> String {
    sha256_hex(EMBEDDED.as_bytes())
}

/// The wording of an agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptProfile {
    /// Name and date; part of what an episode's result depends on.
    pub name: String,
    pub about: String,
    pub timezone: String,
    /// What the clock shows where a scenario has no dated messages.
    pub start: String,
    /// The system prompt's parts, in order. Empty lines are dropped; those inside files stay.
    pub prompt: Vec<Part>,
    /// What stands above the workspace files.
    pub context_heading: Vec<String>,
    /// A further line there, when `SOUL.md` is among the files.
    pub persona_line: String,
    /// What the prompt says where `BOOTSTRAP.md` exists.
    #[serde(default)]
    pub bootstrap_note: String,
    /// The tools in the order of the prompt's list, with a short summary each.
    pub tool_list: Vec<ToolSummary>,
    /// The tools in the order in which they are offered.
    pub tools: Vec<ToolEntry>,
    /// The tools that are offered only where the scenario names them.
    pub optional_tools: Vec<String>,
    /// The tools whose unresolved failure the final answer reports, besides those with `send` in their name.
    pub mutating_tools: Vec<String>,
    /// The answer of the tool `session_status`.
    pub session_status: Vec<String>,
    /// The workspace files that the prompt holds, in order.
    pub files: Vec<String>,
    /// The files that follow them where they exist.
    pub files_if_present: Vec<String>,
    /// What the runtime puts into a workspace that lacks these files.
    pub seeded: IndexMap<String, Vec<String>>,
    /// What stands for a file that is nowhere.
    pub missing_file: String,
    /// What stands for the middle of a file that is too long.
    pub cut_mark: Vec<String>,
    /// The answer of an agent that said nothing.
    pub no_response: String,
    /// What an answer begins with when the provider withheld its end.
    #[serde(default)]
    pub withheld: String,
}

/// A part of the system prompt.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Text with `{workspace}`, `{timezone}` and `{model}` to be filled in.
    Lines(Vec<String>),
    /// A line for each tool.
    ToolList,
    /// A further line, when `BOOTSTRAP.md` exists.
    BootstrapNote,
    /// The workspace files.
    ProjectContext,
}

/// A tool in the prompt's list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolSummary {
    pub name: String,
    pub summary: String,
}

/// A tool as it is offered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolEntry {
    pub name: String,
    pub description: String,
    /// A JSON schema of type object.
    pub parameters: crate::value::Value,
}

/// A file of the workspace as the prompt shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextFile {
    /// Absolute, as the agent would name it.
    pub path: String,
    pub content: String,
}

impl PromptProfile {
    /// Reads a profile from its JSON text.
    pub fn read(json: &str) -> Result<PromptProfile, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The tools that a scenario's agent is offered, in order.
    pub fn tools_for(&self, scenario_tools: &[String]) -> Vec<ToolSchema> {
        let offered = self
            .tools
            .iter()
            .filter(|tool| !self.optional_tools.contains(&tool.name) || scenario_tools.contains(&tool.name));
        let schema = |tool: &ToolEntry| ToolSchema {
            name: tool.name.clone(),
            description: tool.description.clone(),
            parameters: tool.parameters.clone(),
        };
        offered.map(schema).collect()
    }

    /// Writes the system prompt for these tools and files.
    pub fn system_prompt(&self, tools: &[ToolSchema], files: &[ContextFile], model: &str) -> String {
        let mut lines: Vec<String> = Vec::new();
        for part in &self.prompt {
            match part {
                Part::Lines(text) => lines.extend(text.iter().map(|line| self.filled(line, model))),
                Part::ToolList => lines.extend(self.tool_lines(tools)),
                Part::BootstrapNote if self.has_bootstrap(files) => lines.push(self.bootstrap_note.clone()),
                Part::BootstrapNote => {}
                Part::ProjectContext => lines.extend(self.context_lines(files)),
            }
        }
        lines.retain(|line| !line.is_empty());
        lines.join("\n")
    }

    /// The answer of `session_status`.
    pub fn status(&self, now: Clock, model: &str) -> String {
        let moment = now.in_words();
        let now = now.iso();
        let (date, time) = now.trim_end_matches('Z').split_once('T').unwrap_or((&now, ""));
        let fill = |line: &String| {
            let line = self.filled(line, model).replace("{date}", date).replace("{time}", time);
            line.replace("{moment}", &moment)
        };
        self.session_status.iter().map(fill).collect::<Vec<_>>().join("\n")
    }

    /// Whether an unresolved failure of the tool belongs into the final answer.
    pub fn is_mutating(&self, tool: &str) -> bool {
        tool.contains("send") || self.mutating_tools.iter().any(|name| name == tool)
    }

    /// A missing file is shown too, but in words that say so.
    fn has_bootstrap(&self, files: &[ContextFile]) -> bool {
        let missing = |path: &str| self.missing_file.replace("{path}", path);
        files.iter().any(|file| file.path.ends_with("/BOOTSTRAP.md") && file.content != missing(&file.path))
    }

    fn filled(&self, line: &str, model: &str) -> String {
        if !line.contains('{') {
            return line.to_owned();
        }
        line.replace("{workspace}", crate::world::WORKSPACE_PATH)
            .replace("{timezone}", &self.timezone)
            .replace("{model}", model)
    }

    fn tool_lines(&self, tools: &[ToolSchema]) -> impl Iterator<Item = String> {
        let offered =
            self.tool_list.iter().filter(|listed| tools.iter().any(|tool| tool.name == listed.name));
        offered.map(|listed| format!("- {}: {}", listed.name, listed.summary))
    }

    fn context_lines(&self, files: &[ContextFile]) -> Vec<String> {
        if files.is_empty() {
            return Vec::new();
        }
        let mut lines = self.context_heading.clone();
        if files.iter().any(|file| file.path.ends_with("/SOUL.md")) {
            lines.push(self.persona_line.clone());
        }
        for file in files {
            lines.push(format!("## {}", file.path));
            lines.push(file.content.clone());
        }
        lines
    }
}

impl Default for PromptProfile {
    fn default() -> PromptProfile {
        PromptProfile::read(EMBEDDED).expect("the embedded profile is part of the program and was tested")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_profile_is_whole() {
        let profile = PromptProfile::default();
        let names = |tools: Vec<ToolSchema>| tools.into_iter().map(|tool| tool.name).collect::<Vec<_>>();
        let usual = ["read", "exec", "session_status", "slack", "memory_search", "memory_get", "web_search"];
        assert_eq!(names(profile.tools_for(&[])), usual);
        assert_eq!(names(profile.tools_for(&["web_fetch".into()]))[7], "web_fetch");
        assert!(Clock::parse(&profile.start).is_some());
        for tool in &profile.tools {
            assert!(profile.tool_list.iter().any(|listed| listed.name == tool.name), "{}", tool.name);
        }
    }

    #[test]
    fn a_prompt_has_no_empty_lines_but_those_of_files() {
        let profile = PromptProfile::default();
        let file = |name: &str| ContextFile { path: format!("/workspace/{name}"), content: "a\n\nb".into() };
        let prompt = profile.system_prompt(&profile.tools_for(&[]), &[file("AGENTS.md")], "x/y");
        assert_eq!(prompt.matches("\n\n").count(), 1);
        assert!(prompt.contains("\n## /workspace/AGENTS.md\na\n\nb\n## Silent Replies\n"), "{prompt}");
        assert!(prompt.contains("\n- exec: Run commands\n- web_search: Search the web\n- session_status:"));
        assert!(prompt.contains("model=x/y") && prompt.contains("Time zone: UTC"));
        assert!(!prompt.contains("SOUL.md"));
        let with_soul = profile.system_prompt(&[], &[file("SOUL.md")], "x/y");
        assert!(with_soul.contains(&profile.persona_line));
    }
}
