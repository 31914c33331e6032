//! The workspace that an agent finds, and its files as the prompt shows them: trimmed, seeded where the runtime
//! would seed them, and cut where they are too long.

use crate::agent::Task;
use crate::agent::prompt::{ContextFile, PromptProfile};
use crate::pack::{AGENTS_MD, is_plain_path};
use crate::scenario::{Entry, Folder};
use crate::world::{Clock, WORKSPACE_PATH, World, fill_templates};

const BOOTSTRAP: &str = "BOOTSTRAP.md";
/// The files that tell who the user and the assistant are.
const PERSONAL: [&str; 2] = ["IDENTITY.md", "USER.md"];
/// When less than this is left, the files that follow are dropped.
const UTF16_LEFT_MIN: usize = 64;

/// The world of an attempt, as old as the newest message in it.
pub(super) fn world(task: &Task, profile: &PromptProfile) -> World {
    let scenario = &task.scenario;
    let start = Clock::of_newest_message(&scenario.fixtures).or_else(|| Clock::parse(&profile.start));
    let clock = start.unwrap_or(Clock { unix_s: 0 });
    let world = World::new(scenario.fixtures.clone(), workspace(task), task.user_context(), clock);
    world.with_fixtures_at(&format!("/fixtures/{}", scenario.name))
}

/// The pack's files, as far as their names are paths inside the workspace, and those of the scenario that the pack
/// does not bring itself. A persona is told at the head of the policy, where the limits count it.
pub(super) fn workspace(task: &Task) -> Folder {
    let mut folder = Folder::default();
    for (name, text) in task.pack.files().filter(|(name, _)| is_plain_path(name)) {
        folder.insert_text(name, text);
    }
    if let Some(persona) = &task.persona {
        folder.insert_text(AGENTS_MD, &(persona.preamble() + task.pack.agents_md()));
    }
    let (scenario, context) = (&task.scenario, task.user_context());
    for (destination, source) in scenario.workspace.iter().filter(|(name, _)| is_plain_path(name)) {
        let own = folder.file(destination);
        let Some(content) = own.or_else(|| scenario.fixtures.file(source)) else { continue };
        let content = match std::str::from_utf8(content) {
            Ok(text) if destination.ends_with(".md") => fill_templates(text, &context).into_bytes(),
            _ => content.to_vec(),
        };
        folder.insert(destination, Entry::File(content.into()));
    }
    folder
}

/// The files of a workspace for the prompt, within a limit for each and one for all, in UTF-16 units.
pub(super) fn context_files(
    workspace: &Folder,
    profile: &PromptProfile,
    file_utf16_max: usize,
    total_utf16_max: usize,
) -> Vec<ContextFile> {
    let mut files = Vec::new();
    let mut left = total_utf16_max;
    let optional = profile.files_if_present.iter().filter(|name| workspace.file(name).is_some());
    for name in profile.files.iter().chain(optional) {
        if left == 0 {
            break;
        }
        let path = format!("{WORKSPACE_PATH}/{name}");
        let content = match content(workspace, profile, name) {
            None => clamped(profile.missing_file.replace("{path}", &path), left),
            Some(_) if left < UTF16_LEFT_MIN => break,
            Some(text) => clamped(cut(&text, name, profile, file_utf16_max.min(left)), left),
        };
        if content.is_empty() {
            continue;
        }
        left = left.saturating_sub(utf16_len(&content));
        files.push(ContextFile { path, content });
    }
    files
}

/// A file's text without white space at its end; none where it is nowhere.
fn content(workspace: &Folder, profile: &PromptProfile, name: &str) -> Option<String> {
    match workspace.file(name) {
        Some(bytes) => Some(String::from_utf8_lossy(bytes).trim_end_matches(is_js_space).to_owned()),
        // The first greeting is only for a workspace that nobody has touched.
        None if name == BOOTSTRAP && PERSONAL.iter().any(|file| workspace.file(file).is_some()) => None,
        None => Some(profile.seeded.get(name)?.join("\n")),
    }
}

/// Keeps the head and the tail of a text that is too long, 70 and 20 percent of the limit.
fn cut(text: &str, name: &str, profile: &PromptProfile, utf16_max: usize) -> String {
    let total = utf16_len(text);
    if total <= utf16_max {
        return text.to_owned();
    }
    let (head, tail) = (utf16_max * 7 / 10, utf16_max * 2 / 10);
    let mark = profile.cut_mark.join("\n");
    let mark = mark.replace("{name}", name).replace("{head}", &head.to_string());
    let mark = mark.replace("{tail}", &tail.to_string()).replace("{total}", &total.to_string());
    format!("{}\n\n{mark}\n\n{}", utf16_head(text, head), utf16_tail(text, tail))
}

/// Ends a text that is longer than what is left with an ellipsis.
fn clamped(text: String, utf16_max: usize) -> String {
    if utf16_len(&text) <= utf16_max {
        return text;
    }
    if utf16_max <= 3 {
        return utf16_head(&text, utf16_max).to_owned();
    }
    format!("{}…", utf16_head(&text, utf16_max - 1))
}

pub(super) fn utf16_len(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(char::len_utf16).sum() }
}

/// The longest start of a text that fits, never half a character.
fn utf16_head(text: &str, utf16_max: usize) -> &str {
    let mut units = 0;
    let end = text.char_indices().find(|(_, character)| {
        units += character.len_utf16();
        units > utf16_max
    });
    end.map_or(text, |(at, _)| &text[..at])
}

fn utf16_tail(text: &str, utf16_max: usize) -> &str {
    let mut units = 0;
    let start = text.char_indices().rev().find(|(_, character)| {
        units += character.len_utf16();
        units > utf16_max
    });
    start.map_or(text, |(at, character)| &text[at + character.len_utf8()..])
}

/// What JavaScript's `trim` removes.
pub(super) fn is_js_space(character: char) -> bool {
    (character.is_whitespace() && character != '\u{85}') || character == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Path and content of the files that a workspace with these files gives.
    fn shown(files: &[(&str, &str)], file_max: usize, total_max: usize) -> Vec<(String, String)> {
        let mut folder = Folder::default();
        for (name, text) in files {
            folder.insert_text(name, text);
        }
        let shown = context_files(&folder, &PromptProfile::default(), file_max, total_max);
        shown.into_iter().map(|file| (file.path.replace("/workspace/", ""), file.content)).collect()
    }

    fn names(files: &[(String, String)]) -> String {
        files.iter().map(|(name, _)| name.trim_end_matches(".md")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn files_come_in_order_seeded_or_missing() {
        let files = shown(
            &[("AGENTS.md", "  rules\r\n\u{feff} \n"), ("MEMORY.md", "m"), ("other.md", "o")],
            99,
            9999,
        );
        assert_eq!(names(&files), "AGENTS SOUL TOOLS IDENTITY USER HEARTBEAT BOOTSTRAP MEMORY");
        assert_eq!(files[0].1, "  rules");
        assert_eq!(files[6].1, "[MISSING] Expected at: /workspace/BOOTSTRAP.md");
    }

    #[test]
    fn an_empty_file_is_left_out() {
        assert_eq!(
            names(&shown(&[("AGENTS.md", "a"), ("SOUL.md", " \n")], 99, 9999)),
            "AGENTS TOOLS IDENTITY USER HEARTBEAT BOOTSTRAP"
        );
    }

    #[test]
    fn a_long_file_loses_its_middle() {
        let whole = "a".repeat(20_000);
        assert_eq!(shown(&[("AGENTS.md", &whole)], 20_000, 24_000)[0].1, whole);
        let long = format!("{}{}", "h".repeat(14_000), "t".repeat(6_001));
        let cut = &shown(&[("AGENTS.md", &long)], 20_000, 24_000)[0].1;
        assert_eq!((cut.matches('h').count() >= 14_000, cut.ends_with(&"t".repeat(4_000))), (true, true));
        assert!(cut.contains("(kept 14000 + 4000 of 20001 characters)"), "{}", &cut[13_990..14_200]);
    }

    #[test]
    fn limits_count_utf16_units_and_split_no_character() {
        let rockets = "🚀".repeat(10_000);
        assert_eq!(shown(&[("AGENTS.md", &rockets)], 20_000, 24_000)[0].1, rockets);
        let odd = format!("x{rockets}");
        let cut = &shown(&[("AGENTS.md", &odd)], 20_000, 24_000)[0].1;
        assert!(cut.starts_with("x🚀") && cut.contains("of 20001"));
        assert_eq!(cut.matches('🚀').count(), 6_999 + 2_000);
    }

    #[test]
    fn the_total_drops_the_last_files() {
        let policy = "a".repeat(900);
        let files = shown(&[("AGENTS.md", &policy), ("SOUL.md", &"s".repeat(300))], 1_000, 1_000);
        assert_eq!(names(&files), "AGENTS SOUL");
        assert_eq!(utf16_len(&files[1].1), 100, "clamped to what was left");
        assert!(files[1].1.ends_with('…'));
        assert_eq!(names(&shown(&[("AGENTS.md", &policy)], 1_000, 950)), "AGENTS");
    }
}
