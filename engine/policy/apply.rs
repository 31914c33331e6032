//! Making edits in a policy. The result does not depend on the order of edits that do not contradict each
//! other: what is added after the same item is ordered by id, and a deleted item keeps its place.

use super::kind::Kind;
use super::{Hunk, ItemId, Origin, Policy, Slot};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Edits that contradict each other or the policy, by the items that they disagree about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// In the order of ids, each once; never empty.
    pub items: Vec<ItemId>,
}

impl Conflict {
    pub(super) fn of(items: impl IntoIterator<Item = ItemId>) -> Conflict {
        let items: BTreeSet<ItemId> = items.into_iter().collect();
        Conflict { items: items.into_iter().collect() }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = self.items.iter().map(|id| id.0.as_str()).collect();
        write!(f, "the edits contradict each other about {}", ids.join(", "))
    }
}

impl std::error::Error for Conflict {}

impl Policy {
    /// Makes the changes; those that the policy has already change nothing.
    ///
    /// A change of an item whose text is neither the old one nor the new one is a conflict, and so is an
    /// addition where neither the item that it follows nor its section was ever there.
    pub fn apply(&self, hunks: &[Hunk]) -> Result<Policy, Conflict> {
        self.applied(hunks).map(|(policy, _)| policy)
    }

    /// The policy with the changes, and those of them that changed something.
    pub(super) fn applied(&self, hunks: &[Hunk]) -> Result<(Policy, Vec<Hunk>), Conflict> {
        let mut policy = self.clone();
        let (mut made, mut clashes) = (Vec::new(), Vec::new());
        for hunk in hunks {
            match policy.change(hunk) {
                Ok(change) => made.extend(change),
                Err(Clash) => clashes.push(hunk.item.clone()),
            }
        }
        if clashes.is_empty() { Ok((policy, made)) } else { Err(Conflict::of(clashes)) }
    }

    fn change(&mut self, hunk: &Hunk) -> Result<Option<Hunk>, Clash> {
        let place = self.place(&hunk.item);
        let now = place.and_then(|place| self.slots[place].text.clone());
        let new = match (&hunk.old, &hunk.new, &now) {
            (None, None, _) | (_, None, None) => return Ok(None),
            (_, new, now) if new == now => return Ok(None),
            // The same addition with other white space around it; which one stays must not depend on the order.
            (None, Some(new), Some(now)) if new.trim() == now.trim() => new.max(now).clone(),
            (old, _, now) if old != now => return Err(Clash),
            (_, Some(new), _) => new.clone(),
            (_, None, Some(_)) => {
                let after = self.live_before(place);
                self.set(place, None);
                return Ok(Some(Hunk { after, ..hunk.clone() }));
            }
        };
        if now.as_ref() == Some(&new) {
            return Ok(None);
        }
        match place {
            Some(_) => self.set(place, Some(&new)),
            None => self.insert(hunk, &new)?,
        }
        let after = if now.is_some() { self.live_before(place) } else { hunk.after.clone() };
        Ok(Some(Hunk { item: hunk.item.clone(), after, old: now, new: Some(new) }))
    }

    fn set(&mut self, place: Option<usize>, text: Option<&str>) {
        let Some(slot) = place.map(|place| Arc::make_mut(&mut self.slots[place])) else { return };
        slot.kind = text.map_or(slot.kind, Kind::of);
        slot.text = text.map(str::to_owned);
    }

    pub(super) fn live_before(&self, place: Option<usize>) -> Option<ItemId> {
        let before = &self.slots[..place.unwrap_or(0)];
        before.iter().rev().find(|slot| slot.text.is_some()).map(|slot| slot.id.clone())
    }

    fn insert(&mut self, hunk: &Hunk, text: &str) -> Result<(), Clash> {
        let kind = Kind::of(text);
        let (start, after) = self.anchor(hunk)?;
        let origin = Origin { after, is_heading: kind == Kind::Heading };
        let place = self.among_siblings(start, &hunk.item, &origin);
        let slot = Slot { id: hunk.item.clone(), text: Some(text.to_owned()), kind, origin: Some(origin) };
        self.slots.insert(place, Arc::new(slot));
        Ok(())
    }

    /// Where the places after an addition's anchor begin. One whose anchor was never here goes to the end of
    /// its section.
    fn anchor(&self, hunk: &Hunk) -> Result<(usize, Option<ItemId>), Clash> {
        let Some(after) = &hunk.after else {
            let has_top = self.slots.first().is_some_and(|slot| slot.id == ItemId::top());
            return Ok((usize::from(has_top), None));
        };
        if let Some(place) = self.place(after) {
            return Ok((place + 1, Some(after.clone())));
        }
        let section = hunk.item.section();
        let is_headed = section == ItemId::top().0 || self.get(&ItemId(section.to_owned())).is_some();
        let last = self.slots.iter().rposition(|slot| slot.id.section() == section);
        if !is_headed {
            return Err(Clash);
        }
        let tail = Some(ItemId(format!("{section}.tail")));
        let is_tail = |slot: &Arc<Slot>| slot.origin.as_ref().is_some_and(|origin| origin.after == tail);
        let end = self.place(&ItemId(format!("{section}.end")));
        let start = self.slots.iter().position(is_tail).or(end).or(last.map(|last| last + 1));
        Ok((start.unwrap_or(0), tail))
    }

    /// The place among what was added after the same item, behind those with smaller ids and all that hangs on
    /// them.
    fn among_siblings(&self, start: usize, id: &ItemId, origin: &Origin) -> usize {
        let mut passed: BTreeSet<&ItemId> = BTreeSet::new();
        let mut place = start;
        for slot in &self.slots[start..] {
            let Some(other) = &slot.origin else { break };
            let is_smaller =
                other.after == origin.after && (other.is_heading, &slot.id) < (origin.is_heading, id);
            if !is_smaller && !other.after.as_ref().is_some_and(|after| passed.contains(after)) {
                break;
            }
            passed.insert(&slot.id);
            place += 1;
        }
        place
    }

    /// Items that lost their heading: the nearest one above them was deleted.
    pub(super) fn strays(&self) -> BTreeSet<ItemId> {
        let mut strays = BTreeSet::new();
        let mut deleted = None;
        for slot in &self.slots {
            if slot.kind == Kind::Heading {
                deleted = slot.text.is_none().then_some(&slot.id);
            } else if slot.text.is_some()
                && slot.kind != Kind::Blank
                && let Some(heading) = deleted
            {
                strays.extend([heading.clone(), slot.id.clone()]);
            }
        }
        strays
    }
}

/// A change that does not fit.
struct Clash;
