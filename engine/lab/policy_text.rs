//! A policy as worlds read it: Markdown with bullets, of which those that name a rule have effects.

use std::collections::BTreeSet;

/// What names a rule: `rule-17`.
const RULE: &str = "rule-";

/// The rules that the bullets of a policy name.
pub fn rules(policy: &str) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut in_bullet = false;
    for line in policy.lines() {
        in_bullet =
            is_bullet(line) || (in_bullet && line.starts_with([' ', '\t']) && !line.trim().is_empty());
        if in_bullet {
            found.extend(rules_of(line));
        }
    }
    found
}

/// Whether a line begins a bullet: `- `, `* `, `+ `, or `1. `.
pub fn is_bullet(line: &str) -> bool {
    let line = line.trim_start();
    let after_digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = after_digits.len() < line.len() && after_digits.starts_with(['.', ')']);
    let rest =
        if is_numbered { &after_digits[1..] } else { line.strip_prefix(['-', '*', '+']).unwrap_or("x") };
    rest.starts_with([' ', '\t'])
}

/// The rules that a text names.
pub fn rules_of(text: &str) -> impl Iterator<Item = usize> {
    numbered(text, RULE)
}

/// The numbers that follow a prefix, where both stand as a word of their own.
pub fn numbered<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(prefix).filter_map(move |(at, _)| {
        let is_start = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_');
        let rest = &text[at + prefix.len()..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let is_end = !rest[digits..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
        if is_start && is_end { rest[..digits].parse().ok() } else { None }
    })
}

/// Where the bullets stand, by line.
pub fn bullets(lines: &[&str]) -> Vec<usize> {
    (0..lines.len()).filter(|at| is_bullet(lines[*at])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bullets_name_rules() {
        let check = |policy: &str, expected: &[usize]| {
            assert_eq!(rules(policy).into_iter().collect::<Vec<_>>(), expected, "{policy}");
        };
        check("# rule-1\nrule-2\n- rule-3: x\n  more of rule-4\n\nrule-5\n", &[3, 4]);
        check("* do (rule-7).\n+ `rule-8`\n12. rule-9", &[7, 8, 9]);
        check("- rule-x rule- rule-1a my-rule-2 rule-3-4", &[3]);
        check("-rule-1\n---\n**rule-2**", &[]);
        check("- rule-99999999999999999999999", &[]);
    }
}
