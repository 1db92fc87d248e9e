//! Certificates for the tests, by openssl.

use std::path::Path;
use std::process::Command;

fn openssl(dir: &Path, arguments: &str) {
    let done = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(done.status.success(), "openssl {arguments}: {done:?}");
}

/// An authority `{name}.crt`.
pub fn authority(dir: &Path, name: &str) {
    openssl(
        dir,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name} -keyout {name}.key -out {name}.crt"
        ),
    );
}

/// A certificate `{name}.crt` of the authority `ca` with this common name and these names (as in openssl's
/// `subjectAltName`), valid for so many days from now on.
pub fn certificate(dir: &Path, ca: &str, name: &str, common: &str, names: &str, days: i32) {
    std::fs::write(dir.join("ext"), format!("subjectAltName={names}\n")).unwrap();
    openssl(
        dir,
        &format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={common} -keyout {name}.key -out {name}.csr"
        ),
    );
    openssl(
        dir,
        &format!(
            "x509 -req -in {name}.csr -CA {ca}.crt -CAkey {ca}.key -CAcreateserial -days {days} -extfile ext -out {name}.crt"
        ),
    );
    // mosquitto reads them as its own user.
    for file in std::fs::read_dir(dir).unwrap() {
        let open = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
        std::fs::set_permissions(file.unwrap().path(), open).unwrap();
    }
}
