//! Notifications: short messages to somebody who is asleep or away, by webhook, Telegram or a command.
//!
//! What is told is in `watch` and `ending`, how it is worded in `wording`, and how it gets there in `postman`. A message
//! holds our own words and numbers and nothing that a model or a provider wrote. Delivery is in the background and
//! never stops or delays a run; what arrived is kept beside the run, so that nothing is told twice.

mod channel;
mod command;
mod deliver;
pub mod ending;
mod http;
mod notice;
mod outbox;
mod postman;
mod quiet;
mod watch;
mod wording;

pub use channel::{Channel, Spec, TELEGRAM_API, TELEGRAM_API_VARIABLE, TELEGRAM_TOKEN_VARIABLE};
pub use deliver::{Patience, deliver};
pub use notice::{Difference, FORMAT, Kind, Notice, Progress, Subject};
pub use outbox::{Outbox, undelivered};
pub use postman::{Clock, Closed, Postman, Route};
pub use quiet::QuietHours;
pub use watch::Watch;
pub use wording::{TEXT_CHARACTERS_MAX, compose};
