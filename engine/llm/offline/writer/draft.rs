//! A policy as the writer edits it: the items that the question numbers, with rules as list items under headings,
//! and in the end the operations that lead there.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};

/// More changes than these are not asked for.
const OPERATIONS_MAX: usize = 12;

/// A policy being edited.
pub(super) struct Draft {
    lines: Vec<Line>,
    /// The items that are gone.
    deleted: Vec<String>,
}

/// An item of the policy, or one to be added.
struct Line {
    /// None for what is to be added.
    id: Option<String>,
    text: String,
    is_changed: bool,
}

impl Line {
    fn new(text: String) -> Line {
        Line { id: None, text, is_changed: false }
    }

    fn is_rule(&self) -> bool {
        self.text.starts_with("- ")
    }

    fn is_heading(&self) -> bool {
        self.text.starts_with('#')
    }
}

impl Draft {
    /// Reads a policy with `[S3.b2] ` before each item.
    pub fn read(numbered: &str) -> Draft {
        let mut lines: Vec<Line> = Vec::new();
        for line in numbered.lines() {
            match numbered_item(line) {
                Some((id, text)) => {
                    lines.push(Line { id: Some(id.to_owned()), ..Line::new(text.to_owned()) });
                }
                None => {
                    if let Some(last) = lines.last_mut() {
                        last.text.push('\n');
                        last.text.push_str(line);
                    }
                }
            }
        }
        lines.iter_mut().for_each(|line| line.text.truncate(line.text.trim_end().len()));
        Draft { lines, deleted: Vec::new() }
    }

    /// What was changed, as the answer gives it.
    pub fn operations(&self) -> Vec<Value> {
        let mut operations: Vec<Value> =
            self.deleted.iter().map(|id| json!({"op": "delete", "id": id})).collect();
        // New ids are not known yet: what is added in a row is added after the same item.
        let mut after = "S0";
        let mut sections: Vec<(usize, String)> = Vec::new();
        for line in &self.lines {
            match &line.id {
                Some(id) => {
                    after = id;
                    if line.is_changed {
                        operations.push(json!({"op": "replace", "id": id, "text": line.text}));
                    }
                    sections.clear();
                }
                // A new section goes with its rules.
                None if line.is_heading() => {
                    sections.push((operations.len(), line.text.clone()));
                    operations.push(json!({"op": "add", "after": after, "text": line.text}));
                }
                None => match sections.last_mut() {
                    Some((place, text)) => {
                        text.push_str(if text.contains('\n') { "\n" } else { "\n\n" });
                        text.push_str(&line.text);
                        operations[*place] = json!({"op": "add", "after": after, "text": text});
                    }
                    None => operations.push(json!({"op": "add", "after": after, "text": line.text})),
                },
            }
        }
        operations.truncate(OPERATIONS_MAX);
        operations
    }

    /// How many rules there are.
    pub fn rules(&self) -> usize {
        self.places().len()
    }

    pub fn contains(&self, rule: &str) -> bool {
        self.place(rule).is_some()
    }

    /// Adds a rule at the end of a section, which is made where there is none.
    pub fn add(&mut self, section: &str, rule: &str) {
        let heading = format!("## {section}");
        let rule = Line::new(format!("- {rule}"));
        let Some(start) = self.lines.iter().position(|line| line.text == heading) else {
            self.lines.extend([Line::new(heading), rule]);
            return;
        };
        let next = self.lines[start + 1..].iter().position(Line::is_heading);
        self.lines.insert(next.map_or(self.lines.len(), |length| start + 1 + length), rule);
    }

    /// Adds a rule after an item, or at the end where the item is gone.
    pub fn add_after(&mut self, id: &str, text: &str) {
        let place = self.lines.iter().position(|line| line.id.as_deref() == Some(id));
        let place = place.map_or(self.lines.len(), |place| place + 1);
        self.lines.insert(place, Line::new(text.to_owned()));
    }

    pub fn add_one(&mut self, rules: &[&str], rng: &mut ChaCha8Rng) -> String {
        let rule = rules[rng.random_range(0..rules.len())];
        if !self.contains(rule) {
            self.add("Style", rule);
        }
        "made the tone clearer".to_owned()
    }

    pub fn replace(&mut self, old: &str, new: &str) {
        if let Some(place) = self.place(old) {
            self.change(place, format!("- {new}"));
        }
    }

    /// Says it more firmly, once.
    pub fn strengthen(&mut self, rule: &str) {
        if let Some(place) = self.place(rule)
            && !self.lines[place].text.contains("(required)")
        {
            let text = &self.lines[place].text;
            let (first, rest) =
                text.split_once('\n').map_or((text.as_str(), ""), |(first, rest)| (first, rest));
            let gap = if rest.is_empty() { "" } else { "\n" };
            self.change(place, format!("{first} (required){gap}{rest}"));
        }
    }

    pub fn remove(&mut self, rule: &str) {
        if let Some(place) = self.place(rule) {
            self.delete(place);
        }
    }

    /// Removes a rule at random, never the last one.
    pub fn remove_one(&mut self, rng: &mut ChaCha8Rng) -> String {
        let places = self.places();
        if places.len() > 1 {
            self.delete(places[rng.random_range(0..places.len())]);
        }
        "removed a rule that did not help".to_owned()
    }

    /// Moves a rule to the top of the list that it stands in.
    pub fn move_one_up(&mut self, rng: &mut ChaCha8Rng) -> String {
        let places = self.places();
        if !places.is_empty() {
            let from = places[rng.random_range(0..places.len())];
            let above = self.lines[..from].iter().rposition(|line| !line.is_rule());
            let list = above.map_or(0, |above| above + 1);
            if list < from {
                let text = self.lines[from].text.clone();
                self.delete(from);
                self.lines.insert(list, Line::new(text));
            }
        }
        "put first what matters most".to_owned()
    }

    pub fn drop_repeated(&mut self) {
        let mut seen: Vec<String> = Vec::new();
        let mut place = 0;
        while let Some(line) = self.lines.get(place) {
            if line.is_rule() && seen.contains(&line.text) {
                self.delete(place);
            } else {
                seen.push(line.text.clone());
                place += 1;
            }
        }
    }

    /// Repeats itself until it is longer than allowed.
    pub fn pad(&mut self, length_max: usize) {
        let filler = "- Keep in mind that the quality of the work matters, and that every detail of it may matter too.";
        self.lines.push(Line::new("## General remarks".to_owned()));
        let count = length_max / filler.len() + 1;
        self.lines.extend((0..count).map(|_| Line::new(filler.to_owned())));
    }

    fn change(&mut self, place: usize, text: String) {
        let line = &mut self.lines[place];
        line.is_changed = line.is_changed || line.text != text;
        line.text = text;
    }

    fn delete(&mut self, place: usize) {
        self.deleted.extend(self.lines.remove(place).id);
    }

    /// Where a rule stands, as it is or insisted on.
    fn place(&self, rule: &str) -> Option<usize> {
        self.lines
            .iter()
            .position(|line| line.text.strip_prefix("- ").is_some_and(|text| text.starts_with(rule)))
    }

    /// The rules that a writer may touch: not the lists of what the tools are.
    fn places(&self) -> Vec<usize> {
        let mut places = Vec::new();
        let mut in_tools = false;
        for (place, line) in self.lines.iter().enumerate() {
            if line.is_heading() {
                in_tools = line.text.to_lowercase().contains("tool");
            } else if line.is_rule() && !in_tools {
                places.push(place);
            }
        }
        places
    }
}

/// `[S3.b2] - a rule` taken apart.
fn numbered_item(line: &str) -> Option<(&str, &str)> {
    let (id, text) = line.strip_prefix("[S")?.split_once("] ")?;
    let is_id = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    is_id.then(|| (&line[1..id.len() + 2], text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERED: &str =
        "[S1] # Policy\n\n[S2] ## Answers\n\n[S2.b1] - be brief\n  always\n\n[S3] ## End\n\n[S3.p1] Bye.\n";

    fn check(edit: impl FnOnce(&mut Draft), expected: &[Value]) {
        let mut draft = Draft::read(NUMBERED);
        edit(&mut draft);
        assert_eq!(draft.operations(), expected);
    }

    #[test]
    fn edits_become_operations() {
        check(|_| {}, &[]);
        check(
            |draft| {
                draft.add("Answers", "number the steps");
                draft.add("Safety", "ask");
                draft.add("Safety", "warn");
                draft.strengthen("ask");
            },
            &[
                json!({"op": "add", "after": "S2.b1", "text": "- number the steps"}),
                json!({"op": "add", "after": "S3.p1", "text": "## Safety\n\n- ask (required)\n- warn"}),
            ],
        );
        check(
            |draft| {
                draft.strengthen("be brief");
                draft.strengthen("be brief");
            },
            &[json!({"op": "replace", "id": "S2.b1", "text": "- be brief (required)\n  always"})],
        );
        check(|draft| draft.remove("be brief"), &[json!({"op": "delete", "id": "S2.b1"})]);
    }
}
