//! What the text has at a position: literals, sets, edges, and repetitions of groups.

use super::{Matcher, OutOfSteps, SCANNED_PER_STEP, UNSET};
use crate::pattern::class::is_word;
use crate::pattern::program::{One, Text};
use crate::pattern::syntax::{Fold, Place};
use std::ops::Range;

impl Matcher<'_, '_> {
    /// What a group has matched, where it has.
    pub(super) fn group(&self, group: usize) -> Option<Range<usize>> {
        let (start, end) = (*self.marks.get(2 * group)?, *self.marks.get(2 * group + 1)?);
        (start != UNSET && end != UNSET && start <= end).then_some(start..end)
    }

    /// Where the text goes on after a repetition of what a group has matched.
    pub(super) fn after_group(
        &mut self,
        group: usize,
        fold: Fold,
        position: usize,
    ) -> Result<Option<usize>, OutOfSteps> {
        let Some(group) = self.group(group) else {
            return Ok(None);
        };
        let end = position + group.len();
        if end > self.text.len() {
            return Ok(None);
        }
        self.spend(group.len() / SCANNED_PER_STEP)?;
        let text = self.text;
        let same = group.zip(position..end).all(|(old, new)| match fold {
            Fold::Exact => text.code(old) == text.code(new),
            Fold::Unicode => text.lower_code(old) == text.lower_code(new),
            Fold::Ascii => {
                text.code(old) == text.code(new)
                    || text.plain()[old].is_ascii()
                        && text.plain()[old].eq_ignore_ascii_case(&text.plain()[new])
            }
        });
        Ok(same.then_some(end))
    }

    pub(super) fn has_text(&self, literal: &Text, position: usize) -> bool {
        let text = if literal.folded { self.text.folded() } else { self.text.plain() };
        text.get(position..).is_some_and(|rest| rest.starts_with(&literal.bytes))
            && literal.wide.iter().all(|&(offset, code)| {
                let at = position + offset;
                code == if literal.folded { self.text.folded_code(at) } else { self.text.code(at) }
            })
    }

    pub(super) fn has_one(&self, one: &One, position: usize) -> bool {
        let Some(&byte) = self.text.plain().get(position) else {
            return false;
        };
        match one {
            One::Any => true,
            One::NotNewline => byte != b'\n',
            One::Set(set) if byte.is_ascii() => set.contains(u32::from(byte)),
            One::Set(set) => set.has_wide() && set.contains(self.text.code(position)),
            One::Code(code) => self.has_text(code, position),
        }
    }

    pub(super) fn is_at(&self, place: Place, position: usize) -> bool {
        let text = self.text.plain();
        let newline_before = position > 0 && text[position - 1] == b'\n';
        let newline_after = text.get(position) == Some(&b'\n');
        match place {
            Place::TextStart => position == 0,
            Place::LineStart => position == 0 || newline_before,
            Place::TextEnd => position == text.len(),
            Place::NearEnd => position == text.len() || newline_after && position + 1 == text.len(),
            Place::LineEnd => position == text.len() || newline_after,
            Place::WordEdge { ascii, negated } => {
                let word = |at: usize| at < text.len() && is_word(self.text.code(at), ascii);
                let edge = (position > 0 && word(position - 1)) != word(position);
                // In an empty text Python finds neither an edge nor the lack of one.
                !text.is_empty() && edge != negated
            }
        }
    }
}
