//! Skills of telling: their chances, and the words that ask for them.

use super::skills::{Spec, spec};

pub(super) const MANNERS: &[Spec] = &[
    spec(
        "Drafts",
        0.25,
        0.98,
        &[
            "draft|drafts|compose reply|replies|response|show|write|prepare|present|save|preview|each|email|mail",
            "template_write|draft",
        ],
        &["NOT draft|drafts", "send directly|straight !NOT"],
    ),
    spec(
        "Approval",
        0.19,
        0.98,
        &[
            "ask|wait|request|end|close|await|present approv|confirm|permission|decision|go_ahead",
            "approv explicit|user|before|without|need|pending|requir",
            "would_you_like|shall_i|please_confirm",
        ],
        &["NOT ask|wait approv|confirm|permission|user|question"],
    ),
    spec(
        "Plan",
        0.19,
        0.98,
        &[
            "action_plan|next_step|plan|action_item|recommend|to_do|numbered|actions|priorit step|number|list|order|concrete|clear|end|give|present|ranked|plan|owner|specific|propos|include",
            "action_plan|next_steps|numbered_list|action_queue",
            "number|numbered action|step|plan|list|item",
        ],
        &["NOT plan|recommend|suggest"],
    ),
    spec(
        "Headings",
        0.15,
        0.98,
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
        0.15,
        0.97,
        &[
            "status|summary|overview|tldr|tl_dr|bottom_line|headline|conclusion|answer first|top|begin|start|lead|open|unified",
            "start|begin|lead|open summary|status|overview|headline|bottom|conclusion|what",
            "decisions|summary|status|conclusion first",
        ],
        &[],
    ),
    spec(
        "Tiers",
        0.15,
        0.98,
        &[
            "priorit|categori|tier|classif|urgen|rank|group|sort by|into|urgent|importance|order|level|low|first|high|critical|item|list|each|every|email|mail",
            "urgent|critical|must first|top|before|then|separate|always",
            "can_wait|can_slip|should_do|low_priority",
        ],
        &["NOT priorit|rank|sort|categori"],
    ),
    spec(
        "Archive",
        0.15,
        0.97,
        &[
            "archive|low_priority|newsletter|promo|spam|can_wait|unimportant one_line|list|brief|mark|group|label|archive|propose|mention|bottom|last|end",
            "archive",
        ],
        &["NOT mention|list newsletter|promo|low"],
    ),
    spec(
        "PerPerson",
        0.14,
        0.97,
        &[
            "per_person|per_member|per_team_member|each_person|each_member|by_person|person|individual|teammate|team_member update|status|section|each|per|line|progress",
        ],
        &[],
    ),
    spec(
        "RisksSection",
        0.15,
        0.98,
        &[
            "risk|risks|blocker|blockers section|list|heading|separate|and|flag|surface|highlight|call_out|raise|incl|name|state|report",
        ],
        &[],
    ),
    spec(
        "Decisions",
        0.15,
        0.98,
        &[
            "decision|decisions|decide need|list|section|requir|ask|open|separate|make|pending|flag|surface|who|first|queue|incl|name|end",
        ],
        &[],
    ),
    spec(
        "Timeline",
        0.12,
        0.97,
        &[
            "timeline|timeblock|time_block|chronolog|agenda|itinerary|hour_by_hour",
            "schedule day|today|show|list|propos|block|section|incl|give|present",
            "times|time|timestamp exact|order|event|each|list",
        ],
        &[],
    ),
    spec(
        "Brevity",
        0.25,
        0.98,
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
        0.09,
        0.97,
        &[
            "cite|source|attribut|reference|provenance|where say|name|each|every|fact|claim|give|state|cite|with|found|from|its",
            "cite",
        ],
        &["NOT cite|source|sources"],
    ),
    spec(
        "Queue",
        0.11,
        0.97,
        &[
            "decision_queue|action_queue|approval_queue|approve_or_reject",
            "number|numbered|queue decision|approv|item|action|reply|command|proposal",
        ],
        &[],
    ),
    spec(
        "Counts",
        0.14,
        0.96,
        &[
            "count|counts|how_many|total|number|totals message|mail|email|item|per|categor|each|state|give",
            "inbox summary|overview|total",
            "classif|account|cover|process every|each|all mail|email|message|item",
        ],
        &[],
    ),
    spec(
        "Owners",
        0.17,
        0.97,
        &["owner|owners|assign|assignee|who_does|who_is|responsible|accountab|who"],
        &[],
    ),
];
