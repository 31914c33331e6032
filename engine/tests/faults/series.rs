//! A series of nights: each seed once in fair weather, once with faults, once with faults and limits; and what they
//! came to.

use super::account::Limited;
use super::books::Bill;
use super::fault::{Fault, Weather};
use super::night::{Morning, Night, PARALLEL};
use super::provider::Model;
use packwright::budget::{Caps, Role, RunCaps};
use packwright::event::Stop;
use packwright::units::{Seed, Usd};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use std::collections::BTreeMap;
use std::fmt;

/// Of attempts.
const FAULT_RATE: f64 = 0.3;
/// Nights with limits for each seed.
const LIMITED: u32 = 3;
/// The least and the most of a limit, as a part of what the night took without it. Limits of each size are as
/// likely: small ones are reached with all calls under way, before anything is known of what an episode takes.
const PARTS: (f64, f64) = (0.01, 1.0);

/// What a series came to.
#[derive(Default)]
pub struct Series {
    pub nights: u32,
    budget: u32,
    /// Nights whose winner is the one of fair weather.
    pub same_winner: u32,
    others: Vec<String>,
    attempts: u64,
    faults: BTreeMap<Fault, u64>,
    scored: u32,
    unmeasured: u32,
    /// Why they could not be measured.
    reasons: Vec<String>,
    cut: u32,
    /// Attempts at episodes that failed and were made again.
    made_again: u32,
    charged: Bill,
    counted: Bill,
    uncounted: Bill,
    pub limits: Vec<Limited>,
    pub limited: u32,
    /// Nights that a limit ended.
    pub reached: u32,
    fair: Bill,
}

impl Series {
    /// Passes the nights of all seeds. Fails where coverage or spend is not exact.
    pub fn pass(seeds: std::ops::Range<u64>, budget: u32) -> Series {
        let model = Model::new();
        let mut series = Series { budget, ..Series::default() };
        for seed in seeds.map(Seed) {
            let weather = Weather::stormy(seed, FAULT_RATE);
            let night = Night { seed, budget, weather, caps: RunCaps::default() };
            let fair = Night { weather: Weather::fair(), ..night }.pass(&model);
            let stormy = night.pass(&model);
            series.compare(&fair, &stormy);
            series.check_and_add(&stormy);
            series.made_again += stormy.run.attempts - stormy.run.scored() - stormy.run.unmeasured();
            for draw in 0..LIMITED {
                let limited = Night { caps: limits(seed, draw, &stormy), ..night }.pass(&model);
                series.check_and_add(&limited);
                series.limits.extend(limited.limits());
                series.limited += 1;
                series.reached += u32::from(matches!(limited.finished().stop, Stop::LimitReached(_)));
            }
            fair.check_coverage();
            fair.check_spend();
            series.fair = series.fair.and(fair.books.bill(|_| true));
            model.forget();
        }
        series
    }

    fn compare(&mut self, fair: &Morning, stormy: &Morning) {
        self.nights += 1;
        let (expected, got) = (fair.winner(), stormy.winner());
        if expected == got {
            self.same_winner += 1;
        } else {
            self.others.push(format!("seed {}: {got}, without faults {expected}", stormy.night.seed.0));
        }
    }

    fn check_and_add(&mut self, morning: &Morning) {
        morning.check_coverage();
        morning.check_spend();
        let (counts, ours) = (morning.report().episodes, morning.ours(None));
        self.attempts += morning.books.receipts().len() as u64;
        for (fault, count) in morning.books.faults() {
            *self.faults.entry(fault).or_insert(0) += count;
        }
        self.scored += counts.scored;
        self.unmeasured += counts.unmeasured;
        self.reasons.extend(morning.lost());
        self.cut += counts.cut;
        self.charged = self.charged.and(morning.books.bill(|_| true));
        self.counted = self.counted.and(ours.counted);
        self.uncounted = self.uncounted.and(ours.uncounted);
    }

    /// The limits that were exceeded, each with what was used.
    pub fn exceeded(&self) -> Vec<String> {
        let exceeded = self.limits.iter().filter(|limit| limit.used > limit.cap);
        exceeded.map(|limit| format!("{} {} of {}", limit.used, limit.what, limit.cap)).collect()
    }
}

/// Some limits, of which most are reached: parts of what the night took without them.
fn limits(seed: Seed, draw: u32, night: &Morning) -> RunCaps {
    let mut rng = seed.child("limits", &[&draw.to_string()]).rng();
    loop {
        let mut of = |role: Option<Role>| {
            let bill = night.books.bill(|receipt| role.is_none_or(|role| receipt.role == role));
            some(&bill, &mut rng)
        };
        let caps = RunCaps { run: of(None), agent: of(Some(Role::Agent)), writer: of(Some(Role::Writer)) };
        if caps != RunCaps::default() {
            return caps;
        }
    }
}

fn some(bill: &Bill, rng: &mut ChaCha8Rng) -> Caps {
    let mut part = |chance: f64, whole: u64| {
        let part = rng.random_range(PARTS.0.ln()..PARTS.1.ln()).exp();
        rng.random_bool(chance).then_some((part * whole as f64) as u64)
    };
    Caps {
        usd: part(0.35, bill.usd.pico()).map(Usd::of_pico),
        tokens: part(0.25, bill.tokens()),
        calls: part(0.25, bill.requests),
        time_ms: part(0.05, 3_000),
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (nights, budget, limited) = (self.nights, self.budget, self.limited);
        let struck: u64 = self.faults.values().sum();
        let share = 100.0 * struck as f64 / self.attempts as f64;
        writeln!(
            f,
            "runs      {nights} without faults, {nights} with faults, {limited} with faults and limits;"
        )?;
        writeln!(f, "          {budget} episodes each, {PARALLEL} at once")?;
        writeln!(
            f,
            "attempts  {} in the runs with faults, {struck} of them struck ({share:.1} %):",
            self.attempts
        )?;
        for (fault, count) in &self.faults {
            writeln!(f, "          {count:>7} {fault:?}")?;
        }
        writeln!(
            f,
            "episodes  {} scored, {} unmeasured, {} cut by limits; {} lost at first and made again",
            self.scored, self.unmeasured, self.cut, self.made_again
        )?;
        self.reasons.iter().try_for_each(|reason| writeln!(f, "          {reason}"))?;
        writeln!(
            f,
            "spend     counted ${} in {} calls, uncounted at most ${} in {} calls; by the provider's books ${}",
            self.counted.usd,
            self.counted.requests,
            self.uncounted.usd,
            self.uncounted.requests,
            self.charged.usd
        )?;
        writeln!(f, "          without faults ${} in {} calls", self.fair.usd, self.fair.requests)?;
        for what in ["dollars", "tokens", "calls"] {
            let limits = || self.limits.iter().filter(|limit| limit.what == what);
            let used: f64 = limits().map(|limit| limit.used as f64 / limit.cap.max(1) as f64).sum();
            let (count, mean) = (limits().count(), 100.0 * used / limits().count().max(1) as f64);
            writeln!(f, "limits    {count} of {what}, of which {mean:.0} % was used on average")?;
        }
        let reached = self.reached;
        let exceeded = match self.exceeded() {
            none if none.is_empty() => "none was exceeded".to_owned(),
            some => format!("EXCEEDED: {}", some.join(", ")),
        };
        writeln!(f, "          {reached} runs were ended by one; {exceeded}")?;
        write!(f, "winner    the same as without faults in {} of {nights}", self.same_winner)?;
        self.others.iter().try_for_each(|other| write!(f, "\n          {other}"))
    }
}
