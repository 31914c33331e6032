//! Edits taken back, made elsewhere, and put together, by lines.

/// What an edit changed: lines that went, and lines that came with the line they stand after.
pub struct Edge<'a> {
    gone: Vec<&'a str>,
    come: Vec<(Option<&'a str>, &'a str)>,
}

impl<'a> Edge<'a> {
    /// What leads from one policy to another.
    pub fn between(parent: &'a str, child: &'a str) -> Edge<'a> {
        let (before, after): (Vec<&str>, Vec<&str>) = (parent.lines().collect(), child.lines().collect());
        let come = after.iter().enumerate().filter(|(_, line)| !before.contains(line));
        Edge {
            gone: before.iter().copied().filter(|line| !after.contains(line)).collect(),
            come: come.map(|(at, line)| (at.checked_sub(1).map(|at| after[at]), *line)).collect(),
        }
    }

    /// Makes the edit in a policy that has all of it, part of it, or none.
    pub fn apply(&self, policy: &str) -> String {
        let mut lines: Vec<&str> = policy.lines().filter(|line| !self.gone.contains(line)).collect();
        for (after, line) in &self.come {
            if !lines.contains(line) {
                let place = after.and_then(|after| lines.iter().position(|line| *line == after));
                lines.insert(place.map_or(lines.len(), |at| at + 1), line);
            }
        }
        lines.into_iter().flat_map(|line| [line, "\n"]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_made_elsewhere_and_taken_back() {
        let (base, one, other) = ("# A\n- a\n- b\n", "# A\n- a\n- c\n- b\n", "# A\n- a\n- d\n");
        let both = Edge::between(base, other).apply(&Edge::between(base, one).apply(base));
        assert_eq!(both, "# A\n- a\n- d\n- c\n");
        assert_eq!(Edge::between(one, base).apply(&both), "# A\n- a\n- d\n");
        assert_eq!(Edge::between(one, base).apply(one), base);
    }
}
