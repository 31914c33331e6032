//! The final answer as it grows: sections in order, each with a rank, trimmed from the least important end
//! when the answer is to be short.

/// A heading and its lines.
pub(super) struct Section {
    pub(super) title: String,
    /// The lowest ranks are given up first.
    pub(super) rank: u8,
    pub(super) numbered: bool,
    pub(super) lines: Vec<String>,
}

/// How much less each further line of a section is worth than the one before.
const WORTH_STEP: f64 = 0.7;

impl Section {
    fn last_value(&self) -> f64 {
        f64::from(self.rank) - WORTH_STEP * (self.lines.len() as f64 - 1.0)
    }
}

#[derive(Default)]
pub(super) struct Answer {
    pub(super) sections: Vec<Section>,
    /// What stands after everything: the question to the user.
    pub(super) closing: Vec<String>,
}

impl Answer {
    /// Adds a section unless it would be empty.
    pub(super) fn add(&mut self, rank: u8, title: &str, lines: Vec<String>) {
        self.push(rank, title, false, lines);
    }

    pub(super) fn add_numbered(&mut self, rank: u8, title: &str, lines: Vec<String>) {
        self.push(rank, title, true, lines);
    }

    fn push(&mut self, rank: u8, title: &str, numbered: bool, lines: Vec<String>) {
        if !lines.is_empty() {
            self.sections.push(Section { title: title.to_owned(), rank, numbered, lines });
        }
    }

    /// Gives up lines until the text has at most `chars_max` characters.
    pub(super) fn trim(&mut self, headings: bool, chars_max: usize) {
        let mut length = self.text(headings).chars().count();
        while length > chars_max && self.sections.iter().map(|section| section.lines.len()).sum::<usize>() > 1
        {
            let least = self.sections.iter_mut().min_by(|a, b| a.last_value().total_cmp(&b.last_value()));
            let Some(section) = least else { break };
            let dropped = section.lines.pop().map_or(0, |line| line.chars().count());
            length = length.saturating_sub(dropped + 3);
            if section.lines.is_empty() {
                length = length.saturating_sub(section.title.chars().count() + 4);
                self.sections.retain(|section| !section.lines.is_empty());
            }
        }
    }

    pub(super) fn text(&self, headings: bool) -> String {
        let mut text = String::with_capacity(4_000);
        for section in &self.sections {
            if headings {
                text.push_str("## ");
                text.push_str(&section.title);
                text.push('\n');
            } else if section.numbered {
                text.push_str(&section.title);
                text.push_str(":\n");
            }
            for (at, line) in section.lines.iter().enumerate() {
                if section.numbered {
                    text.push_str(&format!("{}. ", at + 1));
                } else if headings {
                    text.push_str("- ");
                }
                text.push_str(line);
                text.push('\n');
            }
            text.push('\n');
        }
        for line in &self.closing {
            text.push_str(line);
            text.push('\n');
        }
        text.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_important_lines_go_first() {
        let mut answer = Answer::default();
        answer.add(9, "Urgent", vec!["Call Ona".into(), "Sign".into()]);
        answer.add(1, "Later", vec!["Read the paper".into(), "Water the plants".into()]);
        answer.closing.push("Shall I?".into());
        answer.trim(true, 60);
        let text = answer.text(true);
        assert!(text.contains("Call Ona") && text.contains("Shall I?"), "{text}");
        assert!(!text.contains("Water the plants"), "{text}");
    }
}
