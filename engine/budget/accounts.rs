//! The accounts of a run under way: what was spent and what is reserved, by role, and whether a further call
//! still fits. Time is given by the caller, so all of this can be tried out without a clock.

use super::{Bound, Call, Caps, Charge, Limit, Resource, Role, RunCaps};
use crate::units::Usd;

/// An amount of everything that calls use up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    pub usd: Usd,
    pub tokens: u64,
    pub calls: u64,
}

/// Why a call cannot be reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It fits as soon as calls under way need less than they reserved.
    Wait,
    /// It does not fit any more.
    Full(Limit),
}

/// What was spent and what is reserved.
#[derive(Clone, Debug)]
pub struct Accounts {
    caps: RunCaps,
    agent: Account,
    writer: Account,
    /// The largest bound that a call of the agent had.
    largest: Amount,
}

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    spent: Amount,
    reserved: Amount,
    /// How long at least one call was under way, up to `since`.
    busy_ms: u64,
    under_way: u32,
    since_ms: u64,
}

impl Accounts {
    /// The accounts of a run that has made some calls already.
    pub fn new(caps: RunCaps, earlier: &[Call]) -> Accounts {
        let (agent, writer) = (Account::default(), Account::default());
        let mut accounts = Accounts { caps, agent, writer, largest: Amount::default() };
        for call in earlier {
            let charge = call.settled.map_or(Charge::Uncounted, |settled| settled.charge);
            let amount = spent(&call.bound, charge);
            accounts.note_bound(call.role, &call.bound);
            let account = accounts.of_mut(call.role);
            account.spent = account.spent.plus(amount);
        }
        accounts.even_out_time(earlier);
        accounts
    }

    /// Counts against other limits from here on.
    pub fn tune(&mut self, caps: RunCaps) {
        self.caps = caps;
    }

    /// Reserves a call, or says why it does not fit.
    pub fn reserve(&mut self, role: Role, bound: &Bound, now_ms: u64) -> Result<(), Refusal> {
        let amount = reserved(bound);
        let own = self.of(role);
        if let Some(cap) = self.caps.of(role).time_ms
            && own.busy_at(now_ms) >= cap
        {
            return Err(Refusal::Full(Limit { role: Some(role), resource: Resource::Time }));
        }
        let all = self.agent.spent.plus(self.writer.spent);
        let both = self.agent.reserved.plus(self.writer.reserved);
        let limits = [
            (Some(role), own.spent.plus(amount), own.reserved, self.caps.of(role)),
            (None, all.plus(amount), both, &self.caps.run),
        ];
        for (role, spent, _, caps) in &limits {
            if let Some(resource) = spent.exceeds(caps) {
                return Err(Refusal::Full(Limit { role: *role, resource }));
            }
        }
        if limits.iter().any(|(_, spent, reserved, caps)| spent.plus(*reserved).exceeds(caps).is_some()) {
            return Err(Refusal::Wait);
        }
        self.note_bound(role, bound);
        let account = self.of_mut(role);
        account.reserved = account.reserved.plus(amount);
        account.begin(now_ms);
        Ok(())
    }

    /// Gives back what a call did not need.
    pub fn settle(&mut self, role: Role, bound: &Bound, charge: Charge, now_ms: u64) {
        let account = self.of_mut(role);
        account.reserved = account.reserved.minus(reserved(bound));
        account.spent = account.spent.plus(spent(bound, charge));
        account.end(now_ms);
    }

    /// The most that was spent by a role.
    pub fn spent(&self, role: Role) -> Amount {
        self.of(role).spent
    }

    /// For how long a role's calls may still be under way; none is no limit.
    pub fn time_left_ms(&self, role: Role, now_ms: u64) -> Option<u64> {
        let cap = self.caps.of(role).time_ms?;
        Some(cap.saturating_sub(self.of(role).busy_at(now_ms)))
    }

    /// How many more episodes the limits afford when each takes as much as those before it did on average, and
    /// the limit that says so, after so many more calls of writers. The bound of one call stays unspent at the end of
    /// every limit, so it is left out. None where nothing limits the agent, or no episode has been made.
    pub fn episodes_left(&self, episodes: u32, writer_calls: u32, now_ms: u64) -> Option<(f64, Limit)> {
        let each = |part: u64| part as f64 / f64::from(episodes);
        let mean = (episodes > 0).then_some(self.agent.spent)?;
        // The writers' calls come off first, at what those until now took.
        let all = self.agent.spent.plus(self.writer.spent).plus(self.writing(writer_calls));
        let caps = [(None, all, self.caps.run), (Some(Role::Agent), self.agent.spent, self.caps.agent)];
        let mut tightest: Option<(f64, Limit)> = None;
        let mut consider = |role, resource, left: u64, keep: u64, each: f64| {
            if each > 0.0 {
                let episodes = left.saturating_sub(keep) as f64 / each;
                if tightest.is_none_or(|(fewest, _)| episodes < fewest) {
                    tightest = Some((episodes, Limit { role, resource }));
                }
            }
        };
        for (role, spent, caps) in caps {
            if let Some(cap) = caps.usd {
                let (left, keep) = (cap.minus(spent.usd).pico(), self.largest.usd.pico());
                consider(role, Resource::Usd, left, keep, each(mean.usd.pico()));
            }
            if let Some(cap) = caps.tokens {
                let left = cap.saturating_sub(spent.tokens);
                consider(role, Resource::Tokens, left, self.largest.tokens, each(mean.tokens));
            }
            if let Some(cap) = caps.calls {
                let left = cap.saturating_sub(spent.calls);
                consider(role, Resource::Calls, left, 0, each(mean.calls));
            }
        }
        if let Some(left) = self.time_left_ms(Role::Agent, now_ms) {
            let role = Some(Role::Agent);
            consider(role, Resource::Time, left, 0, each(self.agent.busy_at(now_ms)));
        }
        tightest
    }

    fn writing(&self, more_calls: u32) -> Amount {
        let (Amount { usd, tokens, calls }, more) = (self.writer.spent, u64::from(more_calls));
        if calls == 0 {
            return Amount::default();
        }
        let of = |part: u64| part / calls * more;
        Amount { usd: Usd::of_pico(of(usd.pico())), tokens: of(tokens), calls: more }
    }

    fn note_bound(&mut self, role: Role, bound: &Bound) {
        if role == Role::Agent {
            let amount = reserved(bound);
            self.largest.usd = self.largest.usd.max(amount.usd);
            self.largest.tokens = self.largest.tokens.max(amount.tokens);
        }
    }

    /// Calls of earlier processes overlapped, so their times do not add up: what counts is their union.
    fn even_out_time(&mut self, earlier: &[Call]) {
        for role in [Role::Agent, Role::Writer] {
            let mut spans: Vec<(u64, u64)> = earlier
                .iter()
                .filter(|call| call.role == role)
                .map(|call| {
                    // One that a kill cut off went on at least until the newest call began.
                    let newest = earlier.iter().map(|call| call.began_ms).max().unwrap_or(0);
                    let cut = newest.saturating_sub(call.began_ms);
                    (call.began_ms, call.began_ms + call.settled.map_or(cut, |settled| settled.took_ms))
                })
                .collect();
            spans.sort_unstable();
            let (mut busy_ms, mut end) = (0, 0);
            for (from, to) in spans {
                busy_ms += to.saturating_sub(from.max(end));
                end = end.max(to);
            }
            self.of_mut(role).busy_ms = busy_ms;
        }
    }

    fn of(&self, role: Role) -> &Account {
        match role {
            Role::Agent => &self.agent,
            Role::Writer => &self.writer,
        }
    }

    fn of_mut(&mut self, role: Role) -> &mut Account {
        match role {
            Role::Agent => &mut self.agent,
            Role::Writer => &mut self.writer,
        }
    }
}

impl Account {
    fn begin(&mut self, now_ms: u64) {
        if self.under_way == 0 {
            self.since_ms = now_ms;
        }
        self.under_way += 1;
    }

    fn end(&mut self, now_ms: u64) {
        self.under_way = self.under_way.saturating_sub(1);
        if self.under_way == 0 {
            self.busy_ms += now_ms.saturating_sub(self.since_ms);
        }
    }

    fn busy_at(&self, now_ms: u64) -> u64 {
        let running = if self.under_way > 0 { now_ms.saturating_sub(self.since_ms) } else { 0 };
        self.busy_ms.saturating_add(running)
    }
}

impl Amount {
    pub fn plus(self, other: Amount) -> Amount {
        Amount {
            usd: self.usd.plus(other.usd),
            tokens: self.tokens.saturating_add(other.tokens),
            calls: self.calls.saturating_add(other.calls),
        }
    }

    fn minus(self, other: Amount) -> Amount {
        Amount {
            usd: self.usd.minus(other.usd),
            tokens: self.tokens.saturating_sub(other.tokens),
            calls: self.calls.saturating_sub(other.calls),
        }
    }

    /// The first resource of which this is more than allowed.
    pub fn exceeds(self, caps: &Caps) -> Option<Resource> {
        let over = [
            (caps.usd.is_some_and(|cap| self.usd > cap), Resource::Usd),
            (caps.tokens.is_some_and(|cap| self.tokens > cap), Resource::Tokens),
            (caps.calls.is_some_and(|cap| self.calls > cap), Resource::Calls),
        ];
        over.into_iter().find(|(is_over, _)| *is_over).map(|(_, resource)| resource)
    }
}

/// What a call holds while it is under way. A bound that nobody needs counts as nothing: where a limit needs
/// one, the calls have one.
fn reserved(bound: &Bound) -> Amount {
    Amount { usd: bound.usd.unwrap_or_default(), tokens: bound.tokens.unwrap_or_default(), calls: 1 }
}

/// What a call took at most. A refused call costs no money, but it was made.
fn spent(bound: &Bound, charge: Charge) -> Amount {
    match charge {
        Charge::Counted { usage, usd } => {
            let tokens = usage.input_tokens.unwrap_or(0).saturating_add(usage.output_tokens.unwrap_or(0));
            Amount { usd: usd.unwrap_or_default(), tokens, calls: 1 }
        }
        Charge::Uncounted => reserved(bound),
        Charge::Free => Amount { usd: Usd::ZERO, tokens: 0, calls: 1 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Settled;
    use crate::episode::Usage;

    fn bound(tokens: u64, pico: u64) -> Bound {
        Bound { tokens: Some(tokens), usd: Some(Usd::of_pico(pico)), is_priced: true }
    }

    fn counted(tokens: u64, pico: u64) -> Charge {
        let usage = Usage { input_tokens: Some(tokens), output_tokens: Some(0), ..Usage::default() };
        Charge::Counted { usage, usd: Some(Usd::of_pico(pico)) }
    }

    fn limit(role: Option<Role>, resource: Resource) -> Refusal {
        Refusal::Full(Limit { role, resource })
    }

    #[test]
    fn what_is_reserved_counts_until_it_is_settled() {
        let caps = RunCaps { run: Caps { tokens: Some(100), ..Caps::default() }, ..RunCaps::default() };
        let mut accounts = Accounts::new(caps, &[]);
        assert_eq!(accounts.reserve(Role::Agent, &bound(60, 0), 0), Ok(()));
        assert_eq!(accounts.reserve(Role::Writer, &bound(60, 0), 0), Err(Refusal::Wait));
        accounts.settle(Role::Agent, &bound(60, 0), counted(40, 0), 1);
        assert_eq!(accounts.reserve(Role::Writer, &bound(60, 0), 1), Ok(()));
        accounts.settle(Role::Writer, &bound(60, 0), Charge::Uncounted, 2);
        assert_eq!(accounts.reserve(Role::Agent, &bound(1, 0), 2), Err(limit(None, Resource::Tokens)));
        assert_eq!((accounts.spent(Role::Agent).tokens, accounts.spent(Role::Writer).tokens), (40, 60));
    }

    #[test]
    fn every_limit_holds_for_itself() {
        let check = |caps: RunCaps, role: Role, expected: Result<(), Refusal>| {
            let mut accounts = Accounts::new(caps, &[]);
            accounts.reserve(Role::Agent, &bound(10, 10), 0).unwrap();
            accounts.settle(Role::Agent, &bound(10, 10), counted(10, 10), 5);
            assert_eq!(accounts.reserve(role, &bound(10, 10), 9), expected, "{caps:?}");
        };
        let (agent, writer) = (Some(Role::Agent), Some(Role::Writer));
        let usd = |usd| Caps { usd: Some(Usd::of_pico(usd)), ..Caps::default() };
        check(RunCaps { run: usd(20), ..RunCaps::default() }, Role::Agent, Ok(()));
        check(RunCaps { run: usd(19), ..RunCaps::default() }, Role::Writer, Err(limit(None, Resource::Usd)));
        check(
            RunCaps { agent: usd(19), ..RunCaps::default() },
            Role::Agent,
            Err(limit(agent, Resource::Usd)),
        );
        check(RunCaps { agent: usd(19), ..RunCaps::default() }, Role::Writer, Ok(()));
        let writer_caps = RunCaps { writer: usd(9), ..RunCaps::default() };
        check(writer_caps, Role::Writer, Err(limit(writer, Resource::Usd)));
        let calls = Caps { calls: Some(1), ..Caps::default() };
        check(RunCaps { run: calls, ..RunCaps::default() }, Role::Agent, Err(limit(None, Resource::Calls)));
        let time = Caps { time_ms: Some(5), ..Caps::default() };
        check(RunCaps { agent: time, ..RunCaps::default() }, Role::Agent, Err(limit(agent, Resource::Time)));
        check(RunCaps { agent: time, ..RunCaps::default() }, Role::Writer, Ok(()));
    }

    #[test]
    fn a_refused_call_was_made_but_costs_nothing() {
        let mut accounts = Accounts::new(RunCaps::default(), &[]);
        accounts.reserve(Role::Agent, &bound(10, 10), 0).unwrap();
        accounts.settle(Role::Agent, &bound(10, 10), Charge::Free, 1);
        assert_eq!(accounts.spent(Role::Agent), Amount { usd: Usd::ZERO, tokens: 0, calls: 1 });
    }

    #[test]
    fn earlier_calls_count_and_those_cut_off_count_at_most() {
        let call = |number, began_ms, settled| {
            let (role, model, bound) = (Role::Agent, "a/b".to_owned(), bound(10, 10));
            Call { number, role, model, began_ms, bound, settled }
        };
        let settled = |took_ms| Some(Settled { took_ms, charge: counted(4, 4) });
        let earlier = [call(1, 100, settled(50)), call(2, 120, settled(50)), call(3, 300, None)];
        let caps = RunCaps { agent: Caps { time_ms: Some(100), ..Caps::default() }, ..RunCaps::default() };
        let accounts = Accounts::new(caps, &earlier);
        assert_eq!(accounts.spent(Role::Agent), Amount { usd: Usd::of_pico(18), tokens: 18, calls: 3 });
        assert_eq!(accounts.time_left_ms(Role::Agent, 1_000), Some(30));
    }

    #[test]
    fn the_tightest_limit_says_how_many_episodes_are_left() {
        let run = Caps { usd: Some(Usd::of_pico(1_000)), ..Caps::default() };
        let agent = Caps { calls: Some(50), ..Caps::default() };
        let mut accounts = Accounts::new(RunCaps { run, agent, ..RunCaps::default() }, &[]);
        assert_eq!(accounts.episodes_left(0, 5, 0), None);
        for _ in 0..10 {
            accounts.reserve(Role::Agent, &bound(90, 90), 0).unwrap();
            accounts.settle(Role::Agent, &bound(90, 90), counted(40, 40), 0);
        }
        // 1,000 - 400 - 90 are left, at 80 for each of 5 episodes; 40 calls are, at 2.
        let expected = Limit { role: None, resource: Resource::Usd };
        assert_eq!(accounts.episodes_left(5, 5, 0), Some((510.0 / 80.0, expected)));
        accounts.reserve(Role::Writer, &bound(30, 30), 0).unwrap();
        accounts.settle(Role::Writer, &bound(30, 30), counted(30, 30), 0);
        assert_eq!(accounts.episodes_left(5, 0, 0), Some((480.0 / 80.0, expected)));
        assert_eq!(accounts.episodes_left(5, 4, 0), Some((360.0 / 80.0, expected)));
    }
}
