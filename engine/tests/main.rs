//! The tests that need more than one module, in one binary.

mod agent;
mod bad_input;
mod conformance;
mod fuzz_bodies;
mod llm;
mod loading;
mod objective;
mod offline;
mod packs;
mod publish;
mod scoring;
mod search;
mod tidy;
mod validate;
mod world;
