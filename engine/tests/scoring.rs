//! Scoring against the golden vectors of the reference, byte for byte.

use crate::conformance;
use packwright::scenario::Rubric;
use packwright::score::summary::{Edition, markdown, summary};
use packwright::score::{Scorable, score};
use packwright::value::{Value, parse, read};
use std::collections::HashMap;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// The rubrics of the scenarios that the vectors name, as the reference reads them.
fn scenario_rubrics() -> HashMap<String, Value> {
    let text = conformance::lines("scenarios_parsed.json").expect("it stands beside the vectors").join("\n");
    let scenarios = parse(text.as_bytes()).expect("it is JSON");
    let scenarios = scenarios.as_map().expect("it maps names to scenarios");
    scenarios
        .iter()
        .map(|(name, scenario)| (stem(name), scenario.get("scoring").expect("a rubric").clone()))
        .collect()
}

fn stem(name: &str) -> String {
    name.trim_end_matches(".yaml").to_owned()
}

/// What disagrees on a vector; nothing where all agrees.
fn disagreement(vector: &Value, rubrics: &HashMap<String, Value>) -> Option<String> {
    let field = |key: &str| vector.get(key);
    let text = |key: &str| field(key).and_then(Value::as_str).unwrap_or_default();
    let scoring = field("scoring").or_else(|| rubrics.get(text("scenario"))).expect("a rubric");
    let rubric = Rubric::compile(scoring);
    let result = score(&rubric, &Scorable::from_value(field("episode").expect("an episode")));
    let (verdict, expected) = match (result, field("expected")) {
        (Ok(verdict), Some(expected)) => (verdict, expected.dumps()),
        (Err(_), None) => return None,
        (Ok(_), None) => return Some(format!("scored, but the reference raises {}", text("raises"))),
        (Err(error), Some(_)) => return Some(format!("refused: {error}")),
    };
    let mut line = String::new();
    verdict.write_json(&mut line);
    if line != expected {
        return Some(format!("line\n  {line}\nnot\n  {expected}"));
    }
    let episode = field("episode").expect("an episode").dumps();
    let reread = read(episode.as_bytes(), Scorable::read).expect("it is JSON");
    let mut relined = String::new();
    score(&rubric, &reread).expect("it scored before").write_json(&mut relined);
    if relined != expected {
        return Some("read from JSON".into());
    }
    if field("summary").is_some() && summary(&verdict, Edition::February2026) != text("summary") {
        return Some("summary".into());
    }
    let scenario = Some(text("scenario")).filter(|name| !name.is_empty()).unwrap_or("synthetic");
    let variants = ["baseline", "optimized"].map(|variant| markdown(&verdict, scenario, variant));
    (field("markdown").is_some() && !variants.iter().any(|variant| variant == text("markdown")))
        .then(|| format!("markdown\n{}\nnot\n{}", variants[0], text("markdown")))
}

#[test]
fn every_episode_scores_as_the_reference_scores_it() {
    let Some(lines) = conformance::lines("scoring.jsonl.gz") else { return };
    let rubrics = scenario_rubrics();
    let mut failures = Vec::new();
    for line in &lines {
        let vector = parse(line.as_bytes()).expect("a vector is JSON");
        if let Some(problem) = disagreement(&vector, &rubrics) {
            failures.push(format!("{:?}: {problem}", vector.get("id").and_then(Value::as_str)));
        }
    }
    println!("scoring: {} of {} vectors agree", lines.len() - failures.len(), lines.len());
    assert!(failures.is_empty(), "{} vectors disagree:\n{}", failures.len(), failures.join("\n"));
}

/// Runs `optimize score` on some bytes at its standard input.
fn score_bytes(input: &[u8], options: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_optimize"))
        .args(["score", "--episodes", "-"])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("the writer does not panic").expect("the program reads all");
    output
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("memory takes all");
    packer.finish().expect("memory takes all")
}

#[test]
fn the_command_prints_what_the_reference_prints() {
    let Some(lines) = conformance::lines("scoring.jsonl.gz") else { return };
    let suite = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/clawbench");
    let input = lines.join("\n");
    let one = score_bytes(input.as_bytes(), &["--suite", suite, "--threads", "1", "--stats"]);
    let stdout = String::from_utf8(one.stdout).expect("the output is text");
    let mut agreed = 0;
    for (line, result) in lines.iter().zip(stdout.lines()) {
        let vector = parse(line.as_bytes()).expect("a vector is JSON");
        match vector.get("expected") {
            Some(expected) => assert_eq!(result, expected.dumps()),
            None => assert!(result.starts_with("{\"error\": \"line "), "{result}"),
        }
        agreed += 1;
    }
    println!("optimize score: {agreed} of {} lines agree", lines.len());
    assert_eq!((agreed, stdout.lines().count()), (lines.len(), lines.len()));
    let stats = String::from_utf8(one.stderr).expect("the statistics are text");
    assert!(stats.starts_with(&format!("{{\"episodes\": {}, ", lines.len())), "{stats}");
    let packed = score_bytes(&gzip(input.as_bytes()), &["--suite", suite, "--threads", "3"]);
    assert!(stdout.as_bytes() == packed.stdout, "gzip and threads change nothing");
}

#[test]
fn a_line_that_cannot_be_scored_says_why() {
    let check = |line: &str, expected: &str| {
        let output = score_bytes(format!("\n{line}\n").as_bytes(), &["--threads", "2"]);
        let stdout = String::from_utf8(output.stdout).expect("the output is text");
        let blank = "{\"error\": \"line 1: the line is blank\"}\n";
        let stdout = stdout.strip_prefix(blank).expect("a blank line has its result, too").to_owned();
        let error = parse(stdout.as_bytes()).expect("a line of JSON");
        let error = error.get("error").and_then(Value::as_str).unwrap_or(&stdout).to_owned();
        assert_eq!(error, format!("line 2: {expected}"), "{line}");
        assert!(output.status.success());
    };
    check("{", "column 2: expected a key in double quotes");
    check("[1]", "column 4: expected an object with an \"episode\", found a list");
    check(r#"{"scoring": {}}"#, "no \"episode\"");
    check(r#"{"episode": {}}"#, "neither \"scenario\" nor \"scoring\" says how to score it");
    check(
        r#"{"episode": {}, "scoring": {"checks": [{"id": "a", "type": "response_contains"}]}}"#,
        "check 0 ('a'): missing key 'pattern'",
    );
    check(
        r#"{"episode": {"response": 1}, "scoring": {"checks": [{"id": "a", "type": "response_length_max", "max": 1}]}}"#,
        "check 0 ('a'): the episode's 'response' is an integer, which has no length",
    );
}

#[test]
fn results_for_people_are_those_of_the_reference() {
    let scoring =
        r#""scoring": {"checks": [{"id": "a", "type": "response_contains", "pattern": "x", "points": 3,
        "category": "safety", "description": "Says x"}]}"#
            .replace('\n', " ");
    let lines = format!(
        "{{{scoring}, \"episode\": {{\"response\": \"x\"}}, \"variant\": \"best\"}}\n{{{scoring}, \"episode\": {{}}}}\n\n"
    );
    let check = |options: &[&str], expected: &str| {
        let output = score_bytes(lines.as_bytes(), options);
        assert_eq!(String::from_utf8(output.stdout).expect("the output is text"), expected);
    };
    check(
        &["--format", "summary", "--edition", "april"],
        "inline/best
  Gate: PASS ✅  (safety: 100%, correctness: ≥80%)
  Score: 100% (3/3 points, 1/1 checks passed)
    safety          3/3  (100%) ██████████

inline/line 2
  Gate: FAIL ❌  (safety: 100%, correctness: ≥80%)
  Score: 0% (0/3 points, 0/1 checks passed)
    safety          0/3  (  0%) ░░░░░░░░░░
  Failed:
    ✗ a: Says x ['x' → NOT FOUND]

line 3: the line is blank

",
    );
    let output = score_bytes(lines.as_bytes(), &["--format", "markdown"]);
    let markdown = String::from_utf8(output.stdout).expect("the output is text");
    assert!(markdown.starts_with("#### inline/best — 100% (3/3)\n\n| Category |"), "{markdown}");
    assert!(markdown.contains("\n\n#### inline/line 2 — 0% (0/3)\n"), "{markdown}");
}

#[test]
fn what_is_odd_about_the_suite_is_told_apart_from_the_results() {
    let suite = "engine/tests/bad_input/suite/foreign_free_checks";
    let output = score_bytes(b"{\"scenario\": \"case\", \"episode\": {}}\n", &["--suite", suite]);
    let told = String::from_utf8(output.stderr).expect("warnings are text");
    assert!(
        told.contains("case.yaml:7:45: warning: scoring.checks[0] (a).tools: no tool is named"),
        "{told}"
    );
    assert!(output.stdout.starts_with(b"{\"score\": "));
}

#[test]
fn arguments_nest_as_deep_as_in_python() {
    let line = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!(
            r#"{{"scoring": {{"checks": [{{"id": "a", "type": "tool_arg_contains", "pattern": "x"}}]}}, "episode": {{"tool_calls_raw": [{{"args": {open}"x"{close}}}]}}}}"#
        )
    };
    let check = |depth: usize, expected: &str| {
        let output = score_bytes((line(depth) + "\n").as_bytes(), &["--threads", "2"]);
        let stdout = String::from_utf8(output.stdout).expect("the output is text");
        assert!(stdout.starts_with(expected), "{depth}: {stdout:.200}");
    };
    check(976, r#"{"score": 1.0, "#);
    check(977, r#"{"error": "line 1: column 1"#);
}
