//! Where every sentence of a policy comes from: which candidate brought it, by which operator, and what its edit did.

use super::dossier::CandidateRow;
use crate::event::{Belief, Operator};
use serde::Serialize;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

/// A sentence of the winner, or of the incumbent where nothing won over it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BlamedSentence {
    /// As it stands in the policy, with its list mark; all together are the policy without its blank lines.
    pub text: String,
    /// Whether it begins a line.
    pub begins_line: bool,
    /// The place in `candidates` of the one that brought it.
    pub candidate: usize,
    pub operator: Operator,
    /// By how much the whole edit that brought it changed the objective; none for what the run began with, and where it
    /// was not measured.
    pub effect: Option<Belief>,
}

/// The sentences of the candidate at a place, each with its origin.
pub(super) fn blame(candidates: &[CandidateRow], place: usize) -> Vec<BlamedSentence> {
    // Few of thousands are among the ancestors.
    let sets: Vec<OnceCell<HashSet<&str>>> = candidates.iter().map(|_| OnceCell::new()).collect();
    let holds = |at: usize, words: &str| {
        let set = sets[at].get_or_init(|| sentences(&candidates[at].policy).map(|it| it.words).collect());
        set.contains(words)
    };
    let places: HashMap<&str, usize> =
        candidates.iter().enumerate().map(|(place, row)| (row.id.0.as_str(), place)).collect();
    let origin = |words: &str| {
        let mut at = place;
        // Every step leads to an older candidate, so there are no more steps than candidates.
        loop {
            let row = &candidates[at];
            let above =
                row.parents.iter().chain(&row.edges).filter_map(|id| places.get(id.0.as_str()).copied());
            match above.filter(|above| *above < at && holds(*above, words)).min() {
                Some(above) => at = above,
                None => break at,
            }
        }
    };
    let blamed = |sentence: Sentence<'_>| {
        let candidate = origin(sentence.words);
        let row = &candidates[candidate];
        BlamedSentence {
            text: sentence.text.to_owned(),
            begins_line: sentence.begins_line,
            candidate,
            operator: row.operator,
            effect: row.effect,
        }
    };
    sentences(&candidates[place].policy).map(blamed).collect()
}

/// A sentence in a policy.
struct Sentence<'a> {
    text: &'a str,
    /// Without list marks and white space: two items that say the same are the same sentence.
    words: &'a str,
    begins_line: bool,
}

fn sentences(policy: &str) -> impl Iterator<Item = Sentence<'_>> {
    policy.lines().filter(|line| !line.trim().is_empty()).flat_map(|line| {
        split(line).into_iter().enumerate().map(|(index, text)| Sentence {
            text,
            words: text.trim().trim_start_matches(|c: char| "-*+>".contains(c) || c.is_whitespace()),
            begins_line: index == 0,
        })
    })
}

/// The sentences of a line: each ends with a full stop, a question mark or an exclamation mark before a space and an
/// upper-case letter, and keeps the space.
fn split(line: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let letters: Vec<(usize, char)> = line.char_indices().collect();
    for window in letters.windows(3) {
        let [(_, mark), (_, space), (next, letter)] = window else { continue };
        // A list number is no sentence.
        let is_number = line[start..*next].trim().trim_end_matches('.').chars().all(|c| c.is_ascii_digit());
        if ".!?".contains(*mark) && *space == ' ' && letter.is_uppercase() && !is_number {
            parts.push(&line[start..*next]);
            start = *next;
        }
    }
    parts.push(&line[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::PackHash;

    fn row(name: &str, parents: &[&str], edges: &[&str], operator: Operator, policy: &str) -> CandidateRow {
        let hashes = |names: &[&str]| names.iter().map(|name| PackHash((*name).to_owned())).collect();
        CandidateRow {
            parents: hashes(parents),
            edges: hashes(edges),
            ..CandidateRow::sample(name, operator, policy)
        }
    }

    #[test]
    fn every_sentence_is_traced_to_who_brought_it() {
        let candidates = [
            row("a", &[], &[], Operator::Start, "# P\n\n- Be brief. Be kind.\n"),
            row("b", &["a"], &[], Operator::Patch, "# P\n\n- Be brief. Be kind.\n- Ask first.\n"),
            row("c", &["a"], &[], Operator::Patch, "# P\n\n- Be brief. Be stern.\n"),
            row("d", &["c"], &["b"], Operator::Graft, "# P\n\n- Be brief. Be stern.\n* Ask first.\n"),
        ];
        let blamed: Vec<(String, usize)> =
            blame(&candidates, 3).into_iter().map(|it| (it.text, it.candidate)).collect();
        let expected = [("# P", 0), ("- Be brief. ", 0), ("Be stern.", 2), ("* Ask first.", 1)];
        assert_eq!(blamed, expected.map(|(text, place)| (text.to_owned(), place)));
    }

    #[test]
    fn lines_fall_into_sentences() {
        let check = |line: &str, expected: &[&str]| assert_eq!(split(line), expected);
        check("1. Ask first. Then act!", &["1. Ask first. ", "Then act!"]);
        check("Say e.g. this. Or that? No.", &["Say e.g. this. ", "Or that? ", "No."]);
        check("", &[""]);
    }
}
