//! What the writer may be shown of the suite: situations by letters, and checks with what is known of them, as
//! lines that cannot end the data they stand in.

use super::super::reply::plain;
use super::evidence::evidence;
use crate::event::{Aim, ProposalPlan, Target};
use crate::lint::Lint;
use crate::scenario::{Scenario, Suite};

const SCENARIOS_MAX: usize = 12;
/// For the texts of all situations: about four thousand tokens.
const CONTEXT_CHARS_MAX: usize = 16_000;
const TEXT_CHARS_MAX: usize = 600;
const DETAIL_CHARS_MAX: usize = 200;
const CHECKS_MAX: usize = 8;

/// What may be shown.
pub(in super::super) struct Shown<'a> {
    /// Those of the plan's checks first, none of the held-out ones.
    pub scenarios: Vec<&'a Scenario>,
    lint: &'a Lint,
    /// Whether the patterns that checks look for may be shown.
    shows_patterns: bool,
}

impl<'a> Shown<'a> {
    pub fn of(plan: &ProposalPlan, suite: &'a Suite, lint: &'a Lint, shows_patterns: bool) -> Shown<'a> {
        let named: Vec<&str> =
            plan.targets.iter().chain(&plan.protected).map(|target| target.scenario.as_str()).collect();
        let mut scenarios: Vec<&Scenario> = suite
            .scenarios
            .iter()
            .map(|scenario| &**scenario)
            .filter(|scenario| !scenario.held_out)
            .collect();
        scenarios.sort_by_key(|scenario| {
            named.iter().position(|name| *name == scenario.name).unwrap_or(usize::MAX)
        });
        scenarios.truncate(SCENARIOS_MAX);
        Shown { scenarios, lint, shows_patterns }
    }

    /// The situations under their letters.
    pub fn situations(&self) -> String {
        let texts = 2 * self.scenarios.len().max(1);
        let chars_max = TEXT_CHARS_MAX.min(CONTEXT_CHARS_MAX / texts);
        let mut text = String::new();
        for (index, scenario) in self.scenarios.iter().enumerate() {
            text.push_str(&format!(
                "### Situation {} (weight {})\n<data>\n{}\nThe user asks: {}\nTools: {}\n</data>\n",
                letter(index),
                scenario.weight,
                self.line(&scenario.description, chars_max),
                self.line(&scenario.prompt, chars_max),
                self.line(&scenario.tools.join(", "), DETAIL_CHARS_MAX),
            ));
        }
        text
    }

    /// A line for each of the first checks; nothing where there are none.
    pub fn checks(&self, targets: &[Target]) -> String {
        let lines: Vec<String> = targets.iter().take(CHECKS_MAX).map(|target| self.check(target)).collect();
        if lines.is_empty() { String::new() } else { format!("<data>\n{}\n</data>", lines.join("\n")) }
    }

    fn check(&self, target: &Target) -> String {
        let place = self.scenarios.iter().position(|scenario| scenario.name == target.scenario);
        let check = place.and_then(|place| {
            self.scenarios[place].rubric.checks.iter().find(|check| check.id == target.check)
        });
        let description = check.map_or("", |check| check.description.as_str());
        let mut line = format!(
            "- [{}.{}] ({}, {} points{}): {}",
            place.map_or("?".to_owned(), letter),
            self.line(&target.check, DETAIL_CHARS_MAX),
            self.line(&target.category, DETAIL_CHARS_MAX),
            target.points,
            rate(target),
            self.line(description, DETAIL_CHARS_MAX),
        );
        let detail = if self.shows_patterns { target.detail.clone() } else { evidence(&target.detail) };
        let evidence = self.line(&detail, DETAIL_CHARS_MAX);
        if target.passed < target.episodes && !evidence.is_empty() {
            line.push_str(&format!(" | last failure: {evidence}"));
        }
        line
    }

    /// The checks that a writer named as the prompt names them; unknown ones are dropped.
    pub fn aims(&self, named: &[String]) -> Vec<Aim> {
        let aim = |name: &String| {
            let (letters, check) = name.trim_matches(['[', ']']).split_once('.')?;
            let scenario = self.scenarios.iter().enumerate().find(|(index, _)| letter(*index) == letters)?.1;
            let is_known = scenario.rubric.checks.iter().any(|known| known.id == check);
            is_known.then(|| Aim { scenario: scenario.name.clone(), check: check.to_owned() })
        };
        let mut aims: Vec<Aim> = named.iter().filter_map(aim).collect();
        aims.sort();
        aims.dedup();
        aims
    }

    /// Foreign text as one harmless line.
    pub fn line(&self, text: &str, chars_max: usize) -> String {
        harmless(&plain(&self.lint.mask(text), chars_max))
    }

    /// Foreign text of several lines, harmless.
    pub fn text(&self, text: &str) -> String {
        harmless(&self.lint.mask(text))
    }
}

/// Our own delimiters must not be closed from inside.
fn harmless(text: &str) -> String {
    text.replace('<', "(").replace('>', ")")
}

/// How often a check failed, and how often it is believed to pass.
fn rate(target: &Target) -> String {
    let failed = match target.episodes {
        0 => String::new(),
        episodes => format!(", failed in {} of {episodes}", episodes.saturating_sub(target.passed)),
    };
    let percent = |rate: f64| (100.0 * rate.clamp(0.0, 1.0)).round();
    let belief = target.belief.map(|belief| {
        let (mean, low, high) = (percent(belief.mean), percent(belief.low), percent(belief.high));
        format!(", believed to pass {mean} % ({low} to {high} %)")
    });
    failed + &belief.unwrap_or_default()
}

fn letter(index: usize) -> String {
    u8::try_from(index)
        .ok()
        .filter(|index| *index < 26)
        .map_or_else(|| (index + 1).to_string(), |index| char::from(b'A' + index).to_string())
}
