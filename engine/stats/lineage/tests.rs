//! Beliefs along a lineage against brute force: the dense covariance of all nodes, conditioned on what was
//! seen by the formula of the text books.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// A lineage with numbers for one check.
#[derive(Clone, Debug)]
struct Case {
    parents: Vec<Vec<(usize, f64)>>,
    root: Normal,
    moved: Vec<f64>,
    seen: Vec<Seen>,
}

/// Up to `nodes` nodes with up to `parents` parents each.
fn case(nodes: usize, parents: usize, moved_min: f64) -> impl Strategy<Value = Case> {
    let coefficient = prop_oneof![Just(1.0), Just(1.0), Just(-1.0), -1.5..1.5f64];
    let picks = vec((any::<prop::sample::Index>(), coefficient), 1..=parents);
    let seen = prop_oneof![Just(0.0), 0.5..200.0f64];
    let node = (picks, moved_min..0.05f64, -0.2..1.2f64, seen);
    (0.0..1.0f64, 0.001..0.3f64, vec(node, 1..nodes)).prop_map(move |(mean, variance, nodes)| {
        let pick = |at: usize, picks: &[(prop::sample::Index, f64)]| -> Vec<(usize, f64)> {
            if parents == 1 {
                vec![(picks[0].0.index(at), 1.0)]
            } else {
                picks.iter().map(|(index, part)| (index.index(at), *part)).collect()
            }
        };
        let of = |node: &(_, f64, f64, f64)| Seen { mean: node.2, precision: node.3 };
        Case {
            parents: nodes.iter().enumerate().skip(1).map(|(at, node)| pick(at, &node.0)).collect(),
            root: Normal { mean, variance },
            moved: nodes.iter().map(|node| node.1).collect(),
            seen: nodes.iter().map(of).collect(),
        }
    })
}

impl Case {
    fn lineage(&self) -> Lineage {
        let mut lineage = Lineage::new();
        for parents in &self.parents {
            lineage.add(parents);
        }
        lineage
    }

    fn posterior(&self) -> Posterior {
        self.lineage().plan().solver().posterior(self.root, &self.moved, &self.seen)
    }

    /// Means and covariance before anything was seen.
    fn prior(&self) -> (DVector<f64>, DMatrix<f64>) {
        let count = self.moved.len();
        let (mut mean, mut covariance) = (DVector::zeros(count), DMatrix::zeros(count, count));
        mean[0] = self.root.mean;
        covariance[(0, 0)] = self.root.variance;
        for (index, parents) in self.parents.iter().enumerate() {
            let node = index + 1;
            mean[node] = parents.iter().map(|(parent, part)| part * mean[*parent]).sum();
            for other in 0..node {
                let with = parents.iter().map(|(parent, part)| part * covariance[(*parent, other)]).sum();
                covariance[(node, other)] = with;
                covariance[(other, node)] = with;
            }
            let own: f64 = parents.iter().map(|(parent, part)| part * covariance[(*parent, node)]).sum();
            covariance[(node, node)] = own + self.moved[node];
        }
        (mean, covariance)
    }

    /// Means and covariance given all that was seen.
    fn brute_force(&self) -> (DVector<f64>, DMatrix<f64>) {
        let (mean, covariance) = self.prior();
        let at: Vec<usize> = (0..mean.len()).filter(|node| self.seen[*node].precision > 0.0).collect();
        if at.is_empty() {
            return (mean, covariance);
        }
        let noise = DVector::from_iterator(at.len(), at.iter().map(|node| 1.0 / self.seen[*node].precision));
        let surprise = at.iter().map(|node| self.seen[*node].mean - mean[*node]);
        let surprise = DVector::from_iterator(at.len(), surprise);
        let towards = covariance.select_columns(&at);
        let total = towards.select_rows(&at) + DMatrix::from_diagonal(&noise);
        let solved = total.lu().solve(&towards.transpose()).expect("noise makes it regular");
        (mean + solved.transpose() * surprise, &covariance - towards * solved)
    }

    fn agrees(&self, precision: f64) -> Result<(), TestCaseError> {
        let (means, covariance) = self.brute_force();
        let posterior = self.posterior();
        let nodes: Vec<usize> = (0..means.len()).rev().collect();
        let joint = posterior.joint(&nodes);
        for (a, node) in nodes.iter().enumerate() {
            prop_assert!((posterior.means()[*node] - means[*node]).abs() < precision);
            prop_assert!((joint.means[a] - means[*node]).abs() < precision);
            prop_assert!((posterior.variance(*node) - covariance[(*node, *node)]).abs() < precision);
            for (b, other) in nodes.iter().enumerate() {
                let difference = joint.covariance[(a, b)] - covariance[(*node, *other)];
                prop_assert!(difference.abs() < precision, "{node} {other}: {difference}");
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trees_agree_with_brute_force(case in case(24, 1, 0.001)) {
        case.agrees(1e-9)?;
    }

    #[test]
    fn merges_and_reverts_agree_with_brute_force(case in case(12, 4, 0.001)) {
        let scale = case.prior().1.amax().max(1.0);
        case.agrees(1e-9 * scale)?;
    }

    #[test]
    fn what_hardly_moves_agrees_nearly(case in case(16, 1, 0.0)) {
        let moved = case.moved.iter().map(|moved| (moved - 0.02).max(0.0)).collect();
        Case { moved, ..case }.agrees(1e-6)?;
    }

    #[test]
    fn a_tree_needs_no_numbers_beside_its_edges(case in case(24, 1, 0.001)) {
        prop_assert_eq!(case.lineage().plan().symbolic.l_pattern().nnz(), 2 * case.moved.len() - 1);
    }
}

#[test]
fn one_sight_of_the_root_is_the_usual_update() {
    let root = Normal { mean: 0.5, variance: 0.04 };
    let plan = Lineage::new().plan();
    let posterior = plan.solver().posterior(root, &[0.0], &[Seen { mean: 1.0, precision: 25.0 }]);
    assert!((posterior.means()[0] - 0.75).abs() < 1e-12);
    assert!((posterior.variance(0) - 0.02).abs() < 1e-12);
}

#[test]
fn a_revert_is_known_before_it_is_seen() {
    let mut lineage = Lineage::new();
    let child = lineage.add(&[(0, 1.0)]);
    let other = lineage.add(&[(child, 1.0)]);
    let revert = lineage.add(&[(other, 1.0), (child, -1.0), (0, 1.0)]);
    let seen = |mean, precision| Seen { mean, precision };
    let seen = [seen(0.5, 1e6), seen(0.8, 1e6), seen(0.7, 1e6), Seen::default()];
    let root = Normal { mean: 0.5, variance: 0.05 };
    let posterior = lineage.plan().solver().posterior(root, &[0.0, 0.04, 0.04, 0.01], &seen);
    assert!((posterior.means()[revert] - 0.4).abs() < 1e-3);
    assert!((posterior.variance(revert) - 0.01).abs() < 1e-4);
}

#[test]
fn absurd_numbers_do_no_harm() {
    let mut lineage = Lineage::new();
    lineage.add(&[(0, 1.0), (0, 1.0)]);
    lineage.add(&[]);
    let seen = |mean, precision| Seen { mean, precision };
    let seen = [seen(1.0, f64::INFINITY), seen(f64::NAN, -1.0), seen(0.3, f64::NAN)];
    let root = Normal { mean: 0.0, variance: f64::INFINITY };
    let posterior = lineage.plan().solver().posterior(root, &[f64::NAN, -1.0, f64::NAN], &seen);
    assert!((posterior.means()[0] - 1.0).abs() < 1e-6 && (posterior.means()[1] - 2.0).abs() < 1e-6);
    assert!(posterior.means()[2] == 0.0 && (posterior.variance(2) - VARIANCE_MAX).abs() < 1e-9);
}

#[test]
fn a_covariance_over_checks_is_the_weighted_sum_of_their_covariances() {
    let mut lineage = Lineage::new();
    let child = lineage.add(&[(0, 1.0)]);
    let other = lineage.add(&[(0, 1.0)]);
    lineage.add(&[(child, 1.0), (other, 1.0), (0, -1.0)]);
    let plan = lineage.plan();
    let seen = |mean, precision| Seen { mean, precision };
    let posterior = |moved: f64, precision: f64| {
        let seen = [seen(0.5, precision), seen(0.7, 2.0), Seen::default(), seen(0.6, precision)];
        plan.solver().posterior(Normal { mean: 0.5, variance: 0.05 }, &[0.0, moved, 0.04, moved], &seen)
    };
    let posteriors = [posterior(0.01, 3.0), posterior(0.08, 9.0), posterior(0.03, 1.0)];
    let (wanted, weights) = ([3, 0, 2, 1], [0.5, 2.0, 0.25]);
    let rows = wanted.map(|node| Row::of(&posteriors, node));
    let joints = posteriors.each_ref().map(|posterior| posterior.joint(&wanted));
    for a in 0..wanted.len() {
        for b in 0..wanted.len() {
            let sum: f64 =
                joints.iter().zip(weights).map(|(it, weight)| weight * it.covariance[(a, b)]).sum();
            assert!((rows[a].covariance(&rows[b], &weights) - sum).abs() < 1e-12, "{a} {b}");
        }
    }
    assert_eq!(Row::of(&[], 3).covariance(&Row::of(&[], 0), &[]), 0.0);
}

#[test]
fn some_nodes_alone_are_believed_as_if_there_were_no_others() {
    let mut lineage = Lineage::new();
    let unseen = lineage.add(&[(0, 1.0)]);
    let child = lineage.add(&[(0, 1.0)]);
    lineage.add(&[(unseen, 1.0), (child, 1.0), (0, -1.0)]);
    let (root, seen) = (Normal { mean: 0.4, variance: 0.05 }, Seen { mean: 1.0, precision: 4.0 });
    let some = lineage.plan_of(&[0, child]).solver().posterior(root, &[0.0, 0.03], &[seen; 2]);
    let none = Seen::default();
    let all = lineage.plan().solver().posterior(root, &[0.0, 0.02, 0.03, 0.01], &[seen, none, seen, none]);
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
    near(some.means()[0], all.means()[0]);
    near(some.means()[1], all.means()[child]);
    near(some.variance(1), all.variance(child));
}
