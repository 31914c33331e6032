//! The pinned OpenClaw and Node from the npm registry, in a folder of the user's cache, and the checks without
//! which no gateway is started.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The published version whose tool schemas and prompt are those of the benchmark's runtime.
pub const OPENCLAW_VERSION: &str = "2026.2.17";
/// The preload hook needs `module.registerHooks`.
const NODE_VERSION: &str = "22.23.3";
/// Dependencies of dependencies that the registry does not have in the version asked for. Neither is used here.
const OVERRIDES: &str = r#"{"libsignal": "6.0.0", "linkedom": "0.18.12"}"#;
/// What the preload hook replaces, and what shows that a file must have it.
const ANCHOR: &str = "function applyToolPolicyPipeline(params) {\n";
const SUSPECT: &str = "function createOpenClawCodingTools(";

/// An OpenClaw that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    pub folder: PathBuf,
    pub node: PathBuf,
}

/// Why there is no usable OpenClaw.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("OpenClaw {OPENCLAW_VERSION} is not installed in {0}; `optimize openclaw install` does it")]
    Absent(PathBuf),
    #[error("npm cannot be started ({0}); install Node.js with npm, which fetches the pinned versions")]
    NoNpm(io::Error),
    #[error("npm failed; is the registry reachable? {0}")]
    Npm(String),
    #[error("npm packages of Node are not made for {0}")]
    Platform(String),
    #[error("{folder} is not what it must be: {problem}; remove it and run `optimize openclaw install`")]
    Broken { folder: PathBuf, problem: String },
    #[error("{what} {path}: {error}")]
    Disk { what: &'static str, path: PathBuf, error: io::Error },
}

impl Installed {
    /// The folder of the package, which prompts name.
    pub(super) fn package(&self) -> PathBuf {
        self.folder.join("node_modules").join("openclaw")
    }

    /// Where Node keeps compiled scripts, which halves the time of a start.
    pub(super) fn compile_cache(&self) -> PathBuf {
        self.folder.join("compile-cache")
    }
}

/// Finds the installed OpenClaw in a cache folder and checks it.
pub fn find(cache: &Path) -> Result<Installed, InstallError> {
    let folder = place(cache);
    if !folder.is_dir() {
        return Err(InstallError::Absent(folder));
    }
    verified(folder)
}

/// Installs the pinned versions unless they are there already.
pub fn install(cache: &Path) -> Result<Installed, InstallError> {
    match find(cache) {
        Err(InstallError::Absent(_)) => {}
        other => return other,
    }
    let folder = place(cache);
    // Beside the final place, so that a cut-off installation is never taken for a whole one.
    let draft = folder.with_extension(format!("draft-{}", std::process::id()));
    let made = std::fs::create_dir_all(&draft);
    made.map_err(|error| InstallError::Disk { what: "create", path: draft.clone(), error })?;
    let installed = fetched(&draft).and_then(|()| {
        verified(draft.clone())?;
        let moved = std::fs::rename(&draft, &folder);
        moved.map_err(|error| InstallError::Disk {
            what: "move the installation to",
            path: folder.clone(),
            error,
        })
    });
    if installed.is_err() {
        let _ = std::fs::remove_dir_all(&draft);
        // Another process may have been faster.
        return find(cache).map_err(|_| installed.err().unwrap_or(InstallError::Absent(folder)));
    }
    verified(folder)
}

fn place(cache: &Path) -> PathBuf {
    cache.join("openclaw").join(format!("{OPENCLAW_VERSION}-node{NODE_VERSION}"))
}

fn fetched(folder: &Path) -> Result<(), InstallError> {
    let node = node_package()?;
    let package = format!(
        r#"{{"private": true, "dependencies": {{"openclaw": "{OPENCLAW_VERSION}", "{node}": "{NODE_VERSION}"}}, "overrides": {OVERRIDES}}}"#
    );
    let path = folder.join("package.json");
    std::fs::write(&path, package).map_err(|error| InstallError::Disk { what: "write", path, error })?;
    // Scripts of packages are not run: neither OpenClaw nor Node needs theirs.
    let ran = Command::new("npm")
        .args(["install", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(InstallError::NoNpm)?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("error")).take(6).collect();
    Err(InstallError::Npm(lines.join("; ")))
}

/// The package that holds Node's program for this machine.
fn node_package() -> Result<String, InstallError> {
    let system = match std::env::consts::OS {
        "linux" => "linux",
        "macos" => "darwin",
        other => return Err(InstallError::Platform(other.to_owned())),
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => return Err(InstallError::Platform(format!("{system} on {other}"))),
    };
    Ok(format!("node-{system}-{processor}"))
}

fn verified(folder: PathBuf) -> Result<Installed, InstallError> {
    let broken = |problem: String| InstallError::Broken { folder: folder.clone(), problem };
    let node = folder.join("node_modules").join(node_package()?).join("bin").join("node");
    let installed = Installed { folder: folder.clone(), node };
    let version =
        node_version(&installed.node).map_err(|error| broken(format!("node does not run: {error}")))?;
    if version != format!("v{NODE_VERSION}") {
        return Err(broken(format!("its node is {version}, not v{NODE_VERSION}")));
    }
    let version = package_version(&installed.package()).map_err(broken)?;
    if version != OPENCLAW_VERSION {
        return Err(broken(format!("its openclaw is {version}, not {OPENCLAW_VERSION}")));
    }
    check_anchors(&installed.package().join("dist")).map_err(broken)?;
    Ok(installed)
}

fn node_version(node: &Path) -> io::Result<String> {
    let ran = Command::new(node).arg("--version").stdin(Stdio::null()).output()?;
    Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned())
}

fn package_version(package: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(package.join("package.json")).map_err(|error| error.to_string())?;
    let document: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    document["version"].as_str().map(str::to_owned).ok_or_else(|| "its package has no version".to_owned())
}

/// Wherever tools are put together, the preload hook must find its place exactly once: without it the model's
/// commands would run on this machine.
fn check_anchors(dist: &Path) -> Result<(), String> {
    let mut suspects = 0;
    let entries =
        std::fs::read_dir(dist).map_err(|error| format!("its dist folder cannot be read: {error}"))?;
    for entry in entries.flatten().filter(|entry| entry.path().extension().is_some_and(|end| end == "js")) {
        let text = std::fs::read_to_string(entry.path()).map_err(|error| error.to_string())?;
        if text.contains(SUSPECT) {
            suspects += 1;
            let places = text.matches(ANCHOR).count();
            if places != 1 {
                let name = entry.file_name();
                return Err(format!("{name:?} has {places} places where tools can be replaced, not one"));
            }
        }
    }
    if suspects == 0 { Err("no file of it puts tools together".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_put_tools_together_must_have_the_anchor() {
        let folder = tempfile::tempdir().unwrap();
        let check = |text: &str, expected: bool| {
            std::fs::write(folder.path().join("a.js"), text).unwrap();
            assert_eq!(check_anchors(folder.path()).is_ok(), expected, "{text}");
        };
        check("nothing", false);
        check("function createOpenClawCodingTools(options) {}", false);
        let whole = format!("{ANCHOR}}}\nfunction createOpenClawCodingTools(options) {{}}");
        check(&whole, true);
        check(&format!("{whole}{ANCHOR}"), false);
    }

    #[test]
    fn the_hook_and_the_check_look_for_the_same() {
        let hook = include_str!("embedded/preload.mjs");
        let quoted = |text: &str| hook.contains(&format!("\"{}\"", text.replace('\n', "\\n")));
        assert!(quoted(ANCHOR) && quoted(SUSPECT));
    }

    #[test]
    fn an_absent_installation_says_what_to_do() {
        let cache = tempfile::tempdir().unwrap();
        let error = find(cache.path()).unwrap_err().to_string();
        assert!(error.contains("optimize openclaw install"), "{error}");
    }
}
