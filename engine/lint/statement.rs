//! Statements of a policy: sentences, however their lines are broken, each with its place.

/// A sentence on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// Where it begins in the policy. Line breaks are spaces here, so that places agree.
    pub start: usize,
    pub text: String,
}

/// The statements of a policy, in order.
pub(super) fn statements(policy: &str) -> Vec<Statement> {
    let mut found = Vec::new();
    for (start, end) in blocks(policy) {
        let text = policy[start..end].replace(['\n', '\r', '\t'], " ");
        let mut from = 0;
        for (at, c) in text.char_indices() {
            let ends = matches!(c, '.' | '!' | '?' | ';')
                && text[at + c.len_utf8()..].starts_with([' ', '*', '"', ')']);
            if ends {
                found.push(Statement { start: start + from, text: text[from..=at].to_owned() });
                from = at + 1;
            }
        }
        found.push(Statement { start: start + from, text: text[from..].to_owned() });
    }
    found.retain(|statement| !statement.text.trim().is_empty());
    found
}

/// Items, paragraphs, headings and rows of tables: from a line that begins one to the next that does.
fn blocks(policy: &str) -> Vec<(usize, usize)> {
    let mut blocks: Vec<(usize, usize)> = Vec::new();
    let mut is_open = false;
    let mut start = 0;
    for line in policy.split_inclusive('\n') {
        let end = start + line.len();
        let bare = line.trim_start();
        let begins = bare.starts_with(['#', '-', '*', '+', '|', '>', '`'])
            || bare.trim_start_matches(|c: char| c.is_alphanumeric()).starts_with(['.', ')'])
                && bare.starts_with(|c: char| c.is_ascii_digit());
        match blocks.last_mut() {
            _ if bare.is_empty() => is_open = false,
            Some(block) if is_open && !begins => block.1 = end,
            _ => {
                blocks.push((start, end));
                is_open = !bare.starts_with(['#', '|']);
            }
        }
        start = end;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_go_over_lines_and_end_with_their_item() {
        let policy = "# Title\nOne goes\non. Two; three\n- item a\n  goes on\n- item b\n\n1. last";
        let found: Vec<String> = statements(policy).iter().map(|s| s.text.trim().to_owned()).collect();
        assert_eq!(
            found,
            ["# Title", "One goes on.", "Two;", "three", "- item a   goes on", "- item b", "1.", "last"]
        );
        for statement in statements(policy) {
            let first = statement.text.split_whitespace().next().unwrap();
            assert!(policy[statement.start..].trim_start().starts_with(first));
        }
    }
}
