//! Explains YAML syntax errors: what the parser could not make sense of, in plain words, and what was probably
//! meant.

use granit_parser::{ErrorKind, ScanError};

/// The message for a syntax error, and what would be right where that can be guessed.
pub(super) fn explain(text: &str, error: &ScanError, depth_max: usize) -> (String, Option<String>) {
    let line = text.lines().nth(error.marker().line().saturating_sub(1)).unwrap_or_default();
    let (message, help) = match error.kind() {
        ErrorKind::RecursionLimitExceeded => {
            return (format!("nested more than {depth_max} levels deep"), None);
        }
        ErrorKind::UnknownAnchor => {
            ("this alias refers to nothing", "put the text in quotes if it shall begin with `*`")
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            "a `:` that belongs to no key",
            "check the indent and the brackets above; put a text with `: ` in quotes",
        ),
        ErrorKind::UnknownQuotedScalarEscape => (
            "an unknown escape in double quotes",
            "use single quotes for patterns: '\\d+'; in double quotes every backslash is written twice",
        ),
        ErrorKind::InvalidQuotedScalarIndent | ErrorKind::UnclosedQuotedScalar => {
            ("a quoted text does not end", "is a closing quote missing in a line above?")
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar => {
            ("text behind a closing quote", "write a quote inside single quotes twice: 'it''s'")
        }
        ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            ("text behind a closing quote", "write a quote inside double quotes as \\\"")
        }
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            ("a key with `:` was expected here", "check the indent of this line and of the one above")
        }
        _ if line.trim_start_matches(' ').starts_with('\t') => {
            ("a tab in the indent", "indent with blanks, not with tabs")
        }
        _ => return (error.info(), None),
    };
    (message.to_owned(), Some(help.to_owned()))
}
