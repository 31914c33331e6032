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
        while length > chars_max {
            let longest = self
                .sections
                .iter_mut()
                .filter(|section| section.lines.len() > 1)
                .min_by_key(|section| (section.rank, usize::MAX - section.lines.len()));
            if let Some(line) = longest.and_then(|section| section.lines.pop()) {
                length -= line.chars().count() + 3;
                continue;
            }
            let least = self.sections.iter().enumerate().min_by_key(|(_, section)| section.rank);
            let Some((at, _)) = least.filter(|_| self.sections.len() > 1) else { break };
            let section = self.sections.remove(at);
            length -= section.title.chars().count()
                + section.lines.iter().map(|line| line.chars().count() + 3).sum::<usize>();
        }
    }

    pub(super) fn text(&self, headings: bool) -> String {
        let mut text = String::with_capacity(4_000);
        for section in &self.sections {
            if headings {
                text.push_str("## ");
                text.push_str(&section.title);
                text.push('\n');
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
