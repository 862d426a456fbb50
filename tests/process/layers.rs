//! The layers of the settings: the file overrides the defaults, the environment both.

use tempfile::tempdir;

use crate::binary::{run, run_with_input};
use crate::support::SECRET;

/// The error of `healthcheck` names its port; nothing listens on ports this low.
#[test]
fn later_layers_win() {
    let directory = tempdir().unwrap();
    std::fs::create_dir(directory.path().join("config")).unwrap();
    std::fs::write(
        directory.path().join("config/stage.toml"),
        "[server]\nport = 1\n",
    )
    .unwrap();
    let asks = |variables: &[(&str, &str)], port: u16| {
        let done = run(directory.path(), &["healthcheck"], variables).failed(1);
        let asked = format!("127.0.0.1:{port} ");
        assert!(done.err.contains(&asked), "not {asked}: {done:?}");
    };
    let (file, long, short) = (
        ("TODOWARD_ENV", "stage"),
        ("TODOWARD__SERVER__PORT", "2"),
        ("PORT", "3"),
    );
    asks(&[file], 1);
    asks(&[file, long], 2);
    asks(&[long], 2);
    asks(&[file, long, short], 3);
    asks(&[("TODOWARD_ENV", "absent"), long], 2);
    // The default layer is visible by the file that it creates.
    run(directory.path(), &["migrate"], &[]).succeeded();
    assert!(directory.path().join("todoward.db").exists());
}

#[test]
fn a_list_is_an_array_in_a_file_and_separated_by_commas_in_the_environment() {
    let directory = tempdir().unwrap();
    std::fs::create_dir(directory.path().join("config")).unwrap();
    let file =
        "[auth]\nissuers = [\"https://file.example\"]\naudiences = [\"first\", \"second\"]\n";
    std::fs::write(directory.path().join("config/stage.toml"), file).unwrap();
    let claims_of = |variables: &[(&str, &str)]| {
        let mut all = vec![("BETTER_AUTH_SECRET", SECRET), ("TODOWARD_ENV", "stage")];
        all.extend(variables);
        let token = run(directory.path(), &["token", "--sub", "a"], &all)
            .succeeded()
            .out;
        let told = run_with_input(directory.path(), &["check-token"], &all, &token);
        let told = told.succeeded().out;
        let claims = told.lines().find(|line| line.starts_with("claims"));
        claims.unwrap().to_owned()
    };
    let claims = claims_of(&[]);
    assert!(
        claims.contains("https://file.example") && claims.contains("first"),
        "{claims}"
    );
    let claims = claims_of(&[(
        "TODOWARD__AUTH__ISSUERS",
        " https://one.example , https://two.example",
    )]);
    assert!(claims.contains("https://one.example"), "{claims}");
    assert!(
        !claims.contains("two.example") && !claims.contains("file.example"),
        "{claims}"
    );
    let claims = claims_of(&[("TODOWARD__AUTH__ISSUERS", "")]);
    assert!(!claims.contains("\"iss\""), "empty means none: {claims}");
}
