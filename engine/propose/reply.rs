//! Reads the writer's answer: strict, since half a policy that looks whole would cost episodes.

use crate::llm::{Finish, Reply};

const OPEN: &str = "<policy>";
const CLOSE: &str = "</policy>";
const RATIONALE_CHARS_MAX: usize = 300;

/// A policy as the writer gave it, and what it says it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub policy: String,
    pub rationale: String,
}

/// Takes the draft out of an answer; fails with what is wrong, in words that the writer can act on.
pub(super) fn read(answer: &Reply) -> Result<Draft, String> {
    match answer.finish {
        Finish::Refused => return Err("the model refused to answer".to_owned()),
        Finish::Length => return Err("the answer was cut off at the output limit".to_owned()),
        Finish::Stop | Finish::ToolCalls => {}
    }
    let text = answer.turn.text.replace("\r\n", "\n");
    if text.trim().is_empty() {
        return Err("the answer is empty".to_owned());
    }
    let lines: Vec<&str> = text.lines().collect();
    let open = only(&lines, OPEN)?;
    let close = only(&lines, CLOSE)?;
    if close < open {
        return Err(format!("`{CLOSE}` comes before `{OPEN}`"));
    }
    let policy = unfenced(&lines[open + 1..close]).join("\n");
    let policy = policy.trim();
    if policy.is_empty() {
        return Err("the policy is empty".to_owned());
    }
    if policy.chars().any(is_forbidden) {
        return Err("the policy contains control characters".to_owned());
    }
    Ok(Draft { policy: format!("{policy}\n"), rationale: rationale(&lines[..open]) })
}

/// The one line that is this tag.
fn only(lines: &[&str], tag: &str) -> Result<usize, String> {
    let mut found = lines.iter().enumerate().filter(|(_, line)| line.trim() == tag).map(|(index, _)| index);
    match (found.next(), found.next()) {
        (Some(index), None) => Ok(index),
        (None, _) => Err(format!("the answer has no line `{tag}`")),
        (Some(_), Some(_)) => Err(format!("the answer has more than one line `{tag}`")),
    }
}

/// The lines inside a code fence, where one encloses them all.
fn unfenced<'a, 'b>(lines: &'a [&'b str]) -> &'a [&'b str] {
    let first = lines.iter().position(|line| !line.trim().is_empty()).unwrap_or(0);
    let last = lines.iter().rposition(|line| !line.trim().is_empty()).unwrap_or(0);
    let is_fence = |line: &str| line.trim().starts_with("```");
    if first < last && is_fence(lines[first]) && lines[last].trim() == "```" {
        let inner = &lines[first + 1..last];
        let is_markdown = matches!(lines[first].trim(), "```markdown" | "```md");
        // A policy may begin and end with code of its own.
        if is_markdown || !inner.iter().any(|line| is_fence(line)) {
            return inner;
        }
    }
    lines
}

fn rationale(lines: &[&str]) -> String {
    let said = lines.iter().find_map(|line| {
        let (key, rest) = line.split_once(':')?;
        (key.trim().trim_matches('*').eq_ignore_ascii_case("rationale")).then_some(rest)
    });
    plain(said.unwrap_or_default(), RATIONALE_CHARS_MAX)
}

/// One line without control characters, cut at a length.
pub(super) fn plain(text: &str, chars_max: usize) -> String {
    let line: String =
        text.chars().map(|c| if is_forbidden(c) || c.is_whitespace() { ' ' } else { c }).collect();
    let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

/// Control characters, and those that reorder or hide text.
fn is_forbidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::episode::{AssistantTurn, Usage};

    fn answer(text: &str, finish: Finish) -> Reply {
        let turn = AssistantTurn { text: text.to_owned(), ..AssistantTurn::default() };
        Reply { turn, finish, usage: Usage::default(), resolved_model: None, waited_ms: 0, recalled_ms: None }
    }

    #[test]
    fn a_policy_is_taken_whole_or_not_at_all() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let got = read(&answer(text, Finish::Stop)).map(|draft| draft.policy);
            assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
        };
        check("rationale: shorter\n<policy>\n# Rules\n- ask\n</policy>\n", Ok("# Rules\n- ask\n"));
        check("<policy>\r\n- ask\r\n</policy>", Ok("- ask\n"));
        check("```\n<policy>\n- ask\n</policy>\n```", Ok("- ask\n"));
        check("<policy>\n```markdown\n- ask\n```\n</policy>", Ok("- ask\n"));
        check("<policy>\n```\na\n```\nb\n```\nc\n```\n</policy>", Ok("```\na\n```\nb\n```\nc\n```\n"));
        check("", Err("the answer is empty"));
        check("- ask\n", Err("the answer has no line `<policy>`"));
        check("<policy>\n- ask\n", Err("the answer has no line `</policy>`"));
        check(
            "<policy>\n</policy>\n<policy>\n</policy>",
            Err("the answer has more than one line `<policy>`"),
        );
        check("</policy>\n<policy>", Err("`</policy>` comes before `<policy>`"));
        check("<policy>\n \n</policy>", Err("the policy is empty"));
        check("<policy>\n- a\u{1b}[31m\n</policy>", Err("the policy contains control characters"));
    }

    #[test]
    fn an_answer_that_was_cut_or_refused_is_not_used() {
        let whole = "<policy>\n- ask\n</policy>";
        assert!(read(&answer(whole, Finish::Length)).is_err());
        assert!(read(&answer(whole, Finish::Refused)).is_err());
    }

    #[test]
    fn the_rationale_is_one_plain_line() {
        let text = format!("**Rationale**: asks\u{1b} first {}\n<policy>\nx\n</policy>", "y".repeat(400));
        let rationale = read(&answer(&text, Finish::Stop)).unwrap().rationale;
        assert!(rationale.starts_with("asks first yyy") && rationale.ends_with('…'), "{rationale}");
        assert_eq!(read(&answer("<policy>\nx\n</policy>", Finish::Stop)).unwrap().rationale, "");
    }
}
