//! Proposals against scripted writers, on the real suites: what is asked, what is accepted, and what is not.

use packwright::episode::{AssistantTurn, Usage};
use packwright::event::{
    Candidate, CheckEntry, Event, Operator, ProposalFault, ProposalPlan, RunStarted, ScenarioEntry, Target,
};
use packwright::llm::scripted::Scripted;
use packwright::llm::{Finish, LlmError, Reply};
use packwright::pack::{Pack, PackMetadata};
use packwright::propose::propose;
use packwright::scenario::Suite;
use packwright::score::Profile;
use packwright::search::Search;
use packwright::units::Seed;
use packwright::workspace::{SuiteSource, baseline_policy, load_suite};
use std::path::PathBuf;

const GENERAL: &str = "\
# Policy
- Never send, post, create or change anything without approval. Will the user object? Ask. May I send it? Ask.
- Use himalaya, Notion, Slack, the Calendar and Google Calendar sparingly: at most 12 calls. Read USER.md.
- Monday to Friday: the Board, the Team, Support, Engineering, Legal, Finance, HR and the CEO come first.
- Dates as 2019-12-31; times as 14:00; priorities P0, P1, P2; at most 2,000 characters; Q1 to Q4.
- Hold back salaries, layoffs, audit findings and legal advice. Skip newsletters, Promotions and #random.
- Mark each Blocker with an owner; grant no exceptions; drew and frank words are welcome; hope is no plan.
- Client, Vendor, Contract, Renewal, Incident, Outage, Sprint, Standup, Hiring, Expense, Travel, Handover.
";

fn suites() -> Vec<Suite> {
    let clawbench = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/clawbench");
    let mut sources = vec![SuiteSource::Embedded];
    if clawbench.exists() {
        sources.push(SuiteSource::Folder(clawbench));
    } else {
        eprintln!("SKIPPED: the ClawBench suite is not here");
    }
    let load = |source| load_suite(source).unwrap_or_else(|error| panic!("{error}")).suite;
    sources.iter().map(load).collect()
}

struct Desk {
    suite: Suite,
    base: Pack,
    search: Search,
}

impl Desk {
    fn new(suite: Suite) -> Desk {
        let base = Pack::of_policy(baseline_policy(), &PackMetadata::default());
        let mut search = Search::new();
        search.tell(&Event::RunStarted(started(&suite, &base)));
        Desk { suite, base, search }
    }

    fn plan(&self, operator: Operator) -> ProposalPlan {
        let targets =
            self.suite.scenarios.iter().filter(|scenario| !scenario.held_out).flat_map(|scenario| {
                scenario.rubric.checks.iter().map(|check| Target {
                    scenario: scenario.name.clone(),
                    check: check.id.clone(),
                    category: check.category.clone(),
                    points: check.points,
                    passed: 0,
                    episodes: 2,
                    detail: "'(secret|pattern)' → NOT FOUND".into(),
                    belief: None,
                })
            });
        ProposalPlan {
            operator,
            parents: vec![self.base.hash().clone()],
            edges: Vec::new(),
            writer: None,
            lessons: Vec::new(),
            targets: targets.collect(),
            protected: Vec::new(),
            length_max: 6_000,
        }
    }

    fn propose(&self, writer: &Scripted) -> Event {
        self.propose_by(Operator::Patch, writer)
    }

    fn propose_by(&self, operator: Operator, writer: &Scripted) -> Event {
        let plan = self.plan(operator);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(propose(&plan, &self.suite, &self.search, &self.base, writer, Seed(1)))
    }

    /// What becomes of answers given in turn.
    fn fault(&self, answers: &[&str]) -> Option<ProposalFault> {
        match self.propose(&Scripted::in_turn(answers.iter().map(|text| Ok(reply(text))))) {
            Event::ProposalFailed(failed) => Some(failed.reason),
            _ => None,
        }
    }
}

fn started(suite: &Suite, base: &Pack) -> RunStarted {
    let scenarios = suite.scenarios.iter().map(|scenario| ScenarioEntry {
        name: scenario.name.clone(),
        weight: scenario.weight,
        held_out: scenario.held_out,
        checks: scenario
            .rubric
            .checks
            .iter()
            .map(|check| CheckEntry {
                id: check.id.clone(),
                category: check.category.clone(),
                points: check.points,
            })
            .collect(),
    });
    RunStarted {
        format: 1,
        program: "test".into(),
        seed: Seed(1),
        budget: 100,
        suite: suite.name.clone(),
        suite_hash: suite.hash.clone(),
        scenarios: scenarios.collect(),
        profile: Profile::default(),
        model: "scripted/test".into(),
        writer: "scripted/test".into(),
        caps: Default::default(),
        conditions: Default::default(),
        incumbent: Candidate::brought(base.hash().clone(), base.agents_md()),
        base: base.document().clone(),
    }
}

fn reply(text: &str) -> Reply {
    Reply {
        turn: AssistantTurn { text: text.to_owned(), ..AssistantTurn::default() },
        finish: Finish::Stop,
        usage: Usage { input_tokens: Some(100), output_tokens: Some(10), ..Usage::default() },
        resolved_model: None,
        waited_ms: 0,
        recalled_ms: None,
    }
}

fn answer(policy: &str) -> String {
    format!("rationale: asks first\n<policy>\n{policy}\n</policy>\n")
}

#[test]
fn a_general_policy_is_accepted_on_every_suite() {
    for suite in suites() {
        let desk = Desk::new(suite);
        let writer = Scripted::in_turn([Ok(reply(&answer(GENERAL)))]);
        let Event::Proposed(proposed) = desk.propose(&writer) else {
            panic!("{}: {:?}", desk.suite.name, desk.fault(&[&answer(GENERAL)]))
        };
        assert_eq!(proposed.candidate.id, *desk.base.with_policy(GENERAL).hash());
        assert_eq!(proposed.candidate.parents, [desk.base.hash().clone()]);
        assert_eq!(proposed.rationale, "asks first");
    }
}

#[test]
fn the_question_tells_what_failed_and_keeps_what_must_not_be_known() {
    for suite in suites() {
        let desk = Desk::new(suite);
        let writer = Scripted::in_turn([Ok(reply(&answer(GENERAL)))]);
        desk.propose(&writer);
        let requests = writer.requests();
        let question = format!("{:?}", requests[0].messages);
        for scenario in desk.suite.scenarios.iter() {
            assert!(!question.contains(&scenario.name), "{} is named", scenario.name);
            let is_shown = question.contains(scenario.description.split(',').next().unwrap_or_default());
            assert!(!(scenario.held_out && is_shown), "{} is held out", scenario.name);
        }
        for known in ["At most 6000 characters", "0.1 times their variance", "by more than 0.05"] {
            assert!(question.contains(known), "{known}");
        }
        let policy = desk.base.agents_md().lines().find(|line| line.len() > 40).expect("a line");
        assert!(question.contains(policy), "the policy itself is shown");
        assert!(!question.contains("secret|pattern"), "patterns are not shown");
        assert!(!question.contains("@"), "addresses are masked");
        eprintln!("{}: a question of {} characters", desk.suite.name, question.chars().count());
    }
}

#[test]
fn an_unusable_answer_gets_one_more_chance() {
    let desk = Desk::new(suites().remove(0));
    let writer = Scripted::in_turn([Ok(reply("I would rather not.")), Ok(reply(&answer(GENERAL)))]);
    let Event::Proposed(proposed) = desk.propose(&writer) else { panic!("the second answer is good") };
    assert_eq!(proposed.usage.input_tokens, Some(200));
    let requests = writer.requests();
    assert_eq!(requests.len(), 2);
    assert!(format!("{:?}", requests[1].messages).contains("no line `<policy>`"));
    assert_eq!(
        desk.fault(&["", "<policy>\n- half"]),
        Some(ProposalFault::Unusable { problem: "the answer has no line `</policy>`".into() })
    );
}

#[test]
fn what_must_not_become_a_candidate_does_not() {
    let desk = Desk::new(suites().remove(0));
    let again = answer(desk.base.agents_md().trim_end());
    assert_eq!(desk.fault(&[&again]), Some(ProposalFault::Duplicate { of: desk.base.hash().clone() }));
    let long = answer(&"- be brief\n".repeat(1_000));
    assert_eq!(desk.fault(&[&long, &long]), Some(ProposalFault::TooLong { utf16_units: 11_000 }));
    let contacts =
        desk.suite.scenario("monday_inbox").and_then(|s| s.fixtures.file("contacts.json")).unwrap();
    let contacts: serde_json::Value = serde_json::from_slice(contacts).unwrap();
    let (name, address) = (contacts[0]["name"].as_str().unwrap(), contacts[0]["email"].as_str().unwrap());
    let narrow = answer(&format!("Ask {name} or write to {address}."));
    let Some(ProposalFault::Overfitted { names }) = desk.fault(&[&narrow, &narrow]) else { panic!("{name}") };
    assert_eq!(names.join(" "), format!("{name} {address}"));
}

#[test]
fn a_writer_that_cannot_be_reached_is_an_outage() {
    let desk = Desk::new(suites().remove(0));
    let down = LlmError::SetupRefused { model: "m".into(), problem: "no key".into() };
    let Event::ProposalFailed(failed) = desk.propose(&Scripted::in_turn([Err(down)])) else { panic!() };
    assert_eq!(failed.reason, ProposalFault::Unreachable { problem: "m: no key".into() });
}

#[test]
fn a_trim_asks_for_a_shorter_policy_and_a_merge_asks_nobody() {
    let desk = Desk::new(suites().remove(0));
    let writer = Scripted::in_turn([Ok(reply(&answer(GENERAL)))]);
    desk.propose_by(Operator::Condense, &writer);
    assert!(format!("{:?}", writer.requests()[0].messages).contains("Shorten the policy"));
    let nobody = Scripted::in_turn([]);
    let Event::ProposalFailed(failed) = desk.propose_by(Operator::Merge, &nobody) else { panic!() };
    assert_eq!(failed.reason, ProposalFault::Duplicate { of: desk.base.hash().clone() });
    assert!(nobody.requests().is_empty());
}
