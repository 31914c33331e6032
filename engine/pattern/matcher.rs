//! Runs a program on a text by backtracking, in the order in which Python tries things.
//!
//! Choices that cannot lead to a match are passed over, which changes the work but never the result. Every step
//! is counted, and running out of them is an error of its own.

mod compare;
mod run;

use super::haystack::Haystack;
use super::program::{Op, Program, Until};
use super::scan::View;
use std::ops::Range;

/// More open choices than this count as running out of steps, so that memory is bounded, too.
const CHOICES_MAX: usize = 1 << 20;
/// So many positions of a scan count as one step.
const SCANNED_PER_STEP: usize = 8;
/// So many bytes of a literal count as one step.
const BYTES_PER_STEP: usize = 64;

/// The steps allowed were used up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutOfSteps;

/// A search under way.
pub(super) struct Matcher<'p, 't> {
    program: &'p Program,
    text: &'t Haystack<'t>,
    view: View<'t>,
    steps_left: u64,
    choices: Vec<Choice>,
    /// What to put back when a choice is taken up again.
    changes: Vec<Change>,
    /// The start and end of each group, `usize::MAX` where unset.
    marks: Vec<usize>,
    loops: Vec<LoopState>,
}

/// A place to go back to.
struct Choice {
    op: usize,
    position: usize,
    changes: usize,
    left: Left,
}

/// What is left to try at a choice.
enum Left {
    /// Arms of a branch, one bit each.
    Arms(u64),
    /// Ends of a greedy run, from `position` down to this one.
    Down(usize),
    /// Ends of a lazy run, from `position` up to this one.
    Up(usize),
    /// The steps after a greedy loop.
    Tail,
    /// One more round of a lazy loop.
    Round,
}

enum Change {
    Mark(usize, usize),
    Loop(usize, LoopState),
}

#[derive(Clone, Copy)]
struct LoopState {
    /// Finished rounds, less one.
    count: i64,
    /// Where the last round beyond the least number began.
    last: usize,
}

const UNSET: usize = usize::MAX;

impl<'p, 't> Matcher<'p, 't> {
    pub(super) fn new(program: &'p Program, text: &'t Haystack<'t>, view: View<'t>, steps: u64) -> Self {
        Matcher {
            program,
            text,
            view,
            steps_left: steps,
            choices: Vec::new(),
            changes: Vec::new(),
            marks: vec![UNSET; program.marks],
            loops: vec![LoopState { count: -1, last: UNSET }; program.loops],
        }
    }

    /// The leftmost match, in code points.
    pub(super) fn search(&mut self) -> Result<Option<Range<usize>>, OutOfSteps> {
        if self.program.only_at_start {
            return self.match_at(0);
        }
        match &self.program.first.literals {
            Some(ids) if self.view.is_complete() => self.search_at_literals(ids),
            _ => self.search_everywhere(),
        }
    }

    fn search_everywhere(&mut self) -> Result<Option<Range<usize>>, OutOfSteps> {
        let first = &self.program.first;
        for start in 0..=self.text.len() {
            if start % SCANNED_PER_STEP == 0 {
                self.spend(1)?;
            }
            if first.admits(self.text.plain().get(start).copied())
                && let Some(found) = self.match_at(start)?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn search_at_literals(&mut self, ids: &[u32]) -> Result<Option<Range<usize>>, OutOfSteps> {
        let mut ahead: Vec<&[u32]> = ids.iter().map(|&id| self.view.starts(id)).collect();
        ahead.retain(|starts| !starts.is_empty());
        while let Some(start) = ahead.iter().map(|starts| starts[0]).min() {
            if let Some(found) = self.match_at(start as usize)? {
                return Ok(Some(found));
            }
            ahead.retain_mut(|starts| {
                if starts[0] == start {
                    *starts = &starts[1..];
                }
                !starts.is_empty()
            });
        }
        Ok(None)
    }

    fn match_at(&mut self, start: usize) -> Result<Option<Range<usize>>, OutOfSteps> {
        self.changes.clear();
        self.marks.fill(UNSET);
        Ok(self.run(0, start)?.map(|end| start..end))
    }

    fn spend(&mut self, steps: usize) -> Result<(), OutOfSteps> {
        self.steps_left = self.steps_left.checked_sub(steps as u64).ok_or(OutOfSteps)?;
        Ok(())
    }

    /// Runs from a step up to the next `Success`. The choices left open by then are dropped, which is all there
    /// is to atomic groups; what was changed stays changed, and is undone on failure.
    fn run(&mut self, op: usize, position: usize) -> Result<Option<usize>, OutOfSteps> {
        let (base, changes) = (self.choices.len(), self.changes.len());
        let mut here = Some((op, position));
        loop {
            self.spend(1)?;
            here = match here {
                Some((op, position)) if matches!(self.program.ops[op], Op::Success) => {
                    self.choices.truncate(base);
                    return Ok(Some(position));
                }
                Some((op, position)) => self.step(op, position)?,
                None if self.choices.len() > base => self.take_up_choice()?,
                None => {
                    self.undo(changes);
                    return Ok(None);
                }
            };
        }
    }

    /// Takes one step: where to go on, or none where this way fails.
    fn step(&mut self, op: usize, position: usize) -> Result<Option<(usize, usize)>, OutOfSteps> {
        let program = self.program;
        let next = op + 1;
        Ok(match &program.ops[op] {
            Op::Literal(literal) => {
                self.spend(literal.bytes.len() / BYTES_PER_STEP)?;
                self.has_text(literal, position).then(|| (next, position + literal.bytes.len()))
            }
            Op::One(one) => self.has_one(one, position).then_some((next, position + 1)),
            Op::At(place) => self.is_at(*place, position).then_some((next, position)),
            Op::Branch(branch) => {
                let byte = self.text.plain().get(position);
                let arms = byte.map_or(branch.at_end, |&byte| branch.by_byte[usize::from(byte)]);
                self.take_arm(op, position, arms)?
            }
            Op::Jump(target) => Some((*target, position)),
            Op::Run(run) => self.start_run(op, run, position)?,
            Op::Loop { register, until } => {
                self.set_loop(*register, LoopState { count: -1, last: UNSET });
                Some((*until, position))
            }
            Op::Until(until) => self.until(op, *until, position)?,
            Op::Rounds { min, max, next } => {
                self.rounds(op + 1, *min, *max, position)?.map(|position| (*next, position))
            }
            Op::Mark(mark) => {
                self.changes.push(Change::Mark(*mark, self.marks[*mark]));
                self.marks[*mark] = position;
                Some((next, position))
            }
            Op::BackRef { group, fold } => self.after_group(*group, *fold, position)?.map(|end| (next, end)),
            Op::IfGroup { group, unset } => {
                Some((if self.group(*group).is_some() { next } else { *unset }, position))
            }
            Op::Look { behind, negated, next } => {
                self.looks(op + 1, *behind, *negated, position)?.then_some((*next, position))
            }
            Op::Atomic { next } => self.run(op + 1, position)?.map(|position| (*next, position)),
            // `run` ends before it takes this step.
            Op::Success => None,
        })
    }

    fn choose(&mut self, op: usize, position: usize, left: Left) -> Result<(), OutOfSteps> {
        if self.choices.len() >= CHOICES_MAX || self.changes.len() >= 2 * CHOICES_MAX {
            return Err(OutOfSteps);
        }
        self.choices.push(Choice { op, position, changes: self.changes.len(), left });
        Ok(())
    }

    fn take_up_choice(&mut self) -> Result<Option<(usize, usize)>, OutOfSteps> {
        let Some(Choice { op, position, changes, left }) = self.choices.pop() else {
            return Ok(None);
        };
        self.undo(changes);
        let program = self.program;
        match (left, &program.ops[op]) {
            (Left::Arms(arms), _) => self.take_arm(op, position, arms),
            (Left::Down(lowest), Op::Run(run)) => self.end_run_greedily(op, run, lowest, position),
            (Left::Up(highest), Op::Run(run)) => self.end_run_lazily(op, run, position, highest),
            (Left::Round, Op::Until(until)) => Ok(self.lazy_round(*until, position)),
            _ => Ok(Some((op + 1, position))),
        }
    }

    fn take_arm(
        &mut self,
        op: usize,
        position: usize,
        arms: u64,
    ) -> Result<Option<(usize, usize)>, OutOfSteps> {
        let Op::Branch(branch) = &self.program.ops[op] else {
            return Ok(None);
        };
        let Some(&arm) = branch.arms.get(arms.trailing_zeros() as usize) else {
            return Ok(None);
        };
        let rest = arms & (arms - 1);
        if rest != 0 {
            self.choose(op, position, Left::Arms(rest))?;
        }
        Ok(Some((arm, position)))
    }

    fn until(
        &mut self,
        op: usize,
        until: Until,
        position: usize,
    ) -> Result<Option<(usize, usize)>, OutOfSteps> {
        let state = self.loops[until.register];
        let count = state.count + 1;
        if count < until.min {
            self.set_loop(until.register, LoopState { count, ..state });
            return Ok(Some((until.body, position)));
        }
        if until.lazy {
            self.choose(op, position, Left::Round)?;
            return Ok(Some((op + 1, position)));
        }
        if count < until.max && state.last != position {
            self.choose(op, position, Left::Tail)?;
            self.set_loop(until.register, LoopState { count, last: position });
            return Ok(Some((until.body, position)));
        }
        Ok(Some((op + 1, position)))
    }

    fn lazy_round(&mut self, until: Until, position: usize) -> Option<(usize, usize)> {
        let state = self.loops[until.register];
        let count = state.count + 1;
        if count >= until.max || state.last == position {
            return None;
        }
        self.set_loop(until.register, LoopState { count, last: position });
        Some((until.body, position))
    }

    fn set_loop(&mut self, register: usize, state: LoopState) {
        self.changes.push(Change::Loop(register, self.loops[register]));
        self.loops[register] = state;
    }

    /// Possessive rounds: each is matched once, and none is ever taken back.
    fn rounds(
        &mut self,
        body: usize,
        min: u32,
        max: Option<u32>,
        start: usize,
    ) -> Result<Option<usize>, OutOfSteps> {
        let mut position = start;
        for _ in 0..min {
            match self.run(body, position)? {
                Some(end) => position = end,
                None => return Ok(None),
            }
        }
        let mut count = min;
        let mut before = UNSET;
        while max.is_none_or(|max| count < max) && position != before {
            before = position;
            match self.run(body, position)? {
                Some(end) => position = end,
                None => break,
            }
            count += 1;
        }
        Ok(Some(position))
    }

    fn looks(
        &mut self,
        body: usize,
        behind: usize,
        negated: bool,
        position: usize,
    ) -> Result<bool, OutOfSteps> {
        let Some(start) = position.checked_sub(behind) else {
            return Ok(negated);
        };
        let changes = self.changes.len();
        let found = self.run(body, start)?.is_some();
        if negated {
            self.undo(changes);
        }
        Ok(found != negated)
    }

    fn undo(&mut self, length: usize) {
        while self.changes.len() > length {
            match self.changes.pop() {
                Some(Change::Mark(mark, old)) => self.marks[mark] = old,
                Some(Change::Loop(register, old)) => self.loops[register] = old,
                None => {}
            }
        }
    }
}
