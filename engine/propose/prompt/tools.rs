//! The tools that the shown situations offer: with what they are for in an office where we know it, and with their
//! parameters where the agent's prompt profile knows them.

use crate::agent::prompt::PromptProfile;
use crate::llm::ToolSchema;
use crate::scenario::Scenario;

/// What the tools of the world do.
const KNOWN: [(&str, &str); 7] = [
    (
        "exec",
        "runs a command. Mail: `himalaya envelope list`, `himalaya message read ID`, `himalaya template write` (saves \
         a draft), `himalaya message send` (cannot be undone), `himalaya flag add`. Task board and documents: `curl` \
         to the Notion API. Calendar: `gcalcli agenda`, or `curl` to the Google Calendar API; creating and deleting \
         events cannot be undone.",
    ),
    (
        "slack",
        "reads channels (`readMessages`), tells who somebody is (`memberInfo`), posts (`sendMessage`, cannot be \
         undone), reacts, pins.",
    ),
    ("memory_search", "searches the user's notes for words."),
    ("memory_get", "reads lines of a note by its file."),
    ("read", "reads files of the workspace, such as USER.md."),
    ("web_search", "searches the web."),
    ("web_fetch", "loads a web page."),
];

const NAMES_MAX: usize = 40;

/// A line for each tool; all that we know where no situation names any.
pub(super) fn told(scenarios: &[&Scenario]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in scenarios.iter().flat_map(|scenario| &scenario.tools) {
        if !names.contains(&name.as_str()) && is_plain(name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        names.extend(KNOWN.iter().map(|(name, _)| *name));
    }
    names.truncate(NAMES_MAX);
    let given: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let schemas = PromptProfile::default().tools_for(&given);
    names.iter().map(|name| line(name, schemas.iter().find(|schema| schema.name == **name))).collect()
}

fn line(name: &str, schema: Option<&ToolSchema>) -> String {
    let known = KNOWN.iter().find(|(known, _)| *known == name).map(|(_, does)| (*does).to_owned());
    let does = known.or_else(|| schema.map(|schema| schema.description.clone()));
    let parameters = schema.and_then(|schema| schema.parameters.get("properties")?.as_map());
    let parameters: Vec<&str> =
        parameters.into_iter().flat_map(|map| map.keys()).map(|key| key.as_ref()).collect();
    let taken = if parameters.is_empty() { String::new() } else { format!(" ({})", parameters.join(", ")) };
    format!("- {name}{taken}{}\n", does.map(|does| format!(": {does}")).unwrap_or_default())
}

/// Whether a name from a suite is only a name.
fn is_plain(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_told_with_its_parameters() {
        let all = told(&[]);
        assert!(all.contains("- memory_get (path, from, lines): reads lines"), "{all}");
        assert_eq!(all.lines().count(), KNOWN.len());
        assert_eq!(line("ledger", None), "- ledger\n");
        assert!(!is_plain("x\ny") && is_plain("memory_get"));
    }
}
