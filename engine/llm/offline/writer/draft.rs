//! A policy as the writer edits it: lines, with rules as list items under headings.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// A policy being edited.
pub(super) struct Draft {
    lines: Vec<String>,
}

impl Draft {
    pub fn read(policy: &str) -> Draft {
        Draft { lines: policy.trim_end().lines().map(str::to_owned).collect() }
    }

    pub fn text(&self) -> String {
        self.lines.join("\n")
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
        let Some(start) = self.lines.iter().position(|line| *line == heading) else {
            self.lines.extend([String::new(), heading, String::new(), format!("- {rule}")]);
            return;
        };
        let next = self.lines[start + 1..].iter().position(|line| line.starts_with('#'));
        let end = next.map_or(self.lines.len(), |length| start + 1 + length);
        let last = self.lines[start..end].iter().rposition(|line| !line.trim().is_empty()).unwrap_or(0);
        self.lines.insert(start + last + 1, format!("- {rule}"));
        if last == 0 {
            self.lines.insert(start + 1, String::new());
        }
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
            self.lines[place] = format!("- {new}");
        }
    }

    /// Says it more firmly, once.
    pub fn strengthen(&mut self, rule: &str) {
        if let Some(place) = self.place(rule)
            && !self.lines[place].contains("(required)")
        {
            self.lines[place].push_str(" (required)");
        }
    }

    pub fn remove(&mut self, rule: &str) {
        if let Some(place) = self.place(rule) {
            self.lines.remove(place);
        }
    }

    /// Removes a rule at random, never the last one.
    pub fn remove_one(&mut self, rng: &mut ChaCha8Rng) -> String {
        let places = self.places();
        if places.len() > 1 {
            self.lines.remove(places[rng.random_range(0..places.len())]);
        }
        "removed a rule that did not help".to_owned()
    }

    /// Moves a rule to the top of the list that it stands in.
    pub fn move_one_up(&mut self, rng: &mut ChaCha8Rng) -> String {
        let places = self.places();
        if !places.is_empty() {
            let from = places[rng.random_range(0..places.len())];
            let list =
                self.lines[..from].iter().rposition(|line| !is_rule(line)).map_or(0, |above| above + 1);
            self.lines[list..=from].rotate_right(1);
        }
        "put first what matters most".to_owned()
    }

    pub fn drop_repeated(&mut self) {
        let mut seen = Vec::new();
        self.lines.retain(|line| {
            let is_new = !is_rule(line) || !seen.contains(line);
            seen.push(line.clone());
            is_new
        });
    }

    /// Repeats itself until it is longer than allowed.
    pub fn pad(&mut self, length_max: usize) {
        let filler = "- Keep in mind that the quality of the work matters, and that every detail of it may matter too.";
        self.lines.push("\n## General remarks\n".to_owned());
        let count = length_max / filler.len() + 1;
        self.lines.extend(std::iter::repeat_n(filler.to_owned(), count));
    }

    /// Where a rule stands, as it is or insisted on.
    fn place(&self, rule: &str) -> Option<usize> {
        self.lines.iter().position(|line| line.strip_prefix("- ").is_some_and(|text| text.starts_with(rule)))
    }

    /// The rules that a writer may touch: not the lists of what the tools are.
    fn places(&self) -> Vec<usize> {
        let mut places = Vec::new();
        let mut in_tools = false;
        for (place, line) in self.lines.iter().enumerate() {
            if line.starts_with('#') {
                in_tools = line.to_lowercase().contains("tool");
            } else if is_rule(line) && !in_tools {
                places.push(place);
            }
        }
        places
    }
}

fn is_rule(line: &str) -> bool {
    line.starts_with("- ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_joins_its_section() {
        let mut draft = Draft::read("# Policy\n\n## Answers\n\n- be brief\n\n## End\n\nBye.\n");
        draft.add("Answers", "number the steps");
        draft.add("Safety", "ask");
        assert_eq!(
            draft.text(),
            "# Policy\n\n## Answers\n\n- be brief\n- number the steps\n\n## End\n\nBye.\n\n## Safety\n\n- ask"
        );
        draft.strengthen("ask");
        draft.strengthen("ask");
        draft.replace("be brief", "be short");
        assert!(draft.text().ends_with("- ask (required)") && draft.text().contains("- be short\n"));
    }
}
