//! How block scalars (`|` and `>`) end: where the file ends with one, PyYAML sees fewer line breaks than the parser.

use granit_parser::{ScalarStyle, Span};

/// The value of a scalar as PyYAML has it. Where the file ends without a line break, the parser adds one to the block
/// scalar that ends there; PyYAML does not.
pub(super) fn chomped<'v>(file: &str, value: &'v str, style: ScalarStyle, span: &Span) -> &'v str {
    let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
    let at_end = span.end.byte_offset().is_some_and(|offset| offset >= file.len());
    if !block || !at_end || file.ends_with(['\n', '\r']) {
        return value;
    }
    if value.chars().all(|c| c == '\n') {
        let source = span.start.byte_offset().and_then(|start| file.get(start..)).unwrap_or_default();
        let breaks = source.replace("\r\n", "\n").matches(['\n', '\r']).count();
        // The first one ends the header.
        return &value[..value.len().min(breaks.saturating_sub(1))];
    }
    // The place of a block scalar that holds something is that of its first character.
    let indent = span.start.col();
    let last = file.rsplit(['\n', '\r']).next().unwrap_or_default();
    let margin = last.len() - last.trim_start_matches(' ').len();
    let is_content = margin >= indent && last.len() > indent;
    if is_content { value.strip_suffix('\n').unwrap_or(value) } else { value }
}

#[cfg(test)]
mod tests {
    use crate::scenario::problem::{Report, Strictness};
    use crate::scenario::yaml::parse;

    #[test]
    fn block_scalars_end_as_pyyaml_ends_them() {
        let check = |text: &str, expected: &str| {
            let node = parse(text, &mut Report::new("f", Strictness::Own)).unwrap();
            assert_eq!(node.to_value().get("a").unwrap().as_str(), Some(expected), "{text:?}");
        };
        check("a: |\n  x", "x");
        check("a: |\n  x\n", "x\n");
        check("a: >+\n  x\n\n", "x\n\n");
        check("a: |\n  x\n  ", "x\n");
        check("a: |\n  x\n    ", "x\n  ");
        check("a: |\n  x\n    \n  ", "x\n  \n");
        check("a: |+\n  x\n  ", "x\n");
        check("a: >1\n   x\n  ", "  x\n ");
        check("a: |+\n\n  ", "\n");
        check("a: |+\n  ", "");
    }
}
