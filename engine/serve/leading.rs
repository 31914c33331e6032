//! The leading candidates of a run: what they made of every check, and what they are made of.

use super::Served;
use super::catalog::lock;
use super::problem::Problem;
use super::runs::{LIMIT_MAX, parameters};
use super::trace::{CandidateRow, CheckRow, Trace};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// So many candidates lead.
const LEADING: usize = 10;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct LeadingQuery {
    /// How many candidates lead, 1 to 500.
    limit: usize,
}

impl Default for LeadingQuery {
    fn default() -> LeadingQuery {
        LeadingQuery { limit: LEADING }
    }
}

/// Checks by candidates.
#[derive(Serialize, ToSchema)]
pub(super) struct CheckTable {
    /// The pack to beat, and then the others that lead, the best by what the search believes first.
    candidates: Vec<CandidateRow>,
    /// In the order of the suite.
    checks: Vec<CheckRow>,
}

/// Tell how often each check passed with the leading candidates and with the pack to beat.
#[utoipa::path(get, path = "/runs/{id}/checks", operation_id = "checks", tag = "results", params(("id" = String, Path), LeadingQuery), responses(
    (status = 200, body = CheckTable),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn checks(
    State(served): State<Arc<Served>>,
    Path(id): Path<String>,
    query: Result<Query<LeadingQuery>, QueryRejection>,
) -> Result<Json<CheckTable>, Problem> {
    let table = |trace: &mut Trace, limit: usize| {
        let (to_beat, others): (Vec<_>, Vec<_>) =
            trace.ranked().into_iter().partition(|row| row.is_incumbent);
        let measured = others.into_iter().filter(|row| row.episodes > 0).take(limit);
        let candidates: Vec<CandidateRow> = to_beat.into_iter().chain(measured).collect();
        CheckTable { checks: trace.checks(&candidates), candidates }
    };
    leading(&served, &id, query, table).await
}

/// Candidates and what they are made of.
#[derive(Serialize, ToSchema)]
pub(super) struct Family {
    /// In the order in which they came, the pack to beat first; all parents of each are among them.
    candidates: Vec<CandidateRow>,
    /// All candidates of the run.
    total: usize,
}

/// Tell from which candidates the leading ones come.
#[utoipa::path(get, path = "/runs/{id}/lineage", operation_id = "lineage", tag = "results", params(("id" = String, Path), LeadingQuery), responses(
    (status = 200, body = Family),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn lineage(
    State(served): State<Arc<Served>>,
    Path(id): Path<String>,
    query: Result<Query<LeadingQuery>, QueryRejection>,
) -> Result<Json<Family>, Problem> {
    let family = |trace: &mut Trace, limit: usize| Family {
        candidates: trace.family(limit),
        total: trace.candidates.len(),
    };
    leading(&served, &id, query, family).await
}

/// Answers with what a run's trace says of so many leading candidates as the query asks for.
async fn leading<T: Send + 'static>(
    served: &Served,
    id: &str,
    query: Result<Query<LeadingQuery>, QueryRejection>,
    answer: impl FnOnce(&mut Trace, usize) -> T + Send + 'static,
) -> Result<Json<T>, Problem> {
    let limit = parameters(query)?.limit.clamp(1, LIMIT_MAX);
    let trace = served.trace(id).await?;
    Ok(Json(super::blocking(move || answer(&mut lock(&trace), limit)).await?))
}
