//! The postman: in the background and within bounds, nothing twice, nothing in quiet hours.

use super::{HOURS, answering, quick, received, says, webhook};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use packwright::notify::{Kind, Notice, Outbox, Postman, Route, undelivered};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use wiremock::MockServer;

/// Nobody waits so long unless something hangs.
const LONG: Duration = Duration::from_secs(60);

/// A clock that goes by hand, in seconds since 1970.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn at(time: &str) -> Hand {
        let hand = Hand(Arc::default());
        hand.set(time);
        hand
    }

    fn set(&self, time: &str) {
        self.0.store(time.parse::<Timestamp>().expect("a time").as_second(), Ordering::SeqCst);
    }

    fn now(&self) -> Zoned {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).expect("a time").to_zoned(TimeZone::UTC)
    }
}

fn route(server: &MockServer, clock: &Hand) -> Route {
    let clock = clock.clone();
    Route {
        channels: vec![webhook(server)],
        quiet: Some("23:00-07:00".parse().expect("quiet hours")),
        wake_me: false,
        patience: quick(),
        clock: Arc::new(move || clock.now()),
    }
}

fn outbox(run: &Path) -> Outbox {
    Outbox::open(Outbox::of_run(run)).expect("an outbox")
}

fn notice(event: Kind, key: &str) -> Notice {
    let needs_you = event == Kind::NeedsYou;
    let test = Notice::test("2026-11-21T03:00:00Z");
    let text = format!("about {key}\nNothing to do.");
    Notice {
        key: key.to_owned(),
        event,
        needs_you,
        run: Some("r".into()),
        title: key.to_owned(),
        text,
        ..test
    }
}

/// What arrived, once there is so much of it.
async fn arrived(server: &MockServer, wanted: usize) -> Vec<Notice> {
    loop {
        let requests = received(server).await;
        if requests.len() >= wanted {
            return requests
                .iter()
                .map(|request| serde_json::from_slice(&request.body).expect("a message"))
                .collect();
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn block_on<T>(story: impl Future<Output = T>) -> T {
    // The postman is waited for on this thread while servers answer on others.
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(story)
}

#[test]
fn a_run_that_is_resumed_tells_nothing_twice() {
    let run = tempfile::tempdir().expect("a folder");
    block_on(async {
        let (server, clock) = (answering(vec![says(200, "")]).await, Hand::at("2026-11-21T12:00:00Z"));
        for keys in [&["a", "b"][..], &["a", "b", "c"], &["b"]] {
            let postman =
                Postman::start(route(&server, &clock), outbox(run.path()), false).expect("a postman");
            keys.iter().for_each(|key| postman.send(notice(Kind::Budget, key)));
            let closed = postman.close(LONG);
            assert!(closed.news.is_empty() && closed.held == 0, "{closed:?}");
        }
        let told: Vec<String> = arrived(&server, 3).await.into_iter().map(|notice| notice.key).collect();
        assert_eq!(told, ["a", "b", "c"]);
        assert!(undelivered(run.path()).is_empty());
    });
}

#[test]
fn what_is_told_in_quiet_hours_comes_as_one_when_they_end() {
    let run = tempfile::tempdir().expect("a folder");
    block_on(async {
        let (server, clock) = (answering(vec![says(200, "")]).await, Hand::at("2026-11-21T02:00:00Z"));
        let postman = Postman::start(route(&server, &clock), outbox(run.path()), false).expect("a postman");
        postman.send(notice(Kind::Budget, "budget-80"));
        postman.send(notice(Kind::NeedsYou, "waits"));
        postman.send(notice(Kind::GoesOn, "goes-on"));
        postman.send(notice(Kind::Budget, "budget-95"));
        let closed = postman.close(LONG);
        // A wait that is over, and a part of the budget that is exceeded, are news no more.
        assert_eq!(closed.held, 1, "{closed:?}");
        assert!(received(&server).await.is_empty(), "it is quiet");

        let postman = Postman::start(route(&server, &clock), outbox(run.path()), false).expect("a postman");
        let stopped =
            Notice { action: Some("optimize --resume r".into()), ..notice(Kind::NeedsYou, "stopped") };
        postman.send(stopped);
        while outbox(run.path()).held().len() < 2 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        clock.set("2026-11-21T07:00:00Z");
        let [digest] = &arrived(&server, 1).await[..] else { panic!("one message") };
        assert_eq!((digest.event, digest.needs_you), (Kind::Digest, true));
        assert!(digest.text.contains("budget-95") && digest.text.contains("stopped"), "{}", digest.text);
        assert!(digest.text.ends_with("Next: optimize --resume r"), "{}", digest.text);
        assert_eq!(postman.close(LONG).held, 0);

        let postman = Postman::start(route(&server, &clock), outbox(run.path()), true).expect("a postman");
        postman.send(notice(Kind::NeedsYou, "stopped"));
        postman.close(LONG);
        assert_eq!(received(&server).await.len(), 1, "nothing is told twice");
    });
}

#[test]
fn one_message_of_the_quiet_hours_comes_as_it_is() {
    let run = tempfile::tempdir().expect("a folder");
    block_on(async {
        let (server, clock) = (answering(vec![says(200, "")]).await, Hand::at("2026-11-21T23:30:00Z"));
        let start = || Postman::start(route(&server, &clock), outbox(run.path()), false).expect("a postman");
        let postman = start();
        ["budget-80", "budget-95"].iter().for_each(|key| postman.send(notice(Kind::Budget, key)));
        postman.send(notice(Kind::NewChampion, "champion"));
        assert_eq!(postman.close(LONG).held, 1);
        clock.set("2026-11-22T07:00:00Z");
        start().close(LONG);
        let [told] = &arrived(&server, 1).await[..] else { panic!("one message") };
        assert_eq!(*told, notice(Kind::NewChampion, "champion"));
    });
}

#[test]
fn who_wants_to_be_woken_is_only_for_what_needs_them() {
    let run = tempfile::tempdir().expect("a folder");
    block_on(async {
        let (server, clock) = (answering(vec![says(200, "")]).await, Hand::at("2026-11-21T03:00:00Z"));
        let route = Route { wake_me: true, ..route(&server, &clock) };
        let postman = Postman::start(route, outbox(run.path()), false).expect("a postman");
        postman.send(notice(Kind::Budget, "budget-80"));
        postman.send(notice(Kind::NeedsYou, "stopped"));
        assert_eq!(postman.close(LONG).held, 1);
        let [told] = &arrived(&server, 1).await[..] else { panic!("one message") };
        assert_eq!(told.key, "stopped");
    });
}

#[test]
fn a_failure_is_said_once_and_kept_and_can_be_mended() {
    let run = tempfile::tempdir().expect("a folder");
    block_on(async {
        let clock = Hand::at("2026-11-21T12:00:00Z");
        let broken = answering(vec![says(403, "words-of-others")]).await;
        let postman = Postman::start(route(&broken, &clock), outbox(run.path()), false).expect("a postman");
        ["a", "b", "c"].iter().for_each(|key| postman.send(notice(Kind::Budget, key)));
        let closed = postman.close(LONG);
        assert_eq!(closed.news.len(), 1, "{closed:?}");
        assert!(
            closed.news[0].starts_with("not delivered: messages to webhook:http://127.0.0.1:"),
            "{closed:?}"
        );
        let kept = undelivered(run.path());
        assert!(kept.len() == 1 && kept[0].starts_with("Not delivered: 3 messages to "), "{kept:?}");

        let mended = answering(vec![says(200, "")]).await;
        let renamed = Route { channels: vec![webhook(&mended)], ..route(&mended, &clock) };
        let text = std::fs::read_to_string(Outbox::of_run(run.path())).expect("a file");
        assert!(!text.contains(super::SECRET) && !text.contains("words-of-others"), "{text}");
        let port = |server: &MockServer| server.address().port().to_string();
        std::fs::write(Outbox::of_run(run.path()), text.replace(&port(&broken), &port(&mended)))
            .expect("a file");
        Postman::start(renamed, outbox(run.path()), true).expect("a postman").close(LONG);
        assert_eq!(arrived(&mended, 3).await.len(), 3);
        assert!(undelivered(run.path()).is_empty());
    });
}

#[test]
fn a_slow_channel_holds_up_neither_the_others_nor_the_end() {
    let run = tempfile::tempdir().expect("a folder");
    block_on(async {
        let clock = Hand::at("2026-11-21T12:00:00Z");
        let silent = answering(vec![says(200, "").set_delay(HOURS)]).await;
        let sound = answering(vec![says(200, "")]).await;
        let mut route = route(&silent, &clock);
        route.patience.attempt_max = HOURS;
        route.channels.push(webhook(&sound));
        let postman = Postman::start(route, outbox(run.path()), false).expect("a postman");
        postman.send(notice(Kind::Budget, "a"));
        postman.send(notice(Kind::Finished, "b"));
        assert_eq!(arrived(&sound, 2).await.len(), 2);
        let kept = || std::fs::read_to_string(Outbox::of_run(run.path())).expect("a file");
        while kept().matches("\"delivered\"").count() < 2 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let closed = postman.close(Duration::ZERO);
        assert!(closed.news.len() == 1 && closed.news[0].contains("no time was left"), "{closed:?}");
        assert_eq!(undelivered(run.path()).len(), 1);
    });
}

#[test]
fn a_disk_that_keeps_nothing_stops_no_message() {
    let run = tempfile::tempdir().expect("a folder");
    block_on(async {
        let (server, clock) = (answering(vec![says(200, "")]).await, Hand::at("2026-11-21T12:00:00Z"));
        let outbox = outbox(run.path());
        std::fs::write(run.path().join("receipts"), "a file where a folder must be").expect("a file");
        let postman = Postman::start(route(&server, &clock), outbox, false).expect("a postman");
        postman.send(notice(Kind::Finished, "a"));
        let closed = postman.close(LONG);
        assert!(
            closed.news.len() == 1 && closed.news[0].contains("messages may be told twice"),
            "{closed:?}"
        );
        assert_eq!(arrived(&server, 1).await.len(), 1);
    });
}
