//! Reports of runs: the one in the run's folder while it says all that is recorded, and else one that is made now, in a
//! folder of this server's own.

use super::Served;
use super::catalog::{Stamp, name_of};
use super::problem::Problem;
use super::program::refusal;
use super::view::State as RunState;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rand::Rng;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The page brings a policy of its own, which lets its two scripts run and nothing else; this holds besides.
const PAGE_POLICY: &str =
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'none'; object-src 'none'";

/// The reports that were made here.
pub(super) struct Reports {
    folder: PathBuf,
    /// What the runs were when their reports were made.
    made: tokio::sync::Mutex<HashMap<String, Stamp>>,
}

impl Reports {
    /// A folder that only its owner can look into.
    pub fn new() -> std::io::Result<Reports> {
        let mut bytes = [0_u8; 8];
        rand::rng().fill_bytes(&mut bytes);
        let name = format!("packwright-serve-{:016x}", u64::from_le_bytes(bytes));
        let folder = std::env::temp_dir().join(name);
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder)?;
        Ok(Reports { folder, made: tokio::sync::Mutex::default() })
    }

    /// The folder with a run's report as it stands.
    async fn of(&self, served: &Served, folder: &Path) -> Result<(PathBuf, Stamp), Problem> {
        let id = name_of(folder);
        // One at a time: they take all processors.
        let mut made = self.made.lock().await;
        let stamp = Stamp::of(folder);
        let row = served.row(&id).await?;
        if row.state == RunState::Finished && is_current(folder, row.ended_ms) {
            return Ok((folder.to_owned(), stamp));
        }
        let place = self.folder.join(&id);
        if made.get(&id) != Some(&stamp) || !place.join("report.html").is_file() {
            let words = ["report".into(), id.clone().into(), "--out".into(), place.clone().into_os_string()];
            let output = served.program.run(words.into(), true).await?;
            if output.status.code() != Some(0) {
                return Err(refusal(&output, StatusCode::CONFLICT));
            }
            made.insert(id, stamp);
        }
        Ok((place, stamp))
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        // What stays in the folder of temporary files is removed there.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Whether the report in a run's folder was written after its last event. The store itself is written to later, when its
/// process ends.
fn is_current(folder: &Path, ended_ms: Option<u64>) -> bool {
    let written_ms = |name: &str| {
        let modified = std::fs::metadata(folder.join(name)).and_then(|metadata| metadata.modified()).ok()?;
        Some(modified.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis() as u64)
    };
    let files = ["report.html", "report.json", "report.md"];
    ended_ms.is_some_and(|ended| {
        files.iter().all(|name| written_ms(name).is_some_and(|written| written >= ended))
    })
}

/// The report of a run: the page (`report.html`), Markdown (`report.md`) or everything (`report.json`).
///
/// Of a run that goes on it is made at this moment.
#[utoipa::path(get, path = "/runs/{id}/{file}", tag = "results",
    params(("id" = String, Path), ("file" = ReportFile, Path, description = "Which form of it")),
    responses(
        (status = 200, description = "The report, in the form that was asked for", content((String = "text/html"), (String = "text/markdown"), (Object = "application/json"))),
        (status = 304, description = "It has not changed since the ETag in If-None-Match"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is nothing to be reported", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn report(
    State(served): State<Arc<Served>>,
    UrlPath((id, file)): UrlPath<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kind = match file.as_str() {
        "report.html" => "text/html; charset=utf-8",
        "report.md" => "text/markdown; charset=utf-8",
        "report.json" => "application/json",
        _ => {
            return Err(Problem::new(StatusCode::NOT_FOUND, "a run has no such file")
                .fix("report.html, report.md or report.json"));
        }
    };
    let folder = served.folder(&id)?;
    let (place, stamp) = served.reports.of(&served, &folder).await?;
    let tag = format!("\"{}\"", tag_of(stamp));
    if super::is_known(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let content = read(&place.join(&file)).await?;
    let mut response = (
        [
            (header::CONTENT_TYPE, kind.to_owned()),
            (header::ETAG, tag),
            (header::CACHE_CONTROL, "no-cache".to_owned()),
        ],
        content,
    )
        .into_response();
    if file == "report.html" {
        let policy = axum::http::HeaderValue::from_static(PAGE_POLICY);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// The forms of a report.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it only stands in the document")]
pub(super) enum ReportFile {
    #[schema(rename = "report.html")]
    Page,
    #[schema(rename = "report.md")]
    Markdown,
    #[schema(rename = "report.json")]
    Json,
}

/// A block of transcripts that does not fit into the report's page.
#[utoipa::path(get, path = "/runs/{id}/report-transcripts/{file}", tag = "results",
    params(("id" = String, Path), ("file" = String, Path, description = "`0.js` and so on, as the page names them")),
    responses(
        (status = 200, description = "What the page loads", content_type = "text/javascript"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn transcripts(
    State(served): State<Arc<Served>>,
    UrlPath((id, file)): UrlPath<(String, String)>,
) -> Result<Response, Problem> {
    let folder = served.folder(&id)?;
    let is_block = file
        .strip_suffix(".js")
        .is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()));
    if !is_block {
        return Err(Problem::new(StatusCode::NOT_FOUND, "there is no such block of transcripts"));
    }
    let (place, _) = served.reports.of(&served, &folder).await?;
    let content = read(&place.join("report-transcripts").join(&file)).await?;
    Ok(([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], content).into_response())
}

async fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let owned = path.to_owned();
    let read = tokio::task::spawn_blocking(move || std::fs::read(owned)).await;
    let read = read.map_err(|error| Problem::failed(&error.into()))?;
    read.map_err(|_| Problem::new(StatusCode::NOT_FOUND, "the report has no such file"))
}

fn tag_of(stamp: Stamp) -> String {
    let modified = stamp.modified().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    format!("{:x}", modified.unwrap_or_default().as_nanos())
}
