//! The night of a batch: each entry's run is begun at its turn, in a process of its own, and watched to its end. What was
//! finished before is kept.

use super::entry::read_entry;
use super::record::{BatchRecord, Before};
use super::summary::{Outcome, RunResult};
use crate::control::{name_of, status};
use crate::exit::{BadInput, Exit};
use crate::out::{self, Level};
use crate::run::conclusion::is_unpublished;
use crate::run::process::log_file;
use crate::run::{Prepared, RunArgs, begin, detach};
use crate::signals::asked_to_stop;
use anyhow::Context;
use packwright::batch::{Batch, Entry};
use packwright::budget::{Accounts, Amount, Role, RunCaps};
use packwright::control::{Request, RunState, ask};
use packwright::event::{RunFinished, Verdict};
use packwright::report::plain;
use packwright::store::{Store, holder, run_entry};
use packwright::units::Usd;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_millis(50);

pub struct Night<'a> {
    batch: &'a Batch,
    runs: &'a Path,
    record: BatchRecord,
    turns: Vec<Turn<'a>>,
    level: Level,
}

/// An entry, and what became of it until now.
struct Turn<'a> {
    entry: &'a Entry,
    state: State,
}

enum State {
    /// With the run to be gone on with, where there is one.
    Waiting(Box<RunArgs>, Option<String>),
    UnderWay(Running),
    Ended(RunResult),
}

/// A run in another process; none of ours where a batch that was killed began it.
struct Running {
    folder: PathBuf,
    child: Option<Child>,
    /// How it was asked to end; none while it was not, or could not hear it yet.
    told: Option<Ending>,
}

/// How runs under way are to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    WithWhatTheyHave,
    AtOnce,
}

impl<'a> Night<'a> {
    /// Looks at every entry before anything is spent.
    pub fn prepare(
        batch: &'a Batch,
        file: &str,
        runs: &'a Path,
        record: BatchRecord,
        level: Level,
    ) -> anyhow::Result<Night<'a>> {
        let turns = batch.entries.iter().map(|entry| {
            let state = match state_of(entry, file, runs, &record) {
                Ok(state) => state,
                Err(error) => State::Ended(refused(entry, format!("{error:#}"))),
            };
            Turn { entry, state }
        });
        Ok(Night { batch, runs, turns: turns.collect(), record, level })
    }

    /// Has runs stay paused that were paused when their processes ended.
    pub fn keep_paused(&mut self) {
        for turn in &mut self.turns {
            if let State::Waiting(args, _) = &mut turn.state {
                args.process.keep_paused = true;
            }
        }
    }

    /// Says what is kept, what is done again and why, and what cannot be begun.
    pub fn announce(&self) {
        for turn in &self.turns {
            let name = plain(&turn.entry.name);
            let words = match (&turn.state, self.record.before(turn.entry)) {
                (State::Ended(result), _) if result.outcome == Outcome::Kept => {
                    format!("kept, run {}", result.run.as_deref().unwrap_or_default())
                }
                (State::Ended(_), _) => "cannot be begun; the reason stands below".to_owned(),
                (_, Before::Other(run)) => format!("changed since run {run}, so it is done again"),
                (State::Waiting(_, Some(run)), _) => format!("goes on as run {run}"),
                _ => "to be done".to_owned(),
            };
            out::note(format_args!("{name}: {words}"));
        }
    }

    /// Passes the night: begins runs in order, as many at once as the file says, until all have ended.
    pub fn pass(&mut self, stop_after: Option<Duration>, json: bool) -> anyhow::Result<()> {
        let (began, signals) = (Instant::now(), count_signals()?);
        let mut heard = 0;
        let mut ending: Option<Ending> = None;
        let mut is_ending: Option<String> = None;
        loop {
            for index in 0..self.turns.len() {
                self.look_at(index, json)?;
            }
            let asked = signals.load(Ordering::Relaxed);
            if asked > heard {
                out::note(match asked {
                    1 => "the runs under way come to their ends; once more stops them at once",
                    _ => "stopped; the same command goes on",
                });
                heard = asked;
                ending = Some(if asked > 1 { Ending::AtOnce } else { Ending::WithWhatTheyHave });
                is_ending = Some("the batch was asked to stop".to_owned());
            }
            if is_ending.is_none() && stop_after.is_some_and(|after| began.elapsed() >= after) {
                ending = Some(Ending::WithWhatTheyHave);
                is_ending = Some("stop-after came first".to_owned());
            }
            if let Some(ending) = ending {
                self.stop(ending);
            }
            if is_ending.is_none() && !self.batch.continues && self.worst().is_some() {
                is_ending = Some("an earlier run failed, and continue-on-failure is false".to_owned());
            }
            match &is_ending {
                Some(reason) => self.leave_the_rest(&reason.clone()),
                None => self.begin_next(json)?,
            }
            if self.turns.iter().all(|turn| matches!(turn.state, State::Ended(_))) {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Where the messages about the batch are kept.
    pub fn outbox(&self) -> PathBuf {
        self.record.beside("notify.json")
    }

    pub fn results(&self) -> Vec<RunResult> {
        self.ended().cloned().collect()
    }

    /// What the exit code is to say; none where every run came to its end.
    pub fn worst(&self) -> Option<Exit> {
        let has = |outcome: Outcome| self.ended().any(|result| result.outcome == outcome);
        let worst = has(Outcome::Refused).then_some(Exit::BadInput);
        let is_left = self.ended().any(|result| result.settled == Some(false));
        worst.or((has(Outcome::CutOff) || has(Outcome::NotBegun) || is_left).then_some(Exit::Infrastructure))
    }

    fn ended(&self) -> impl Iterator<Item = &RunResult> {
        self.turns.iter().filter_map(|turn| match &turn.state {
            State::Ended(result) => Some(result),
            _ => None,
        })
    }

    /// Takes what a run that has ended came to.
    fn look_at(&mut self, index: usize, json: bool) -> anyhow::Result<()> {
        let Turn { entry, state } = &mut self.turns[index];
        let State::UnderWay(running) = state else { return Ok(()) };
        let is_over = match &mut running.child {
            Some(child) => child.try_wait().context("look after a run")?.is_some(),
            None => holder(&running.folder)?.is_none(),
        };
        if is_over {
            let result = result_of(entry, &running.folder)?;
            tell(&result, json)?;
            *state = State::Ended(result);
        }
        Ok(())
    }

    fn begin_next(&mut self, json: bool) -> anyhow::Result<()> {
        let under_way = self.turns.iter().filter(|turn| matches!(turn.state, State::UnderWay(_))).count();
        if under_way >= usize::from(self.batch.concurrency) {
            return Ok(());
        }
        let Some(index) = self.turns.iter().position(|turn| matches!(turn.state, State::Waiting(..))) else {
            return Ok(());
        };
        let share = self.share()?;
        let entry = self.turns[index].entry;
        let State::Waiting(args, run) = &mut self.turns[index].state else { return Ok(()) };
        let begun = match (share, run) {
            (Err(reason), None) => Err(anyhow::Error::from(BadInput(reason))),
            (_, Some(run)) => go_on(args, self.runs, run, self.level),
            (Ok(share), None) => {
                share.limit(args);
                start(args, entry, &mut self.record, self.level)
            }
        };
        self.turns[index].state = match begun {
            Ok(running) => {
                if !json {
                    out::note(format_args!("{}: run {}", plain(&entry.name), name_of(&running.folder)));
                }
                State::UnderWay(running)
            }
            Err(error) => {
                let result = refused(entry, format!("{error:#}"));
                tell(&result, json)?;
                State::Ended(result)
            }
        };
        Ok(())
    }

    /// What the next run may spend: of what the others leave, as much as everyone who waits.
    fn share(&self) -> anyhow::Result<Result<Share, String>> {
        let (mut spent, mut promised, mut waiting) = (Amount::default(), Amount::default(), 0);
        for turn in &self.turns {
            match &turn.state {
                State::Waiting(_, None) => waiting += 1,
                State::Waiting(_, Some(run)) => promised = promised.plus(limit_of(&self.runs.join(run))?),
                State::UnderWay(running) => promised = promised.plus(limit_of(&running.folder)?),
                State::Ended(result) => {
                    if let Some(run) = &result.run {
                        spent = spent.plus(spent_by(&self.runs.join(run))?);
                    }
                }
            }
        }
        let gone = spent.plus(promised);
        let usd = self.batch.max_usd.map(|max| max.minus(gone.usd));
        let tokens = self.batch.max_tokens.map(|max| max.saturating_sub(gone.tokens));
        if usd.is_some_and(|usd| usd.pico() == 0) || tokens == Some(0) {
            return Ok(Err("the limit of the batch is spent, or promised to runs under way".to_owned()));
        }
        let waiting = waiting.max(1);
        Ok(Ok(Share {
            usd_left: usd,
            usd: usd.map(|usd| Usd::of_pico(usd.pico() / waiting)),
            tokens_left: tokens,
            tokens: tokens.map(|tokens| tokens / waiting),
        }))
    }

    /// Asks runs to end, again while their processes do not listen yet.
    fn stop(&mut self, ending: Ending) {
        for turn in &mut self.turns {
            let State::UnderWay(running) = &mut turn.state else { continue };
            if running.told >= Some(ending) {
                continue;
            }
            match ask(&running.folder, &Request::Stop { now: ending == Ending::AtOnce }, false) {
                Ok(Some(_)) => running.told = Some(ending),
                Ok(None) => {}
                Err(error) => {
                    running.told = Some(ending);
                    out::note(format_args!("warning: {}: {error:#}", plain(&turn.entry.name)));
                }
            }
        }
    }

    fn leave_the_rest(&mut self, reason: &str) {
        for turn in self.turns.iter_mut().filter(|turn| matches!(turn.state, State::Waiting(..))) {
            let State::Waiting(_, run) = &turn.state else { continue };
            let (name, run) = (turn.entry.name.clone(), run.clone());
            let words = format!("{reason}; the same command goes on with it");
            turn.state = State::Ended(RunResult {
                name,
                run,
                outcome: Outcome::NotBegun,
                words,
                episodes: 0,
                better: None,
                settled: None,
            });
        }
    }
}

/// What a run may spend of what the batch may.
struct Share {
    usd_left: Option<Usd>,
    usd: Option<Usd>,
    tokens_left: Option<u64>,
    tokens: Option<u64>,
}

impl Share {
    /// A run keeps its own limits as far as the batch has so much left.
    fn limit(&self, args: &mut RunArgs) {
        let limits = &mut args.limits;
        if let (Some(left), Some(share)) = (self.usd_left, self.usd) {
            limits.max_usd = Some(limits.max_usd.map_or(share, |own| own.min(left)));
        }
        if let (Some(left), Some(share)) = (self.tokens_left, self.tokens) {
            limits.max_tokens = Some(limits.max_tokens.map_or(share, |own| own.min(left)));
        }
    }
}

fn state_of(entry: &Entry, file: &str, runs: &Path, record: &BatchRecord) -> anyhow::Result<State> {
    let mut args = read_entry(entry, file).map_err(|problems| {
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        BadInput(told.join("\n"))
    })?;
    args.runs = runs.to_owned();
    if let Before::Same(run) = record.before(entry)
        && runs.join(&run).is_dir()
    {
        let stands = status::at_rest(&runs.join(&run))?;
        if stands.state == RunState::Finished && !is_unpublished(&run_entry(&runs.join(&run))?) {
            let result = result_of(entry, &runs.join(&run))?;
            return Ok(State::Ended(RunResult { outcome: Outcome::Kept, ..result }));
        }
        return Ok(State::Waiting(Box::new(args), Some(run)));
    }
    let prepared = Prepared::of(&args)?;
    prepared.check(args.force)?;
    prepared.publication()?;
    Ok(State::Waiting(Box::new(args), None))
}

fn start(args: &RunArgs, entry: &Entry, record: &mut BatchRecord, level: Level) -> anyhow::Result<Running> {
    let folder = begin(args)?;
    record.note(entry, &name_of(&folder))?;
    let child = detach::spawn(args, &folder, level)?;
    Ok(Running { folder, child: Some(child), told: None })
}

fn go_on(args: &RunArgs, runs: &Path, run: &str, level: Level) -> anyhow::Result<Running> {
    let folder = runs.join(run);
    let child = match holder(&folder)? {
        // A batch that was killed left it running.
        Some(_) => None,
        None => Some(detach::spawn(args, &folder, level)?),
    };
    Ok(Running { folder, child, told: None })
}

fn refused(entry: &Entry, words: String) -> RunResult {
    let name = entry.name.clone();
    RunResult { name, run: None, outcome: Outcome::Refused, words, episodes: 0, better: None, settled: None }
}

fn result_of(entry: &Entry, folder: &Path) -> anyhow::Result<RunResult> {
    let (stands, found) = (status::at_rest(folder)?, run_entry(folder)?);
    let is_verdict_better = |finished: &RunFinished| matches!(finished.verdict, Verdict::Better(_));
    let better = found.finished.as_ref().map(is_verdict_better);
    let is_finished = stands.state == RunState::Finished;
    let words = if is_finished { stands.note.unwrap_or_default() } else { last_words(folder) };
    Ok(RunResult {
        name: entry.name.clone(),
        run: Some(stands.run),
        outcome: if is_finished { Outcome::Finished } else { Outcome::CutOff },
        words,
        episodes: stands.scored + stands.unmeasured,
        settled: better.filter(|is_better| *is_better).map(|_| !is_unpublished(&found)),
        better,
    })
}

/// Why a run that was cut off ended, as its log has it.
fn last_words(folder: &Path) -> String {
    let log = log_file(folder);
    let text =
        std::fs::read(&log).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
    let said = text.lines().rev().find_map(|line| {
        let line = line.split_once(' ').map_or(line, |(_, line)| line);
        ["error: ", "stopped: ", "interrupted"]
            .iter()
            .any(|word| line.starts_with(word))
            .then(|| line.to_owned())
    });
    said.unwrap_or_else(|| format!("its process was killed; {} is its log", log.display()))
}

fn tell(result: &RunResult, json: bool) -> anyhow::Result<()> {
    if json {
        out::line(serde_json::to_string(result)?);
    } else {
        out::note(format_args!(
            "{}: {}",
            plain(&result.name),
            plain(result.words.lines().next().unwrap_or_default())
        ));
    }
    Ok(())
}

/// The limits of a run under way: all that it may still spend.
fn limit_of(folder: &Path) -> anyhow::Result<Amount> {
    let caps = status::at_rest(folder)?.caps.run;
    Ok(Amount { usd: caps.usd.unwrap_or_default(), tokens: caps.tokens.unwrap_or_default(), calls: 0 })
}

/// The most that a run has spent.
fn spent_by(folder: &Path) -> anyhow::Result<Amount> {
    let store = Store::open_to_read(folder)?;
    let calls = store.calls()?;
    let accounts = Accounts::new(RunCaps::default(), &calls);
    let of = |role| accounts.spent(role);
    Ok(of(Role::Agent).plus(of(Role::Writer)))
}

/// Counts the signals that ask for the end.
fn count_signals() -> anyhow::Result<Arc<AtomicU32>> {
    let count = Arc::new(AtomicU32::new(0));
    let counted = count.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Heard from here on, not from when the thread comes to it.
    let first = runtime.block_on(async { asked_to_stop() }).context("listen to signals")?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            first.await;
            counted.fetch_add(1, Ordering::Relaxed);
            while let Ok(asked) = asked_to_stop() {
                asked.await;
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
    })?;
    Ok(count)
}
