//! The routes, and the document that describes them: both are made of the same list.

use super::guard::guard;
use super::problem::Problem;
use super::{Served, act, episodes, leading, page, reports, runs, session, start, stream};
use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde::Serialize;
use std::sync::Arc;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{InfoBuilder, OpenApi, RefOr};
use utoipa::{OpenApi as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// No request needs more.
const BODY_BYTES_MAX: usize = 64 * 1024;

#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(episodes::Order, reports::ReportFile)), tags(
    (name = "server", description = "The server itself"),
    (name = "runs", description = "Runs, and new ones"),
    (name = "control", description = "What a run may be told"),
    (name = "results", description = "What a run came to"),
    (name = "live", description = "Changes as they come"),
))]
struct Document;

/// Everything that is answered.
pub(super) fn router(served: Arc<Served>) -> Router {
    let (routes, document) = OpenApiRouter::<Arc<Served>>::with_openapi(Document::openapi())
        .nest("/api/v1", described())
        .split_for_parts();
    routes
        .route("/", get(page::index))
        .route("/login", get(session::login_page))
        .route("/api/v1/session", axum::routing::post(session::login))
        .route("/assets/{name}", get(page::asset))
        .fallback(missing)
        .method_not_allowed_fallback(wrong_method)
        .layer(Extension(Arc::new(described_by(document))))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(served.clone(), guard))
        .with_state(served)
}

fn described() -> OpenApiRouter<Arc<Served>> {
    OpenApiRouter::new()
        .routes(routes!(document))
        .routes(routes!(about))
        .routes(routes!(session::logout))
        .routes(routes!(runs::list, start::start))
        .routes(routes!(start::estimate))
        .routes(routes!(stream::list))
        .routes(routes!(runs::detail))
        .routes(routes!(stream::run))
        .routes(routes!(act::pause))
        .routes(routes!(act::resume))
        .routes(routes!(act::stop))
        .routes(routes!(act::tune))
        .routes(routes!(runs::candidates))
        .routes(routes!(leading::checks))
        .routes(routes!(leading::lineage))
        .routes(routes!(runs::log))
        .routes(routes!(episodes::list))
        .routes(routes!(episodes::csv))
        .routes(routes!(episodes::jsonl))
        .routes(routes!(episodes::detail))
        .routes(routes!(reports::report))
        .routes(routes!(reports::transcripts))
}

/// The document with what the routes do not say of themselves.
fn described_by(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Packwright runs")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Runs of `optimize serve`. Errors are problem details (RFC 9457) that say how they are mended. Whatever was \
             not measured is null. A server that wants a token wants it in every request. Any request may be answered \
             with 401 (token), 403 (Host, Origin) or 429 (too many requests).",
        ))
        .license(Some(utoipa::openapi::LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
        .build();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(bearer.build()));
    describe_answers(&mut document);
    let none: [&str; 0] = [];
    // On this machine itself no token may be wanted.
    document.security = Some(vec![SecurityRequirement::default(), SecurityRequirement::new("token", none)]);
    document
}

/// Says of answers without words what their status says.
fn describe_answers(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.delete];
        for (status, answer) in operations.into_iter().flatten().flat_map(|it| &mut it.responses.responses) {
            let words =
                status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok()?.canonical_reason());
            if let (RefOr::T(answer), Some(words)) = (answer, words)
                && answer.description.is_empty()
            {
                answer.description = words.to_owned();
            }
        }
    }
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "server", responses(
    (status = 200, description = "An OpenAPI document", body = Object),
))]
async fn document(Extension(document): Extension<Arc<OpenApi>>) -> Response {
    Json(document.as_ref()).into_response()
}

/// What the server is and does.
#[derive(Serialize, ToSchema)]
struct About {
    /// The version of the program.
    version: &'static str,
    /// Where runs are kept, as it was said when the server was started.
    runs: String,
    /// Nothing can be begun or changed.
    is_read_only: bool,
    /// A token was wanted and brought.
    wants_token: bool,
    /// Winners of runs that are begun here are pushed.
    may_push: bool,
    /// Options that every run from here has, without their values.
    given: Vec<String>,
    /// The names that `profile` may be.
    profiles: Vec<String>,
}

/// Tell what the server is and does.
#[utoipa::path(get, path = "/server", tag = "server", responses((status = 200, body = About)))]
async fn about(State(served): State<Arc<Served>>) -> Json<About> {
    let name =
        |word: &String| word.starts_with("--").then(|| word.split('=').next().unwrap_or_default().to_owned());
    Json(About {
        version: env!("CARGO_PKG_VERSION"),
        runs: served.program.runs.display().to_string(),
        is_read_only: served.guard.is_read_only,
        wants_token: served.guard.access.wants_token(),
        may_push: served.may_push,
        given: served.given.iter().filter_map(name).collect(),
        profiles: crate::score::Profile::names(),
    })
}

async fn missing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing here")
        .fix("/ is the page, and /api/v1/openapi.json says what the API has")
}

async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this cannot be done here")
        .fix("/api/v1/openapi.json says what can")
}
