//! The plan of a publication: what is done, what would be done and as whom, what cannot be undone, and what stands
//! against it. Looking changes nothing.

use super::chain_step::look;
use super::on_chain::shown;
use super::steps::{self, push_words};
use super::won::{Ways, Won};
use crate::exit::Exit;
use crate::run::gate;
use packwright::publish::{FetchedBack, PackRepo, Rehearsal, redact};
use serde::Serialize;

const PUSH: &str = "push";
const ON_CHAIN: &str = "on chain";

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
    /// With what the program ends where it is refused.
    #[serde(skip)]
    exit: Option<Exit>,
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
        let commit = committed.as_ref().map(|committed| committed.commit.as_str());
        steps.push(on_chain(won, ways, &repo, commit, steps[2].state));
        Ok(Plan {
            run: won.run.0.clone(),
            pack_hash: won.winner.hash().0.clone(),
            gain: [comparison.difference, comparison.low, comparison.high],
            steps,
        })
    }

    /// With what the program ends where something stands against it: what is wrong with the pack comes before a remote
    /// that fails.
    pub fn refused(&self) -> Option<Exit> {
        let exits = || self.steps.iter().filter_map(|step| step.exit);
        exits().find(|exit| *exit != Exit::Infrastructure).or(exits().next())
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
    Step { name, state, what, is_irreversible: false, exit: None }
}

fn refused(name: &'static str, what: String, exit: Exit) -> Step {
    Step { exit: Some(exit), ..step(name, State::Refused, what) }
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
            let what = format!("{}; {compared}; {allow} publishes it all the same", refusal.why);
            refused("check", what, Exit::Gate)
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
        return Ok(refused("commit", why, Exit::Gate));
    }
    if let Some(committed) = repo.committed(&won.winner)? {
        let commit = committed.commit.get(..10).unwrap_or_default();
        return Ok(step("commit", State::Done, format!("{commit} on {} in {place}", committed.branch)));
    }
    if let Err(error) = repo.check_ready() {
        return Ok(refused("commit", error.to_string(), Exit::Gate));
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
        Rehearsal::WouldFail(rejection) => {
            let what = format!("{}: {}", rejection.reason.replace('\n', "; "), rejection.next_step);
            refused(PUSH, what, Exit::Infrastructure)
        }
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

fn on_chain(won: &Won, ways: &Ways, repo: &PackRepo, commit: Option<&str>, push: State) -> Step {
    let Some(choice) = &ways.on_chain else {
        return step(ON_CHAIN, State::NotWanted, "--on-chain writes a commitment, too".to_owned());
    };
    match push {
        State::Refused => return step(ON_CHAIN, State::NotWanted, "nothing is pushed".to_owned()),
        State::NotWanted => {
            let what = "nothing is pushed, so nobody could fetch what it names".to_owned();
            return refused(ON_CHAIN, what, Exit::BadInput);
        }
        State::Done | State::ToDo => {}
    }
    let (hash, github) = (won.winner.hash(), repo.github_name());
    let looked = choice
        .commitment(hash, commit, github.as_deref(), ways.public_url.as_deref())
        .and_then(|commitment| Ok((shown(&commitment), look(choice, &commitment)?)));
    match looked {
        Err(trouble) => refused(ON_CHAIN, trouble.words, trouble.exit),
        Ok((text, (true, _))) => step(ON_CHAIN, State::Done, format!("it holds just this: {text}")),
        Ok((text, (false, place))) => Step {
            is_irreversible: true,
            ..step(
                ON_CHAIN,
                State::ToDo,
                format!("{place}, in place of what is there: {text}; what the network charges is not known"),
            )
        },
    }
}
