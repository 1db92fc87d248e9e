//! With passwords and the access list of the sample: an operator may, a box may not command another, a stranger nothing.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::mqtt::client::access::with_users;

#[test]
fn an_operator_commands_boxes_and_others_do_not() {
    let broker = with_users(&["kasse-1", "kasse-2", "operator"]);
    let it = spawned(
        &broker,
        "kasse-1",
        "user = \"kasse-1\"\npassword = \"kasse-1-pw\"",
    );
    let as_user = |user: &str, password: &str, args: &[&str]| {
        let file = it.path(&format!("{user}.password"));
        std::fs::write(&file, format!("{password}\n")).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        let mut command = command(&broker.url(), args);
        // Where everybody could read a flag, the environment names the file.
        command
            .env("BOOTHCAST_USER", user)
            .env("BOOTHCAST_PASSWORD_FILE", &file);
        let (code, out, err) = run_to_end(&mut command, LIMIT);
        assert!(!format!("{out}{err}").contains(password), "{out}{err}");
        (code.unwrap(), out, err)
    };
    let status = ["ctl", "--box", "kasse-1", "status"];
    crate::support::wait_for("an answer", LIMIT, || {
        (as_user("operator", "operator-pw", &status).0 == 0).then_some(())
    });
    let (code, out, _) = as_user("operator", "operator-pw", &["fleet", "ls"]);
    assert!(code == 0 && out.contains("kasse-1"), "{out}");
    let picture = text(&it.path("a.jpg")).to_owned();
    let snapshot = ["ctl", "--box", "kasse-1", "snapshot", "-o", &picture];
    crate::support::wait_for("a picture", LIMIT, || {
        (as_user("operator", "operator-pw", &snapshot).0 == 0).then_some(())
    });

    let (code, _, err) = as_user(
        "kasse-2",
        "kasse-2-pw",
        &["ctl", "--box", "kasse-1", "reboot", "--yes"],
    );
    assert!(
        code == 77 && err.contains("does not allow it"),
        "{code} {err}"
    );
    let (code, _, err) = as_user("operator", "guessed", &status);
    assert!(code == 69 && err.contains("does not"), "{code} {err}");
}
