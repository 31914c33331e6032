//! A run that has won, and all that publishing its winner takes.

use super::on_chain::ChainChoice;
use crate::exit::BadInput;
use crate::run::gate::Champion;
use crate::run::start::Start;
use crate::run::{Settings, first_event, read_suite};
use anyhow::Context;
use packwright::event::{Comparison, Event, RunFinished, RunStarted, Verdict};
use packwright::lint::Rule;
use packwright::pack::Pack;
use packwright::publish::{CommitNote, PublishError};
use packwright::report::Report;
use packwright::scenario::Suite;
use packwright::store::Store;
use packwright::units::{PackHash, RunId};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A run that has won.
pub struct Won {
    pub run: RunId,
    pub folder: PathBuf,
    pub settings: Settings,
    pub started: RunStarted,
    pub suite: Arc<Suite>,
    pub comparison: Comparison,
    pub finalist: PackHash,
    /// The pack that the run began with.
    pub start: Pack,
    pub winner: Pack,
}

/// Why there is nothing to publish.
#[derive(Debug, thiserror::Error)]
pub enum NotWon {
    #[error("{0} has not come to its end; `optimize resume` goes on with it")]
    Unfinished(String),
    #[error("{0} has no better pack: there is nothing to publish")]
    NotBetter(String),
}

impl Won {
    /// Reads a run. Neither keys nor models are needed.
    pub fn of_run(folder: &Path) -> anyhow::Result<Result<Won, NotWon>> {
        let store = Store::open_to_read(folder)?;
        let shown = folder.display().to_string();
        let settings: Settings = serde_json::from_value(store.settings()?)
            .with_context(|| format!("read the settings of {shown}"))?;
        let started = first_event(&store)?;
        let finished = store.turning_points()?.into_iter().find_map(|record| match record.event {
            Event::RunFinished(finished) => Some(finished),
            _ => None,
        });
        let Some(finished) = finished else { return Ok(Err(NotWon::Unfinished(shown))) };
        if !matches!(finished.verdict, Verdict::Better(_)) {
            return Ok(Err(NotWon::NotBetter(shown)));
        }
        let suite = read_suite(&settings)?;
        if suite.hash != started.suite_hash {
            let problem = format!(
                "the suite has changed since {shown} began, so its winner cannot be checked against it; restore the suite"
            );
            return Err(BadInput(problem).into());
        }
        let start = Start::of_run(&started)?.pack;
        Won::of(&store, &settings, &started, suite, &start, &finished).map(Ok)
    }

    /// The same of a run that is open already.
    pub fn of(
        store: &Store,
        settings: &Settings,
        started: &RunStarted,
        suite: Arc<Suite>,
        start: &Pack,
        finished: &RunFinished,
    ) -> anyhow::Result<Won> {
        let Verdict::Better(comparison) = &finished.verdict else {
            anyhow::bail!("the run has no better pack");
        };
        let finalist = finished.finalist.clone().context("a verdict without a finalist")?;
        let report = Report::of(&store.records()?, &store.calls()?).context("the run has no records")?;
        let candidate = report.finalist.as_ref().context("the finalist was never written")?;
        let folder = store.folder().to_owned();
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(Won {
            run: RunId(name.unwrap_or_default()),
            folder,
            settings: settings.clone(),
            started: started.clone(),
            suite,
            comparison: comparison.clone(),
            finalist,
            start: start.clone(),
            winner: start.with_policy(&candidate.agents_md),
        })
    }

    /// What the commit says of it.
    pub fn note(&self) -> CommitNote {
        CommitNote {
            comparison: self.comparison.clone(),
            run: self.run.clone(),
            suite: self.started.suite.clone(),
            model: self.started.model.clone(),
            profile: self.started.profile.name.clone(),
        }
    }

    /// Why the pack repository must not get the winner: it holds a pack that the run did not measure.
    pub fn stranger(
        &self,
        current: Result<Option<Pack>, PublishError>,
    ) -> Result<Option<String>, PublishError> {
        let is_strange = |best: &Pack| best.hash() != self.winner.hash() && best.hash() != self.start.hash();
        Ok(current?.filter(is_strange).map(|best| {
            format!(
                "{} got another pack ({}) while this run went on, which it did not measure",
                self.settings.packs.display(),
                best.hash().short()
            )
        }))
    }
}

/// How the winner is to be published.
pub struct Ways {
    pub no_push: bool,
    /// Rules of the lint that it may break.
    pub allowed: Vec<Rule>,
    pub champion: Option<Champion>,
    /// Where others fetch `pack.json`.
    pub public_url: Option<String>,
    /// How long it may show another pack.
    pub public_wait: Duration,
    /// The commitment to end with.
    pub on_chain: Option<ChainChoice>,
    /// Somebody is there who could be asked for a password.
    pub is_attended: bool,
}

/// What serves an address may show the old file for so long after a push, in seconds.
pub const PUBLIC_WAIT_S: u64 = 400;
