//! What is told of a run, and what is not: each part of a budget once, an outage when it lasts, no interim bests; and no word
//! of a model or a provider.

use crate::trial::Trial;
use packwright::budget::Amount;
use packwright::event::{Event, RunFinished, Stop, Verdict};
use packwright::notify::ending::{Halt, Tally, batch, finished, stopped};
use packwright::notify::{Kind, Notice, Progress, Subject, TEXT_CHARACTERS_MAX, Watch};
use packwright::optimize::Heard;
use packwright::publish::{Committed, FetchedBack, OnChain, PushOutcome, Receipt};
use packwright::store::Record;
use packwright::units::{PackHash, RunId};
use proptest::prelude::*;
use serde_json::json;
use std::time::Duration;

const AT: &str = "2026-11-21T03:00:00Z";

fn subject() -> Subject {
    Subject {
        run: "20261121-020000".into(),
        suite: "office".into(),
        option: String::new(),
        seal: "s".into(),
        is_offline: false,
    }
}

fn hear(watch: &mut Watch, records: &[Record], resumed: bool, spent: Amount) -> Vec<Notice> {
    let heard = |record| watch.hear(&Heard::Recorded { record, resumed }, &|| (spent, 0), AT);
    records.iter().filter_map(heard).collect()
}

#[test]
fn each_part_of_the_budget_is_told_once_and_interim_bests_are_not() {
    let mut records = Trial::new(60).run().records();
    let is_episode =
        |record: &&Record| matches!(record.event, Event::EpisodeScored(_) | Event::EpisodeUnmeasured(_));
    let episodes = records.iter().filter(is_episode).count() as u32;
    let Event::RunStarted(started) = &mut records[0].event else { panic!("it begins with its start") };
    started.budget = episodes;
    let told = hear(&mut Watch::new(subject()), &records, false, Amount::default());
    let titles: Vec<&str> = told.iter().map(|notice| notice.title.as_str()).collect();
    assert_eq!(titles, ["80 % of the budget is spent", "95 % of the budget is spent"]);
    let first = format!("{} of {episodes} episodes.", (episodes * 80).div_ceil(100));
    assert!(told[0].text.contains(&first) && told[0].text.ends_with("Nothing to do."), "{}", told[0].text);

    // What was recorded before a resumption is no news, and its messages have the keys that they had.
    let mut resumed = Watch::new(subject());
    assert!(hear(&mut resumed, &records[..records.len() / 2], true, Amount::default()).is_empty());
    let again = hear(&mut resumed, &records[records.len() / 2..], false, Amount::default());
    assert!(again.iter().all(|notice| told.iter().any(|before| before.key == notice.key)), "{again:?}");
    assert!(hear(&mut Watch::new(subject()), &records, true, Amount::default()).is_empty());
}

#[test]
fn the_limit_that_is_nearest_counts() {
    let mut records = Trial::new(60).run().records();
    let Event::RunStarted(started) = &mut records[0].event else { panic!("it begins with its start") };
    started.caps.run.usd = Some("10".parse().expect("dollars"));
    let spent = Amount { usd: "9.6".parse().expect("dollars"), tokens: 5, calls: 5 };
    let told = hear(&mut Watch::new(subject()), &records[..2], false, spent);
    let [notice] = &told[..] else { panic!("{told:?}") };
    assert_eq!(notice.title, "95 % of the budget is spent", "80 % is not news any more");
    assert!(notice.text.contains("$9.60 of $10.00."), "{}", notice.text);
    assert_eq!(notice.progress.expect("a progress").usd, Some(spent.usd));
}

#[test]
fn an_outage_is_told_when_it_lasts_and_so_is_its_end() {
    let records = Trial::new(60).run().records();
    let mut watch = Watch::new(subject());
    hear(&mut watch, &records[..3], false, Amount::default());
    let mut waits = |wait: u64| {
        let problem = "x/y: HTTP 503 Service Unavailable: words-of-others";
        let heard = Heard::Waiting { problem, wait: Duration::from_secs(wait) };
        watch.hear(&heard, &Default::default, AT)
    };
    let told: Vec<Option<Notice>> = [15, 30, 60, 120, 240, 300].into_iter().map(&mut waits).collect();
    let places: Vec<usize> = (0..6).filter(|place| told[*place].is_some()).collect();
    assert_eq!(places, [4], "a hiccup is not told, and an outage once");
    let notice = told[4].as_ref().expect("a message");
    assert_eq!((notice.event, notice.needs_you), (Kind::NeedsYou, true));
    assert!(notice.text.contains("3m45s (HTTP 503, the provider is in trouble)"), "{}", notice.text);
    assert!(
        !notice.text.contains("words-of-others") && notice.text.ends_with("optimize status 20261121-020000")
    );
    let after = hear(&mut watch, &records[3..6], false, Amount::default());
    let [notice] = &after[..] else { panic!("{after:?}") };
    assert_eq!((notice.event, notice.text.ends_with("Nothing to do.")), (Kind::GoesOn, true));
}

fn ended(verdict: Verdict, stop: Stop) -> RunFinished {
    RunFinished { stop, finalist: Some(PackHash("f".into())), verdict }
}

fn comparison() -> packwright::event::Comparison {
    let value = json!({
        "passes": 3, "finalist": 0.713, "incumbent": 0.652, "difference": 0.061, "low": 0.032, "high": 0.09,
        "probability_better": 0.99, "threshold": 0.7, "episodes_to_decide": 120,
    });
    serde_json::from_value(value).expect("a comparison")
}

fn receipt(push: Option<PushOutcome>) -> Receipt {
    let committed: Committed =
        serde_json::from_value(json!({"commit": "c", "branch": "main", "unchanged": false}))
            .expect("a commit");
    let receipt = Receipt::of_commit(RunId("r".into()), PackHash("f".into()), committed, AT.into());
    match push {
        Some(push) => {
            let found = FetchedBack::Same { from: "a".into(), hash: PackHash("f".into()) };
            receipt.with_push(push, AT.into()).with_fetched(found, AT.into())
        }
        None => receipt,
    }
}

#[test]
fn an_end_is_told_with_its_number_and_what_to_do() {
    let progress = Progress { episodes: 400, budget: 400, usd: Some("12.3".parse().expect("dollars")) };
    let told = |verdict, stop, receipt: Option<&Receipt>| {
        finished(&subject(), &ended(verdict, stop), receipt, progress, AT)
    };
    let pushed = PushOutcome::Pushed { remote: "origin".into(), address: "a".into(), branch: "main".into() };

    let won = told(Verdict::Better(comparison()), Stop::BudgetSpent, Some(&receipt(Some(pushed))));
    assert_eq!(
        won.text,
        "Packwright: a new champion\nRun 20261121-020000 on suite office.\nFresh episodes: +0.061 (90 % interval +0.032 to \
         +0.090).\nIt is committed and pushed.\n400 of 400 episodes, $12.30.\nNext: optimize report 20261121-020000"
    );
    assert_eq!(
        (won.event, won.needs_you, won.difference.expect("a number").low),
        (Kind::NewChampion, false, 0.032)
    );

    let limit = packwright::budget::Limit { role: None, resource: packwright::budget::Resource::Usd };
    let dry = told(Verdict::NotShownBetter(comparison()), Stop::LimitReached(limit), None);
    assert!(
        dry.text.contains("$12.30; the limit --max-usd is reached.\nAbout 120 more episodes"),
        "{}",
        dry.text
    );
    assert!(dry.text.ends_with("Nothing to do.") && dry.action.is_none() && dry.event == Kind::Finished);

    let reason = "words-of-others".to_owned();
    let unmeasured = told(Verdict::NotMeasured { reason }, Stop::Unmeasurable, None);
    assert!(unmeasured.needs_you && unmeasured.difference.is_none(), "{unmeasured:?}");
    assert!(!unmeasured.text.contains("words-of-others"), "{}", unmeasured.text);

    // What is stuck is told, and told anew when it is not any more.
    let stuck = told(Verdict::Better(comparison()), Stop::BudgetSpent, None);
    assert!(
        stuck.needs_you && stuck.text.ends_with("in the way. Next: optimize publish 20261121-020000"),
        "{}",
        stuck.text
    );
    assert_ne!(stuck.key, won.key);
    let why = "words-of-others".to_owned();
    let refused = Receipt::of_refusal(RunId("r".into()), PackHash("f".into()), why, AT.into());
    let refused = told(Verdict::Better(comparison()), Stop::BudgetSpent, Some(&refused));
    assert!(refused.needs_you && refused.text.contains("something stands against it"), "{}", refused.text);
    assert!(!refused.text.contains("words-of-others"), "{}", refused.text);
}

#[test]
fn how_far_a_winner_came_is_told() {
    let progress = Progress { episodes: 400, budget: 400, usd: None };
    let pushed = PushOutcome::Pushed { remote: "origin".into(), address: "a".into(), branch: "main".into() };
    let why = || "words-of-others".to_owned();
    let check = |push: Option<PushOutcome>, state: OnChain, words: &str| {
        let receipt = receipt(push).with_chain(state, AT.into());
        let told = finished(
            &subject(),
            &ended(Verdict::Better(comparison()), Stop::BudgetSpent),
            Some(&receipt),
            progress,
            AT,
        );
        assert!(told.needs_you && told.text.contains(words), "{}", told.text);
        assert!(told.text.ends_with("Next: optimize publish 20261121-020000"), "{}", told.text);
        assert!(!told.text.contains("words-of-others"), "{}", told.text);
    };
    check(None, OnChain::NotWritten { reason: why() }, "Nothing is pushed: its commitment could not be");
    check(Some(pushed.clone()), OnChain::Wanted, "It is pushed, and its commitment is not on chain.");
    check(Some(pushed.clone()), OnChain::NotWritten { reason: why() }, "its commitment is not on chain.");
    check(
        Some(pushed),
        OnChain::Unknown { reason: why() },
        "whether the chain took its commitment is unknown",
    );
}

#[test]
fn a_stop_is_told_without_the_words_of_others() {
    let progress = Progress { episodes: 31, budget: 400, usd: None };
    let told = |halt| stopped(&subject(), halt, 77, progress, AT);
    let outage = told(Halt::Outage("x/y: HTTP 401 Unauthorized: words-of-others"));
    assert!(outage.text.contains("HTTP 401, its key is refused") && !outage.text.contains("words-of-others"));
    assert!(outage.text.ends_with("Next: optimize --resume 20261121-020000"), "{}", outage.text);
    assert!(told(Halt::DiskFull).text.contains("The disk is full."));
    assert!(told(Halt::Error).needs_you);
    let later = stopped(&subject(), Halt::Outage(""), 78, progress, AT);
    assert!(
        told(Halt::Error).key == outage.key && later.key != outage.key,
        "a service that tries again is told once"
    );
}

#[test]
fn a_batch_is_told_in_numbers() {
    let tally = Tally { better: 2, not_better: 1, refused: 1, cut_off: 1, not_begun: 1 };
    let told = batch("night.yaml", tally, "x", "optimize batch night.yaml", AT);
    assert_eq!(
        told.text,
        "Packwright: 3 of 6 runs of a batch came to their ends\nBatch night.yaml.\n2 with a better pack.\n1 without a better \
         pack.\n1 could not be begun.\n1 cut off.\n1 not begun.\nMend what is in the way. Next: optimize batch night.yaml"
    );
    let quiet = batch(
        "night.yaml",
        Tally { not_better: 2, ..Tally::default() },
        "x",
        "optimize batch night.yaml",
        AT,
    );
    assert!(quiet.text.ends_with("Nothing to do.") && !quiet.needs_you, "{}", quiet.text);
}

proptest! {
    #[test]
    fn no_name_makes_a_message_long_or_harmful(run in ".{1,200}", suite in ".{0,400}", option in ".{0,600}", offline: bool) {
        let subject = Subject { run, suite, option, seal: "s".into(), is_offline: offline };
        let progress = Progress { episodes: u32::MAX, budget: u32::MAX, usd: None };
        let told = [
            stopped(&subject, Halt::Outage("HTTP 503"), 1, progress, AT),
            finished(&subject, &ended(Verdict::Better(comparison()), Stop::Asked), None, progress, AT),
            finished(&subject, &ended(Verdict::Worse(comparison()), Stop::Exhausted), None, progress, AT),
        ];
        for notice in told {
            prop_assert!(notice.text.chars().count() <= TEXT_CHARACTERS_MAX, "{}", notice.text);
            prop_assert!(!notice.text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
            let last = notice.text.lines().last().unwrap_or_default();
            prop_assert!(last.contains("Next") || last == "Nothing to do.", "{}", notice.text);
            let head = notice.text.lines().nth(1).unwrap_or_default();
            prop_assert!(!head.contains(['@', '<', '>', '*', '`', '/', '[']), "{head}");
        }
    }
}
