//! Control of a run under way: what its user wants of it, by a signal or over the socket in the run's folder.
//!
//! A pace is a wish: the run follows it as soon as it can, and results do not depend on it. Other limits are orders: the
//! run records each of them before it says that it is done. What the run is doing stands in its status.

mod caps;
mod socket;
mod status;

use crate::budget::RunCaps;
use crate::event::Tuned;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot, watch};

pub use caps::{CapChanges, Countable, Metering};
pub use socket::{Listening, Reply, Request, SOCKET, ask, listen};
pub use status::{Best, RunState, Spent, Status};

/// How a run is to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pace {
    Run,
    /// What is under way is finished, and nothing more is begun until the run may go on.
    Pause,
    /// What is under way is finished, and then the run comes to its end with what it has.
    Conclude,
    /// What is under way is dropped; the run can be resumed.
    Halt,
}

/// Other limits, with somebody who waits until they are on disk.
pub struct Order {
    pub tuned: Tuned,
    pub done: oneshot::Sender<Result<(), String>>,
}

/// What the user wants of a run, and what the run does.
pub struct Control {
    pace: watch::Sender<Pace>,
    parallel: AtomicU16,
    metering: Metering,
    orders: mpsc::UnboundedSender<Order>,
    inbox: tokio::sync::Mutex<mpsc::UnboundedReceiver<Order>>,
    status: Mutex<Status>,
}

impl Control {
    /// The control of a run that begins to run, with so many steps under way at most.
    pub fn new(parallel: u16, metering: Metering, status: Status) -> Control {
        let (orders, inbox) = mpsc::unbounded_channel();
        Control {
            pace: watch::Sender::new(Pace::Run),
            parallel: AtomicU16::new(parallel),
            metering,
            orders,
            inbox: tokio::sync::Mutex::new(inbox),
            status: Mutex::new(status),
        }
    }

    pub fn pace(&self) -> Pace {
        *self.pace.borrow()
    }

    /// Asks for another pace. Who asked for the end can only ask for a faster one.
    pub fn ask(&self, pace: Pace) -> Result<(), &'static str> {
        let mut refused = None;
        self.pace.send_if_modified(|now| {
            if *now >= Pace::Conclude && pace < *now {
                refused = Some("the run was asked to stop, and is coming to its end");
                return false;
            }
            std::mem::replace(now, pace) != pace
        });
        if refused.is_none() {
            self.note(|status| status.state = state_towards(pace));
        }
        refused.map_or(Ok(()), Err)
    }

    /// Tells that nothing is under way, where the run is to pause.
    pub fn note_rest(&self) {
        self.note(|status| {
            if self.pace() == Pace::Pause {
                status.state = RunState::Paused;
            }
        });
    }

    /// Tells that the run waits, or does so no more.
    pub fn note_waiting(&self, problem: Option<String>) {
        self.note(|status| {
            let waits = problem.is_some();
            status.note = problem;
            status.state = if waits { RunState::Waiting } else { state_towards(self.pace()) };
        });
    }

    /// Hears when the pace changes.
    pub fn changes(&self) -> watch::Receiver<Pace> {
        self.pace.subscribe()
    }

    /// Waits until everything is to be dropped.
    pub async fn halted(&self) {
        // The sender is here, so there is always somebody to wait for.
        let _ = self.changes().wait_for(|pace| *pace == Pace::Halt).await;
    }

    /// Steps under way at once, at most.
    pub fn parallel(&self) -> usize {
        usize::from(self.parallel.load(Ordering::Relaxed).max(1))
    }

    pub fn set_parallel(&self, parallel: u16) {
        self.parallel.store(parallel, Ordering::Relaxed);
    }

    /// Gives an order, and waits until it is on disk; or says why it cannot be.
    pub async fn order(&self, tuned: Tuned) -> Result<(), String> {
        let ended = || "the run has come to its end meanwhile".to_owned();
        let (done, answer) = oneshot::channel();
        self.orders.send(Order { tuned, done }).map_err(|_| ended())?;
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// The next order; the run asks for it wherever it waits for anything else.
    pub async fn next_order(&self) -> Order {
        match self.inbox.lock().await.recv().await {
            Some(order) => order,
            None => std::future::pending().await,
        }
    }

    /// Whether these limits could be kept: whether calls have a price where dollars are limited, and a bound.
    pub fn can_keep(&self, caps: &RunCaps) -> Result<(), String> {
        self.metering.can_keep(caps)
    }

    pub fn status(&self) -> Status {
        lock(&self.status).clone()
    }

    /// Changes what is told of the run.
    pub fn note(&self, change: impl FnOnce(&mut Status)) {
        change(&mut lock(&self.status));
    }
}

/// The state of a run that begins to follow a pace.
fn state_towards(pace: Pace) -> RunState {
    match pace {
        Pace::Run => RunState::Running,
        Pace::Pause => RunState::Pausing,
        Pace::Conclude | Pace::Halt => RunState::Concluding,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asked_for_the_end_can_only_ask_for_a_faster_one() {
        let control = Control::new(1, Metering::default(), Status::default());
        for pace in [Pace::Pause, Pace::Run, Pace::Pause, Pace::Conclude, Pace::Conclude] {
            assert_eq!(control.ask(pace), Ok(()));
            assert_eq!(control.pace(), pace);
        }
        assert!(control.ask(Pace::Run).is_err() && control.ask(Pace::Pause).is_err());
        assert_eq!(control.ask(Pace::Halt), Ok(()));
        assert!(control.ask(Pace::Conclude).is_err());
        assert_eq!(control.pace(), Pace::Halt);
    }
}
