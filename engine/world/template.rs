//! Templates: `{{KEY}}` in a Markdown file stands for a value of the user context.

use crate::value::{Map, Value};
use crate::world::Fault;
use crate::world::arguments::is_space;
use indexmap::IndexMap;
use regex::{Captures, Regex};
use std::sync::LazyLock;

/// A key consists of what Python's `\w` matches.
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\{\{([\p{L}\p{Nd}\p{Nl}\p{No}_]+)\}\}").expect("the pattern is a constant and was tested")
});

/// Fills `{{KEY}}` with the context's values; unknown keys stay. `USER_FIRST_NAME` follows from `USER_NAME`
/// where the context lacks it.
pub fn fill_templates(text: &str, context: &IndexMap<String, String>) -> String {
    if context.is_empty() || !text.contains("{{") {
        return text.to_owned();
    }
    let first_name = context.get("USER_NAME").and_then(|name| first_word(name));
    let fill = |captures: &Captures<'_>| match context.get(&captures[1]) {
        Some(value) => value.clone(),
        None if &captures[1] == "USER_FIRST_NAME" => first_name.unwrap_or(&captures[0]).to_owned(),
        None => captures[0].to_owned(),
    };
    KEY.replace_all(text, fill).into_owned()
}

/// The keys that a text asks for, each with the byte offset of its braces.
pub fn template_keys(text: &str) -> impl Iterator<Item = (usize, &str)> {
    KEY.find_iter(text).map(|found| (found.start(), &found.as_str()[2..found.len() - 2]))
}

/// `fill_templates` for values of any type, of which texts can be filled in, and null as nothing.
pub(super) fn fill(text: &str, context: &Map) -> Result<String, Fault> {
    let mut misfit = None;
    let filled = KEY.replace_all(text, |captures: &Captures<'_>| match context.get(&captures[1]) {
        Some(Value::Str(value)) => value.clone(),
        Some(Value::Null) => String::new(),
        Some(_) => {
            misfit = Some(captures[1].to_owned());
            String::new()
        }
        None => captures[0].to_owned(),
    });
    match misfit {
        Some(key) => Err(Fault::argument(&key, "only texts can be filled into a template")),
        None => Ok(filled.into_owned()),
    }
}

/// Adds `USER_FIRST_NAME` where there is a `USER_NAME` and no first name yet.
pub(super) fn add_first_name(context: &mut Map) -> Result<(), Fault> {
    if context.contains_key("USER_FIRST_NAME") {
        return Ok(());
    }
    let Some(name) = context.get("USER_NAME") else { return Ok(()) };
    let first = name.as_str().and_then(first_word).map(Value::from);
    let first = first.ok_or_else(|| Fault::argument("USER_NAME", "no text with a first word"))?;
    context.insert("USER_FIRST_NAME".to_owned(), first);
    Ok(())
}

fn first_word(name: &str) -> Option<&str> {
    name.split(is_space).find(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_are_filled_and_all_else_stays() {
        let context: IndexMap<String, String> =
            [("USER_NAME", "Ada {{X}} Lovelace"), ("X", "$1\\1")].map(|(k, v)| (k.into(), v.into())).into();
        let check = |text: &str, expected: &str| assert_eq!(fill_templates(text, &context), expected);
        check("{{X}} {{ X }} {{Y}} {{}} {{{X}}}", "$1\\1 {{ X }} {{Y}} {{}} {$1\\1}");
        check("{{USER_FIRST_NAME}}: {{USER_NAME}}", "Ada: Ada {{X}} Lovelace");
        assert_eq!(fill_templates("{{X}}", &IndexMap::new()), "{{X}}");
    }

    #[test]
    fn keys_are_found_with_their_offsets() {
        assert_eq!(template_keys("é {{A}} {{{B_2}}}").collect::<Vec<_>>(), [(3, "A"), (10, "B_2")]);
    }
}
