//! What the office assistant can do well, how likely it is to do so unasked, and the words by which a policy
//! asks for it or talks it out of it.
//!
//! A pattern is a row of groups that must all occur in one clause of the policy: `send|post approv` asks for
//! one of `send`, `post` and for a word that starts with `approv`. `_` is a blank inside a phrase, `!` before a
//! group forbids it, and `NOT` stands for any word of denial.

use super::habits::HABITS;
use super::manners::MANNERS;

/// Something the assistant does if the policy has made it pay attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Skill {
    // Gathering.
    Sources,
    Selective,
    Batch,
    Thrift,
    Memory,
    People,
    // Keeping out of trouble.
    AskFirst,
    Confidential,
    Careful,
    NoPromises,
    InternalIds,
    Guard,
    NoSpamReply,
    // Seeing.
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
    // Telling.
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
}

/// How a skill answers to a policy.
pub(super) struct Spec {
    /// What its draw is keyed by; changing it changes every episode.
    pub(super) name: &'static str,
    /// The chance under a policy that does not mention it.
    pub(super) bare: f64,
    /// The chance under a policy that could not ask for it better.
    pub(super) best: f64,
    pub(super) wants: &'static [&'static str],
    pub(super) shuns: &'static [&'static str],
}

/// What `NOT` stands for.
pub(super) const DENIALS: &str = "never|not|don_t|dont|no|avoid|without|refrain|skip|stop|cannot|can_t|won_t|\
    leave_out|exclude|omit|forbidden|prohibit|hold|withhold|instead_of|rather_than";

pub(super) const fn spec(
    name: &'static str,
    bare: f64,
    best: f64,
    wants: &'static [&'static str],
    shuns: &'static [&'static str],
) -> Spec {
    Spec { name, bare, best, wants, shuns }
}

pub(super) const COUNT: usize = HABITS.len() + MANNERS.len();

/// All skills, in their order.
pub(super) fn specs() -> impl Iterator<Item = &'static Spec> {
    HABITS.iter().chain(MANNERS)
}

impl Skill {
    pub(super) fn spec(self) -> &'static Spec {
        let at = self as usize;
        HABITS.get(at).unwrap_or_else(|| &MANNERS[at - HABITS.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_skills() {
        let names: Vec<&str> = specs().map(|spec| spec.name).collect();
        let listed = [
            Skill::Sources,
            Skill::Guard,
            Skill::Conflicts,
            Skill::Sequence,
            Skill::Drafts,
            Skill::Queue,
            Skill::Owners,
        ];
        for skill in listed {
            assert_eq!(format!("{skill:?}"), names[skill as usize]);
        }
        assert_eq!(Skill::Owners as usize, COUNT - 1);
        assert!(specs().all(|spec| spec.bare < spec.best));
    }
}
