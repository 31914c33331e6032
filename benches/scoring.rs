//! Measures scoring on one core against the reference's speed: `cargo bench --bench scoring`.
//!
//! Reads the 1,000 realistic episodes of `../shared/conformance/bench_episodes.jsonl.gz` and the rubrics beside
//! them, then times scoring alone (as the reference's `score_episode`), the whole pipeline (parse, score,
//! print), and each kind of check and pattern. All on one thread; the best of several rounds counts.

use packwright::pattern::{Haystack, Hits, Pattern, PatternSet};
use packwright::scenario::{CheckKind, Rubric};
use packwright::score::{Scorable, score};
use packwright::value::{JsonReader, Value, parse, read};
use std::collections::{BTreeMap, HashSet};
use std::hint::black_box;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const ROUNDS: usize = 9;
/// From here on, ticks of a few milliseconds do no harm.
const COARSE: Duration = Duration::from_millis(40);
/// Episodes per CPU second of the reference, from slow to fast: `score_episode` alone.
const REFERENCE_SCORING: [f64; 2] = [767.0, 854.0];
/// The same for parsing, scoring and printing.
const REFERENCE_PIPELINE: [f64; 2] = [609.0, 699.0];

struct Recorded {
    line: String,
    scenario: String,
    episode: Value,
}

fn main() {
    let Some((rubrics, episodes)) = load() else {
        println!("SKIPPED: the episodes of ../shared/conformance are not here");
        return;
    };
    println!(
        "machine: {}, CPU time of one thread, best of {ROUNDS} rounds; command: cargo bench --bench scoring",
        machine()
    );
    println!("{} episodes, {} bytes of JSON each\n", episodes.len(), mean_length(&episodes));
    report("scoring alone", episodes.len(), time(|| score_all(&rubrics, &episodes)), REFERENCE_SCORING);
    report(
        "parse + score + print",
        episodes.len(),
        time(|| pipeline(&rubrics, &episodes)),
        REFERENCE_PIPELINE,
    );
    let parsing = time(|| episodes.iter().for_each(|e| drop(black_box(read(e.line.as_bytes(), episode_of)))));
    println!("  of which parsing: {:.1} us per episode", micros(parsing, episodes.len()));
    by_kind(&rubrics, &episodes);
    by_pattern(&rubrics, &episodes);
}

fn load() -> Option<(BTreeMap<String, Rubric>, Vec<Recorded>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance");
    let scenarios = parse(&std::fs::read(folder.join("scenarios_parsed.json")).ok()?).expect("JSON");
    let rubric = |(name, scenario): (&String, &Value)| {
        (
            name.trim_end_matches(".yaml").to_owned(),
            Rubric::compile(scenario.get("scoring").expect("a rubric")),
        )
    };
    let rubrics = scenarios.as_map().expect("scenarios by name").iter().map(rubric).collect();
    let packed = std::fs::read(folder.join("bench_episodes.jsonl.gz")).ok()?;
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(&packed[..]).read_to_string(&mut text).expect("a gzip file of text");
    let recorded = |line: &str| {
        let value = parse(line.as_bytes()).expect("JSON");
        let scenario = value.get("scenario").and_then(Value::as_str).expect("a name").to_owned();
        Recorded {
            line: line.to_owned(),
            scenario,
            episode: value.get("episode").expect("an episode").clone(),
        }
    };
    Some((rubrics, text.lines().map(recorded).collect()))
}

fn score_all(rubrics: &BTreeMap<String, Rubric>, episodes: &[Recorded]) {
    for recorded in episodes {
        let verdict = score(&rubrics[&recorded.scenario], &Scorable::from_value(&recorded.episode));
        black_box(verdict.expect("the episodes are sound"));
    }
}

fn pipeline(rubrics: &BTreeMap<String, Rubric>, episodes: &[Recorded]) {
    let mut out = String::new();
    for recorded in episodes {
        let episode = read(recorded.line.as_bytes(), episode_of).expect("JSON").expect("an episode");
        out.clear();
        score(&rubrics[&recorded.scenario], &episode).expect("the episodes are sound").write_json(&mut out);
        black_box(&out);
    }
}

/// The episode of a line, read as `optimize score` reads it.
fn episode_of<'a>(reader: &mut JsonReader<'a>) -> Result<Option<Scorable<'a>>, String> {
    let mut episode = None;
    reader.members(|reader, key| {
        match &*key {
            "episode" => episode = Some(Scorable::read(reader)?),
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    Ok(episode)
}

/// Times the checks of each kind together. Each kind pays anew for laying out and scanning the text, which a
/// whole rubric pays only once.
fn by_kind(rubrics: &BTreeMap<String, Rubric>, episodes: &[Recorded]) {
    println!("\nby kind of check, us per episode, each with a scan of its own:");
    let mut kinds: BTreeMap<&str, Duration> = BTreeMap::new();
    for (scenario, rubric) in rubrics {
        let episodes: Vec<&Recorded> = episodes.iter().filter(|e| e.scenario == *scenario).collect();
        for kind in rubric.checks.iter().map(|check| check.kind).collect::<HashSet<CheckKind>>() {
            let mut part = rubric.clone();
            part.checks.retain(|check| check.kind == kind);
            let spent = time(|| {
                episodes
                    .iter()
                    .for_each(|e| drop(black_box(score(&part, &Scorable::from_value(&e.episode)))));
            });
            *kinds.entry(kind.name().unwrap_or("unknown")).or_default() += spent;
        }
    }
    for (kind, spent) in kinds {
        println!("  {kind:24} {:8.2}", micros(spent, episodes.len()));
    }
}

/// Times what the patterns of a scenario share, and then each pattern on the responses, the slowest first.
fn by_pattern(rubrics: &BTreeMap<String, Rubric>, episodes: &[Recorded]) {
    let mut rows = Vec::new();
    println!("\nshared by all patterns of a scenario, us per response: laying out, scanning");
    for (scenario, rubric) in rubrics {
        let responses = episodes.iter().filter(|e| e.scenario == *scenario);
        let responses: Vec<&str> =
            responses.filter_map(|e| e.episode.get("response").and_then(Value::as_str)).collect();
        let count = responses.len();
        let checks = rubric.checks.iter().filter(|check| searches_response(check.kind));
        let (ids, patterns): (Vec<&str>, Vec<Pattern>) =
            checks.filter_map(|check| Some((check.id.as_str(), check.pattern()?.clone()))).unzip();
        let set = PatternSet::compile(&patterns);
        let laid_out: Vec<Haystack> = responses.iter().map(|text| Haystack::new(text)).collect();
        let hits: Vec<Hits> = laid_out.iter().map(|text| set.scan(text)).collect();
        let laying_out = time(|| responses.iter().for_each(|text| drop(black_box(Haystack::new(text)))));
        let scanning = time(|| laid_out.iter().for_each(|text| drop(black_box(set.scan(text)))));
        println!("  {:8.2} {:8.2}  {scenario}", micros(laying_out, count), micros(scanning, count));
        for (index, id) in ids.iter().enumerate() {
            let spent = time(|| hits.iter().for_each(|hits| drop(black_box(hits.find(index)))));
            rows.push((micros(spent, count), format!("{scenario} {id}")));
        }
    }
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("\nby pattern, us per scanned response:");
    for (spent, name) in rows {
        println!("  {spent:8.2}  {name}");
    }
}

fn searches_response(kind: CheckKind) -> bool {
    matches!(kind, CheckKind::ResponseContains | CheckKind::ResponseExcludes)
}

/// The CPU time of the fastest round: on a busy machine the clock on the wall says little. Where the system
/// does not tell, or only in ticks that are too coarse for so short a round, the clock on the wall counts.
fn time(work: impl Fn()) -> Duration {
    let round = |_| {
        let (started, cpu) = (Instant::now(), cpu_time());
        work();
        let wall = started.elapsed();
        match (cpu, cpu_time()) {
            (Some(before), Some(after)) if wall > COARSE => after - before,
            _ => wall,
        }
    };
    (0..ROUNDS).map(round).min().unwrap_or_default()
}

/// What this thread has used so far.
fn cpu_time() -> Option<Duration> {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    schedule.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn report(what: &str, episodes: usize, spent: Duration, reference: [f64; 2]) {
    let speed = episodes as f64 / spent.as_secs_f64();
    let [slow, fast] = reference.map(|reference| speed / reference);
    println!(
        "{what}: {speed:.0} episodes/s, {:.1} us each; {fast:.1} to {slow:.1} times the reference's {:.0} to {:.0}/s",
        micros(spent, episodes),
        reference[0],
        reference[1]
    );
}

fn micros(spent: Duration, count: usize) -> f64 {
    spent.as_secs_f64() * 1e6 / count.max(1) as f64
}

fn mean_length(episodes: &[Recorded]) -> usize {
    episodes.iter().map(|e| e.line.len()).sum::<usize>() / episodes.len().max(1)
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or("unknown".into(), |(_, name)| name.to_owned())
}
