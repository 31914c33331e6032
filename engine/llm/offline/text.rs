//! Words and sentences: the little reading that the office assistant does. All of it is plain scanning, since
//! it runs in every model call.

use std::sync::LazyLock;

/// A word's identity: its first letters, folded, so that `schedule` and `scheduling` agree.
pub(super) type Key = u64;

const STEM_LETTERS: usize = 6;

/// Words that say nothing about a topic.
const EMPTY_WORDS: &str = " about above after again also always another anything before being below between both \
    could does done during each every from give going have having here hers into just know like look made make \
    more most much must need needs next only other over please really same shall should some soon such sure take \
    than that thanks their them then there these they thing this those through time today tomorrow under until \
    update very want well were what when where which while will with within without would yesterday your yours \
    hello regards best team week weeks days been more many still might around ";

/// The keys of the words that carry a topic, ordered, each once.
pub(super) fn keys(text: &str) -> Vec<Key> {
    let mut keys: Vec<Key> = words(text).filter(|word| is_topical(word)).map(key).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The number of keys that two ordered lists share.
pub(super) fn shared(a: &[Key], b: &[Key]) -> usize {
    let (mut i, mut j, mut count) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                count += 1;
                i += 1;
                j += 1;
            }
        }
    }
    count
}

pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn is_topical(word: &str) -> bool {
    let capital = word.len() >= 2 && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let numbered = word.len() >= 3 && word.bytes().any(|b| b.is_ascii_digit());
    capital || numbered || (word.len() >= 4 && !is_empty_word(word))
}

fn is_empty_word(word: &str) -> bool {
    word.len() <= LONGEST_EMPTY_WORD && EMPTY_HASHES.binary_search(&hash(word.bytes())).is_ok()
}

const LONGEST_EMPTY_WORD: usize = 10;

static EMPTY_HASHES: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut hashes: Vec<u64> = EMPTY_WORDS.split_whitespace().map(|word| hash(word.bytes())).collect();
    hashes.sort_unstable();
    hashes
});

pub(super) fn key(word: &str) -> Key {
    hash(word.bytes().take(STEM_LETTERS))
}

/// FNV-1a over folded letters.
fn hash(letters: impl Iterator<Item = u8>) -> u64 {
    letters.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The sentences of a text, without list marks and surrounding blanks.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let ends = match byte {
            b'\n' => true,
            b'.' | b'!' | b'?' => {
                bytes.get(at + 1).is_none_or(|next| *next == b' ') && !abbreviates(&text[start..at])
            }
            _ => false,
        };
        if ends {
            let end = if *byte == b'\n' { at } else { at + 1 };
            found.extend(cleaned(&text[start..end]));
            start = at + 1;
        }
    }
    found.extend(cleaned(&text[start..]));
    found
}

fn abbreviates(before: &str) -> bool {
    let last = before.rsplit([' ', '(']).next().unwrap_or("");
    matches!(
        last,
        "Dr" | "Mr" | "Ms" | "Mrs" | "Sr" | "Jr" | "vs" | "e.g" | "i.e" | "approx" | "No" | "no" | "St"
    ) || (last.len() == 1 && last.as_bytes()[0].is_ascii_digit())
}

fn cleaned(sentence: &str) -> Option<&str> {
    let text = sentence.trim().trim_start_matches(['-', '*', '#', '>', '•', '|']).trim_start();
    let text = text.strip_prefix("[ ]").or(text.strip_prefix("[x]")).unwrap_or(text).trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let text = match text[digits..].strip_prefix(". ").or(text[digits..].strip_prefix(") ")) {
        Some(rest) if digits > 0 => rest.trim(),
        _ => text,
    };
    (text.len() >= 4).then_some(text)
}

/// A text of at most `chars_max` characters, cut between words.
pub(super) fn shortened(text: &str, chars_max: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(chars_max) else {
        return text.to_owned();
    };
    let cut = text[..end].rfind(' ').filter(|at| *at > end / 2).unwrap_or(end);
    format!("{}…", text[..cut].trim_end_matches([',', ';', ':', '-', '—', ' ', '(']))
}

/// The part after a salutation or the reader's own name: `Hey Alex, the report is late` says `the report is late`.
pub(super) fn without_salutation<'a>(sentence: &'a str, reader: &str) -> &'a str {
    let greeted = ["Hi", "Hey", "Hello", "Dear", "Good morning", "Team", "All"].iter().any(|greeting| {
        sentence.strip_prefix(greeting).is_some_and(|rest| rest.starts_with([' ', ',', '!']))
    });
    let named = !reader.is_empty() && sentence.starts_with(reader);
    if !greeted && !named {
        return sentence;
    }
    let head = sentence.char_indices().take(28);
    let comma =
        head.filter(|(_, c)| matches!(c, ',' | '!' | '—' | ':')).map(|(at, c)| at + c.len_utf8()).next();
    comma.map_or(sentence, |at| sentence[at..].trim_start_matches([' ', '-', '—']))
}

/// A readable name for an address or handle: `mina.okoro@example.org` becomes `Mina Okoro`.
pub(super) fn person(address: &str) -> String {
    let local = address.trim_start_matches('@').split('@').next().unwrap_or(address);
    if local.contains(' ') {
        return local.to_owned();
    }
    local
        .split(['.', '_', '-'])
        .filter(|part| !part.is_empty())
        .map(|part| {
            let mut chars = part.chars();
            chars
                .next()
                .map(|first| first.to_uppercase().chain(chars).collect::<String>())
                .unwrap_or_default()
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_at_stops_and_lines() {
        let check = |text: &str, expected: &[&str]| assert_eq!(sentences(text), expected);
        check(
            "Ship v2.1.5 now. Ask Dr. Moss?\n- [ ] Call back\n2. Sign it",
            &["Ship v2.1.5 now.", "Ask Dr. Moss?", "Call back", "Sign it"],
        );
    }

    #[test]
    fn salutations_are_dropped() {
        let check = |text: &str, expected: &str| assert_eq!(without_salutation(text, "Ada"), expected);
        check("Hey Ada, the lease ends.", "the lease ends.");
        check("Ada — the lease ends.", "the lease ends.");
        check("Hiring is paused.", "Hiring is paused.");
    }

    #[test]
    fn related_words_share_a_key() {
        assert_eq!(shared(&keys("schedule the audits"), &keys("Scheduling an audit with SLA")), 1);
        assert_eq!(person("mina.okoro@example.org"), "Mina Okoro");
        assert_eq!(shortened("one two three four", 9), "one two…");
    }
}
