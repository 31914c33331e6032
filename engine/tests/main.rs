//! The tests that need more than one module, in one binary.

mod agent;
mod bad_input;
mod budget;
mod cache;
mod conformance;
mod fuzz_bodies;
mod limits;
mod llm;
mod loading;
mod objective;
mod offline;
mod openclaw;
mod packs;
mod personas;
mod program;
mod propose;
mod publish;
mod resume;
mod scoring;
mod search;
mod suite_answers;
mod tidy;
mod trial;
mod validate;
mod world;
mod world_http;
