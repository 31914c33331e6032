//! Reads a definition as a person wrote it: what it does not say is as in the one that it is laid over, and all
//! that is wrong is told with its place.

use super::Definition;
use super::limits::{OutOfRange, out_of_range};
use crate::scenario::fields::{Fields, Need, shown};
use crate::scenario::node::{Node, Tree};
use crate::scenario::problem::{Place, Problem, Report, Strictness};
use crate::scenario::yaml;
use crate::value;
use serde_json::{Value, json};

/// More than any count may be; what each may be is said by `limits`.
const MOST: f64 = 1e9;

/// Reads a definition over another, which is complete. None where there are errors.
pub fn read(text: &str, file: &str, under: &str) -> (Option<Definition>, Vec<Problem>) {
    let mut report = Report::new(file, Strictness::Own);
    let root = yaml::parse(text, &mut report);
    let Some(root) = root.filter(|_| !has_errors(&report)) else { return (None, report.problems) };
    let mut values = complete(under);
    let shape = shape(&values);
    lay_over(&mut values, &shape, &root, ("", Need::Optional), &mut report);
    let definition: Definition =
        serde_json::from_value(values).expect("all values are of the kinds asked for");
    report_out_of_range(&definition, &root, &mut report);
    report.problems.sort_by_key(|problem| problem.place);
    (Some(definition).filter(|_| !has_errors(&report)), report.problems)
}

fn has_errors(report: &Report) -> bool {
    report.errors().next().is_some()
}

/// The values of a definition of our own that leaves nothing out.
fn complete(text: &str) -> Value {
    let root =
        yaml::parse(text, &mut Report::new("default", Strictness::Own)).expect("a file of ours is YAML");
    let values =
        serde_json::from_str(&root.to_value().compact()).expect("what was read from YAML is JSON too");
    // By way of the type, so that a number is whole where the type says so and nowhere else.
    let definition: Definition = serde_json::from_value(values).expect("a file of ours is complete");
    json!(definition)
}

/// A definition with everything in it that one may have: values of the kinds that are asked for.
fn shape(complete: &Value) -> Value {
    let mut shape = complete.clone();
    shape["whole"] = json!({ "scenarios": [1, 2], "mean": 0.0, "sd": 1.0 });
    shape
}

/// Replaces the values that a map says otherwise. What cannot be read leaves its value as it is.
fn lay_over(values: &mut Value, shape: &Value, node: &Node, (name, need): (&str, Need), report: &mut Report) {
    let Some(said) = Fields::of(node, name, report) else { return };
    let known = shape.as_object().expect("the shape of a map is a map");
    said.only(&known.keys().map(String::as_str).collect::<Vec<_>>(), report);
    for (key, shape) in known {
        let values = &mut values[key.as_str()];
        let Some(node) = said.node(key, need, report) else { continue };
        let said = match shape {
            Value::Object(_) if is_nothing(node) && key == "whole" => Some(Value::Null),
            Value::Object(_) => {
                // What is laid over nothing must be complete.
                let need = if values.is_null() { Need::Required } else { Need::Optional };
                if values.is_null() {
                    *values = shape.clone();
                }
                lay_over(values, shape, node, (&said.name(key), need), report);
                None
            }
            Value::Array(_) => pair(&said, key, node, report),
            Value::Bool(_) => said.flag(key, report).map(Value::from),
            Value::String(_) => said.text(key, Need::Required, report).map(Value::from),
            Value::Number(number) if number.is_f64() => said.number(key, need, report).map(Value::from),
            _ => said.number(key, need, report).and_then(|number| {
                let count = count(number);
                if count.is_none() {
                    report.error(node.place, &said.name(key), format!("{number} is no count")).help(COUNT);
                }
                count.map(Value::from)
            }),
        };
        if let Some(said) = said {
            *values = said;
        }
    }
}

const COUNT: &str = "write a whole number, 0 or more";

fn count(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..=MOST).contains(&number)).then_some(number as u64)
}

/// Two counts, as `[2, 4]`.
fn pair(said: &Fields, key: &str, node: &Node, report: &mut Report) -> Option<Value> {
    let count = |item: &Node| match &item.tree {
        Tree::Scalar(value @ (value::Value::Int(_) | value::Value::Float(_))) => {
            value.as_f64().and_then(count)
        }
        _ => None,
    };
    let counts: Option<Vec<u64>> = match &node.tree {
        Tree::List(items) if items.len() == 2 => items.iter().map(count).collect(),
        _ => None,
    };
    if counts.is_none() {
        let message = format!("expected two counts, found {}", shown(node));
        report.error(node.place, &said.name(key), message).help("write the fewest and the most: [2, 4]");
    }
    counts.map(Value::from)
}

fn is_nothing(node: &Node) -> bool {
    node.tree == Tree::Scalar(value::Value::Null)
}

/// Reports what cannot be, but not of what could not be read; of what is not said only where nothing else is wrong.
fn report_out_of_range(definition: &Definition, root: &Node, report: &mut Report) {
    let mut of_default = Vec::new();
    for out in out_of_range(definition) {
        let is_told = |key: &&str| report.problems.iter().any(|problem| problem.what == **key);
        if out.keys.iter().any(is_told) {
            continue;
        }
        match out.keys.iter().find_map(|key| place(root, key)) {
            Some(place) => {
                let message = format!("{} cannot be", out.found);
                report.error(place, &out.keys.join(" + "), message).help(format!("write {}", out.allowed));
            }
            None => of_default.push(out),
        }
    }
    if !has_errors(report) {
        for OutOfRange { keys, found, allowed } in of_default {
            let message = format!("{found}, as in `default`, cannot be beside what is said");
            report.error(None, &keys.join(" + "), message).help(format!("say it too: {allowed}"));
        }
    }
}

/// Where the value of a key stands, as `writer.skill`; none where it is not said.
fn place(root: &Node, key: &str) -> Option<Place> {
    let found = key.split('.').try_fold(root, |node, part| match &node.tree {
        Tree::Map(members) => members.get(part).map(|member| &member.node),
        _ => None,
    });
    found.map(|node| node.place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let (definition, problems) = Definition::read(text, "mine.yaml");
        assert_eq!(definition, None);
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_what_would_be_right() {
        let check = |text: &str, expected: &str| assert_eq!(told(text), [expected], "{text:?}");
        check("sgima: 1", "mine.yaml:1:1: sgima: unknown key\n  help: did you mean `sigma`?");
        check(
            "writer: {skil: 0.5}",
            "mine.yaml:1:10: writer.skil: unknown key\n  help: did you mean `skill`?",
        );
        check("name: x\nsigma: -1", "mine.yaml:2:8: sigma: -1 cannot be\n  help: write 0 to 10");
        check("checks: 4", "mine.yaml:1:9: checks: 4 cannot be\n  help: write 5 to 5000");
        check(
            "scenarios: 2\nchecks: 4",
            "mine.yaml: aside.checks: [2, 5], as in `default`, cannot be beside what is said\n  help: say it too: from the fewest to the most, at most 4",
        );
        check("rules: 2.5", "mine.yaml:1:8: rules: 2.5 is no count\n  help: write a whole number, 0 or more");
        check(
            "sigma: high",
            "mine.yaml:1:8: sigma: expected a finite number, found the text \"high\"\n  help: write the number without quotes",
        );
        check(
            "aimed: {checks: [4, 2]}",
            "mine.yaml:1:17: aimed.checks: [4, 2] cannot be\n  help: write from the fewest to the most, at most 61",
        );
        check(
            "aimed: {checks: [true, 2]}",
            "mine.yaml:1:17: aimed.checks: expected two counts, found a list\n  help: write the fewest and the most: [2, 4]",
        );
        check(
            "aimed: {checks: [4, 5, 6]}",
            "mine.yaml:1:17: aimed.checks: expected two counts, found a list\n  help: write the fewest and the most: [2, 4]",
        );
        check(
            "writer: {replace: 0.7, delete: 0.6}",
            "mine.yaml:1:19: writer.replace + writer.delete: 1.2999999999999998 cannot be\n  help: write 0 to 1",
        );
        check("whole: {mean: 0.1, sd: 1}", "mine.yaml:1:8: whole.scenarios: missing key");
        check("base: 3", "mine.yaml:1:7: base: expected a map of keys and values, found an integer");
        check("- a", "mine.yaml:1:1: expected a map of keys and values, found a list");
        check("", "mine.yaml: the file is empty");
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_and_in_order() {
        let text =
            "no_gain: perhaps\nscenarios: 500\nwriter: {skill: 2, skil: 1}\nchecks: many\nwhole: {mean: x}\n";
        let told = told(text);
        let places = told.iter().map(|told| told.split(": ").take(2).collect()).collect::<Vec<Vec<_>>>();
        let expected = [
            ["mine.yaml:1:10", "no_gain"],
            ["mine.yaml:2:12", "scenarios"],
            ["mine.yaml:3:17", "writer.skill"],
            ["mine.yaml:3:20", "writer.skil"],
            ["mine.yaml:4:9", "checks"],
            ["mine.yaml:5:8", "whole.scenarios"],
            ["mine.yaml:5:8", "whole.sd"],
            ["mine.yaml:5:15", "whole.mean"],
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn a_file_says_only_what_it_has_otherwise() {
        let text = "name: mine\nsigma: 1\nwriter: {skill: 0.9}\nwhole: {scenarios: [1, 3], mean: 0, sd: 1}\n";
        let read = |text: &str| Definition::read(text, "mine.yaml");
        let own = read(text).0.unwrap();
        let default = Definition::named("default").unwrap();
        assert_eq!((own.name.as_str(), own.sigma, own.writer.skill), ("mine", 1.0, 0.9));
        assert_eq!(own.whole.map(|whole| whole.scenarios), Some([1, 3]));
        assert_eq!((own.check_sigma, own.writer.second), (default.check_sigma, default.writer.second));
        assert_eq!(read("whole: null"), (Some(default), Vec::new()));
    }

    #[test]
    fn what_python_reads_otherwise_is_told_and_taken() {
        let (definition, problems) = Definition::read("no_gain: yes\n", "mine.yaml");
        assert!(definition.unwrap().no_gain);
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].to_string().starts_with("mine.yaml:1:10: warning: `yes` is `true` here"),
            "{problems:?}"
        );
        assert_eq!(told("no_gain: yes\nsigma: 99\n").len(), 2);
    }
}
