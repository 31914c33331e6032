//! The message of the commit that publishes a winner: what was measured, and by which run.

use crate::pack::Pack;
use crate::units::RunId;

/// What a commit says about the pack it publishes.
#[derive(Clone, Debug, PartialEq)]
pub struct CommitNote {
    /// The objective of the pack, as it was estimated on evidence that did not choose it.
    pub score: f64,
    /// The interval of that estimate.
    pub low: f64,
    pub high: f64,
    /// The objective of the pack that was best before, where there was one.
    pub incumbent: Option<f64>,
    /// How likely the pack is better than the incumbent.
    pub probability: Option<f64>,
    pub run: RunId,
    pub suite: String,
    pub model: String,
    pub profile: String,
}

impl CommitNote {
    /// The commit message: a line for people, and trailers for programs.
    pub(super) fn message(&self, pack: &Pack) -> String {
        let before = self.incumbent.map_or(String::new(), |score| format!(", was {score:.4}"));
        let mut message = format!("pack: score {:.4}{before}\n\n", self.score);
        let mut trailer = |name: &str, value: &str| {
            // A value with line breaks could pose as another trailer.
            let line: Vec<&str> = value.split_whitespace().collect();
            message.push_str(&format!("{name}: {}\n", line.join(" ")));
        };
        trailer("Pack-Hash", &pack.hash().0);
        trailer("Score", &format!("{:.4}", self.score));
        trailer("Interval", &format!("{:.4} to {:.4}", self.low, self.high));
        if let Some(score) = self.incumbent {
            trailer("Incumbent-Score", &format!("{score:.4}"));
        }
        if let Some(probability) = self.probability {
            trailer("Probability-Better", &format!("{probability:.3}"));
        }
        trailer("Run", &self.run.0);
        trailer("Suite", &self.suite);
        trailer("Model", &self.model);
        trailer("Profile", &self.profile);
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::PackMetadata;

    #[test]
    fn a_message_names_score_interval_hash_and_run() {
        let pack = Pack::of_policy("x", &PackMetadata::default());
        let note = CommitNote {
            score: 0.87125,
            low: 0.84,
            high: 0.9,
            incumbent: Some(0.742),
            probability: Some(0.9812),
            run: RunId("r1".into()),
            suite: "office".into(),
            model: "a model\nScore: 1.0".into(),
            profile: "clawbench-2026-02".into(),
        };
        let expected = format!(
            "pack: score 0.8712, was 0.7420\n\nPack-Hash: {}\nScore: 0.8712\nInterval: 0.8400 to 0.9000\n\
             Incumbent-Score: 0.7420\nProbability-Better: 0.981\nRun: r1\nSuite: office\n\
             Model: a model Score: 1.0\nProfile: clawbench-2026-02\n",
            pack.hash()
        );
        assert_eq!(note.message(&pack), expected);
        let first = CommitNote { incumbent: None, probability: None, ..note };
        assert!(first.message(&pack).starts_with("pack: score 0.8712\n\n"));
        assert!(!first.message(&pack).contains("Incumbent"));
    }
}
