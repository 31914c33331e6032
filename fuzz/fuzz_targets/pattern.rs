//! Feeds hostile bytes to the reader of a pattern and a text to search.
#![no_main]

#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::pattern(data));
