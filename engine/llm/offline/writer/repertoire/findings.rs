//! Rules on what to look for in mail, chat, calendar, tasks and notes.

use super::{Rule, rule};

const LOOK: &str = "What to look for";

pub(super) const RULES: &[Rule] = &[
    rule(
        LOOK,
        "calendar conflicts",
        &["conflict|overlap|clash|appointment", "calendar|scheduling|travel|free|reschedule|meeting"],
        &[
            "Compare requests with the calendar and flag conflicts, overlaps and double bookings.",
            "Cross-check meeting times against the calendar.",
        ],
    ),
    rule(
        LOOK,
        "ways out of a conflict",
        &["resolution|another_time|alternative_time|resched", "conflict|overlap", "propos"],
        &[
            "For each conflict propose a resolution: which meeting to move, and an alternative time.",
            "Suggest options to resolve a clash and recommend one.",
        ],
    ),
    rule(
        LOOK,
        "overdue work",
        &["overdue|was_due|on_track|late|past"],
        &["Flag whatever is overdue or past its due date.", "Name overdue items first."],
    ),
    rule(
        LOOK,
        "deadlines",
        &["deadline|time-sensitive|until_when|by_when|expir|notice|lapse|within_hours|must_be", "urgen|date"],
        &[
            "Name the deadline of every item, also one that hides in the body of a mail.",
            "State for each item by when it must be done; put what is time-sensitive first.",
        ],
    ),
    rule(
        LOOK,
        "blockers",
        &["block"],
        &["Name who is blocked and on what.", "Surface blockers and what each is waiting on."],
    ),
    rule(
        LOOK,
        "dependencies",
        &["chain|depend|sprint_goal|holds_up|downstream"],
        &[
            "Trace dependencies: say what a blocker holds up downstream, up to the goal.",
            "Follow the chain from each blocker to whoever depends on it.",
        ],
    ),
    rule(
        LOOK,
        "stale statuses",
        &["mismatch|stale|status", "board|chat|slack", "finished|done"],
        &[
            "Compare what chat says with the task board and flag each mismatch or stale status.",
            "Where somebody reports work as done and the board says otherwise, point out the discrepancy.",
        ],
    ),
    rule(
        LOOK,
        "sources that contradict each other",
        &[
            "newer|older|supersed|correct|outdated|latest|amend|earlier|changed|new_dates",
            "differ|contradict|wrong|first_guess",
        ],
        &[
            "Where sources contradict each other, use the newest and say which one is outdated.",
            "Prefer the latest correction, and tell that it supersedes the older statement.",
        ],
    ),
    rule(
        LOOK,
        "duplicates",
        &["duplicate|already|existing|as_one|same|second|twice|again"],
        &[
            "Check existing tasks for duplicates, and treat two requests for the same matter as one.",
            "Point out what is already tracked instead of proposing it twice.",
        ],
    ),
    rule(
        LOOK,
        "unapproved work",
        &["scope|not_in_the_sprint|started|unplanned|prototype", "limit"],
        &[
            "Point out work that was started without approval or is out of scope.",
            "Flag unplanned and unapproved work or spending as scope creep.",
        ],
    ),
    rule(
        LOOK,
        "connecting sources",
        &["cross|together|across|connect|combin", "took_into_account|worked_out|recognis|saw_that|noticed"],
        &[
            "Cross-reference what several sources say about one matter and connect it.",
            "Correlate mail, chat, notes and tasks before drawing conclusions.",
        ],
    ),
    rule(
        LOOK,
        "absences",
        &["vacation|absen|away|leave|deputy|somebody_who"],
        &[
            "Mention vacations and absences, and what they put at risk.",
            "Say who is out of office and who can take over.",
        ],
    ),
    rule(
        LOOK,
        "causes",
        &["cause|fix|guess|diagnos|what_happened"],
        &[
            "Tell the confirmed root cause and the status of the fix.",
            "Explain the root cause: what went wrong, and why.",
        ],
    ),
    rule(
        LOOK,
        "the order of steps",
        &["sequence|validat|deploy|before_the|order"],
        &[
            "Give the order of steps: first validate on staging, then deploy.",
            "Keep to the sequence of test, validation and release, and say where things stand.",
        ],
    ),
    rule(
        LOOK,
        "impact and figures",
        &["affected|customer|client|impact|number|amount|count|cost|price|payment|rate|worked_out|increase"],
        &[
            "Name every affected customer with exact figures.",
            "Quantify the impact: who is hit, how many, which amount.",
        ],
    ),
    rule(
        LOOK,
        "whom to inform",
        &["loop|inform|escalat|stakeholder|another_person|sign|who_must"],
        &[
            "Say which stakeholders must be informed and whom to loop in.",
            "Name the manager or owner who has to know.",
        ],
    ),
    rule(
        LOOK,
        "risks",
        &["risk|slip|warn|jeopard|danger"],
        &["Say what is at risk and why.", "Call out what endangers the goal."],
    ),
    rule(
        LOOK,
        "open ends",
        &["open_question|remain|gap|postmortem|follow|missing|open_action|still_open|workaround"],
        &[
            "List open questions, follow-ups and unfinished action items.",
            "Name what is still open or pending at the end.",
        ],
    ),
    rule(
        LOOK,
        "options",
        &["recommend|option|alternative|vote|score|interview|hotel|offer|compare|evidence"],
        &[
            "Compare the options with price and terms, and recommend one with the reason.",
            "Weigh opinions and evidence before a recommendation.",
        ],
    ),
];
