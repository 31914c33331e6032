//! The postman: takes messages from a run and delivers them on a thread of its own, each channel at its own speed, so that
//! a slow server delays neither the run nor the other channels. In quiet hours it holds messages back.

use super::channel::Channel;
use super::deliver::{Patience, deliver};
use super::notice::Notice;
use super::outbox::Outbox;
use super::quiet::QuietHours;
use crate::store::utc_text;
use anyhow::Context;
use jiff::Zoned;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The time, with its zone.
pub type Clock = Arc<dyn Fn() -> Zoned + Send + Sync>;

/// Where messages go, and when.
#[derive(Clone)]
pub struct Route {
    pub channels: Vec<Channel>,
    pub quiet: Option<QuietHours>,
    /// Messages that need somebody come in quiet hours, too.
    pub wake_me: bool,
    pub patience: Patience,
    pub clock: Clock,
}

/// Delivers in the background.
pub struct Postman {
    inbox: UnboundedSender<Notice>,
    ended: mpsc::Receiver<()>,
    shared: Arc<Shared>,
}

/// What a postman has come to.
#[derive(Debug, Default)]
pub struct Closed {
    /// What somebody should look at.
    pub news: Vec<String>,
    /// How many messages wait for the end of the quiet hours.
    pub held: usize,
}

struct Shared {
    outbox: Mutex<Outbox>,
    news: Mutex<Vec<String>>,
    /// What news were about, so that the like is said once.
    said: Mutex<BTreeSet<String>>,
    route: Route,
}

impl Postman {
    /// Begins with what an earlier process left; `again` includes what could not be delivered then.
    pub fn start(route: Route, outbox: Outbox, again: bool) -> anyhow::Result<Postman> {
        let shared = Arc::new(Shared {
            outbox: Mutex::new(outbox),
            news: Mutex::default(),
            said: Mutex::default(),
            route,
        });
        let (inbox, incoming) = unbounded_channel();
        let (end, ended) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let round = shared.clone();
        let thread = std::thread::Builder::new().name("notify".into());
        thread.spawn(move || {
            runtime.block_on(go(round, incoming, again));
            // Nobody may wait for it any more.
            let _ = end.send(());
        })?;
        Ok(Postman { inbox, ended, shared })
    }

    /// Takes a message; one that was told before is not told again.
    pub fn send(&self, notice: Notice) {
        // The thread takes messages until this is closed.
        let _ = self.inbox.send(notice);
    }

    /// What somebody should look at since this was asked last.
    pub fn news(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.shared.news))
    }

    /// Waits so long for what is under way. What is late then is not delivered, and said to be so.
    pub fn close(self, wait: Duration) -> Closed {
        let Postman { inbox, ended, shared } = self;
        drop(inbox);
        if ended.recv_timeout(wait).is_err() {
            shared.give_up(wait);
        }
        let held = lock(&shared.outbox).held().len();
        Closed { news: std::mem::take(&mut *lock(&shared.news)), held }
    }
}

/// A channel with what goes to it.
struct Lane {
    inbox: UnboundedSender<Notice>,
    task: tokio::task::JoinHandle<()>,
}

async fn go(shared: Arc<Shared>, mut incoming: UnboundedReceiver<Notice>, again: bool) {
    let lanes: Vec<Lane> =
        shared.route.channels.iter().map(|channel| lane(shared.clone(), channel.clone(), again)).collect();
    let send = |notice: &Notice| {
        for lane in &lanes {
            // A lane takes messages until its sender is dropped below.
            let _ = lane.inbox.send(notice.clone());
        }
    };
    loop {
        shared.release().iter().for_each(send);
        tokio::select! {
            notice = incoming.recv() => match notice {
                Some(notice) => shared.take(notice).iter().for_each(send),
                None => break,
            },
            () = tokio::time::sleep(shared.route.patience.look) => {}
        }
    }
    for Lane { inbox, task } in lanes {
        drop(inbox);
        // A lane that broke off has said nothing, and there is nobody to tell.
        let _ = task.await;
    }
}

fn lane(shared: Arc<Shared>, channel: Channel, again: bool) -> Lane {
    let (inbox, mut incoming) = unbounded_channel();
    let left = lock(&shared.outbox).open_for(channel.label(), again);
    let task = tokio::spawn(async move {
        let mut patience = shared.route.patience;
        let mut left = left.into_iter();
        loop {
            let notice = match left.next() {
                Some(notice) => notice,
                None => match incoming.recv().await {
                    Some(notice) => notice,
                    None => return,
                },
            };
            let outcome = deliver(&channel, &notice, patience).await;
            shared.delivered(&channel, &notice, &outcome);
            // Where one message was lost after all tries, the next ones are tried once each.
            patience.tries = if outcome.is_ok() { shared.route.patience.tries } else { 1 };
        }
    });
    Lane { inbox, task }
}

impl Shared {
    /// Takes a message, and gives it back if it is to be sent now.
    fn take(&self, notice: Notice) -> Option<Notice> {
        let is_quiet = self.is_quiet() && !(notice.needs_you && self.route.wake_me);
        let mut outbox = lock(&self.outbox);
        let (is_new, kept) = match is_quiet {
            true => (false, outbox.hold(&notice)),
            false => {
                let is_new = !outbox.knows(&notice);
                (is_new, outbox.send(&notice).map(|_| ()))
            }
        };
        drop(outbox);
        self.told(kept);
        is_new.then_some(notice)
    }

    /// What was held back, where it is not quiet any more.
    fn release(&self) -> Option<Notice> {
        if self.is_quiet() {
            return None;
        }
        let released = lock(&self.outbox).release(&self.now());
        match released {
            Ok(digest) => digest,
            Err(error) => {
                self.told(Err(error));
                None
            }
        }
    }

    fn delivered(&self, channel: &Channel, notice: &Notice, outcome: &Result<(), String>) {
        let problem = outcome.as_ref().err();
        let noted =
            lock(&self.outbox).note(&notice.key, channel.label(), &self.now(), problem.map(String::as_str));
        if let Some(problem) = problem {
            self.say(
                format!("not delivered: messages to {channel}: {problem}"),
                &format!("messages to {channel}"),
            );
        }
        self.told(noted);
    }

    /// What no channel has taken in time.
    fn give_up(&self, wait: Duration) {
        let problem = format!("no time was left after {} s", wait.as_secs());
        for channel in &self.route.channels {
            let open = lock(&self.outbox).open_for(channel.label(), false);
            for notice in open {
                self.delivered(channel, &notice, &Err(problem.clone()));
            }
        }
    }

    /// That it cannot be kept is no reason to stop.
    fn told(&self, kept: anyhow::Result<()>) {
        if let Err(error) = kept.context("messages may be told twice") {
            self.say(format!("warning: {error:#}"), "warning: messages may be told twice");
        }
    }

    /// Says something, unless the like was said before.
    fn say(&self, words: String, like: &str) {
        if lock(&self.said).insert(like.to_owned()) {
            lock(&self.news).push(words);
        }
    }

    fn is_quiet(&self) -> bool {
        self.route.quiet.is_some_and(|quiet| quiet.until(&(self.route.clock)()).is_some())
    }

    fn now(&self) -> String {
        utc_text(u64::try_from((self.route.clock)().timestamp().as_millisecond()).unwrap_or(0))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
