//! Keys of providers: from the environment, or from a file `.env` in the current folder. Of the file only the
//! lines that set a key are read, and nothing is put into the environment.

use crate::exit::BadInput;
use packwright::llm::provider::{Provider, SERVER_KEY_VARIABLE};
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;

const FILE: &str = ".env";
/// The key of the writer's server where it is another than the agent's, and neither is a provider's own.
pub const WRITER_KEY_VARIABLE: &str = "PACKWRIGHT_WRITER_API_KEY";

/// The keys of `.env`, and the variables that are known or named.
pub struct Keys {
    of_file: BTreeMap<String, SecretString>,
    wanted: BTreeSet<String>,
}

impl Keys {
    /// Reads `.env` of the current folder, if there is one: the known variables and those that are named.
    pub fn read<'a>(named: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Keys> {
        let wanted: BTreeSet<&str> = known().map(|name| -> &str { name }).chain(named).collect();
        let of_file = match std::fs::read_to_string(FILE) {
            Ok(text) => keys_in(&text, &wanted).map_err(BadInput)?,
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(BadInput(format!("cannot read {FILE}: {error}")).into()),
        };
        Ok(Keys { of_file, wanted: wanted.into_iter().map(str::to_owned).collect() })
    }

    /// What must never show: all that the known and named variables hold.
    pub fn secrets(&self) -> Vec<SecretString> {
        self.wanted.iter().filter_map(|variable| self.get(variable)).collect()
    }

    /// The key that a variable holds; the environment wins over the file.
    pub fn get(&self, variable: &str) -> Option<SecretString> {
        let set = std::env::var(variable).ok().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
        set.map(SecretString::from).or_else(|| self.of_file.get(variable).cloned())
    }

    /// Where the key of a variable is from; none where it is not set.
    pub fn origin(&self, variable: &str) -> Option<&'static str> {
        self.get(variable)?;
        let is_in_environment = std::env::var(variable).is_ok_and(|key| !key.trim().is_empty());
        Some(if is_in_environment { "the environment" } else { FILE })
    }

    /// The variables of providers that hold a key.
    pub fn set(&self) -> Vec<&'static str> {
        Provider::all().filter_map(Provider::key_variable).filter(|name| self.get(name).is_some()).collect()
    }
}

fn known() -> impl Iterator<Item = &'static str> {
    Provider::all().filter_map(Provider::key_variable).chain([SERVER_KEY_VARIABLE, WRITER_KEY_VARIABLE])
}

/// The keys that a file sets. What is said of a line never quotes it, since it may hold a key.
fn keys_in(text: &str, wanted: &BTreeSet<&str>) -> Result<BTreeMap<String, SecretString>, String> {
    let mut keys = BTreeMap::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let name_end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(line.len());
        let (name, rest) = line.split_at(name_end);
        if !wanted.contains(name) {
            continue;
        }
        let value = rest.trim_start().strip_prefix('=').and_then(unquoted);
        let value = value.ok_or_else(|| format!("{FILE}:{}: expected {name}=<key>", index + 1))?;
        if !value.is_empty() {
            keys.insert(name.to_owned(), SecretString::from(value));
        }
    }
    Ok(keys)
}

/// A value without its quotes and the remark after it; none where a quote stays open.
fn unquoted(text: &str) -> Option<&str> {
    let text = text.trim();
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return Some(text.split(" #").next().unwrap_or_default().trim());
    };
    let (value, rest) = text[1..].split_once(quote)?;
    let rest = rest.trim();
    (rest.is_empty() || rest.starts_with('#')).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn only_lines_that_set_a_key_are_read() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let keys = keys_in(text, &known().chain(["MY_KEY"]).collect()).unwrap();
            let got: Vec<(&str, &str)> =
                keys.iter().map(|(name, key)| (name.as_str(), key.expose_secret())).collect();
            assert_eq!(got, expected, "{text}");
        };
        check("", &[]);
        check("# OPENAI_API_KEY=a\nDATABASE=x\n-----BEGIN\nthis is no line\n", &[]);
        check("OPENAI_API_KEY=a=b\r\n", &[("OPENAI_API_KEY", "a=b")]);
        check("export OPENAI_API_KEY = \"a b\" # mine", &[("OPENAI_API_KEY", "a b")]);
        check(
            "OPENAI_API_KEY='a' \nPACKWRIGHT_API_KEY=b # of vllm",
            &[("OPENAI_API_KEY", "a"), ("PACKWRIGHT_API_KEY", "b")],
        );
        check("MY_KEY=a", &[("MY_KEY", "a")]);
        check("OPENAI_API_KEY=\nMY_OPENAI_API_KEY=x\nOPENAI_API_KEYS=x", &[]);
    }

    #[test]
    fn a_bad_line_is_named_and_not_quoted() {
        for line in ["OPENAI_API_KEY sk-1", "OPENAI_API_KEY=\"sk-1", "OPENAI_API_KEY='sk-1' sk-2"] {
            let problem = keys_in(&format!("A=1\n{line}\n"), &known().collect()).unwrap_err();
            assert_eq!(problem, ".env:2: expected OPENAI_API_KEY=<key>");
        }
    }
}
