//! The nearest miss: how far a pattern got in a text that it does not match, so that people see what was
//! lacking.

use super::class::fold;
use super::haystack::Haystack;
use super::program::Program;
use super::scan::Scanner;
use super::set::{Hits, PatternSet};
use super::syntax::Node;
use super::words::words_of;
use super::{Inner, Pattern};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// The beginnings of a pattern, compiled once for many texts; one scan of a text serves all of them.
#[derive(Debug)]
pub struct Beginnings {
    /// All beginnings and stems.
    set: PatternSet,
    /// One list per alternative of the pattern, the shortest beginning first.
    arms: Vec<Vec<Beginning>>,
    /// Long literals of the pattern, folded, with the length of the stem that counts as near.
    stems: Vec<Stem>,
}

#[derive(Debug)]
struct Beginning {
    /// Its place in the set.
    place: usize,
    /// How many parts of the arm it has, and how many the arm has.
    parts: usize,
    of: usize,
    /// What would have to follow.
    lacking: String,
}

#[derive(Debug)]
struct Stem {
    /// Its place in the set.
    place: usize,
    word: String,
}

impl Beginning {
    /// How much of the arm it is.
    fn share(&self) -> f64 {
        self.parts as f64 / self.of as f64
    }
}

/// The place in a text where a pattern came nearest to a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// What was found, in bytes of the text.
    pub found: Range<usize>,
    /// What was lacking there, in words.
    pub lacking: String,
}

/// A stem has at least so many letters, and this part of its word.
const STEM_MIN: usize = 4;
const STEM_SHARE: f64 = 0.6;

impl Beginnings {
    /// Takes a pattern apart.
    pub fn of(pattern: &Pattern) -> Beginnings {
        let tree = &pattern.inner.tree;
        let mut all = Vec::new();
        let mut add = |node: Node| {
            all.push(Pattern::of_tree(node));
            all.len() - 1
        };
        let mut arms = Vec::new();
        for arm in arms_of(tree) {
            let parts = parts_of(arm);
            let concat = |parts: &[&Node]| Node::Concat(parts.iter().copied().cloned().collect());
            let mut beginnings: Vec<Beginning> = Vec::new();
            for count in (1..parts.len()).rev() {
                let (begun, lacking) = (concat(&parts[..count]), words_of(&concat(&parts[count..])));
                // What begins with nothing is found everywhere.
                let is_told = !begun.is_nullable() && !lacking.is_empty();
                // Where this is found, the next longer one is found too.
                let is_passed = parts[count].is_met_by_nothing()
                    && beginnings.last().is_some_and(|longer| longer.parts == count + 1);
                if is_told && !is_passed {
                    beginnings.push(Beginning { place: add(begun), parts: count, of: parts.len(), lacking });
                }
            }
            beginnings.reverse();
            arms.push(beginnings);
        }
        let mut words = Vec::new();
        gather_stems(tree, &mut words);
        let stems = words.into_iter().map(|(word, begun)| Stem { place: add(begun), word }).collect();
        Beginnings { set: PatternSet::compile(&all), arms, stems }
    }

    /// Where the pattern came nearest to a match in a text, which it does not match: the beginning with the greatest
    /// share of its parts, else the stem of one of its words. None where nothing of it is in the text.
    pub fn nearest(&self, text: &Haystack<'_>) -> Option<NearMiss> {
        let hits = self.set.scan(text);
        let mut best: Option<(f64, &Beginning, Range<usize>)> = None;
        let is_more = |share: f64, best: &Option<(f64, &Beginning, Range<usize>)>| {
            best.as_ref().is_none_or(|(most, ..)| share > *most)
        };
        for arm in &self.arms {
            if arm.last().is_none_or(|longest| !is_more(longest.share(), &best)) {
                continue;
            }
            // A longer beginning is only found where a shorter one is.
            let mut reached = None;
            for beginning in arm {
                match hits.find(beginning.place) {
                    Ok(Some(found)) => reached = Some((beginning, found)),
                    _ => break,
                }
            }
            let Some((beginning, found)) = reached else { continue };
            if is_more(beginning.share(), &best) {
                best = Some((beginning.share(), beginning, found));
            }
        }
        let miss = best.map(|(_, beginning, found)| NearMiss { found, lacking: beginning.lacking.clone() });
        miss.or_else(|| self.stem(&hits))
    }

    fn stem(&self, hits: &Hits<'_, '_>) -> Option<NearMiss> {
        self.stems.iter().find_map(|stem| {
            let found = hits.find(stem.place).ok()??;
            Some(NearMiss { found, lacking: format!("the whole of “{}”", stem.word) })
        })
    }
}

impl Pattern {
    fn of_tree(tree: Node) -> Pattern {
        let program = Program::of(&tree);
        let (scanner, linear) = (OnceLock::<Scanner>::new(), OnceLock::new());
        Pattern { inner: Arc::new(Inner { source: String::new(), program, tree, scanner, linear }) }
    }
}

/// The alternatives at the top of a pattern.
fn arms_of(node: &Node) -> Vec<&Node> {
    match node {
        Node::Alternate(arms) => arms.iter().flat_map(arms_of).collect(),
        Node::Group { body, .. } | Node::Atomic(body) => arms_of(body),
        Node::Concat(parts) if parts.len() == 1 => arms_of(&parts[0]),
        other => vec![other],
    }
}

fn parts_of(node: &Node) -> Vec<&Node> {
    match node {
        Node::Concat(parts) => parts.iter().collect(),
        other => vec![other],
    }
}

/// The long words of a pattern, each with its stem.
fn gather_stems(node: &Node, stems: &mut Vec<(String, Node)>) {
    match node {
        Node::Literal { codes, fold: folding } => {
            let length = (codes.len() as f64 * STEM_SHARE).ceil() as usize;
            let is_word = codes.iter().all(|code| char::from_u32(*code).is_some_and(char::is_alphabetic));
            if length >= STEM_MIN && length < codes.len() && is_word {
                let word = codes.iter().filter_map(|code| char::from_u32(fold(*code))).collect();
                let begun = Node::Literal { codes: codes[..length].to_vec(), fold: *folding };
                stems.push((word, begun));
            }
        }
        Node::Concat(parts) | Node::Alternate(parts) => {
            parts.iter().for_each(|part| gather_stems(part, stems))
        }
        Node::Repeat { min: 1.., body, .. } | Node::Group { body, .. } | Node::Atomic(body) => {
            gather_stems(body, stems);
        }
        Node::IfGroup { yes, no, .. } => [yes, no].into_iter().for_each(|part| gather_stems(part, stems)),
        Node::Set(_)
        | Node::Any { .. }
        | Node::At(_)
        | Node::Repeat { .. }
        | Node::Look { .. }
        | Node::BackRef { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::Case;
    use super::*;

    fn check(source: &str, text: &str, expected: Option<(&str, &str)>) {
        let pattern = Pattern::compile(source, Case::Insensitive).unwrap();
        let text = Haystack::new(text);
        assert_eq!(pattern.find(&text).unwrap(), None, "{source} matches");
        let nearest = Beginnings::of(&pattern).nearest(&text);
        let nearest = nearest.as_ref().map(|miss| (&text.text()[miss.found.clone()], miss.lacking.as_str()));
        assert_eq!(nearest, expected, "{source}");
    }

    #[test]
    fn the_longest_beginning_tells_what_is_lacking() {
        check(
            r"(conflict|overlap)[^.]{0,40}16:00",
            "No clash. There is a conflict at 17:00.",
            Some(("conflict at 17:00", "“16:00”")),
        );
        check("mail.*draft|nothing was sent", "the mail, unsent", Some(("mail, unsent", "“draft”")));
        check(r"(a)x\1y", "say ax and no more", Some(("ax", "the text of group 1 again, then “y”")));
    }

    #[test]
    fn the_stem_of_a_word_is_near() {
        check("rescheduling", "We Reschedule it", Some(("Reschedu", "the whole of “rescheduling”")));
        check("rescheduling", "We move it", None);
        check(r"\d{4}", "no number", None);
    }
}
