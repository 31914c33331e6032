//! What the office assistant can do well, how likely it is to do so unasked, and the words by which a policy
//! asks for it or talks it out of it.
//!
//! A pattern is a row of groups that must all occur in one clause of the policy: `send|post approv` asks for
//! one of `send`, `post` and for a word that starts with `approv`. `_` is a blank inside a phrase, `!` before a
//! group forbids it, and `NOT` stands for any word of denial.

/// Something the assistant does if the policy has made it pay attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Skill {
    // Gathering.
    Sources,
    Selective,
    Batch,
    Thrift,
    Memory,
    People,
    // Keeping out of trouble.
    AskFirst,
    Confidential,
    Careful,
    NoPromises,
    InternalIds,
    Guard,
    NoSpamReply,
    // Seeing.
    Conflicts,
    Resolution,
    Overdue,
    Deadlines,
    Blockers,
    Dependencies,
    Mismatch,
    Contradictions,
    Duplicates,
    ScopeCreep,
    CrossReference,
    Absence,
    RootCause,
    Sequence,
    Impact,
    Stakeholders,
    Risk,
    FollowUps,
    Options,
    Relevance,
    // Telling.
    Drafts,
    Approval,
    Plan,
    Headings,
    StatusFirst,
    Tiers,
    Archive,
    PerPerson,
    RisksSection,
    Decisions,
    Timeline,
    Brevity,
    Cite,
    Queue,
    Counts,
    Owners,
}

/// How a skill answers to a policy.
pub(super) struct Spec {
    /// What its draw is keyed by; changing it changes every episode.
    pub(super) name: &'static str,
    /// The chance under a policy that does not mention it.
    pub(super) bare: f64,
    /// The chance under a policy that could not ask for it better.
    pub(super) best: f64,
    pub(super) wants: &'static [&'static str],
    pub(super) shuns: &'static [&'static str],
}

/// What `NOT` stands for.
pub(super) const DENIALS: &str = "never|not|don_t|dont|no|avoid|without|refrain|skip|stop|cannot|can_t|won_t|\
    leave_out|exclude|omit|forbidden|prohibit|hold|withhold|instead_of|rather_than";

const fn spec(
    name: &'static str,
    bare: f64,
    best: f64,
    wants: &'static [&'static str],
    shuns: &'static [&'static str],
) -> Spec {
    Spec { name, bare, best, wants, shuns }
}

pub(super) const SPECS: &[Spec] = &[
    spec(
        "Sources",
        0.55,
        0.97,
        &[
            "check|read|consult|gather|review|look|query|cover every|each|all source|channel|tool|system|calendar|board",
            "check|read|consult|look|query calendar|task|board|slack|channel|inbox|memory !NOT",
            "every|each|all source|request",
            "gather before|first",
        ],
        &["from_memory|guess only", "skip|ignore calendar|board|task|slack|channel"],
    ),
    spec(
        "Selective",
        0.12,
        0.95,
        &[
            "NOT read|open|waste newsletter|promo|spam|low_priority|marketing|offer|noise|irrelevant|automated|recruit|confer|bod|individual|every|each|all",
            "classif|triage|sort|judge subject|sender|envelope|header",
            "only|just read|open urgent|important|relevant|matter|need|few|key",
            "read|open only|selectiv|at_most|few|up_to|max bod|mail|message|email|thread",
            "skip newsletter|promo|spam|social|low",
            "read urgent|important|escalation first",
        ],
        &[
            "read|open|go all|every|everything mail|email|message|inbox|newsletter|bod|detail !NOT",
            "be thorough",
            "thorough|exhaustive|comprehensive read|all|detail",
        ],
    ),
    spec(
        "Batch",
        0.25,
        0.95,
        &[
            "list|read|query|fetch once|one_call|single",
            "batch|combine|parallel|group",
            "NOT re_list|re_read|reread|relist|repeat|twice|again|same",
            "gather before|then",
        ],
        &["double_check|recheck|re_check everything|all|twice|list|inbox"],
    ),
    spec(
        "Thrift",
        0.2,
        0.93,
        &[
            "few|minimi|limit|budget|economical|efficien|sparing|cap|at_most|total|fewer tool|call",
            "tool_call|calls at_most|max|maximum|limit|under|below|target|budget|no_more|up_to",
            "NOT unnecessary|wasteful|redundant|needless|extra call|tool|request|read|look",
            "efficien first|principle",
        ],
        &["as_many|unlimited call|tool", "be thorough", "NOT worry call|cost|budget"],
    ),
    spec(
        "Memory",
        0.2,
        0.96,
        &[
            "memory|memor check|search|read|use|consult|load|look|get|first|before",
            "notes|preferences|goals|standing_rules|history check|search|read|load|consult|recall",
            "memory_get|memory_search use|check|call|search|then",
        ],
        &["NOT memory|memory_search|notes"],
    ),
    spec(
        "People",
        0.08,
        0.9,
        &[
            "contact|contacts|people|vip check|look|read|identify|know|consult|who",
            "identif sender|people|who",
        ],
        &[],
    ),
    spec(
        "AskFirst",
        0.28,
        0.97,
        &[
            "NOT send|post|reply|forward|creat|chang|updat|modif|delet|schedul|reschedul|act|irreversible|write|commit|accept|book !promise|detail|confidential|incl",
            "ask|confirm|approv|permission|consent|sign_off|go_ahead|okay before|first|explicit|wait|requir|need|prior|each|every|until|present",
            "read_only|readonly|draft_only|drafts_only|propose_only",
            "draft|propose|suggest|present only|rather|instead|never send|act|chang|post",
            "wait|stop user|approval|approved|confirmation",
            "irreversible ask|approv|confirm|never|NOT",
        ],
        &[
            "send|reply|post|answer|respond|act|schedul|creat immediate|right_away|at_once|automatic|proactive|straight|instantly|promptly|yourself !NOT",
            "NOT ask|wait|bother|need|seek approv|permission|confirm|user",
            "take|use initiative|ownership|autonom|action",
            "autonomous|independent",
        ],
    ),
    spec(
        "Confidential",
        0.18,
        0.95,
        &[
            "confidential|sensitive|private|privileged|restricted|nda|salary|legal|personal|secret",
            "hr|layoff|audit|pay NOT|withhold|private|keep|leak",
            "NOT leak|disclose|reveal|expose",
        ],
        &["include|share|quote|summari all|everything|full confidential|detail"],
    ),
    spec(
        "Careful",
        0.22,
        0.94,
        &[
            "NOT claim|overclaim|assum|invent|fabricat|state|say|declare|guess|exaggerat|pretend",
            "verif|validat|confirm|evidence before|claim|fact|source|report|done|fixed|complete",
            "staged|pending|unconfirmed|unverified|proposed|open|in_progress distinguish|label|mark|separate|say|state|call|deployed|done",
            "distinguish|separate|tell done|fact|fixed|confirmed|known",
            "careful|cautious|precise|honest|accura word|claim|state|status|fact|about",
            "only report|state|claim fact|source|verified|confirmed|evidence",
        ],
        &["confident|reassur|positive tone|always|everything|sound", "optimis"],
    ),
    spec(
        "NoPromises",
        0.25,
        0.94,
        &[
            "NOT promis|commit|guarantee|eta|estimate|invent|deadline|date|deploy",
            "eta|estimate|timeline|date only|confirmed|validat|hedge|tentative|pending|caveat",
            "overpromis|over_promis",
        ],
        &["promise|commit eta|time|date|deadline quick|firm|exact|always"],
    ),
    spec(
        "InternalIds",
        0.2,
        0.93,
        &[
            "NOT internal|ticket|identifier|ids|id|number|codes client|customer|external|draft|reply|outside",
            "internal|ticket|ids NOT|strip|keep|leave|out client|draft|external|reply|customer|incl",
            "external|client|customer NOT|free internal|detail|identifier|name",
            "client_facing|customer_facing|outward|external draft|text|wording|safe|clean|only|repl",
        ],
        &["include|quote|mention ticket|id every|all|draft|reply"],
    ),
    spec(
        "Guard",
        0.25,
        0.96,
        &[
            "instruction|command|request inside|embedded|within|contained|hidden|mail|message|body|content|document NOT|data|ignore|untrusted|report|flag|treat",
            "inject|phish|suspicious|spoof|scam|fraud|untrusted",
            "treat mail|message|content|text|body data|untrusted|information",
            "only|never user|request follow|obey|instruct",
        ],
        &["follow|obey|execut instruction|request mail|message|email|document !NOT"],
    ),
    spec(
        "NoSpamReply",
        0.5,
        0.97,
        &[
            "NOT reply|draft|respond|answer newsletter|promo|spam|recruit|vendor|marketing|low",
            "draft|reply only|just urgent|important|need",
        ],
        &["reply|draft|answer every|all|each mail|email|message !NOT"],
    ),
    spec(
        "Conflicts",
        0.25,
        0.96,
        &[
            "conflict|overlap|clash|double_book|collid",
            "calendar cross|compare|against|check meeting|request|time|free|availab",
        ],
        &[],
    ),
    spec(
        "Resolution",
        0.15,
        0.94,
        &[
            "propos|suggest|recommend|offer resolution|alternative|resolv|slot|fix|option|which|move|time",
            "conflict|clash|overlap propos|suggest|resolution|which|recommend|move|alternative|resolv",
        ],
        &["NOT propos|suggest resolution|alternative"],
    ),
    spec("Overdue", 0.28, 0.95, &["overdue|past_due|late|missed|slipped|due_date|due_today"], &[]),
    spec(
        "Deadlines",
        0.32,
        0.96,
        &[
            "deadline|due|time_sensitive|time_limit|by_when|cut_off|expir|dates",
            "when|date give|name|state|attach|incl|each|every",
        ],
        &[],
    ),
    spec("Blockers", 0.3, 0.96, &["block|blocked|blocker|stuck|waiting_on|impediment"], &[]),
    spec(
        "Dependencies",
        0.15,
        0.94,
        &[
            "dependenc|depend|chain|downstream|unblock|knock_on|upstream",
            "block|blocker chain|goal|what|who|downstream|others",
        ],
        &[],
    ),
    spec(
        "Mismatch",
        0.12,
        0.95,
        &[
            "mismatch|inconsisten|discrepan|stale|out_of_date",
            "done|finished|status|said slack|chat|channel board|task|in_progress",
            "compare|cross|correlate|reconcile chat|slack|message board|task|status",
            "board|tracker behind|lag|wrong|truth|disagree",
        ],
        &[],
    ),
    spec(
        "Contradictions",
        0.12,
        0.95,
        &[
            "contradict|disagree|conflicting|newer|newest|latest|supersed|correct|outdated|older|more_recent",
            "source|sources differ|compare|conflict|cross|which",
        ],
        &[],
    ),
    spec(
        "Duplicates",
        0.12,
        0.95,
        &[
            "duplicat|dedup|already_exist|already_tracked|existing_task|twice|same_request|same_matter",
            "existing|already task|ticket|track",
        ],
        &[],
    ),
    spec(
        "ScopeCreep",
        0.1,
        0.94,
        &[
            "scope|unapproved|unplanned|unsanctioned|unauthori|out_of_scope|unrequested",
            "without|lack|miss approv|sign_off work|spend|change|started|begun",
        ],
        &[],
    ),
    spec(
        "CrossReference",
        0.15,
        0.94,
        &[
            "cross_reference|cross_check|correlat|connect|relate|link|reconcil|tie|synthesi|combine|merge|unif",
            "several|multiple|different|across source|channel|tool|system",
        ],
        &["each|every source separately|alone|isolat"],
    ),
    spec(
        "Absence",
        0.15,
        0.94,
        &["vacation|absen|leave|holiday|pto|out_of_office|away|availab|capacity|handoff|hand_over"],
        &["leave_out"],
    ),
    spec(
        "RootCause",
        0.35,
        0.96,
        &[
            "root|underlying cause|reason",
            "cause|why|what_happened|what_went_wrong|diagnos|fix_status|fix status",
            "status fix|cause|eta|who",
        ],
        &[],
    ),
    spec(
        "Sequence",
        0.15,
        0.94,
        &[
            "sequence|order|step|first|before|then deploy|release|validat|ship|production|rollout|staging",
            "validat|staging|stage|test before|then|first deploy|ship|production|release|rollout",
            "staged|staging|validat deployed|production|live",
        ],
        &[],
    ),
    spec(
        "Impact",
        0.35,
        0.95,
        &[
            "impact|affected|customer|client|who_is|scope_of|severity|revenue|amount|cost|figure|number name|list|state|give|how|incl|quantif|each|all|every|who",
            "who|which|how_many affected|impacted|hit",
            "exact|concrete|specific figure|number|amount|fact|name",
        ],
        &["NOT number|figure|amount"],
    ),
    spec(
        "Stakeholders",
        0.2,
        0.94,
        &[
            "stakeholder|loop_in|loop|inform|keep_informed|notify|escalat|who_needs",
            "manager|boss|lead|director|owner inform|loop|tell|update|brief|know",
        ],
        &[],
    ),
    spec(
        "Risk",
        0.25,
        0.95,
        &["risk|at_risk|jeopard|threat|endanger|danger|slip"],
        &["take risk|risks !NOT"],
    ),
    spec(
        "FollowUps",
        0.25,
        0.95,
        &[
            "follow_up|followup|postmortem|post_mortem|outstanding|open_item|open_question|loose_end|pending|unfinished|action_item|remaining|still_open",
        ],
        &[],
    ),
    spec(
        "Options",
        0.25,
        0.95,
        &[
            "option|alternative|trade_off|tradeoff|compare|pros|versus|price|cost|terms|quote|candidate|opinion|feedback|evidence|concern|weigh",
            "recommend with|reason|one|clear|because|option",
        ],
        &[],
    ),
    spec(
        "Relevance",
        0.3,
        0.95,
        &[
            "NOT social|random|chatter|gossip|off_topic|small_talk|irrelevant|noise|lunch|birthday|trivia",
            "only|focus relevant|matter|work|important|need|request|what",
            "irrelevant|noise|social|off_topic skip|ignore|leave|omit|drop|filter",
        ],
        &["everything|all relevant|incl|mention|cover detail|item"],
    ),
    spec(
        "Drafts",
        0.4,
        0.96,
        &[
            "draft|drafts|compose reply|replies|response|show|write|prepare|present|save|preview|each|email|mail",
            "template_write|draft",
        ],
        &["NOT draft|drafts", "send directly|straight !NOT"],
    ),
    spec(
        "Approval",
        0.3,
        0.96,
        &[
            "ask|wait|request|end|close|await|present approv|confirm|permission|decision|go_ahead",
            "approv explicit|user|before|without|need|pending|requir",
            "would_you_like|shall_i|please_confirm",
        ],
        &["NOT ask|wait approv|confirm|permission|user|question"],
    ),
    spec(
        "Plan",
        0.3,
        0.96,
        &[
            "action_plan|next_step|plan|action_item|recommend|to_do|numbered|actions|priorit step|number|list|order|concrete|clear|end|give|present|ranked|plan|owner|specific|propos|include",
            "action_plan|next_steps|numbered_list|action_queue",
            "number|numbered action|step|plan|list|item",
        ],
        &["NOT plan|recommend|suggest"],
    ),
    spec(
        "Headings",
        0.25,
        0.96,
        &[
            "heading|headings|section|sections|structur|markdown|format|bullet|template|layout|organi|scannable|skim",
        ],
        &[
            "NOT heading|headings|markdown|bullet|section|format|structure",
            "plain|flowing prose|text|paragraph",
        ],
    ),
    spec(
        "StatusFirst",
        0.25,
        0.95,
        &[
            "status|summary|overview|tldr|tl_dr|bottom_line|headline|conclusion|answer first|top|begin|start|lead|open|unified",
            "start|begin|lead|open summary|status|overview|headline|bottom|conclusion|what",
            "decisions|summary|status|conclusion first",
        ],
        &[],
    ),
    spec(
        "Tiers",
        0.25,
        0.96,
        &[
            "priorit|categori|tier|classif|urgen|rank|group|sort by|into|urgent|importance|order|level|low|first|high|critical|item|list|each|every|email|mail",
            "urgent|critical|must first|top|before|then|separate|always",
            "can_wait|can_slip|should_do|low_priority",
        ],
        &["NOT priorit|rank|sort|categori"],
    ),
    spec(
        "Archive",
        0.25,
        0.95,
        &[
            "archive|low_priority|newsletter|promo|spam|can_wait|unimportant one_line|list|brief|mark|group|label|archive|propose|mention|bottom|last|end",
            "archive",
        ],
        &["NOT mention|list newsletter|promo|low"],
    ),
    spec(
        "PerPerson",
        0.22,
        0.95,
        &[
            "per_person|per_member|per_team_member|each_person|each_member|by_person|person|individual|teammate|team_member update|status|section|each|per|line|progress",
        ],
        &[],
    ),
    spec(
        "RisksSection",
        0.25,
        0.96,
        &[
            "risk|risks|blocker|blockers section|list|heading|separate|and|flag|surface|highlight|call_out|raise|incl|name|state|report",
        ],
        &[],
    ),
    spec(
        "Decisions",
        0.25,
        0.96,
        &[
            "decision|decisions|decide need|list|section|requir|ask|open|separate|make|pending|flag|surface|who|first|queue|incl|name|end",
        ],
        &[],
    ),
    spec(
        "Timeline",
        0.2,
        0.95,
        &[
            "timeline|timeblock|time_block|chronolog|agenda|itinerary|hour_by_hour",
            "schedule day|today|show|list|propos|block|section|incl|give|present",
            "times|time|timestamp exact|order|event|each|list",
        ],
        &[],
    ),
    spec(
        "Brevity",
        0.15,
        0.96,
        &[
            "concise|brief|short|terse|succinct|compact|tight|crisp|skim|scannable|to_the_point|90_second|60_second",
            "under|below|at_most|max|maximum|limit|within|exceed|less_than|fewer_than|cap|no_more character|char|word|line|page",
            "NOT ramble|dump|verbose|pad|filler|wordy|long|lengthy",
        ],
        &[
            "detailed|thorough|comprehensive|exhaustive|long|full|complete explan|answer|response|report|detail|include|summar|be !NOT",
            "include all|everything|every detail|relevant|information|fact",
        ],
    ),
    spec(
        "Cite",
        0.15,
        0.95,
        &[
            "cite|source|attribut|reference|provenance|where say|name|each|every|fact|claim|give|state|cite|with|found|from|its",
            "cite",
        ],
        &["NOT cite|source|sources"],
    ),
    spec(
        "Queue",
        0.18,
        0.95,
        &[
            "decision_queue|action_queue|approval_queue|approve_or_reject",
            "number|numbered|queue decision|approv|item|action|reply|command|proposal",
        ],
        &[],
    ),
    spec(
        "Counts",
        0.22,
        0.94,
        &[
            "count|counts|how_many|total|number|totals message|mail|email|item|per|categor|each|state|give",
            "inbox summary|overview|total",
            "classif|account|cover|process every|each|all mail|email|message|item",
        ],
        &[],
    ),
    spec(
        "Owners",
        0.28,
        0.95,
        &["owner|owners|assign|assignee|who_does|who_is|responsible|accountab|who"],
        &[],
    ),
];

pub(super) const COUNT: usize = SPECS.len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_skills() {
        let names: Vec<&str> = SPECS.iter().map(|spec| spec.name).collect();
        let listed = [
            Skill::Sources,
            Skill::Guard,
            Skill::Conflicts,
            Skill::Sequence,
            Skill::Drafts,
            Skill::Queue,
            Skill::Owners,
        ];
        for skill in listed {
            assert_eq!(format!("{skill:?}"), names[skill as usize]);
        }
        assert_eq!(Skill::Owners as usize, COUNT - 1);
        assert!(SPECS.iter().all(|spec| spec.bare < spec.best));
    }
}
