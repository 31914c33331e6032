//! The rubrics of our suite against answers whose worth is known: for each scenario a very good attempt, which
//! must pass everything, and statements that are right, or wrong in a way that is easily taken for right.
//!
//! The calls are answered by the scenario's own world. A case is a whole answer (`says`), or the very good one
//! with a passage changed (`instead_of`): then all checks must pass that are not named under `fails`.

use indexmap::IndexMap;
use packwright::episode::{Episode, Outcome, Usage};
use packwright::scenario::problem::{Report, Strictness};
use packwright::scenario::{Folder, Scenario, yaml};
use packwright::score::scorecard;
use packwright::value::Value;
use packwright::workspace::{SuiteSource, load_suite};
use packwright::world::{Clock, World};
use std::collections::BTreeMap;
use std::path::Path;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/engine/tests/suite_answers");

#[test]
fn rubrics_tell_right_answers_from_wrong_ones() {
    let suite = load_suite(&SuiteSource::Folder(env!("CARGO_MANIFEST_DIR").into())).unwrap().suite;
    let (mut cases, mut wrong) = (0, Vec::new());
    for scenario in &suite.scenarios {
        let answers = Answers::of(scenario);
        wrong.extend(
            answers
                .exemplary()
                .into_iter()
                .map(|id| format!("{}: {id} in the very good attempt", scenario.name)),
        );
        for case in list(&answers.document, "cases") {
            cases += 1;
            let misjudged = answers.misjudged(case).into_iter();
            wrong.extend(misjudged.map(|id| format!("{}: {id} in {}", scenario.name, case.dumps())));
        }
    }
    println!("{} attempts and {cases} cases are judged", suite.scenarios.len());
    assert!(wrong.is_empty(), "misjudged:\n{}", wrong.join("\n"));
}

/// The answers of one scenario.
struct Answers<'s> {
    scenario: &'s Scenario,
    document: Value,
}

impl Answers<'_> {
    fn of(scenario: &Scenario) -> Answers<'_> {
        let path = Path::new(FOLDER).join(format!("{}.yaml", scenario.name));
        let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let mut report = Report::new(&scenario.name, Strictness::Own);
        let document = yaml::parse(&source, &mut report).expect("it is YAML").to_value();
        assert_eq!(report.problems, []);
        Answers { scenario, document }
    }

    /// The checks that the very good attempt fails.
    fn exemplary(&self) -> Vec<String> {
        let attempt = self.document.get("exemplary").expect("there is one");
        failed(self.verdicts(attempt, &text(attempt, "response").expect("it answers")))
    }

    /// The checks that judge a case otherwise than it says.
    fn misjudged(&self, case: &Value) -> Vec<String> {
        let says = text(case, "says").unwrap_or_default();
        let (fails, passes) = (texts(case, "fails"), texts(case, "passes"));
        assert!(!fails.is_empty() || !passes.is_empty(), "it names no check: {}", case.dumps());
        let verdicts = match text(case, "instead_of") {
            None => self.verdicts(case, &says),
            Some(old) => {
                let attempt = self.document.get("exemplary").expect("there is one");
                let answer = text(attempt, "response").expect("it answers");
                assert!(answer.contains(&old), "not in the answer: {old}");
                self.verdicts(attempt, &answer.replace(&old, &says))
            }
        };
        for id in fails.iter().chain(&passes) {
            assert!(verdicts.contains_key(id), "{} has no check {id}", self.scenario.name);
        }
        let is_change = case.get("instead_of").is_some();
        let concerned = |id: &String| is_change || fails.contains(id) || passes.contains(id);
        let verdicts = verdicts.into_iter().filter(|(id, _)| concerned(id));
        verdicts.filter(|(id, passed)| *passed == fails.contains(id)).map(|(id, _)| id).collect()
    }

    /// Lets the world answer the calls, and scores what is left behind.
    fn verdicts(&self, attempt: &Value, response: &str) -> BTreeMap<String, bool> {
        let clock = Clock { unix_s: 1_772_000_000 };
        let fixtures = self.scenario.fixtures.clone();
        let mut world = World::new(fixtures, Folder::default(), IndexMap::new(), clock);
        for call in list(attempt, "calls") {
            let (tool, args) = request(call);
            let answer = world.call(&tool, &args).unwrap_or_else(|fault| panic!("{}: {fault}", call.dumps()));
            let found = !answer.dumps().to_lowercase().contains("not found");
            assert!(found, "{}: nothing there: {}", self.scenario.name, call.dumps());
        }
        let episode = Episode {
            outcome: Outcome::Finished,
            response: response.to_owned(),
            tool_calls: world.into_calls(),
            model_calls: 1,
            usage: Usage::default(),
            resolved_model: None,
            transcript: Vec::new(),
            external: None,
        };
        let card = scorecard(&self.scenario.rubric, &episode);
        let card = card.unwrap_or_else(|error| panic!("{}: {error}", self.scenario.name));
        card.checks.into_iter().map(|check| (check.id, check.passed)).collect()
    }
}

/// A call as the files write it: `tool: its main argument`.
fn request(call: &Value) -> (String, Value) {
    let (tool, main) = call.as_map().and_then(|map| map.iter().next()).expect("tool: argument");
    let main = main.clone();
    let args = match tool.as_str() {
        "exec" => Value::object([("command", main)]),
        "slack" => Value::object([("action", "readMessages".into()), ("channelId", main)]),
        "memory_search" | "web_search" => Value::object([("query", main)]),
        "web_fetch" => Value::object([("url", main)]),
        _ => Value::object([("path", main)]),
    };
    (tool.clone(), args)
}

fn failed(verdicts: BTreeMap<String, bool>) -> Vec<String> {
    verdicts.into_iter().filter(|(_, passed)| !passed).map(|(id, _)| id).collect()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_list).unwrap_or_default()
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    list(value, key).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
