//! YAML text to a tree in which every value and key knows its place.
//!
//! The tree holds what PyYAML's `safe_load` would give, since the same files are read by Python programs:
//! `granit-parser` supplies the events, the typing of plain scalars and merge keys are done here. A
//! deserializing library would hide the raw scalars that this needs. JSON is read too, as a kind of YAML.

use crate::scenario::node::{Member, Node, Tree};
use crate::scenario::problem::{Place, Report};
use crate::scenario::scalar::{Plain, differs_in_yaml_1_2, is_printable, pyyaml};
use crate::scenario::yaml_block::chomped;
use crate::scenario::yaml_syntax::explain;
use crate::value::Value;
use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput, Tag};
use indexmap::IndexMap;
use std::collections::HashMap;
use std::rc::Rc;

/// The longest text of a scenario or rubric file in bytes.
pub const BYTES_MAX: usize = 1 << 20;
/// The deepest nesting of lists and maps.
const DEPTH_MAX: usize = 64;
/// The most values in a document, after aliases have been replaced by what they stand for.
const NODES_MAX: usize = 100_000;
/// What ends a line for PyYAML, and is a character like any other in YAML 1.2.
const ODD_BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// Reads one YAML document. None when it could not be read; the report says why.
pub fn parse(text: &str, report: &mut Report) -> Option<Node> {
    if text.len() > BYTES_MAX {
        report.error(None, "", format!("the file has {} bytes, more than {BYTES_MAX}", text.len()));
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some((place, odd)) = first_unprintable(text) {
        let problem =
            report.error(place, "", format!("the character U+{:04X} is not allowed in YAML", odd as u32));
        problem.help("write it as an escape inside double quotes");
        return None;
    }
    if let Some(at) = text.find(ODD_BREAKS) {
        let code = text[at..].chars().next().map_or(0, u32::from);
        let message = format!("the character U+{code:04X} ends the line for PyYAML, but not in YAML 1.2");
        let help = "write it as an escape inside double quotes, or in a pattern as \\uXXXX";
        report.error(Place::at(text, at), "", message).help(help);
        return None;
    }
    let mut reader = Reader::new(text, report);
    match reader.document() {
        Ok(node) => Some(node),
        Err(stop) => {
            report.error(stop.place, "", stop.message).help_if(stop.help);
            None
        }
    }
}

/// Why reading ended early.
struct Stop {
    place: Option<Place>,
    message: String,
    help: Option<String>,
}

type Read<T> = Result<T, Stop>;

fn stop<T>(place: impl Into<Option<Place>>, message: impl Into<String>) -> Read<T> {
    Err(Stop { place: place.into(), message: message.into(), help: None })
}

struct Reader<'a, 'r> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    report: &'r mut Report,
    /// What anchors stand for, with the number of nodes in it; none while it is still being read.
    anchors: HashMap<usize, Option<Rc<(Node, usize)>>>,
    nodes: usize,
}

/// A map's key as it was read.
struct Key {
    place: Place,
    text: String,
    merges: bool,
}

impl<'a, 'r> Reader<'a, 'r> {
    fn new(text: &'a str, report: &'r mut Report) -> Reader<'a, 'r> {
        let mut options = granit_parser::options! {
            flow_nesting_limit: DEPTH_MAX,
            block_nesting_limit: DEPTH_MAX,
        };
        options.set_emit_comments(false);
        let parser = Parser::new_from_str_with_options(text, options);
        Reader { text, parser, report, anchors: HashMap::new(), nodes: 0 }
    }

    fn document(&mut self) -> Read<Node> {
        let mut root = None;
        loop {
            let (event, place, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    return stop(place, "a second document starts here; a file holds one");
                }
                Event::DocumentStart(..) => {}
                Event::StreamEnd => break,
                event => root = Some(self.node(event, place, span, 0)?),
            }
        }
        match root {
            Some(root) => Ok(root),
            None => stop(None, "the file is empty"),
        }
    }

    fn next(&mut self) -> Read<(Event<'a>, Place, Span)> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                self.refuse_tab(&event, &span)?;
                Ok((event, place(&span.start), span))
            }
            Some(Err(error)) => {
                let (message, help) = explain(self.text, &error, DEPTH_MAX);
                Err(Stop { place: Some(place(error.marker())), message, help })
            }
            None => stop(None, "the file ends too early"),
        }
    }

    /// A tab between tokens is fine for YAML, but PyYAML refuses it.
    fn refuse_tab(&self, event: &Event<'a>, span: &Span) -> Read<()> {
        let before = span.start.byte_offset().and_then(|start| self.text.get(..start)).unwrap_or_default();
        let blanks = before.len() - before.trim_end_matches([' ', '\t']).len();
        let inside = matches!(event, Event::Scalar(text, ScalarStyle::Plain, ..) if text.contains('\t'));
        if event.is_node() && (inside || before[before.len() - blanks..].contains('\t')) {
            let help = Some("use blanks".to_owned());
            let message = "a tab outside of quotes, which PyYAML refuses".to_owned();
            return Err(Stop { place: Some(place(&span.start)), message, help });
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'a>, place: Place, span: Span, depth: usize) -> Read<Node> {
        if depth > DEPTH_MAX {
            return stop(place, format!("nested more than {DEPTH_MAX} levels deep"));
        }
        self.count(1, place)?;
        let before = self.nodes;
        let (anchor, tree) = match event {
            Event::Alias(id) => return self.alias(id, place),
            Event::Scalar(text, style, anchor, tag) => {
                let text = chomped(self.text, &text, style, &span);
                (anchor, Tree::Scalar(self.scalar(text, style, tag.as_deref(), place)?))
            }
            Event::SequenceStart(_, anchor, tag) => {
                expect_tag(tag.as_deref(), "seq", place)?;
                self.announce(anchor);
                (anchor, Tree::List(self.list(depth)?))
            }
            Event::MappingStart(_, anchor, tag) => {
                expect_tag(tag.as_deref(), "map", place)?;
                self.announce(anchor);
                (anchor, Tree::Map(self.map(depth)?))
            }
            _ => return stop(place, "a value was expected here"),
        };
        let node = Node { place, tree };
        if anchor != 0 {
            self.anchors.insert(anchor, Some(Rc::new((node.clone(), 1 + self.nodes - before))));
        }
        Ok(node)
    }

    fn count(&mut self, nodes: usize, place: Place) -> Read<()> {
        self.nodes += nodes;
        if self.nodes > NODES_MAX {
            return stop(place, format!("more than {NODES_MAX} values, counting what aliases stand for"));
        }
        Ok(())
    }

    fn announce(&mut self, anchor: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, None);
        }
    }

    fn alias(&mut self, id: usize, place: Place) -> Read<Node> {
        match self.anchors.get(&id).cloned() {
            Some(Some(target)) => {
                self.count(target.1, place)?;
                Ok(Node { place, tree: target.0.tree.clone() })
            }
            Some(None) => stop(place, "this alias stands inside what it refers to"),
            None => stop(place, "this alias refers to nothing"),
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, place: Place) -> Read<Value> {
        let plain = style == ScalarStyle::Plain;
        match tag.map(tag_name).filter(|name| name != "!") {
            None if plain => self.plain(text, place),
            None => Ok(Value::from(text)),
            Some(name) if name == "str" => Ok(Value::from(text)),
            Some(name) if matches!(name.as_str(), "int" | "float" | "bool" | "null") => {
                self.tagged(text, &name, place)
            }
            Some(name) => unsupported_tag(&name, place),
        }
    }

    fn plain(&mut self, text: &str, place: Place) -> Read<Value> {
        match pyyaml(text) {
            Plain::Unusable(reason) => {
                self.report
                    .error(place, "", format!("`{text}`: {reason}"))
                    .help(format!("quote it: \"{text}\""));
                Ok(Value::from(text))
            }
            Plain::Merge => stop(place, "`<<` merges maps; it cannot be a value"),
            Plain::Value(value) => {
                if differs_in_yaml_1_2(text) {
                    self.warn_of_dialects(text, &value, place);
                }
                Ok(value)
            }
        }
    }

    fn warn_of_dialects(&mut self, text: &str, value: &Value, place: Place) {
        let meaning =
            if value.as_str().is_some() { "a text".to_owned() } else { format!("`{}`", value.dumps()) };
        let message = format!("`{text}` is {meaning} here and in Python, but something else in YAML 1.2");
        let problem = self.report.warning(place, "", message);
        problem.help(format!("if the text is meant, quote it: \"{text}\""));
    }

    fn tagged(&mut self, text: &str, name: &str, place: Place) -> Read<Value> {
        match (name, pyyaml(text)) {
            ("null", _) => Ok(Value::Null),
            ("int", Plain::Value(value @ (Value::Int(_) | Value::BigInt(_)))) => Ok(value),
            ("bool", Plain::Value(value @ Value::Bool(_))) => Ok(value),
            ("float", Plain::Value(value @ (Value::Int(_) | Value::Float(_)))) => {
                Ok(Value::Float(value.as_f64().unwrap_or(f64::NAN)))
            }
            _ => stop(place, format!("`{text}` is not what its tag `!!{name}` says")),
        }
    }

    fn list(&mut self, depth: usize) -> Read<Vec<Node>> {
        let mut items = Vec::new();
        loop {
            let (event, place, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(items);
            }
            items.push(self.node(event, place, span, depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Read<IndexMap<String, Member>> {
        let mut merged: Vec<Node> = Vec::new();
        let mut own: Vec<(String, Member)> = Vec::new();
        loop {
            let (event, place, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(self.joined(merged, own));
            }
            let key = self.key(event, place, span)?;
            let (event, place, span) = self.next()?;
            let node = self.node(event, place, span, depth + 1)?;
            if key.merges {
                merged.extend(mergeable(node)?);
            } else {
                own.push((key.text, Member { key_place: key.place, node }));
            }
        }
    }

    fn key(&mut self, event: Event<'a>, place: Place, span: Span) -> Read<Key> {
        if matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<") {
            return Ok(Key { place, text: String::new(), merges: true });
        }
        if matches!(event, Event::SequenceStart(..) | Event::MappingStart(..)) {
            return stop(place, "a key must be a text, not a list or a map");
        }
        let node = self.node(event, place, span, 0)?;
        match node.tree {
            Tree::Scalar(Value::Str(text)) => Ok(Key { place, text, merges: false }),
            _ => {
                let message = format!("a key must be a text, but this is {}", node.kind());
                Err(Stop { place: Some(place), message, help: Some("put it in quotes".into()) })
            }
        }
    }

    /// Puts the merged maps before the map's own members; of equal keys the last value stands at the first
    /// one's place.
    fn joined(&mut self, merged: Vec<Node>, own: Vec<(String, Member)>) -> IndexMap<String, Member> {
        let mut members: IndexMap<String, Member> = IndexMap::new();
        for node in merged {
            if let Tree::Map(inherited) = node.tree {
                members.extend(inherited);
            }
        }
        let mut seen: HashMap<String, Place> = HashMap::new();
        for (key, member) in own {
            if let Some(first) = seen.insert(key.clone(), member.key_place) {
                let message = format!("this key stands in line {} already; the last one counts", first.line);
                self.report.objection(member.key_place, &key, message).help("remove one of them");
            }
            members.insert(key, member);
        }
        members
    }
}

/// The maps that a merge key brings in, those that give way first.
fn mergeable(node: Node) -> Read<Vec<Node>> {
    match node.tree {
        Tree::Map(_) => Ok(vec![node]),
        Tree::List(items) if items.iter().all(|item| matches!(item.tree, Tree::Map(_))) => {
            Ok(items.into_iter().rev().collect())
        }
        _ => stop(node.place, format!("`<<` merges a map or a list of maps, but this is {}", node.kind())),
    }
}

fn expect_tag(tag: Option<&Tag>, kind: &str, place: Place) -> Read<()> {
    match tag.map(tag_name) {
        Some(name) if name != kind && name != "!" => unsupported_tag(&name, place),
        _ => Ok(()),
    }
}

fn unsupported_tag<T>(name: &str, place: Place) -> Read<T> {
    let help = Some("remove the tag".to_owned());
    Err(Stop { place: Some(place), message: format!("the tag `{name}` is not supported"), help })
}

fn tag_name(tag: &Tag) -> String {
    match tag.core_suffix() {
        Some(suffix) => suffix.to_owned(),
        None => tag.original(),
    }
}

fn place(marker: &Marker) -> Place {
    Place { line: marker.line().max(1), column: marker.col() + 1 }
}

fn first_unprintable(text: &str) -> Option<(Place, char)> {
    let (offset, found) = text.char_indices().find(|(_, c)| !is_printable(*c))?;
    Some((Place::at(text, offset), found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::problem::Strictness;

    fn check(text: &str, expected: &str) {
        let mut report = Report::new("f", Strictness::Own);
        let node = parse(text, &mut report).unwrap_or_else(|| panic!("{text:?}: {:?}", report.problems));
        assert_eq!(node.to_value().dumps(), expected, "{text:?}");
    }

    fn check_problem(text: &str, expected: &str) {
        let mut report = Report::new("f", Strictness::Own);
        parse(text, &mut report);
        let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems.join("\n"), expected, "{text:?}");
    }

    #[test]
    fn merged_maps_come_first_and_give_way() {
        let text = "a: &a {p: 1, q: 2}\nb: &b {p: 9, r: 3}\nc: {q: 5, <<: [*a, *b]}\n";
        check(text, r#"{"a": {"p": 1, "q": 2}, "b": {"p": 9, "r": 3}, "c": {"p": 1, "r": 3, "q": 5}}"#);
    }

    #[test]
    fn places_are_those_of_values_and_keys() {
        let node = parse("a:\n  é: [1,  x]\n", &mut Report::new("f", Strictness::Own)).unwrap();
        let Tree::Map(top) = &node.tree else { panic!() };
        let Tree::Map(inner) = &top["a"].node.tree else { panic!() };
        assert_eq!(inner["é"].key_place, Place { line: 2, column: 3 });
        let Tree::List(items) = &inner["é"].node.tree else { panic!() };
        assert_eq!(items[1].place, Place { line: 2, column: 11 });
    }

    #[test]
    fn what_python_would_refuse_is_refused() {
        check_problem("a:\t1\n", "f:1:4: a tab outside of quotes, which PyYAML refuses\n  help: use blanks");
        check_problem(
            "on: 1\n",
            "f:1:1: warning: `on` is `true` here and in Python, but something else in YAML 1.2\n  help: if the text is meant, quote it: \"on\"\nf:1:1: a key must be a text, but this is the boolean true\n  help: put it in quotes",
        );
        check_problem(
            "a: !!python/object:os.system x\n",
            "f:1:30: the tag `!!python/object:os.system` is not supported\n  help: remove the tag",
        );
        check_problem(
            "a: \"\u{1b}\"",
            "f:1:5: the character U+001B is not allowed in YAML\n  help: write it as an escape inside double quotes",
        );
        check_problem("", "f: the file is empty");
        check_problem(
            "a: |\n  x\u{2028}  y\n",
            "f:2:4: the character U+2028 ends the line for PyYAML, but not in YAML 1.2\n  help: write it as an escape inside double quotes, or in a pattern as \\uXXXX",
        );
        check_problem("a: 1\n---\nb: 1\n", "f:2:1: a second document starts here; a file holds one");
        check_problem("a: &a [*a]\n", "f:1:8: this alias stands inside what it refers to");
        check_problem(
            "a: 1\na: 2\n",
            "f:2:1: a: this key stands in line 1 already; the last one counts\n  help: remove one of them",
        );
    }

    #[test]
    fn limits_hold() {
        let bomb = (1..30).fold("a0: &a0 [x]\n".to_owned(), |text, i| {
            text + &format!("a{i}: &a{i} [*a{0}, *a{0}, *a{0}, *a{0}]\n", i - 1)
        });
        check_problem(&bomb, "f:9:10: more than 100000 values, counting what aliases stand for");
        check_problem(&"[".repeat(5000), "f:1:65: nested more than 64 levels deep");
        check_problem(&"- ".repeat(5000), "f:1:129: nested more than 64 levels deep");
        check_problem(&" ".repeat(BYTES_MAX + 1), "f: the file has 1048577 bytes, more than 1048576");
    }
}
