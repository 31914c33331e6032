//! Endpoints: parts of this program that other programs reach over HTTP on this machine, a model in the
//! OpenAI dialect and the mock tools of a world.
//!
//! Loopback is the rule; whoever asks for another address must also set a token.

mod access;
mod body;
pub mod chat;
pub mod model;
pub mod world;

pub use access::Access;
