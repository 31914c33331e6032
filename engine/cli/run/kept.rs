//! What a run keeps of how it was begun: its suite, its rubrics, and where its messages go.

use super::settings::Settings;
use crate::exit::BadInput;
use crate::notify::NotifySettings;
use crate::out;
use anyhow::Context;
use packwright::event::Event;
use packwright::scenario::{Rubrics, Suite};
use packwright::store::{Record, Store};
use packwright::workspace::{SuiteSource, load_suite};
use std::path::Path;
use std::sync::Arc;

/// What a run keeps of where messages go.
pub fn kept_channels(folder: &Path) -> anyhow::Result<NotifySettings> {
    let settings: Settings = serde_json::from_value(Store::open_to_read(folder)?.settings()?)
        .with_context(|| format!("read the settings of {}", folder.display()))?;
    Ok(settings.notify)
}

/// The suite that the settings name.
pub fn read_suite(settings: &Settings) -> anyhow::Result<Arc<Suite>> {
    let source = settings.suite.clone().map_or(SuiteSource::Embedded, SuiteSource::Folder);
    match load_suite(&source) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                out::note(warning);
            }
            Ok(Arc::new(loaded.suite))
        }
        Err(error) => Err(BadInput(error.to_string()).into()),
    }
}

/// Where a run's suite is, or was.
pub fn suite_source(store: &Store) -> anyhow::Result<SuiteSource> {
    let settings = store.settings().and_then(|settings| Ok(serde_json::from_value::<Settings>(settings)?));
    let settings = settings.context("the run's settings cannot be read")?;
    Ok(settings.suite.map_or(SuiteSource::Embedded, SuiteSource::Folder))
}

/// The rubrics of a run's suite, or why they cannot be known any more.
pub fn rubrics_of(store: &Store, records: &[Record]) -> Result<Rubrics, String> {
    let source = suite_source(store).map_err(|error| format!("{error:#}"))?;
    let loaded = load_suite(&source).map_err(|error| format!("the run's suite cannot be read: {error}"))?;
    match records.first().map(|record| &record.event) {
        Some(Event::RunStarted(started)) if started.suite_hash == loaded.suite.hash => {
            Ok(Rubrics::of(&loaded.suite))
        }
        _ => Err("the suite has changed since the run began".to_owned()),
    }
}
