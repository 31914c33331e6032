//! A tree of values in which each value and each key knows its place in the file, for messages.

use crate::scenario::problem::Place;
use crate::value::{Map, Value};
use indexmap::IndexMap;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub place: Place,
    pub tree: Tree,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// Never a list or a map.
    Scalar(Value),
    List(Vec<Node>),
    Map(IndexMap<String, Member>),
}

/// A value in a map, with the place of its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub key_place: Place,
    pub node: Node,
}

impl Node {
    /// The value without its places.
    pub fn to_value(&self) -> Value {
        match &self.tree {
            Tree::Scalar(value) => value.clone(),
            Tree::List(items) => Value::List(items.iter().map(Node::to_value).collect()),
            Tree::Map(members) => {
                let pairs = members.iter().map(|(key, member)| (key.clone(), member.node.to_value()));
                Value::Map(pairs.collect::<Map>())
            }
        }
    }

    /// The kind of the value, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.tree {
            Tree::Scalar(Value::Null) => "nothing",
            Tree::Scalar(Value::Bool(true)) => "the boolean true",
            Tree::Scalar(Value::Bool(false)) => "the boolean false",
            Tree::Scalar(Value::Int(_) | Value::BigInt(_)) => "an integer",
            Tree::Scalar(Value::Float(_)) => "a number",
            Tree::Scalar(_) => "a text",
            Tree::List(_) => "a list",
            Tree::Map(_) => "a map",
        }
    }
}
