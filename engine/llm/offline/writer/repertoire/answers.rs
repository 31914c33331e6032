//! Rules on what to put into the answer, and in which shape.

use super::{Rule, rule};

const ANSWER: &str = "The answer";

pub(super) const RULES: &[Rule] = &[
    rule(
        ANSWER,
        "drafts",
        &["draft|wrote_out|reply|letter|template"],
        &[
            "Write out draft replies and present them in the answer.",
            "Prepare a draft for each urgent mail and show its text.",
        ],
    ),
    rule(
        ANSWER,
        "asking for approval",
        &["approv|wait|nothing_was|proposal|awaiting|confirm"],
        &[
            "End by asking for approval of what you propose, and say that nothing was sent or changed.",
            "Close with a request for the user's explicit confirmation.",
        ],
    ),
    rule(
        ANSWER,
        "next steps",
        &["numbered|next_steps|action_plan|actionable|plan|what_to_do|today"],
        &[
            "Give the next steps as a numbered list of concrete actions.",
            "End with an action plan in numbered steps.",
        ],
    ),
    rule(
        ANSWER,
        "headings",
        &["section|structure|heading|format|table|list|categor"],
        &[
            "Structure the answer with Markdown headings and bullet lists.",
            "Use a heading per section so that the answer can be skimmed.",
        ],
    ),
    rule(
        ANSWER,
        "beginning with the summary",
        &["summary|status|started_with|at_the_top|overview|first|unified"],
        &["Start with a status summary: the conclusion first.", "Begin with an overview in two sentences."],
    ),
    rule(
        ANSWER,
        "priorities",
        &["priorit|urgen|tier|categor|critical|top|importance|can_wait|slip"],
        &[
            "Sort items by priority into urgent, this week and can wait.",
            "Group the list by urgency, the critical first.",
        ],
    ),
    rule(
        ANSWER,
        "what can be archived",
        &["archive|low_priority|low-priority|newsletter|promo|can_wait"],
        &[
            "List newsletters and low-priority mail in one line at the end, to be archived.",
            "Propose unimportant mail for archiving in one line.",
        ],
    ),
    rule(
        ANSWER,
        "people one by one",
        &["per-person|per_person|each_person|one_line_per|team|interviewer|per_duty|updates"],
        &[
            "Give each person a line with status, progress and blockers.",
            "Report per person: done, doing, blocked.",
        ],
    ),
    rule(
        ANSWER,
        "a section for risks",
        &["risk|blocker section|dedicated|list", "risks"],
        &[
            "Add a separate section for risks and blockers.",
            "List risks and blockers under their own heading.",
        ],
    ),
    rule(
        ANSWER,
        "decisions",
        &["decision|decide"],
        &[
            "List the decisions needed, who makes them and by when.",
            "Include a section for decisions that are pending.",
        ],
    ),
    rule(
        ANSWER,
        "a timeline",
        &["timetable|timeline|schedule|timeblock|order_of_time|the_day|agenda"],
        &["Present the day as a timeline with times.", "Propose a schedule for the day, block by block."],
    ),
    rule(
        ANSWER,
        "brevity",
        &["characters|concise|length=|chars|dump|short"],
        &[
            "Keep the answer under 2400 characters.",
            "Be concise: no filler, at most 2000 characters.",
            "Keep it brief and scannable.",
        ],
    ),
    rule(
        ANSWER,
        "sources of facts",
        &["source|clause|paper|cite|why|reason|policy"],
        &["Cite the source of each fact.", "Say where each claim is from."],
    ),
    rule(
        ANSWER,
        "a queue to approve",
        &["queue|approve|one_line_per_decision|commands"],
        &[
            "Present proposals as a numbered decision queue to approve or reject.",
            "Number the action items so that each can be approved by a short reply.",
        ],
    ),
    rule(
        ANSWER,
        "counts",
        &["classified|processed|all_2|each_item|how_many|every|categories"],
        &[
            "State how many messages there are in each category, and classify every one.",
            "Give an overview with totals per category.",
        ],
    ),
    rule(
        ANSWER,
        "owners",
        &["owner|who_takes|assign|responsible|deputy|per_duty|duties"],
        &["Give every action an owner.", "Say who is responsible for each step."],
    ),
];
