//! The algebra of edits: taking back, making elsewhere, putting together. No model is asked.

use super::{Conflict, Hunk, Policy};

/// The edit that takes an edit back.
pub fn inverse(hunks: &[Hunk]) -> Vec<Hunk> {
    let swapped = hunks.iter().rev().map(|hunk| Hunk {
        item: hunk.item.clone(),
        after: hunk.after.clone(),
        old: hunk.new.clone(),
        new: hunk.old.clone(),
    });
    swapped.collect()
}

/// Makes the edits of several children of one policy together. The hunks returned are those that changed
/// something.
///
/// The result, and whether there is one, does not depend on the order of the edits.
pub fn merge(base: &Policy, edges: &[&[Hunk]]) -> Result<(Policy, Vec<Hunk>), Conflict> {
    base.with(&edges.concat())
}

impl Policy {
    /// Takes an earlier edit back; a conflict where later edits changed what it had made.
    pub fn revert(&self, hunks: &[Hunk]) -> Result<(Policy, Vec<Hunk>), Conflict> {
        self.with(&inverse(hunks))
    }

    /// Makes an edit that was made elsewhere.
    pub fn graft(&self, hunks: &[Hunk]) -> Result<(Policy, Vec<Hunk>), Conflict> {
        self.with(hunks)
    }

    /// Like `apply`, but an item that would lose its heading is a conflict too: one edit built upon a section
    /// that the other removed.
    fn with(&self, hunks: &[Hunk]) -> Result<(Policy, Vec<Hunk>), Conflict> {
        let (policy, made) = self.applied(hunks)?;
        let known = self.strays();
        let strays: Vec<_> = policy.strays().into_iter().filter(|id| !known.contains(id)).collect();
        if strays.is_empty() { Ok((policy, made)) } else { Err(Conflict::of(strays)) }
    }
}
