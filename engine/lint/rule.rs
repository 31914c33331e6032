//! The rules of the lint: what each is called, how bad it is to break it, and what to write instead.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A rule for policies that are meant to be general.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A person, company, channel or project of the fixtures.
    Name,
    /// A user or company that validators tell agents they work for.
    Persona,
    /// A mail address or domain of the fixtures.
    Address,
    /// The id of a mail, task, document or channel.
    Id,
    /// A day that the fixtures name.
    Date,
    /// An amount, count or share that the fixtures name.
    Amount,
    /// A passage of the fixtures or of a request.
    CopiedText,
    /// The name of a scenario.
    Scenario,
    /// A piece of a regular expression of the rubrics.
    Pattern,
    /// A list of the words that one check looks for.
    Keywords,
    /// An instruction not to look things up.
    SkipTools,
    /// An instruction to read the files behind the mock tools.
    RawFiles,
    /// Text for whoever scores the answer.
    Judge,
    /// The same text as another pack.
    NearCopy,
    /// More than agents read.
    Length,
}

/// All rules, in the order of the documentation.
pub const RULES: [Rule; 15] = [
    Rule::Name,
    Rule::Persona,
    Rule::Address,
    Rule::Id,
    Rule::Date,
    Rule::Amount,
    Rule::CopiedText,
    Rule::Scenario,
    Rule::Pattern,
    Rule::Keywords,
    Rule::SkipTools,
    Rule::RawFiles,
    Rule::Judge,
    Rule::NearCopy,
    Rule::Length,
];

impl Rule {
    /// The name on the command line and in records.
    pub fn word(self) -> &'static str {
        match self {
            Rule::Name => "name",
            Rule::Persona => "persona",
            Rule::Address => "address",
            Rule::Id => "id",
            Rule::Date => "date",
            Rule::Amount => "amount",
            Rule::CopiedText => "copied-text",
            Rule::Scenario => "scenario",
            Rule::Pattern => "pattern",
            Rule::Keywords => "keywords",
            Rule::SkipTools => "skip-tools",
            Rule::RawFiles => "raw-files",
            Rule::Judge => "judge",
            Rule::NearCopy => "near-copy",
            Rule::Length => "length",
        }
    }

    /// What is wrong, before the evidence.
    pub fn problem(self) -> &'static str {
        match self {
            Rule::Name => "a name that only the fixtures know",
            Rule::Persona => "a user or company that validators make up for an epoch",
            Rule::Address => "an address that only the fixtures know",
            Rule::Id => "an id that only the fixtures know",
            Rule::Date => "a day of the fixtures",
            Rule::Amount => "an amount of the fixtures",
            Rule::CopiedText => "a passage that is copied from the fixtures",
            Rule::Scenario => "the name of a scenario",
            Rule::Pattern => "a piece of a rubric's pattern",
            Rule::Keywords => "a list of words that one check looks for",
            Rule::SkipTools => "an instruction not to look things up",
            Rule::RawFiles => "an instruction to read the files behind the tools",
            Rule::Judge => "text for whoever scores the answer",
            Rule::NearCopy => "nearly the same text as another pack",
            Rule::Length => "more than agents read",
        }
    }

    /// How to say it generally.
    pub fn advice(self) -> &'static str {
        match self {
            Rule::Name => {
                "say what makes them matter: \"the client who escalates\", \"whoever leads the team\""
            }
            Rule::Persona => "say \"the user\"; who that is, and where, changes from request to request",
            Rule::Address => "say what gives it away: \"a sender whose domain differs from the known one\"",
            Rule::Id => "say how to find it: \"the task on the board about the same matter\"",
            Rule::Date => "say how to work it out: \"the last day on which notice counts\"",
            Rule::Amount => {
                "say what to do with such numbers: \"the corrected figure replaces the first one\""
            }
            Rule::CopiedText => "state the rule behind it in your own words",
            Rule::Scenario => "name the kind of request instead: \"when an incident is escalated\"",
            Rule::Pattern => "say in plain words what the answer should tell the user",
            Rule::Keywords => "say what the answer should tell the user; the words then follow",
            Rule::SkipTools => {
                "say what to look at, and when to stop: \"stop when the next call cannot change the answer\""
            }
            Rule::RawFiles => "name the tool that a real office has: mail program, calendar, board, notes",
            Rule::Judge => "write for the agent and its user; nobody else reads the policy",
            Rule::NearCopy => {
                "write a policy of your own: validators refuse what is this similar to the champion's"
            }
            Rule::Length => {
                "shorten it: agents see the first 70 % and the last 20 % of what they have room for"
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(word: &str) -> Result<Rule, String> {
        let words = || RULES.map(Rule::word).join(", ");
        let found = RULES.into_iter().find(|rule| rule.word() == word);
        found.ok_or_else(|| format!("no rule of the lint; the rules are {}", words()))
    }
}
