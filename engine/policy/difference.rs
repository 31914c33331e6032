//! The edit between a policy and any text: for candidates whose edit was not recorded.

use super::kind::Kind;
use super::operation::added_id;
use super::parse::pieces;
use super::{Hunk, Item, ItemId, Policy};
use similar::{Algorithm, DiffOp, capture_diff_slices};

impl Policy {
    /// The changes that make exactly this text.
    pub fn difference(&self, text: &str) -> Vec<Hunk> {
        let hunks = self.smallest(text);
        // What earlier edits added after the same item may stand in the way of an addition: then everything
        // is replaced.
        let is_exact = self.apply(&hunks).is_ok_and(|policy| policy.text() == text);
        if is_exact { hunks } else { self.whole(text) }
    }

    fn smallest(&self, text: &str) -> Vec<Hunk> {
        let items: Vec<Item<'_>> = self.items().collect();
        let old: Vec<&str> = items.iter().map(|item| item.text).collect();
        let new = pieces(text);
        let mut edit = Edit { policy: self, before: None, hunks: Vec::new() };
        for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
            let (gone, come) = (&items[op.old_range()], &new[op.new_range()]);
            if let DiffOp::Equal { .. } = op {
                edit.before = gone.last().map(|item| item.id.clone());
                continue;
            }
            let alike = gone.iter().zip(come).take_while(|(gone, come)| gone.kind == Kind::of(come)).count();
            gone[..alike].iter().zip(come).for_each(|(gone, come)| edit.replace(gone, come));
            gone[alike..].iter().for_each(|gone| edit.delete(gone));
            come[alike..].iter().for_each(|come| edit.add(come));
        }
        edit.hunks
    }

    fn whole(&self, text: &str) -> Vec<Hunk> {
        let mut edit = Edit { policy: self, before: None, hunks: Vec::new() };
        self.items().for_each(|item| edit.delete(&item));
        pieces(text).into_iter().for_each(|piece| edit.add(piece));
        edit.hunks
    }
}

/// An edit being written down from top to bottom.
struct Edit<'a> {
    policy: &'a Policy,
    /// The item of the result above the next change.
    before: Option<ItemId>,
    hunks: Vec<Hunk>,
}

impl Edit<'_> {
    fn replace(&mut self, item: &Item<'_>, text: &str) {
        self.push(item.id.clone(), Some(item.text), Some(text));
        self.before = Some(item.id.clone());
    }

    fn delete(&mut self, item: &Item<'_>) {
        let after = self.policy.live_before(self.policy.place(item.id));
        let (item, old) = (item.id.clone(), Some(item.text.to_owned()));
        self.hunks.push(Hunk { item, after, old, new: None });
    }

    fn add(&mut self, text: &str) {
        let id = added_id(self.before.as_ref(), text);
        self.push(id.clone(), None, Some(text));
        self.before = Some(id);
    }

    fn push(&mut self, item: ItemId, old: Option<&str>, new: Option<&str>) {
        let after = self.before.clone();
        self.hunks.push(Hunk { item, after, old: old.map(str::to_owned), new: new.map(str::to_owned) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: &str, new: &str, changed: &[&str]) {
        let policy = Policy::parse(old);
        let hunks = policy.difference(new);
        assert_eq!(policy.apply(&hunks).map(|policy| policy.text()), Ok(new.to_owned()));
        let kinds: Vec<String> = hunks
            .iter()
            .map(|hunk| match (&hunk.old, &hunk.new) {
                (Some(_), Some(_)) => format!("={}", hunk.item),
                (Some(_), None) => format!("-{}", hunk.item),
                _ => format!("+{}", hunk.after.as_ref().map_or("", |id| &id.0)),
            })
            .collect();
        assert_eq!(kinds, changed, "{hunks:#?}");
    }

    #[test]
    fn only_what_differs_is_changed() {
        let old = "# A\n\n- a\n- b\n\n## B\n\n- c\n";
        check(old, old, &[]);
        check(old, "# A\n\n- a\n- new\n- b\n\n## B\n\n- c\n", &["+S1.b1"]);
        check(old, "# A\n\n- a\n- other\n\n## B\n\n- c\n", &["=S1.b2"]);
        check(old, "# A\n\n- b\n\n## B\n\n- c\n", &["-S1.b1"]);
        check("- a", "- a\n- b", &["=S0.b1", "+S0.b1"]);
    }
}
