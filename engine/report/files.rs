//! Writes a report: the page, the same as Markdown and as JSON, and what does not fit into the page.

use super::archive::Archive;
use super::dossier::Dossier;
use super::markdown::markdown;
use super::page::page;
use crate::store::write_whole;
use anyhow::Context;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub page: PathBuf,
    pub markdown: PathBuf,
    pub json: PathBuf,
    /// The folder of the transcripts that do not fit into the page; none where all do.
    pub beside: Option<PathBuf>,
}

/// Writes `report.html`, `report.md` and `report.json` into a folder, each whole or not at all.
pub fn write(folder: &Path, dossier: &Dossier, archive: &Archive) -> anyhow::Result<Written> {
    std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    let path = |name: &str| folder.join(name);
    let (html, md, json) = (path("report.html"), path("report.md"), path("report.json"));
    let text = serde_json::to_string(dossier)?;
    let (page, others) = rayon::join(
        || page(dossier, &text, archive),
        || put(&json, &format!("{text}\n")).and_then(|()| put(&md, &markdown(dossier))),
    );
    let (page, ()) = (page?, others?);
    let beside = folder.join(page.folder);
    if beside.exists() {
        std::fs::remove_dir_all(&beside).with_context(|| format!("clear {}", beside.display()))?;
    }
    if !page.beside.is_empty() {
        std::fs::create_dir(&beside).with_context(|| format!("create {}", beside.display()))?;
    }
    // Each waits for the disk, so the waits had best be passed together.
    page.beside.par_iter().try_for_each(|(name, text)| put(&beside.join(name), text))?;
    put(&html, &page.html)?;
    let beside = (!page.beside.is_empty()).then_some(beside);
    Ok(Written { page: html, markdown: md, json, beside })
}

fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    write_whole(path, text).with_context(|| format!("write {}", path.display()))
}
