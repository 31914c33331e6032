//! What each feature of the dialect finds, as CPython 3.11.7 finds it, and what the fast paths must not change.

mod limits;

use super::linear::Linear;
use super::matcher::Matcher;
use super::*;
use proptest::prelude::*;

const PLAIN: Flags = Flags { dotall: false, ignore_case: false };
const DOTALL: Flags = Flags { dotall: true, ignore_case: false };
const IGNORE_CASE: Flags = Flags { dotall: false, ignore_case: true };
const BOTH: Flags = Flags { dotall: true, ignore_case: true };

/// Searches by every way there is; the span is in code points.
fn check(source: &str, flags: Flags, text: &str, expected: Option<Range<usize>>) {
    let pattern = Pattern::compile_with(source, flags).expect(source);
    let haystack = Haystack::new(text);
    let found = pattern.find(&haystack).expect("a small search");
    let codes = |bytes: usize| text[..bytes].chars().count();
    let span = found.clone().map(|found| codes(found.start)..codes(found.end));
    assert_eq!(span, expected, "{source:?} on {text:?}");
    assert_eq!(pattern.is_match(&haystack), Ok(expected.is_some()));
    assert_ways_agree(&pattern, &haystack, &found);
}

/// The same search within a set, without knowing any literal, and by the automaton where there is one.
fn assert_ways_agree(pattern: &Pattern, text: &Haystack, found: &Option<Range<usize>>) {
    let other = Pattern::compile("ticket|fix.{0,9}a", Case::Insensitive).expect("a plain pattern");
    let set = PatternSet::compile(&[other, pattern.clone()]);
    assert_eq!(set.scan(text).find(1).as_ref(), Ok(found), "in a set: {pattern:?} on {:?}", text.text());
    let unknown = scan::Occurrences::unknown();
    let slow = Matcher::new(&pattern.inner.program, text, unknown.view(&[]), STEPS_MAX).search();
    let slow = slow.map(|span| span.map(|span| text.bytes_of(span)));
    assert_eq!(slow.as_ref(), Ok(found), "without literals: {pattern:?} on {:?}", text.text());
    if let Some(linear) = Linear::of(&pattern.inner.tree) {
        assert_eq!(
            linear.find(text.text()).as_ref(),
            Some(found),
            "automaton: {pattern:?} on {:?}",
            text.text()
        );
    }
}

#[test]
fn literals_and_alternation() {
    check("b|ab", PLAIN, "xab", Some(1..3));
    check("(a|ab)(c|bcd)", PLAIN, "abcd", Some(0..4));
    check("", PLAIN, "abc", Some(0..0));
    check("é🔴", PLAIN, "x é🔴!", Some(2..4));
    check("a|", PLAIN, "ba", Some(0..0));
    check("x*", PLAIN, "aax", Some(0..0));
}

#[test]
fn the_dot_and_dotall() {
    check("a.b", PLAIN, "a\nb", None);
    check("a.b", DOTALL, "a\nb", Some(0..3));
    check("(?-s:a.b)|c", DOTALL, "a\nbc", Some(3..4));
    check("(?s)a.b", PLAIN, "a\nb", Some(0..3));
    check("a.{1,2}b", DOTALL, "aé🔴b", Some(0..4));
}

#[test]
fn counts() {
    check("a{2}", PLAIN, "aaa", Some(0..2));
    check("a{,2}b", PLAIN, "aaab", Some(1..4));
    check("a{,}b", PLAIN, "aaab", Some(0..4));
    check("a{2,}?", PLAIN, "aaaa", Some(0..2));
    check("a{1,3}?b", PLAIN, "aaab", Some(0..4));
    check("a{0}b", PLAIN, "ab", Some(1..2));
    check("(?:ab){2,3}", PLAIN, "abababab", Some(0..6));
    check("a??b", PLAIN, "ab", Some(0..2));
    check(".*?b", PLAIN, "aabb", Some(0..3));
}

#[test]
fn braces_that_count_nothing() {
    check("a{", PLAIN, "a{", Some(0..2));
    check("a{1", PLAIN, "a{1", Some(0..3));
    check("x{,y}", PLAIN, "x{,y}", Some(0..5));
    check("a{}", PLAIN, "a{}", Some(0..3));
    check("a{ 1}", PLAIN, "a{ 1}", Some(0..5));
    check("}", PLAIN, "a}", Some(1..2));
}

#[test]
fn loops_over_nothing() {
    check("(?:)*", PLAIN, "a", Some(0..0));
    check("(?:a*)*b", PLAIN, "aab", Some(0..3));
    check("(?:a|)+", PLAIN, "aab", Some(0..2));
    check("(?:|a)+", PLAIN, "aab", Some(0..0));
    check("(?:a?){3}b", PLAIN, "ab", Some(0..2));
    check("(?:|a){2,}?b", PLAIN, "aab", Some(0..3));
    check("(?:a*?)+?b", PLAIN, "aab", Some(0..3));
}

#[test]
fn possessive_and_atomic() {
    check("a++b", PLAIN, "aaab", Some(0..4));
    check("a++ab", PLAIN, "aaab", None);
    check("(?>a|ab)c", PLAIN, "abc", None);
    check("(?>ab|a)c", PLAIN, "abc", Some(0..3));
    check("(?:ab|a)++b", PLAIN, "ab", None);
    check("a?+a", PLAIN, "a", None);
    check("(?:a|ab){2}+c", PLAIN, "aabc", None);
    check("(?:aa|a){2}+a", PLAIN, "aaaa", None);
    check("a{1,2}+a", PLAIN, "aaa", Some(0..3));
}

#[test]
fn groups_and_back_references() {
    check(r"(a)(b)?\2", PLAIN, "ab", None);
    check(r"(a+)\1", PLAIN, "aaaaa", Some(0..4));
    check(r"(?P<n>\w)-(?P=n)", PLAIN, "a-b-b", Some(2..5));
    check(r"(a)|\1b", PLAIN, "b", None);
    check(r"(?:(a)|b)*\1", PLAIN, "abba", Some(0..4));
    check(r"(?i)(k)\1", PLAIN, "k\u{212a}", Some(0..2));
    check(r"(s)\1", IGNORE_CASE, "s\u{17f}", None);
    check(r"(i)\1", IGNORE_CASE, "i\u{130}", Some(0..2));
    check(r"(i)\1", IGNORE_CASE, "i\u{131}", None);
    check(r"(?:(a)|(b)\1)+", PLAIN, "aba", Some(0..3));
    check(r"()\1b", PLAIN, "ab", Some(1..2));
}

#[test]
fn conditions() {
    check("(a)?(?(1)b|c)", PLAIN, "ab", Some(0..2));
    check("(a)?(?(1)b|c)", PLAIN, "c", Some(0..1));
    check("(a)?b(?(1)c)", PLAIN, "bab", Some(0..1));
    check("(?P<q>')?x(?(q)')", PLAIN, "'x", Some(1..2));
    check("(?(1)a|b)(c)", PLAIN, "abc", Some(1..3));
}

#[test]
fn looking_around() {
    check("(?=.*Jordan)(?=.*Sam)", BOTH, "ask SAM or jordan", Some(0..0));
    check("(?=.*Jordan)(?=.*Sam)", BOTH, "ask Sam", None);
    check("a(?!b)", PLAIN, "abac", Some(2..3));
    check("(?<=ab)c", PLAIN, "cabc", Some(3..4));
    check("(?<!a)b", PLAIN, "abb", Some(2..3));
    check(r"(?<=\b)b", PLAIN, "a b", Some(2..3));
    check(r"(?=(a))\1b", PLAIN, "ab", Some(0..2));
    check("(?!(a))b(?(1)x|y)", PLAIN, "by", Some(0..2));
    check("(?<=(?=b)b)c", PLAIN, "bc", Some(1..2));
    check("(?<=a{2})b", PLAIN, "abaab", Some(4..5));
    check("x(?=)", PLAIN, "x", Some(0..1));
    check("(?!)", PLAIN, "x", None);
}

#[test]
fn edges() {
    check("^a", PLAIN, "b\na", None);
    check("(?m)^a", PLAIN, "b\na", Some(2..3));
    check("a$", PLAIN, "a\n", Some(0..1));
    check("a$", PLAIN, "a\n\n", None);
    check("(?m)a$", PLAIN, "a\n\n", Some(0..1));
    check(r"a\Z", PLAIN, "a\n", None);
    check(r"\Aa", PLAIN, "ba", None);
    check("$", PLAIN, "a\n", Some(1..1));
    check(r"\b", PLAIN, "", None);
    check(r"\B", PLAIN, "", None);
    check(r"\bé", PLAIN, "aé é", Some(3..4));
    check(r"a\b", PLAIN, "a\u{301}", Some(0..1));
    check(r"(?a)\bé", PLAIN, "é", None);
    check(r"(?a:\b)é", PLAIN, "aé", Some(1..2));
    check(r"\Ba", PLAIN, "a ba", Some(3..4));
}

#[test]
fn classes() {
    check(r"\s+", PLAIN, "a\u{1c}\u{1f}\u{a0}\u{2003}b", Some(1..5));
    check(r"\d+", PLAIN, "a٣1b", Some(1..3));
    check(r"(?a)\d+", PLAIN, "a٣1b", Some(2..3));
    check(r"\w+", PLAIN, "-é_٣Ⅷ½\u{301}", Some(1..6));
    check(r"\w", PLAIN, "\u{203f}\u{200d}", None);
    check(r"[^\W\d]+", PLAIN, "1ab2", Some(1..3));
    check(r"[\D]", PLAIN, "1a", Some(1..2));
}

#[test]
fn sets() {
    check("[]a]+", PLAIN, "x]a", Some(1..3));
    check("[^]a]", PLAIN, "]ab", Some(2..3));
    check("[a-]+", PLAIN, "b-a", Some(1..3));
    check("[-a]+", PLAIN, "b-a", Some(1..3));
    check(r"[\w-]+", PLAIN, " a-b", Some(1..4));
    check("[[a]+", PLAIN, "x[a", Some(1..3));
    check("[a&&b]+", PLAIN, "x&ab", Some(1..4));
    check("[[:alpha:]]", PLAIN, "x:]", Some(1..3));
    check("[+--b]+", PLAIN, "a+,-b", Some(1..5));
    check(r"[\]\\]+", PLAIN, r"a\]", Some(1..3));
    check(r"[\b]", PLAIN, "a\u{8}", Some(1..2));
    check(r"[\101\x42\u0043]+", PLAIN, "xABC", Some(1..4));
    check("[a-c🔴-🟢]+", PLAIN, "x🔴b🟡", Some(1..4));
    check("[.*]", PLAIN, "a*", Some(1..2));
}

#[test]
fn escapes() {
    check(r"\x41\u00e9\U0001F534", PLAIN, "Aé🔴", Some(0..3));
    check(r"\0", PLAIN, "a\u{0}", Some(1..2));
    check(r"\012", PLAIN, "a\n", Some(1..2));
    check(r"\101", PLAIN, "aA", Some(1..2));
    check(r"\<\>\-\ \é", PLAIN, "<>- é", Some(0..5));
    check(r"\a\f\v\t\r\n", PLAIN, "\u{7}\u{c}\u{b}\t\r\n", Some(0..6));
    check(r"\08", PLAIN, "\u{0}8", Some(0..2));
}

#[test]
fn case() {
    check("i", IGNORE_CASE, "\u{130}", Some(0..1));
    check("i", IGNORE_CASE, "\u{131}", Some(0..1));
    check("\u{131}", IGNORE_CASE, "I", Some(0..1));
    check("\u{130}", IGNORE_CASE, "i", Some(0..1));
    check("[i]x", IGNORE_CASE, "\u{131}x", Some(0..2));
    check("[h-j]x", IGNORE_CASE, "\u{130}x", Some(0..2));
    check("[^i]", IGNORE_CASE, "iI\u{130}\u{131}j", Some(4..5));
    check("k", IGNORE_CASE, "\u{212a}", Some(0..1));
    check("s", IGNORE_CASE, "\u{17f}", Some(0..1));
    check("ß", IGNORE_CASE, "ẞ", Some(0..1));
    check("ß", IGNORE_CASE, "ss", None);
    check("σ", IGNORE_CASE, "ς", Some(0..1));
    check("é", IGNORE_CASE, "É", Some(0..1));
    check("я", IGNORE_CASE, "Я", Some(0..1));
    check("(?a)i", IGNORE_CASE, "\u{131}I", Some(1..2));
    check("(?a)k", IGNORE_CASE, "\u{212a}K", Some(1..2));
    check("(?-i:a)b", IGNORE_CASE, "AbaB", Some(2..4));
    check("(?i:a)b", PLAIN, "aBAb", Some(2..4));
    check(r"(?i)[^\W_]", PLAIN, "_Z", Some(1..2));
    check("𐐀", IGNORE_CASE, "𐐨", Some(0..1));
    check("[𐐀x]", IGNORE_CASE, "𐐀", None);
    check("[𐐨x]", IGNORE_CASE, "𐐀", Some(0..1));
    check("(?i)straße", PLAIN, "STRAẞE", Some(0..6));
}

#[test]
fn flags_and_comments() {
    check("(?x) a b # c\n d", PLAIN, "abd", Some(0..3));
    check(r"(?x)a\ b[ ]c", PLAIN, "a b c", Some(0..5));
    check("(?x: a )b", PLAIN, "ab", Some(0..2));
    check("(?x)a(?-x: b)", PLAIN, "a b", Some(0..3));
    check("a(?#no)b", PLAIN, "ab", Some(0..2));
    check("(?u)é", PLAIN, "é", Some(0..1));
    check("(?i)(?m)^a", PLAIN, "b\nA", Some(2..3));
    check("(?is-m:a.)", PLAIN, "A\n", Some(0..2));
}

#[test]
fn gaps_between_alternatives() {
    check(
        "(fix|patch|hotfix).{0,20}(has been|is|now).{0,10}(deployed|live)",
        BOTH,
        "The Hotfix, I think, is now live. It is deployed.",
        Some(4..32),
    );
    check("(a|b).{2,3}(c|d)", DOTALL, "a c bxxd", Some(4..8));
    check(r"(Dana|Acme|client).{0,8}TICKET-\d+", BOTH, "dana client\n TICKET-12, TICKET-3", Some(5..22));
    check("(Marcus|James).{0,9}?(Marcus|James)", BOTH, "Marcus and James and Marcus", Some(0..16));
    check(
        "(Q4|report).{0,200}(board|1:1).{0,200}(1:1|board|Sarah)",
        BOTH,
        "board report: board 1:1",
        Some(6..23),
    );
    check("## .{0,20}(urgent|inbox)|urgent", BOTH, "not Urgent ## urgent", Some(4..10));
    check("(critical|🔴).{0,9}(should|🟡).{0,9}(slip|🟢)", BOTH, "🟢🔴 x 🟡 y 🟢", Some(1..10));
    check("posted to.{0,20}(slack|channel)", BOTH, "Posted to the Slack channel", Some(0..27));
    check(".*event", DOTALL, "an event, an event!", Some(0..18));
    check("x.*(b|c).*d", DOTALL, "axbcdd", Some(1..6));
    check("aa.{0,10}aa", DOTALL, "aaa aaaa", Some(0..8));
    check("(e|é).{8,}(i|ü)", BOTH, "É12345678\u{130}", Some(0..10));
}

/// The wording is Python's; where it names a line as well as a position, ours does not.
#[test]
fn what_python_refuses_is_refused() {
    for (source, expected) in [
        ("(", "missing ), unterminated subpattern at position 0"),
        ("[a", "unterminated character set at position 0"),
        ("*x", "nothing to repeat at position 0"),
        ("a**", "multiple repeat at position 2"),
        ("a{3,1}", "min repeat greater than max repeat at position 2"),
        ("a)", "unbalanced parenthesis at position 1"),
        (r"\", "bad escape (end of pattern) at position 0"),
        (r"\q", "bad escape \\q at position 0"),
        (r"\1", "invalid group reference 1 at position 1"),
        ("[z-a]", "bad character range z-a at position 1"),
        ("(?i", "missing -, : or ) at position 3"),
        ("x(?i)y", "global flags not at the start of the expression at position 1"),
        ("(?P<n>a)(?P<n>b)", "redefinition of group name 'n' as group 2; was group 1 at position 12"),
        ("(?<=a+)b", "look-behind requires fixed-width pattern"),
        ("a*+*", "multiple repeat at position 3"),
        ("a+++", "multiple repeat at position 3"),
        ("^*", "nothing to repeat at position 1"),
        ("(?:^)|$+", "nothing to repeat at position 7"),
        (r"\b?", "nothing to repeat at position 2"),
        ("a??+", "multiple repeat at position 3"),
        ("(?P<1a>x)", "bad character in group name '1a' at position 4"),
        ("(?P<n", "missing >, unterminated name at position 4"),
        ("(?P=n)", "unknown group name 'n' at position 4"),
        ("(?P>n)", "unknown extension ?P> at position 1"),
        ("(?<n>a)", "unknown extension ?<n at position 1"),
        ("(?z)", "unknown extension ?z at position 1"),
        ("(?", "unexpected end of pattern at position 2"),
        ("(?i-", "missing flag at position 4"),
        ("(?-i)", "missing : at position 4"),
        ("(?i-i:a)", "bad inline flags: flag turned on and off at position 5"),
        ("(?L)a", "bad inline flags: cannot use 'L' flag with a str pattern at position 3"),
        ("(?au)a", "bad inline flags: flags 'a', 'u' and 'L' are incompatible at position 4"),
        ("(?a)(?u)b", "ASCII and UNICODE flags are incompatible"),
        ("(?t:a)", "bad inline flags: cannot turn on global flag at position 3"),
        ("(?#x", "missing ), unterminated comment at position 0"),
        (r"[a-\d]", "bad character range a-\\d at position 1"),
        ("[]", "unterminated character set at position 0"),
        ("[^]", "unterminated character set at position 0"),
        (r"[\8]", "bad escape \\8 at position 1"),
        (r"\x4", "incomplete escape \\x4 at position 0"),
        (r"\u12", "incomplete escape \\u12 at position 0"),
        (r"\U00110000", "bad escape \\U00110000 at position 0"),
        (r"\400", "octal escape value \\400 outside of range 0-0o377 at position 0"),
        (r"(a\1)", "cannot refer to an open group at position 2"),
        (r"(?<=(a)\1)b", "cannot refer to group defined in the same lookbehind subpattern at position 9"),
        ("(?(0)a)", "bad group number at position 3"),
        ("(?(1)a)", "invalid group reference 1 at position 3"),
        ("(?(x)a)", "unknown group name 'x' at position 3"),
        ("(?(1)a|b|c)(d)", "conditional backref with more than two branches at position 8"),
        ("(?<=a|bc)d", "look-behind requires fixed-width pattern"),
        ("a{99999999999}", "the repetition number is too large"),
        ("(?<!a*)b", "look-behind requires fixed-width pattern"),
        (r"\p{L}", "bad escape \\p at position 0"),
        (r"\K", "bad escape \\K at position 0"),
        (r"\h", "bad escape \\h at position 0"),
        ("(?R)", "unknown extension ?R at position 1"),
        ("(?|a)", "unknown extension ?| at position 1"),
        ("(?i)a|(?s)b", "global flags not at the start of the expression at position 6"),
        ("a(?P<é-x>b)", "bad character in group name 'é-x' at position 5"),
        ("(?P<n>a)(?(n)b", "missing ), unterminated subpattern at position 8"),
    ] {
        let error = Pattern::compile_with(source, PLAIN).expect_err(source);
        assert_eq!(error.to_string(), expected, "{source:?}");
    }
}

#[test]
fn what_is_not_supported_is_refused_and_says_so() {
    for source in [
        r"\N{EM DASH}",
        r"(?a:\W)b",
        r"(?u:\w)|(?a:[^\w])b",
        &"(".repeat(301),
        &format!("{}a{}", "(".repeat(301), ")".repeat(301)),
        &"a".repeat(20_001),
    ] {
        assert!(Pattern::compile_with(source, PLAIN).is_err(), "{source:.20}");
    }
}

#[test]
fn classes_under_a_flag_of_their_own() {
    check(r"(?a:\w)+", PLAIN, "é½a_", Some(2..4));
    check(r"(?a:[^\W])", PLAIN, "éa", Some(1..2));
    check(r"(?a)(?u:\W)", PLAIN, "é-", Some(1..2));
    check(r"x?(?a:\W)", PLAIN, "aé", Some(1..2));
    check(r"(?a:(?u:\W))", PLAIN, "é-", Some(1..2));
    check(r"(?a:-\W)", PLAIN, "-é", Some(0..2));
}

#[test]
fn what_every_text_matches_is_known() {
    let check = |source: &str, expected: bool| {
        let pattern = Pattern::compile(source, Case::Insensitive).expect(source);
        assert_eq!(pattern.matches_every_text(), expected, "{source}");
    };
    for source in ["", "a|", r"\s*", "(a?|b)(?:c|d)*", "(?>a*)x?", "(?:a{0,3}){2}"] {
        check(source, true);
    }
    for source in ["a", "^$", "^(?!.*secret)", r"\b", "a|b", "a?b", "$"] {
        check(source, false);
    }
}

#[test]
fn alternatives_with_the_same_beginning_are_tried_in_order() {
    check("a.*b.{0,5}c|a.*b", PLAIN, "abcb", Some(0..3));
    check("(is).*(fix).{0,5}(1:1)|(is).*(fix)", IGNORE_CASE, "ISfix1:1fixkilo", Some(0..8));
    check(".*ab|.*.*", PLAIN, "abc", Some(0..2));
    check(".abb|b", PLAIN, "zabb", Some(0..4));
    check("[^()]*(?:\\([^()]*\\))?[^()]*:", PLAIN, "$(:):", Some(0..5));
    check("a|.aa", PLAIN, "-#aa", Some(1..4));
}

/// Alternatives with gaps between them, as rubrics have them, and texts of the same few words.
fn gap_pattern() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "fix", "a", "ab", "aba", "is", "1:1", "é", "🔴", "kilo", "b{2}", "[0-9]", "##",
    ]);
    let gaps = vec![
        ".{0,5}", ".{0,40}", ".?", ".*", ".{3,9}", r"\s+", r"\s*", ".{0,8}?", ".*?", r"\d+", ".{8,}", ".+",
    ];
    let gap = prop::sample::select(gaps);
    let arms = prop::collection::vec(word, 1..4).prop_map(|words| format!("({})", words.join("|")));
    let chain = (arms.clone(), prop::collection::vec((gap, arms), 0..3))
        .prop_map(|(first, rest)| rest.into_iter().fold(first, |chain, (gap, arms)| chain + gap + &arms));
    prop::collection::vec(chain, 1..3).prop_map(|chains| chains.join("|"))
}

fn gap_text() -> impl Strategy<Value = String> {
    #[rustfmt::skip]
    let words = vec![
        "fix", "Fix", "a", "b", "ab", "is", "IS", "1:1", "é", "É", "🔴", "kilo", "\u{212a}ilo", "7", "##", " ", "\n",
        "zz",
    ];
    prop::collection::vec(prop::sample::select(words), 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn the_fast_ways_find_what_the_slow_ones_find(source in gap_pattern(), text in gap_text(), insensitive: bool) {
        let case = if insensitive { Case::Insensitive } else { Case::Sensitive };
        let pattern = Pattern::compile(&source, case).expect("a pattern of the family");
        let haystack = Haystack::new(&text);
        let found = pattern.find(&haystack).expect("a small search");
        assert_ways_agree(&pattern, &haystack, &found);
    }

    #[test]
    fn nothing_panics(source in r"[ab(?:)|*+{}\[\]\\^$.<=!P1,i-]{0,16}", text in "[ab1 \n(é🔴]{0,12}") {
        search_anything(&source, &text);
    }

    #[test]
    fn no_unicode_panics(source in any::<String>(), text in any::<String>()) {
        search_anything(&source, &text);
    }
}
