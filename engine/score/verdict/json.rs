//! Renders a verdict as the reference prints it: `json.dumps` of the result object, keys in its order.

use super::{CategoryResult, CheckResult, Points, Scored, Verdict};
use crate::value::{Number, Value, push_json_body};
use std::fmt::Write as _;

const NO_CHECKS: &str = "no scoring checks defined";

impl Verdict<'_> {
    /// Appends the result as one line of JSON.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Verdict::NoChecks => {
                push(out, format_args!("{{\"score\": null, \"reason\": \"{NO_CHECKS}\"}}"));
            }
            Verdict::Scored(scored) => write_scored(scored, out),
        }
    }
}

fn write_scored(scored: &Scored<'_>, out: &mut String) {
    out.push_str("{\"score\": ");
    write_number(Number::Float(scored.score), out);
    out.push_str(", \"points_earned\": ");
    write_number(scored.points_earned, out);
    out.push_str(", \"points_possible\": ");
    write_number(scored.points_possible, out);
    push(out, format_args!(", \"passed\": {}, \"failed\": {}", scored.passed, scored.failed));
    push(out, format_args!(", \"total_checks\": {}, \"checks\": [", scored.checks.len()));
    for (index, check) in scored.checks.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        write_check(check, out);
    }
    out.push_str("], \"by_category\": {");
    for (index, category) in scored.by_category.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        write_category(category, out);
    }
    out.push_str("}}");
}

fn write_check(result: &CheckResult<'_>, out: &mut String) {
    let rendered = &result.check.definition().rendered;
    out.push_str(&rendered.head);
    out.push_str(if result.passed { "true, \"points\": " } else { "false, \"points\": " });
    match result.points {
        Points::All => out.push_str(&rendered.max_points),
        Points::Nothing => out.push('0'),
        Points::Partial(points) => write_number(Number::Float(points), out),
    }
    out.push_str(", \"max_points\": ");
    out.push_str(&rendered.max_points);
    out.push_str(&rendered.tail);
    out.push_str(result.detail.lead.map_or("", |lead| &lead.json));
    push_json_body(&result.detail.rest, out);
    out.push_str("\"}");
}

fn write_category(category: &CategoryResult<'_>, out: &mut String) {
    out.push_str(&category.check.definition().rendered.category_key);
    out.push_str(": {\"earned\": ");
    write_number(category.earned, out);
    out.push_str(", \"possible\": ");
    write_number(category.possible, out);
    out.push_str(", \"score\": ");
    write_number(Number::Float(category.score), out);
    push(out, format_args!(", \"passed\": {}, \"failed\": {}}}", category.passed, category.failed));
}

fn write_number(number: Number, out: &mut String) {
    match number {
        Number::Float(float) if !float.is_finite() => out.push_str(&Value::Float(float).dumps()),
        number => push(out, format_args!("{number}")),
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string cannot fail");
}
