//! Quantifiers, and the braces that are none.

use super::{Item, ItemKind, Parser};
use crate::pattern::PatternError;
use crate::pattern::syntax::{Mode, Node};

/// Python's own bound on a count.
const COUNT_MAX: u64 = 4_294_967_295;

/// How often: at least, and at most where there is a bound.
type Counts = (u32, Option<u32>);

impl Parser {
    /// Applies a quantifier to the last item, or gives the brace back as the literal that it is.
    pub(super) fn repeat(&mut self, sign: char, items: &mut Vec<Item>) -> Result<Option<Item>, PatternError> {
        let start = self.tokens.position();
        let (min, max) = match sign {
            '?' => (0, Some(1)),
            '*' => (0, None),
            '+' => (1, None),
            _ => match self.braces(start)? {
                Some(counts) => counts,
                None => return Ok(Some(self.literal(u32::from(sign)))),
            },
        };
        let length = self.tokens.position() - start + 1;
        let last = match items.pop() {
            Some(Item { kind: ItemKind::Place, .. }) | None => {
                return Err(self.tokens.error("nothing to repeat".to_owned(), length));
            }
            Some(Item { kind: ItemKind::Repeat, .. }) => {
                return Err(self.tokens.error("multiple repeat".to_owned(), length));
            }
            Some(last) => last,
        };
        let mode = if self.tokens.take_if('?')? {
            Mode::Lazy
        } else if self.tokens.take_if('+')? {
            Mode::Possessive
        } else {
            Mode::Greedy
        };
        if self.scope.template {
            let problem = "repetition under the template flag".to_owned();
            return Err(PatternError { problem, position: None });
        }
        let width = last.width.repeated(min, max);
        items.push(Item::new(Node::Repeat { min, max, mode, body: Box::new(last.node) }, width));
        Ok(None)
    }

    /// `{2}`, `{2,}`, `{,3}`, `{2,3}` or `{,}`, the opening brace read already; anything else is literal text.
    fn braces(&mut self, start: usize) -> Result<Option<Counts>, PatternError> {
        if self.tokens.next().is_some_and(|token| token.is('}')) {
            return Ok(None);
        }
        let digit = |code: char| code.is_ascii_digit();
        let low = self.tokens.take_while(usize::MAX, digit)?;
        let high = match self.tokens.take_if(',')? {
            true => self.tokens.take_while(usize::MAX, digit)?,
            false => low.clone(),
        };
        if !self.tokens.take_if('}')? {
            self.tokens.seek(start)?;
            return Ok(None);
        }
        let min = self.count(&low)?.unwrap_or(0);
        let max = self.count(&high)?;
        if max.is_some_and(|max| max < min) {
            let length = self.tokens.position() - start;
            return Err(self.tokens.error("min repeat greater than max repeat".to_owned(), length));
        }
        Ok(Some((min, max)))
    }

    fn count(&self, digits: &str) -> Result<Option<u32>, PatternError> {
        if digits.is_empty() {
            return Ok(None);
        }
        match digits.parse::<u64>().ok().filter(|&count| count < COUNT_MAX).map(u32::try_from) {
            Some(Ok(count)) => Ok(Some(count)),
            _ => {
                let problem = "the repetition number is too large".to_owned();
                Err(PatternError { problem, position: None })
            }
        }
    }
}
