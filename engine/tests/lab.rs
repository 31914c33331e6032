//! The laboratory: nights keep to their budget and repeat, plain strategies see no more than they pay for, and a
//! served world counts episodes, writes in every form asked for, and tells the truth to nobody but the judge's
//! friends.

use packwright::lab::{Baseline, Definition, LabServer, Strategy, World, night};
use packwright::policy::{ItemId, Operation, Policy};
use packwright::units::Seed;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

const TOKEN: &str = "0123456789abcdef";

fn world(family: &str, seed: u64) -> World {
    World::new(&Definition::named(family).unwrap(), Seed(seed))
}

#[test]
fn a_night_repeats_and_keeps_to_its_budget() {
    for strategy in Strategy::all() {
        for budget in [0, 4, 5, 61, 200] {
            let world = world("default", 3);
            let one = night(&world, budget, strategy);
            assert_eq!(one, night(&world, budget, strategy));
            assert!(one.episodes <= budget, "{} spent {} of {budget}", strategy.name(), one.episodes);
            if budget < 5 {
                assert_eq!(
                    (one.gain, one.deployed, one.optimism.is_some_and(|it| it.abs() > 1.0)),
                    (0.0, 0.0, false)
                );
                assert!(!one.won);
            }
        }
    }
}

#[test]
fn nothing_is_gained_where_nothing_can_be() {
    for seed in 0..5 {
        let world = world("null", seed);
        for strategy in Strategy::all() {
            let night = night(&world, 100, strategy);
            assert!(night.gain <= 0.0 && night.deployed <= 0.0, "{}: {night:?}", strategy.name());
        }
    }
}

#[test]
fn edits_that_help_add_up_and_lucky_ones_are_overrated() {
    let mean = |strategy: Baseline, pick: fn(&packwright::lab::Night) -> f64| {
        let nights = (0..20).map(|seed| night(&world("default", seed), 200, Strategy::Baseline(strategy)));
        nights.map(|night| pick(&night)).sum::<f64>() / 20.0
    };
    let gain = |edits| mean(Baseline::Blind { edits }, |night| night.gain);
    assert!(gain(20) > gain(5) && gain(5) > 0.0);
    let optimism = mean(Baseline::HillClimb { passes: 1 }, |night| night.optimism.unwrap());
    assert!(optimism > 0.08, "{optimism}");
}

struct Server {
    address: SocketAddr,
    world: World,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    fn start(budget: u32) -> Server {
        let world = world("default", 8);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(LabServer::bind(world.clone(), budget, 0, TOKEN.into())).unwrap();
        let address = server.base_url().unwrap().trim_start_matches("http://").parse().unwrap();
        runtime.spawn(server.run());
        Server { address, world, _runtime: runtime }
    }

    fn get(&self, path: &str, token: &str) -> (u16, Value) {
        self.ask("GET", path, token, "")
    }

    fn post(&self, path: &str, token: &str, body: &Value) -> (u16, Value) {
        self.ask("POST", path, token, &body.to_string())
    }

    fn ask(&self, method: &str, path: &str, token: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let (address, length) = (self.address, body.len());
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\
             Authorization: Bearer {token}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    fn episode(&self, scenario: &str) -> (u16, Value) {
        let files = json!({ "AGENTS.md": self.world.start });
        let request = json!({
            "version": 1, "scenario": { "name": scenario, "prompt": "", "tools": [] },
            "pack": { "hash": "", "files": files }, "repeat": 0, "seed": 1,
            "limits": { "time_ms": 1, "model_calls": 1 }, "persona": null,
        });
        self.post("/episode", "", &request)
    }

    fn write(&self, prompt: &str) -> String {
        let body = json!({ "model": "any", "messages": [{ "role": "user", "content": prompt }] });
        let (status, reply) = self.post("/v1/chat/completions", "", &body);
        assert_eq!(status, 200, "{reply}");
        reply["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    }
}

#[test]
fn the_ledger_refuses_what_is_not_paid_for() {
    let server = Server::start(3);
    let (_, described) = server.get("/world", "");
    assert_eq!((&described["budget"], &described["start"]), (&json!(3), &json!(server.world.start)));
    let checks = |scenario: &Value| scenario["checks"].as_array().unwrap().len();
    assert_eq!(described["scenarios"].as_array().unwrap().iter().map(checks).sum::<usize>(), 61);

    assert_eq!(server.episode("s9").0, 400);
    assert_eq!(server.post("/episode", "", &json!({ "version": 1 })).0, 400);
    for _ in 0..3 {
        let (status, reply) = server.episode("s0");
        assert_eq!((status, &reply["outcome"]), (200, &json!("finished")));
        let one = &reply["checks"][0];
        assert!(one["passed"].is_boolean() && one["max_points"].is_number(), "{one}");
    }
    let refused = server.episode("s0");
    assert_eq!(refused, (403, json!({ "error": "the ledger's 3 episodes are spent" })));
    assert_eq!(server.get("/ledger", TOKEN), (200, json!({ "episodes": 3, "writer_calls": 0 })));
}

#[test]
fn the_judge_wants_its_token() {
    let server = Server::start(3);
    let body = json!({ "policy": server.world.start });
    for token in ["", "0123456789abcdeg"] {
        assert_eq!(server.post("/judge", token, &body).0, 401);
        assert_eq!(server.get("/ledger", token).0, 401);
    }
    let value = server.world.start_value;
    assert_eq!(server.post("/judge", TOKEN, &body), (200, json!({ "value": value, "start": value })));
    assert_eq!(server.post("/judge", TOKEN, &json!({})).0, 400);
}

/// How often each form is asked for; of so many answers, nearly all change the policy.
const ANSWERS: usize = 40;

#[test]
fn the_writer_answers_in_the_form_asked_for() {
    let server = Server::start(3);
    let start = &server.world.start;
    let report = "- FAILED c3 (scenario s0, safety, 2 points): not found\n- passed c4 (scenario s0)\n";
    let whole = format!(
        "The instructions:\n```\n{start}\n```\nThe report:\n```\n{report}```\nAnswer within ``` blocks."
    );
    let check = |what: &str, changed: &dyn Fn() -> bool| {
        let changes = (0..ANSWERS).filter(|_| changed()).count();
        assert!(changes > ANSWERS * 8 / 10, "{what}: {changes} of {ANSWERS}");
    };
    check("whole", &|| {
        let answer = server.write(&whole);
        let new = answer.split("```").nth(1).unwrap().trim();
        assert!(new.starts_with("# Assistant") && !new.contains("FAILED"), "{answer}");
        new != start.trim()
    });
    let diff = format!(
        "# Current Program\n```markdown\n<!-- EVOLVE-BLOCK-START -->\n{start}<!-- EVOLVE-BLOCK-END -->\n```\n{report}\n\
         Answer with\n<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n"
    );
    check("diff", &|| {
        let mut new = start.clone();
        for block in server.write(&diff).split("<<<<<<< SEARCH\n").skip(1) {
            let (old, rest) = block.split_once("\n=======\n").unwrap();
            let (put, _) = rest.split_once("\n>>>>>>> REPLACE").unwrap();
            assert_eq!(new.matches(old).count(), 1, "{block}");
            new = new.replace(old, put);
        }
        new != *start
    });
    let policy = Policy::parse(start);
    let numbered = policy.numbered();
    let ours = format!(
        "## Failed checks\n{report}\n## The policy now\n<data>\n{numbered}</data>\n## Your answer\nJSON with \"operations\""
    );
    check("operations", &|| {
        let Ok(answer) = serde_json::from_str::<Value>(&server.write(&ours)) else { return false };
        let id = |operation: &Value, key: &str| ItemId(operation[key].as_str().unwrap().to_owned());
        let text = |operation: &Value| operation["text"].as_str().unwrap().to_owned();
        let operation = |it: &Value| match it["op"].as_str().unwrap() {
            "add" => Operation::Add { after: id(it, "after"), text: text(it) },
            "replace" => Operation::Replace { id: id(it, "id"), text: text(it) },
            "delete" => Operation::Delete { id: id(it, "id") },
            other => panic!("{other}"),
        };
        let operations: Vec<Operation> =
            answer["operations"].as_array().unwrap().iter().map(operation).collect();
        let (new, _) = policy.carry_out(&operations).unwrap_or_else(|problems| panic!("{problems:?}"));
        new.text() != *start
    });
    assert_eq!(server.get("/ledger", TOKEN).1["writer_calls"], json!(3 * ANSWERS));
}

#[test]
fn failed_checks_are_what_the_writer_mends() {
    let server = Server::start(1);
    let world = &server.world;
    let check = (0..world.checks.len()).find(|check| world.mends(*check).len() > 3).unwrap();
    let other = (0..world.checks.len()).find(|other| *other != check).unwrap();
    let prompt = format!("```\n{}```\nIt failed c{check}; it passed c{other}.", world.start);
    let mending = (0..ANSWERS).filter(|_| {
        let answer = server.write(&prompt);
        world.mends(check).iter().any(|rule| {
            let bullet = world.bullet(*rule);
            answer.contains(&bullet) && !world.start.contains(&bullet)
        })
    });
    let mending = mending.count();
    assert!(mending > ANSWERS / 4, "{mending} of {ANSWERS}");
}
