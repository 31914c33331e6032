//! Reports of tests: each test is a check. Read are CTRF (JSON) and JUnit (XML), which most test runners write.
//!
//! A test that failed fails, also where it broke with an error. One that was skipped was not measured: it is no check
//! of that episode.

use super::reply::{completed, evidence, told};
use super::words::excerpt;
use crate::episode::ExternalCheck;
use crate::scenario::{CATEGORIES, Rubric};
use crate::score::external::problems as problems_of_checks;
use crate::value::{Value, parse};
use roxmltree::{Document, Node, ParsingOptions};

/// No report of a test run has more parts.
const XML_NODES_MAX: u32 = 1_000_000;

/// The checks of a report. A report that begins with `<` is XML.
pub(super) fn read(bytes: &[u8], rubric: &Rubric) -> Result<Vec<ExternalCheck>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let tests = if text.starts_with('<') { junit(text)? } else { ctrf(text)? };
    let checks: Vec<ExternalCheck> = tests.into_iter().filter_map(|test| test.check(rubric)).collect();
    if checks.is_empty() {
        return Err("it has no test that was run".into());
    }
    let problems = problems_of_checks(rubric, &checks);
    if problems.is_empty() { Ok(checks) } else { Err(told(&problems)) }
}

/// A test as a report has it.
struct Test {
    id: String,
    /// None where it was skipped.
    passed: Option<bool>,
    points: Option<f64>,
    category: Option<String>,
    said: String,
}

impl Test {
    fn check(self, rubric: &Rubric) -> Option<ExternalCheck> {
        let check = completed(rubric, self.id, self.passed?, None, self.points, self.category);
        Some(ExternalCheck { evidence: evidence(&self.said), ..check })
    }
}

/// The suite's name before the test's, since tests of several suites may have one name.
fn qualified(suite: &str, name: &str) -> String {
    let (suite, name) = (suite.trim(), name.trim());
    if suite.is_empty() { name.to_owned() } else { format!("{suite}::{name}") }
}

fn ctrf(text: &str) -> Result<Vec<Test>, String> {
    let document = parse(text.as_bytes()).map_err(|error| {
        format!("it is not JSON (line {}, column {}: {})", error.line, error.column, error.problem)
    })?;
    let tests = document.get("results").and_then(|results| results.get("tests")).and_then(Value::as_list);
    let tests = tests.ok_or("it has no `results.tests`, so it is no CTRF report")?;
    tests.iter().enumerate().map(|(index, test)| ctrf_test(test, index)).collect()
}

fn ctrf_test(test: &Value, index: usize) -> Result<Test, String> {
    let text = |key: &str| test.get(key).and_then(Value::as_str);
    let name = text("name").ok_or_else(|| format!("test {index} has no `name`"))?;
    let status = text("status").ok_or_else(|| format!("test {name:?} has no `status`"))?;
    let passed = match status {
        "passed" => Some(true),
        "failed" => Some(false),
        "skipped" | "pending" | "other" => None,
        _ => return Err(format!("test {name:?} has an unknown status {:?}", excerpt(status, 40))),
    };
    // A text in older versions, a list of nested suites in newer ones.
    let suite = match test.get("suite") {
        Some(Value::Str(suite)) => suite.clone(),
        Some(Value::List(suites)) => suites.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" > "),
        _ => String::new(),
    };
    let tags = test.get("tags").and_then(Value::as_list).unwrap_or_default();
    let tag = tags.iter().filter_map(Value::as_str).find(|tag| CATEGORIES.contains(tag));
    let extra = |key: &str| test.get("extra").and_then(|extra| extra.get(key));
    let category = extra("category").and_then(Value::as_str).or(tag);
    let points = match extra("points") {
        None | Some(Value::Null) => None,
        Some(points) => {
            Some(points.as_f64().ok_or_else(|| format!("test {name:?}: its `points` are no number"))?)
        }
    };
    let said = [text("message"), text("trace")].into_iter().flatten().collect::<Vec<_>>().join("\n");
    Ok(Test { id: qualified(&suite, name), passed, points, category: category.map(str::to_owned), said })
}

fn junit(text: &str) -> Result<Vec<Test>, String> {
    let options =
        ParsingOptions { allow_dtd: false, nodes_limit: XML_NODES_MAX, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options)
        .map_err(|error| format!("it is not XML that can be read: {error}"))?;
    let root = document.root_element();
    if !matches!(root.tag_name().name(), "testsuites" | "testsuite") {
        let name = excerpt(root.tag_name().name(), 40);
        return Err(format!(
            "its root is <{name}>, not <testsuites> or <testsuite>, so it is no JUnit report"
        ));
    }
    document.descendants().filter(|node| node.has_tag_name("testcase")).map(junit_test).collect()
}

fn junit_test(case: Node<'_, '_>) -> Result<Test, String> {
    let name = case.attribute("name").ok_or("a <testcase> has no name")?;
    let child = |tag: &str| case.children().find(|node| node.has_tag_name(tag));
    let failure = child("failure").or_else(|| child("error"));
    let passed = if failure.is_some() { Some(false) } else { child("skipped").is_none().then_some(true) };
    let said = failure.map_or(String::new(), |failure| {
        let parts = [failure.attribute("message"), failure.text()];
        parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
    });
    let property = |key: &str| {
        let properties = child("properties")?;
        let property = properties.children().find(|node| node.attribute("name") == Some(key))?;
        property.attribute("value").or(property.text())
    };
    let points = property("points").map(|text| {
        let points = text.trim().parse::<f64>();
        points.map_err(|_| format!("test {name:?}: its `points` are {:?}, no number", excerpt(text, 40)))
    });
    let category = property("category").map(|text| text.trim().to_owned());
    let id = qualified(case.attribute("classname").unwrap_or_default(), name);
    Ok(Test { id, passed, points: points.transpose()?, category, said })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The checks in short: `id passed points/max category evidence`.
    fn short(text: &str) -> Vec<String> {
        let checks = match read(text.as_bytes(), &Rubric::default()) {
            Ok(checks) => checks,
            Err(problem) => return vec![problem],
        };
        let line = |check: &ExternalCheck| {
            let ExternalCheck { id, passed, points, max_points, category, evidence } = check;
            format!("{id} {passed} {points}/{max_points} {category} {evidence}").trim_end().to_owned()
        };
        checks.iter().map(line).collect()
    }

    #[test]
    fn tests_of_ctrf_are_checks() {
        let report = r#"{"results": {"tool": {"name": "mine"}, "tests": [
            {"name": "reads the mail", "status": "passed", "suite": "inbox", "tags": ["slow", "safety"]},
            {"name": "answers", "status": "failed", "message": "no answer", "extra": {"points": 2.5, "category": "structure"}},
            {"name": "nested", "status": "passed", "suite": ["a", "b"]},
            {"name": "later", "status": "skipped"}, {"name": "soon", "status": "pending"}]}}"#;
        assert_eq!(
            short(report),
            [
                "inbox::reads the mail true 1/1 safety",
                "answers false 0/2.5 structure no answer",
                "a > b::nested true 1/1 correctness"
            ]
        );
    }

    #[test]
    fn tests_of_junit_are_checks() {
        let report = "<?xml version=\"1.0\"?>\n<testsuites><testsuite name=\"s\" tests=\"4\">\
            <testcase classname=\"test_mail\" name=\"reads\" time=\"0.1\"><properties>\
            <property name=\"points\" value=\"3\"/><property name=\"category\" value=\"safety\"/></properties></testcase>\
            <testcase name=\"answers\"><failure message=\"no &lt;answer&gt;\">line 4\n  x</failure></testcase>\
            <testcase name=\"breaks\"><error message=\"KeyError\"/></testcase>\
            <testcase name=\"later\"><skipped/></testcase></testsuite></testsuites>";
        assert_eq!(
            short(report),
            [
                "test_mail::reads true 3/3 safety",
                "answers false 0/1 correctness no <answer> line 4 x",
                "breaks false 0/1 correctness KeyError"
            ]
        );
    }

    #[test]
    fn what_is_no_report_is_told() {
        let check = |text: &str, part: &str| {
            let told = short(text).join("; ");
            assert!(told.contains(part), "{told}");
        };
        check("", "not JSON");
        check("{\"results\": {\"tests\": [{\"name\": \"a\"", "not JSON");
        check("{\"tests\": []}", "no CTRF report");
        check(r#"{"results": {"tests": []}}"#, "no test that was run");
        check(r#"{"results": {"tests": [{"name": "a", "status": "green"}]}}"#, "unknown status \"green\"");
        check(r#"{"results": {"tests": [{"status": "passed"}]}}"#, "no `name`");
        let twice = r#"{"name": "a", "status": "passed"}"#;
        check(&format!(r#"{{"results": {{"tests": [{twice}, {twice}]}}}}"#), "the same id");
        check("<testsuite><testcase name=\"a\">", "not XML");
        check("<html/>", "<html>");
        check("<testsuite><testcase/></testsuite>", "no name");
        check("<testsuite><testcase name='a'><skipped/></testcase></testsuite>", "no test that was run");
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><testsuite>&c;</testsuite>";
        check(bomb, "not XML");
        check(&"<testsuite>".repeat(100_000), "not XML");
    }
}
