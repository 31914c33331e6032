//! Packwright optimizes policy packs: bundles of text, first of all `AGENTS.md`, that tell an LLM agent how
//! to behave.
//!
//! The story: ask the search what to try, propose it, evaluate it, record it, tell the search. When the
//! budget is spent, say honestly whether the best is better than what we had; if it is, publish it.
//!
//! The modules below stand in reading order, and each imports only from modules above it.
//!
//! Invariants:
//! 1. Words and machinery never touch disk, clock or network.
//! 2. The library never prints.
//! 3. Nothing outside `llm` and `agent::openclaw` opens a socket to a model; `agent::external` opens one to evaluators,
//!    `export::send` one to a collector of traces, `notify::http` one to where messages go, `publish::fetch` one to where
//!    another's pack lies, and `publish::chain` one to a chain's node.
//! 4. Nothing but `publish`, and the programs that the user names, changes anything outside the runs folder and the cache.
//! 5. State is only what telling the recorded events gives: a live run and a resumed run use the same lines.
//! 6. Results do not depend on which worker finished first.
//! 7. Same inputs and seed, same bytes.

// Words: plain data and pure functions.
pub mod value;
pub mod units;
pub mod shell;
pub mod pattern;
pub mod scenario;
pub mod episode;
pub mod budget;
pub mod pack;
pub mod persona;
pub mod score;
pub mod policy;
pub mod lint;
pub mod stats;
pub mod event;
pub mod lineage;

// Machinery: no clock, disk or network; randomness from a seed.
pub mod world;
pub mod search;

// Reach: the outside, each its own corner.
pub mod workspace;
pub mod cache;
pub mod llm;
pub mod endpoint;
pub mod agent;
pub mod propose;
pub mod evaluate;
pub mod store;
pub mod control;
pub mod wallet;

// Stories: only what is above.
pub mod estimate;
pub mod optimize;
pub mod batch;
pub mod lab;
pub mod rescore;
pub mod compare;

// Faces: people, browsers, git and the chain.
pub mod report;
pub mod export;
pub mod publish;
pub mod notify;
pub mod serve;
