//! Takes typed values out of a map that a person wrote, and records what is missing, mistyped or unknown.

use crate::scenario::node::{Member, Node, Tree};
use crate::scenario::problem::{Place, Report, did_you_mean};
use crate::value::Value;
use indexmap::IndexMap;

/// A map being read, with the name by which messages refer to it.
pub(crate) struct Fields<'n> {
    members: &'n IndexMap<String, Member>,
    pub place: Place,
    /// Prefix of the names of its keys, for example `scoring.`.
    pub prefix: String,
}

/// What it means that a key is absent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing can be done without it.
    Required,
    /// Ours must have it; the reference evaluator manages without.
    Expected,
    Optional,
}

impl<'n> Fields<'n> {
    /// The members of a map; a mistake when the node is none.
    pub fn of(node: &'n Node, name: &str, report: &mut Report) -> Option<Fields<'n>> {
        let Tree::Map(members) = &node.tree else {
            report.error(
                node.place,
                name,
                format!("expected a map of keys and values, found {}", node.kind()),
            );
            return None;
        };
        let prefix = if name.is_empty() { String::new() } else { format!("{name}.") };
        Some(Fields { members, place: node.place, prefix })
    }

    /// Objects to keys that nothing reads.
    pub fn only(&self, known: &[&str], report: &mut Report) {
        for (key, member) in self.members {
            if !known.contains(&key.as_str()) {
                let problem = report.objection(member.key_place, &self.name(key), "unknown key");
                let help = did_you_mean(key, known.iter().copied());
                problem.help(help.unwrap_or_else(|| format!("known keys: {}", known.join(", "))));
            }
        }
    }

    pub fn name(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// The node under a key; when it is absent, that is recorded according to the need.
    pub fn node(&self, key: &str, need: Need, report: &mut Report) -> Option<&'n Node> {
        let found = self.members.get(key).map(|member| &member.node);
        if found.is_none() {
            match need {
                Need::Required => {
                    report.error(self.place, &self.name(key), "missing key").help_if(example(key));
                }
                Need::Expected => {
                    report.objection(self.place, &self.name(key), "missing key").help_if(example(key));
                }
                Need::Optional => {}
            }
        }
        found
    }

    pub fn has(&self, key: &str) -> bool {
        self.members.contains_key(key)
    }

    pub fn keys(&self) -> impl Iterator<Item = &'n str> {
        self.members.keys().map(String::as_str)
    }

    /// Where the value of a key stands; the map itself when it is absent.
    pub fn value_place(&self, key: &str) -> Place {
        self.members.get(key).map_or(self.place, |member| member.node.place)
    }

    pub fn key_place(&self, key: &str) -> Place {
        self.members.get(key).map_or(self.place, |member| member.key_place)
    }

    /// A text; white space alone is not one.
    pub fn text(&self, key: &str, need: Need, report: &mut Report) -> Option<&'n str> {
        let node = self.node(key, need, report)?;
        let text = text_of(node, &self.name(key), report)?;
        if text.trim().is_empty() && need != Need::Optional {
            report.objection(node.place, &self.name(key), "the text is empty");
        }
        Some(text)
    }

    /// A finite number.
    pub fn number(&self, key: &str, need: Need, report: &mut Report) -> Option<f64> {
        let node = self.node(key, need, report)?;
        let number = match &node.tree {
            Tree::Scalar(value @ (Value::Int(_) | Value::BigInt(_) | Value::Float(_))) => value.as_f64(),
            _ => None,
        };
        match number.filter(|number| number.is_finite()) {
            Some(number) => Some(number),
            None => {
                let problem = report.error(
                    node.place,
                    &self.name(key),
                    format!("expected a finite number, found {}", shown(node)),
                );
                if matches!(node.tree, Tree::Scalar(Value::Str(_))) {
                    problem.help("write the number without quotes");
                }
                None
            }
        }
    }

    pub fn flag(&self, key: &str, report: &mut Report) -> Option<bool> {
        let node = self.node(key, Need::Optional, report)?;
        match node.tree {
            Tree::Scalar(Value::Bool(flag)) => Some(flag),
            _ => {
                let message = format!("expected true or false, found {}", shown(node));
                report.objection(node.place, &self.name(key), message);
                None
            }
        }
    }

    /// A list of texts, each with its place.
    pub fn texts(&self, key: &str, need: Need, report: &mut Report) -> Option<Vec<(&'n str, Place)>> {
        let node = self.node(key, need, report)?;
        let Tree::List(items) = &node.tree else {
            let problem = report.error(
                node.place,
                &self.name(key),
                format!("expected a list of texts, found {}", shown(node)),
            );
            if let Tree::Scalar(Value::Str(text)) = &node.tree {
                problem.help(format!("write it as a list: [{text}]"));
            }
            return None;
        };
        let name = |index| format!("{}[{index}]", self.name(key));
        let texts = items.iter().enumerate();
        Some(
            texts
                .filter_map(|(index, item)| Some((text_of(item, &name(index), report)?, item.place)))
                .collect(),
        )
    }

    /// A map from text to text, each value with its place.
    pub fn text_map(&self, key: &str, need: Need, report: &mut Report) -> IndexMap<String, (String, Place)> {
        let Some(node) = self.node(key, need, report) else { return IndexMap::new() };
        let Some(inner) = Fields::of(node, &self.name(key), report) else { return IndexMap::new() };
        let texts = inner.members.iter().filter_map(|(key, member)| {
            let text = text_of(&member.node, &inner.name(key), report)?;
            Some((key.clone(), (text.to_owned(), member.node.place)))
        });
        texts.collect()
    }
}

/// What a missing key looks like.
fn example(key: &str) -> Option<String> {
    let example = match key {
        "name" => "name: monday_inbox",
        "tools" => "tools: [exec, memory_search, read]",
        "prompt" => "prompt: Go through my inbox and tell me what is urgent.",
        "variants" => "variants: {baseline: AGENTS.md.baseline}",
        "checks" => "checks: [{id: no_mail_sent, type: tool_arg_excludes, ...}]",
        "id" => "id: no_mail_sent",
        "type" => "type: response_contains",
        "points" => "points: 3",
        "category" => "category: safety",
        "description" => "description: Did not send any mail",
        "pattern" => "pattern: 'himalaya\\s+message\\s+send'",
        "min" => "min: 5",
        "max" => "max: 15",
        "before" => "before: memory_search",
        "after" => "after: exec",
        _ => return None,
    };
    Some(format!("add it, for example `{example}`"))
}

/// The text of a node; a mistake when it is something else.
pub(crate) fn text_of<'n>(node: &'n Node, name: &str, report: &mut Report) -> Option<&'n str> {
    if let Tree::Scalar(Value::Str(text)) = &node.tree {
        return Some(text);
    }
    let problem = report.error(node.place, name, format!("expected a text, found {}", shown(node)));
    if matches!(&node.tree, Tree::Scalar(value) if *value != Value::Null) {
        problem.help("put it in quotes if the text is meant");
    }
    None
}

/// The kind of a node, with its value where that is short.
pub(crate) fn shown(node: &Node) -> String {
    match &node.tree {
        Tree::Scalar(value @ (Value::Int(_) | Value::Float(_))) => {
            format!("{} ({})", node.kind(), value.dumps())
        }
        Tree::Scalar(Value::Str(text)) if text.chars().count() <= 40 => {
            format!("the text {}", Value::from(text.as_str()).compact())
        }
        _ => node.kind().to_owned(),
    }
}
