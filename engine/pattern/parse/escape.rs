//! What a backslash means, inside brackets and outside.

use super::token::Token;
use super::{Item, Parser};
use crate::pattern::PatternError;
use crate::pattern::class::{Category, Member};
use crate::pattern::syntax::{Node, Place, Width};

impl Parser {
    /// An escape outside brackets.
    pub(super) fn escape(&mut self, token: Token) -> Result<Item, PatternError> {
        let ascii = self.scope.ascii;
        let place = match token.code {
            'A' => Some(Place::TextStart),
            'Z' => Some(Place::TextEnd),
            'b' => Some(Place::WordEdge { ascii, negated: false }),
            'B' => Some(Place::WordEdge { ascii, negated: true }),
            _ => None,
        };
        if let Some(place) = place {
            return Ok(Item::new(Node::At(place), Width::ZERO));
        }
        if let Some(category) = self.category(token.code, false)? {
            return Ok(self.set_item(vec![category], false));
        }
        match token.code {
            '0' => {
                let digits = self.tokens.take_while(2, is_octal)?;
                Ok(self.literal(number(&digits, 8)))
            }
            digit if digit.is_ascii_digit() => self.octal_or_group(digit),
            _ => {
                let code = self.code_escape(token)?;
                Ok(self.literal(code))
            }
        }
    }

    /// An escape inside brackets, which may be negated as a whole.
    pub(super) fn class_escape(&mut self, token: Token, negated: bool) -> Result<Member, PatternError> {
        if let Some(category) = self.category(token.code, negated)? {
            return Ok(category);
        }
        match token.code {
            'b' => Ok(Member::Code(8)),
            digit if is_octal(digit) => {
                let digits = digit.to_string() + &self.tokens.take_while(2, is_octal)?;
                Ok(Member::Code(self.octal(&digits)?))
            }
            digit if digit.is_ascii_digit() => Err(self.bad_escape(token)),
            _ => Ok(Member::Code(self.code_escape(token)?)),
        }
    }

    fn category(&self, letter: char, in_negated: bool) -> Result<Option<Member>, PatternError> {
        let kind = match letter.to_ascii_lowercase() {
            'd' => Category::Digit,
            's' => Category::Space,
            'w' => Category::Word,
            _ => return Ok(None),
        };
        let negated = letter.is_ascii_uppercase();
        if self.leads {
            let check = self.scope.check_first_category(negated != in_negated);
            check.map_err(|problem| self.tokens.error(problem.to_owned(), 2))?;
        }
        Ok(Some(Member::Category { kind, negated, ascii: self.scope.ascii }))
    }

    /// Three octal digits are a code point; else the number is that of a group.
    fn octal_or_group(&mut self, first: char) -> Result<Item, PatternError> {
        let mut digits = first.to_string();
        digits += &self.tokens.take_while(1, |code| code.is_ascii_digit())?;
        if digits.len() == 2 && digits.chars().all(is_octal) {
            let third = self.tokens.take_while(1, is_octal)?;
            if !third.is_empty() {
                return Ok(self.literal(self.octal(&(digits + &third))?));
            }
        }
        let group = number(&digits, 10);
        if group as usize >= self.widths.len() {
            return Err(self.tokens.error(format!("invalid group reference {group}"), digits.len()));
        }
        self.back_reference(group, digits.len() + 1)
    }

    /// A reference to a group; errors are told `back` code points before the next token.
    pub(super) fn back_reference(&mut self, group: u32, back: usize) -> Result<Item, PatternError> {
        let Some(width) = self.widths.get(group as usize).copied().flatten() else {
            return Err(self.tokens.error("cannot refer to an open group".to_owned(), back));
        };
        self.check_look_behind(group)?;
        Ok(Item::new(Node::BackRef { group, fold: self.scope.fold() }, width))
    }

    fn octal(&self, digits: &str) -> Result<u32, PatternError> {
        match number(digits, 8) {
            code @ 0..=0o377 => Ok(code),
            _ => {
                let problem = format!("octal escape value \\{digits} outside of range 0-0o377");
                Err(self.tokens.error(problem, digits.len() + 1))
            }
        }
    }

    /// The escapes that mean one code point, alike inside and outside brackets.
    fn code_escape(&mut self, token: Token) -> Result<u32, PatternError> {
        match token.code {
            'a' => Ok(7),
            'f' => Ok(12),
            'n' => Ok(10),
            'r' => Ok(13),
            't' => Ok(9),
            'v' => Ok(11),
            'x' => self.hexadecimal('x', 2),
            'u' => self.hexadecimal('u', 4),
            'U' => self.hexadecimal('U', 8),
            'N' => {
                let problem =
                    "names of code points are not known here; write \\N{EM DASH} as \\u2014".to_owned();
                Err(self.tokens.error(problem, 2))
            }
            letter if letter.is_ascii_alphabetic() => Err(self.bad_escape(token)),
            other => Ok(u32::from(other)),
        }
    }

    fn hexadecimal(&mut self, letter: char, count: usize) -> Result<u32, PatternError> {
        let digits = self.tokens.take_while(count, |code| code.is_ascii_hexdigit())?;
        let length = digits.len() + 2;
        if digits.len() != count {
            return Err(self.tokens.error(format!("incomplete escape \\{letter}{digits}"), length));
        }
        match number(&digits, 16) {
            code @ 0..=0x10_ffff => Ok(code),
            _ => Err(self.tokens.error(format!("bad escape \\{letter}{digits}"), length)),
        }
    }

    fn bad_escape(&self, token: Token) -> PatternError {
        self.tokens.error(format!("bad escape {}", token.text()), token.len())
    }
}

fn is_octal(code: char) -> bool {
    matches!(code, '0'..='7')
}

/// The value of at most eight digits; no digits are zero.
fn number(digits: &str, radix: u32) -> u32 {
    digits.chars().filter_map(|digit| digit.to_digit(radix)).fold(0, |value, digit| value * radix + digit)
}
