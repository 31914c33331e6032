//! How much two policies say the same, as the validators measure it: the normalized compression distance of their
//! texts, by the lengths that zlib gives them. Only `AGENTS.md` is compared.
//!
//! The lengths must be those of the stock zlib at level 9: other implementations of the same format compress some
//! texts to other lengths, which moves the similarity by up to 0.7. So zlib itself is called here.

use super::Pack;
use libz_sys::{Z_OK, compress2, compressBound, uLong};

/// The greatest level, which validators use.
const LEVEL: i32 = 9;
/// What zlib makes of no text.
const EMPTY: usize = 8;

/// How similar two texts are, and the lengths that it comes of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    /// About 0 for texts that share nothing and 0.97 for a copy; never exactly 0 or 1, and a little below 0 at times.
    pub value: f64,
    /// The compressed lengths of the first text, the second, and both in a row.
    pub first: usize,
    pub second: usize,
    pub both: usize,
}

impl Similarity {
    /// Compares a challenger's policy with another one. The order matters a little: validators put the challenger
    /// first.
    pub fn of(challenger: &Pack, other: &Pack) -> Similarity {
        Similarity::of_texts(challenger.agents_md(), other.agents_md())
    }

    pub fn of_texts(first: &str, second: &str) -> Similarity {
        let (one, other) = (normalized(first), normalized(second));
        let together = format!("{one}{other}");
        let (first, second, both) =
            (compressed_length(&one), compressed_length(&other), compressed_length(&together));
        let distance = (both as f64 - first.min(second) as f64) / first.max(second) as f64;
        Similarity { value: 1.0 - distance, first, second, both }
    }
}

/// The text without what does not count: case, marks of headings, and how much white space there is.
pub fn normalized(text: &str) -> String {
    let lower = text.to_lowercase();
    let mut without = String::with_capacity(lower.len());
    let mut is_after_mark = false;
    for c in lower.chars() {
        match c {
            '#' => is_after_mark = true,
            ' ' if is_after_mark => {}
            c => {
                is_after_mark = false;
                without.push(c);
            }
        }
    }
    without.split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// White space as Python's patterns have it: four separators more than Rust's.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

fn compressed_length(text: &str) -> usize {
    if text.is_empty() {
        return EMPTY;
    }
    let length =
        uLong::try_from(text.len()).expect("a policy is shorter than 4 GB: packs are read within limits");
    // SAFETY: `compressBound` only computes. `compress2` reads `length` bytes from `text` and writes at most
    // `written` bytes into `buffer`, which has just that room.
    let written = unsafe {
        let mut written = compressBound(length as _) as uLong;
        let mut buffer = vec![0u8; written as usize];
        let result = compress2(buffer.as_mut_ptr(), &mut written, text.as_ptr(), length as _, LEVEL);
        assert_eq!(result, Z_OK, "zlib has room enough, so only a lack of memory could stop it");
        written
    };
    written as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_headings_and_white_space_do_not_count() {
        let check = |text: &str, expected: &str| assert_eq!(normalized(text), expected, "{text:?}");
        check("## Before You Act\n\n- Ask.", "before you act - ask.");
        check("C# and ##  x", "cand x");
        check("#\tx\u{1c}y\u{200b}z", "x y\u{200b}z");
    }

    #[test]
    fn zlib_is_the_stock_one() {
        let text: String = (0..4_000).map(|n: u32| char::from(b'a' + (n * n % 23 + n % 3) as u8)).collect();
        let check = |text: &str, expected: usize| assert_eq!(compressed_length(text), expected);
        check("", 8);
        check("a", 9);
        check(&text, 87);
    }
}
