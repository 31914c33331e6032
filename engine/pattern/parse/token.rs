//! The code points of a pattern, an escape taken together with the code point after it.

use crate::pattern::PatternError;

/// One code point, or a backslash with the code point it escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// The code point, or the one behind the backslash.
    pub code: char,
    escaped: bool,
}

impl Token {
    pub(super) fn is(self, code: char) -> bool {
        !self.escaped && self.code == code
    }

    pub(super) fn is_escape(self) -> bool {
        self.escaped
    }

    pub(super) fn len(self) -> usize {
        1 + usize::from(self.escaped)
    }

    /// The token as it is written.
    pub(super) fn text(self) -> String {
        if self.escaped { format!("\\{}", self.code) } else { self.code.to_string() }
    }
}

/// The tokens of a pattern, read one ahead.
pub(super) struct Tokens {
    codes: Vec<char>,
    /// Behind the token that comes next.
    index: usize,
    next: Option<Token>,
}

impl Tokens {
    pub(super) fn of(codes: Vec<char>) -> Result<Tokens, PatternError> {
        let mut tokens = Tokens { codes, index: 0, next: None };
        tokens.advance()?;
        Ok(tokens)
    }

    pub(super) fn next(&self) -> Option<Token> {
        self.next
    }

    /// Reads one token further; a lone backslash at the end is found here, one token early, as in Python.
    pub(super) fn advance(&mut self) -> Result<(), PatternError> {
        let Some(&code) = self.codes.get(self.index) else {
            self.next = None;
            return Ok(());
        };
        if code != '\\' {
            self.index += 1;
            self.next = Some(Token { code, escaped: false });
            return Ok(());
        }
        let Some(&code) = self.codes.get(self.index + 1) else {
            let problem = "bad escape (end of pattern)".to_owned();
            return Err(PatternError { problem, position: Some(self.codes.len() - 1) });
        };
        self.index += 2;
        self.next = Some(Token { code, escaped: true });
        Ok(())
    }

    pub(super) fn take(&mut self) -> Result<Option<Token>, PatternError> {
        let token = self.next;
        self.advance()?;
        Ok(token)
    }

    pub(super) fn take_if(&mut self, code: char) -> Result<bool, PatternError> {
        let found = self.next.is_some_and(|token| token.is(code));
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    /// Up to `most` code points that satisfy a test.
    pub(super) fn take_while(&mut self, most: usize, test: fn(char) -> bool) -> Result<String, PatternError> {
        let mut taken = String::new();
        while let Some(token) = self.next
            && taken.len() < most
            && !token.is_escape()
            && test(token.code)
        {
            taken.push(token.code);
            self.advance()?;
        }
        Ok(taken)
    }

    /// A name up to `end`, which is read, too.
    pub(super) fn take_name(&mut self, end: char, what: &str) -> Result<String, PatternError> {
        let mut name = String::new();
        loop {
            let token = self.take()?;
            match token {
                None if name.is_empty() => return Err(self.error(format!("missing {what}"), 0)),
                None => {
                    let problem = format!("missing {end}, unterminated name");
                    return Err(self.error(problem, name.chars().count()));
                }
                Some(token) if token.is(end) && name.is_empty() => {
                    return Err(self.error(format!("missing {what}"), 1));
                }
                Some(token) if token.is(end) => return Ok(name),
                Some(token) => name.push_str(&token.text()),
            }
        }
    }

    /// The place of the token that comes next.
    pub(super) fn position(&self) -> usize {
        self.index - self.next.map_or(0, Token::len)
    }

    /// Goes back to a place told by `position`.
    pub(super) fn seek(&mut self, position: usize) -> Result<(), PatternError> {
        self.index = position;
        self.advance()
    }

    /// A problem `back` code points before the token that comes next.
    pub(super) fn error(&self, problem: String, back: usize) -> PatternError {
        PatternError { problem, position: Some(self.position().saturating_sub(back)) }
    }
}
