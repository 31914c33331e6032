//! Edits that say the same as an earlier one: the same words, whatever their case, white space and punctuation,
//! or nearly so. Measuring such an edit again would pay twice for one idea.

use crate::policy::Hunk;
use std::collections::BTreeSet;

/// Edits that share this part of their pairs of words are the same idea; changing one word of a rule of ten
/// shares less.
const SHARED_MIN: f64 = 0.9;

/// Whether two edits of the same policy are nearly the same.
pub(super) fn resemble(one: &[Hunk], other: &[Hunk]) -> bool {
    let (one, other) = (shingles(one), shingles(other));
    let shared = one.intersection(&other).count() as f64;
    let all = one.union(&other).count() as f64;
    all > 0.0 && shared / all >= SHARED_MIN
}

/// The neighbouring words of what an edit takes away and of what it brings.
fn shingles(hunks: &[Hunk]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for hunk in hunks {
        for (sign, text) in [("-", &hunk.old), ("+", &hunk.new)] {
            let words: Vec<String> = text.iter().flat_map(|text| words(text)).collect();
            let ends = [sign.to_owned()];
            let row: Vec<&String> = ends.iter().chain(&words).chain(&ends).collect();
            if !words.is_empty() {
                found.extend(row.windows(2).map(|pair| format!("{sign}{} {}", pair[0], pair[1])));
            }
        }
    }
    found
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '#' | '@' | '$' | '%' | '<' | '>'));
    words.filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ItemId;

    fn added(texts: &[&str]) -> Vec<Hunk> {
        let hunk = |text: &&str| Hunk {
            item: ItemId("S1.xa".into()),
            after: None,
            old: None,
            new: Some((*text).to_owned()),
        };
        texts.iter().map(hunk).collect()
    }

    #[test]
    fn only_the_same_idea_resembles() {
        let check = |one: &[&str], other: &[&str], expected: bool| {
            assert_eq!(resemble(&added(one), &added(other)), expected, "{one:?} {other:?}");
        };
        let rule = "- Ask before you send or post anything.";
        check(&[rule], &["* ask before you SEND, or post anything"], true);
        check(&[rule, "- Be brief."], &["- Be brief", rule], true);
        check(&[rule], &["- Ask before you delete or post anything."], false);
        check(&[rule], &[rule, "- Be brief."], false);
        check(
            &["- At most 7 calls in all, whatever happens."],
            &["- At most 9 calls in all, whatever happens."],
            false,
        );
        check(&["!"], &["?"], false);
        let deleted = crate::policy::inverse(&added(&[rule]));
        assert!(!resemble(&added(&[rule]), &deleted));
    }
}
