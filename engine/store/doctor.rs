//! Looking at a run's folder: what is sound, what is damaged, and a new store of what is sound. Nothing is thrown away:
//! the damaged store stays beside the new one.

use super::lock::{holder, lock};
use super::salvage::Salvage;
use super::{Record, Transcript, schema, sync_folder};
use crate::event::Event;
use anyhow::{Context, bail};
use rusqlite::{Connection, params};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The store that is being made of what is sound.
const MENDED: &str = "run.sqlite.mended";

/// What was found out about a part of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub part: &'static str,
    pub state: Soundness,
    pub words: String,
}

/// How a part of a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Soundness {
    Sound,
    /// It is not as it should be, and harms nothing.
    Odd,
    /// It can be repaired.
    Damaged,
    /// Nobody can repair it.
    Lost,
}

/// What is to be kept of a damaged store.
struct Sound<'a> {
    records: Vec<&'a Record>,
    /// The first ordinal that is missing, where others come after it.
    missing: Option<u32>,
}

/// Looks at every part of a run.
pub fn examine(folder: &Path) -> anyhow::Result<Vec<Finding>> {
    if !folder.join(schema::FILE).is_file() {
        let words = match folder.join(MENDED).is_file() {
            true => finding("store", Soundness::Damaged, "a repair was cut off before it was put in place"),
            false => finding("store", Soundness::Lost, format!("there is no {} in the folder", schema::FILE)),
        };
        return Ok(vec![words]);
    }
    let mut findings = vec![process(folder)?];
    match Salvage::of(folder) {
        Ok(salvage) => findings.extend([
            store(&salvage),
            settings(&salvage),
            events(&salvage),
            transcripts(&salvage),
            finding("calls", Soundness::Sound, format!("{} calls to providers", salvage.calls.len())),
        ]),
        Err(error) => findings.push(finding("store", Soundness::Lost, format!("{error:#}"))),
    }
    Ok(findings)
}

fn finding(part: &'static str, state: Soundness, words: impl Into<String>) -> Finding {
    Finding { part, state, words: words.into() }
}

fn process(folder: &Path) -> anyhow::Result<Finding> {
    Ok(match holder(folder)? {
        Some(process) => finding("process", Soundness::Sound, format!("process {process} works at it")),
        None if folder.join("control.sock").exists() => finding(
            "process",
            Soundness::Odd,
            "none works at it; the last one was killed and left its socket",
        ),
        None => finding("process", Soundness::Sound, "none works at it"),
    })
}

fn store(salvage: &Salvage) -> Finding {
    let newest = schema::newest_version();
    match salvage.faults.as_slice() {
        [] if salvage.version < newest => {
            let words = format!(
                "whole, of version {}; it is brought to {newest} when the run goes on, and a copy is kept",
                salvage.version
            );
            finding("store", Soundness::Sound, words)
        }
        [] => finding("store", Soundness::Sound, format!("whole, of version {newest}")),
        [first, rest @ ..] => {
            let more =
                if rest.is_empty() { String::new() } else { format!(", and {} more faults", rest.len()) };
            finding("store", Soundness::Damaged, format!("{}{more}", first.replace('\n', " ")))
        }
    }
}

fn settings(salvage: &Salvage) -> Finding {
    let known = salvage.meta.get("settings").map(|text| serde_json::from_str::<serde_json::Value>(text));
    match known {
        Some(Ok(_)) => finding("settings", Soundness::Sound, "readable"),
        Some(Err(error)) => finding("settings", Soundness::Lost, format!("the run cannot go on: {error}")),
        None => finding("settings", Soundness::Lost, "missing, so the run cannot go on"),
    }
}

fn events(salvage: &Salvage) -> Finding {
    let sound = Sound::of(&salvage.records);
    let (kept, all) = (sound.records.len(), salvage.records.len() + salvage.broken_events.len());
    match (kept, sound.missing) {
        (0, _) => finding("events", Soundness::Lost, "the first event is missing: it is no whole run"),
        (_, None) if salvage.broken_events.is_empty() => {
            finding("events", Soundness::Sound, format!("{all}, none missing{}", ending(&sound)))
        }
        (_, missing) => {
            let first =
                missing.into_iter().chain(salvage.broken_events.iter().copied()).min().unwrap_or_default();
            let words = format!("event {first} is missing or broken; {kept} of {all} can be gone on from");
            finding("events", Soundness::Damaged, words)
        }
    }
}

fn ending(sound: &Sound<'_>) -> &'static str {
    match sound.records.last().map(|record| &record.event) {
        Some(Event::RunFinished(_)) => "; the run came to its end",
        _ => "; the run can go on",
    }
}

fn transcripts(salvage: &Salvage) -> Finding {
    let scored = salvage.records.iter().filter(|record| matches!(record.event, Event::EpisodeScored(_)));
    let lost = scored.filter(|record| transcript(salvage, record.ordinal).is_none()).count();
    let broken =
        salvage.transcripts.keys().filter(|ordinal| transcript(salvage, **ordinal).is_none()).count();
    let count = salvage.transcripts.len();
    match (lost, broken) {
        (0, 0) => finding("transcripts", Soundness::Sound, format!("{count}, all readable")),
        (lost, 0) => {
            let words =
                format!("{lost} are missing; scores stand without them, and reports do not show them");
            finding("transcripts", Soundness::Odd, words)
        }
        (_, broken) => finding("transcripts", Soundness::Damaged, format!("{broken} of {count} are broken")),
    }
}

/// A transcript that can be unpacked.
fn transcript(salvage: &Salvage, ordinal: u32) -> Option<&Vec<u8>> {
    let packed = salvage.transcripts.get(&ordinal)?;
    let whole = Transcript { ordinal, packed: packed.clone() };
    whole.json().is_ok().then_some(packed)
}

impl Sound<'_> {
    /// The records up to the first that is missing. Of the last plan any steps may be missing, and after them only
    /// stands what the user changed meanwhile.
    fn of(records: &[Record]) -> Sound<'_> {
        let by_ordinal: BTreeMap<u32, &Record> =
            records.iter().map(|record| (record.ordinal, record)).collect();
        let (mut kept, mut next) = (Vec::new(), 0);
        while let Some(record) = by_ordinal.get(&next) {
            kept.push(*record);
            next += 1;
            let Event::Planned(planned) = &record.event else { continue };
            let end = next + planned.steps.len() as u32;
            let steps: Vec<&Record> = by_ordinal.range(next..end).map(|(_, record)| *record).collect();
            let is_open = steps.len() < planned.steps.len();
            kept.extend(steps);
            next = end;
            if is_open {
                let changes = by_ordinal.range(end..).map(|(_, record)| *record).zip(end..);
                let changes = changes.take_while(|(record, place)| {
                    record.ordinal == *place && matches!(record.event, Event::Tuned(_))
                });
                kept.extend(changes.map(|(record, _)| record));
                break;
            }
        }
        let last = kept.last().map_or(0, |record| record.ordinal);
        let is_cut = by_ordinal.range(last + 1..).next().is_some();
        Sound { missing: is_cut.then_some(next), records: kept }
    }
}

/// Puts a store of what is sound in the place of the damaged one, and says where that is kept.
pub fn repair(folder: &Path) -> anyhow::Result<PathBuf> {
    let _lock = lock(folder)?;
    let (path, mended) = (folder.join(schema::FILE), folder.join(MENDED));
    if path.is_file() {
        make_mended(&mended, &Salvage::of(folder)?)?;
    } else if !mended.is_file() {
        bail!("there is nothing in {} that could be repaired", folder.display());
    }
    let kept = set_aside(folder)?;
    std::fs::rename(&mended, &path).with_context(|| format!("put {} in its place", path.display()))?;
    sync_folder(folder)?;
    Ok(kept)
}

fn make_mended(path: &Path, salvage: &Salvage) -> anyhow::Result<()> {
    remove(path)?;
    let sound = Sound::of(&salvage.records);
    if sound.records.is_empty() || !salvage.meta.contains_key("settings") {
        bail!("the first event or the settings are lost, so no run can be made of what is left");
    }
    let mut connection = Connection::open(path).with_context(|| format!("make {}", path.display()))?;
    schema::prepare(&connection)?;
    let transaction = connection.transaction()?;
    for (key, value) in &salvage.meta {
        transaction.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", [key, value])?;
    }
    for record in &sound.records {
        let (body, wall_clock) =
            (serde_json::to_string(&record.event)?, serde_json::to_string(&record.wall_clock)?);
        let sql = "INSERT INTO events (ordinal, body, wall_clock) VALUES (?1, ?2, ?3)";
        transaction.prepare_cached(sql)?.execute(params![record.ordinal, body, wall_clock])?;
        if let Some(packed) = transcript(salvage, record.ordinal) {
            let sql = "INSERT INTO transcripts (ordinal, body) VALUES (?1, ?2)";
            transaction.prepare_cached(sql)?.execute(params![record.ordinal, packed])?;
        }
    }
    // What was spent is spent, whatever became of the events.
    for (number, (body, settled)) in &salvage.calls {
        let sql = "INSERT INTO calls (number, body, settled) VALUES (?1, ?2, ?3)";
        transaction.prepare_cached(sql)?.execute(params![number, body, settled])?;
    }
    transaction.commit().with_context(|| format!("write {}", path.display()))?;
    // One file again, which can be renamed.
    connection.pragma_update(None, "journal_mode", "DELETE")?;
    connection.close().map_err(|(_, error)| error).with_context(|| format!("close {}", path.display()))
}

/// Gives the damaged store another name, with its log.
fn set_aside(folder: &Path) -> anyhow::Result<PathBuf> {
    let name = |number: u32, end: &str| folder.join(format!("{}.damaged-{number}{end}", schema::FILE));
    let number = (1..).find(|number| !name(*number, "").exists()).unwrap_or(1);
    for end in ["-wal", "-shm", ""] {
        let path = folder.join(format!("{}{end}", schema::FILE));
        if path.exists() {
            std::fs::rename(&path, name(number, end))
                .with_context(|| format!("set {} aside", path.display()))?;
        }
    }
    Ok(name(number, ""))
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
