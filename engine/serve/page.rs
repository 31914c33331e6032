//! The page: one document, its style and its scripts, all inside of the program. Scripts and styles are files of this
//! server, so the content security policy needs no exception.

use super::is_known;
use super::problem::Problem;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const INDEX: &str = include_str!("page/index.html");
const LOGIN: &str = include_str!("page/login.html");
const CHARTS: &str = include_str!("../report/page/echarts/echarts.min.js");
/// The style of the report, and what only this page has.
const STYLE: [&str; 2] = [include_str!("../report/page/page.css"), include_str!("page/serve.css")];
/// The page's script, part by part in the order of loading; what builds elements and charts is the report's.
const SCRIPT: [&str; 8] = [
    "\"use strict\";\n",
    include_str!("../report/page/build.js"),
    include_str!("../report/page/charts.js"),
    include_str!("page/ask.js"),
    include_str!("page/list.js"),
    include_str!("page/run.js"),
    include_str!("page/control.js"),
    include_str!("page/start.js"),
];

/// A file that the page loads.
struct Asset {
    kind: &'static str,
    content: String,
    tag: String,
}

impl Asset {
    fn of(kind: &'static str, content: String) -> Asset {
        let digest = Sha256::digest(content.as_bytes());
        let tag: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Asset { kind, tag: format!("\"{tag}\""), content }
    }
}

static ASSETS: LazyLock<[(&'static str, Asset); 3]> = LazyLock::new(|| {
    let script = "text/javascript; charset=utf-8";
    [
        ("page.css", Asset::of("text/css; charset=utf-8", STYLE.concat())),
        ("page.js", Asset::of(script, SCRIPT.join("\n"))),
        ("charts.js", Asset::of(script, CHARTS.to_owned())),
    ]
});

/// The page itself; the views in it are drawn from the API.
pub(super) async fn index() -> Html<&'static str> {
    Html(INDEX)
}

/// The page that asks for the token; `problem` is one of ours and needs no escaping.
pub(super) fn login(problem: Option<&'static str>) -> Html<String> {
    let told =
        problem.map_or(String::new(), |problem| format!("<p class=\"problem\" role=\"alert\">{problem}</p>"));
    Html(LOGIN.replace("<!-- problem -->", &told))
}

/// One of the files of the page.
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some((_, asset)) = ASSETS.iter().find(|(known, _)| *known == name) else {
        return Problem::new(StatusCode::NOT_FOUND, "the page has no such file").into_response();
    };
    let usual = [(header::ETAG, asset.tag.as_str()), (header::CACHE_CONTROL, "no-cache")];
    if is_known(&headers, &asset.tag) {
        return (StatusCode::NOT_MODIFIED, usual).into_response();
    }
    (usual, [(header::CONTENT_TYPE, asset.kind)], asset.content.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_nothing_that_its_policy_forbids() {
        for html in [INDEX, LOGIN] {
            for wrong in ["<style", " style=", " onclick=", "javascript:", "http:", "https:"] {
                assert!(!html.contains(wrong), "{wrong}");
            }
            assert_eq!(html.matches("<script").count(), html.matches("<script src=\"/assets/").count());
        }
        let script = SCRIPT.join("\n");
        for wrong in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"]
        {
            assert!(!script.contains(wrong), "{wrong}");
        }
    }
}
