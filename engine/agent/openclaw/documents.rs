//! What may lie in a gateway's workspace: documents, and nothing else.
//!
//! OpenClaw's agent loads extensions, hooks and settings from its workspace and runs them on this machine, so a
//! pack or a suite could bring a program of its own. Whoever holds `Documents` knows that none is among them.

use crate::agent::Task;
use crate::agent::bootstrap::workspace;
use crate::pack::{Pack, is_plain_document, is_plain_path};
use crate::scenario::{Entry, Folder, Suite};
use std::path::Path;

/// The files of an episode's workspace, all of them documents.
pub(super) struct Documents(Folder);

impl Documents {
    /// The workspace of an episode; fails with the file that is no document.
    pub fn of(task: &Task) -> Result<Documents, String> {
        let folder = workspace(task);
        let is_file = |entry: &Entry| matches!(entry, Entry::File(_));
        let files = folder.iter().filter(|(_, entry)| is_file(entry));
        let other = files.map(|(path, _)| path).find(|path| !is_plain_document(path));
        other.map_or(Ok(()), |path| Err(refusal(path)))?;
        Ok(Documents(folder))
    }

    /// Fills a workspace with these files and nothing else.
    pub fn lay_out(&self, workspace: &Path) -> std::io::Result<()> {
        std::fs::remove_dir_all(workspace)?;
        std::fs::create_dir(workspace)?;
        for (path, entry) in self.0.iter() {
            // Folders come with their files, and only fixtures have links.
            let Entry::File(bytes) = entry else { continue };
            let place = workspace.join(path);
            std::fs::create_dir_all(place.parent().unwrap_or(workspace))?;
            std::fs::write(&place, bytes)?;
        }
        Ok(())
    }
}

/// Tells what a pack or a suite brings that no gateway may have in its workspace, before anything is started.
pub fn refuse_programs(pack: &Pack, suite: &Suite) -> Result<(), String> {
    let others = pack.files().map(|(name, _)| name).filter(|name| is_plain_path(name));
    let of_pack = others.filter(|name| !is_plain_document(name)).map(refusal).next();
    of_pack.or_else(|| programs_in(suite).into_iter().next()).map_or(Ok(()), Err)
}

/// Tells of each file that a suite puts into workspaces and no gateway may have there.
pub fn programs_in(suite: &Suite) -> Vec<String> {
    let names = suite.scenarios.iter().flat_map(|scenario| scenario.workspace.keys());
    let mut others: Vec<&str> = names.map(String::as_str).filter(|name| is_plain_path(name)).collect();
    others.retain(|name| !is_plain_document(name));
    others.sort_unstable();
    others.dedup();
    others.into_iter().map(refusal).collect()
}

fn refusal(path: &str) -> String {
    format!(
        "{path:?} is not a plain document, and OpenClaw might run it on this machine: rename it to a name like \
         notes.md, remove it, or use the built-in agent"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::PackMetadata;
    use crate::units::Seed;
    use crate::workspace::{SuiteSource, load_suite};
    use std::sync::Arc;

    #[test]
    fn a_program_is_refused_before_it_is_written() {
        let suite = load_suite(&SuiteSource::Embedded).unwrap().suite;
        let scenario = &suite.scenarios[0];
        let check = |in_pack: Option<&str>, in_suite: Option<&str>, expected: bool| {
            let pack = Pack::of_policy("Be brief.", &PackMetadata::default());
            let pack = in_pack.map_or(pack.clone(), |name| pack.with_file(name, "x"));
            let mut scenario = scenario.as_ref().clone();
            let source = scenario.workspace.values().next().cloned().unwrap();
            scenario.workspace.extend(in_suite.map(|name| (name.to_owned(), source)));
            let mut suite = suite.clone();
            suite.scenarios[0] = Arc::new(scenario.clone());
            assert_eq!(refuse_programs(&pack, &suite).is_ok(), expected, "{in_pack:?} {in_suite:?}");
            let (scenario, pack) = (Arc::new(scenario), Arc::new(pack));
            let task = Task { scenario, pack, persona: None, seed: Seed(0), repeat: 0 };
            assert_eq!(Documents::of(&task).is_ok(), expected, "{in_pack:?} {in_suite:?}");
        };
        check(None, None, true);
        check(Some("notes/a.md"), Some("memory/b.md"), true);
        check(Some(".pi/extensions/evil.ts"), None, false);
        check(None, Some(".pi/settings.json"), false);
        // Never written at all.
        check(Some("../evil.ts"), None, true);
    }

    #[test]
    fn a_workspace_holds_these_files_and_no_others() {
        let place = tempfile::tempdir().unwrap();
        let workspace = place.path().join("workspace");
        std::fs::create_dir_all(workspace.join(".pi/extensions")).unwrap();
        let mut folder = Folder::default();
        folder.insert_text("memory/a.md", "a");
        Documents(folder).lay_out(&workspace).unwrap();
        assert_eq!(std::fs::read_to_string(workspace.join("memory/a.md")).unwrap(), "a");
        assert!(!workspace.join(".pi").exists());
    }
}
