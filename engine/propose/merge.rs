//! Merging: what several policies changed in the sections of their common ancestor, put together. Sections
//! are told apart by their Markdown headings; inside a section a line is the unit.

use std::collections::BTreeSet;

/// A heading with the lines below it; the first section has none.
#[derive(Clone, Debug, PartialEq)]
struct Section<'a> {
    heading: &'a str,
    lines: Vec<&'a str>,
}

/// Merges policies that descend from one ancestor (empty where there is none): begins with the first, and
/// lays over it the lines that each other added, and takes away those that it removed.
pub(super) fn merge(ancestor: &str, parents: &[&str]) -> String {
    let ancestor = sections(ancestor);
    let mut parents = parents.iter().map(|parent| sections(parent));
    let mut result = parents.next().unwrap_or_default();
    for other in parents {
        lay_over(&mut result, &ancestor, &other);
    }
    let lines = result.iter().flat_map(|section| {
        let heading = (!section.heading.is_empty()).then_some(section.heading);
        heading.into_iter().chain(section.lines.iter().copied())
    });
    format!("{}\n", lines.collect::<Vec<_>>().join("\n").trim())
}

fn lay_over<'a>(result: &mut Vec<Section<'a>>, ancestor: &[Section<'a>], other: &[Section<'a>]) {
    let find = |sections: &[Section<'a>], heading: &str| sections.iter().position(|s| s.heading == heading);
    for gone in ancestor.iter().filter(|section| find(other, section.heading).is_none()) {
        result.retain(|section| section.heading != gone.heading);
    }
    for (index, section) in other.iter().enumerate() {
        let old = find(ancestor, section.heading).map(|place| &ancestor[place].lines[..]).unwrap_or_default();
        match find(result, section.heading) {
            Some(place) => merge_lines(&mut result[place].lines, old, &section.lines),
            // The first parent removed it.
            None if find(ancestor, section.heading).is_some() => {}
            None => {
                let before = other[..index].iter().rev().find_map(|s| find(result, s.heading));
                result.insert(before.map_or(0, |place| place + 1), section.clone());
            }
        }
    }
}

fn merge_lines<'a>(result: &mut Vec<&'a str>, ancestor: &[&'a str], other: &[&'a str]) {
    let set = |lines: &[&'a str]| lines.iter().map(|line| line.trim()).collect::<BTreeSet<&str>>();
    let (old, new) = (set(ancestor), set(other));
    result.retain(|line| line.trim().is_empty() || new.contains(line.trim()) || !old.contains(line.trim()));
    for (index, line) in other.iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if old.contains(line.trim()) || set(result).contains(line.trim()) {
            continue;
        }
        let place = |before: &&'a str| result.iter().position(|line| line.trim() == before.trim());
        let before = other[..index].iter().rev().filter(|line| !line.trim().is_empty()).find_map(place);
        let end = result.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
        result.insert(before.map_or(end, |place| place + 1), line);
    }
}

/// Splits a policy at its headings; a repeated heading goes on with the section it names.
fn sections(policy: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let (mut current, mut fenced) = (None, false);
    for line in policy.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let is_heading = !fenced && is_heading(line);
        let heading = if is_heading { line.trim_end() } else { "" };
        if is_heading || current.is_none() {
            current = sections.iter().position(|section| section.heading == heading).or_else(|| {
                sections.push(Section { heading, lines: Vec::new() });
                Some(sections.len() - 1)
            });
        }
        if let Some(place) = current.filter(|_| !is_heading) {
            sections[place].lines.push(line);
        }
    }
    sections
}

fn is_heading(line: &str) -> bool {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    (1..=6).contains(&level) && text.starts_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANCESTOR: &str = "# Policy\nintro\n\n## Mail\n- list once\n- open all\n\n## Style\n- be brief\n";

    fn check(parents: &[&str], expected: &str) {
        assert_eq!(merge(ANCESTOR, parents), expected);
    }

    #[test]
    fn what_both_added_is_kept_where_it_stood() {
        check(
            &[
                "# Policy\nintro\n\n## Mail\n- list once\n- skip offers\n- open all\n\n## Style\n- be brief\n",
                "# Policy\nintro\n\n## Mail\n- list once\n- open all\n\n## Style\n- be brief\n- number steps\n",
            ],
            "# Policy\nintro\n\n## Mail\n- list once\n- skip offers\n- open all\n\n## Style\n- be brief\n- number steps\n",
        );
    }

    #[test]
    fn what_one_removed_is_gone() {
        check(
            &[ANCESTOR, "# Policy\nintro\n\n## Mail\n- list once\n"],
            "# Policy\nintro\n\n## Mail\n- list once\n",
        );
        check(
            &["# Policy\nintro\n\n## Style\n- be brief\n", ANCESTOR],
            "# Policy\nintro\n\n## Style\n- be brief\n",
        );
    }

    #[test]
    fn a_new_section_follows_the_one_it_followed() {
        check(
            &[
                ANCESTOR,
                "# Policy\nintro\n\n## Mail\n- list once\n- open all\n\n## Safety\n- ask\n\n## Style\n- be brief\n",
            ],
            "# Policy\nintro\n\n## Mail\n- list once\n- open all\n\n## Safety\n- ask\n\n## Style\n- be brief\n",
        );
    }

    #[test]
    fn without_changes_or_ancestor_nothing_is_lost() {
        check(&[ANCESTOR, ANCESTOR], ANCESTOR);
        assert_eq!(merge("", &["- a\n", "- b\n"]), "- a\n- b\n");
        assert_eq!(merge("", &["```\n# no heading\n```\n", "x\n"]), "```\n# no heading\n```\nx\n");
    }
}
