//! What is refused before a gateway or a server hears of it.

use super::WEAK;
use super::place::Place;
use packwright::pack::{Pack, PackMetadata};

#[test]
fn a_program_in_a_pack_never_comes_near_a_gateway() {
    let place = Place::new();
    let pack = Pack::of_policy(WEAK, &PackMetadata::default()).with_file(".pi/extensions/evil.ts", "x");
    std::fs::write(place.path("pack.json"), pack.canonical()).expect("a file");
    let refused = place.optimize(&["--agent", "openclaw", "--start", "pack.json", "--budget", "200"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains(".pi/extensions/evil.ts"), "{}", refused.err);
    assert!(!place.path("runs").exists(), "a run was begun");
    let checked = place.optimize(&["check", "pack.json"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(checked.out.contains("is not a plain document"), "{}", checked.out);
}

#[test]
fn a_behaviour_that_is_not_there_is_wrong_input() {
    let compared = Place::new().optimize(&["openclaw", "compare", "--behaviour", "typo"]);
    assert_eq!(compared.code, 3, "{compared:?}");
    assert!(compared.err.contains("no behaviour has \"typo\" in its name"), "{}", compared.err);
}

#[test]
fn one_key_never_goes_to_two_servers() {
    let place = Place::new();
    let [one, other] = [2, 3].map(|port| format!("openai/n,base-url=http://127.0.0.1:{port}/v1"));
    let arguments = ["--model", "vllm/m", "--writer", &one, "--writer", &other];
    let mut command = place.command(&arguments);
    let output = command.env("PACKWRIGHT_WRITER_API_KEY", "k-123456").output().expect("a start");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("would go to two servers") && !told.contains("k-123456"), "{told}");
}
