//! `optimize estimate` and the limits of the program: what is said before a run, against what the run then took.

use super::place::{Place, Running};
use serde_json::{Value, json};

const MODEL: &str = "openai/offline/office";

/// The offline model behind an endpoint of another process.
fn server(place: &Place) -> (Running, String) {
    let mut server = place.start(&["offline-llm", "--port", "0"]);
    let line = server.line_with("http://");
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).expect("a URL");
    let url = url.trim_end_matches(';').to_owned();
    (server, url)
}

fn json_of(place: &Place, arguments: &[&str]) -> Value {
    let printed = place.optimize(arguments);
    serde_json::from_str(&printed.out).unwrap_or_else(|error| panic!("{error}: {printed:?}"))
}

fn dollars(report: &Value) -> f64 {
    let rows = report["spending"].as_array().expect("rows");
    rows.iter().map(|row| row["usd"].as_str().expect("dollars").parse::<f64>().expect("a number")).sum()
}

#[test]
fn what_runs_cost_lies_in_the_range_that_was_estimated() {
    let servers = Place::new();
    let (_server, url) = server(&servers);
    let (mut inside, mut candidates_inside) = (0, 0);
    for seed in 1..=20_u32 {
        let place = Place::new();
        // Made-up prices, others each time.
        let (input, output) = (f64::from(seed % 7) + 0.5, f64::from(seed % 5) * 4.0 + 1.0);
        let prices = json!({"models": {MODEL: {"input": input, "output": output}}});
        std::fs::write(place.path("prices.json"), prices.to_string()).expect("a file");
        let (seed, budget) = (seed.to_string(), if seed.is_multiple_of(2) { "40" } else { "70" });
        let options = ["--model", MODEL, "--base-url", &url, "--prices", "prices.json", "--seed", &seed];
        let options = [&options[..], &["--budget", budget, "--start", "baseline", "--json"]].concat();
        let estimate = json_of(&place, &[&["estimate"], &options[..]].concat());
        assert!([0, 4].contains(&place.optimize(&options).code));
        let report = json_of(&place, &["report", "--json"]);
        let spent = dollars(&report);
        let of = |what: &str, end: &str| estimate[what][end].as_f64().expect("a number");
        let written = report["proposals"]["written"].as_f64().expect("a number");
        candidates_inside +=
            u32::from((of("candidates", "low")..=of("candidates", "high")).contains(&written));
        let (low, high) = (of("usd", "low"), of("usd", "high"));
        println!("seed {seed}, {budget} episodes: ${spent:.2}, estimated ${low:.2} to ${high:.2}");
        assert!(high / low < 10.0, "a range that says nothing: {low} to {high}");
        inside += u32::from((low..=high).contains(&spent));
    }
    println!("{inside} of 20 inside");
    assert!(inside >= 18 && candidates_inside >= 18, "{inside} and {candidates_inside} of 20");
}

#[test]
fn a_limit_of_dollars_holds_and_the_report_tells_what_was_spent() {
    let place = Place::new();
    let (_server, url) = server(&place);
    let prices = json!({"models": {MODEL: {"input": 2, "output": 8}}});
    std::fs::write(place.path("prices.json"), prices.to_string()).expect("a file");
    let options = ["--model", MODEL, "--base-url", &url, "--prices", "prices.json", "--budget", "200"];
    let options = [&options[..], &["--seed", "3", "--max-usd", "12"]].concat();
    let printed = place.optimize(&options);
    assert!([0, 4].contains(&printed.code), "{printed:?}");
    for words in ["estimate: ", " of $12.00", "--max-usd affords about "] {
        assert!(printed.err.contains(words), "{words}: {}", printed.err);
    }
    let spent = dollars(&json_of(&place, &["report", "--json"]));
    assert!(spent > 6.0 && spent <= 12.0, "{spent}");
    for words in
        [&format!("Dollars    ${spent:.2} in "), "the prices of ", "and prices.json", "  agent ", "  writer "]
    {
        assert!(printed.out.contains(words), "{words}: {}", printed.out);
    }
    let estimate = place.optimize(&[&["estimate", "--packs", "other"], &options[..]].concat());
    assert!(estimate.out.contains("measured on"), "earlier episodes are the basis: {}", estimate.out);
}

#[test]
fn a_limit_of_dollars_needs_a_price() {
    let place = Place::new();
    // The price of OpenAI's own model is not that of another server.
    for model in ["openai/nobody-knows", "openai/gpt-5-mini", "vllm/mine"] {
        let options = ["--model", model, "--base-url", "http://127.0.0.1:9/v1"];
        let printed = place.optimize(&[&options[..], &["--max-usd", "5"]].concat());
        assert_eq!(printed.code, 3, "{printed:?}");
        assert!(printed.err.contains("--prices") && printed.err.contains(model), "{}", printed.err);
        let estimate = place.optimize(&[&["estimate"], &options[..]].concat());
        assert_eq!(estimate.code, 0, "{estimate:?}");
        assert!(estimate.out.contains("unpriced"), "{}", estimate.out);
    }
    assert!(!place.path("runs").exists(), "nothing was begun");
}

#[test]
fn what_affords_no_search_is_refused_unless_forced() {
    let place = Place::new();
    let check = |options: &[&str], words: &str| {
        for command in [&["estimate"][..], &[]] {
            let printed = place.optimize(&[command, options].concat());
            assert_eq!(printed.code, 3, "{printed:?}");
            assert!(printed.err.contains(words) && printed.err.contains("--force"), "{}", printed.err);
        }
    };
    check(&["--budget", "31"], "`--budget 33` would do");
    let model = ["--model", MODEL, "--base-url", "http://127.0.0.1:9/v1"];
    check(&[&model[..], &["--max-tokens", "50k"]].concat(), "--max-tokens affords about ");
    check(&[&model[..], &["--agent-max-calls", "20"]].concat(), "--agent-max-calls affords");
    check(
        &[&model[..], &["--writer-max-tokens", "5k"]].concat(),
        "--writer-max-tokens is too little for the writer",
    );
    let forced = place.optimize(&["--budget", "31", "--force"]);
    assert!([0, 4].contains(&forced.code), "{forced:?}");
}

#[test]
fn what_is_wrong_with_limits_is_said() {
    let place = Place::new();
    std::fs::write(place.path("bad.json"), "{\"models\": {\"a/b\": {\"input\": 1, \"ouput\": 2}}}")
        .expect("a file");
    let check = |options: &[&str], code: i32, words: &str| {
        let printed = place.optimize(options);
        assert_eq!(printed.code, code, "{printed:?}");
        assert!(printed.err.contains(words), "{}", printed.err);
    };
    check(&["--prices", "bad.json"], 3, "bad.json:1:");
    check(&["--prices", "none.json"], 3, "cannot read the prices in none.json");
    check(&["--max-usd", "five"], 2, "no amount of dollars");
    check(&["--max-time", "90"], 2, "90m");
    check(&["--resume", "--max-usd", "5"], 2, "cannot be used with");
}

#[test]
fn a_limit_of_time_ends_a_run_with_what_it_has() {
    let place = Place::new();
    let printed = place.optimize(&["--budget", "1000000", "--seed", "1", "--max-time", "2s"]);
    assert!([0, 4].contains(&printed.code), "{printed:?}");
    assert!(printed.out.contains("--max-time"), "{}", printed.out);
}
