//! A check in words: what must be there, or must not, for people who do not read rubrics.

use super::Check;
use super::rule::{Bound, Rule, Search, Side};
use crate::value::Value;

impl Check {
    /// What the check asks for, in words, with its pattern as it was written and in words.
    pub fn explained(&self) -> String {
        match &self.definition.rule {
            Err(defect) => format!("cannot be evaluated: {defect}"),
            Ok(rule) => explained(rule),
        }
    }
}

fn explained(rule: &Rule) -> String {
    match rule {
        Rule::Tools { tools, wanted: true, .. } => format!("calls {}", named(tools)),
        Rule::Tools { tools, wanted: false, .. } => format!("never calls {}", named(tools)),
        Rule::Call { side, wanted, tool, search } => {
            let half = match side {
                Side::Args => "arguments",
                Side::Response => "answer",
            };
            let tool = tool.as_ref().map_or("a tool".to_owned(), Value::py_str);
            let verb = if *wanted { "some call of" } else { "no call of" };
            format!("{verb} {tool} has in its {half}: {}", sought(search))
        }
        Rule::Response { wanted: true, search } => format!("the answer has {}", sought(search)),
        Rule::Response { wanted: false, search } => format!("the answer has nowhere {}", sought(search)),
        Rule::Count { tool, bound, limit } => {
            let bound = match bound {
                Bound::Max => "at most",
                Bound::Min => "at least",
            };
            format!("{bound} {} calls of {}", limit.py_str(), any_or(tool.as_ref()))
        }
        Rule::CountScore { tool, min, max } => format!(
            "few calls of {}: all points up to {}, none from {} on",
            any_or(tool.as_ref()),
            min.py_str(),
            max.py_str()
        ),
        Rule::Order { before, after } => {
            format!("the first call of {} comes before that of {}", before.py_str(), after.py_str())
        }
        Rule::Length { max } => format!("the answer has at most {} characters", max.py_str()),
        Rule::Nothing => "nothing: this type of check is unknown, and never passes".to_owned(),
    }
}

fn sought(search: &Search) -> String {
    match &search.pattern {
        Ok(pattern) => pattern.words(),
        Err(defect) => format!("a pattern that cannot be searched ({defect})"),
    }
}

fn named(tools: &[Value]) -> String {
    tools.iter().map(Value::py_str).collect::<Vec<_>>().join(" and ")
}

fn any_or(tool: Option<&Value>) -> String {
    tool.map_or("any tool".to_owned(), Value::py_str)
}

#[cfg(test)]
mod tests {
    use super::super::Rubric;
    use crate::value::parse;

    #[test]
    fn every_kind_of_check_can_be_said() {
        let check = |keys: &str, expected: &str| {
            let rubric = format!(r#"{{"checks": [{{"id": "a", "points": 1, {keys}}}]}}"#);
            let rubric = Rubric::compile(&parse(rubric.as_bytes()).unwrap());
            assert_eq!(rubric.checks[0].explained(), expected);
        };
        check(r#""type": "tool_called", "tools": ["exec", "read"]"#, "calls exec and read");
        check(r#""type": "tool_not_called", "tool": "slack""#, "never calls slack");
        check(
            r#""type": "tool_arg_excludes", "tool": "exec", "pattern": "rm|send""#,
            "no call of exec has in its arguments: “rm” or “send”",
        );
        check(
            r#""type": "response_contains", "pattern": "4 ?pm""#,
            "the answer has “4”, then perhaps “ ”, then “pm”",
        );
        check(r#""type": "response_excludes", "pattern": "sent""#, "the answer has nowhere “sent”");
        check(r#""type": "tool_count_max", "tool": "exec", "max": 5"#, "at most 5 calls of exec");
        check(
            r#""type": "tool_count_score", "min": 3, "max": 9"#,
            "few calls of any tool: all points up to 3, none from 9 on",
        );
        check(
            r#""type": "tool_called_before", "before": "read", "after": "slack""#,
            "the first call of read comes before that of slack",
        );
        check(r#""type": "response_length_max", "max": 900"#, "the answer has at most 900 characters");
        check(r#""type": "response_contains""#, "cannot be evaluated: missing key 'pattern'");
    }
}
