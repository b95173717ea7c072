//! The runner on this machine's python3.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use support::{python3, run};

#[test]
fn a_function_returns_its_value() {
    let ran = run(
        &python3(),
        "
        def train(lr, epochs=2):
            print('epoch', epochs)
            return {'lr': lr, 'epochs': [1, epochs]}
        ",
        "train",
        "lr=0.1, epochs=3",
    );
    assert_eq!(ran.value(), "{'lr': 0.1, 'epochs': [1, 3]}");
    assert_eq!(ran.json(), r#"{"lr":0.1,"epochs":[1,3]}"#);
    assert_eq!(ran.stdout, "epoch 3\n");
    assert_eq!(ran.stderr, "");
}
