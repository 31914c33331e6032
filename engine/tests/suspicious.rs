//! What the report tells of episodes that look like trouble with the model: how many were measured, and which
//! called no tool where others call several. Neither changes a score.

use crate::trial::{Trial, Watched};
use packwright::agent::Task;
use packwright::event::{EpisodeScored, Event};
use packwright::report::{Report, render};
use packwright::store::Record;
use std::sync::Arc;

/// A run in which some attempts are not measured.
fn records() -> Vec<Record> {
    let fails = |_, task: &Task| task.seed.child("fails", &[]).0.is_multiple_of(9);
    let run = Trial { agent: Arc::new(Watched::failing(fails)), ..Trial::new(60) }.run();
    assert!(run.unmeasured() > 0);
    run.records()
}

/// Tells the scored episodes of the run's first scenario how many tools they called.
fn set_calls(records: &mut [Record], mut calls: impl FnMut(usize) -> u32) -> Vec<u32> {
    let mut first: Option<String> = None;
    let mut ordinals = Vec::new();
    for record in records {
        let Event::EpisodeScored(scored) = &mut record.event else { continue };
        let first = first.get_or_insert_with(|| scored.key.scenario.clone());
        // The offline model calls tools everywhere else.
        if scored.key.scenario == *first {
            scored.tool_calls = calls(ordinals.len());
            ordinals.push(record.ordinal);
        }
    }
    assert!(ordinals.len() > 8, "{ordinals:?}");
    ordinals
}

fn scored(records: &[Record], ordinal: u32) -> &EpisodeScored {
    match &records.iter().find(|record| record.ordinal == ordinal).expect("a record").event {
        Event::EpisodeScored(scored) => scored,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_episode_without_tool_calls_among_busy_ones_is_told_of() {
    let mut records = records();
    let sound = Report::of(&records, &[]).expect("a run");
    assert_eq!((sound.suspicious.len(), render(&sound).contains("Suspicious")), (0, false));

    let ordinals = set_calls(&mut records, |at| if at == 1 { 0 } else { 6 });
    let report = Report::of(&records, &[]).expect("a run");
    let (found, key) = (&report.suspicious[0], &scored(&records, ordinals[1]).key);
    assert_eq!((report.suspicious.len(), found.ordinal, found.tool_calls), (1, ordinals[1], 0));
    assert_eq!(
        (&found.candidate, &found.scenario, found.repeat),
        (&key.candidate, &key.scenario, key.repeat)
    );
    assert_eq!(found.others_mean, 6.0);
    let line = format!(
        "Suspicious: 1 episode called no tool where others make several on average, and counts all the same: {} \
         (repeat {} of {}, others 6.0).",
        key.scenario,
        key.repeat,
        key.candidate.short()
    );
    let text = render(&report);
    let place = |is: &dyn Fn(&str) -> bool| text.lines().position(is).expect(&text);
    assert!(place(&|shown| shown == line) < place(&|shown| shown.starts_with("Scores on")), "{text}");
    let json = serde_json::to_value(&report).expect("JSON");
    assert_eq!(json["suspicious"][0]["others_mean"], 6.0);
    assert_eq!(json["scenarios"], serde_json::to_value(&sound.scenarios).expect("JSON"), "no score changed");
}

#[test]
fn what_many_do_is_not_suspicious_and_few_say_nothing() {
    let mut records = records();
    let found = |records: &[Record]| Report::of(records, &[]).expect("a run").suspicious.len();
    // Others make too few, or there is nobody who calls any.
    set_calls(&mut records, |at| if at == 1 { 0 } else { 2 });
    assert_eq!(found(&records), 0);
    set_calls(&mut records, |_| 0);
    assert_eq!(found(&records), 0);
    // Three others are enough, two are not.
    let ordinals = set_calls(&mut records, |at| if at == 0 { 0 } else { 9 });
    let with = |count: usize| -> Vec<Record> {
        let left_out = &ordinals[count..];
        records.iter().filter(|record| !left_out.contains(&record.ordinal)).cloned().collect()
    };
    assert_eq!((found(&with(3)), found(&with(4))), (0, 1));
}

#[test]
fn at_most_five_are_named() {
    let mut records = records();
    set_calls(&mut records, |at| if at < 7 { 0 } else { 100 });
    let report = Report::of(&records, &[]).expect("a run");
    assert_eq!(report.suspicious.len(), 7);
    let text = render(&report);
    let line = text.lines().find(|line| line.starts_with("Suspicious: 7 episodes")).expect("a warning");
    assert_eq!(line.matches("(repeat ").count(), 5, "{line}");
    assert!(line.ends_with(", and 2 more."), "{line}");
}

#[test]
fn coverage_is_shown() {
    let records = records();
    let report = Report::of(&records, &[]).expect("a run");
    let (scored, attempted) = (report.episodes.scored, report.episodes.attempted);
    assert_eq!(attempted, scored + report.episodes.unmeasured);
    let text = render(&report);
    let line = format!("Episodes   {attempted} of 60 ({scored} of {attempted} measured");
    assert!(text.contains(&line), "{text}");
}
