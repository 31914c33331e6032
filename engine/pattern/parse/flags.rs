//! Inline flags: `(?i)` for the whole pattern, `(?i-s:...)` for a part.

use super::Parser;
use crate::pattern::syntax::Fold;
use crate::pattern::{Flags, PatternError};

/// The flags in force at one place of a pattern.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scope {
    pub ignore_case: bool,
    pub multiline: bool,
    pub dotall: bool,
    pub verbose: bool,
    pub ascii: bool,
    /// `(?u)` was written for the whole pattern: not needed, but at odds with `(?a)`.
    unicode: bool,
    /// The old and undocumented flag `t`, under which Python refuses repetitions.
    pub template: bool,
    /// `ascii` as it is for the whole pattern.
    ascii_in_whole: bool,
}

impl Scope {
    pub(super) fn of(flags: Flags) -> Scope {
        Scope { ignore_case: flags.ignore_case, dotall: flags.dotall, ..Scope::default() }
    }

    pub(super) fn fold(self) -> Fold {
        match (self.ignore_case, self.ascii) {
            (false, _) => Fold::Exact,
            (true, false) => Fold::Unicode,
            (true, true) => Fold::Ascii,
        }
    }

    /// CPython looks a class such as `\W` up under the flags of the whole pattern when it skips to a possible start.
    /// Where that class is the smaller one, it misses matches; `complement` says which of the two it is. Rather than
    /// repeat that, the rare pattern is refused.
    pub(super) fn check_first_category(self, complement: bool) -> Result<(), &'static str> {
        if self.ascii != self.ascii_in_whole && self.ascii == complement {
            return Err("a pattern that begins with such a class under an a or u flag of its own, \
                        where Python misses matches; write the flag as (?a) instead");
        }
        Ok(())
    }

    /// Python compares the two flags of the whole pattern only at its end.
    pub(super) fn check(self) -> Result<(), PatternError> {
        if self.ascii && self.unicode {
            let problem = "ASCII and UNICODE flags are incompatible".to_owned();
            return Err(PatternError { problem, position: None });
        }
        Ok(())
    }

    fn set(&mut self, letters: &str, on: bool) {
        for letter in letters.chars() {
            match letter {
                'i' => self.ignore_case = on,
                'm' => self.multiline = on,
                's' => self.dotall = on,
                'x' => self.verbose = on,
                't' => self.template = on,
                _ => {}
            }
        }
    }

    fn with_whole(mut self, letters: &str) -> Scope {
        self.set(letters, true);
        self.ascii |= letters.contains('a');
        self.ascii_in_whole = self.ascii;
        self.unicode |= letters.contains('u');
        self
    }

    fn with_part(mut self, on: &str, off: &str) -> Scope {
        self.set(on, true);
        self.set(off, false);
        self.ascii = (self.ascii || on.contains('a')) && !on.contains('u');
        self
    }
}

const LETTERS: &str = "iLmsxatu";
/// Of these a pattern or part can have one at most.
const TYPES: &str = "aLu";

impl Parser {
    /// The flags after `(?`, their first letter read already. Gives the scope of the group they open, or none
    /// where they are for the whole pattern.
    pub(super) fn flags(&mut self, first: char) -> Result<Option<Scope>, PatternError> {
        let mut on = String::new();
        let mut letter = first;
        while letter != '-' {
            self.check_type(&on, letter)?;
            on.push(letter);
            letter = self.flag_letter("missing -, : or )", ")-:")?;
            if letter == ')' {
                self.scope = self.scope.with_whole(&on);
                return Ok(None);
            }
            if letter == ':' {
                break;
            }
        }
        if on.contains('t') {
            return Err(self.tokens.error("bad inline flags: cannot turn on global flag".to_owned(), 1));
        }
        let off = if letter == '-' { self.flags_off()? } else { String::new() };
        if off.contains('t') {
            return Err(self.tokens.error("bad inline flags: cannot turn off global flag".to_owned(), 1));
        }
        if on.chars().any(|letter| off.contains(letter)) {
            return Err(self.tokens.error("bad inline flags: flag turned on and off".to_owned(), 1));
        }
        Ok(Some(self.scope.with_part(&on, &off)))
    }

    fn check_type(&self, before: &str, letter: char) -> Result<(), PatternError> {
        let problem = if letter == 'L' {
            "bad inline flags: cannot use 'L' flag with a str pattern"
        } else if TYPES.contains(letter) && before.chars().any(|one| one != letter && TYPES.contains(one)) {
            "bad inline flags: flags 'a', 'u' and 'L' are incompatible"
        } else {
            return Ok(());
        };
        Err(self.tokens.error(problem.to_owned(), 0))
    }

    fn flags_off(&mut self) -> Result<String, PatternError> {
        let mut off = String::new();
        let mut letter = self.flag_letter("missing flag", "")?;
        loop {
            if TYPES.contains(letter) {
                let problem = "bad inline flags: cannot turn off flags 'a', 'u' and 'L'";
                return Err(self.tokens.error(problem.to_owned(), 0));
            }
            off.push(letter);
            letter = self.flag_letter("missing :", ":")?;
            if letter == ':' {
                return Ok(off);
            }
        }
    }

    /// The next letter, which must be a flag or one of `ends`.
    fn flag_letter(&mut self, missing: &str, ends: &str) -> Result<char, PatternError> {
        let Some(token) = self.tokens.take()? else {
            return Err(self.tokens.error(missing.to_owned(), 0));
        };
        if !token.is_escape() && (ends.contains(token.code) || LETTERS.contains(token.code)) {
            return Ok(token.code);
        }
        let unknown = !token.is_escape() && token.code.is_alphabetic();
        let problem = if unknown { "unknown flag" } else { missing };
        Err(self.tokens.error(problem.to_owned(), token.len()))
    }
}
