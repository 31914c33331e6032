//! The plan of a publication: what is done, what would be done and as whom, what cannot be undone, and what stands
//! against it. Looking changes nothing.

use super::steps::{self, push_words};
use super::won::{Ways, Won};
use crate::run::gate;
use packwright::publish::{FetchedBack, PackRepo, Rehearsal, redact};
use serde::Serialize;

const PUSH: &str = "push";

/// All that would be done, in order.
#[derive(Debug, Serialize)]
pub struct Plan {
    pub run: String,
    pub pack_hash: String,
    /// The gain on fresh episodes, with its 90 % interval.
    pub gain: [f64; 3],
    pub steps: Vec<Step>,
}

/// One of the steps.
#[derive(Debug, Serialize)]
pub struct Step {
    pub name: &'static str,
    pub state: State,
    /// What is done, where and as whom; or why not.
    pub what: String,
    /// Others see it at once, and it cannot be taken back.
    pub is_irreversible: bool,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Done,
    ToDo,
    NotWanted,
    /// It stands against all that comes after it.
    Refused,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Done => "done",
            State::ToDo => "to do",
            State::NotWanted => "left out",
            State::Refused => "REFUSED",
        }
    }
}

impl Plan {
    pub fn of(won: &Won, ways: &Ways) -> anyhow::Result<Plan> {
        let mut repo = PackRepo::open_or_create(&won.settings.packs)?;
        repo.git.token = super::token()?;
        let comparison = &won.comparison;
        let kept = steps::receipt(&won.folder).filter(|kept| kept.pack_hash == won.finalist);
        let committed = repo.committed(&won.winner)?;
        let mut steps = vec![check(won, ways), commit(won, &repo)?, push(won, ways, &repo)?];
        let found = kept.and_then(|kept| kept.fetched_back).filter(|_| committed.is_some());
        steps.push(fetch(ways, found.as_ref(), steps[2].state));
        Ok(Plan {
            run: won.run.0.clone(),
            pack_hash: won.winner.hash().0.clone(),
            gain: [comparison.difference, comparison.low, comparison.high],
            steps,
        })
    }

    /// Whether something stands against it.
    pub fn is_refused(&self) -> bool {
        self.steps.iter().any(|step| step.state == State::Refused)
    }

    /// Whether it is the pack that something stands against, and not the remote that fails.
    pub fn is_unfit(&self) -> bool {
        self.steps.iter().any(|step| step.state == State::Refused && step.name != PUSH)
    }

    /// Whether something is left to be done.
    pub fn has_work(&self) -> bool {
        self.steps.iter().any(|step| step.state == State::ToDo)
    }

    pub fn lines(&self) -> Vec<String> {
        let [gain, low, high] = self.gain;
        let mut lines = vec![
            format!(
                "Run        {}: better by {gain:+.3} on fresh episodes (90 % interval {low:+.3} to {high:+.3})",
                self.run
            ),
            format!("Pack       {}", self.pack_hash),
            String::new(),
        ];
        lines.extend(self.steps.iter().map(|step| {
            let last =
                if step.is_irreversible && step.state == State::ToDo { "; cannot be undone" } else { "" };
            format!("{:<10} {:<9} {}{last}", step.name, step.state.word(), step.what)
        }));
        lines
    }
}

fn step(name: &'static str, state: State, what: String) -> Step {
    Step { name, state, what, is_irreversible: false }
}

/// Whether the pack is fit.
fn check(won: &Won, ways: &Ways) -> Step {
    let profile = &won.started.profile;
    let findings = gate::findings(&won.winner, &won.suite, profile, ways.champion.as_ref());
    let compared = match &ways.champion {
        Some(champion) => format!(
            "similar to champion {} by {:.2}, refused from {} on",
            champion.name,
            champion.similarity(&won.winner),
            profile.similarity_max
        ),
        None => "not compared with a champion's pack (--champion)".to_owned(),
    };
    match gate::refusal(&findings, &ways.allowed) {
        Some(refusal) => {
            let allow = refusal.allow();
            step(
                "check",
                State::Refused,
                format!("{}; {compared}; {allow} publishes it all the same", refusal.why),
            )
        }
        None if findings.is_empty() => {
            step("check", State::Done, format!("the lint finds nothing; {compared}"))
        }
        None => {
            let count = findings.len();
            step(
                "check",
                State::Done,
                format!("the lint has {count} findings that are allowed or warnings; {compared}"),
            )
        }
    }
}

fn commit(won: &Won, repo: &PackRepo) -> anyhow::Result<Step> {
    let place = won.settings.packs.display();
    if let Some(why) = won.stranger(repo.current())? {
        return Ok(step("commit", State::Refused, why));
    }
    if let Some(committed) = repo.committed(&won.winner)? {
        let commit = committed.commit.get(..10).unwrap_or_default();
        return Ok(step("commit", State::Done, format!("{commit} on {} in {place}", committed.branch)));
    }
    if let Err(error) = repo.check_ready() {
        return Ok(step("commit", State::Refused, error.to_string()));
    }
    let author = repo.author()?;
    let signed = if author.is_signed { "signed" } else { "not signed" };
    let what = format!("pack.json and AGENTS.md to {place} as {} <{}>, {signed}", author.name, author.email);
    Ok(step("commit", State::ToDo, what))
}

fn push(won: &Won, ways: &Ways, repo: &PackRepo) -> anyhow::Result<Step> {
    let left_out = |what: &str| Ok(step(PUSH, State::NotWanted, what.to_owned()));
    if ways.no_push {
        return left_out("--no-push");
    }
    let committed = repo.committed(&won.winner)?;
    let to_do = |remote: String, address: &str, branch: String| Step {
        is_irreversible: true,
        ..step(PUSH, State::ToDo, format!("to {branch} of {remote} ({address}), never forced"))
    };
    Ok(match repo.rehearse_push()? {
        Rehearsal::NoRemote => return left_out("the pack repository has no remote"),
        Rehearsal::WouldFail(rejection) => step(
            "push",
            State::Refused,
            format!("{}: {}", rejection.reason.replace('\n', "; "), rejection.next_step),
        ),
        Rehearsal::NothingCommitted { remote, address, branch } => to_do(remote, &redact(&address), branch),
        Rehearsal::WouldArrive { remote, address, branch } => {
            let there = committed.as_ref().and_then(|committed| repo.is_at_remote(committed));
            match there {
                Some(outcome) => step(PUSH, State::Done, push_words(&outcome)),
                None => to_do(remote, &redact(&address), branch),
            }
        }
    })
}

fn fetch(ways: &Ways, found: Option<&FetchedBack>, push: State) -> Step {
    let is_done = found.is_some_and(|found| match (found, &ways.public_url) {
        (FetchedBack::Same { from, .. }, Some(address)) => *from == redact(address),
        (found, None) => found.is_same(),
        _ => false,
    });
    let from = match &ways.public_url {
        Some(address) => redact(address),
        None => "the remote, into a new repository".to_owned(),
    };
    let (state, what) = match push {
        State::NotWanted | State::Refused => (State::NotWanted, "nothing is pushed".to_owned()),
        State::Done if is_done => (State::Done, format!("from {from}: the same pack")),
        State::Done | State::ToDo => (State::ToDo, format!("from {from}, and its hash compared")),
    };
    step("fetch back", state, what)
}
