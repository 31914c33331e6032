//! Which act of which session a request means. Paths that nobody knows, wrong methods and stray slashes are
//! answered as the reference's framework does.

use axum::http::Method;

/// The longest name of a session.
const SESSION_BYTES_MAX: usize = 200;

/// Where a request leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Act {
        session: &'a str,
        act: Act<'a>,
    },
    /// The end of a session.
    End {
        session: &'a str,
    },
    /// The path is known without its last slash, or with one more.
    Elsewhere {
        path: String,
    },
    WrongMethod {
        allowed: &'static str,
    },
    Missing,
}

/// What a session is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act<'a> {
    Health,
    Tools,
    ToolCalls,
    AllRequests,
    SetScenario(&'a str),
    SetUserContext,
    /// The tool's name, and the path as the record of requests shortens it.
    Call(&'a str),
}

/// Finds the route of a decoded path. The session at the root has no name.
pub(super) fn route<'a>(method: &Method, path: &'a str) -> Route<'a> {
    let Some((session, inside)) = session(path) else { return Route::Missing };
    if inside.is_empty() {
        return if method == Method::DELETE {
            Route::End { session }
        } else {
            Route::WrongMethod { allowed: "DELETE" }
        };
    }
    match act(inside) {
        Some((allowed, act)) if method.as_str() == allowed => Route::Act { session, act },
        Some((allowed, _)) => Route::WrongMethod { allowed },
        None => elsewhere(path, inside).map_or(Route::Missing, |path| Route::Elsewhere { path }),
    }
}

/// The session that a path names, and what follows; none where the name is no name.
fn session(path: &str) -> Option<(&str, &str)> {
    let Some(rest) = path.strip_prefix("/s/") else { return Some(("", path)) };
    let end = rest.find('/').unwrap_or(rest.len());
    let name = &rest[..end];
    let is_name = !name.is_empty()
        && name.len() <= SESSION_BYTES_MAX
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
    is_name.then_some((name, &rest[end..]))
}

fn act(path: &str) -> Option<(&'static str, Act<'_>)> {
    Some(match path {
        "/health" => ("GET", Act::Health),
        "/tools" => ("GET", Act::Tools),
        "/tool_calls" => ("GET", Act::ToolCalls),
        "/all_requests" => ("GET", Act::AllRequests),
        "/set_user_context" => ("POST", Act::SetUserContext),
        _ => {
            if let Some(tool) = path.strip_prefix("/tools/") {
                return Some(("POST", Act::Call(tool)));
            }
            let scenario = path.strip_prefix("/set_scenario/")?;
            let is_segment = !scenario.is_empty() && !scenario.contains('/');
            return is_segment.then_some(("POST", Act::SetScenario(scenario)));
        }
    })
}

fn elsewhere(path: &str, inside: &str) -> Option<String> {
    if inside == "/" {
        return None;
    }
    match inside.strip_suffix('/') {
        Some(shorter) => act(shorter).map(|_| path[..path.len() - 1].to_owned()),
        None => act(&format!("{inside}/")).map(|_| format!("{path}/")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_the_reference_leads_them() {
        let check = |method: Method, path: &str, expected: Route<'_>| {
            assert_eq!(route(&method, path), expected, "{method} {path}");
        };
        let root = |act| Route::Act { session: "", act };
        check(Method::GET, "/health", root(Act::Health));
        check(Method::POST, "/health", Route::WrongMethod { allowed: "GET" });
        check(Method::GET, "/health/", Route::Elsewhere { path: "/health".into() });
        check(Method::POST, "/tools/", root(Act::Call("")));
        check(Method::POST, "/tools/a/b", root(Act::Call("a/b")));
        check(Method::POST, "/tools", Route::WrongMethod { allowed: "GET" });
        check(Method::POST, "//tools/exec", Route::Missing);
        check(Method::POST, "/set_scenario/a", root(Act::SetScenario("a")));
        check(Method::POST, "/set_scenario/", Route::Missing);
        check(Method::POST, "/set_scenario/a/b", Route::Missing);
        check(Method::GET, "/", Route::Missing);
    }

    #[test]
    fn sessions_have_the_same_routes() {
        let check = |method: Method, path: &str, expected: Route<'_>| {
            assert_eq!(route(&method, path), expected, "{method} {path}");
        };
        check(Method::POST, "/s/a:1/tools/read", Route::Act { session: "a:1", act: Act::Call("read") });
        check(Method::DELETE, "/s/a", Route::End { session: "a" });
        check(Method::GET, "/s/a", Route::WrongMethod { allowed: "DELETE" });
        check(Method::GET, "/s/a/", Route::Missing);
        check(Method::GET, "/s/a/tools/", Route::WrongMethod { allowed: "POST" });
        check(Method::GET, "/s//health", Route::Missing);
        check(Method::GET, "/s/a b/health", Route::Missing);
        check(Method::GET, "/s/a/s/b/health", Route::Missing);
        check(Method::GET, &format!("/s/{}/health", "a".repeat(201)), Route::Missing);
    }
}
