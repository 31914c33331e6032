//! How long matching the response patterns of the real rubrics takes, and how much longer a plain `regex` port.
//!
//! Run with `cargo bench --bench pattern`. It reads the golden vectors beside the checkout (`../shared`, or the
//! folder named by `PACKWRIGHT_VECTORS`), and says so where they are absent. Both sides run interleaved in one
//! process; each figure is the least over many rounds.

use flate2::read::GzDecoder;
use packwright::pattern::{Case, Haystack, Pattern, PatternSet};
use serde_json::Value;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const ROUNDS_MIN: usize = 5;
const ROUNDS_MAX: usize = 50;
const EPISODE_ROUNDS: usize = 12;
const ENOUGH: Duration = Duration::from_millis(20);

/// The response patterns of one scenario, and the responses of its episodes.
struct Rubric {
    scenario: String,
    ids: Vec<String>,
    patterns: Vec<Pattern>,
    plain: Vec<regex::Regex>,
    responses: Vec<String>,
}

fn main() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("PACKWRIGHT_VECTORS").map_or(shared, PathBuf::from).join("conformance");
    let Some(rubrics) = rubrics(&folder) else {
        eprintln!("SKIPPED: the golden vectors are not in {}", folder.display());
        return;
    };
    compare_results(&rubrics);
    per_pattern(&rubrics);
    per_episode(&rubrics);
    compiling(&rubrics);
}

fn rubrics(folder: &Path) -> Option<Vec<Rubric>> {
    let scenarios: Value =
        serde_json::from_slice(&std::fs::read(folder.join("scenarios_parsed.json")).ok()?).ok()?;
    let mut responses = responses(folder)?;
    let rubrics = scenarios.as_object()?.iter().map(|(scenario, document)| {
        let checks = document["scoring"]["checks"].as_array().into_iter().flatten();
        let checks =
            checks.filter(|check| check["type"].as_str().is_some_and(|kind| kind.starts_with("response_")));
        let checks: Vec<(&str, &str)> =
            checks.filter_map(|check| Some((check["id"].as_str()?, check["pattern"].as_str()?))).collect();
        Rubric {
            scenario: scenario.clone(),
            ids: checks.iter().map(|(id, _)| (*id).to_owned()).collect(),
            patterns: checks.iter().map(|(_, pattern)| ours(pattern)).collect(),
            plain: checks.iter().map(|(_, pattern)| plain(pattern)).collect(),
            responses: responses.remove(scenario).unwrap_or_default(),
        }
    });
    Some(rubrics.collect())
}

fn responses(folder: &Path) -> Option<BTreeMap<String, Vec<String>>> {
    let file = std::fs::File::open(folder.join("bench_episodes.jsonl.gz")).ok()?;
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).ok()?;
    let mut responses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let episode: Value = serde_json::from_str(line).ok()?;
        let response = episode["episode"]["response"].as_str().unwrap_or_default();
        responses.entry(episode["scenario"].as_str()?.to_owned()).or_default().push(response.to_owned());
    }
    Some(responses)
}

fn ours(pattern: &str) -> Pattern {
    Pattern::compile(pattern, Case::Insensitive).expect("the pattern of a shipped rubric")
}

fn plain(pattern: &str) -> regex::Regex {
    let mut builder = regex::RegexBuilder::new(pattern);
    builder
        .case_insensitive(true)
        .dot_matches_new_line(true)
        .build()
        .expect("the pattern of a shipped rubric")
}

/// The two sides must find the same, or the times compare nothing.
fn compare_results(rubrics: &[Rubric]) {
    let mut pairs = 0;
    for rubric in rubrics {
        for response in &rubric.responses {
            let haystack = Haystack::new(response);
            for (pattern, plain) in rubric.patterns.iter().zip(&rubric.plain) {
                let expected = plain.find(response).map(|found| found.range());
                assert_eq!(pattern.find(&haystack), Ok(expected), "{} on {response:?}", pattern.source());
                pairs += 1;
            }
        }
    }
    println!("{pairs} pairs of pattern and response: both sides find the same spans\n");
}

/// The least time of some rounds, with the two sides taking turns. Quick work gets more rounds, so that on a
/// busy machine some run undisturbed.
fn least(mut ours: impl FnMut(), mut plain: impl FnMut()) -> (Duration, Duration) {
    let begin = Instant::now();
    let mut best = (Duration::MAX, Duration::MAX);
    let mut rounds = 0;
    while rounds < ROUNDS_MIN || rounds < ROUNDS_MAX && begin.elapsed() < ENOUGH {
        best.0 = best.0.min(time(&mut ours));
        best.1 = best.1.min(time(&mut plain));
        rounds += 1;
    }
    best
}

fn time(work: &mut impl FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Each pattern on its own, after the scan that it shares with the others.
fn per_pattern(rubrics: &[Rubric]) {
    println!("{:>9} {:>9} {:>7}  pattern (ns per response)", "ours", "regex", "ratio");
    for rubric in rubrics {
        let set = PatternSet::compile(&rubric.patterns);
        let haystacks: Vec<Haystack> = rubric.responses.iter().map(|text| Haystack::new(text)).collect();
        let hits: Vec<_> = haystacks.iter().map(|haystack| set.scan(haystack)).collect();
        for (index, id) in rubric.ids.iter().enumerate() {
            let ours = || hits.iter().for_each(|hits| _ = black_box(hits.find(index)));
            let plain = || {
                let plain = &rubric.plain[index];
                rubric.responses.iter().for_each(|text| _ = black_box(plain.find(text)));
            };
            let (ours, plain) = least(ours, plain);
            let (ours, plain) = (nanos(ours, rubric), nanos(plain, rubric));
            println!("{ours:>9.0} {plain:>9.0} {:>7.1}  {} {id}", plain / ours, rubric.scenario);
        }
    }
    println!();
}

/// All response patterns of a rubric: laying out the text, scanning it, and matching. Each round goes through all
/// responses, as scoring does, and the least is taken for each response by itself.
fn per_episode(rubrics: &[Rubric]) {
    println!("{:>8} {:>8} {:>8} {:>9} {:>7}  per response, ns", "layout", "scan", "all", "regex", "ratio");
    let mut sums = [0.0; 4];
    let mut episodes = 0.0;
    for rubric in rubrics {
        let set = PatternSet::compile(&rubric.patterns);
        let mut leasts = vec![[Duration::MAX; 4]; rubric.responses.len()];
        for _ in 0..EPISODE_ROUNDS {
            for (text, least) in rubric.responses.iter().zip(&mut leasts) {
                let layout = time(&mut || _ = black_box(Haystack::new(text)));
                let haystack = Haystack::new(text);
                let scan = time(&mut || _ = black_box(set.scan(&haystack)));
                let all = time(&mut || {
                    let haystack = Haystack::new(text);
                    let hits = set.scan(&haystack);
                    (0..rubric.patterns.len()).for_each(|index| _ = black_box(hits.find(index)));
                });
                let plain =
                    time(&mut || rubric.plain.iter().for_each(|plain| _ = black_box(plain.find(text))));
                *least = minimum(*least, [layout, scan, all, plain]);
            }
        }
        let least_of = leasts.into_iter().fold([Duration::ZERO; 4], add);
        print_line(least_of.map(|time| nanos(time, rubric)), &rubric.scenario);
        sums = std::array::from_fn(|index| sums[index] + least_of[index].as_nanos() as f64);
        episodes += rubric.responses.len() as f64;
    }
    print_line(sums.map(|sum| sum / episodes), "all");
}

fn minimum(least: [Duration; 4], new: [Duration; 4]) -> [Duration; 4] {
    std::array::from_fn(|index| least[index].min(new[index]))
}

fn add(sums: [Duration; 4], more: [Duration; 4]) -> [Duration; 4] {
    std::array::from_fn(|index| sums[index] + more[index])
}

fn compiling(rubrics: &[Rubric]) {
    let sources = || rubrics.iter().flat_map(|rubric| &rubric.patterns).map(Pattern::source);
    let all_ours = || {
        for rubric in rubrics {
            let patterns: Vec<Pattern> =
                rubric.patterns.iter().map(|pattern| ours(pattern.source())).collect();
            _ = black_box(PatternSet::compile(&patterns));
        }
    };
    let (ours, plain) = least(all_ours, || sources().for_each(|source| _ = black_box(plain(source))));
    println!("\ncompiling all {} patterns: ours {ours:.1?}, regex {plain:.1?}", sources().count());
}

fn print_line([layout, scan, all, plain]: [f64; 4], name: &str) {
    println!("{layout:>8.0} {scan:>8.0} {all:>8.0} {plain:>9.0} {:>7.1}  {name}", plain / all);
}

fn nanos(time: Duration, rubric: &Rubric) -> f64 {
    time.as_nanos() as f64 / rubric.responses.len().max(1) as f64
}
