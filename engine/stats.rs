//! Statistics: what the episodes seen so far say of every candidate, and how far that can be trusted.
//!
//! All of it is pure: numbers in, numbers out, chance from a generator that the caller seeds. What a
//! candidate, a scenario or an episode is, these functions need not know; they see nodes, weights and scores.

pub mod bandit;
pub mod constraint;
pub mod design;
pub mod discrepancy;
pub mod interval;
pub mod joint;
pub mod lineage;
pub mod looks;
pub mod normal;
pub mod power;
pub mod signflip;
pub mod top_two;
pub mod values;

pub use bandit::Bandit;
pub use design::DesignEffect;
pub use joint::{Draws, Joint};
pub use lineage::{Elimination, Lineage, Normal, Posterior, Seen};
pub use looks::look_levels;
pub use signflip::{Pair, SignFlip, sign_flip};
pub use top_two::top_two;
pub use values::{ScenarioDraws, Values};
