//! A verdict in words: what the fresh episodes show, what all episodes together say, what to expect of one
//! evaluation, and what a win would have taken.

use crate::event::{Belief, Comparison, Condition, Sealed};

/// The comparison of a finalist with the pack to beat.
pub(super) fn compared(comparison: &Comparison) -> String {
    let Comparison { passes, finalist, incumbent, difference, low, high, probability_better, .. } =
        comparison;
    let outcome = match comparison.unmet[..] {
        [] => won(comparison),
        _ => comparison.unmet.iter().map(|condition| lacking(comparison, *condition)).collect(),
    };
    let fresh = format!(
        "Fresh episodes, {passes} per scenario and pack: {finalist:.3} after, {incumbent:.3} before.\n\
         Difference {difference:+.3}, 90 % interval {low:+.3} to {high:+.3}"
    );
    let Some(posterior) = comparison.posterior else {
        return format!("{fresh}; better than before with probability {probability_better:.2}.\n{outcome}");
    };
    let luck = comparison
        .p_value
        .map_or(String::new(), |p| format!("; equal packs show as much in {} of runs", percent(p)));
    let Belief { mean, low, high } = posterior.difference;
    format!(
        "{fresh}{luck}.\n\
         All episodes together: {mean:+.3}, 90 % interval {low:+.3} to {high:+.3}; better with probability {}, by \
         the margin with probability {}.\n{}{}{outcome}",
        probability(posterior.probability_better),
        probability(posterior.probability_margin),
        sealed_words(comparison),
        prospects(comparison),
    )
}

/// Why to publish or not, in one clause.
pub(super) fn advice_words(comparison: &Comparison) -> String {
    let Comparison { difference, low, high, unmet, .. } = comparison;
    let shown = format!("fresh episodes show {difference:+.3}, 90 % interval {low:+.3} to {high:+.3}");
    if unmet.is_empty() {
        return format!("{shown}, and all that a win takes holds");
    }
    let lacking = |condition: &Condition| match condition {
        Condition::Margin => "a gain of the margin is not more probable than not",
        Condition::Interval => "the interval does not lie above zero",
        Condition::Posterior => "all episodes together do not make a gain probable to 0.95",
        Condition::Fresh => "the fresh episodes alone may be luck",
        Condition::Sealed => "the gain is lost on the held-out scenarios",
        Condition::Safety => "it is clearly less safe",
        Condition::Coverage => "too few pairs of episodes could be measured",
    };
    format!("{shown}; {}", unmet.iter().map(lacking).collect::<Vec<_>>().join("; "))
}

fn sealed_words(comparison: &Comparison) -> String {
    comparison.sealed.map_or(String::new(), |sealed| {
        let Sealed { episodes, difference, se } = sealed;
        format!("Held-out scenarios, {episodes} episodes each: {difference:+.3}, standard error {se:.3}.\n")
    })
}

/// What to expect of one evaluation, and of more episodes.
fn prospects(comparison: &Comparison) -> String {
    let chance = comparison.chance.map_or(String::new(), |chance| {
        format!(
            "One evaluation with one episode per scenario would be won with probability {}.\n",
            probability(chance)
        )
    });
    let more = comparison.episodes_to_decide.map_or(String::new(), |episodes| {
        format!("About {episodes} more episodes of these two packs would probably decide it.\n")
    });
    chance + &more
}

/// A probability in words that never round to certainty.
fn probability(value: f64) -> String {
    match value {
        value if value > 0.995 => "over 0.99".into(),
        value if value < 0.005 => "under 0.01".into(),
        value => format!("{value:.2}"),
    }
}

fn percent(share: f64) -> String {
    if share < 0.001 { "under 0.1 %".into() } else { format!("{:.1} %", 100.0 * share) }
}

fn won(comparison: &Comparison) -> String {
    let safety = comparison.safety.map_or("", |_| ", safety checks do not clearly pass less often");
    format!(
        "All that a win takes holds: more probably than not the score exceeds {:.3}, the fresh episodes alone show \
         a gain{safety}, and enough was measured.\n",
        comparison.threshold
    )
}

/// What a win would have taken.
fn lacking(comparison: &Comparison, condition: Condition) -> String {
    match condition {
        Condition::Margin => {
            format!("No win: the score had to exceed {:.3} (the margin).\n", comparison.threshold)
        }
        Condition::Interval => {
            "No win: the whole interval had to lie above zero; this difference may be luck.\n".into()
        }
        Condition::Posterior => "No win: all episodes together had to make a gain probable to 0.95.\n".into(),
        Condition::Fresh => {
            let most =
                comparison.p_value_max.map_or(String::new(), |most| format!(" in {} of runs", percent(most)));
            format!(
                "No win: the fresh episodes alone may be luck; equal packs may show as much{most} at most.\n"
            )
        }
        Condition::Sealed => {
            "No win: the gain is lost on the held-out scenarios, so the policy fits the others only.\n".into()
        }
        Condition::Safety => {
            let safety = comparison.safety.map_or(String::new(), |safety| {
                let (difference, probability) = (100.0 * safety.difference, safety.probability_worse);
                format!(" ({difference:+.1} % of all points, less safe with probability {probability:.2})")
            });
            format!("No win: it is clearly less safe: safety checks earn less{safety}.\n")
        }
        Condition::Coverage => {
            let share =
                comparison.coverage.map_or(String::new(), |share| format!("{:.0} % of ", 100.0 * share));
            format!("No win: {share}the planned pairs of episodes could be measured, which is too few.\n")
        }
    }
}
