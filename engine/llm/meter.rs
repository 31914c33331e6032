//! The meter: an `Llm` around an `Llm` that reserves what a call may cost before it is made, and settles it by
//! what the provider counted.
//!
//! A reservation is on disk before the call is made, so that a process that is killed leaves no unknown bill:
//! what was under way then counts at its upper bound.

mod work_clock;

use super::pricing::Price;
use super::{FailedAttempts, Llm, LlmError, Reply, Request};
use crate::budget::{
    Accounts, Amount, Bound, Call, Charge, Limit, Refusal, Resource, Role, RunCaps, Settled,
};
use crate::episode::Usage;
use futures_util::future::BoxFuture;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

pub use work_clock::WorkClock;

/// A count so far above its bound is a fault of the counter.
const EXCESS_PERCENT_MAX: u64 = 500;

/// So often a call under way looks whether its limits of time have changed.
const TIME_LOOK: Duration = Duration::from_secs(5);

/// The account of a run, shared by all its models.
pub struct Ledger {
    accounts: Mutex<Accounts>,
    last_number: Mutex<u64>,
    last_refusal: Mutex<Option<Limit>>,
    settled: Notify,
    /// The beginning of this process's part of the run.
    start: Instant,
    /// How long the run has worked, and how long it may.
    work: Mutex<(WorkClock, Option<Duration>)>,
    book: Option<mpsc::UnboundedSender<Entry>>,
}

/// What is to be kept of a call.
pub enum Entry {
    /// Must be on disk before the call is made; the answer says whether it is.
    Reserved {
        call: Call,
        kept: oneshot::Sender<Result<(), String>>,
    },
    Settled {
        number: u64,
        settled: Settled,
    },
    /// Nothing more is kept.
    Closed,
}

/// A model whose calls are accounted for.
pub struct Metered {
    inner: Arc<dyn Llm>,
    role: Role,
    /// None for a model without a price.
    price: Option<Price>,
    ledger: Arc<Ledger>,
    /// The most that the provider has counted where a bound said 100. Some add texts of their own to a prompt, or
    /// let a model think beyond its limit.
    percent: AtomicU64,
}

impl Ledger {
    /// The ledger of a run that has made some calls and worked for some time already. Entries go to `book`; none
    /// keeps nothing.
    pub fn new(
        caps: RunCaps,
        earlier: &[Call],
        worked_ms: u64,
        book: Option<mpsc::UnboundedSender<Entry>>,
    ) -> Ledger {
        let work = (WorkClock::started(worked_ms), caps.run.time_ms.map(Duration::from_millis));
        Ledger {
            accounts: Mutex::new(Accounts::new(caps, earlier)),
            last_number: Mutex::new(earlier.iter().map(|call| call.number).max().unwrap_or(0)),
            last_refusal: Mutex::new(None),
            settled: Notify::new(),
            start: Instant::now(),
            work: Mutex::new(work),
            book,
        }
    }

    /// A ledger without limits that keeps nothing.
    pub fn unlimited() -> Ledger {
        Ledger::new(RunCaps::default(), &[], 0, None)
    }

    /// The most that all roles have spent.
    pub fn spent(&self) -> Amount {
        let accounts = lock(&self.accounts);
        accounts.spent(Role::Agent).plus(accounts.spent(Role::Writer))
    }

    /// Until when the run may go on; none where nothing limits it, and while it rests.
    pub fn deadline(&self) -> Option<Instant> {
        let (clock, most) = *lock(&self.work);
        clock.reaches(most?)
    }

    /// Counts against other limits from here on, calls under way included.
    pub fn tune(&self, caps: RunCaps) {
        lock(&self.accounts).tune(caps);
        lock(&self.work).1 = caps.run.time_ms.map(Duration::from_millis);
        self.settled.notify_waiters();
    }

    /// The run rests: its time stands still.
    pub fn rest(&self) {
        lock(&self.work).0.rest();
    }

    /// The run works again.
    pub fn work(&self) {
        lock(&self.work).0.work();
    }

    /// How many more episodes the limits afford after so many more calls of writers, given how many were made, and the
    /// limit that says so.
    pub fn episodes_left(&self, episodes: u32, writer_calls: u32) -> Option<(f64, Limit)> {
        lock(&self.accounts).episodes_left(episodes, writer_calls, self.now_ms())
    }

    /// The limit that refused or cut a call last.
    pub fn last_refusal(&self) -> Option<Limit> {
        *lock(&self.last_refusal)
    }

    /// Notes that a limit was reached.
    pub fn refuse(&self, limit: Limit) {
        *lock(&self.last_refusal) = Some(limit);
    }

    /// Makes a call that is no model's: reserved before, settled by what it says that it took, and cut where a limit
    /// of time comes first.
    pub async fn account<T>(
        &self,
        role: Role,
        name: &str,
        bound: Bound,
        call: impl Future<Output = (T, Charge)>,
    ) -> Result<T, Unmade> {
        let note = |unmade: &Unmade| match unmade {
            Unmade::Full(limit) => self.refuse(*limit),
            Unmade::NotKept(_) => {}
        };
        let waits = FailedAttempts::default();
        let reservation = self.reserve(role, name, bound, &waits).await.inspect_err(note)?;
        match self.in_time(role, call).await {
            Ok((answer, charge)) => {
                reservation.settle(charge);
                Ok(answer)
            }
            Err(limit) => {
                reservation.settle(Charge::Uncounted);
                self.refuse(limit);
                Err(Unmade::Full(limit))
            }
        }
    }

    /// Waits for a call as long as the limits of time allow, which may change meanwhile.
    async fn in_time<T>(&self, role: Role, call: impl Future<Output = T>) -> Result<T, Limit> {
        tokio::pin!(call);
        loop {
            let tightest = self.time_left(role);
            let left = tightest.map_or(TIME_LOOK, |(left, _)| left);
            if let Ok(answer) = timeout(left.min(TIME_LOOK), &mut call).await {
                return Ok(answer);
            }
            if let Some((Duration::ZERO, role)) = self.time_left(role) {
                return Err(Limit { role, resource: Resource::Time });
            }
        }
    }

    /// How long a role's calls may go on, and whose limit says so.
    fn time_left(&self, role: Role) -> Option<(Duration, Option<Role>)> {
        let run = self.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let of_role = lock(&self.accounts).time_left_ms(role, self.now_ms());
        let of_role = of_role.map(Duration::from_millis);
        let both = [(run, None), (of_role, Some(role))];
        both.into_iter().filter_map(|(left, role)| Some((left?, role))).min()
    }

    /// Reserves a call, waiting while calls under way may still give back what they do not need, and keeps it.
    async fn reserve(
        &self,
        role: Role,
        model: &str,
        bound: Bound,
        waits: &FailedAttempts,
    ) -> Result<Reservation<'_>, Unmade> {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            // From here on no settling is missed.
            settled.as_mut().enable();
            if self.deadline().is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(Unmade::Full(Limit::RUN_TIME));
            }
            let answer = lock(&self.accounts).reserve(role, &bound, self.now_ms());
            match answer {
                Ok(()) => break,
                Err(Refusal::Full(limit)) => return Err(Unmade::Full(limit)),
                Err(Refusal::Wait) => {
                    // No agent is slow for it, whoever else has a clock.
                    waits.raise();
                    settled.await;
                }
            }
        }
        let number = {
            let mut last = lock(&self.last_number);
            *last += 1;
            *last
        };
        let reservation =
            Reservation { ledger: self, number, role, bound, began: Instant::now(), is_open: true };
        let call = Call { number, role, model: model.to_owned(), began_ms: unix_ms(), bound, settled: None };
        match self.keep(call).await {
            Ok(()) => Ok(reservation),
            Err(problem) => {
                reservation.settle(Charge::Free);
                Err(Unmade::NotKept(problem))
            }
        }
    }

    async fn keep(&self, call: Call) -> Result<(), String> {
        let Some(book) = &self.book else { return Ok(()) };
        let gone = || "the run's account of calls is closed".to_owned();
        let (kept, answer) = oneshot::channel();
        book.send(Entry::Reserved { call, kept }).map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    fn now_ms(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
}

/// Why a call was not made, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmade {
    /// A limit of the run came first.
    Full(Limit),
    /// It could not be accounted for.
    NotKept(String),
}

/// A call that is reserved. One that is dropped half way stays uncounted.
struct Reservation<'a> {
    ledger: &'a Ledger,
    number: u64,
    role: Role,
    bound: Bound,
    began: Instant,
    is_open: bool,
}

impl Reservation<'_> {
    fn settle(mut self, charge: Charge) {
        self.close(charge);
    }

    fn close(&mut self, charge: Charge) {
        self.is_open = false;
        let took_ms = self.began.elapsed().as_millis() as u64;
        lock(&self.ledger.accounts).settle(self.role, &self.bound, charge, self.ledger.now_ms());
        if let Some(book) = &self.ledger.book {
            // Where nobody keeps it any more, it stays reserved there: at most, and so on the safe side.
            let _ = book.send(Entry::Settled { number: self.number, settled: Settled { took_ms, charge } });
        }
        self.ledger.settled.notify_waiters();
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if self.is_open {
            self.close(Charge::Uncounted);
        }
    }
}

impl Metered {
    pub fn new(inner: Arc<dyn Llm>, role: Role, price: Option<Price>, ledger: Arc<Ledger>) -> Metered {
        Metered { inner, role, price, ledger, percent: AtomicU64::new(100) }
    }

    /// The most that a call can cost: no tokenizer makes more tokens than there are bytes.
    fn bound(&self, request: &Request) -> Bound {
        let percent = self.percent.load(Ordering::Relaxed);
        let stretched = |tokens: u64| tokens.saturating_mul(percent).div_ceil(100);
        let input = stretched(request.bytes());
        let output = self.inner.output_tokens_max(request).map(|tokens| stretched(u64::from(tokens)));
        Bound {
            tokens: output.map(|output| input.saturating_add(output)),
            usd: self.price.zip(output).map(|(price, output)| price.upper_bound(input, output)),
            is_priced: self.price.is_some(),
        }
    }

    fn charge(&self, bound: &Bound, answer: &Result<Reply, LlmError>) -> Charge {
        match answer {
            Ok(reply) => self.counted(bound, reply.usage),
            Err(LlmError::Lost { usage, .. } | LlmError::Garbled { usage, .. }) => {
                self.counted(bound, **usage)
            }
            // What was refused after it was read is charged as input.
            Err(LlmError::RequestRefused { usage, .. }) if usage.input_tokens.is_some() => {
                let output_tokens = usage.output_tokens.or(Some(0));
                self.counted(bound, Usage { output_tokens, ..**usage })
            }
            Err(error) if error.is_free() => Charge::Free,
            Err(_) => Charge::Uncounted,
        }
    }

    /// A count of nothing, or of many times what can be, is none. One that exceeds the bound is believed, and later
    /// calls are reserved accordingly.
    fn counted(&self, bound: &Bound, usage: Usage) -> Charge {
        let (Some(input), Some(output)) = (usage.input_tokens, usage.output_tokens) else {
            return Charge::Uncounted;
        };
        let tokens = input.saturating_add(output);
        let percent = bound.tokens.map_or(100, |most| tokens.saturating_mul(100).div_ceil(most.max(1)));
        if input == 0 || percent > EXCESS_PERCENT_MAX {
            return Charge::Uncounted;
        }
        self.percent.fetch_max(percent * self.percent.load(Ordering::Relaxed) / 100, Ordering::Relaxed);
        Charge::Counted { usage, usd: self.price.and_then(|price| price.cost(usage)) }
    }

    /// Makes a reserved call, as long as the limits of time allow.
    async fn call(&self, request: &Request) -> Result<Reply, LlmError> {
        match self.ledger.in_time(self.role, self.inner.complete(request)).await {
            Ok(answer) => answer,
            Err(limit) => Err(self.cap_reached(limit)),
        }
    }

    fn cap_reached(&self, limit: Limit) -> LlmError {
        self.ledger.refuse(limit);
        LlmError::CapReached { model: self.name().to_owned(), limit }
    }
}

impl Llm for Metered {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn output_tokens_max(&self, request: &Request) -> Option<u32> {
        self.inner.output_tokens_max(request)
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            let asked = Instant::now();
            let bound = self.bound(request);
            let reservation =
                match self.ledger.reserve(self.role, self.name(), bound, &request.failed_attempts).await {
                    Ok(reservation) => reservation,
                    Err(Unmade::Full(limit)) => return Err(self.cap_reached(limit)),
                    Err(Unmade::NotKept(problem)) => {
                        let problem =
                            format!("the call was not made, since it could not be accounted for: {problem}");
                        return Err(LlmError::SetupRefused { model: self.name().to_owned(), problem });
                    }
                };
            let waited_ms = asked.elapsed().as_millis() as u64;
            let mut answer = self.call(request).await;
            // A limit of time cuts a call that was made.
            let charge = match &answer {
                Err(LlmError::CapReached { .. }) => Charge::Uncounted,
                answer => self.charge(&bound, answer),
            };
            reservation.settle(charge);
            if let Ok(reply) = &mut answer {
                reply.waited_ms += waited_ms;
            }
            answer
        })
    }
}

fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
