//! The clauses of a policy and the patterns that are looked for in them.

use super::skills::{DENIALS, specs};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use std::sync::LazyLock;

/// A part of a sentence that stands for itself, in lower case with blanks for everything else.
pub(super) struct Clause {
    pub(super) text: String,
    pub(super) raw: String,
    /// Characters before it in its text.
    at: usize,
    /// Each stem that occurs, with its place.
    hits: Vec<(u16, u32)>,
}

impl Clause {
    pub(super) fn has(&self, stems: &[u16]) -> bool {
        self.hits.iter().any(|(stem, _)| stems.contains(stem))
    }

    /// Whether a denial stands right before the first of some stems.
    fn is_denied_at(&self, stems: &[u16]) -> bool {
        let first = self.hits.iter().filter(|(stem, _)| stems.contains(stem)).map(|(_, at)| *at).min();
        first.is_some_and(|first| {
            self.hits
                .iter()
                .any(|(stem, at)| LEXICON.denials.contains(stem) && *at < first && first - *at <= 16)
        })
    }

    pub(super) fn is_demanding(&self) -> bool {
        LEXICON.skills.iter().any(|skill| skill.wants.iter().any(|pattern| pattern.holds(self)))
    }

    pub(super) fn strength(&self) -> f64 {
        if self.has(&LEXICON.soft) {
            0.55
        } else if self.has(&LEXICON.strong) {
            1.0
        } else {
            0.95
        }
    }

    pub(super) fn position(&self) -> f64 {
        1.0 / (1.0 + self.at as f64 / 20_000.0)
    }
}

pub(super) fn clauses(text: &str) -> impl Iterator<Item = Clause> {
    let mut at = 0;
    text.split_inclusive(['\n', ';', '!', '?'])
        .flat_map(|line| line.split_inclusive(". "))
        .flat_map(|sentence| sentence.split_inclusive(" — "))
        .filter_map(move |raw| {
            let start = at;
            at += raw.chars().count();
            let text = folded(raw);
            if text.len() < 6 {
                return None;
            }
            let hits = LEXICON
                .stems
                .find_overlapping_iter(&text)
                .map(|hit| (hit.pattern().as_u32() as u16, hit.start() as u32))
                .filter(|(stem, start)| LEXICON.is_at_end(&text, *stem, *start))
                .collect();
            Some(Clause { text, raw: raw.to_owned(), at: start, hits })
        })
}

/// Lower case, one blank for each run of other characters, a blank on either side.
fn folded(raw: &str) -> String {
    let mut folded = String::with_capacity(raw.len() + 2);
    folded.push(' ');
    for c in raw.chars() {
        if matches!(c, '≤' | '<') {
            folded.push_str(if folded.ends_with(' ') { "under " } else { " under " });
        } else if c.is_alphanumeric() {
            folded.extend(c.to_lowercase());
        } else if c != ',' && !folded.ends_with(' ') || c == ' ' && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    if !folded.ends_with(' ') {
        folded.push(' ');
    }
    folded
}

/// `#names` of channels in a clause; a heading's marks are none.
pub(super) fn channels(raw: &str) -> impl Iterator<Item = String> {
    raw.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '`' | '"' | '.' | ':' | ';'))
        .filter(|word| word.len() > 3 && word.starts_with('#') && word.as_bytes()[1].is_ascii_alphabetic())
        .map(str::to_owned)
}

/// All stems of all patterns, and the patterns in terms of them.
pub(super) struct Lexicon {
    stems: AhoCorasick,
    /// Stems of up to three letters, and those that end in `$`, count only as whole words: their length.
    whole: Vec<Option<u32>>,
    pub(super) skills: Vec<SkillPatterns>,
    pub(super) denials: Vec<u16>,
    strong: Vec<u16>,
    soft: Vec<u16>,
    pub(super) hands_off: Vec<Pattern>,
}

pub(super) struct SkillPatterns {
    pub(super) wants: Vec<Pattern>,
    pub(super) shuns: Vec<Pattern>,
}

pub(super) struct Pattern {
    groups: Vec<Group>,
    /// The pattern itself speaks of denial, so a denial before it does not turn it round.
    denies: bool,
}

struct Group {
    forbidden: bool,
    stems: Vec<u16>,
}

impl Pattern {
    pub(super) fn holds(&self, clause: &Clause) -> bool {
        self.groups.iter().all(|group| clause.has(&group.stems) != group.forbidden)
    }

    /// Whether the pattern speaks against something: where it denies, the denial stands right before the thing.
    pub(super) fn shuns(&self, clause: &Clause) -> bool {
        self.holds(clause)
            && (!self.denies || self.groups.iter().skip(1).any(|group| clause.is_denied_at(&group.stems)))
    }

    /// Whether the words are there but a denial stands right before the first of them.
    pub(super) fn is_denied(&self, clause: &Clause) -> bool {
        if self.denies {
            return false;
        }
        self.groups.first().is_some_and(|group| clause.is_denied_at(&group.stems))
    }
}

const STRONG: &str =
    "never|must|always|critical|strictly|required|under_no|no_exception|mandatory|explicit|only";
const SOFT: &str =
    "prefer$|try|consider|may|ideally|if_possible|when_possible|might$|could$|optional|where_possible";
const HANDS_OFF: [&str; 2] = [
    "never|not|don_t use|call any tools|tool|tools !more|than|unless|unnecessary",
    "without using_tools|using_any_tool",
];

pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::new);

impl Lexicon {
    fn new() -> Lexicon {
        let mut names: Vec<String> = Vec::new();
        let denials = stem_ids(&mut names, DENIALS);
        let strong = stem_ids(&mut names, STRONG);
        let soft = stem_ids(&mut names, SOFT);
        let mut patterns = |texts: &[&str]| -> Vec<Pattern> {
            texts.iter().map(|text| pattern(&mut names, text, &denials)).collect()
        };
        let skills = specs()
            .map(|spec| SkillPatterns { wants: patterns(spec.wants), shuns: patterns(spec.shuns) })
            .collect();
        let hands_off = patterns(&HANDS_OFF);
        let whole = names
            .iter()
            .map(|name| {
                let marked = name.ends_with('$');
                (marked || name.trim().len() <= 3).then_some((name.len() - usize::from(marked)) as u32)
            })
            .collect();
        let names = names.iter().map(|name| name.trim_end_matches('$'));
        let stems = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .build(names)
            .expect("a few hundred short stems make a small automaton");
        Lexicon { stems, whole, skills, denials, strong, soft, hands_off }
    }

    fn is_at_end(&self, text: &str, stem: u16, start: u32) -> bool {
        self.whole[usize::from(stem)].is_none_or(|length| {
            text.as_bytes().get((start + length) as usize).is_none_or(|next| *next == b' ')
        })
    }
}

fn pattern(names: &mut Vec<String>, text: &str, denials: &[u16]) -> Pattern {
    let groups: Vec<Group> = text
        .split_whitespace()
        .map(|group| {
            let (forbidden, words) = match group.strip_prefix('!') {
                Some(words) => (true, words),
                None => (false, group),
            };
            let mut stems = Vec::new();
            for word in words.split('|') {
                match word {
                    "NOT" => stems.extend_from_slice(denials),
                    _ => stems.extend(stem_ids(names, word)),
                }
            }
            Group { forbidden, stems }
        })
        .collect();
    Pattern { denies: text.split_whitespace().any(|group| group.starts_with("NOT")), groups }
}

fn stem_ids(names: &mut Vec<String>, words: &str) -> Vec<u16> {
    words
        .split('|')
        .map(|word| {
            let name = format!(" {}", word.trim().replace('_', " "));
            let at = names.iter().position(|known| *known == name).unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            at as u16
        })
        .collect()
}
