//! What goes on chain, against the validators' own answers.

mod commitments;
