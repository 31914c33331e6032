//! Writes a suite in the layout of ClawBench, for the programs that read that: one file per scenario with its
//! rubric inside, and the fixtures beside them.

use crate::scenario::{Entry, Folder, Scenario, Suite};
use crate::value::Value;
use crate::workspace::baseline_policy;
use crate::workspace::yaml_text::yaml_text;

/// The file by which a former export is known.
pub const EXPORT_MARK: &str = "EXPORTED";
/// Where the policy goes that a scenario lacks.
const POLICY_FILE: &str = "AGENTS.md.baseline";

/// The files of a ClawBench checkout that holds the suite. A scenario without a policy of its own gets the
/// baseline's, since ClawBench wants one.
pub fn clawbench_files(suite: &Suite) -> Folder {
    let mut folder = Folder::default();
    let mark = format!(
        "This folder was written from the suite {} {}.\nAn export replaces it.\n",
        suite.name, suite.hash.0
    );
    folder.insert_text(EXPORT_MARK, &mark);
    for scenario in &suite.scenarios {
        insert_scenario(scenario, &mut folder);
    }
    folder
}

/// A scenario's document as it is exported.
pub fn clawbench_document(scenario: &Scenario) -> Value {
    let mut document = scenario.document.clone();
    if scenario.variants.is_empty()
        && let Value::Map(members) = &mut document
    {
        members.insert("variants".to_owned(), Value::object([("baseline", Value::from(POLICY_FILE))]));
    }
    document
}

fn insert_scenario(scenario: &Scenario, folder: &mut Folder) {
    let name = &scenario.name;
    if scenario.variants.is_empty() {
        folder.insert_text(&format!("fixtures/{name}/{POLICY_FILE}"), baseline_policy());
    }
    folder.insert_text(&format!("scenarios/{name}.yaml"), &yaml_text(&clawbench_document(scenario)));
    for (path, entry) in scenario.fixtures.iter().filter(|(_, entry)| !matches!(entry, Entry::Dir)) {
        folder.insert(&format!("fixtures/{name}/{path}"), entry.clone());
    }
}
