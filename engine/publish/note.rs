//! The message of the commit that publishes a winner: what was measured, and by which run.

use crate::event::Comparison;
use crate::pack::Pack;
use crate::units::RunId;

/// What a commit says about the pack it publishes.
#[derive(Clone, Debug, PartialEq)]
pub struct CommitNote {
    /// The pack and the one that was best before, on evidence that did not choose it.
    pub comparison: Comparison,
    pub run: RunId,
    pub suite: String,
    pub model: String,
    pub profile: String,
}

impl CommitNote {
    /// The commit message: a line for people, and trailers for programs.
    pub(super) fn message(&self, pack: &Pack) -> String {
        let Comparison { finalist, incumbent, difference, low, high, probability_better, .. } =
            self.comparison;
        let mut message = format!("pack: score {finalist:.4}, was {incumbent:.4}\n\n");
        let mut trailer = |name: &str, value: &str| {
            // A value with line breaks could pose as another trailer.
            let line: Vec<&str> = value.split_whitespace().collect();
            message.push_str(&format!("{name}: {}\n", line.join(" ")));
        };
        trailer("Pack-Hash", &pack.hash().0);
        trailer("Score", &format!("{finalist:.4}"));
        trailer("Incumbent-Score", &format!("{incumbent:.4}"));
        trailer("Gain", &format!("{difference:+.4}"));
        trailer("Gain-Interval-90", &format!("{low:+.4} to {high:+.4}"));
        trailer("Probability-Better", &format!("{probability_better:.3}"));
        trailer("Run", &self.run.0);
        trailer("Suite", &self.suite);
        trailer("Model", &self.model);
        trailer("Profile", &self.profile);
        message
    }
}

/// The conditions under which a pack won.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WonWith {
    pub model: String,
    pub suite: String,
}

impl WonWith {
    /// Reads it from the trailers of a commit message.
    pub(super) fn read(message: &str) -> Option<WonWith> {
        let trailer =
            |name: &str| message.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        Some(WonWith { model: trailer("Model: ")?, suite: trailer("Suite: ")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::PackMetadata;

    #[test]
    fn a_message_names_scores_gain_hash_and_run() {
        let pack = Pack::of_policy("x", &PackMetadata::default());
        let note = CommitNote {
            comparison: Comparison {
                passes: 3,
                finalist: 0.87125,
                incumbent: 0.742,
                difference: 0.12925,
                low: 0.098,
                high: 0.158,
                probability_better: 0.9812,
                threshold: 0.792,
                safety: None,
                coverage: Some(1.0),
                p_value: Some(0.01),
                p_value_max: Some(0.05),
                posterior: None,
                sealed: None,
                chance: None,
                episodes_to_decide: None,
                unmet: Vec::new(),
            },
            run: RunId("r1".into()),
            suite: "office".into(),
            model: "a model\nScore: 1.0".into(),
            profile: "clawbench-2026-02".into(),
        };
        let expected = format!(
            "pack: score 0.8712, was 0.7420\n\nPack-Hash: {}\nScore: 0.8712\nIncumbent-Score: 0.7420\n\
             Gain: +0.1293\nGain-Interval-90: +0.0980 to +0.1580\nProbability-Better: 0.981\nRun: r1\nSuite: office\n\
             Model: a model Score: 1.0\nProfile: clawbench-2026-02\n",
            pack.hash()
        );
        assert_eq!(note.message(&pack), expected);
        let won_with = WonWith::read(&note.message(&pack)).expect("our own message");
        assert_eq!((won_with.model.as_str(), won_with.suite), ("a model Score: 1.0", note.suite));
        assert_eq!(WonWith::read("fix a typo\n\nModel: none"), None);
    }
}
