//! Checks the fixtures of a scenario: the files that its world is made of, and the templates in them.

use crate::scenario::problem::{Place, Problem, Report, Strictness, did_you_mean};
use crate::scenario::raw::RawScenario;
use crate::scenario::{Entry, Folder};
use crate::value::{Value, parse};
use crate::workspace::json_place::{Step, place_of};
use crate::world::template_keys;
use std::collections::HashMap;

/// The list files that the mock tools read, each with the texts that an item must have besides its id.
const LISTS: [(&str, &[&str]); 7] = [
    ("inbox.json", &["sender", "subject", "body"]),
    ("calendar.json", &["title", "start", "end"]),
    ("contacts.json", &["name"]),
    ("tasks.json", &["title", "status"]),
    ("documents.json", &["title", "content"]),
    ("slack_messages.json", &["channel", "author", "text"]),
    ("slack_channels.json", &["name"]),
];
const SEARCHES: &str = "web_search_results.json";
const PAGES: &str = "web_pages.json";

/// Checks all files of a fixture folder. `shown` names a file of it in messages.
pub(super) fn check_fixtures(
    raw: &RawScenario,
    fixtures: &Folder,
    strictness: Strictness,
    shown: &dyn Fn(&str) -> String,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, entry) in fixtures.iter() {
        if let Entry::File(bytes) = entry {
            let mut report = Report::new(&shown(path), strictness);
            check_file(raw, path, bytes, &mut report);
            problems.extend(report.problems);
        }
    }
    problems
}

fn check_file(raw: &RawScenario, path: &str, bytes: &[u8], report: &mut Report) {
    let Some(text) = report.text(bytes) else { return };
    if path.ends_with(".json") {
        check_json(path, text, report);
    } else if path.ends_with(".md") {
        check_template(raw, text, report);
    }
}

fn check_template(raw: &RawScenario, text: &str, report: &mut Report) {
    let context = &raw.user_context;
    // A first name follows from the name.
    let known = |name: &str| {
        let written = raw.document.get("user_context_defaults").and_then(|context| context.get(name));
        written.is_some() || name == "USER_FIRST_NAME" && context.contains_key("USER_NAME")
    };
    for (offset, name) in template_keys(text).filter(|(_, name)| !known(name)) {
        let problem = report.objection(Place::at(text, offset), "", format!("`{{{{{name}}}}}` has no value"));
        let help = did_you_mean(name, context.keys().map(String::as_str));
        problem.help(
            help.unwrap_or_else(|| format!("give it one under `user_context_defaults` of {}", raw.name)),
        );
    }
}

fn check_json(path: &str, text: &str, report: &mut Report) {
    let value = match parse(text.as_bytes()) {
        Ok(value) => value,
        Err(error) => {
            let place = Place { line: error.line, column: error.column };
            report.error(place, "", format!("invalid JSON: {}", error.problem));
            return;
        }
    };
    let json = Json { text, value: &value };
    check_numbers(&json, &value, &mut Vec::new(), report);
    match LISTS.iter().find(|(name, _)| *name == path) {
        Some((_, texts)) => check_list(&json, texts, report),
        None if path == SEARCHES => check_searches(&json, report),
        None if path == PAGES => check_pages(&json, report),
        None if path.contains('/') => {}
        None => {
            let known = LISTS.iter().map(|(name, _)| *name).chain([SEARCHES, PAGES]);
            report.warning(None, "", "no tool reads a file of this name").help_if(did_you_mean(path, known));
        }
    }
}

struct Json<'a> {
    text: &'a str,
    value: &'a Value,
}

impl Json<'_> {
    fn place(&self, path: &[Step<'_>]) -> Place {
        place_of(self.text, path)
    }
}

/// Objects to `NaN` and `Infinity`, on which the reference's server fails when it encodes its answer.
fn check_numbers<'v>(json: &Json<'v>, value: &'v Value, path: &mut Vec<Step<'v>>, report: &mut Report) {
    let steps: Vec<(Step<'v>, &'v Value)> = match value {
        Value::Float(number) if !number.is_finite() => {
            let message = format!("{} is no number that JSON has", value.dumps());
            report.objection(json.place(path), "", message).help("write a finite number, a text or null");
            return;
        }
        Value::List(items) => items.iter().enumerate().map(|(at, item)| (Step::Item(at), item)).collect(),
        Value::Map(members) => members.iter().map(|(key, item)| (Step::Key(key), item)).collect(),
        _ => return,
    };
    for (step, item) in steps {
        path.push(step);
        check_numbers(json, item, path, report);
        path.pop();
    }
}

fn check_list(json: &Json<'_>, texts: &[&str], report: &mut Report) {
    let Some(items) = json.value.as_list() else {
        report.error(json.place(&[]), "", format!("expected a list of objects, found {}", json.value.kind()));
        return;
    };
    let mut first_with: HashMap<String, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let here = || json.place(&[Step::Item(index)]);
        let what = format!("[{index}]");
        if item.as_map().is_none() {
            report.error(here(), &what, format!("expected an object, found {}", item.kind()));
            continue;
        }
        match item.get("id") {
            None | Some(Value::Null) => {
                report.objection(here(), &what, "missing id");
            }
            Some(id) => {
                if let Some(other) = first_with.insert(id.py_str(), index) {
                    let message = format!("the id `{}` is that of item {other} too", id.py_str());
                    report.objection(json.place(&[Step::Item(index), Step::Key("id")]), &what, message);
                }
            }
        }
        expect_texts(json, item, &[Step::Item(index)], texts, &what, report);
    }
}

fn expect_texts(
    json: &Json<'_>,
    item: &Value,
    path: &[Step<'_>],
    keys: &[&str],
    what: &str,
    report: &mut Report,
) {
    for key in keys {
        match item.get(key) {
            Some(Value::Str(_)) => {}
            None => {
                report.objection(json.place(path), what, format!("missing {key}"));
            }
            Some(other) => {
                let place = json.place(&[path, &[Step::Key(key)]].concat());
                report.objection(
                    place,
                    &format!("{what}.{key}"),
                    format!("expected a text, found {}", other.kind()),
                );
            }
        }
    }
}

/// Results for every query, or for each query its own.
fn check_searches(json: &Json<'_>, report: &mut Report) {
    match json.value {
        Value::List(items) => check_results(json, items, &[], "", report),
        Value::Map(queries) => {
            for (query, results) in queries {
                let here = [Step::Key(query)];
                match results.as_list() {
                    Some(items) => check_results(json, items, &here, query, report),
                    None => {
                        let message = format!("expected a list of results, found {}", results.kind());
                        report.error(json.place(&here), query, message);
                    }
                }
            }
        }
        other => {
            let message =
                format!("expected a list of results or an object of queries, found {}", other.kind());
            report.objection(json.place(&[]), "", message);
        }
    }
}

fn check_results(json: &Json<'_>, items: &[Value], path: &[Step<'_>], query: &str, report: &mut Report) {
    for (index, item) in items.iter().enumerate() {
        let path = [path, &[Step::Item(index)]].concat();
        expect_texts(
            json,
            item,
            &path,
            &["title", "url", "description"],
            &format!("{query}[{index}]"),
            report,
        );
    }
}

fn check_pages(json: &Json<'_>, report: &mut Report) {
    let Some(pages) = json.value.as_map() else {
        report.objection(
            json.place(&[]),
            "",
            format!("expected an object of pages, found {}", json.value.kind()),
        );
        return;
    };
    for (url, page) in pages {
        if page.as_map().is_none() {
            report.error(
                json.place(&[Step::Key(url)]),
                url,
                format!("expected an object, found {}", page.kind()),
            );
            continue;
        }
        expect_texts(json, page, &[Step::Key(url)], &["title", "text"], url, report);
    }
}
