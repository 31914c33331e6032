//! Finds where a value stands in a JSON text, so that messages about its content can name a line.

use crate::scenario::problem::Place;
use crate::value::{Value, parse};

/// One step down into a JSON value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    Item(usize),
    Key(&'a str),
}

/// The place of the value at a path. As much of the path is followed as exists; the text must be valid.
pub(super) fn place_of(text: &str, path: &[Step<'_>]) -> Place {
    let mut cursor = Cursor { bytes: text.as_bytes(), at: 0 };
    cursor.blanks();
    for step in path {
        let before = cursor.at;
        if cursor.descend(*step).is_none() {
            cursor.at = before;
            break;
        }
    }
    Place::at(text, cursor.at.min(text.len()))
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn descend(&mut self, step: Step<'_>) -> Option<()> {
        match step {
            Step::Item(index) => {
                self.take(b'[')?;
                for _ in 0..index {
                    self.skip_value();
                    self.take(b',')?;
                }
            }
            Step::Key(wanted) => {
                self.take(b'{')?;
                loop {
                    let start = self.at;
                    self.skip_value();
                    let key = parse(self.bytes.get(start..self.at)?).ok();
                    self.take(b':')?;
                    if key.as_ref().and_then(Value::as_str) == Some(wanted) {
                        break;
                    }
                    self.skip_value();
                    self.take(b',')?;
                }
            }
        }
        Some(())
    }

    /// Moves behind the value, to the sign that follows it.
    fn skip_value(&mut self) {
        let mut depth = 0usize;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => self.skip_string(),
                b'[' | b'{' => depth += 1,
                b',' | b':' | b']' | b'}' if depth == 0 => break,
                b']' | b'}' => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Moves from the opening to the closing quote.
    fn skip_string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 1,
                b'"' => return,
                _ => {}
            }
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.bytes.get(self.at) == Some(&byte)).then_some(())?;
        self.at += 1;
        self.blanks();
        Some(())
    }

    fn blanks(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found() {
        let text = "[\n  {\"a\": [1, \"],\\\"\"], \"é\": 2},\n  {\"id\": {\"x\": null}}\n]";
        let check =
            |path: &[Step<'_>], line, column| assert_eq!(place_of(text, path), Place { line, column });
        check(&[], 1, 1);
        check(&[Step::Item(0)], 2, 3);
        check(&[Step::Item(0), Step::Key("a"), Step::Item(1)], 2, 13);
        check(&[Step::Item(0), Step::Key("é")], 2, 27);
        check(&[Step::Item(1), Step::Key("id"), Step::Key("x")], 3, 16);
        check(&[Step::Item(1), Step::Key("absent")], 3, 3);
        check(&[Step::Item(7)], 1, 1);
    }
}
