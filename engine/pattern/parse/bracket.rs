//! Character sets in square brackets, in which Python knows no operators.

use super::{Item, Parser, literal_node};
use crate::pattern::PatternError;
use crate::pattern::class::{Member, set_of};
use crate::pattern::syntax::{Node, Width};

impl Parser {
    /// A set, its opening bracket read already.
    pub(super) fn bracket(&mut self) -> Result<Item, PatternError> {
        let start = self.tokens.position() - 1;
        let negated = self.tokens.take_if('^')?;
        let mut members: Vec<Member> = Vec::new();
        loop {
            let token = self.in_bracket(start)?;
            if token.is(']') && !members.is_empty() {
                break;
            }
            let member =
                if token.is_escape() { self.class_escape(token, negated)? } else { code_member(token.code) };
            if !self.tokens.take_if('-')? {
                members.push(member);
                continue;
            }
            let end = self.in_bracket(start)?;
            if end.is(']') {
                members.extend([member, code_member('-')]);
                break;
            }
            let last = if end.is_escape() { self.class_escape(end, negated)? } else { code_member(end.code) };
            match (member, last) {
                (Member::Code(first), Member::Code(last)) if first <= last => {
                    members.push(Member::Range(first, last));
                }
                _ => {
                    let problem = format!("bad character range {}-{}", token.text(), end.text());
                    return Err(self.tokens.error(problem, token.len() + 1 + end.len()));
                }
            }
        }
        Ok(self.set_item(members, negated))
    }

    fn in_bracket(&mut self, start: usize) -> Result<super::token::Token, PatternError> {
        let token = self.tokens.take()?;
        token.ok_or_else(|| {
            let back = self.tokens.position() - start;
            self.tokens.error("unterminated character set".to_owned(), back)
        })
    }

    pub(super) fn set_item(&self, mut members: Vec<Member>, negated: bool) -> Item {
        let mut seen = Vec::with_capacity(members.len().min(64));
        members.retain(|member| {
            let new = !seen.contains(member);
            if new && seen.len() < 64 {
                seen.push(*member);
            }
            new
        });
        let node = match members[..] {
            [Member::Code(code)] if !negated => literal_node(code, self.scope.fold()),
            _ => Node::Set(set_of(&members, negated, self.scope.fold())),
        };
        Item::new(node, Width::ONE)
    }
}

fn code_member(code: char) -> Member {
    Member::Code(u32::from(code))
}
