//! The report as one page that opens from disk: the first screen as plain HTML, everything else drawn from the same
//! JSON by the page's own script.
//!
//! Nothing in the page is fetched but transcripts that lie beside it, and no script runs but those whose hashes stand
//! in its content security policy. All that a model wrote is escaped, or inside of compressed data.

use super::archive::{Archive, deflated};
use super::dossier::Dossier;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, ErrorKind};
use serde_json::Value;
use sha2::{Digest, Sha256};
use similar::{ChangeTag, TextDiff};
use std::sync::Arc;

const TEMPLATE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const CHARTS: &str = include_str!("page/echarts/echarts.min.js");
/// The page's script, part by part in the order of loading.
const SCRIPT: [&str; 8] = [
    include_str!("page/data.js"),
    include_str!("page/build.js"),
    include_str!("page/charts.js"),
    include_str!("page/scores.js"),
    include_str!("page/checks.js"),
    include_str!("page/lineage.js"),
    include_str!("page/transcripts.js"),
    include_str!("page/views.js"),
];

/// So much of the page may be transcripts, in bytes of base64; the others lie beside it.
const INSIDE_MAX: usize = 1_300_000;
/// The folder beside the page.
const BESIDE: &str = "report-transcripts";

/// A page with what lies beside it.
pub struct Page {
    pub html: String,
    /// The folder beside the page in which the others lie.
    pub folder: &'static str,
    /// Their names and contents.
    pub beside: Vec<(String, String)>,
}

/// Renders a report; `json` is the dossier as `report.json` has it.
pub fn page(dossier: &Dossier, json: &str, archive: &Archive) -> anyhow::Result<Page> {
    let script = SCRIPT.join("\n");
    let mut parts = vec![part("dossier", &deflated(json)), part("pool", &archive.pool)];
    let mut room = INSIDE_MAX.saturating_sub(archive.pool.len() * 4 / 3);
    let (mut index, mut beside) = (Vec::new(), Vec::new());
    // What the verdict stands on came last.
    for (place, chunk) in archive.chunks.iter().enumerate().rev() {
        let text = BASE64.encode(&chunk.packed);
        let is_inside = text.len() <= room;
        if is_inside {
            room -= text.len();
            parts.push(format!(
                "<script type=\"application/octet-stream\" id=\"chunk-{place}\">{text}</script>\n"
            ));
        } else {
            room = 0;
            beside.push((format!("{place}.js"), format!("transcripts({place},\"{text}\");\n")));
        }
        index.push(serde_json::json!({"place": place, "inside": is_inside, "ordinals": chunk.ordinals}));
    }
    let index = serde_json::to_string(&index)?;
    parts.push(part("chunks", &deflated(&index)));
    let whole = Arc::new(serde_json::json!({"headline": dossier.headline}));
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let numbers = whole.clone();
    environment.add_filter("number", move |path: &str, form: &str| number(&numbers, path, form));
    environment.add_template("page", TEMPLATE)?;
    let context = serde_json::json!({
        "run": dossier.run,
        "headline": whole["headline"],
        "advice": whole["headline"]["advice"],
        "incumbent": dossier.report.started.incumbent.id.short(),
        "finalist": dossier.finalist_place.map(|place| dossier.candidates[place].id.short().to_owned()),
        "suite": dossier.report.started.suite,
        "model": dossier.report.started.model,
        "writer": dossier.report.started.writer,
        "profile": dossier.report.started.profile.name,
        "has_interval": has_interval(&whole),
        "changes": changes(dossier),
        "csp": policy(&script, !beside.is_empty()),
        "style": STYLE,
        "charts": CHARTS,
        "script": script,
        "parts": parts.concat(),
    });
    let html = environment.get_template("page")?.render(Serde(context))?;
    Ok(Page { html, folder: BESIDE, beside })
}

/// Which of the first screen's estimates have an interval.
fn has_interval(whole: &Value) -> Value {
    let names = ["incumbent", "finalist", "difference", "pooled_difference"];
    let has = |name: &str| !whole["headline"][name]["interval"].is_null();
    names
        .into_iter()
        .map(|name| (name.to_owned(), Value::from(has(name))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// A block of compressed data, which is no script.
fn part(id: &str, packed: &[u8]) -> String {
    let text = BASE64.encode(packed);
    format!("<script type=\"application/octet-stream\" id=\"{id}\">{text}</script>\n")
}

/// The content security policy: what is not named is not loaded.
fn policy(script: &str, has_files_beside: bool) -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64.encode(Sha256::digest(text)));
    let beside = if has_files_beside { " 'self'" } else { "" };
    format!(
        "default-src 'none'; script-src {} {}{beside}; style-src {}; img-src data:; base-uri 'none'; \
         form-action 'none'",
        hash(CHARTS),
        hash(script),
        hash(STYLE)
    )
}

/// A number of the report in one of the page's forms, marked with the place it comes from; "not measured" where there
/// is none.
fn number(whole: &Value, path: &str, form: &str) -> Result<minijinja::Value, minijinja::Error> {
    let found = whole.pointer(path).ok_or_else(|| {
        minijinja::Error::new(ErrorKind::UndefinedError, format!("the report has nothing at {path}"))
    })?;
    let Some(number) = found.as_f64() else {
        return Ok(minijinja::Value::from_safe_string("<span class=\"none\">not measured</span>".to_owned()));
    };
    let shown = match form {
        "score" => format!("{number:.3}"),
        "signed" => format!("{number:+.3}"),
        "probability" => probability(number),
        "percent" => format!("{:.0} %", 100.0 * number),
        _ => format!("{number}"),
    };
    let html = format!("<span data-from=\"{path}\" data-form=\"{form}\">{shown}</span>");
    Ok(minijinja::Value::from_safe_string(html))
}

/// A probability that never rounds to certainty.
pub(super) fn probability(value: f64) -> String {
    match value {
        value if value > 0.995 => "over 99 %".to_owned(),
        value if value < 0.005 => "under 1 %".to_owned(),
        value => format!("{:.0} %", 100.0 * value),
    }
}

/// The lines that the finalist has and the incumbent has not, and the other way round.
fn changes(dossier: &Dossier) -> Vec<Value> {
    let Some(finalist) = dossier.finalist_place else { return Vec::new() };
    let before = &dossier.candidates[dossier.incumbent_place].policy;
    let after = &dossier.candidates[finalist].policy;
    let diff = TextDiff::from_lines(before, after);
    let changed = diff.iter_all_changes().filter_map(|change| {
        let kind = match change.tag() {
            ChangeTag::Insert => "added",
            ChangeTag::Delete => "removed",
            ChangeTag::Equal => return None,
        };
        let line = change.to_string_lossy().trim_end().to_owned();
        (!line.is_empty()).then(|| serde_json::json!({"kind": kind, "line": line}))
    });
    changed.collect()
}
