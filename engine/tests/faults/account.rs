//! Whether a night's account is right: what our side wrote down against the plans and the provider's books.

use super::books::Bill;
use super::night::Morning;
use packwright::budget::{Caps, Charge, Role};
use packwright::episode::FailureClass;
use packwright::event::{Event, Phase, Step, Verdict};
use packwright::report::{EpisodeCounts, Report, render};
use packwright::units::Usd;
use std::collections::{BTreeMap, BTreeSet};

/// What our side says of its calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ours {
    pub free: u64,
    pub counted: Bill,
    /// Calls that nobody counted, at their upper bounds.
    pub uncounted: Bill,
}

impl Morning {
    pub fn report(&self) -> Report {
        Report::of(&self.run.records(), &self.calls).expect("a run that has begun")
    }

    /// Fails unless every planned episode was scored, could not be measured, or was cut, once and no more, and the
    /// report says so.
    pub fn check_coverage(&self) {
        let events: BTreeMap<u32, Event> = self.run.events().into_iter().collect();
        let mut counts = EpisodeCounts { budget: self.night.budget, ..EpisodeCounts::default() };
        let (mut keys, mut planned) = (BTreeSet::new(), 0);
        // Where both packs were scored, of the pairs that the verdict was to stand on.
        let (mut pairs, mut pairs_planned) = (BTreeMap::new(), None);
        for (ordinal, event) in &events {
            let Event::Planned(plan) = event else { continue };
            if plan.phase == Phase::Confirm {
                pairs_planned.get_or_insert(plan.steps.len() / 2);
            }
            for (step, ordinal) in plan.steps.iter().zip(ordinal + 1..) {
                let Step::Run(key) = step else { continue };
                planned += 1;
                keys.insert(key.clone());
                match &events[&ordinal] {
                    Event::EpisodeScored(scored) => {
                        assert_eq!(scored.key, *key);
                        counts.scored += 1;
                        counts.attempted += 1;
                        if plan.phase == Phase::Confirm {
                            *pairs.entry((key.scenario.clone(), key.repeat)).or_insert(0) += 1;
                        }
                    }
                    Event::EpisodeUnmeasured(unmeasured) => {
                        assert_eq!(unmeasured.key, *key);
                        match unmeasured.class {
                            FailureClass::Limit => counts.cut += 1,
                            _ => {
                                counts.unmeasured += 1;
                                counts.attempted += 1;
                            }
                        }
                    }
                    other => panic!("the episode {key:?} came to {other:?}"),
                }
            }
        }
        assert_eq!(keys.len(), planned, "an episode was planned twice");
        assert!(planned <= self.night.budget as usize);
        let report = self.report();
        assert_eq!(report.episodes, counts);
        let cut =
            if counts.cut > 0 { format!(", {} cut short by a limit", counts.cut) } else { String::new() };
        let (budget, scored, attempted) = (counts.budget, counts.scored, counts.attempted);
        let line = format!("Episodes   {planned} of {budget} ({scored} of {attempted} measured{cut})\n");
        let text = render(&report);
        assert!(text.contains(&line), "{line}\n{text}");
        if let Verdict::Better(comparison)
        | Verdict::NotShownBetter(comparison)
        | Verdict::Worse(comparison) = &self.finished().verdict
        {
            let whole = pairs.values().filter(|scored| **scored == 2).count();
            let coverage = pairs_planned.map(|planned| whole as f64 / planned as f64);
            assert_eq!(comparison.coverage, coverage);
        }
    }

    /// Our account, of one role or of both.
    pub fn ours(&self, role: Option<Role>) -> Ours {
        let mut ours = Ours::default();
        for call in self.calls.iter().filter(|call| role.is_none_or(|role| call.role == role)) {
            let settled = call.settled.expect("every call is settled when the run is over");
            match settled.charge {
                Charge::Free => ours.free += 1,
                Charge::Counted { usage, usd } => {
                    ours.counted.requests += 1;
                    ours.counted.input += usage.input_tokens.expect("counted");
                    ours.counted.output += usage.output_tokens.expect("counted");
                    ours.counted.usd = ours.counted.usd.plus(usd.expect("priced"));
                }
                Charge::Uncounted => {
                    ours.uncounted.requests += 1;
                    ours.uncounted.input += call.bound.tokens.expect("a bound");
                    ours.uncounted.usd = ours.uncounted.usd.plus(call.bound.usd.expect("a bound"));
                }
            }
        }
        ours
    }

    /// Fails unless our account is that of the provider's books. A limit of time cuts calls in the middle, and what
    /// those cost the provider alone knows: then no more is claimed than that it is within our bounds.
    pub fn check_spend(&self) {
        let numbers: BTreeSet<u64> = self.calls.iter().map(|call| call.number).collect();
        assert_eq!(numbers.len(), self.calls.len(), "a number was given twice");
        let report = self.report();
        for role in [Role::Agent, Role::Writer] {
            let ours = self.ours(Some(role));
            let made = ours.free + ours.counted.requests + ours.uncounted.requests;
            let whole = self.books.bill(|receipt| receipt.role == role);
            assert!(whole.requests <= made, "{role:?}: the provider received more than is on account");
            assert!(whole.usd <= ours.counted.usd.plus(ours.uncounted.usd), "{role:?}: {whole:?} {ours:?}");
            assert!(whole.tokens() <= ours.counted.tokens() + ours.uncounted.tokens(), "{role:?}");
            if !self.has_time_limit() {
                let of = |is_free, is_counted| {
                    self.books.bill(|receipt| {
                        receipt.role == role
                            && receipt.is_free() == is_free
                            && (is_free || receipt.is_counted() == is_counted)
                    })
                };
                assert_eq!(made, whole.requests, "{role:?}: calls on account and received");
                assert_eq!(ours.free, of(true, false).requests, "{role:?}: refused unread");
                assert_eq!(ours.counted, of(false, true), "{role:?}: counted");
                assert_eq!(ours.uncounted.requests, of(false, false).requests, "{role:?}: uncounted");
            }
            let Some(row) = report.spending.iter().find(|row| row.role == role) else {
                assert_eq!(made, 0);
                continue;
            };
            let sums = (row.sum.calls, row.sum.free_calls, row.sum.uncounted_calls, row.sum.unpriced_calls);
            assert_eq!(sums, (made, ours.free, ours.uncounted.requests, 0));
            assert_eq!(
                (row.sum.usd, row.sum.uncounted_usd_max),
                (ours.counted.usd, Some(ours.uncounted.usd))
            );
        }
        self.check_dollars_line(&report);
    }

    fn check_dollars_line(&self, report: &Report) {
        let (ours, calls) = (self.ours(None), self.calls.len());
        if calls == 0 {
            return;
        }
        let more = match ours.uncounted.requests {
            0 => String::new(),
            some => {
                let most = ours.uncounted.usd.rounded();
                format!(", at most {most} more for {some} calls that nobody counted")
            }
        };
        let line = format!("Dollars    {}{more} in {calls} calls", ours.counted.usd.rounded());
        let text = render(report);
        assert!(text.contains(&line), "{line}\n{text}");
    }

    fn has_time_limit(&self) -> bool {
        let caps = &self.night.caps;
        [caps.run, caps.agent, caps.writer].iter().any(|caps| caps.time_ms.is_some())
    }

    /// The limits of dollars, tokens and calls with what the provider's books say was used of them.
    pub fn limits(&self) -> Vec<Limited> {
        let caps = &self.night.caps;
        let scopes =
            [(None, &caps.run), (Some(Role::Agent), &caps.agent), (Some(Role::Writer), &caps.writer)];
        scopes.into_iter().flat_map(|(role, caps)| self.limits_of(role, caps)).collect()
    }

    fn limits_of(&self, role: Option<Role>, caps: &Caps) -> Vec<Limited> {
        let bill = self.books.bill(|receipt| role.is_none_or(|role| receipt.role == role));
        let limits = [
            ("dollars", caps.usd.map(Usd::pico), bill.usd.pico()),
            ("tokens", caps.tokens, bill.tokens()),
            ("calls", caps.calls, bill.requests),
        ];
        let limited = |(what, cap, used): (_, Option<u64>, _)| Some(Limited { what, cap: cap?, used });
        limits.into_iter().filter_map(limited).collect()
    }
}

/// A limit and what was used of it.
#[derive(Clone, Copy, Debug)]
pub struct Limited {
    pub what: &'static str,
    pub cap: u64,
    pub used: u64,
}
