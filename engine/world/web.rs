//! The tools `web_search` and `web_fetch`: recorded answers, and plain stand-ins where nothing was recorded.

use crate::value::{Map, Value};
use crate::world::arguments::{any, slice_end};
use crate::world::{Fault, World};

const RESULTS: &str = "web_search_results.json";
const PAGES: &str = "web_pages.json";
const COUNT_DEFAULT: i64 = 5;

pub(super) fn search(world: &World, args: &Map) -> Result<Value, Fault> {
    let query = any(args, "query", "");
    let items = recorded_results(world, &query)?;
    if !items.is_empty() {
        let end = slice_end(items.len(), args.get("count"), COUNT_DEFAULT)
            .ok_or_else(|| Fault::argument("count", "not a whole number"))?;
        if end > 0 {
            return Ok(found(query, 234, items[..end].to_vec()));
        }
    }
    let text = query.py_str();
    let stand_in = Value::object([
        ("title", format!("Search result for: {text}").into()),
        ("url", format!("https://example.com/search?q={text}").into()),
        ("description", format!("Mock search result for '{text}'.").into()),
    ]);
    Ok(found(query, 100, vec![stand_in]))
}

fn found(query: Value, took_ms: i64, results: Vec<Value>) -> Value {
    Value::object([
        ("query", query),
        ("provider", "brave".into()),
        ("count", Value::Int(results.len() as i64)),
        ("tookMs", took_ms.into()),
        ("cached", false.into()),
        ("results", results.into()),
    ])
}

/// A list answers every query; an object answers the queries that it names exactly.
fn recorded_results<'a>(world: &'a World, query: &Value) -> Result<&'a [Value], Fault> {
    match world.fixture(RESULTS)? {
        Value::List(items) => Ok(items),
        Value::Map(by_query) => match lookup(by_query, query, "query")? {
            None => Ok(&[]),
            Some(items) => items
                .as_list()
                .ok_or_else(|| Fault::fixture(RESULTS, "the results of a query are not a list")),
        },
        _ => Ok(&[]),
    }
}

pub(super) fn fetch(world: &World, args: &Map) -> Result<Value, Fault> {
    let url = any(args, "url", "");
    let page = match world.fixture(PAGES)? {
        Value::Map(pages) => lookup(pages, &url, "url")?,
        _ => None,
    };
    let mode = any(args, "extractMode", "markdown");
    match page {
        None => Ok(fetched(url, mode, 404, "Not Found".into(), 0, "".into())),
        Some(page) => {
            let page = page.as_map().ok_or_else(|| Fault::fixture(PAGES, "a page is not an object"))?;
            let (title, text) = (any(page, "title", ""), any(page, "text", ""));
            let length = match &text {
                Value::Str(text) => text.chars().count(),
                Value::List(items) => items.len(),
                Value::Map(map) => map.len(),
                _ => return Err(Fault::fixture(PAGES, "the text of a page is not a text")),
            };
            Ok(fetched(url, mode, 200, title, length, text))
        }
    }
}

fn fetched(url: Value, mode: Value, status: i64, title: Value, length: usize, text: Value) -> Value {
    let mut answer = Map::from([
        ("url".to_owned(), url.clone()),
        ("finalUrl".to_owned(), url),
        ("status".to_owned(), status.into()),
        ("contentType".to_owned(), "text/html".into()),
        ("title".to_owned(), title),
        ("extractMode".to_owned(), mode),
        ("extractor".to_owned(), "mock".into()),
        ("truncated".to_owned(), false.into()),
        ("length".to_owned(), Value::Int(length as i64)),
        ("text".to_owned(), text),
    ]);
    if status == 404 {
        answer.insert("error".to_owned(), "Not Found".into());
    }
    answer.insert("cached".to_owned(), false.into());
    Value::Map(answer)
}

/// Keys are texts, so that other values find nothing; lists and objects cannot even be looked up.
fn lookup<'a>(map: &'a Map, key: &Value, argument: &str) -> Result<Option<&'a Value>, Fault> {
    match key {
        Value::Str(key) => Ok(map.get(key)),
        Value::List(_) | Value::Map(_) => Err(Fault::argument(argument, "not a text")),
        _ => Ok(None),
    }
}
