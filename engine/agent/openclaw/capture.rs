//! Capturing a prompt profile: a scripted model is asked by a real gateway, and what it was sent becomes the
//! wording with which the built-in agent asks. What differs from run to run becomes a slot.

use crate::agent::builtin::Limits;
use crate::agent::openclaw::{Installed, OPENCLAW_VERSION, OpenClaw, Settings};
use crate::agent::prompt::{Part, PromptProfile, ToolEntry, ToolSummary};
use crate::agent::{Agent, Task};
use crate::episode::{Message, Outcome};
use crate::llm::scripted::Scripted;
use crate::llm::{Finish, Reply, Request, ToolSchema};
use crate::pack::{Pack, PackMetadata};
use crate::scenario::Scenario;
use crate::units::Seed;
use crate::world::WORKSPACE_PATH;
use anyhow::{Context, ensure};
use regex::Regex;
use std::sync::Arc;

const MODEL: &str = "packwright/capture";
const POLICY: &str = "The policy of the capture.";
const CONTEXT_HEADING: &str = "# Project Context";
const AFTER_CONTEXT: &str = "## Silent Replies";
const CHANGED: &str = "the gateway's prompt has changed its form";

/// What a gateway showed.
struct Shown {
    /// The first request in a workspace that holds nothing but a policy.
    bare: Request,
    /// What `session_status` answered there.
    status: String,
    /// The answer of an agent that said nothing.
    no_response: String,
    /// What an answer begins with when the provider withheld its end.
    withheld: String,
    /// The first request with a policy that is too long, in the scenario's own workspace.
    long: Request,
}

/// Lets a gateway ask a scripted model, and reads its wording off the requests. The scenario lends its
/// workspace; nothing of it enters the profile.
pub async fn capture(
    installed: Installed,
    limits: Limits,
    scenario: &Scenario,
) -> anyhow::Result<PromptProfile> {
    let mut prompt = PromptProfile::default();
    // The gateway's own answer is wanted.
    prompt.session_status.clear();
    let settings = Settings { installed, workers: 1, limits, prompt };
    let mut bare = scenario.clone();
    bare.workspace.clear();
    bare.tools.extend(settings.prompt.optional_tools.clone());
    let status_then_nothing = [Reply::calls("", &[("session_status", "{}")]), Reply::says("")];
    let (requests, no_response) = asked(&settings, bare, POLICY, status_then_nothing.to_vec()).await?;
    let [first, second] = &requests[..] else {
        anyhow::bail!("the gateway asked {} times, not twice", requests.len());
    };
    let status = match second.messages.last() {
        Some(Message::ToolResult(result)) => result.content.clone(),
        _ => anyhow::bail!("the gateway did not give back what session_status answered"),
    };
    let policy = long_policy(limits.file_utf16_max as usize);
    let (requests, _) = asked(&settings, scenario.clone(), &policy, vec![Reply::says("Done.")]).await?;
    let long = requests.first().context("the gateway asked nothing")?.clone();
    let nothing = Reply { finish: Finish::Refused, ..Reply::says("") };
    let (_, withheld) = asked(&settings, scenario.clone(), POLICY, vec![nothing]).await?;
    let shown = Shown { bare: first.clone(), status, no_response, withheld, long };
    profile(&shown, limits.file_utf16_max as usize)
}

/// The requests that a gateway makes of a script, and what it answers in the end.
async fn asked(
    settings: &Settings,
    scenario: Scenario,
    policy: &str,
    script: Vec<Reply>,
) -> anyhow::Result<(Vec<Request>, String)> {
    let model = Arc::new(Scripted::in_turn(script.into_iter().map(Ok)).named(MODEL));
    let agent = OpenClaw::new(model.clone(), settings.clone()).await?;
    let pack = Arc::new(Pack::of_policy(policy, &PackMetadata::default()));
    let episode = agent
        .attempt(&Task { scenario: Arc::new(scenario), pack, persona: None, seed: Seed(0), repeat: 0 })
        .await;
    ensure!(episode.outcome == Outcome::Finished, "the episode did not finish: {:?}", episode.outcome);
    Ok((model.requests(), episode.response))
}

/// A policy of one unit more than is shown whole; its head and its tail tell themselves apart.
fn long_policy(limit: usize) -> String {
    let head = limit * 7 / 10;
    format!("{}{}", "h".repeat(head), "t".repeat(limit + 1 - head))
}

fn profile(shown: &Shown, file_limit: usize) -> anyhow::Result<PromptProfile> {
    let base = PromptProfile::default();
    let system = slotted(&shown.bare.system, &base.timezone)?;
    let (before, context, after) = in_three(&system)?;
    let (intro, tool_list, rest) = around_tools(before, &shown.bare.tools)?;
    let (heading, files) = context_parts(context);
    let persona_line = heading.iter().find(|line| line.contains("SOUL.md")).context(CHANGED)?.clone();
    let long_files = context_parts(in_three(&shown.long.system)?.1).1;
    let file = |files: &[(String, String)], name: &str| {
        files.iter().find(|(known, _)| known == name).map(|(_, text)| text.clone())
    };
    let missing = file(&long_files, "BOOTSTRAP.md").context("a missing file was not mentioned")?;
    let cut = file(&long_files, "AGENTS.md").context("the policy was not shown")?;
    let seeded = files.iter().filter(|(name, _)| name != "AGENTS.md");
    let lines = |text: &str| Part::Lines(vec![text.to_owned()]);
    let (rest, bootstrap_note, rest_after_note) =
        around_note(rest, &slotted(&shown.long.system, &base.timezone)?)?;
    Ok(PromptProfile {
        name: format!("openclaw-{OPENCLAW_VERSION}"),
        about: format!("Captured from the requests of OpenClaw {OPENCLAW_VERSION}; its words, not ours."),
        prompt: vec![
            lines(intro),
            Part::ToolList,
            lines(rest),
            Part::BootstrapNote,
            lines(rest_after_note),
            Part::ProjectContext,
            lines(after),
        ],
        bootstrap_note: bootstrap_note.to_owned(),
        context_heading: heading.into_iter().filter(|line| *line != persona_line).collect(),
        persona_line,
        tool_list,
        tools: shown.bare.tools.iter().map(tool_entry).collect(),
        session_status: status_lines(&shown.status)?,
        seeded: seeded.map(|(name, text)| (name.clone(), vec![text.clone()])).collect(),
        missing_file: missing.replace(&format!("{WORKSPACE_PATH}/BOOTSTRAP.md"), "{path}"),
        cut_mark: vec![cut_mark(&cut, file_limit)?],
        no_response: shown.no_response.clone(),
        withheld: shown.withheld.clone(),
        ..base
    })
}

/// The prompt with slots for what the builtin agent fills in.
fn slotted(system: &str, timezone: &str) -> anyhow::Result<String> {
    for slot in ["{workspace}", "{timezone}", "{model}"] {
        ensure!(!system.contains(slot), "the gateway's prompt holds {slot} itself");
    }
    let zone = format!("Time zone: {timezone}");
    Ok(system.replace(MODEL, "{model}").replace(&zone, "Time zone: {timezone}"))
}

/// What stands before the workspace files, these, and what follows.
fn in_three(system: &str) -> anyhow::Result<(&str, &str, &str)> {
    let start = system.find(&format!("\n{CONTEXT_HEADING}\n")).context(CHANGED)?;
    let end = system.rfind(&format!("\n{AFTER_CONTEXT}\n")).context(CHANGED)?;
    ensure!(start < end, CHANGED);
    Ok((&system[..start], &system[start + 1..end], &system[end + 1..]))
}

fn around_tools<'a>(
    before: &'a str,
    tools: &[ToolSchema],
) -> anyhow::Result<(&'a str, Vec<ToolSummary>, &'a str)> {
    let is_listed = |line: &&str| tools.iter().any(|tool| line.starts_with(&format!("- {}: ", tool.name)));
    let first = before.lines().find(is_listed).context(CHANGED)?;
    let start = before.find(&format!("\n{first}\n")).context(CHANGED)?;
    let listed: Vec<&str> = before[start + 1..].lines().take_while(is_listed).collect();
    ensure!(listed.len() == tools.len(), "the prompt lists {} of {} tools", listed.len(), tools.len());
    let end = start + 1 + listed.iter().map(|line| line.len() + 1).sum::<usize>();
    let summaries = listed.iter().filter_map(|line| {
        let (name, summary) = line.strip_prefix("- ")?.split_once(": ")?;
        Some(ToolSummary { name: name.to_owned(), summary: summary.to_owned() })
    });
    Ok((&before[..start], summaries.collect(), &before[end..]))
}

/// The line that stands only where nobody has greeted the user yet, and what is around it.
fn around_note<'a>(bare: &'a str, usual: &str) -> anyhow::Result<(&'a str, &'a str, &'a str)> {
    let new: Vec<&str> = bare.lines().filter(|line| !line.is_empty() && !usual.contains(line)).collect();
    let [note] = new[..] else {
        anyhow::bail!("an untouched workspace changes {} lines of the prompt, not one", new.len());
    };
    bare.split_once(&format!("\n{note}\n")).map(|(before, after)| (before, note, after)).context(CHANGED)
}

/// The heading's lines, and the files by name.
fn context_parts(context: &str) -> (Vec<String>, Vec<(String, String)>) {
    let mark = format!("\n## {WORKSPACE_PATH}/");
    let mut parts = context.split(&mark);
    let heading = parts.next().unwrap_or_default().lines().map(str::to_owned).collect();
    let file = |part: &str| {
        let (name, text) = part.split_once('\n').unwrap_or((part, ""));
        (name.to_owned(), text.to_owned())
    };
    (heading, parts.map(file).collect())
}

fn cut_mark(shown: &str, limit: usize) -> anyhow::Result<String> {
    let (head, tail) = (limit * 7 / 10, limit * 2 / 10);
    let mark = shown.trim_start_matches('h').trim_end_matches('t');
    let is_cut =
        shown.len() == head + mark.len() + tail && mark.starts_with("\n\n") && mark.ends_with("\n\n");
    ensure!(is_cut, "a policy that is too long is cut in another way");
    let mark = mark.trim_matches('\n').replace("AGENTS.md", "{name}");
    let numbers = [(limit + 1, "{total}"), (head, "{head}"), (tail, "{tail}")];
    Ok(numbers.iter().fold(mark, |mark, (number, slot)| mark.replace(&number.to_string(), slot)))
}

/// The gateway's card, with slots for the time, the model, and what belongs to one gateway.
fn status_lines(card: &str) -> anyhow::Result<Vec<String>> {
    let slots = [
        (r"Time: .+? \(UTC\)", "Time: {moment} ({timezone})"),
        (r"engine/model", "{model}"),
        (r"api-key \S+", "api-key none…none"),
        (r"agent:main:\S+", "agent:main:main"),
    ];
    let mut text = card.to_owned();
    for (pattern, slot) in slots {
        let pattern = Regex::new(pattern)?;
        ensure!(pattern.is_match(&text), "what session_status answers has changed its form: {card}");
        text = pattern.replace_all(&text, slot).into_owned();
    }
    Ok(text.lines().map(str::to_owned).collect())
}

fn tool_entry(tool: &ToolSchema) -> ToolEntry {
    ToolEntry {
        name: tool.name.clone(),
        description: tool.description.clone(),
        parameters: tool.parameters.clone(),
    }
}
