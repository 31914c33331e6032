//! A check's detail as evidence for the writer: without the pattern that it quotes, since what should be mended is
//! the behaviour, and a pattern would only be parroted.

/// What a failure's detail says about the behaviour.
pub(super) fn evidence(detail: &str) -> String {
    if !detail.starts_with('\'') {
        return detail.to_owned();
    }
    let Some((quoted, found)) = detail.rsplit_once(" → ") else { return String::new() };
    let found = found.trim_start_matches("FOUND: ");
    let found = match found {
        "NOT FOUND" => "nothing of the kind was found",
        "not found (good)" | "found" => "",
        other => return format!("unwanted: {other}"),
    };
    match quoted.rsplit_once("' in ") {
        Some((_, place)) if !found.is_empty() => format!("{found} in {place}"),
        _ => found.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_never_quotes_the_pattern() {
        let check = |detail: &str, expected: &str| assert_eq!(evidence(detail), expected, "{detail}");
        check("'(secret|a→b)' → NOT FOUND", "nothing of the kind was found");
        check("'a' in ' in tool=exec → NOT FOUND", "nothing of the kind was found in tool=exec");
        check("'secret' → FOUND: ...salary 100...", "unwanted: ...salary 100...");
        check("'secret' in any tool → FOUND in slack", "unwanted: FOUND in slack");
        check("total=14 (max 10)", "total=14 (max 10)");
        check("missing=['slack']", "missing=['slack']");
        check("'broken", "");
    }
}
