//! How a budget is divided: what calibration takes, what is kept for confirmation and for the held-out
//! scenarios, and whether the whole is enough to decide anything.

use super::comparison::PAIRS_MIN;
use crate::event::RunStarted;
use serde::Serialize;

/// The share of the budget that confirmation is expected to take, and the least and the most that it may: with less it
/// shows too few of the gains that there are, with more the search starves.
const CONFIRMATION_SHARE: f64 = 0.4;
const CONFIRMATION_SHARE_MIN: f64 = 0.25;
const CONFIRMATION_SHARE_MAX: f64 = 0.5;
/// The most that two calibration passes may take; above it one has to do.
const CALIBRATION_SHARE_MAX: f64 = 0.15;
/// The most that the held-out scenarios may take.
const HELD_OUT_SHARE_MAX: f64 = 0.1;
/// Fewer proposals than this are no search.
const PROPOSALS_MIN: u32 = 3;
/// On so many scenarios a new candidate is looked at.
const SCREENED: u32 = 1;
/// More passes would settle nothing that matters.
const CONFIRMATION_PASSES_MAX: u64 = 100;

/// A budget by what its episodes are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Division {
    /// To measure the pack to beat.
    pub calibration: u32,
    /// To look for a better one.
    pub search: u32,
    /// To compare the best with it, on fresh episodes.
    pub confirmation: u32,
    pub held_out: u32,
}

impl Division {
    pub fn total(&self) -> u32 {
        self.calibration + self.search + self.confirmation + self.held_out
    }
}

/// The division of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allotment {
    pub budget: u32,
    /// Scenarios that the search may use.
    pub scenarios: u32,
    /// Episodes of the incumbent per scenario.
    pub calibration_passes: u32,
    /// Episodes per scenario for finalist and incumbent each; 0 when the budget cannot pay for a comparison.
    pub confirmation_passes: u32,
    /// Episodes on held-out scenarios.
    pub held_out: u32,
}

impl Allotment {
    pub fn of(run: &RunStarted) -> Allotment {
        let held_out = run.scenarios.iter().filter(|scenario| scenario.held_out).count() as u32;
        Allotment::divide(run.budget, run.scenarios.len() as u32 - held_out, held_out)
    }

    pub fn divide(budget: u32, scenarios: u32, held_out_scenarios: u32) -> Allotment {
        if scenarios == 0 || budget < minimum(scenarios) {
            return Allotment {
                budget,
                scenarios,
                calibration_passes: 1,
                confirmation_passes: 0,
                held_out: 0,
            };
        }
        let pass_of_both = 2 * u64::from(scenarios);
        let share = |share: f64| (f64::from(budget) * share) as u64;
        // One pass of the incumbent and one of a candidate come before anything that is kept.
        let spare = u64::from(budget).saturating_sub(pass_of_both);
        let passes = confirmation_passes(budget, scenarios, CONFIRMATION_SHARE);
        let held_out = 2 * u64::from(held_out_scenarios);
        let held_out_fits =
            held_out <= share(HELD_OUT_SHARE_MAX).min(spare.saturating_sub(passes * pass_of_both));
        let held_out = if held_out_fits { held_out } else { 0 };
        let second_fits = pass_of_both + passes * pass_of_both + held_out < u64::from(budget);
        let wants_second = pass_of_both <= share(CALIBRATION_SHARE_MAX);
        Allotment {
            budget,
            scenarios,
            calibration_passes: if wants_second && second_fits { 2 } else { 1 },
            confirmation_passes: passes as u32,
            held_out: held_out as u32,
        }
    }

    /// With so many confirmation passes, as far as the budget has them to spare.
    pub fn fitted(mut self, wanted: u32) -> Allotment {
        if self.can_confirm() {
            let passes = |share| confirmation_passes(self.budget, self.scenarios, share) as u32;
            self.confirmation_passes =
                wanted.clamp(passes(CONFIRMATION_SHARE_MIN), passes(CONFIRMATION_SHARE_MAX));
            let kept = self.calibration_passes * self.scenarios + self.kept();
            if kept >= self.budget {
                self.held_out = 0;
            }
        }
        self
    }

    /// No more confirmation than so many episodes pay for.
    pub fn within(mut self, episodes: u32) -> Allotment {
        let pass_of_both = 2 * self.scenarios.max(1);
        if episodes < self.held_out + self.confirmation_passes * pass_of_both {
            self.held_out = 0;
        }
        let passes = self.confirmation_passes.min(episodes / pass_of_both);
        let is_enough = u64::from(passes) >= passes_min(self.scenarios);
        self.confirmation_passes = if is_enough { passes } else { 0 };
        self
    }

    /// Whether the budget can pay for calibration, a candidate, and its comparison with the incumbent.
    pub fn can_confirm(&self) -> bool {
        self.confirmation_passes > 0
    }

    pub fn division(&self) -> Division {
        let calibration = self.calibration_passes * self.scenarios;
        let confirmation = 2 * self.scenarios * self.confirmation_passes;
        let spent = calibration + confirmation + self.held_out;
        let search = self.budget.saturating_sub(spent);
        Division { calibration, search, confirmation, held_out: self.held_out }
    }

    /// The fewest episodes that pay for three proposals and a final comparison.
    pub fn enough(&self) -> u32 {
        let screened = (PROPOSALS_MIN * SCREENED).min(PROPOSALS_MIN * self.scenarios);
        minimum(self.scenarios).saturating_sub(1).saturating_add(screened)
    }

    /// Episodes kept from the search.
    pub fn kept(&self) -> u32 {
        2 * self.scenarios * self.confirmation_passes + self.held_out
    }

    /// Why nothing can be decided with this budget.
    pub fn shortage(&self) -> String {
        if self.scenarios == 0 {
            return "the suite has no scenario that the search may use: all are held out".to_owned();
        }
        let minimum = minimum(self.scenarios);
        format!(
            "a budget of {} episodes cannot compare two packs on {} scenarios: measuring the incumbent, trying \
             one candidate and confirming both takes at least {minimum}; `--budget {minimum}` would do, and \
             about 20 episodes per scenario leave something to search with",
            self.budget, self.scenarios,
        )
    }
}

/// One pass of the incumbent, one episode of a candidate, and the fewest confirmation passes of both.
fn minimum(scenarios: u32) -> u32 {
    let confirmation = 2 * u64::from(scenarios) * passes_min(scenarios);
    (u64::from(scenarios) + 1 + confirmation).try_into().unwrap_or(u32::MAX)
}

/// The confirmation passes that a share of a budget pays for, beside one pass of the incumbent and one of a candidate.
fn confirmation_passes(budget: u32, scenarios: u32, share: f64) -> u64 {
    let pass_of_both = 2 * u64::from(scenarios);
    let spare = u64::from(budget).saturating_sub(pass_of_both);
    let wanted = ((f64::from(budget) * share) as u64 + u64::from(scenarios)) / pass_of_both;
    wanted.min(spare / pass_of_both).clamp(passes_min(scenarios), CONFIRMATION_PASSES_MAX)
}

/// The confirmation passes that give enough pairs.
fn passes_min(scenarios: u32) -> u64 {
    u64::from(PAIRS_MIN.div_ceil(scenarios.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_divided() {
        let check = |budget, scenarios, held_out, expected: (u32, u32, u32)| {
            let allotment = Allotment::divide(budget, scenarios, held_out);
            let got = (allotment.calibration_passes, allotment.confirmation_passes, allotment.held_out);
            assert_eq!(got, expected, "{budget} episodes, {scenarios} scenarios");
        };
        check(200, 6, 2, (2, 7, 4));
        check(200, 5, 0, (2, 8, 0));
        check(40, 6, 2, (1, 1, 4));
        check(19, 6, 2, (1, 1, 0));
        check(18, 6, 2, (1, 0, 0));
        check(1, 6, 2, (1, 0, 0));
        check(13, 1, 0, (1, 0, 0));
        check(14, 1, 0, (1, 6, 0));
        check(30, 10, 2, (1, 0, 0));
        check(31, 10, 2, (1, 1, 0));
        check(u32::MAX, 6, 2, (2, 100, 4));
    }

    #[test]
    fn what_is_kept_leaves_room_for_a_candidate() {
        for scenarios in 1..30 {
            for budget in minimum(scenarios)..1_000 {
                let divided = Allotment::divide(budget, scenarios, 2);
                for allotment in [divided, divided.fitted(0), divided.fitted(u32::MAX)] {
                    let calibration = allotment.calibration_passes * scenarios;
                    let words = format!("{budget} episodes, {scenarios} scenarios: {allotment:?}");
                    assert!(allotment.kept() + calibration < budget, "{words}");
                }
            }
        }
    }

    #[test]
    fn confirmation_takes_what_the_noise_asks_for_within_its_bounds() {
        let passes = |wanted| Allotment::divide(200, 5, 0).fitted(wanted).confirmation_passes;
        assert_eq!([passes(0), passes(7), passes(9), passes(50)], [5, 7, 9, 10]);
    }
}
