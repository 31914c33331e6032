//! Words that belong to everybody: a policy may use them wherever a suite's fixtures use them too. Common English comes
//! from a word list (`vocabulary/COPYING` says whose), office and computing words and known products from here.

use std::collections::HashSet;
use std::sync::LazyLock;

static WORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("vocabulary/words.txt").lines().chain(JARGON.split_whitespace()).collect());

/// What the word list lacks: the words of offices and computers, days and months, languages, and products that
/// anybody may name.
const JARGON: &str = "
    admin agenda analytics api app apps async auth backend backlog blog bot calendar changelog chatbot checkbox ci
    codebase config corp cron csv cto cfo coo ceo dashboard dashboards dataset dev devops dns downtime email emails eod
    eta eur faq frontend fedex fyi gbp headhunter helpdesk hotfix hr html http https ics inbox inboxes intranet json kanban kpi login logout
    markdown metadata middleware mockup monday multi newsletter newsletters offboarding offline okr onboarding online
    oncall ooo ops outage outages outbox p0 pager pdf phishing playbook podcast prep pto refactor repo repos rescheduled
    roadmap roadmaps rollback rollout rsvp runbook saas screenshot shortcuts scrum sdk sla sms spam spreadsheet spreadsheets
    sprint sql standup standups sync tbd tech timeline timelines timestamp timestamps todo todos token tokens triage
    triaged triaging ui uptime url urls usd username ux vip vips vpn webhook webhooks webinar webinars website websites
    wifi wiki wip workflow workflows workspace workspaces yaml
    mon tue tues wed thu thur thurs fri sat sun monday tuesday wednesday thursday friday saturday sunday mondays
    tuesdays wednesdays thursdays fridays saturdays sundays jan feb mar apr jun jul aug sep sept oct nov dec january
    february march april june july august september october november december christmas easter utc gmt cet
    english german french spanish italian dutch polish chinese japanese american british european europe
    airtable amazon android anthropic apple asana aws azure basecamp bitbucket chrome claude clawbench clickup
    confluence curl datadog discord docker dropbox excel facebook figma firefox gcal gcalcli gemini git github gitlab
    gmail google googleapis grafana himalaya hubspot instagram intercom ios iphone jenkins jira kafka kubernetes linear
    linkedin linux macos mailchimp microsoft miro mysql notion okta onedrive openai openclaw outlook pagerduty paypal
    postgres postgresql powerpoint python quickbooks redis safari salesforce sentry sharepoint shopify signal slack
    snowflake spotify sqlite stripe teams telegram terraform trello twilio twitter vercel webex whatsapp windows
    wordpress workday xero youtube zapier zendesk zoom";

/// Names that are words of policies too, also in the middle of a sentence.
const ALSO_NAMES: [&str; 41] = [
    "April", "August", "Art", "Bill", "Board", "Calendar", "Chase", "Client", "Company", "Drew", "Email",
    "Faith", "Frank", "Friday", "Gmail", "Google", "Grace", "Grant", "Hope", "Joy", "June", "Mail", "Mark",
    "May", "Monday", "Notion", "Order", "Pat", "Price", "Project", "Rich", "Rob", "Sage", "Slack", "Sue",
    "Team", "User", "Will", "Young", "Zoom", "Support",
];

/// Whether a word in lower case is one of everybody's, also in another form or another spelling.
pub(super) fn is_common(word: &str) -> bool {
    is_known(word)
        || stems(word).iter().any(|stem| is_known(stem))
        || american(word).iter().any(|w| is_known(w))
}

/// Whether a capitalized word is more probably no name.
pub(super) fn is_also_no_name(word: &str) -> bool {
    ALSO_NAMES.contains(&word)
}

fn is_known(word: &str) -> bool {
    WORDS.contains(word)
}

/// What a word may be a form of; a stem of three letters says nothing.
fn stems(word: &str) -> Vec<String> {
    let endings =
        [("s", ""), ("es", ""), ("ies", "y"), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"), ("ly", "")];
    let beginnings = ["un", "re", "non", "pre", "sub", "over", "mis", "co"];
    let cut = endings
        .iter()
        .filter_map(|(ending, instead)| Some(format!("{}{instead}", word.strip_suffix(ending)?)));
    let bare = beginnings.iter().filter_map(|beginning| word.strip_prefix(beginning).map(str::to_owned));
    cut.chain(bare).filter(|stem| stem.len() > 3).collect()
}

/// How Americans write it, of whom the word list comes.
fn american(word: &str) -> Vec<String> {
    let spellings = [
        ("our", "or"),
        ("is", "iz"),
        ("ys", "yz"),
        ("ence", "ense"),
        ("ll", "l"),
        ("ogue", "og"),
        ("tre", "ter"),
    ];
    let spelt = spellings.iter().filter(|(british, _)| word.contains(british));
    spelt.map(|(british, american)| word.replacen(british, american, 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_says_is_common() {
        for word in
            ["calendar", "escalations", "organise", "colour", "inbox", "rescheduling", "unconfirmed", "slack"]
        {
            assert!(is_common(word), "{word}");
        }
        for word in ["orla", "pawsgate", "gwil", "techcorp", "varga", "noor", "mina"] {
            assert!(!is_common(word), "{word}");
        }
    }
}
