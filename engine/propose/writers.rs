//! The writers of a run, and whose turn it is. Several are asked one after the other, by the number of the
//! proposal in the order of the plans: the same in a run that was cut off and resumed.

use super::ProposalStyle;
use crate::event::{Event, Planned, Step, WRITERS_SEPARATOR, writer_names};
use crate::llm::Llm;
use std::sync::Arc;

/// One model or several that write candidates.
#[derive(Clone)]
pub struct Writers {
    models: Vec<Arc<dyn Llm>>,
    style: ProposalStyle,
}

impl Writers {
    /// There must be one at least.
    pub fn new(models: Vec<Arc<dyn Llm>>) -> Writers {
        assert!(!models.is_empty(), "a run without a writer has nobody to ask");
        Writers { models, style: ProposalStyle::default() }
    }

    /// Shows them more or less.
    pub fn in_style(self, style: ProposalStyle) -> Writers {
        Writers { style, ..self }
    }

    /// What they are shown.
    pub fn style(&self) -> ProposalStyle {
        self.style
    }

    /// The writer that a proposal names, or whose turn it is by the proposal's number.
    pub fn asked(&self, name: Option<&str>, number: u32) -> &Arc<dyn Llm> {
        let named = name.and_then(|name| self.models.iter().find(|model| model.name() == name));
        named.unwrap_or_else(|| self.turn(number))
    }

    /// The writer of a proposal, by the proposal's number.
    pub fn turn(&self, number: u32) -> &Arc<dyn Llm> {
        &self.models[number as usize % self.models.len()]
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Llm>> {
        self.models.iter()
    }

    /// The names of all, as a run keeps them.
    pub fn name(&self) -> String {
        self.models.iter().map(|model| model.name()).collect::<Vec<_>>().join(WRITERS_SEPARATOR)
    }
}

/// Numbers the proposals that ask a writer, as their plans are heard.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    /// How many there were in earlier plans.
    earlier: u32,
    last: Option<(u32, Planned)>,
}

impl Turns {
    /// Hears of an event with its ordinal.
    pub fn hear(&mut self, ordinal: u32, event: &Event) {
        let Event::Planned(planned) = event else { return };
        if let Some((_, last)) = self.last.replace((ordinal, planned.clone())) {
            self.earlier += asking(&last.steps);
        }
    }

    /// The number of the last plan's proposal at an ordinal, counted from 0.
    pub fn number(&self, ordinal: u32) -> u32 {
        let Some((plan, planned)) = &self.last else { return self.earlier };
        let before = ordinal.saturating_sub(plan + 1) as usize;
        self.earlier + asking(&planned.steps[..before.min(planned.steps.len())])
    }

    /// The writer that the proposal at an ordinal names.
    fn named(&self, ordinal: u32) -> Option<&str> {
        let (plan, planned) = self.last.as_ref()?;
        match planned.steps.get(ordinal.checked_sub(plan + 1)? as usize)? {
            Step::Propose(proposal) => proposal.writer.as_deref(),
            Step::Run(_) => None,
        }
    }

    /// Which of a run's writers was asked for the proposal at an ordinal, by the names that the run keeps.
    pub fn name<'a>(&self, ordinal: u32, names: &'a str) -> &'a str {
        let names: Vec<&str> = writer_names(names).collect();
        if let Some(name) = self.named(ordinal).and_then(|asked| names.iter().find(|name| **name == asked)) {
            return name;
        }
        names[self.number(ordinal) as usize % names.len()]
    }
}

/// Merging asks nobody.
fn asking(steps: &[Step]) -> u32 {
    let asks = |step: &&Step| matches!(step, Step::Propose(plan) if plan.operator.asks_writer());
    steps.iter().filter(asks).count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::episode::EpisodeKey;
    use crate::event::{Operator, Phase, ProposalPlan};
    use crate::llm::scripted::Scripted;
    use crate::units::PackHash;

    fn proposal(operator: Operator) -> Step {
        Step::Propose(ProposalPlan::of(operator, Vec::new(), 1))
    }

    fn episode() -> Step {
        Step::Run(EpisodeKey { candidate: PackHash("p".into()), scenario: "s".into(), repeat: 0 })
    }

    #[test]
    fn writers_take_turns_across_plans_and_merging_takes_none() {
        let names = ["a/a", "b/b", "c/c"];
        let models = names.iter().map(|name| Arc::new(Scripted::in_turn([]).named(name)) as Arc<dyn Llm>);
        let writers = Writers::new(models.collect());
        assert_eq!(writers.name(), "a/a, b/b, c/c");
        let mut turns = Turns::default();
        let mut check = |plan: u32, steps: Vec<Step>, expected: &[(u32, &str)]| {
            turns.hear(plan, &Event::Planned(Planned { phase: Phase::Propose, steps }));
            for (ordinal, name) in expected {
                assert_eq!(writers.turn(turns.number(*ordinal)).name(), *name, "{ordinal}");
                assert_eq!(turns.name(*ordinal, &writers.name()), *name, "{ordinal}");
            }
        };
        let (reflect, merge) = (|| proposal(Operator::Patch), || proposal(Operator::Merge));
        check(1, vec![reflect(), merge(), reflect()], &[(2, "a/a"), (4, "b/b")]);
        check(5, vec![episode(), episode()], &[]);
        check(8, vec![proposal(Operator::Condense), reflect()], &[(9, "c/c"), (10, "a/a")]);
    }
}
