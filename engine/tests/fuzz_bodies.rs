//! The bodies of the fuzz targets, run on stable: on the seeds, on the seeds with damage, and on noise.

#[path = "../../fuzz/bodies.rs"]
mod bodies;

use proptest::collection::vec;
use proptest::prelude::*;
use std::path::Path;

type Body = fn(&[u8]);

const TARGETS: [(&str, Body); 3] =
    [("scenario", bodies::scenario), ("pattern", bodies::pattern), ("pack", bodies::pack)];

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// A seed with a few places cut out, doubled, or overwritten by pieces that mean something to some reader.
fn damaged(seed: &[u8], damage: &[(u16, u16, u8)]) -> Vec<u8> {
    const PIECES: [&str; 16] =
        ["\n", " ", "\t", "- ", ": ", "{", "]", "\"", "'", "\\", "&a ", "*a", "(", "{2,3}", "é", "\u{0}"];
    let mut bytes = seed.to_vec();
    for (at, length, kind) in damage {
        let start = usize::from(*at) % (bytes.len() + 1);
        let end = (start + usize::from(*length) % 24).min(bytes.len());
        let piece = match usize::from(*kind) % 18 {
            16 => Vec::new(),
            17 => bytes[start..end].repeat(2),
            index => PIECES[index].as_bytes().to_vec(),
        };
        bytes.splice(start..end, piece);
    }
    bytes
}

#[test]
fn the_seeds_are_read_or_refused() {
    for (target, body) in TARGETS {
        let seeds = seeds(target);
        assert!(seeds.len() >= 5, "{target} has seeds");
        seeds.iter().for_each(|seed| body(seed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_seeds_are_read_or_refused(pick in any::<usize>(), damage in vec(any::<(u16, u16, u8)>(), 1..6)) {
        for (target, body) in TARGETS {
            let seeds = seeds(target);
            body(&damaged(&seeds[pick % seeds.len()], &damage));
        }
    }

    #[test]
    fn noise_is_read_or_refused(text in "\\PC{0,80}", bytes in vec(any::<u8>(), 0..80)) {
        for (_, body) in TARGETS {
            body(text.as_bytes());
            body(&bytes);
        }
    }
}
