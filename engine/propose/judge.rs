//! What a policy must pass to become a candidate: short enough, general, and not tried before.

use super::resemblance::resemble;
use crate::event::{Candidate, ProposalFault, ProposalPlan};
use crate::lint::Lint;
use crate::pack::{AGENTS_MD, PACK_SIZE_MAX, Pack};
use crate::policy::{Hunk, Policy};
use crate::scenario::problem::Severity;
use crate::search::Search;
use crate::units::PackHash;

/// Judges the policies of one proposal.
pub(super) struct Judge<'a> {
    pub plan: &'a ProposalPlan,
    pub search: &'a Search,
    pub base: &'a Pack,
    /// What the policy must not hold.
    pub lint: Lint,
}

impl Judge<'_> {
    /// The candidate that an edited policy is, or why it is none.
    pub fn accept(&self, policy: &Policy, hunks: Vec<Hunk>) -> Result<Candidate, ProposalFault> {
        let agents_md = policy.text();
        let utf16_units = u32::try_from(agents_md.encode_utf16().count()).unwrap_or(u32::MAX);
        let pack = self.base.with_policy(&agents_md);
        if utf16_units > self.plan.length_max || pack.size() > PACK_SIZE_MAX {
            return Err(ProposalFault::TooLong { utf16_units });
        }
        let names = self.narrow(&agents_md);
        if !names.is_empty() {
            return Err(ProposalFault::Overfitted { names });
        }
        let id = pack.hash().clone();
        let twin = if self.search.candidate(&id).is_some() { Some(id.clone()) } else { self.twin(&hunks) };
        if let Some(of) = twin {
            return Err(ProposalFault::Duplicate { of });
        }
        let (parents, operator) = (self.plan.parents.clone(), self.plan.operator);
        Ok(Candidate { parents, operator, hunks, ..Candidate::brought(id, &agents_md) })
    }

    /// What keeps a policy from being general, each once; warnings do not.
    fn narrow(&self, agents_md: &str) -> Vec<String> {
        let findings = self.lint.text(AGENTS_MD, agents_md);
        let mut names: Vec<String> = Vec::new();
        for finding in findings.iter().filter(|finding| finding.severity == Severity::Error) {
            let name = finding.in_short();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// An earlier edit of the same parent that is nearly the same. Algebra is not asked: it repeats edits on
    /// purpose.
    fn twin(&self, hunks: &[Hunk]) -> Option<PackHash> {
        let parent = self.plan.parents.first().filter(|_| self.plan.operator.asks_writer())?;
        let mut siblings = self.search.candidates();
        let twin = siblings
            .find(|sibling| sibling.parents.first() == Some(parent) && resemble(&sibling.hunks, hunks));
        twin.map(|sibling| sibling.id.clone())
    }
}
