//! A policy pack in the OPP v1 format: text files, first of all `AGENTS.md`, with a tool policy and metadata.
//!
//! The validators hash and measure the canonical form: Python's default JSON with sorted keys. Two packs with
//! the same canonical form are the same pack, however their files are formatted. A candidate of a search is a
//! pack; where it came from is the search's business.

mod digits;
mod schema;
mod similarity;
mod warning;

use crate::units::{PackHash, sha256_hex};
use crate::value::{JsonError, Value, parse};

pub use schema::{PackIssue, PolicyList};
pub use similarity::{Similarity, normalized};
pub use warning::PackWarning;
pub(crate) use warning::{is_plain_document, is_plain_path};

/// The file that holds the policy.
pub const AGENTS_MD: &str = "AGENTS.md";

/// The file that tells whom the agent works for. It is the scenario's, never the pack's.
const USER_MD: &str = "USER.md";

/// The longest canonical form that validators accept, in bytes.
pub const PACK_SIZE_MAX: usize = 32_768;

/// A policy pack: its document, canonical form and hash.
///
/// The fields are private because they must agree, and because every pack holds an `AGENTS.md`.
#[derive(Clone, Debug)]
pub struct Pack {
    document: Value,
    canonical: String,
    hash: PackHash,
}

/// What a pack says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackMetadata {
    pub pack_name: String,
    /// Three numbers with dots between, for example `1.0.0`.
    pub pack_version: String,
    pub target_suite: String,
}

impl Default for PackMetadata {
    fn default() -> PackMetadata {
        PackMetadata {
            pack_name: "packwright".into(),
            pack_version: "1.0.0".into(),
            target_suite: "clawbench_v1".into(),
        }
    }
}

impl Pack {
    /// Reads the text of a `pack.json`; fails with everything that is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Pack, Vec<PackIssue>> {
        let document = read_document(bytes).map_err(|e| vec![PackIssue::NotJson(e)])?;
        let issues = schema::issues(&document);
        if issues.is_empty() { Ok(Pack::of_document(document)) } else { Err(issues) }
    }

    /// Builds a pack around a policy, with the tools that ClawBench offers.
    ///
    /// The result may break the rules where its parts do, by a policy that is too long or a version that is
    /// none: `issues` tells.
    pub fn of_policy(agents_md: &str, metadata: &PackMetadata) -> Pack {
        let names = |names: &[&str]| Value::List(names.iter().map(|name| Value::from(*name)).collect());
        Pack::of_document(Value::object([
            ("schema_version", Value::Int(1)),
            ("files", Value::object([(AGENTS_MD, Value::from(agents_md))])),
            (
                "tool_policy",
                Value::object([
                    ("allow", names(&["exec", "slack", "memory_search", "memory_get", "read"])),
                    ("deny", names(&["admin_*", "shell"])),
                ]),
            ),
            (
                "metadata",
                Value::object([
                    ("pack_name", Value::from(metadata.pack_name.as_str())),
                    ("pack_version", Value::from(metadata.pack_version.as_str())),
                    ("target_suite", Value::from(metadata.target_suite.as_str())),
                ]),
            ),
        ]))
    }

    /// Returns the same pack with another policy; `issues` tells whether it became too long.
    pub fn with_policy(&self, agents_md: &str) -> Pack {
        self.with_file(AGENTS_MD, agents_md)
    }

    /// Returns the same pack with one more file, or another text in it.
    pub fn with_file(&self, name: &str, text: &str) -> Pack {
        let mut document = self.document.clone();
        if let Value::Map(fields) = &mut document
            && let Some(Value::Map(files)) = fields.get_mut("files")
        {
            files.insert(name.to_owned(), Value::from(text));
        }
        Pack::of_document(document)
    }

    /// The policy.
    pub fn agents_md(&self) -> &str {
        self.file(AGENTS_MD).expect("a pack is only built from a document that has an AGENTS.md")
    }

    /// The text of one file.
    pub fn file(&self, name: &str) -> Option<&str> {
        self.document.get("files")?.get(name)?.as_str()
    }

    /// The files, name and text, in the order of the document.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self.document.get("files").and_then(Value::as_map);
        files.into_iter().flatten().filter_map(|(name, text)| Some((name.as_str(), text.as_str()?)))
    }

    /// Whether a file of the pack would hide the scenario's user from the agent.
    pub fn brings_user_md(&self) -> bool {
        self.files().any(|(name, _)| warning::is_user_md(name))
    }

    /// The SHA-256 of the canonical form.
    pub fn hash(&self) -> &PackHash {
        &self.hash
    }

    /// The form over which the hash is taken: ASCII JSON with sorted keys, on one line.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The length of the canonical form in bytes, which validators limit.
    pub fn size(&self) -> usize {
        self.canonical.len()
    }

    /// The pack as it was read.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The text for a `pack.json` on disk: sorted, indented, and of the same hash when read again.
    ///
    /// It is ASCII, so that no reader's choice of encoding can change the hash.
    pub fn pretty_json(&self) -> String {
        self.document.dumps_sorted_indented() + "\n"
    }

    /// Everything that would make validators refuse the pack; empty for every pack that was read.
    pub fn issues(&self) -> Vec<PackIssue> {
        schema::issues(&self.document)
    }

    /// What validators accept but an agent would not see as it was meant.
    pub fn warnings(&self, file_utf16_max: u32, total_utf16_max: u32) -> Vec<PackWarning> {
        warning::warnings(self, file_utf16_max as usize, total_utf16_max as usize)
    }

    fn of_document(document: Value) -> Pack {
        let canonical = document.dumps_sorted();
        let hash = PackHash(sha256_hex(canonical.as_bytes()));
        Pack { document, canonical, hash }
    }
}

/// Packs are equal when their canonical forms are.
impl PartialEq for Pack {
    fn eq(&self, other: &Pack) -> bool {
        self.canonical == other.canonical
    }
}

impl Eq for Pack {}

fn read_document(bytes: &[u8]) -> Result<Value, JsonError> {
    if bytes.starts_with("\u{feff}".as_bytes()) {
        let problem = "a byte order mark before the document: save the file as UTF-8 without one".to_owned();
        return Err(JsonError { problem, line: 1, column: 1, offset: 0 });
    }
    parse(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_built_pack_keeps_the_rules() {
        let pack = Pack::of_policy("# Rules\nAsk before acting.\n", &PackMetadata::default());
        assert_eq!(pack.issues(), []);
        assert_eq!(pack.agents_md(), "# Rules\nAsk before acting.\n");
        assert_eq!(pack.files().count(), 1);
    }

    #[test]
    fn a_new_policy_keeps_everything_else() {
        let text = r#"{"x": [1.0], "files": {"SOUL.md": "calm", "AGENTS.md": "a"}, "tool_policy": {},
            "metadata": {"pack_name": 1, "pack_version": "0.0.1", "target_suite": null}, "schema_version": 1}"#;
        let pack = Pack::read(text.as_bytes()).unwrap().with_policy("é\n");
        let files: Vec<_> = pack.files().collect();
        assert_eq!(files, [("SOUL.md", "calm"), ("AGENTS.md", "é\n")]);
        assert_eq!(pack.document().get("x").unwrap().dumps(), "[1.0]");
    }

    #[test]
    fn the_text_on_disk_reads_back_to_the_same_pack() {
        let pack = Pack::of_policy("é 🚀 \u{7f}\u{2028}\"\\\r\n\t", &PackMetadata::default());
        let text = pack.pretty_json();
        assert!(text.is_ascii() && text.ends_with("}\n") && text.contains("\n    \"AGENTS.md\": "));
        assert_eq!(Pack::read(text.as_bytes()).unwrap().hash(), pack.hash());
    }

    #[test]
    fn a_policy_that_is_too_long_is_told() {
        let pack = Pack::of_policy("", &PackMetadata::default());
        let fits = pack.with_policy(&"a".repeat(PACK_SIZE_MAX - pack.size()));
        assert_eq!(fits.issues(), []);
        let over = pack.with_policy(&"a".repeat(PACK_SIZE_MAX - pack.size() + 1));
        assert_eq!(over.issues()[0].code(), "TOO_LARGE:32769");
    }

    #[test]
    fn what_no_text_can_hold_is_refused_with_its_place() {
        let check = |text: &str, expected: &str| {
            let issues = Pack::read(text.as_bytes()).unwrap_err();
            assert_eq!(issues.iter().map(PackIssue::to_string).collect::<Vec<_>>(), [expected]);
        };
        check(
            "{\"files\":\n {\"AGENTS.md\": \"\\ud800\"}}",
            "the pack is invalid JSON at line 2 column 17: half of a surrogate pair, which no text can hold",
        );
        check(
            "\u{feff}{}",
            "the pack is invalid JSON at line 1 column 1: \
             a byte order mark before the document: save the file as UTF-8 without one",
        );
    }
}
