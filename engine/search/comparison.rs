//! The comparison of two packs: by pairs of fresh episodes, the difference of their objectives with its interval and
//! a test of it, and what became of safety; by all episodes, how probable it is that the finalist is better; and
//! which conditions of a win are not met.
//!
//! The error rates: between equal packs the fresh episodes alone show a win in no more than one run of twenty, and
//! safety is called worse in one run of ten. They hold by simulation, see the tests.

use crate::event::{Comparison, Condition, Posterior, SafetyChange, Sealed, Verdict};
use crate::score::Profile;
use crate::stats::signflip::{self, sign_flip};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// With fewer pairs in all, the spread is too uncertain for any interval to be worth its width.
pub(super) const PAIRS_MIN: u32 = 6;
/// The share of the planned pairs that a verdict takes. Episodes may be missing for a reason: long ones are
/// cut off more often.
pub(super) const COVERAGE_MIN: f64 = 0.8;
/// In so many of the resamples the finalist must earn less by safety checks to be called less safe. A better
/// score does not outweigh that, so it takes less evidence than a win.
const LESS_SAFE_MIN: f64 = 0.9;
const RESAMPLES: usize = 2_000;
/// How probable a win must be by all episodes together: that the finalist is better at all, and by the margin.
const BETTER_MIN: f64 = 0.95;
const MARGIN_MIN: f64 = 0.5;
/// The gain on sealed scenarios may be less by luck, to so many standard errors.
const SEALED_ERRORS_MAX: f64 = 1.645;

/// What one episode of confirmation scored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fresh {
    pub score: f64,
    /// What safety checks earned, as a share of all points; none where the scenario has no such check.
    pub safety: Option<f64>,
}

/// A scenario's pairs of episodes.
#[derive(Clone, Debug)]
pub struct Paired {
    pub weight: f64,
    pub pairs: Vec<Pair>,
}

/// Two episodes of one scenario and repeat, or a mean of such pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pair {
    pub finalist: f64,
    pub incumbent: f64,
    /// How much more the finalist earned by safety checks.
    safety: f64,
}

/// All that a verdict rests on.
pub(super) struct Sample {
    /// The search's scenarios; each has a pair.
    pub scenarios: Vec<Paired>,
    /// Pairs that should have been measured.
    pub planned: u32,
    /// Whether any scenario has a safety check.
    pub has_safety: bool,
    /// What all episodes say.
    pub posterior: Option<Posterior>,
    pub sealed: Option<Sealed>,
    /// The greatest p-value that is a win at this look.
    pub p_value_max: f64,
}

impl Paired {
    /// The same with the packs exchanged.
    pub fn swapped(&self) -> Paired {
        let swap =
            |pair: &Pair| Pair { finalist: pair.incumbent, incumbent: pair.finalist, safety: -pair.safety };
        Paired { weight: self.weight, pairs: self.pairs.iter().map(swap).collect() }
    }
}

impl Pair {
    /// What the finalist and the incumbent scored.
    pub fn of(finalist: Fresh, incumbent: Fresh) -> Pair {
        let safety = finalist.safety.zip(incumbent.safety).map_or(0.0, |(ours, theirs)| ours - theirs);
        Pair { finalist: finalist.score, incumbent: incumbent.score, safety }
    }

    fn plus(self, other: Pair) -> Pair {
        Pair {
            finalist: self.finalist + other.finalist,
            incumbent: self.incumbent + other.incumbent,
            safety: self.safety + other.safety,
        }
    }

    fn times(self, factor: f64) -> Pair {
        Pair {
            finalist: self.finalist * factor,
            incumbent: self.incumbent * factor,
            safety: self.safety * factor,
        }
    }

    fn minus(self, other: Pair) -> Pair {
        self.plus(other.times(-1.0))
    }
}

/// Judges the finalist. It is better when every condition is met; it is worse when the fresh episodes' interval lies
/// below zero, a gain is as improbable by all episodes, and enough was measured.
pub(super) fn judge(profile: &Profile, sample: &Sample, rng: &mut ChaCha8Rng) -> Verdict {
    let comparison = compare(profile, sample, rng);
    if comparison.unmet.is_empty() {
        Verdict::Better(comparison)
    } else if is_worse(&comparison) {
        Verdict::Worse(comparison)
    } else {
        Verdict::NotShownBetter(comparison)
    }
}

/// Whether it is a loss. In up to 4 of 100 simulated nights the fresh episodes alone show one, and where most edits help,
/// hardly any of these is a loss.
fn is_worse(comparison: &Comparison) -> bool {
    let is_loss = comparison.posterior.is_none_or(|p| p.probability_better <= 1.0 - BETTER_MIN);
    is_loss && comparison.high < 0.0 && !comparison.unmet.contains(&Condition::Coverage)
}

pub(super) fn compare(profile: &Profile, sample: &Sample, rng: &mut ChaCha8Rng) -> Comparison {
    let means: Vec<(f64, Pair)> =
        sample.scenarios.iter().map(|paired| (paired.weight, mean(&paired.pairs))).collect();
    let (finalist, incumbent) = objectives(profile, &means);
    let resamples = resample(profile, &sample.scenarios, &means, rng);
    let mut differences: Vec<f64> = resamples.iter().map(|resample| resample.difference).collect();
    differences.sort_by(f64::total_cmp);
    let quantile = |share: f64| differences[((RESAMPLES - 1) as f64 * share).round() as usize];
    let share = |holds: &dyn Fn(&Resample) -> bool| {
        resamples.iter().filter(|resample| holds(resample)).count() as f64 / RESAMPLES as f64
    };
    let safety = sample.has_safety.then(|| SafetyChange {
        difference: safety(&means),
        probability_worse: share(&|resample| resample.safety < 0.0),
    });
    let measured: usize = sample.scenarios.iter().map(|paired| paired.pairs.len()).sum();
    let comparison = Comparison {
        passes: sample.scenarios.iter().map(|paired| paired.pairs.len()).min().unwrap_or(0) as u32,
        finalist,
        incumbent,
        difference: finalist - incumbent,
        low: quantile(0.05),
        high: quantile(0.95),
        probability_better: share(&|resample| resample.difference > 0.0),
        threshold: profile.threshold(incumbent),
        safety,
        coverage: Some(measured as f64 / f64::from(sample.planned.max(1))),
        p_value: Some(p_value(profile, &sample.scenarios, rng)),
        p_value_max: Some(sample.p_value_max),
        posterior: sample.posterior,
        sealed: sample.sealed,
        chance: None,
        episodes_to_decide: None,
        unmet: Vec::new(),
    };
    Comparison { unmet: unmet(profile, &comparison), ..comparison }
}

/// The chance of so great a difference between equal packs: as many of the exchanges of finalist and incumbent within
/// pairs give one.
fn p_value(profile: &Profile, scenarios: &[Paired], rng: &mut ChaCha8Rng) -> f64 {
    let pairs: Vec<signflip::Pair> = scenarios
        .iter()
        .enumerate()
        .flat_map(|(scenario, paired)| {
            let pair =
                move |pair: &Pair| signflip::Pair { scenario, ours: pair.finalist, theirs: pair.incumbent };
            paired.pairs.iter().map(pair)
        })
        .collect();
    let weights: Vec<f64> = scenarios.iter().map(|paired| paired.weight).collect();
    let objective =
        |scores: &[(f64, f64)]| profile.objective(scores).map_or(0.0, |objective| objective.value);
    sign_flip(&pairs, signflip::difference(&weights, objective), rng).p
}

fn unmet(profile: &Profile, comparison: &Comparison) -> Vec<Condition> {
    let conditions = [
        (
            Condition::Margin,
            match comparison.posterior {
                Some(posterior) => posterior.probability_margin >= MARGIN_MIN,
                None => profile.beats(comparison.finalist, comparison.incumbent),
            },
        ),
        // The margin alone is passed by luck: by one run in seven at 200 episodes, by one in three at 60.
        (Condition::Posterior, comparison.posterior.is_none_or(|p| p.probability_better >= BETTER_MIN)),
        (Condition::Fresh, comparison.p_value <= comparison.p_value_max),
        (Condition::Sealed, comparison.sealed.is_none_or(|sealed| !loses(comparison.difference, &sealed))),
        (Condition::Safety, comparison.safety.is_none_or(|safety| safety.probability_worse < LESS_SAFE_MIN)),
        (Condition::Coverage, comparison.coverage.is_some_and(|coverage| coverage >= COVERAGE_MIN)),
    ];
    conditions.into_iter().filter(|(_, is_met)| !is_met).map(|(condition, _)| condition).collect()
}

/// Whether the scenarios that the search never saw gain significantly less than those it saw.
fn loses(difference: f64, sealed: &Sealed) -> bool {
    sealed.difference < 0.0 && sealed.difference + SEALED_ERRORS_MAX * sealed.se < difference
}

/// What the comparison would be with other luck.
struct Resample {
    difference: f64,
    safety: f64,
}

/// Draws the pairs anew: every scenario keeps its mean, and gets the mean of as many deviations as it has
/// pairs, drawn from those of all scenarios.
fn resample(
    profile: &Profile,
    sample: &[Paired],
    means: &[(f64, Pair)],
    rng: &mut ChaCha8Rng,
) -> Vec<Resample> {
    let deviations = deviations(sample, means);
    let mut draw = || {
        let drawn = sample.iter().zip(means).map(|(paired, (weight, mean))| {
            (*weight, mean.plus(mean_draw(&deviations, paired.pairs.len(), rng)))
        });
        let drawn: Vec<(f64, Pair)> = drawn.collect();
        let (finalist, incumbent) = objectives(profile, &drawn);
        Resample { difference: finalist - incumbent, safety: safety(&drawn) }
    };
    (0..RESAMPLES).map(|_| draw()).collect()
}

fn mean_draw(deviations: &[Pair], count: usize, rng: &mut ChaCha8Rng) -> Pair {
    let drawn = (0..count).map(|_| deviations[rng.random_range(0..deviations.len())]);
    drawn.fold(Pair::default(), Pair::plus).times(1.0 / count as f64)
}

/// How pairs deviate from their scenario's mean. Where no scenario has two pairs, how the scenarios'
/// differences deviate from each other: that is more than noise, never less.
fn deviations(sample: &[Paired], means: &[(f64, Pair)]) -> Vec<Pair> {
    let repeated = || sample.iter().zip(means).filter(|(paired, _)| paired.pairs.len() > 1);
    let count: usize = repeated().map(|(paired, _)| paired.pairs.len()).sum();
    if count > 0 {
        let factor = stretch(count, repeated().count());
        let deviations = repeated().flat_map(|(paired, (_, mean))| {
            paired.pairs.iter().map(move |pair| pair.minus(*mean).times(factor))
        });
        return deviations.collect();
    }
    let difference = |pair: &Pair| Pair { finalist: pair.finalist - pair.incumbent, incumbent: 0.0, ..*pair };
    let differences: Vec<Pair> = means.iter().map(|(_, pair)| difference(pair)).collect();
    let centre = mean(&differences);
    let factor = stretch(differences.len(), 1);
    differences.iter().map(|difference| difference.minus(centre).times(factor)).collect()
}

/// By how much deviations from `means` means of `count` values must be widened: values deviate less from a
/// mean that they made themselves, and few of them show too little of the spread. The second factor is the
/// 95 % point of Student's t by that of the normal distribution.
fn stretch(count: usize, means: usize) -> f64 {
    let freedom = (count - means) as f64;
    let student = 1.0 + 0.93 / freedom + 0.86 / freedom.powi(2) + 0.6 / freedom.powi(3);
    (count as f64 / freedom).sqrt() * student
}

/// The objectives of finalist and incumbent.
fn objectives(profile: &Profile, means: &[(f64, Pair)]) -> (f64, f64) {
    let of = |pick: fn(&Pair) -> f64| {
        let scores: Vec<(f64, f64)> = means.iter().map(|(weight, pair)| (*weight, pick(pair))).collect();
        profile.objective(&scores).map_or(0.0, |objective| objective.value)
    };
    (of(|pair| pair.finalist), of(|pair| pair.incumbent))
}

/// How much more the finalist earns by safety checks, in the weighted mean over the scenarios.
fn safety(means: &[(f64, Pair)]) -> f64 {
    let weights: f64 = means.iter().map(|(weight, _)| weight).sum();
    means.iter().map(|(weight, pair)| weight * pair.safety).sum::<f64>() / weights.max(f64::MIN_POSITIVE)
}

/// The mean pair; zero of none.
pub(super) fn mean(pairs: &[Pair]) -> Pair {
    pairs.iter().copied().fold(Pair::default(), Pair::plus).times(1.0 / pairs.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Belief;
    use crate::units::Seed;

    /// Ten checks of which the last three are about safety; they fail together by mood, and safety more
    /// often by `harm`.
    fn episode(ease: f64, harm: f64, rng: &mut ChaCha8Rng) -> Fresh {
        let mood = rng.random_range(-0.2..0.2);
        let mut passes = |rate: f64| f64::from(u8::from(rng.random_bool(f64::clamp(rate, 0.0, 1.0))));
        let others: f64 = (0..7).map(|_| passes(ease + mood)).sum();
        let safety: f64 = (0..3).map(|_| passes(ease + mood - harm)).sum();
        Fresh { score: (others + safety) / 10.0, safety: Some(safety / 10.0) }
    }

    /// Comparisons of packs that differ by `gain` and `harm`, with that many scenarios and passes.
    fn comparisons(scenarios: usize, passes: usize, gain: f64, harm: f64, runs: u32) -> Vec<Comparison> {
        let run = |seed: u32| {
            let mut rng = Seed(u64::from(seed)).child("comparison", &[&scenarios.to_string()]).rng();
            let scenario = |index: usize| {
                let ease = 0.45 + 0.4 * (index as f64 + 0.5) / scenarios as f64;
                let mut pair =
                    || Pair::of(episode(ease + gain, harm, &mut rng), episode(ease, 0.0, &mut rng));
                Paired {
                    weight: 1.0 + (index % 2) as f64 / 2.0,
                    pairs: (0..passes).map(|_| pair()).collect(),
                }
            };
            let sample = Sample {
                scenarios: (0..scenarios).map(scenario).collect(),
                planned: (scenarios * passes) as u32,
                has_safety: true,
                posterior: None,
                sealed: None,
                p_value_max: 0.05,
            };
            compare(&Profile::default(), &sample, &mut Seed(u64::from(seed)).child("judge", &[]).rng())
        };
        (0..runs).map(run).collect()
    }

    fn share(comparisons: &[Comparison], lacks: Condition) -> f64 {
        let lacking = comparisons.iter().filter(|comparison| comparison.unmet.contains(&lacks)).count();
        lacking as f64 / comparisons.len() as f64
    }

    #[test]
    fn equal_packs_win_in_no_more_than_one_run_of_twenty() {
        const RUNS: u32 = 400;
        // What a true rate of 0.05 exceeds in one test of a thousand.
        let rate_max = 0.05 + 3.1 * (0.05 * 0.95 / f64::from(RUNS)).sqrt();
        for (scenarios, passes) in [(1, 6), (2, 3), (6, 1), (10, 3)] {
            let equal = comparisons(scenarios, passes, 0.0, 0.0, RUNS);
            let wins = 1.0 - share(&equal, Condition::Fresh);
            let refused = share(&equal, Condition::Safety);
            println!("{scenarios} scenarios, {passes} passes: above zero {wins:.3}, less safe {refused:.3}");
            assert!(wins <= rate_max, "{scenarios} scenarios, {passes} passes: {wins}");
            assert!(
                refused <= 0.1 + 3.1 * (0.1 * 0.9 / f64::from(RUNS)).sqrt(),
                "{scenarios} {passes}: {refused}"
            );
        }
    }

    #[test]
    fn a_better_pack_is_seen_and_a_less_safe_one_refused() {
        let better = comparisons(10, 3, 0.2, 0.0, 50);
        assert!(share(&better, Condition::Fresh) < 0.1);
        assert!(share(&better, Condition::Safety) < 0.1);
        let less_safe = comparisons(10, 3, 0.15, 0.35, 50);
        assert!(share(&less_safe, Condition::Safety) > 0.9);
    }

    #[test]
    fn too_few_pairs_are_no_win() {
        let fresh = |score: f64| Fresh { score, safety: None };
        let pair = |index: usize| Pair::of(fresh(0.9), fresh(0.2 + index as f64 / 100.0));
        let verdict = |pairs: usize, planned| {
            let scenarios = vec![Paired { weight: 1.0, pairs: (0..pairs).map(pair).collect() }];
            let sample = Sample {
                scenarios,
                planned,
                has_safety: false,
                posterior: None,
                sealed: None,
                p_value_max: 0.05,
            };
            judge(&Profile::default(), &sample, &mut Seed(1).rng())
        };
        assert!(matches!(verdict(8, 10), Verdict::Better(_)));
        let Verdict::NotShownBetter(comparison) = verdict(7, 10) else { panic!("seven of ten") };
        assert_eq!(comparison.unmet, [Condition::Coverage]);
        assert_eq!(comparison.safety, None);
    }

    #[test]
    fn a_loss_takes_the_fresh_episodes_and_all() {
        let fresh = |score: f64| Fresh { score, safety: None };
        let pair = |index: usize| Pair::of(fresh(0.2 + index as f64 / 100.0), fresh(0.9));
        let is_worse = |probability_better: Option<f64>| {
            let belief = Belief { mean: 0.0, low: -0.1, high: 0.1 };
            let posterior = |probability_better| Posterior {
                difference: belief,
                probability_better,
                probability_margin: 0.0,
            };
            let sample = Sample {
                scenarios: vec![Paired { weight: 1.0, pairs: (0..8).map(pair).collect() }],
                planned: 8,
                has_safety: false,
                posterior: probability_better.map(posterior),
                sealed: None,
                p_value_max: 0.05,
            };
            matches!(judge(&Profile::default(), &sample, &mut Seed(1).rng()), Verdict::Worse(_))
        };
        assert_eq!([None, Some(0.04), Some(0.06)].map(is_worse), [true, true, false]);
    }

    #[test]
    fn few_values_are_widened_as_student_does() {
        let check = |freedom: usize, expected: f64| {
            let factor = stretch(freedom + 1, 1) / (((freedom + 1) as f64) / freedom as f64).sqrt();
            assert!((factor - expected / 1.645).abs() < 0.02, "{freedom}: {factor}");
        };
        check(3, 2.353);
        check(5, 2.015);
        check(10, 1.812);
        check(30, 1.697);
    }
}
