//! JUnit XML: the checks of one pack as test cases, a scenario each a test suite, so that CI shows them as it shows
//! tests.
//!
//! A check passes as a test where it passed in enough of its episodes; one without an episode is skipped, which is
//! not the same as failed.

use crate::event::{Event, Phase, RunStarted, ScenarioEntry};
use crate::store::{Record, phases, utc_text};
use crate::units::{PackHash, RunId};
use std::fmt::Write as _;

/// Which pack, and when a check counts as passed.
pub struct Junit<'a> {
    pub run: &'a RunId,
    pub pack: &'a PackHash,
    /// The least share of episodes in which a check must pass.
    pub pass_rate: f64,
}

/// A check over the episodes of the pack.
struct Case {
    check: String,
    passed: u32,
    episodes: u32,
    /// The detail of its newest failure.
    failure: String,
}

/// Writes the document, and says how many test cases failed; none when the run never started.
pub fn junit(records: &[Record], wanted: &Junit<'_>) -> Option<(String, u32)> {
    let Some(Event::RunStarted(started)) = records.first().map(|record| &record.event) else { return None };
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let mut suites = String::new();
    let (mut tests, mut failures, mut skipped) = (0, 0, 0);
    for scenario in &started.scenarios {
        let cases = cases(records, scenario, wanted);
        let failed = cases.iter().filter(|case| case.fails(wanted.pass_rate)).count();
        let unmet = cases.iter().filter(|case| case.episodes == 0).count();
        (tests, failures, skipped) = (tests + cases.len(), failures + failed, skipped + unmet);
        suites += &suite(records, started, scenario, &cases, wanted);
    }
    let _ = writeln!(
        out,
        "<testsuites name=\"packwright\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">"
    );
    out += &suites;
    out += "</testsuites>\n";
    Some((out, failures as u32))
}

impl Case {
    fn fails(&self, pass_rate: f64) -> bool {
        self.episodes > 0 && f64::from(self.passed) < pass_rate * f64::from(self.episodes)
    }
}

/// The checks of a scenario, on fresh episodes where the pack has some there, else on all.
fn cases(records: &[Record], scenario: &ScenarioEntry, wanted: &Junit<'_>) -> Vec<Case> {
    let phases = phases(records);
    let own: Vec<_> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::EpisodeScored(scored)
                if scored.key.candidate == *wanted.pack && scored.key.scenario == scenario.name =>
            {
                let phase = phases.get(&record.ordinal);
                Some((matches!(phase, Some(Phase::Confirm | Phase::HeldOut)), &scored.scorecard))
            }
            _ => None,
        })
        .collect();
    let has_fresh = own.iter().any(|(is_fresh, _)| *is_fresh);
    let mut cases: Vec<Case> = scenario.checks.iter().map(|check| Case::of(&check.id)).collect();
    for (_, card) in own.iter().filter(|(is_fresh, _)| *is_fresh || !has_fresh) {
        for verdict in &card.checks {
            // An external evaluator names its checks with its results.
            let place = cases.iter().position(|case| case.check == verdict.id).unwrap_or_else(|| {
                cases.push(Case::of(&verdict.id));
                cases.len() - 1
            });
            let case = &mut cases[place];
            case.episodes += 1;
            case.passed += u32::from(verdict.passed);
            if !verdict.passed {
                case.failure.clone_from(&verdict.detail);
            }
        }
    }
    cases
}

impl Case {
    fn of(check: &str) -> Case {
        Case { check: check.to_owned(), passed: 0, episodes: 0, failure: String::new() }
    }
}

fn suite(
    records: &[Record],
    started: &RunStarted,
    scenario: &ScenarioEntry,
    cases: &[Case],
    wanted: &Junit<'_>,
) -> String {
    let failed = cases.iter().filter(|case| case.fails(wanted.pass_rate)).count();
    let skipped = cases.iter().filter(|case| case.episodes == 0).count();
    let began = records.first().map_or(0, |record| record.wall_clock.recorded_ms);
    let mut out = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\" timestamp=\"{}\">\n    \
         <properties>\n",
        escaped(&scenario.name),
        cases.len(),
        utc_text(began).trim_end_matches('Z'),
    );
    let properties = [
        ("run", wanted.run.0.as_str()),
        ("pack", &wanted.pack.0),
        ("suite", &started.suite),
        ("suite_hash", &started.suite_hash.0),
        ("model", &started.model),
        ("profile", &started.profile.name),
        ("held_out", if scenario.held_out { "true" } else { "false" }),
    ];
    for (name, value) in properties {
        let _ = writeln!(out, "      <property name=\"{name}\" value=\"{}\"/>", escaped(value));
    }
    out += "    </properties>\n";
    for case in cases {
        out += &test_case(scenario, case, wanted.pass_rate);
    }
    out + "  </testsuite>\n"
}

fn test_case(scenario: &ScenarioEntry, case: &Case, pass_rate: f64) -> String {
    let (name, class) = (escaped(&case.check), escaped(&scenario.name));
    let head = format!("    <testcase name=\"{name}\" classname=\"{class}\"");
    let (passed, episodes) = (case.passed, case.episodes);
    match case {
        case if case.episodes == 0 => {
            format!("{head}>\n      <skipped message=\"not measured: no episode\"/>\n    </testcase>\n")
        }
        case if case.fails(pass_rate) => format!(
            "{head}>\n      <failure message=\"passed in {passed} of {episodes} episodes\" type=\"check\">{}</failure>\n    \
             </testcase>\n",
            escaped(&case.failure)
        ),
        _ => format!("{head}/>\n"),
    }
}

/// A text as XML has it; characters that no XML may hold are replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\n' | '\t' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c if c < ' ' || ('\u{7f}'..='\u{9f}').contains(&c) || ('\u{fffe}'..='\u{ffff}').contains(&c) => {
                out.push('\u{fffd}');
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_texts_stay_text() {
        let text = "a<b>&\"c\"\n\u{0}\u{1b}[31m\u{fffe}\u{1f680}]]>";
        let document = format!("<a b=\"{0}\">{0}</a>", escaped(text));
        let read = roxmltree::Document::parse(&document).unwrap();
        let expected = text.replace(['\u{0}', '\u{1b}', '\u{fffe}'], "\u{fffd}");
        assert_eq!(read.root_element().attribute("b"), Some(expected.as_str()));
        assert_eq!(read.root_element().text(), Some(expected.as_str()));
    }

    #[test]
    fn a_share_that_is_just_enough_passes() {
        let case = |passed, episodes| Case { passed, episodes, ..Case::of("a") };
        assert!(!case(1, 2).fails(0.5) && case(0, 2).fails(0.5) && !case(0, 0).fails(0.5));
        assert!(case(2, 3).fails(1.0) && !case(3, 3).fails(1.0));
    }
}
