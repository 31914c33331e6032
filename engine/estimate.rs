//! What a run will probably take before it is begun: episodes, candidates, tokens, dollars and hours, each as a
//! range, and whether the limits afford it.
//!
//! Where earlier runs have measured the same model on the same suite, the ranges stand on them; else on the
//! length of what the model is sent, and are as wide as that is uncertain.

mod basis;

use crate::budget::{Amount, Limit, Resource, Role, RunCaps};
use crate::llm::pricing::Price;
use crate::search::{Division, candidates_looked_at, wave};
use crate::units::Usd;
use serde::Serialize;

pub use basis::{Measured, PerTask, Sent};

/// Between a low and a high value; the truth is expected inside, not promised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Range {
    pub low: f64,
    pub high: f64,
}

/// What is asked about.
pub struct Question<'a> {
    pub division: Division,
    pub scenarios: u32,
    pub caps: &'a RunCaps,
    pub parallel: u32,
    /// Proposals made side by side.
    pub proposals: u32,
    pub agent: Asked,
    pub writer: Asked,
}

/// A model in its role.
pub struct Asked {
    /// None for an evaluator of the user that was not measured yet: nobody knows what it takes.
    pub task: Option<PerTask>,
    /// Of the models that take turns; none where one of them has no price.
    pub prices: Vec<Price>,
    /// A model inside this program sends and costs nothing.
    pub is_offline: bool,
    /// The upper bound of one call, which must fit for a call to be made.
    pub bound: Amount,
}

/// What a run will take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    pub division: Division,
    pub candidates: Range,
    /// How many times the search could run all its scenarios.
    pub full_evaluations: f64,
    /// How often each of the two packs meets every scenario when the best is confirmed.
    pub repeats: u32,
    pub agent: Share,
    pub writer: Share,
    /// None where a model has no price.
    pub usd: Option<Range>,
    /// None where nobody knows what an evaluator takes.
    pub hours: Option<Range>,
    /// How many episodes the tightest limit affords; none where nothing is limited.
    pub affordable: Option<Affordable>,
    /// A limit that not even one call of a role fits, or not three proposals.
    pub hopeless: Option<(Limit, Role)>,
}

/// The part of one role.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Share {
    pub is_offline: bool,
    pub tasks: Range,
    /// None where nobody knows what an evaluator takes, and then there are neither tokens nor dollars.
    pub per_task: Option<PerTask>,
    pub tokens: Option<Range>,
    pub usd: Option<Range>,
}

/// What a limit affords.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Affordable {
    pub limit: Limit,
    pub episodes: Range,
}

/// Of the input, so much is read from the provider's cache at best.
const CACHED_SHARE_MAX: f64 = 0.85;
/// Writers' new candidates per candidate that the planned episodes of the search are a look at, as searches of this
/// program have had them: confirmation takes more or less than planned, by the noise that is measured.
const CANDIDATES_PER_LOOK: Range = Range { low: 0.3, high: 1.3 };
/// The part of the confirmation before its first look, which may decide.
const FIRST_LOOK: f64 = 0.6;

/// Puts the estimate together.
pub fn estimate(question: &Question<'_>) -> Estimate {
    let division = question.division;
    let passes = f64::from(division.search) / f64::from(question.scenarios.max(1));
    let candidates =
        CANDIDATES_PER_LOOK.times(f64::from(candidates_looked_at(division.search))).at_least(1.0);
    // Some proposals give no candidate, and some are asked for twice.
    let proposals = Range { low: candidates.low, high: 1.5 * candidates.high };
    let episodes = f64::from(division.total());
    // A run may stop early: when the writer has no new ideas, and when the first look at the confirmation decides.
    let undecided = f64::from(division.confirmation) * (1.0 - FIRST_LOOK);
    let agent = Share::of(&question.agent, Range { low: 0.9 * (episodes - undecided), high: episodes });
    let writer = Share::of(&question.writer, proposals);
    let usd = agent.usd.zip(writer.usd).map(|(agent, writer)| agent.plus(writer));
    let lanes = f64::from(question.parallel.max(1));
    // A round of proposals is as wide as the run says, whatever could be under way at once, and few of its candidates
    // are looked at together; the rest fills all lanes.
    let narrow = lanes.min(f64::from(question.proposals.max(1)));
    let looked = lanes.min(f64::from(wave(question.proposals)));
    let searched = f64::from(division.search) / episodes.max(1.0);
    let turns = (1.0 - searched) / lanes + searched / looked;
    let hours_of =
        |share: &Share, turns: f64| Some(share.tasks.by(share.per_task?.seconds).times(turns / 3600.0));
    let hours = hours_of(&agent, turns).zip(hours_of(&writer, 1.0 / narrow));
    // Plans are done one after the other, and the last of each leave lanes empty.
    let hours =
        hours.map(|(agent, writer)| agent.plus(writer)).map(|sum| Range { high: 2.0 * sum.high, ..sum });
    let affordable = affordable(question, &agent, &writer);
    let hopeless = hopeless(question, &writer);
    let repeats = division.confirmation / (2 * question.scenarios).max(1);
    let full_evaluations = passes;
    Estimate {
        division,
        candidates,
        full_evaluations,
        repeats,
        agent,
        writer,
        usd,
        hours,
        affordable,
        hopeless,
    }
}

/// The first limit under which a role's calls are never made, or the writers cannot write three candidates.
fn hopeless(question: &Question<'_>, writer: &Share) -> Option<(Limit, Role)> {
    let caps = question.caps;
    let roles = [(Role::Agent, &question.agent), (Role::Writer, &question.writer)];
    let limits = roles.into_iter().filter(|(_, asked)| !asked.is_offline).flat_map(|(role, asked)| {
        let limits = [(None, caps.run), (Some(role), *caps.of(role))];
        limits.map(|(whose, caps)| (role, asked.bound, whose, caps))
    });
    for (role, bound, whose, caps) in limits {
        let least = match role {
            Role::Agent => bound,
            Role::Writer if whose.is_some() => three_proposals(writer, bound),
            Role::Writer => bound,
        };
        if let Some(resource) = least.exceeds(&caps) {
            return Some((Limit { role: whose, resource }, role));
        }
    }
    None
}

/// Three proposals at their least, of which the last must fit with its bound.
fn three_proposals(writer: &Share, bound: Amount) -> Amount {
    let two = |least: f64| 2.0 * least;
    let usd = writer.per_task_usd().map_or(0.0, |usd| two(usd.low));
    let earlier = Amount {
        usd: Usd::of_dollars(usd).unwrap_or_default(),
        tokens: writer.per_task_tokens().map_or(0, |tokens| two(tokens.low) as u64),
        calls: 2,
    };
    earlier.plus(bound)
}

/// How many episodes the limits afford, the writer's share taken out first.
fn affordable(question: &Question<'_>, agent: &Share, writer: &Share) -> Option<Affordable> {
    let mut tightest: Option<Affordable> = None;
    let mut consider = |role, resource, cap: f64, taken: Range, each: Range| {
        if each.high <= 0.0 {
            return;
        }
        let left = Range { low: (cap - taken.high).max(0.0), high: (cap - taken.low).max(0.0) };
        let least = each.low.max(f64::MIN_POSITIVE);
        let episodes = left.by(Range { low: 1.0 / each.high, high: 1.0 / least });
        if tightest.is_none_or(|known| episodes.high < known.episodes.high) {
            tightest = Some(Affordable { limit: Limit { role, resource }, episodes });
        }
    };
    let none = Range { low: 0.0, high: 0.0 };
    let per_call =
        |share: &Share| share.per_task.filter(|_| !share.is_offline).map_or(none, |task| task.calls);
    for (role, caps) in [(None, question.caps.run), (Some(Role::Agent), question.caps.agent)] {
        let of_writer = |range: Range| if role.is_none() { range } else { none };
        if let (Some(cap), Some(usd)) = (caps.usd, agent.per_task_usd()) {
            let taken = of_writer(writer.usd.unwrap_or(none));
            consider(role, Resource::Usd, cap.as_dollars(), taken, usd);
        }
        if let (Some(cap), Some(tokens)) = (caps.tokens, agent.per_task_tokens()) {
            consider(role, Resource::Tokens, cap as f64, of_writer(writer.tokens.unwrap_or(none)), tokens);
        }
        if let Some(cap) = caps.calls {
            let taken = of_writer(writer.tasks.by(per_call(writer)));
            consider(role, Resource::Calls, cap as f64, taken, per_call(agent));
        }
        if let (Some(cap), Some(task)) = (caps.time_ms, agent.per_task) {
            let lanes = f64::from(question.parallel.max(1));
            let each = task.seconds.times(1.0 / lanes);
            consider(role, Resource::Time, cap as f64 / 1e3, none, each);
        }
    }
    tightest
}

impl Share {
    fn of(asked: &Asked, tasks: Range) -> Share {
        let none = Range { low: 0.0, high: 0.0 };
        let (is_offline, per_task) = (asked.is_offline, asked.task);
        let mut share = Share { is_offline, tasks, per_task, tokens: None, usd: is_offline.then_some(none) };
        share.tokens = share.per_task_tokens().map(|tokens| tasks.by(tokens));
        if let Some(task) = per_task.filter(|_| !is_offline) {
            let each = asked.prices.iter().map(|price| usd(&task, *price));
            // What an evaluator reports needs no price.
            share.usd = mean(each).or(task.reported_usd).map(|usd| tasks.by(usd));
        }
        share
    }

    fn per_task_tokens(&self) -> Option<Range> {
        match self.is_offline {
            true => Some(Range { low: 0.0, high: 0.0 }),
            false => self.per_task.map(|task| task.input_tokens.plus(task.output_tokens)),
        }
    }

    fn per_task_usd(&self) -> Option<Range> {
        let usd = self.usd?;
        let each = |usd: f64, tasks: f64| if tasks > 0.0 { usd / tasks } else { 0.0 };
        Some(Range { low: each(usd.low, self.tasks.low), high: each(usd.high, self.tasks.high) })
    }
}

/// The dollars of one task. At best most of the input is read from the provider's cache, at worst none is.
fn usd(task: &PerTask, price: Price) -> Range {
    let of_input = |cached: f64| price.of_input(cached);
    let known = task.cached_share.map(|share| Range { low: of_input(share), high: of_input(share) });
    let input = known.unwrap_or(Range { low: of_input(CACHED_SHARE_MAX), high: of_input(0.0) });
    task.input_tokens.by(input).plus(task.output_tokens.times(price.of_output()))
}

fn mean(ranges: impl ExactSizeIterator<Item = Range>) -> Option<Range> {
    let count = ranges.len() as f64;
    ranges.reduce(Range::plus).map(|sum| sum.times(1.0 / count))
}

impl Range {
    pub fn around(value: f64, down: f64, up: f64) -> Range {
        Range { low: value * down, high: value * up }
    }

    pub fn plus(self, other: Range) -> Range {
        Range { low: self.low + other.low, high: self.high + other.high }
    }

    /// The product of two amounts that know nothing of each other: that both are at their ends at once is
    /// unlikely, so what they are uncertain about adds up as independent errors of logarithms do.
    pub fn by(self, other: Range) -> Range {
        if self.low <= 0.0 || other.low <= 0.0 {
            return Range { low: self.low * other.low, high: self.high * other.high };
        }
        let middle = (self.low * self.high * other.low * other.high).sqrt();
        let half = |range: Range| (range.high / range.low).ln() / 2.0;
        let spread = half(self).hypot(half(other)).exp();
        Range { low: middle / spread, high: middle * spread }
    }

    pub fn times(self, factor: f64) -> Range {
        Range { low: self.low * factor, high: self.high * factor }
    }

    fn at_least(self, least: f64) -> Range {
        Range { low: self.low.max(least), high: self.high.max(least) }
    }

    pub fn holds(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Caps;

    fn task(calls: f64, input: f64, output: f64) -> PerTask {
        let exactly = |value: f64| Range { low: value, high: value };
        PerTask {
            calls: exactly(calls),
            input_tokens: exactly(input),
            output_tokens: exactly(output),
            seconds: exactly(10.0),
            cached_share: Some(0.0),
            measured: 60,
            reported_usd: None,
        }
    }

    fn question(caps: &RunCaps) -> Question<'_> {
        let price = Price::per_million("2".parse().unwrap(), "8".parse().unwrap());
        let bound = Amount { usd: Usd::of_dollars(0.1).unwrap(), tokens: 9_000, calls: 1 };
        let asked = |task| Asked { task: Some(task), prices: vec![price], is_offline: false, bound };
        Question {
            division: Division { calibration: 20, search: 100, confirmation: 60, held_out: 20 },
            scenarios: 10,
            caps,
            parallel: 8,
            proposals: 2,
            agent: asked(task(5.0, 10_000.0, 1_000.0)),
            writer: asked(task(1.0, 3_000.0, 500.0)),
        }
    }

    #[test]
    fn an_estimate_adds_up() {
        let estimate = estimate(&question(&RunCaps::default()));
        // 200 episodes at 10,000 × $2 + 1,000 × $8 per million, or 24 fewer after the first look, and up to 10 % fewer;
        // 30 to 195 proposals at $0.01.
        let usd = estimate.usd.unwrap();
        assert!((usd.low - (0.9 * 176.0 * 0.028 + 30.0 * 0.01)).abs() < 1e-9, "{usd:?}");
        assert!((usd.high - (200.0 * 0.028 + 195.0 * 0.01)).abs() < 1e-9, "{usd:?}");
        assert_eq!(estimate.affordable, None);
        // 100 episodes one at a time, 30 to 195 proposals two at a time, the rest eight at a time, 10 s each; twice that
        // at worst.
        let hours = estimate.hours.unwrap();
        assert!(
            (hours.low - (0.9 * 176.0 * (0.5 + 0.5 / 8.0) + 30.0 / 2.0) * 10.0 / 3600.0).abs() < 1e-9,
            "{hours:?}"
        );
        assert!(
            (hours.high - 2.0 * (200.0 * (0.5 + 0.5 / 8.0) + 195.0 / 2.0) * 10.0 / 3600.0).abs() < 1e-9,
            "{hours:?}"
        );
    }

    #[test]
    fn the_tightest_limit_is_told() {
        let usd = |dollars| Caps { usd: Usd::of_dollars(dollars), ..Caps::default() };
        let calls = Caps { calls: Some(5_000), ..Caps::default() };
        let caps = RunCaps { run: usd(2.8), agent: calls, writer: Caps::default() };
        let affordable = estimate(&question(&caps)).affordable.unwrap();
        assert_eq!(affordable.limit, Limit { role: None, resource: Resource::Usd });
        assert!(affordable.episodes.holds(80.0) && affordable.episodes.high < 100.0, "{affordable:?}");
        let caps = RunCaps { agent: Caps { calls: Some(400), ..Caps::default() }, ..caps };
        let affordable = estimate(&question(&caps)).affordable.unwrap();
        assert_eq!(affordable.limit.flag(), "--agent-max-calls");
        assert_eq!(affordable.episodes, Range { low: 80.0, high: 80.0 });
    }

    #[test]
    fn a_limit_that_no_call_fits_is_hopeless() {
        let check = |caps: RunCaps, expected: Option<(&str, Role)>| {
            let hopeless = estimate(&question(&caps)).hopeless;
            assert_eq!(
                hopeless.map(|(limit, role)| (limit.flag(), role)),
                expected.map(|(flag, role)| (flag.to_owned(), role))
            );
        };
        let usd = |dollars| Caps { usd: Usd::of_dollars(dollars), ..Caps::default() };
        check(RunCaps { run: usd(5.0), ..RunCaps::default() }, None);
        check(RunCaps { run: usd(0.09), ..RunCaps::default() }, Some(("--max-usd", Role::Agent)));
        // Two proposals at $0.01 each, and the bound of the third.
        check(RunCaps { writer: usd(0.13), ..RunCaps::default() }, None);
        check(RunCaps { writer: usd(0.11), ..RunCaps::default() }, Some(("--writer-max-usd", Role::Writer)));
        let calls = Caps { calls: Some(2), ..Caps::default() };
        check(RunCaps { writer: calls, ..RunCaps::default() }, Some(("--writer-max-calls", Role::Writer)));
    }

    #[test]
    fn without_a_price_there_are_no_dollars() {
        let caps = RunCaps::default();
        let mut question = question(&caps);
        question.writer.prices.clear();
        assert_eq!(estimate(&question).usd, None);
        question.writer.is_offline = true;
        assert!(estimate(&question).usd.is_some(), "the offline model costs nothing");
    }

    #[test]
    fn what_an_evaluator_takes_is_not_known_before_it_was_measured() {
        let caps =
            RunCaps { run: Caps { usd: Usd::of_dollars(5.0), ..Caps::default() }, ..RunCaps::default() };
        let mut question = question(&caps);
        question.agent =
            Asked { task: None, prices: Vec::new(), is_offline: false, bound: Amount::default() };
        let unknown = estimate(&question);
        assert_eq!((unknown.agent.tokens, unknown.usd, unknown.hours), (None, None, None));
        assert_eq!(unknown.affordable, None);
        let exactly = |value: f64| Some(Range { low: value, high: value });
        question.agent.task = Some(PerTask { reported_usd: exactly(0.02), ..task(1.0, 100.0, 10.0) });
        let known = estimate(&question);
        assert!(known.usd.unwrap().holds(200.0 * 0.02 + 0.1) && known.hours.is_some());
        assert_eq!(known.affordable.unwrap().limit.flag(), "--max-usd");
    }

    #[test]
    fn what_is_uncertain_in_two_ways_is_less_than_twice_as_uncertain() {
        let wide = Range { low: 1.0, high: 4.0 };
        let product = wide.by(wide);
        assert!((product.low * product.high - 16.0).abs() < 1e-9, "the middle stays");
        assert!(product.low > 1.0 && product.high < 16.0, "{product:?}");
        assert_eq!(Range { low: 0.0, high: 2.0 }.by(wide), Range { low: 0.0, high: 8.0 });
    }
}
