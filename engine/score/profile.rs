//! A profile: the versioned rules by which a benchmark counts.

use super::objective::{Objective, objective};
use crate::persona::{FIRST_EPOCH, PREAMBLE_UTF16_MAX, Personas};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// How many personas a run under validator conditions meets.
const PERSONAS: NonZeroU32 = NonZeroU32::new(5).expect("five is not zero");

/// The rule set of a benchmark. The subnet changed these rules on eight dates in one month, so none of
/// them is a constant in code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Name and date, for example `clawbench-2026-02`.
    pub name: String,
    /// Which of an episode's two scores counts.
    pub score: ScoreRule,
    /// The weight ρ of the variance in the objective.
    pub rho: f64,
    /// The grid to which the final score is rounded; none leaves it as it is.
    pub grid: Option<f64>,
    /// What a candidate must exceed to win.
    pub margin: Margin,
    /// The wall-clock limit of an episode in milliseconds.
    pub episode_ms_max: u64,
    /// The most times an episode may ask the model.
    pub model_calls_max: u32,
    /// The longest file an agent reads whole, in UTF-16 units.
    pub file_utf16_max: u32,
    /// The longest sum of all files an agent reads, in UTF-16 units.
    pub total_utf16_max: u32,
    /// Whom agents work for, told before the policy; none leaves each scenario its own user and the policy alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personas: Option<Personas>,
}

/// Which score of an episode counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreRule {
    /// As a validator computes it: a passed check counts all its points.
    Validator,
    /// As the reference's script computes it: partial credit, rounded to four decimals.
    Script,
}

/// By how much a candidate must exceed the incumbent; always strictly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Margin {
    /// A fixed distance: incumbent + δ.
    Additive(f64),
    /// A share of the incumbent: incumbent × (1 + δ).
    Multiplicative(f64),
}

impl Profile {
    /// Weighted mean − 0.1 × variance, to be exceeded by 0.05: the rules that miners were told in
    /// February 2026, and the default.
    ///
    /// It counts as a validator does, since that is who decides: from 2026-02-28 on the script that miners
    /// run gives partial credit where validators count the whole check.
    pub fn clawbench_2026_02() -> Profile {
        Profile {
            name: "clawbench-2026-02".into(),
            score: ScoreRule::Validator,
            rho: 0.1,
            grid: None,
            margin: Margin::Additive(0.05),
            episode_ms_max: 180_000,
            model_calls_max: 30,
            file_utf16_max: 20_000,
            total_utf16_max: 24_000,
            personas: None,
        }
    }

    /// What the validators' program did on 2026-02-24: 120 s per episode, and final scores on a grid of 0.05,
    /// so that a challenger had to be two steps ahead. Agents work for the personas of epochs (`persona`).
    ///
    /// Validators also ran each scenario three times and let the runs vote check by check (`score::vote`). A
    /// run here does not: it averages the scores of single episodes, by which a check that passes mostly
    /// counts less than in the vote.
    pub fn subnet_2026_02_24() -> Profile {
        Profile {
            name: "subnet-2026-02-24".into(),
            grid: Some(0.05),
            episode_ms_max: 120_000,
            personas: Some(Personas::from_epoch(FIRST_EPOCH, PERSONAS)),
            ..Profile::clawbench_2026_02()
        }
    }

    /// The built-in profile of that name; `names` lists them.
    pub fn named(name: &str) -> Option<Profile> {
        Profile::built_in().into_iter().find(|profile| profile.name == name)
    }

    /// The names of the built-in profiles, the default first.
    pub fn names() -> Vec<String> {
        Profile::built_in().into_iter().map(|profile| profile.name).collect()
    }

    fn built_in() -> [Profile; 2] {
        [Profile::clawbench_2026_02(), Profile::subnet_2026_02_24()]
    }

    /// The objective over `(weight, score)` pairs in the order of the scenarios' names; none where there is
    /// nothing to average.
    pub fn objective(&self, scores: &[(f64, f64)]) -> Option<Objective> {
        objective(scores, self.rho, self.grid)
    }

    /// The longest policy that agents read whole, in UTF-16 units.
    pub fn policy_utf16_max(&self) -> u32 {
        let before = self.personas.map_or(0, |_| PREAMBLE_UTF16_MAX);
        self.file_utf16_max.saturating_sub(before)
    }

    /// What a challenger must exceed.
    pub fn threshold(&self, incumbent: f64) -> f64 {
        match self.margin {
            Margin::Additive(delta) => incumbent + delta,
            Margin::Multiplicative(delta) => incumbent * (1.0 + delta),
        }
    }

    /// Whether the challenger exceeds the incumbent by more than the margin; being equal to it is not enough.
    pub fn beats(&self, challenger: f64, incumbent: f64) -> bool {
        challenger > self.threshold(incumbent)
    }
}

impl Default for Profile {
    fn default() -> Profile {
        Profile::clawbench_2026_02()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_found_by_their_names() {
        for name in Profile::names() {
            assert_eq!(Profile::named(&name).unwrap().name, name);
        }
        assert_eq!(Profile::names()[0], Profile::default().name);
        assert_eq!(Profile::named("clawbench"), None);
    }

    #[test]
    fn the_margin_must_be_exceeded_strictly() {
        let check = |margin: Margin, incumbent: f64, challenger: f64, expected: bool| {
            let profile = Profile { margin, ..Profile::default() };
            assert_eq!(profile.beats(challenger, incumbent), expected, "{margin:?} {incumbent} {challenger}");
        };
        check(Margin::Additive(0.05), 0.80, 0.85, false);
        check(Margin::Additive(0.05), 0.80, 0.8501, true);
        check(Margin::Additive(0.05), 0.0, 0.05, false);
        check(Margin::Additive(0.05), 0.97, 1.0, false);
        check(Margin::Multiplicative(0.1), 0.5, 0.55, false);
        check(Margin::Multiplicative(0.1), 0.5, 0.551, true);
        check(Margin::Multiplicative(0.1), 0.0, 0.001, true);
        check(Margin::Additive(0.05), f64::NAN, 1.0, false);
    }

    #[test]
    fn profiles_survive_storage() {
        for profile in Profile::built_in() {
            let stored = serde_json::to_string(&profile).unwrap();
            assert_eq!(serde_json::from_str::<Profile>(&stored).unwrap(), profile);
        }
    }

    #[test]
    fn a_profile_from_before_there_were_personas_has_none() {
        let stored = r#"{"name": "subnet-2026-02-24", "score": "validator", "rho": 0.1, "grid": 0.05,
            "margin": {"additive": 0.05}, "episode_ms_max": 120000, "model_calls_max": 30,
            "file_utf16_max": 20000, "total_utf16_max": 24000}"#;
        let read: Profile = serde_json::from_str(stored).unwrap();
        assert_eq!(read, Profile { personas: None, ..Profile::subnet_2026_02_24() });
        assert_eq!(
            (read.policy_utf16_max(), Profile::subnet_2026_02_24().policy_utf16_max()),
            (20_000, 19_700)
        );
        let stored = serde_json::to_string(&Profile::default()).unwrap();
        assert!(!stored.contains("personas"), "a run without them is stored as before");
    }
}
