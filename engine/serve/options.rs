//! What a page may start: the options of `optimize` that reach nothing but models and the folder in which the server was
//! started. Programs, addresses, keys and headers are the choice of who starts the server.

use serde::{Deserialize, Serialize};
use std::path::{Component, Path};
use utoipa::ToSchema;

/// What may stand behind a model's name. The others say where a model is and what secret it is sent.
const MODEL_PARAMETERS: [&str; 4] = ["temperature", "max-output", "thinking", "effort"];
const TEXT_MAX: usize = 1_000;

/// The options of a run, as `optimize --help` has them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RunOptions {
    /// Episodes to spend; 200 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<u32>,
    /// Drawn when absent. As text, since many programs round numbers of 64 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// A folder within the one in which the server was started; the built-in suite when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suite: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personas: Option<String>,
    /// `baseline`, or a pack within the folder in which the server was started; the best so far when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// The pack repository of a winner, within that folder; `packs/best` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packs: Option<String>,
    /// `provider/name`, perhaps with `temperature`, `max-output`, `thinking` and `effort`; the offline model when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Those that write candidates; the agent's model when absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub writer: Vec<String>,
    /// The most dollars, such as `20` or `0.5`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_usd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_calls: Option<u64>,
    /// The longest that it may work, such as `7h30m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_time: Option<String>,
    /// Steps under way at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u16>,
    /// Proposals made side by side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposals: Option<u32>,
    /// Begin although the budget or a limit is too little for a search worth the name.
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    /// Neither use nor keep episodes and replies in the cache.
    #[serde(skip_serializing_if = "is_false")]
    pub no_cache: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(value: &bool) -> bool {
    !value
}

impl RunOptions {
    /// The words of the command line, or everything that a page may not ask for. Each word is whole, so that no value
    /// can be taken for another option.
    pub fn words(&self, folder: &Path) -> Result<Vec<String>, Vec<String>> {
        let fields = fields_of(self);
        let (mut words, mut problems) = (Vec::new(), Vec::new());
        for (name, value) in &fields {
            let values: Vec<String> = match value {
                serde_json::Value::Array(several) => several.iter().map(text).collect(),
                one => vec![text(one)],
            };
            for value in values {
                if let Err(problem) = allowed(name, &value, folder) {
                    problems.push(format!("{name}: {problem}"));
                }
                words.push(if value == "true" { format!("--{name}") } else { format!("--{name}={value}") });
            }
        }
        if problems.is_empty() { Ok(words) } else { Err(problems) }
    }
}

/// The fields of a request as they were sent.
pub(super) fn fields_of(request: &impl Serialize) -> serde_json::Map<String, serde_json::Value> {
    match serde_json::to_value(request) {
        Ok(serde_json::Value::Object(fields)) => fields,
        other => unreachable!("a request is a struct of texts, numbers and lists: {other:?}"),
    }
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn allowed(name: &str, value: &str, folder: &Path) -> Result<(), String> {
    if value.len() > TEXT_MAX || value.chars().any(char::is_control) {
        return Err(format!("a line of at most {TEXT_MAX} bytes is wanted"));
    }
    match name {
        "model" | "writer" => harmless_model(value),
        "start" if value == "baseline" => Ok(()),
        "suite" | "start" | "packs" => within(value, folder),
        _ => Ok(()),
    }
}

fn harmless_model(value: &str) -> Result<(), String> {
    let parameters = value.split(',').skip(1).map(|part| part.split('=').next().unwrap_or_default().trim());
    let foreign: Vec<&str> = parameters.filter(|name| !MODEL_PARAMETERS.contains(name)).collect();
    match foreign.as_slice() {
        [] => Ok(()),
        names => Err(format!(
            "a page may not set {}: where a model answers and what key it gets is said where the server is started, behind \
             `--`, or by a run from the command line",
            names.join(", ")
        )),
    }
}

/// Whether a path stays within a folder, links followed as far as they exist.
fn within(value: &str, folder: &Path) -> Result<(), String> {
    let outside =
        || Err("a page may only name paths within the folder in which the server was started".to_owned());
    let path = Path::new(value);
    if !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return outside();
    }
    let Ok(root) = folder.canonicalize() else { return outside() };
    let whole = root.join(path);
    let existing = whole.ancestors().find_map(|ancestor| ancestor.canonicalize().ok());
    match existing {
        Some(real) if real.starts_with(&root) => Ok(()),
        _ => outside(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(json: &str) -> Result<Vec<String>, Vec<String>> {
        let options: RunOptions = serde_json::from_str(json).map_err(|error| vec![error.to_string()])?;
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("mine")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("/", place.path().join("link")).unwrap();
        options.words(place.path())
    }

    #[test]
    fn options_become_whole_words() {
        let json = r#"{"budget": 60, "seed": "7", "writer": ["openai/a,effort=low", "openai/b"], "max-usd": "-1",
            "suite": "mine", "start": "baseline", "force": true, "no-cache": false}"#;
        let expected = [
            "--budget=60",
            "--seed=7",
            "--suite=mine",
            "--start=baseline",
            "--writer=openai/a,effort=low",
            "--writer=openai/b",
            "--max-usd=-1",
            "--force",
        ];
        assert_eq!(words(json).unwrap(), expected);
        assert_eq!(words("{}").unwrap(), [""; 0]);
    }

    #[test]
    fn what_reaches_further_is_refused() {
        let check = |json: &str, expected: &str| {
            let problems = words(json).unwrap_err().join("; ");
            assert!(problems.contains(expected), "{json}: {problems}");
        };
        check(r#"{"agent": "command:rm"}"#, "unknown field `agent`");
        check(r#"{"base-url": "http://10.0.0.1/"}"#, "unknown field");
        check(r#"{"model": "openai/x,base-url=http://10.0.0.1/,key=SECRET"}"#, "may not set base-url, key");
        check(r#"{"writer": ["a/b", "openai/x, header=X:$SECRET"]}"#, "may not set header");
        for path in ["../mine", "/etc", "mine/../../x", "link/etc", ""] {
            let wrong = format!(r#"{{"suite": "{path}", "packs": "{path}"}}"#);
            if path.is_empty() {
                continue;
            }
            check(&wrong, "suite: a page may only name paths");
            check(&wrong, "packs: a page may only name paths");
        }
        check("{\"profile\": \"a\\u0000b\"}", "a line of");
    }
}
