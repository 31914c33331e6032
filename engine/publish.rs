//! Publishing: putting a winner where others can fetch it, and fetching what others put there.
//!
//! Everything here changes something that others see, so doing it twice changes nothing, nothing is ever
//! forced, and what went wrong comes with the next step to take. Whether a pack deserves to be published was
//! decided before.

mod fetch;
pub mod git;
mod note;
mod program;
mod push;
mod receipt;
mod redact;
mod rehearsal;
mod rejection;

pub use fetch::{FetchError, fetch_pack, is_remote};
pub use git::{Committed, PackRepo, PublishError};
pub use note::{CommitNote, WonWith};
pub use program::GitProgram;
pub use push::PushOutcome;
pub use receipt::Receipt;
pub use redact::redact;
pub use rehearsal::Rehearsal;
pub use rejection::{Rejection, RejectionCause};
