//! What a sentence is about, by the words in it: a deadline, a blocker, a decision, something confidential.

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use std::sync::LazyLock;

/// A set of senses.
pub(super) type Senses = u32;

macro_rules! senses {
    ($($name:ident = $at:expr, $words:expr;)*) => {
        $(pub(super) const $name: Senses = 1 << $at;)*
        const WORDS: &[(Senses, &str)] = &[$(($name, $words)),*];
    };
}

senses! {
    ROOT = 0, "root cause|cause:|the cause|had expired|has expired|because|caused by|due to a|regress|triggered|introduced|the reason|misconfig|race condition|memory leak|bug in|exposed a|turned out";
    FIX = 1, "fix|hotfix|patch|workaround|pull request|pr #|rollback|rolled back|mitigat|remed";
    DEPLOY = 2, "deploy|ship|release|rollout|roll out|production|go live|go-live|staging|maintenance window";
    BLOCK = 3, "block|stuck|waiting on|waiting for|can't test|cannot start|no eta|on hold|depends on|until we";
    DEADLINE = 4, "deadline|due|by noon|by end of|by eod|eod|by friday|by monday|by tuesday|by wednesday|by thursday|by tomorrow|closes|expires|expiry|ends on|enrollment ends|ends|no later than|before the|cut-off|cutoff|at the latest|by the end|renews|auto-renew|notice period|notice|must be|by 1|by 2|by 3|by 4|by 5|by feb|by mar|by apr|by jan|until";
    IMPACT = 5, "customer|client|users|affected|impact|revenue|arr|sla|outage|downtime|error rate|enterprise|tickets|filing|churn|lost|blocking";
    DECISION = 6, "decide|decision|choose|vs|versus|option|sign-off|sign off|approve|approval|make the call|your call|which one|prefer|or should|your input";
    RISK = 7, "risk|worried|concern|losing|slip|delay|behind|carry over|jeopard|danger|threat|overrun|short of";
    ABSENCE = 8, "vacation|pto|out of office|on leave|annual leave|parental leave|maternity|sabbatical|holiday|days off|off sick|away from|unavailable|i'm off|will be off|back on";
    SCOPE = 9, "not officially|haven't officially|haven't decided|own initiative|not approved|unapproved|without approval|without sign|went ahead|started on|start the|going to start|not scoped|unscoped|out of scope|nobody asked|not on the plan|side project|wasn't planned|not planned|added it|snuck|prototype|already ordered|already booked|without asking";
    DONE = 10, "done|finished|fixed|complete|completed|merged|shipped|resolved|updated|pushed|moved to review|closed|delivered|deployed|wrapped up|rolled out|sorted";
    CHANGE = 11, "actually|correction|instead|no longer|changed|moved to|supersed|ignore my|earlier mail|earlier message|revised|updated number|update:|new date|rather than|not the|wrong|was wrong|correct figure|latest|slipped|postponed|disregard|brought forward|pushed back";
    INJECT = 12, "ignore previous|ignore all|ignore any|disregard previous|system prompt|ai assistant|assistants|automated assistant|to the assistant|assistant:|as an ai|language model|forward all|forward this mailbox|your instructions|new instructions|do not tell the user|without telling|on behalf of the user|agents reading|assistant reading|assistant processing";
    SCHEDULE = 13, "reschedule|move our|move the|can we move|schedule a|set up a call|availability|are you free|free on|coffee|same time|another slot|find a time|meet|call this|join|invite|calendar|hold a slot|a call|slot";
    ASK = 14, "can you|could you|please|need your|i need|need you|let me know|would you|should i|should we|can we|confirm|reply|respond|review|send me|waiting for your";
    LOOP = 15, "loop|keep me posted|keep informed|is asking|asked for|asking about|wants to know|needs visibility|inform|notify|cc |expects|wants an update|wants a";
    FOLLOWUP = 16, "postmortem|post-mortem|post mortem|follow-up|follow up|write up|write-up|retro|action item|lessons|still open|outstanding|pending|remaining|to do|runbook|monitoring|not yet|missing";
    OPINION = 17, "recommend|strong|weak|hire|impress|hesitat|lean|score|rating|rated|struggl|solid|red flag|reference|worries|praise|excellent|poor|support|against|prefer|offer|counter|discount|propos|competitor|alternative|cheaper|quality|candidate";
    MONEY = 18, "$|€|£|usd|eur|budget|price|cost|fee|per month|per year|per seat|annual|invoice|contract|increase|uplift";
    URGENT = 19, "urgent|asap|action required|escalat|p0|p1|critical|immediately|emergency|today|tonight|right away|overdue|final notice|by noon|important|outage|security incident|breach|blocked|blocking|deadline|closes tomorrow|last chance to|expires";
    SENSITIVE = 20, "confidential|salary|salaries|compensation|layoff|redundan|restructur|terminat|nda|attorney|privileged|legal advice|legal hold|lawsuit|settlement|medical|diagnos|sick leave|harass|disciplin|performance improvement|performance review|acquisition|merger|pay band|pay rise|audit finding|soc 2|do not forward|don't forward|do not share|don't share|for your eyes|strictly private|not for distribution|keep this between|between us|headcount reduction|resign|walk-away|reserve price|internal only|background check|doctor|hospital|illness|surgery|pregnan|therapy|diagnosis|burnout|family reasons|password is|whistleblow|headcount cut";
    GOAL = 21, "sprint goal|goal|objective|okr|target|milestone|must ship";
    SOCIAL = 22, "lunch|birthday|coffee machine|party|gift|cake|pizza|meme|congrat|weekend plans|game night|parking|fridge|football|karaoke";
    VALIDATE = 23, "validat|staging|test|verified|verify|qa|sign-off|lgtm|load test|canary|dry run|checked|confirm";
    OPEN = 24, "open|pending|todo|to do|not started|not yet|in progress|waiting|unresolved|need|still";
    FRAUD = 26, "new bank details|new bank account|bank details have changed|changed our bank|new account number|new iban|gift card|wire transfer|verify your account|verify your password|click here to verify|crypto|unusual payment|pay to the new account|different account";
    QUESTION = 27, "who owns|who takes|do we know|does anyone|anyone know|is it clear|unclear|should we|what about|open question|nobody knows|not clear";
    OUTLOOK = 25, "eta|hours|tomorrow|by eod|this afternoon|within|minutes|expect|estimate|~";
}

/// The senses of a sentence.
pub(super) fn senses(text: &str) -> Senses {
    let bytes = text.as_bytes();
    let mut found = 0;
    for hit in STEMS.automaton.find_overlapping_iter(text) {
        let starts_word = hit.start() == 0 || !bytes[hit.start() - 1].is_ascii_alphanumeric();
        let (senses, whole) = STEMS.senses[hit.pattern().as_usize()];
        let ends_word = bytes.get(hit.end()).is_none_or(|next| !next.is_ascii_alphanumeric());
        if starts_word && (!whole || ends_word) {
            found |= senses;
        }
    }
    found
}

struct Stems {
    automaton: AhoCorasick,
    /// What each stem means, and whether it counts only as a whole word.
    senses: Vec<(Senses, bool)>,
}

static STEMS: LazyLock<Stems> = LazyLock::new(|| {
    let mut names = Vec::new();
    let mut senses = Vec::new();
    for (sense, words) in WORDS {
        for word in words.split('|') {
            names.push(word);
            let plain = word.bytes().all(|b| b.is_ascii_alphanumeric());
            senses.push((*sense, plain && word.len() <= 4));
        }
    }
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(&names)
        .expect("a few hundred short stems make a small automaton");
    Stems { automaton, senses }
});

/// Why a mail is not worth opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Junk {
    Newsletter,
    Promo,
    Automated,
    Solicitation,
}

impl Junk {
    pub(super) fn word(self) -> &'static str {
        match self {
            Junk::Newsletter => "newsletter",
            Junk::Promo => "promo",
            Junk::Automated => "automated",
            Junk::Solicitation => "low priority",
        }
    }
}

/// Whether a mail is junk, judged by its envelope.
pub(super) fn junk(sender: &str, subject: &str, labels: &[String]) -> Option<Junk> {
    let sender = sender.to_ascii_lowercase();
    let subject = subject.to_ascii_lowercase();
    let labelled = |words: &[&str]| labels.iter().any(|label| words.iter().any(|word| label.contains(word)));
    let sent_by = |words: &[&str]| words.iter().any(|word| sender.contains(word));
    let about = |words: &[&str]| words.iter().any(|word| subject.contains(word));
    if labelled(&["newsletter"])
        || sent_by(&["newsletter", "digest"])
        || about(&["newsletter", "digest", "weekly:"])
    {
        Some(Junk::Newsletter)
    } else if labelled(&["promo", "spam", "marketing", "junk", "offer"])
        || sent_by(&["promo", "deals", "offers@", "sales@", "marketing", "shop", "vendor@"])
        || about(&[
            "% off",
            "special offer",
            "limited time",
            "discount code",
            "sale ends",
            "free trial",
            "webinar",
        ])
    {
        Some(Junk::Promo)
    } else if sent_by(&["headhunter", "conference@", "events@", "talent", "investor", "survey"])
        || about(&["exciting opportunity", "exciting", "talk proposal", "call for papers", "sponsor"])
    {
        Some(Junk::Solicitation)
    } else if labelled(&["automated", "notification", "social", "bulk"])
        || sent_by(&["noreply", "no-reply", "donotreply", "tracking", "notifications@", "mailer"])
        || about(&["package", "out for delivery", "storage capacity"])
    {
        Some(Junk::Automated)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_have_senses() {
        let check = |text: &str, sense: Senses, expected: bool| {
            assert_eq!(senses(text) & sense != 0, expected, "{text}")
        };
        check("Root cause: a bad cache key", ROOT, true);
        check("Please reply by noon", DEADLINE, true);
        check("The overdue books", DEADLINE, false);
        check("It is due Friday", DEADLINE, true);
        check("His salary is 10", SENSITIVE, true);
        check("Two dogs", !0, false);
    }

    #[test]
    fn junk_is_known_by_its_envelope() {
        assert_eq!(junk("news@x.org", "The weekly digest", &[]), Some(Junk::Newsletter));
        assert_eq!(junk("ona@x.org", "Lease", &["promotions".into()]), Some(Junk::Promo));
        assert_eq!(junk("ona@x.org", "Lease", &[]), None);
    }
}
