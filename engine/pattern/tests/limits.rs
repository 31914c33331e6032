//! Patterns that ask for much: of the stack, of memory and of time.

use super::*;

#[test]
fn the_deepest_patterns_need_half_of_a_threads_stack() {
    let work = || {
        let forms = [
            ("(", "a", ")"),
            ("(?:b?", "a", "c?)*"),
            ("(?:x?", "a?", ")*?"),
            ("(?:x|y?", "a", "|z)"),
            ("(?:a?b?", "f?", ")?"),
            ("(?>b?", "a", ")"),
            ("(?:", "a", ")*+"),
            ("(?=", "a", ")"),
            ("(?<!", "a", ")"),
        ];
        for (open, inside, close) in forms {
            let depth = parse::NESTING_MAX;
            let source = format!("{}{inside}{}", open.repeat(depth), close.repeat(depth));
            let pattern = Pattern::compile_with(&source, BOTH).expect(open);
            pattern.find(&Haystack::new("aaaabaaaaac")).expect("a small search");
            // Whether there is one or not, it must not take more room.
            drop(Linear::of(&pattern.inner.tree));
            pattern.matches_every_text();
        }
        let source =
            format!("(q)?{}b{}", "(?(1)a|".repeat(parse::NESTING_MAX), ")".repeat(parse::NESTING_MAX));
        Pattern::compile_with(&source, BOTH).expect("a condition");
    };
    // Threads of the runtime and of rayon have 2 MiB.
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(work)
        .expect("a thread")
        .join()
        .expect("room enough");
}

#[test]
fn huge_repetitions_compile_and_stay_bounded() {
    check("(a{1,1000}){1,1000}b", PLAIN, "aaab", Some(0..4));
    assert_eq!(find("(a{1,1000}){1,1000}[b]", &"a".repeat(3_000)), Err(MatchLimit));
    assert_eq!(find("((a{0,4000000}){0,4000000}){4000000}", ""), Err(MatchLimit));
}

fn find(source: &str, text: &str) -> Result<Option<Range<usize>>, MatchLimit> {
    Pattern::compile(source, Case::Insensitive).expect(source).find(&Haystack::new(text))
}

#[test]
fn exponential_patterns_are_handed_to_the_automaton() {
    let text = "a".repeat(5_000);
    assert_eq!(find("(a+)+b|c", &text), Ok(None));
    assert_eq!(find("(a|aa)+[b]|c", &text), Ok(None));
    assert_eq!(find("(?:a|a|.a)*x?[b]", &text), Ok(None));
}

#[test]
fn the_limit_is_an_error_and_no_mismatch() {
    assert_eq!(find(r"(a+)+\1[b]", &"a".repeat(60)), Err(MatchLimit));
    assert_eq!(find(r"(?=(a+)+$)a|[c]", &("a".repeat(60) + "c")), Err(MatchLimit));
}

#[test]
fn conjunctions_of_look_aheads_are_quick_on_long_texts() {
    let text = "some words of Jordan ".repeat(20_000);
    assert_eq!(find("(?=.*Jordan)(?=.*Sam)", &text), Ok(None));
    assert_eq!(find("(?=.*Jordan)(?=.*Sam)", &(text + "sam")), Ok(Some(0..0)));
}
