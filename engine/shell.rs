//! Words of a command line as a shell takes them, for commands that people are told to type.

use std::path::Path;

/// A word, in quotes where a shell would take it apart or read more into it.
pub fn in_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A path as a word.
pub fn path_in_shell(path: &Path) -> String {
    in_shell(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_typed_as_it_is_shown() {
        let check = |word: &str, expected: &str| assert_eq!(in_shell(word), expected);
        check("--model=openai/gpt-5,effort=low", "--model=openai/gpt-5,effort=low");
        check("--suite=my suite", "'--suite=my suite'");
        check("--packs=it's", r"'--packs=it'\''s'");
        check("$(id)", "'$(id)'");
        check("~/päcke", "'~/päcke'");
        check("", "''");
    }
}
