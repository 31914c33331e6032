//! Delivering a message to a channel, patiently within bounds: what may pass is tried again, as late as the server asks.

use super::channel::Channel;
use super::http::Refusal;
use super::notice::Notice;
use super::{command, http};
use backon::{BackoffBuilder, ExponentialBuilder};
use std::time::Duration;

/// How long and how often a delivery is tried.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub tries: usize,
    /// Before the second try; it doubles from there, with a random part on top.
    pub first_wait: Duration,
    /// However long a server asks to wait, it is asked again after this time.
    pub wait_max: Duration,
    /// One attempt takes no longer.
    pub attempt_max: Duration,
    /// How often it is looked whether the quiet hours are over.
    pub look: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            tries: 5,
            first_wait: Duration::from_secs(1),
            wait_max: Duration::from_secs(300),
            attempt_max: Duration::from_secs(15),
            look: Duration::from_secs(20),
        }
    }
}

/// Delivers the message, or says why it was not, without secrets.
pub async fn deliver(channel: &Channel, notice: &Notice, patience: Patience) -> Result<(), String> {
    let mut waits = ExponentialBuilder::default()
        .with_min_delay(patience.first_wait)
        .with_max_delay(patience.wait_max)
        .with_max_times(patience.tries.saturating_sub(1))
        .with_jitter()
        .build();
    let mut tries = 0;
    loop {
        tries += 1;
        let Err(refusal) = attempt(channel, notice, patience.attempt_max).await else { return Ok(()) };
        let Refusal { problem, may_pass, wait } = refusal;
        match waits.next().filter(|_| may_pass) {
            Some(own) => tokio::time::sleep(wait.unwrap_or(own).min(patience.wait_max)).await,
            None if tries == 1 => return Err(problem),
            None => return Err(format!("{problem}; tried {tries} times")),
        }
    }
}

async fn attempt(channel: &Channel, notice: &Notice, limit: Duration) -> Result<(), Refusal> {
    match channel {
        Channel::Webhook { address, .. } => http::webhook(address, notice, limit).await,
        Channel::Telegram { chat, token, api, .. } => http::telegram((api, token, chat), notice, limit).await,
        Channel::Command { words, .. } => command::run(words, notice, limit).await,
    }
}
