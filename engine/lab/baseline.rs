//! Plain strategies to compare with: they see what the search sees, pay as it pays, and ask the same writer.

use super::draft::{Brief, carry_out, draft};
use super::world::World;
use crate::event::Operator;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

/// Children of the best that are tried together where nothing is pooled.
const ROUND: usize = 4;
/// Unusable answers in a row after which a strategy gives up.
const FAILURES_MAX: u32 = 50;

/// A plain strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Baseline {
    /// Keeps a child whose mean over so many passes beats the parent's.
    HillClimb { passes: u32 },
    /// Keeps every one of so many edits.
    Blind { edits: u32 },
    /// Tries rounds of children with one pass each, and goes on from the one with the best mean of its own.
    NoPooling,
}

impl Baseline {
    pub const ALL: [Baseline; 7] = [
        Baseline::HillClimb { passes: 1 },
        Baseline::HillClimb { passes: 3 },
        Baseline::Blind { edits: 5 },
        Baseline::Blind { edits: 10 },
        Baseline::Blind { edits: 20 },
        Baseline::Blind { edits: 40 },
        Baseline::NoPooling,
    ];

    pub fn name(self) -> String {
        match self {
            Baseline::HillClimb { passes } => format!("hill-climb-{passes}"),
            Baseline::Blind { edits } => format!("blind-{edits}"),
            Baseline::NoPooling => "no-pooling".into(),
        }
    }
}

/// What a plain strategy came to.
pub struct Result {
    pub policy: String,
    /// The best policy's score by the strategy's own account; none where it was never measured.
    pub reported: Option<f64>,
    /// Whether it reports more than for the start policy.
    pub claims: bool,
    pub episodes: u32,
}

/// Spends a budget by a plain strategy.
pub fn run(world: &World, budget: u32, baseline: Baseline) -> Result {
    let rng = world.seed.child("baseline", &[&baseline.name()]).rng();
    let mut climber = Climber { world, budget, spent: 0, rng };
    match baseline {
        Baseline::HillClimb { passes } => climber.climb(passes, 1),
        Baseline::NoPooling => climber.climb(1, ROUND),
        Baseline::Blind { edits } => climber.accept_all(edits),
    }
}

/// A policy with what was measured of it.
struct Measured {
    policy: String,
    score: f64,
    /// The checks that failed, in random order.
    failed: Vec<usize>,
}

struct Climber<'a> {
    world: &'a World,
    budget: u32,
    spent: u32,
    rng: ChaCha8Rng,
}

impl Climber<'_> {
    /// Goes on from the best of a round of children, if it beats the parent.
    fn climb(&mut self, passes: u32, round: usize) -> Result {
        let Some(start) = self.measure(self.world.start.clone(), passes) else { return self.nothing() };
        let (start_score, mut best) = (start.score, start);
        let mut failures = 0;
        while self.affords(passes) && failures < FAILURES_MAX {
            let mut children = Vec::new();
            for _ in 0..round {
                let Some(child) = self.child(&best) else {
                    failures += 1;
                    continue;
                };
                failures = 0;
                children.extend(self.measure(child, passes));
            }
            best = children
                .into_iter()
                .fold(best, |best, child| if child.score > best.score { child } else { best });
        }
        Result {
            claims: best.score > start_score,
            reported: Some(best.score),
            policy: best.policy,
            episodes: self.spent,
        }
    }

    /// Makes one edit after another; each is measured for what the writer is to mend next, as far as the budget
    /// goes.
    fn accept_all(&mut self, edits: u32) -> Result {
        let Some(start) = self.measure(self.world.start.clone(), 1) else { return self.nothing() };
        let start_score = start.score;
        let (mut now, mut is_measured) = (start, true);
        let (mut made, mut failures) = (0, 0);
        while made < edits && failures < FAILURES_MAX {
            let Some(child) = self.child(&now) else {
                failures += 1;
                continue;
            };
            (made, failures) = (made + 1, 0);
            match self.measure(child.clone(), 1) {
                Some(measured) => now = measured,
                None => (now.policy, is_measured) = (child, false),
            }
        }
        Result {
            // Whoever accepts blindly claims that the edits are good.
            claims: made > 0,
            reported: is_measured
                .then_some(now.score)
                .filter(|_| made > 0)
                .or((made == 0).then_some(start_score)),
            policy: now.policy,
            episodes: self.spent,
        }
    }

    /// Another policy than the parent's; none where the writer's answer gives none.
    fn child(&mut self, parent: &Measured) -> Option<String> {
        let mut targets = parent.failed.clone();
        targets.shuffle(&mut self.rng);
        let brief = Brief { policy: &parent.policy, targets: &targets, operator: Operator::Patch };
        let edits = draft(self.world, &brief, &mut self.rng)?;
        Some(carry_out(&parent.policy, &edits)).filter(|child| *child != parent.policy)
    }

    fn affords(&self, passes: u32) -> bool {
        self.spent + passes * self.world.scenarios.len() as u32 <= self.budget
    }

    fn measure(&mut self, policy: String, passes: u32) -> Option<Measured> {
        if !self.affords(passes) {
            return None;
        }
        let mut failed = Vec::new();
        let mut scores = Vec::new();
        for at in 0..self.world.scenarios.len() {
            let mut sum = 0.0;
            for _ in 0..passes {
                let card = self.world.episode(&policy, at, &mut self.rng);
                sum += card.validator_score;
                let places = self.world.scenarios[at].checks.clone();
                failed.extend(places.zip(&card.checks).filter(|(_, check)| !check.passed).map(|(at, _)| at));
            }
            scores.push((self.world.scenarios[at].weight, sum / f64::from(passes)));
        }
        self.spent += passes * self.world.scenarios.len() as u32;
        failed.sort_unstable();
        failed.dedup();
        let score = self.world.profile.objective(&scores).map_or(0.0, |objective| objective.value);
        Some(Measured { policy, score, failed })
    }

    /// The budget does not pay for one look at the start policy.
    fn nothing(&self) -> Result {
        Result { policy: self.world.start.clone(), reported: None, claims: false, episodes: self.spent }
    }
}
