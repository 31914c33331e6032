//! The rubric of a scenario: its checks, each pattern compiled once.
//!
//! Reading a rubric never fails, because the reference does not look at a check before it evaluates it: a
//! missing key, a wrong type or a broken pattern is kept with its check, and scoring reports it exactly where
//! the reference raises. `validate` finds such defects beforehand.

mod explain;
mod kind;
mod rule;
mod validate;

use crate::pattern::{Pattern, PatternSet};
use crate::value::{Map, Number, Value, json_text};
use std::sync::Arc;

pub use kind::CheckKind;
pub(crate) use rule::{Bound, Lead, Rule, Search, Side};
pub use validate::validate;

/// The checks of a scenario, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Rubric {
    pub checks: Vec<Check>,
    /// Why nothing can be scored: the checks are not a list. Only `compile` may know that.
    defect: Option<String>,
}

/// One check.
#[derive(Clone, Debug)]
pub struct Check {
    /// Empty where the rubric gives none; scoring then fails.
    pub id: String,
    pub kind: CheckKind,
    /// The category under which it counts: `other` where the rubric gives none, and nothing for a
    /// `tool_count_score`.
    pub category: String,
    pub points: f64,
    pub description: String,
    definition: Arc<Definition>,
}

/// Everything that scoring needs to know of a check, prepared for many episodes.
#[derive(Debug)]
pub(crate) struct Definition {
    /// What to look for, or why the reference raises whenever it comes to this check.
    pub(crate) rule: Result<Rule, String>,
    pub(crate) id: Value,
    pub(crate) type_name: Value,
    pub(crate) category: Value,
    pub(crate) description: Value,
    pub(crate) max_points: Value,
    pub(crate) max_points_number: Number,
    pub(crate) rendered: Rendered,
}

/// The parts of a check's result that are the same for every episode, as JSON.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    /// From the opening brace to the verdict.
    pub(crate) head: String,
    pub(crate) max_points: String,
    /// From the possible points to the detail.
    pub(crate) tail: String,
    /// The category as a key, quotes included.
    pub(crate) category_key: String,
}

impl Rubric {
    /// Reads the `scoring` part of a scenario.
    pub fn compile(scoring: &Value) -> Rubric {
        let unusable =
            |defect: String| Rubric { checks: Vec::new(), defect: Some(format!("the rubric {defect}")) };
        let Some(scoring) = scoring.as_map() else {
            return unusable(format!("is {}, not an object", scoring.kind()));
        };
        match scoring.get("checks") {
            Some(Value::List(checks)) => {
                let mut checks: Vec<Check> = checks.iter().map(Check::compile).collect();
                for side in [None, Some(Side::Args), Some(Side::Response)] {
                    search_together(&mut checks, side);
                }
                Rubric { checks, defect: None }
            }
            Some(other) if other.is_truthy() => {
                unusable(format!("has {} as its checks, not a list", other.kind()))
            }
            _ => Rubric::default(),
        }
    }

    /// Why no episode can be scored under this rubric, if so.
    pub(crate) fn defect(&self) -> Option<&str> {
        self.defect.as_deref()
    }
}

impl Check {
    fn compile(check: &Value) -> Check {
        match check.as_map() {
            Some(map) => Check::from_map(map),
            None => Check::broken(format!("the check is {}, not an object", check.kind())),
        }
    }

    fn broken(defect: String) -> Check {
        let definition = Definition {
            rule: Err(defect),
            id: Value::Null,
            type_name: Value::Null,
            category: Value::Null,
            description: Value::Null,
            max_points: Value::Null,
            max_points_number: Number::ZERO,
            rendered: Rendered::default(),
        };
        Check {
            id: String::new(),
            kind: CheckKind::Unknown,
            category: String::new(),
            points: 0.0,
            description: String::new(),
            definition: Arc::new(definition),
        }
    }

    fn from_map(map: &Map) -> Check {
        let kind = map.get("type").and_then(Value::as_str).map_or(CheckKind::Unknown, CheckKind::named);
        let no_category = if kind == CheckKind::ToolCountScore { "" } else { "other" };
        let or = |key: &str, default: Value| map.get(key).cloned().unwrap_or(default);
        let mut definition = Definition {
            rule: defect(map, kind).map_or_else(|| Rule::compile(kind, map), Err),
            id: or("id", Value::from("")),
            type_name: or("type", Value::from("")),
            category: or("category", Value::from(no_category)),
            description: or("description", Value::from("")),
            max_points: or("points", Value::Int(1)),
            max_points_number: Number::ZERO,
            rendered: Rendered::default(),
        };
        match Number::of(&definition.max_points) {
            Ok(number) => definition.max_points_number = number,
            Err(problem) => definition.rule = Err(format!("its 'points' are {problem}")),
        }
        definition.rendered = Rendered::of(&definition);
        Check {
            id: definition.id.py_str(),
            kind,
            category: definition.category.py_str(),
            points: definition.max_points_number.as_f64(),
            description: definition.description.py_str(),
            definition: Arc::new(definition),
        }
    }

    /// The pattern that the check searches for; none for kinds without one and where it does not compile.
    pub fn pattern(&self) -> Option<&Pattern> {
        let search = match self.definition.rule.as_ref().ok()? {
            Rule::Response { search, .. } | Rule::Call { search, .. } => search,
            _ => return None,
        };
        search.pattern.as_ref().ok()
    }

    pub(crate) fn definition(&self) -> &Definition {
        &self.definition
    }
}

/// Joins the patterns that are searched in the same texts, so that a text is scanned once for all of them.
fn search_together(checks: &mut [Check], side: Option<Side>) {
    let searches = checks.iter_mut().filter_map(|check| {
        // A check that was just compiled is not shared yet.
        let rule = Arc::get_mut(&mut check.definition)?.rule.as_mut().ok()?;
        let (at, search) = rule.search_mut()?;
        (at == side && search.pattern.is_ok()).then_some(search)
    });
    let mut searches: Vec<&mut Search> = searches.collect();
    let patterns: Vec<Pattern> = searches.iter().filter_map(|search| search.pattern.clone().ok()).collect();
    let set = Arc::new(PatternSet::compile(&patterns));
    for (place, search) in searches.iter_mut().enumerate() {
        search.set = Some((set.clone(), place));
    }
}

/// Why the reference raises on a check whatever its type asks for.
fn defect(map: &Map, kind: CheckKind) -> Option<String> {
    let required: &[&str] =
        if kind == CheckKind::ToolCountScore { &["id", "type", "points"] } else { &["id", "type"] };
    if let Some(missing) = required.iter().find(|key| !map.contains_key(**key)) {
        return Some(format!("missing key '{missing}'"));
    }
    let category = map.get("category")?;
    (!category.is_hashable()).then(|| format!("its 'category' is {}, not a name", category.kind()))
}

impl Rendered {
    fn of(definition: &Definition) -> Rendered {
        let (id, type_name) = (definition.id.dumps(), definition.type_name.dumps());
        let (category, description) = (definition.category.dumps(), definition.description.dumps());
        Rendered {
            head: format!("{{\"id\": {id}, \"type\": {type_name}, \"passed\": "),
            max_points: definition.max_points.dumps(),
            tail: format!(", \"category\": {category}, \"description\": {description}, \"detail\": \""),
            category_key: json_text(&definition.category_key()),
        }
    }
}

impl Definition {
    /// The category as a key of a JSON object, which Python turns into a string.
    pub(crate) fn category_key(&self) -> String {
        match &self.category {
            Value::Str(text) => text.clone(),
            other => other.dumps(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse;

    fn compile(text: &str) -> Rubric {
        Rubric::compile(&parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn defects_stay_with_their_check() {
        let rubric =
            compile(r#"{"checks": [{"id": "a", "type": "response_contains"}, 5, {"id": "b", "type": "x"}]}"#);
        let defect = |index: usize| rubric.checks[index].definition().rule.as_ref().err().cloned();
        assert_eq!(defect(0).as_deref(), Some("missing key 'pattern'"));
        assert_eq!(defect(1).as_deref(), Some("the check is an integer, not an object"));
        assert_eq!(defect(2), None);
    }

    #[test]
    fn a_falsy_list_of_checks_is_no_defect() {
        for text in ["{}", r#"{"checks": null}"#, r#"{"checks": 0}"#, r#"{"checks": ""}"#] {
            assert!(compile(text).defect().is_none(), "{text}");
        }
        assert!(compile(r#"{"checks": "abc"}"#).defect().is_some());
        assert!(compile("null").defect().is_some());
    }

    #[test]
    fn categories_default_by_kind() {
        let text = r#"{"checks": [{"id": "a", "type": "x"}, {"id": "b", "type": "tool_count_score"}]}"#;
        let rubric = compile(text);
        assert_eq!(rubric.checks[0].category, "other");
        assert_eq!(rubric.checks[1].category, "");
    }
}
