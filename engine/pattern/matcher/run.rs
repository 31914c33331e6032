//! Repetitions of one code point, above all gaps such as `.{0,200}`: where they can end.

use super::{Left, Matcher, OutOfSteps, SCANNED_PER_STEP};
use crate::pattern::program::{NARROW, One, Run};
use crate::pattern::syntax::Mode;

impl Matcher<'_, '_> {
    pub(super) fn start_run(
        &mut self,
        op: usize,
        run: &Run,
        position: usize,
    ) -> Result<Option<(usize, usize)>, OutOfSteps> {
        let room = self.text.len() - position;
        if run.min > room {
            return Ok(None);
        }
        let most = match run.mode {
            // A lazy run is measured as it grows.
            Mode::Lazy => self.length_of_run(&run.one, position, run.min)?,
            _ => self.length_of_run(&run.one, position, run.max.min(room))?,
        };
        if most < run.min {
            return Ok(None);
        }
        match run.mode {
            Mode::Greedy => self.end_run_greedily(op, run, position + run.min, position + most),
            Mode::Possessive => Ok(Some((op + 1, position + most))),
            Mode::Lazy => {
                let highest = position + run.max.min(room);
                self.end_run_lazily(op, run, position + run.min, highest)
            }
        }
    }

    /// How many code points from a position on pass a test, `most` at most.
    pub(super) fn length_of_run(
        &mut self,
        one: &One,
        position: usize,
        most: usize,
    ) -> Result<usize, OutOfSteps> {
        if matches!(one, One::Any) {
            return Ok(most);
        }
        let length = (0..most).take_while(|&length| self.has_one(one, position + length)).count();
        self.spend(length / SCANNED_PER_STEP)?;
        Ok(length)
    }

    /// Goes on from the greatest end of the run where the rest can begin.
    pub(super) fn end_run_greedily(
        &mut self,
        op: usize,
        run: &Run,
        lowest: usize,
        highest: usize,
    ) -> Result<Option<(usize, usize)>, OutOfSteps> {
        let end = match self.literals_after(run, lowest, highest) {
            Some(ids) => {
                self.spend(ids.len())?;
                let last = ids.iter().filter_map(|&id| last_within(self.view.starts(id), lowest, highest));
                last.max()
            }
            None => {
                let plain = self.text.plain();
                let end = (lowest..=highest).rev().find(|&end| run.after.admits(plain.get(end).copied()));
                self.spend((highest - end.unwrap_or(lowest)) / SCANNED_PER_STEP)?;
                end
            }
        };
        let Some(end) = end else {
            return Ok(None);
        };
        if end > lowest {
            self.choose(op, end - 1, Left::Down(lowest))?;
        }
        Ok(Some((op + 1, end)))
    }

    /// Goes on from the least end of the run where the rest can begin.
    pub(super) fn end_run_lazily(
        &mut self,
        op: usize,
        run: &Run,
        lowest: usize,
        highest: usize,
    ) -> Result<Option<(usize, usize)>, OutOfSteps> {
        let end = match self.literals_after(run, lowest, highest) {
            Some(ids) => {
                self.spend(ids.len())?;
                ids.iter().filter_map(|&id| first_within(self.view.starts(id), lowest, highest)).min()
            }
            None => {
                let plain = self.text.plain();
                let mut end = lowest;
                while !run.after.admits(plain.get(end).copied()) {
                    if end == highest || !self.has_one(&run.one, end) {
                        return Ok(None);
                    }
                    end += 1;
                }
                self.spend((end - lowest) / SCANNED_PER_STEP)?;
                Some(end)
            }
        };
        let Some(end) = end else {
            return Ok(None);
        };
        if end < highest && self.has_one(&run.one, end) {
            self.choose(op, end + 1, Left::Up(highest))?;
        }
        Ok(Some((op + 1, end)))
    }

    /// The literals to look up for the end of a run, where that is worth it.
    pub(super) fn literals_after<'r>(
        &self,
        run: &'r Run,
        lowest: usize,
        highest: usize,
    ) -> Option<&'r [u32]> {
        let worth = highest.saturating_sub(lowest) > NARROW && self.view.is_complete();
        run.after.literals.as_deref().filter(|_| worth)
    }
}

/// The last of some sorted positions that lies in a window.
fn last_within(sorted: &[u32], lowest: usize, highest: usize) -> Option<usize> {
    let after = sorted.partition_point(|&start| start as usize <= highest);
    let last = *sorted.get(after.checked_sub(1)?)? as usize;
    (last >= lowest).then_some(last)
}

/// The first of some sorted positions that lies in a window.
fn first_within(sorted: &[u32], lowest: usize, highest: usize) -> Option<usize> {
    let before = sorted.partition_point(|&start| (start as usize) < lowest);
    let first = *sorted.get(before)? as usize;
    (first <= highest).then_some(first)
}
