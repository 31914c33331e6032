//! The general rules of office work that the writer knows, with the words in a failed check that make it
//! think of them.
//!
//! A cue is a row of groups that must all occur in the check: `not_|n't send|post` asks for one of the first
//! and one of the second. `_` is a blank.

mod answers;
mod conduct;
mod findings;

/// Something a policy may ask for.
pub(super) struct Rule {
    /// The heading under which it belongs.
    pub section: &'static str,
    pub about: &'static str,
    cues: &'static [&'static str],
    pub wordings: &'static [&'static str],
}

impl Rule {
    /// Whether a failed check, in lower case, makes the writer think of this rule.
    pub fn answers(&self, check: &str) -> bool {
        self.cues.iter().any(|cue| {
            let mut groups = cue.split_whitespace();
            groups.all(|group| group.split('|').any(|stem| check.contains(&stem.replace('_', " "))))
        })
    }
}

const fn rule(
    section: &'static str,
    about: &'static str,
    cues: &'static [&'static str],
    wordings: &'static [&'static str],
) -> Rule {
    Rule { section, about, cues, wordings }
}

/// All rules.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    conduct::RULES.iter().chain(findings::RULES).chain(answers::RULES)
}

/// Rules that sound good and do nothing.
pub(super) const USELESS: &[&str] = &[
    "Remember that the user's time is valuable.",
    "Use a friendly and professional tone.",
    "Do your best work.",
    "Mind spelling and grammar.",
    "Put yourself into the user's position.",
];

/// Rules that sound good and do harm.
pub(super) const HARMFUL: &[&str] = &[
    "Be thorough: read every mail in full detail.",
    "Take initiative: send replies immediately so that nobody waits.",
    "Always sound confident and reassure people with a firm date.",
    "Recheck the inbox and the board twice to be sure that nothing was missed.",
    "Explain everything in a comprehensive and detailed report.",
    "Include all relevant information and every detail in the summary.",
    "Quote every ticket id in replies so that people can find it.",
];

#[cfg(test)]
mod tests {
    use super::super::super::policy::Policy;
    use super::super::super::skills::Skill::{self, *};
    use super::*;

    const SKILLS: [Skill; 49] = [
        Sources,
        Selective,
        Batch,
        Thrift,
        Memory,
        People,
        AskFirst,
        Confidential,
        Careful,
        NoPromises,
        InternalIds,
        Guard,
        NoSpamReply,
        Conflicts,
        Resolution,
        Overdue,
        Deadlines,
        Blockers,
        Dependencies,
        Mismatch,
        Contradictions,
        Duplicates,
        ScopeCreep,
        CrossReference,
        Absence,
        RootCause,
        Sequence,
        Impact,
        Stakeholders,
        Risk,
        FollowUps,
        Options,
        Relevance,
        Drafts,
        Approval,
        Plan,
        Headings,
        StatusFirst,
        Tiers,
        Archive,
        PerPerson,
        RisksSection,
        Decisions,
        Timeline,
        Brevity,
        Cite,
        Queue,
        Counts,
        Owners,
    ];

    /// The skills whose chance a policy raises by more than so much.
    fn moved(policy: &str, by: f64) -> Vec<Skill> {
        let (bare, now) = (Policy::read("", ""), Policy::read(policy, ""));
        SKILLS.into_iter().filter(|skill| now.chance(*skill) - bare.chance(*skill) > by).collect()
    }

    #[test]
    fn every_rule_says_something_to_the_assistant() {
        let wordings = rules().flat_map(|rule| rule.wordings);
        let idle: Vec<&&str> = wordings.filter(|wording| moved(wording, 0.1).is_empty()).collect();
        assert!(idle.is_empty(), "{idle:#?}");
    }

    #[test]
    fn harm_is_done_and_empty_words_do_nothing() {
        // A bare policy may have nothing to lose, so harm is measured on one with good rules, against a line of
        // the same length that says nothing.
        let good = "# Policy\n\n- Keep the whole answer short.\n- Never send or post without approval.\n\
                    - Read only what matters.\n- Never share confidential matter.\n- Never show internal ids.\n";
        for wording in HARMFUL {
            let neutral = Policy::read(&format!("{good}- {}\n", "x".repeat(wording.len())), "");
            let harmed = Policy::read(&format!("{good}- {wording}\n"), "");
            let loss = |skill: &Skill| neutral.chance(*skill) - harmed.chance(*skill);
            assert!(SKILLS.iter().any(|skill| loss(skill) > 0.03), "{wording}");
        }
        for wording in USELESS {
            assert_eq!(moved(wording, 0.1), [], "{wording}");
        }
    }

    #[test]
    fn the_repertoire_reaches_every_skill() {
        let wordings = rules().flat_map(|rule| rule.wordings);
        let reached: Vec<Skill> = wordings.flat_map(|wording| moved(wording, 0.1)).collect();
        let missed: Vec<Skill> = SKILLS.into_iter().filter(|skill| !reached.contains(skill)).collect();
        assert_eq!(missed, []);
    }
}
