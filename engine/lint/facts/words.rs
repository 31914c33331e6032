//! Words, ids and addresses of a text, without the punctuation around them.

use std::ops::Range;

/// Where the words are.
pub(in crate::lint) fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_inner = |c: char| c.is_alphanumeric() || "@._-+'’".contains(c);
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(is_inner)?;
        let end = text[start..].find(|c| !is_inner(c)).map_or(text.len(), |length| start + length);
        rest = end;
        let word = &text[start..end];
        let trimmed = word.trim_start_matches(|c: char| !c.is_alphanumeric());
        let start = end - trimmed.len();
        let trimmed = trimmed.trim_end_matches(|c: char| !c.is_alphanumeric());
        Some(start..start + trimmed.len())
    })
    .filter(|range| !range.is_empty())
}

/// The words in lower case, whoever owns something.
pub(in crate::lint) fn lower_words(text: &str) -> impl Iterator<Item = String> {
    words(text).map(|range| possessor(&text[range].to_lowercase()).to_owned())
}

/// A word without what makes it a genitive.
pub(in crate::lint) fn possessor(word: &str) -> &str {
    let ends = ["'s", "’s", "'S", "’S"];
    ends.iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word)
}
