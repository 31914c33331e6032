//! Golden vectors of the reference implementations. They stand beside the checkout in `../shared`; where they
//! are absent, the tests that need them say so and pass.

use std::io::Read as _;
use std::path::PathBuf;

/// The lines of a vector file, decompressed; none (with a visible message) where it is absent.
#[allow(dead_code, reason = "the vector tests that call it come with their modules")]
pub(crate) fn lines(name: &str) -> Option<Vec<String>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance").join(name);
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("SKIPPED: the golden vectors {name} are not here");
        return None;
    };
    let mut text = String::new();
    if name.ends_with(".gz") {
        flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("a gzip file of text");
    } else {
        text = String::from_utf8(bytes).expect("a text file");
    }
    Some(text.lines().map(str::to_owned).collect())
}
