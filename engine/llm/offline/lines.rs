//! Everything that was found, cut into sentences, each with its source and what it is about.

use super::facts::Facts;
use super::gather::is_confidential;
use super::moment::Moment;
use super::request::Want;
use super::sense::{self, Senses, junk, senses};
use super::text::{Key, keys, sentences, shared, without_salutation};

/// Where a sentence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Mail(usize),
    Post(usize),
    Task(usize),
    Note(usize),
}

/// A sentence of the material.
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    pub(super) who: &'a str,
    /// The subject, channel, task or file it belongs to.
    pub(super) place: &'a str,
    pub(super) source: Source,
    pub(super) when: Option<Moment>,
    pub(super) senses: Senses,
    pub(super) keys: Vec<Key>,
    /// How much it deserves to be told.
    pub(super) weight: f64,
    /// It, or the whole it belongs to, is confidential.
    pub(super) sensitive: bool,
    /// Small talk, or a place for it.
    pub(super) social: bool,
}

impl Line<'_> {
    pub(super) fn is(&self, senses: Senses) -> bool {
        self.senses & senses != 0
    }
}

/// Cuts the material into lines.
pub(super) fn lines<'a>(facts: &'a Facts, want: &Want, reader: &str) -> Vec<Line<'a>> {
    let mut pool = Pool { lines: Vec::with_capacity(160), topic: &want.topic, reader };
    for (at, mail) in facts.mails.iter().enumerate() {
        let Some(body) = &mail.body else { continue };
        let sensitive = is_confidential(mail) || senses(body) & sense::SENSITIVE != 0;
        let idle = junk(&mail.sender, &mail.subject, &mail.labels).is_some();
        let whole = Whole {
            who: &mail.name,
            place: &mail.subject,
            source: Source::Mail(at),
            when: mail.sent,
            sensitive,
            social: idle,
            bonus: 1.0,
        };
        pool.add(body, whole);
    }
    for (at, post) in facts.posts.iter().enumerate() {
        let social = ["random", "social", "fun", "watercooler", "off-topic", "lunch"]
            .iter()
            .any(|word| post.channel.contains(word))
            || senses(&post.text) & sense::SOCIAL != 0;
        let sensitive = senses(&post.text) & sense::SENSITIVE != 0;
        let whole = Whole {
            who: &post.author,
            place: &post.channel,
            source: Source::Post(at),
            when: post.sent,
            sensitive,
            social,
            bonus: 0.8,
        };
        pool.add(&post.text, whole);
    }
    for (at, task) in facts.tasks.iter().enumerate() {
        let sensitive = [&task.title, &task.description, &task.notes]
            .iter()
            .any(|text| senses(text) & sense::SENSITIVE != 0);
        let whole = Whole {
            who: &task.owner,
            place: &task.title,
            source: Source::Task(at),
            when: None,
            sensitive,
            social: false,
            bonus: 0.3,
        };
        pool.add(&task.notes, whole);
        pool.add(&task.description, Whole { bonus: 0.0, ..whole });
    }
    for (at, note) in facts.notes.iter().enumerate() {
        if note.place.ends_with("USER.md") || note.place.ends_with("contacts.json") {
            continue;
        }
        let whole = Whole {
            who: "",
            place: &note.place,
            source: Source::Note(at),
            when: None,
            sensitive: false,
            social: false,
            bonus: -0.7,
        };
        pool.add(&note.text, whole);
    }
    pool.lines
}

#[derive(Clone, Copy)]
struct Whole<'a> {
    who: &'a str,
    place: &'a str,
    source: Source,
    when: Option<Moment>,
    sensitive: bool,
    social: bool,
    bonus: f64,
}

struct Pool<'a, 'w> {
    lines: Vec<Line<'a>>,
    topic: &'w [Key],
    reader: &'w str,
}

impl<'a> Pool<'a, '_> {
    fn add(&mut self, text: &'a str, whole: Whole<'a>) {
        let note = matches!(whole.source, Source::Note(_));
        for sentence in joined(text, sentences(text)) {
            let text = without_salutation(sentence, self.reader);
            let courtesy = text.len() < 12 || (text.len() < 40 && is_courtesy(text));
            let known = note && self.lines.iter().any(|line| line.text == text);
            if courtesy || known {
                continue;
            }
            let senses = senses(text);
            let keys = keys(text);
            let sensitive = whole.sensitive || has_secret(text) || (note && senses & sense::SENSITIVE != 0);
            let weight = whole.bonus + weight(text, senses, shared(&keys, self.topic));
            let Whole { who, place, source, when, social, .. } = whole;
            self.lines.push(Line { text, who, place, source, when, senses, keys, weight, sensitive, social });
        }
    }
}

/// Sentences with a short one joined to what follows it on the same line: "It is the cache." says little alone.
fn joined<'t>(text: &'t str, sentences: Vec<&'t str>) -> Vec<&'t str> {
    let place = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let mut found: Vec<&str> = Vec::with_capacity(sentences.len());
    for sentence in sentences {
        if let Some(last) = found.last_mut() {
            let (start, end) = (place(last), place(sentence) + sentence.len());
            let adjacent =
                place(sentence) == start + last.len() + 1 && text.as_bytes()[start + last.len()] == b' ';
            let timing = senses(sentence) & (sense::OUTLOOK | sense::DEPLOY | sense::SENSITIVE) != 0;
            if adjacent && last.len() < SHORT_CHARS && end - start < JOINED_CHARS && !timing {
                *last = &text[start..end];
                continue;
            }
        }
        found.push(sentence);
    }
    found
}

const SHORT_CHARS: usize = 60;
const JOINED_CHARS: usize = 170;

fn is_courtesy(text: &str) -> bool {
    [
        "Thanks",
        "Thank you",
        "Best",
        "Regards",
        "Kind",
        "Cheers",
        "Hi",
        "Hey",
        "Hello",
        "Dear",
        "Let me know",
        "See you",
        "Happy to",
        "— ",
    ]
    .iter()
    .any(|start| text.starts_with(start))
}

/// Whether a text holds what looks like a password or an access key.
pub(super) fn has_secret(text: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | '(' | ')')).any(|word| {
        let plain =
            word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'/' | b'='));
        let has = |kind: fn(&u8) -> bool| word.as_bytes().iter().any(kind);
        word.len() >= 14
            && plain
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
    })
}

fn weight(text: &str, senses: Senses, on_topic: usize) -> f64 {
    let bytes = text.as_bytes();
    let digits = bytes.iter().any(u8::is_ascii_digit);
    let names = bytes.windows(2).filter(|pair| pair[0] == b' ' && pair[1].is_ascii_uppercase()).count();
    let telling = (senses
        & (sense::URGENT
            | sense::BLOCK
            | sense::DEADLINE
            | sense::ROOT
            | sense::DECISION
            | sense::RISK
            | sense::CHANGE))
        .count_ones();
    1.2 * on_topic.min(3) as f64
        + if digits { 0.9 } else { 0.0 }
        + 0.25 * names.min(4) as f64
        + 0.6 * f64::from(telling)
        + if digits && senses & sense::CHANGE != 0 { 0.8 } else { 0.0 }
        - if text.len() > 220 { 0.6 } else { 0.0 }
}
