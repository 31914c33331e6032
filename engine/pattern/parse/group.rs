//! Everything that begins with a parenthesis.

use super::flags::Scope;
use super::{Item, Parser};
use crate::pattern::PatternError;
use crate::pattern::syntax::{Node, Width};

/// Python refuses look-behinds that reach further.
const BEHIND_MAX: u128 = u32::MAX as u128;

impl Parser {
    /// A group, its parenthesis read already; none where it leaves nothing to match.
    pub(super) fn group(&mut self, depth: usize, may_set_flags: bool) -> Result<Option<Item>, PatternError> {
        let start = self.tokens.position() - 1;
        if !self.tokens.take_if('?')? {
            return self.capture(depth, start, None).map(Some);
        }
        let sign = self.option_sign()?;
        if sign.is_escape() {
            return Err(self.unknown_extension("?", &sign.text()));
        }
        match sign.code {
            'P' => self.named(depth, start).map(Some),
            ':' => self.plain(depth, start, self.scope).map(Some),
            '>' => {
                let Item { node, width, .. } = self.plain(depth, start, self.scope)?;
                Ok(Some(Item::new(Node::Atomic(Box::new(node)), width)))
            }
            '#' => self.comment(start).map(|()| None),
            '=' | '!' => self.look(depth, start, sign.code == '!', false).map(Some),
            '<' => {
                let sign = self.option_sign()?;
                match sign.code {
                    '=' | '!' if !sign.is_escape() => {
                        self.look(depth, start, sign.code == '!', true).map(Some)
                    }
                    _ => Err(self.unknown_extension("?<", &sign.text())),
                }
            }
            '(' => self.condition(depth, start).map(Some),
            'i' | 'L' | 'm' | 's' | 'x' | 'a' | 't' | 'u' | '-' => match self.flags(sign.code)? {
                Some(scope) => self.plain(depth, start, scope).map(Some),
                None if may_set_flags => Ok(None),
                None => {
                    let back = self.tokens.position() - start;
                    let problem = "global flags not at the start of the expression".to_owned();
                    Err(self.tokens.error(problem, back))
                }
            },
            other => Err(self.unknown_extension("?", &other.to_string())),
        }
    }

    fn option_sign(&mut self) -> Result<super::token::Token, PatternError> {
        let sign = self.tokens.take()?;
        sign.ok_or_else(|| self.tokens.error("unexpected end of pattern".to_owned(), 0))
    }

    fn unknown_extension(&self, opening: &str, sign: &str) -> PatternError {
        let back = opening.len() + sign.chars().count();
        self.tokens.error(format!("unknown extension {opening}{sign}"), back)
    }

    /// `(?P<name>...)` and `(?P=name)`.
    fn named(&mut self, depth: usize, start: usize) -> Result<Item, PatternError> {
        if self.tokens.take_if('<')? {
            let name = self.group_name('>')?;
            return self.capture(depth, start, Some(name));
        }
        if self.tokens.take_if('=')? {
            let name = self.group_name(')')?;
            let back = name.chars().count() + 1;
            let Some(&group) = self.names.get(&name) else {
                return Err(self.tokens.error(format!("unknown group name '{name}'"), back));
            };
            return self.back_reference(group, back);
        }
        let sign = self.option_sign()?;
        Err(self.unknown_extension("?P", &sign.text()))
    }

    fn group_name(&mut self, end: char) -> Result<String, PatternError> {
        let name = self.tokens.take_name(end, "group name")?;
        if is_identifier(&name) {
            return Ok(name);
        }
        let problem = format!("bad character in group name '{name}'");
        Err(self.tokens.error(problem, name.chars().count() + 1))
    }

    fn capture(&mut self, depth: usize, start: usize, name: Option<String>) -> Result<Item, PatternError> {
        let index = self.widths.len() as u32;
        self.widths.push(None);
        if let Some(name) = name {
            if let Some(earlier) = self.names.get(&name) {
                let problem =
                    format!("redefinition of group name '{name}' as group {index}; was group {earlier}");
                return Err(self.tokens.error(problem, name.chars().count() + 1));
            }
            self.names.insert(name, index);
        }
        let Item { node, width, .. } = self.plain(depth, start, self.scope)?;
        self.widths[index as usize] = Some(width);
        Ok(Item::new(Node::Group { index, body: Box::new(node) }, width))
    }

    /// What the group holds, under its flags, up to its closing parenthesis.
    fn plain(&mut self, depth: usize, start: usize, scope: Scope) -> Result<Item, PatternError> {
        let outside = std::mem::replace(&mut self.scope, scope);
        let (node, width) = self.alternation(depth + 1)?;
        self.scope = outside;
        self.close(start)?;
        // A repetition inside a group of its own may be repeated again.
        Ok(Item { node, width, kind: super::ItemKind::Other })
    }

    fn close(&mut self, start: usize) -> Result<(), PatternError> {
        if self.tokens.take_if(')')? {
            return Ok(());
        }
        let back = self.tokens.position() - start;
        Err(self.tokens.error("missing ), unterminated subpattern".to_owned(), back))
    }

    fn comment(&mut self, start: usize) -> Result<(), PatternError> {
        loop {
            if self.tokens.next().is_none() {
                let back = self.tokens.position() - start;
                return Err(self.tokens.error("missing ), unterminated comment".to_owned(), back));
            }
            if self.tokens.take()?.is_some_and(|token| token.is(')')) {
                return Ok(());
            }
        }
    }

    fn look(
        &mut self,
        depth: usize,
        start: usize,
        negated: bool,
        behind: bool,
    ) -> Result<Item, PatternError> {
        let outer = self.look_behind_groups;
        if behind && outer.is_none() {
            self.look_behind_groups = Some(self.widths.len());
        }
        let (node, width) = self.alternation(depth + 1)?;
        self.look_behind_groups = outer;
        self.close(start)?;
        let behind = if behind { Some(self.behind(width)) } else { None };
        Ok(Item::new(Node::Look { behind, negated, body: Box::new(node) }, Width::ZERO))
    }

    /// How far back a look-behind of this width starts; a wrong width is told when all else was read.
    fn behind(&mut self, width: Width) -> u32 {
        let problem = if width.least > BEHIND_MAX {
            "looks too much behind"
        } else if width.least != width.greatest {
            "look-behind requires fixed-width pattern"
        } else {
            return width.least as u32;
        };
        let error = PatternError { problem: problem.to_owned(), position: None };
        self.uneven_look_behind.get_or_insert(error);
        0
    }

    /// `(?(1)yes|no)` and `(?(name)yes|no)`.
    fn condition(&mut self, depth: usize, start: usize) -> Result<Item, PatternError> {
        let group = self.condition_group()?;
        self.check_look_behind(group)?;
        let (yes, width) = self.branch(depth)?;
        let (no, no_width) = match self.tokens.take_if('|')? {
            false => (Node::empty(), Width::ZERO),
            true => {
                let no = self.branch(depth)?;
                if self.tokens.next().is_some_and(|token| token.is('|')) {
                    let problem = "conditional backref with more than two branches".to_owned();
                    return Err(self.tokens.error(problem, 0));
                }
                no
            }
        };
        self.close(start)?;
        let node = Node::IfGroup { group, yes: Box::new(yes), no: Box::new(no) };
        Ok(Item::new(node, width.or(no_width)))
    }

    fn branch(&mut self, depth: usize) -> Result<(Node, Width), PatternError> {
        if depth >= super::NESTING_MAX {
            return Err(self.tokens.error(format!("groups nest deeper than {}", super::NESTING_MAX), 0));
        }
        self.sequence(depth + 1, false)
    }

    fn condition_group(&mut self) -> Result<u32, PatternError> {
        let name = self.tokens.take_name(')', "group name")?;
        let back = name.chars().count() + 1;
        if is_identifier(&name) {
            let group = self.names.get(&name).copied();
            return group.ok_or_else(|| self.tokens.error(format!("unknown group name '{name}'"), back));
        }
        let digits = name.chars().all(|code| code.is_ascii_digit());
        let group = match name.parse::<u32>() {
            Ok(0) => return Err(self.tokens.error("bad group number".to_owned(), back)),
            Ok(group) if digits => group,
            Err(_) if digits => {
                return Err(self.tokens.error(format!("invalid group reference {name}"), back));
            }
            _ => return Err(self.tokens.error(format!("bad character in group name '{name}'"), back)),
        };
        if self.tested_groups.iter().all(|&(tested, _)| tested != group) {
            self.tested_groups.push((group, self.tokens.position() - back));
        }
        Ok(group)
    }

    /// A look-behind may look at groups closed before it, but at none of its own.
    pub(super) fn check_look_behind(&self, group: u32) -> Result<(), PatternError> {
        let Some(before) = self.look_behind_groups else {
            return Ok(());
        };
        let problem = if self.widths.get(group as usize).copied().flatten().is_none() {
            "cannot refer to an open group"
        } else if group as usize >= before {
            "cannot refer to group defined in the same lookbehind subpattern"
        } else {
            return Ok(());
        };
        Err(self.tokens.error(problem.to_owned(), 0))
    }
}

/// Whether Python takes the text for an identifier.
fn is_identifier(name: &str) -> bool {
    let mut codes = name.chars();
    let starts = codes.next().is_some_and(|code| code == '_' || code.is_alphabetic());
    starts && codes.all(|code| code == '_' || code.is_alphanumeric())
}
