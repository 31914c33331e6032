//! All runs of the folder in short. What is at rest is read once and kept until its file changes; what goes on is asked
//! of its process. So a list of hundreds of runs costs a look at each file, and every change has a number, from which
//! who listens hears what is new.

use super::view::{BestRow, RunRow, SpentRow, State, VerdictRow};
use crate::budget::Spending;
use crate::control::{Reply, Request, SOCKET, Status, ask};
use crate::store::{Store, holder, run_entry, run_folders};
use crate::units::Usd;
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant, SystemTime};

/// A list is as old as this at most.
const AGE_MAX: Duration = Duration::from_millis(500);
/// Files that were written within such a time may bear the same time.
const CLOCK_STEP_MAX: Duration = Duration::from_millis(50);
/// Adding up the calls of a long run takes a moment.
const SPENT_AGE_MAX: Duration = Duration::from_secs(3);
/// A process that is busy for longer is told by what it said last.
const ANSWER_MAX: Duration = Duration::from_millis(1_500);

/// How a run's files looked when they were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp([Option<(u64, SystemTime)>; 2]);

impl Stamp {
    pub fn of(folder: &Path) -> Stamp {
        let look = |name: &str| {
            let metadata = std::fs::metadata(folder.join(name)).ok()?;
            Some((metadata.len(), metadata.modified().ok()?))
        };
        // An empty log holds nothing; looking at a run makes one.
        Stamp([look("run.sqlite"), look("run.sqlite-wal").filter(|(length, _)| *length > 0)])
    }

    /// Whether a later write would look otherwise, however coarse the clock of files is.
    pub fn is_settled(&self) -> bool {
        self.modified().is_some_and(|at| at.elapsed().is_ok_and(|age| age > CLOCK_STEP_MAX))
    }

    /// When it was written to last.
    pub fn modified(&self) -> Option<SystemTime> {
        self.0.iter().flatten().map(|(_, modified)| *modified).max()
    }
}

/// The runs of a folder.
pub(super) struct Catalog {
    runs: PathBuf,
    /// Another one in every process, so that numbers of changes are not taken for those of another server.
    epoch: u64,
    kept: Mutex<HashMap<String, Arc<Kept>>>,
    listing: Mutex<Option<(Instant, Arc<Listing>)>>,
}

/// All runs at a moment, newest first.
#[derive(Default)]
pub(super) struct Listing {
    pub rows: Vec<Listed>,
    /// The number of the newest change.
    pub change: u64,
    /// Runs that are gone, with the numbers of these changes.
    pub gone: Vec<(String, u64)>,
}

/// A run with the number of its newest change.
#[derive(Clone)]
pub(super) struct Listed {
    pub row: Arc<RunRow>,
    pub change: u64,
}

/// What is known of a run's files and its process.
#[derive(Default)]
struct Kept {
    read: Mutex<Option<(Stamp, RunRow)>>,
    told: Mutex<Option<Status>>,
    spent: Mutex<Option<(Instant, SpentRow)>>,
    is_asked: AtomicBool,
}

impl Catalog {
    pub fn new(runs: PathBuf, epoch: u64) -> Catalog {
        Catalog { runs, epoch, kept: Mutex::default(), listing: Mutex::default() }
    }

    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The folder of a run; none where the text is no id, or there is no such run.
    pub fn folder(&self, id: &str) -> Option<PathBuf> {
        let is_within = |c: char| !c.is_control() && !matches!(c, '/' | '\\');
        let is_id =
            !id.is_empty() && id.len() <= 255 && !id.starts_with(['.', '-']) && id.chars().all(is_within);
        let folder = self.runs.join(id);
        (is_id && folder.join("run.sqlite").is_file()).then_some(folder)
    }

    /// All runs as they are now, or were a moment ago.
    pub fn listing(&self) -> anyhow::Result<Arc<Listing>> {
        let mut listing = lock(&self.listing);
        if let Some((_, known)) = listing.as_ref().filter(|(at, _)| at.elapsed() < AGE_MAX) {
            return Ok(known.clone());
        }
        let folders = run_folders(&self.runs)?;
        let rows: Vec<RunRow> = folders.par_iter().rev().map(|folder| self.row(folder)).collect();
        let before = listing.as_ref().map(|(_, known)| known.clone()).unwrap_or_default();
        let now = Arc::new(before.followed_by(rows));
        *listing = Some((Instant::now(), now.clone()));
        Ok(now)
    }

    /// What was begun or changed here is seen at once.
    pub fn look_again(&self) {
        if let Some((at, _)) = lock(&self.listing).as_mut() {
            *at = Instant::now().checked_sub(AGE_MAX).unwrap_or(*at);
        }
    }

    /// What the run's process said last; none where none works at it.
    pub fn last_told(&self, id: &str) -> Option<Status> {
        let kept = lock(&self.kept).get(id).cloned()?;
        lock(&kept.told).clone()
    }

    /// A run as it is now.
    pub fn row(&self, folder: &Path) -> RunRow {
        let id = name_of(folder);
        let kept = lock(&self.kept).entry(id.clone()).or_default().clone();
        match self.known(folder, &kept) {
            Ok(row) => row,
            Err(error) => unreadable(id, format!("cannot be read: {error:#}")),
        }
    }

    fn known(&self, folder: &Path, kept: &Arc<Kept>) -> anyhow::Result<RunRow> {
        if let Some(status) = kept.told(folder)? {
            // What it began with does not change.
            let began = lock(&kept.read).as_ref().map(|(_, row)| row.clone());
            let row = match began {
                Some(row) => row,
                None => {
                    let row = at_rest(folder)?;
                    *lock(&kept.read) = Some((Stamp::default(), row.clone()));
                    row
                }
            };
            return Ok(row.told_by(&status, kept.spent_until_now(folder)?));
        }
        let stamp = Stamp::of(folder);
        let known = lock(&kept.read).as_ref().filter(|(read, _)| *read == stamp).map(|(_, row)| row.clone());
        let mut row = match known {
            Some(row) => row,
            None => {
                let row = at_rest(folder)?;
                *lock(&kept.read) = stamp.is_settled().then(|| (stamp, row.clone()));
                row
            }
        };
        if row.state == State::CutOff && holder(folder)?.is_some() {
            row.state = State::Running;
            row.note = Some("its process does not listen to commands yet".to_owned());
        }
        Ok(row)
    }
}

impl Listing {
    /// The next listing; rows that differ get new numbers.
    fn followed_by(&self, rows: Vec<RunRow>) -> Listing {
        let before: HashMap<&str, &Listed> =
            self.rows.iter().map(|listed| (listed.row.id.as_str(), listed)).collect();
        let mut change = self.change;
        let listed: Vec<Listed> = rows
            .into_iter()
            .map(|row| match before.get(row.id.as_str()) {
                Some(listed) if *listed.row == row => (*listed).clone(),
                _ => {
                    change += 1;
                    Listed { row: Arc::new(row), change }
                }
            })
            .collect();
        let here: std::collections::HashSet<&str> =
            listed.iter().map(|listed| listed.row.id.as_str()).collect();
        let mut gone: Vec<(String, u64)> =
            self.gone.iter().filter(|(id, _)| !here.contains(id.as_str())).cloned().collect();
        for id in before.keys().filter(|id| !here.contains(**id)) {
            change += 1;
            gone.push(((*id).to_owned(), change));
        }
        Listing { rows: listed, change, gone }
    }
}

impl Kept {
    /// What the run's process says; none where no process works at it.
    fn told(self: &Arc<Self>, folder: &Path) -> anyhow::Result<Option<Status>> {
        if !folder.join(SOCKET).exists() {
            *lock(&self.told) = None;
            return Ok(None);
        }
        if self.is_asked.swap(true, Ordering::SeqCst) {
            return Ok(self.told_before());
        }
        let (sender, answer) = mpsc::channel();
        let (kept, folder) = (self.clone(), folder.to_owned());
        std::thread::spawn(move || {
            let reply = ask(&folder, &Request::Status, false);
            if let Ok(Some(Reply::Done(status))) = &reply {
                *lock(&kept.told) = Some((**status).clone());
            }
            kept.is_asked.store(false, Ordering::SeqCst);
            // Who waited too long hears it the next time.
            let _ = sender.send(reply);
        });
        match answer.recv_timeout(ANSWER_MAX) {
            Ok(Ok(Some(Reply::Done(status)))) => Ok(Some(*status)),
            Ok(Ok(Some(Reply::Refused(_)) | None)) => {
                *lock(&self.told) = None;
                Ok(None)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(self.told_before()),
        }
    }

    /// What its calls cost at most, a few seconds ago: a process only tells it between two plans.
    fn spent_until_now(&self, folder: &Path) -> anyhow::Result<SpentRow> {
        let mut known = lock(&self.spent);
        if let Some((_, spent)) = known.as_ref().filter(|(at, _)| at.elapsed() < SPENT_AGE_MAX) {
            return Ok(*spent);
        }
        let now = spent(&Store::open_to_read(folder)?)?;
        *known = Some((Instant::now(), now));
        Ok(now)
    }

    fn told_before(&self) -> Option<Status> {
        let note = Some("its process is busy, and has not answered for a moment".to_owned());
        lock(&self.told).clone().map(|status| Status { note: status.note.or(note), ..status })
    }
}

/// A run by its records alone.
fn at_rest(folder: &Path) -> anyhow::Result<RunRow> {
    let entry = run_entry(folder)?;
    let store = Store::open_to_read(folder)?;
    let Some(started) = &entry.started else {
        return Ok(unreadable(entry.id.0, "its first event is missing: it is no whole run".to_owned()));
    };
    let is_paused = entry.finished.is_none() && store.is_paused()?;
    Ok(RunRow {
        state: if entry.finished.is_some() { State::Finished } else { State::CutOff },
        note: is_paused.then(|| "it was paused when its process ended".to_owned()),
        started_ms: entry.started_ms,
        ended_ms: store.newest_ms()?,
        suite: Some(started.suite.clone()),
        model: Some(started.model.clone()),
        writer: Some(started.writer.clone()),
        seed: Some(started.seed.0.to_string()),
        budget: started.budget,
        scored: entry.episodes_scored,
        unmeasured: entry.episodes_unmeasured,
        verdict: entry.finished.as_ref().map(|finished| VerdictRow::of(&finished.verdict)),
        best: BestRow::after(&entry),
        spent: Some(spent(&store)?),
        worked_ms: store.worked_ms(),
        left_ms: None,
        id: entry.id.0,
    })
}

/// What the calls of a run cost at most.
fn spent(store: &Store) -> anyhow::Result<SpentRow> {
    let rows = Spending::of(&store.calls()?);
    let mut usd = Some(Usd::ZERO);
    let mut tokens = Some(0_u64);
    for sum in rows.iter().map(|row| &row.sum) {
        let is_priced = sum.unpriced_calls == 0;
        usd = usd
            .zip(sum.uncounted_usd_max)
            .map(|(all, most)| all.plus(sum.usd).plus(most))
            .filter(|_| is_priced);
        let counted = sum.usage.input_tokens.unwrap_or(0) + sum.usage.output_tokens.unwrap_or(0);
        tokens = tokens
            .zip(sum.uncounted_tokens_max)
            .map(|(all, most)| all.saturating_add(counted).saturating_add(most));
    }
    let calls = rows.iter().map(|row| row.sum.calls).sum();
    Ok(SpentRow { usd: usd.map(Usd::as_dollars), tokens, calls })
}

fn unreadable(id: String, note: String) -> RunRow {
    RunRow {
        id,
        state: State::Unreadable,
        note: Some(note),
        started_ms: None,
        ended_ms: None,
        suite: None,
        model: None,
        writer: None,
        seed: None,
        budget: 0,
        scored: 0,
        unmeasured: 0,
        verdict: None,
        best: None,
        spent: None,
        worked_ms: 0,
        left_ms: None,
    }
}

pub(super) fn name_of(folder: &Path) -> String {
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_no_names_of_runs_have_no_folder() {
        let place = tempfile::tempdir().unwrap();
        let runs = place.path().join("runs");
        for name in ["runs/a-1", "runs", "runs/.hidden"] {
            std::fs::create_dir_all(place.path().join(name)).unwrap();
            std::fs::write(place.path().join(name).join("run.sqlite"), "").unwrap();
        }
        let catalog = Catalog::new(runs, 0);
        let check = |id: &str, expected: bool| assert_eq!(catalog.folder(id).is_some(), expected, "{id}");
        check("a-1", true);
        for id in
            ["", ".", "..", "../runs", "a-1/../a-1", "a-1/", ".hidden", "b", "a-1\0", "a-1\\x", "--help"]
        {
            check(id, false);
        }
    }

    #[test]
    fn only_what_differs_is_a_change() {
        let row = |id: &str, scored| RunRow { scored, ..unreadable(id.to_owned(), String::new()) };
        let first = Listing::default().followed_by(vec![row("b", 0), row("a", 0)]);
        let second = first.followed_by(vec![row("c", 0), row("b", 0), row("a", 1)]);
        let since = |listing: &Listing, change: u64| {
            let rows = listing.rows.iter().filter(|listed| listed.change > change);
            rows.map(|listed| listed.row.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(since(&second, first.change), ["c", "a"]);
        assert_eq!(since(&second.followed_by(vec![row("c", 0)]), second.change), [""; 0]);
        let third = second.followed_by(vec![row("c", 0), row("b", 0)]);
        assert_eq!(third.gone, [("a".to_owned(), third.change)]);
    }
}
