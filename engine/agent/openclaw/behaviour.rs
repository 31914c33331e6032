//! Scripted behaviours: what models do that agents must handle, from plain answers to broken calls. Each is
//! played through a gateway and through the built-in agent.

use crate::llm::{Finish, Reply};

/// A script for a model, and the policy beside it.
pub struct Behaviour {
    pub name: &'static str,
    pub policy: Policy,
    pub script: Vec<Reply>,
}

/// What stands in the pack besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Short,
    /// So many characters of `AGENTS.md`.
    Long(usize),
    /// Beyond ASCII, with odd line ends and front matter.
    Odd,
    /// Files of its own in place of the runtime's.
    OwnFiles,
    /// An empty `SOUL.md`.
    EmptyFile,
    /// Notes that are shown only where they exist.
    Memory,
    /// So many characters of `AGENTS.md`, and a persona told before them.
    ForPersona(usize),
}

/// All behaviours.
pub fn behaviours() -> Vec<Behaviour> {
    let mut all = answers();
    all.extend(broken_calls());
    all.extend(tools());
    all.extend(ends());
    all.extend(policies());
    all
}

fn told(name: &'static str, script: Vec<Reply>) -> Behaviour {
    Behaviour { name, policy: Policy::Short, script }
}

fn says(text: &str) -> Reply {
    Reply::says(text)
}

fn calls(text: &str, calls: &[(&str, &str)]) -> Reply {
    Reply::calls(text, calls)
}

const LIST: (&str, &str) = ("exec", r#"{"command": "himalaya envelope list"}"#);

fn answers() -> Vec<Behaviour> {
    vec![
        told("a plain answer", vec![says("All is well.")]),
        told(
            "narration beside tool calls",
            vec![
                calls("I look at the mail.", &[LIST]),
                calls(" And at the calendar. \n", &[("exec", r#"{"command":"gcalcli agenda"}"#)]),
                says("# Done\n\n1. One\n2. Two\n"),
            ],
        ),
        told("silent calls, then an answer", vec![calls("", &[LIST]), says("Done.")]),
        told("NO_REPLY", vec![says("NO_REPLY")]),
        told("NO_REPLY after narration", vec![calls("I look.", &[LIST]), says("NO_REPLY")]),
        told("NO_REPLY after silence", vec![calls("", &[LIST]), says("NO_REPLY")]),
        told("an answer that ends with NO_REPLY", vec![says("All good here. NO_REPLY")]),
        told("an answer that mentions NO_REPLY", vec![says("We say NO_REPLY when silent.")]),
        told("HEARTBEAT_OK", vec![says("HEARTBEAT_OK")]),
        told("the same text twice", vec![calls("I look.", &[LIST]), says("I look.")]),
        told("reply tags", vec![says("[[reply_to_current]] Hello there."), says("never asked")]),
        told("thoughts in the text", vec![says("<think>secret plan</think>The answer.")]),
        told("a final wrapper", vec![says("<final>The answer.</final>")]),
        told("a media line", vec![says("See this:\nMEDIA:/tmp/picture.png\nThat is all.")]),
        told(
            "white space and line ends",
            vec![calls("  \n ", &[LIST]), says("\n\nOne\r\nTwo  \n\n\nThree\t\n")],
        ),
        told("beyond ASCII", vec![calls("Grüße 🚀 – „ja“", &[LIST]), says("日本語 👩‍👩‍👧 ‘ok’ \u{a0}x")]),
        told(
            "code, tables and markup",
            vec![says("| a | b |\n|---|---|\n| <b>1</b> | `x` |\n\n```json\n{\"a\": 1}\n```")],
        ),
    ]
}

fn broken_calls() -> Vec<Behaviour> {
    vec![
        told("a missing argument", vec![calls("", &[("read", "{}")]), says("Sorry.")]),
        told(
            "a value that is not allowed",
            vec![calls("", &[("slack", r#"{"action": "listChannels"}"#)]), says("Sorry.")],
        ),
        told(
            "types that can be bent",
            vec![
                calls(
                    "",
                    &[
                        ("read", r#"{"path": "USER.md", "from": "2", "lines": "3"}"#),
                        ("memory_search", r#"{"query": 5, "maxResults": "1"}"#),
                    ],
                ),
                says("Done."),
            ],
        ),
        told(
            "types that cannot be bent",
            vec![
                calls(
                    "",
                    &[
                        ("read", r#"{"path": {"a": 1}, "from": "soon"}"#),
                        ("memory_search", r#"{"query": ["a"]}"#),
                    ],
                ),
                says("Done."),
            ],
        ),
        told(
            "arguments that break off",
            vec![calls("", &[("exec", r#"{"command": "himalaya envelope li"#)]), says("Done.")],
        ),
        told("arguments that are no JSON", vec![calls("", &[("read", "USER.md please")]), says("Done.")]),
        told("no arguments", vec![calls("", &[("memory_search", "")]), says("Done.")]),
        told("arguments that are no object", vec![calls("", &[("read", r#"["USER.md"]"#)]), says("Done.")]),
        told(
            "more arguments than there are",
            vec![
                calls(
                    "",
                    &[(
                        "exec",
                        r#"{"command": "himalaya envelope list", "why": null, "more": [1, {"a": 2.50}]}"#,
                    )],
                ),
                says("Done."),
            ],
        ),
        told(
            "nulls",
            vec![
                calls("", &[("read", r#"{"path": "USER.md", "from": null, "lines": null}"#)]),
                says("Done."),
            ],
        ),
        told(
            "numbers as they may be written",
            vec![
                calls(
                    "",
                    &[
                        ("read", r#"{"path": "USER.md", "from": 2.0, "lines": 1e1}"#),
                        ("read", r#"{"path": "USER.md", "from": 1.5}"#),
                    ],
                ),
                says("Done."),
            ],
        ),
        told(
            "a tool that does not exist",
            vec![calls("", &[("write_file", r#"{"path": "x"}"#)]), says("Done.")],
        ),
        told("a tool in another case", vec![calls("", &[("Exec", r#"{"command": "ls"}"#)]), says("Done.")]),
        told(
            "the runtime's own other tools",
            vec![
                calls(
                    "",
                    &[("process", r#"{"action": "list"}"#), ("write", r#"{"path": "a", "content": "b"}"#)],
                ),
                says("Done."),
            ],
        ),
        told(
            "a command for a tool of another name",
            vec![
                calls("", &[("bash", r#"{"command": "curl -s https://example.com/a | jq ."}"#)]),
                says("Done."),
            ],
        ),
        told(
            "a wrong exec that is never mended",
            vec![calls("", &[("exec", r#"{"cmd": "ls"}"#)]), says("I could not.")],
        ),
        told("a wrong exec, then silence", vec![calls("", &[("exec", r#"{"cmd": "ls"}"#)]), says("")]),
        told(
            "a wrong exec, then a right one",
            vec![calls("", &[("exec", r#"{"cmd": "ls"}"#)]), calls("", &[LIST]), says("Now it works.")],
        ),
        told("a wrong read, then silence", vec![calls("", &[("read", "{}")]), says("")]),
    ]
}

fn tools() -> Vec<Behaviour> {
    vec![
        told(
            "an exec that fails",
            vec![
                calls("", &[("exec", r#"{"command": "himalaya message read nothing"}"#)]),
                says("It is not there."),
            ],
        ),
        told(
            "an exec that nobody knows",
            vec![calls("", &[("exec", r#"{"command": "rm -rf / # \"quoted\" é"}"#)]), says("Done.")],
        ),
        told(
            "a tool that breaks down",
            vec![calls("", &[("slack", r#"{"action": "readMessages", "limit": 1.5}"#)]), says("Done.")],
        ),
        told(
            "a tool that breaks down, then silence",
            vec![calls("", &[("slack", r#"{"action": "readMessages", "limit": 1.5}"#)]), says("")],
        ),
        told(
            "acts that cannot be undone",
            vec![
                calls(
                    "",
                    &[
                        ("exec", r#"{"command": "himalaya message send <<EOF\nTo: a@b.c\nEOF"}"#),
                        ("slack", r##"{"action": "sendMessage", "to": "#general", "content": "Hello 🚀"}"##),
                        ("exec", r#"{"command": "gcalcli delete meeting"}"#),
                    ],
                ),
                says("Sent."),
            ],
        ),
        told(
            "every tool in one turn",
            vec![
                calls(
                    "All at once.",
                    &[
                        LIST,
                        ("read", r#"{"path": "USER.md"}"#),
                        ("memory_search", r#"{"query": "the a of"}"#),
                        ("memory_get", r#"{"path": "memory/notes.md"}"#),
                        ("slack", r#"{"action": "readMessages", "limit": 3}"#),
                        ("web_search", r#"{"query": "news"}"#),
                        ("session_status", "{}"),
                        LIST,
                    ],
                ),
                says("Done."),
            ],
        ),
        told(
            "the date",
            vec![
                calls("", &[LIST, ("session_status", "{}"), LIST, ("session_status", "{}")]),
                calls("", &[("session_status", "{}")]),
                says("It is late."),
            ],
        ),
        told(
            "a page of the web",
            vec![calls("", &[("web_fetch", r#"{"url": "https://example.com"}"#)]), says("Done.")],
        ),
        told(
            "files of the workspace",
            vec![
                calls(
                    "",
                    &[
                        ("read", r#"{"path": "/workspace/AGENTS.md"}"#),
                        ("read", r#"{"path": "../../etc/passwd"}"#),
                        ("read", r#"{"path": "SOUL.md"}"#),
                    ],
                ),
                says("Done."),
            ],
        ),
        told("a long conversation", {
            let mut script: Vec<Reply> = (0..12)
                .map(|turn| calls(&format!("Step {turn}."), &[("exec", r#"{"command": "gh pr list"}"#)]))
                .collect();
            script.push(says("At last."));
            script
        }),
    ]
}

fn ends() -> Vec<Behaviour> {
    let ended = |mut reply: Reply, finish: Finish| {
        reply.finish = finish;
        reply
    };
    vec![
        told("an answer that is withheld", vec![ended(says("This is the begi"), Finish::Refused)]),
        told(
            "an answer that is withheld after narration",
            vec![calls("I look.", &[LIST]), ended(says(""), Finish::Refused)],
        ),
        told("nothing at all", vec![says("")]),
        told("an empty end after calls", vec![calls("", &[LIST]), says("")]),
        told("an empty end after narration", vec![calls("I look.", &[LIST]), says("")]),
        told("a text that is cut off", vec![ended(says("This is the begi"), Finish::Length)]),
        told(
            "a call that is cut off",
            vec![
                ended(calls("I call", &[("exec", r#"{"command": "himalaya enve"#)]), Finish::Length),
                says("Done."),
            ],
        ),
        told("a call that ends like a text", vec![ended(calls("", &[LIST]), Finish::Stop), says("Done.")]),
    ]
}

fn policies() -> Vec<Behaviour> {
    let with = |name, policy| Behaviour {
        name,
        policy,
        script: vec![calls("", &[("read", r#"{"path": "AGENTS.md", "lines": 2}"#)]), says("Done.")],
    };
    vec![
        with("a policy of the greatest length", Policy::Long(20_000)),
        with("a policy that is too long", Policy::Long(20_001)),
        with("a policy that is far too long", Policy::Long(90_000)),
        with("a policy beyond ASCII", Policy::Odd),
        with("a pack with files of its own", Policy::OwnFiles),
        with("a pack with an empty file", Policy::EmptyFile),
        with("a pack with notes", Policy::Memory),
        with("a persona before the policy", Policy::ForPersona(300)),
        with("a policy that a persona makes too long", Policy::ForPersona(19_900)),
    ]
}
