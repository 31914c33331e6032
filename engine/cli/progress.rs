//! What a run shows while it goes on: a live line on a terminal, plain lines when piped, JSON lines on
//! request. Records go to standard output, everything else to standard error.

use crate::out::{self, Level};
use console::{Term, truncate_str};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use packwright::budget::{Amount, Caps, Limit};
use packwright::control::Pace;
use packwright::episode::EpisodeKey;
use packwright::event::{Event, Operator, Phase, Planned, ProposalFault, ProposalPlan, Step};
use packwright::optimize::Heard;
use packwright::report::{Change, plain};
use packwright::search::{Noise, Search, Standing};
use packwright::store::Record;
use packwright::units::Usd;
use std::io::IsTerminal as _;

/// How much of a long line is shown where there is no terminal.
const PIPED_COLUMNS: usize = 120;

/// The display of a run.
pub struct Progress {
    json: bool,
    /// None when standard error is not a terminal.
    bar: Option<ProgressBar>,
    budget: u32,
    caps: Caps,
    episodes: u32,
    /// What the last plan does.
    doing: Option<&'static str>,
    /// It was said that a limit leaves less than the budget.
    is_limited: bool,
    /// It was said how much luck is in the episodes.
    is_noise_told: bool,
    /// The best that was shown last, so that only news are lines.
    shown: Option<String>,
}

impl Progress {
    pub fn new(json: bool, budget: u32, caps: Caps) -> Progress {
        let bar = (std::io::stderr().is_terminal() && out::tells(Level::Info)).then(|| {
            let bar = ProgressBar::with_draw_target(Some(u64::from(budget)), ProgressDrawTarget::stderr());
            let style =
                ProgressStyle::with_template("{pos}/{len} episodes {wide_bar} {elapsed}, {eta} left\n{msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Progress {
            json,
            bar,
            budget,
            caps,
            episodes: 0,
            doing: None,
            is_limited: false,
            is_noise_told: false,
            shown: None,
        }
    }

    /// Shows the lines with which a run opens.
    pub fn open(&self, lines: &[String]) {
        for line in lines {
            self.line(line);
        }
    }

    /// Takes the live line away.
    pub fn close(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Shows what is new.
    pub fn hear(&mut self, heard: Heard<'_>) {
        match heard {
            Heard::Recorded { record, resumed } => {
                if self.json {
                    print_json(record);
                }
                self.record(record, resumed);
            }
            Heard::Told { search, spent } => self.told(search, spent),
            Heard::Paced(pace) => self.paced(pace),
            Heard::Waiting { problem, wait } => {
                self.warn(&format!(
                    "waiting {} s for a model that does not answer: {problem}",
                    wait.as_secs()
                ));
            }
        }
    }

    fn paced(&self, pace: Pace) {
        match pace {
            Pace::Run => self.line("going on"),
            Pace::Pause => self.line("pausing: what is under way is finished first; `optimize resume` goes on"),
            Pace::Conclude => self.line(
                "concluding: what is under way is finished, and then the run ends with what it has; Ctrl-C once more stops \
                 at once, so that it can be resumed",
            ),
            // The end says it.
            Pace::Halt => {}
        }
    }

    fn record(&mut self, record: &Record, resumed: bool) {
        match &record.event {
            Event::EpisodeScored(scored) => {
                self.episode();
                if !resumed && out::tells(Level::Debug) {
                    let EpisodeKey { candidate, scenario, repeat } = &scored.key;
                    let (score, id) = (scored.scorecard.validator_score, candidate.short());
                    self.told_if(
                        Level::Debug,
                        &format!("episode {scenario} of {id}, repeat {repeat}: {score:.3}"),
                    );
                }
            }
            Event::EpisodeUnmeasured(unmeasured) => {
                self.episode();
                let (scenario, reason) = (&unmeasured.key.scenario, &unmeasured.reason);
                self.news(resumed, &format!("unmeasured: {scenario}: {reason}"));
            }
            Event::Planned(planned) => {
                self.doing = Some(doing(planned));
                let (done, budget) = (self.episodes, self.budget);
                if self.bar.is_none() {
                    self.news(resumed, &format!("[{done}/{budget}] {}: {}", doing(planned), steps(planned)));
                }
            }
            Event::Proposed(proposed) => {
                let candidate = &proposed.candidate;
                let operator = format!("{:?}", candidate.operator).to_lowercase();
                let id = candidate.id.short();
                let rationale = proposed.rationale.lines().next().unwrap_or_default();
                self.news(resumed, &self.fitting(&format!("candidate {id} by {operator}: {rationale}")));
            }
            Event::ProposalFailed(failed) => {
                self.news(resumed, &format!("no candidate: {}", fault_words(&failed.reason)))
            }
            Event::Limited(limited) => {
                if !self.is_limited && limited.limit != Limit::STOPPED {
                    let (flag, episodes) = (limited.limit.flag(), limited.episodes);
                    self.news(
                        resumed,
                        &format!("{flag} affords about {episodes} more episodes: the search goes by that"),
                    );
                }
                self.is_limited = true;
            }
            Event::Tuned(tuned) => {
                self.budget = tuned.budget.unwrap_or(self.budget);
                self.caps = tuned.caps.as_ref().map_or(self.caps, |caps| caps.run);
                self.is_limited = false;
                if let Some(bar) = &self.bar {
                    bar.set_length(u64::from(self.budget));
                }
                let change = Change { after_episodes: self.episodes, tuned: tuned.clone() };
                self.news(resumed, &format!("changed {}", change.words()));
            }
            Event::RunStarted(_) | Event::RunFinished(_) => {}
        }
    }

    fn episode(&mut self) {
        self.episodes += 1;
        if let Some(bar) = &self.bar {
            bar.set_position(u64::from(self.episodes));
        }
    }

    fn told(&mut self, search: &Search, spent: Amount) {
        if let Some(noise) = search.noise().filter(|_| !self.is_noise_told) {
            self.is_noise_told = true;
            self.line(&noise_words(&noise));
        }
        let Some(best) = search.best().filter(|best| best.episodes > 0) else { return };
        let words = best_words(&best);
        let spent = self.spent_words(spent);
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{}; {words}{spent}", self.doing.unwrap_or_default()));
        } else if self.shown.as_ref() != Some(&words) {
            self.line(&format!("[{}/{}] {words}{spent}", self.episodes, self.budget));
        }
        self.shown = Some(words);
    }

    /// What was spent until now, of what may be; nothing where no provider is asked.
    fn spent_words(&self, spent: Amount) -> String {
        let of = |cap: Option<String>| cap.map_or(String::new(), |cap| format!(" of {cap}"));
        match (spent.calls, spent.usd) {
            (0, _) => String::new(),
            (_, Usd::ZERO) => {
                format!("; {}{} tokens", spent.tokens, of(self.caps.tokens.map(|cap| cap.to_string())))
            }
            (_, usd) => format!("; {}{}", usd.rounded(), of(self.caps.usd.map(Usd::rounded))),
        }
    }

    /// A line about something that happened in this process.
    fn news(&self, resumed: bool, text: &str) {
        if !resumed {
            self.line(text);
        }
    }

    /// The text as far as a line holds it.
    fn fitting(&self, text: &str) -> String {
        let width = self.bar.as_ref().and_then(|_| Term::stderr().size_checked());
        let columns = width.map_or(PIPED_COLUMNS, |(_, columns)| usize::from(columns));
        truncate_str(text, columns, "…").into_owned()
    }

    /// Shows a line above the live one.
    pub fn line(&self, text: &str) {
        self.told_if(Level::Info, text);
    }

    /// Shows something that somebody should look at.
    pub fn warn(&self, text: &str) {
        self.told_if(Level::Warn, text);
    }

    fn told_if(&self, level: Level, text: &str) {
        if !out::tells(level) {
            return;
        }
        let text = plain(text);
        match &self.bar {
            Some(bar) => bar.suspend(|| out::note(text)),
            None => out::note(text),
        }
    }
}

/// What luck does to scores, before anything is spent on candidates.
fn noise_words(noise: &Noise) -> String {
    let Noise { episode_sd, pass_sd, detectable } = noise;
    format!(
        "noise: scores of equal episodes differ by {episode_sd:.3} (standard deviation), of whole evaluations by \
         {pass_sd:.3}; the confirmation will show a true gain of {detectable:.3} in 8 runs of 10, smaller ones less often"
    )
}

fn print_json(record: &Record) {
    if let Ok(line) = serde_json::to_string(record) {
        out::line(line);
    }
}

fn best_words(best: &Standing) -> String {
    format!(
        "best so far {} at {:.3}{} after {}",
        best.candidate.short(),
        best.objective,
        best.se.map_or(String::new(), |se| format!(" ± {se:.3}")),
        count(best.episodes as usize, "episode")
    )
}

pub fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Calibrate => "measuring the pack to beat",
        Phase::Propose => "making candidates",
        Phase::Screen => "screening",
        Phase::Evaluate => "evaluating",
        Phase::Confirm => "confirming on fresh episodes",
        Phase::HeldOut => "held-out scenarios",
    }
}

/// What a plan does. Edits are also put together without a word of a writer.
fn doing(planned: &Planned) -> &'static str {
    let mut operators = proposals(planned).map(|plan| plan.operator);
    match planned.phase {
        Phase::Propose if operators.any(Operator::asks_writer) => "writing candidates",
        Phase::Propose => "putting earlier edits together",
        phase => phase_word(phase),
    }
}

/// The steps of a plan: so many episodes, or so many proposals and of which kinds.
fn steps(planned: &Planned) -> String {
    let proposed = proposals(planned).count();
    if proposed == 0 {
        return count(planned.steps.len(), "episode");
    }
    let mut operators: Vec<&str> = proposals(planned).map(|plan| plan.operator.word()).collect();
    operators.dedup();
    format!("{} ({})", count(proposed, "proposal"), operators.join(", "))
}

fn proposals(planned: &Planned) -> impl Iterator<Item = &ProposalPlan> {
    planned.steps.iter().filter_map(|step| match step {
        Step::Propose(plan) => Some(plan),
        Step::Run(_) => None,
    })
}

fn fault_words(fault: &ProposalFault) -> String {
    match fault {
        ProposalFault::Unreachable { problem } => format!("the writer could not be reached: {problem}"),
        ProposalFault::Unusable { problem } => format!("the reply is not usable: {problem}"),
        ProposalFault::Duplicate { of } => format!("it repeats {}", of.short()),
        ProposalFault::TooLong { utf16_units } => format!("too long: {utf16_units} UTF-16 units"),
        ProposalFault::Overfitted { names } => {
            format!("it was made for the scenarios: {}", names.join(", "))
        }
        ProposalFault::LimitReached { limit } => limit.to_string(),
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use packwright::units::PackHash;

    #[test]
    fn a_plan_says_what_it_does() {
        let check = |operators: &[Operator], expected: &str| {
            let plan = |operator: &Operator| Step::Propose(ProposalPlan::of(*operator, Vec::new(), 1));
            let planned = Planned { phase: Phase::Propose, steps: operators.iter().map(plan).collect() };
            assert_eq!(format!("{}: {}", doing(&planned), steps(&planned)), expected);
        };
        check(&[Operator::Patch, Operator::Patch], "writing candidates: 2 proposals (patch)");
        check(&[Operator::Rewrite, Operator::Merge], "writing candidates: 2 proposals (rewrite, merge)");
        check(
            &[Operator::Graft, Operator::Revert],
            "putting earlier edits together: 2 proposals (graft, revert)",
        );
        check(&[Operator::Reconcile], "writing candidates: 1 proposal (reconcile)");
        let key = EpisodeKey { candidate: PackHash("c".into()), scenario: "s".into(), repeat: 0 };
        let planned = Planned { phase: Phase::Screen, steps: vec![Step::Run(key)] };
        assert_eq!(format!("{}: {}", doing(&planned), steps(&planned)), "screening: 1 episode");
    }
}
