//! TOML text to a tree in which every value and key knows its place, as `scenario::yaml` has it: so a batch is read by the
//! same lines, whichever of the two its file is.

use crate::scenario::node::{Member, Node, Tree};
use crate::scenario::problem::{Place, Report};
use crate::scenario::yaml::BYTES_MAX;
use crate::value::Value;
use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};
use indexmap::IndexMap;
use std::ops::Range;

/// Reads a TOML document. None when it could not be read; the report has all that is wrong.
pub fn parse(text: &str, report: &mut Report) -> Option<Node> {
    if text.len() > BYTES_MAX {
        report.error(None, "", format!("the file has {} bytes, more than {BYTES_MAX}", text.len()));
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let place = error.span().map(|span| place(text, span));
        report.error(place, "", format!("this is no TOML: {}", error.message()));
    }
    if !errors.is_empty() {
        return None;
    }
    let before = report.problems.len();
    let node =
        Node { place: Place { line: 1, column: 1 }, tree: tree_of_table(text, table.get_ref(), report) };
    (report.problems.len() == before).then_some(node)
}

fn node(text: &str, value: &Spanned<DeValue<'_>>, report: &mut Report) -> Node {
    let place = place(text, value.span());
    let tree = match value.get_ref() {
        DeValue::String(text) => Tree::Scalar(Value::Str(text.to_string())),
        DeValue::Boolean(flag) => Tree::Scalar(Value::Bool(*flag)),
        DeValue::Integer(digits) => {
            Tree::Scalar(match i64::from_str_radix(digits.as_str(), digits.radix()) {
                Ok(number) => Value::Int(number),
                Err(_) => {
                    report.error(place, "", format!("the number {} is too great", digits.as_str()));
                    Value::Null
                }
            })
        }
        DeValue::Float(digits) => Tree::Scalar(match digits.as_str().parse() {
            Ok(number) => Value::Float(number),
            Err(_) => {
                report.error(place, "", format!("{} is no number", digits.as_str()));
                Value::Null
            }
        }),
        DeValue::Datetime(time) => {
            report.error(place, "", format!("{time} is a date or a time of day")).help("put it into quotes");
            Tree::Scalar(Value::Null)
        }
        DeValue::Array(items) => Tree::List(items.iter().map(|item| node(text, item, report)).collect()),
        DeValue::Table(table) => tree_of_table(text, table, report),
    };
    Node { place, tree }
}

fn tree_of_table(text: &str, table: &DeTable<'_>, report: &mut Report) -> Tree {
    let mut members: Vec<(String, Member)> = Vec::new();
    for (key, value) in table.iter() {
        let member = Member { key_place: place(text, key.span()), node: node(text, value, report) };
        members.push((key.get_ref().to_string(), member));
    }
    // As the file has them.
    members.sort_by_key(|(_, member)| member.key_place);
    Tree::Map(members.into_iter().collect::<IndexMap<_, _>>())
}

fn place(text: &str, span: Range<usize>) -> Place {
    Place::at(text, (0..=span.start.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::problem::Strictness;

    fn read(text: &str) -> (Option<Node>, Vec<String>) {
        let mut report = Report::new("night.toml", Strictness::Own);
        let node = parse(text, &mut report);
        (node, report.problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn values_are_those_of_the_same_yaml() {
        let toml = "max-usd = 12.5\nconcurrency = 0x2\ncontinue-on-failure = false\n[defaults]\nbudget = 4_00\n\
                    [[runs]]\nname = 'a'\nwriter = [\"x/y\", 'z']\n[[runs]]\n";
        let yaml = "max-usd: 12.5\nconcurrency: 2\ncontinue-on-failure: false\ndefaults: {budget: 400}\nruns:\n- {name: a, \
                    writer: [x/y, z]}\n- {}\n";
        let (node, problems) = read(toml);
        let node = node.unwrap_or_else(|| panic!("{problems:?}"));
        let expected =
            crate::scenario::yaml::parse(yaml, &mut Report::new("", Strictness::Own)).expect("YAML");
        assert_eq!(node.to_value().dumps(), expected.to_value().dumps());
    }

    #[test]
    fn all_mistakes_have_their_places() {
        let check = |text: &str, expected: &[&str]| {
            let (node, problems) = read(text);
            assert!(node.is_none(), "{text}");
            for (problem, start) in problems.iter().zip(expected) {
                assert!(problem.starts_with(start), "{problems:?}");
            }
            assert!(problems.len() >= expected.len(), "{problems:?}");
        };
        check("a = 1\nb = [1,\n\nc = 'x\n", &["night.toml:"]);
        check("a = 1\na = 2\n", &["night.toml:2:1: this is no TOML: duplicate key"]);
        check(
            "a = 08:00:00\nb = 99999999999999999999\n",
            &["night.toml:1:5: 08:00:00 is a", "night.toml:2:5: the number"],
        );
    }
}
